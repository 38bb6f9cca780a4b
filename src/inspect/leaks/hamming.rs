//! Hashes of 64 bits that differ in few bits, found without a comparison of all with all.

/// Bits of a part of a hash.
const PART: u32 = 16;
/// Parts of a hash.
const PARTS: u32 = 64 / PART;

/// Multi-index hashing (Norouzi et al. 2012): where two hashes differ in `r` bits at most, one of their four parts differs in `r / 4` at most. So a search looks at
/// the hashes with such a part, 137 of 65,536 parts for `r = 8`, four times. Hashes that have a part in common with most others make it slower, never wrong.
#[derive(Debug)]
pub(super) struct HammingIndex {
    hashes: Vec<u64>,
    /// For each part, where the hashes with each value of it begin in the list of hashes by that part.
    tables: Vec<(Vec<u32>, Vec<u32>)>,
}

impl HammingIndex {
    /// Bytes beside the hashes: four lists of them, and where each value begins.
    pub(super) const fn bytes(hashes: u64) -> u64 {
        hashes * (8 + 4 * PARTS as u64) + ((1 << PART) + 1) * 4 * PARTS as u64
    }

    /// An index of hashes, which are known by their number.
    pub(super) fn new(hashes: Vec<u64>) -> Self {
        let table = |part: u32| {
            let mut starts = vec![0_u32; (1 << PART) + 1];
            hashes.iter().for_each(|&hash| starts[value(hash, part) + 1] += 1);
            (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
            let (mut next, mut rows) = (starts.clone(), vec![0; hashes.len()]);
            for (row, &hash) in (0..).zip(&hashes) {
                let at = &mut next[value(hash, part)];
                rows[*at as usize] = row;
                *at += 1;
            }
            (starts, rows)
        };
        Self {
            tables: (0..PARTS).map(table).collect(),
            hashes,
        }
    }

    /// Calls `with(number, differing bits)` once for each hash that differs from `hash` in `radius` bits at most, in no order that means anything but the same
    /// each time.
    pub(super) fn within(&self, hash: u64, radius: u32, mut with: impl FnMut(u32, u32)) {
        let reach = radius / PARTS;
        for part in 0..PARTS {
            let (starts, rows) = &self.tables[part as usize];
            each_near(value(hash, part), reach, &mut |value| {
                for &row in &rows[starts[value] as usize..starts[value + 1] as usize] {
                    let differing = self.hashes[row as usize] ^ hash;
                    // An earlier part has found it.
                    let is_known = (0..part).any(|part| value_bits(differing, part) <= reach);
                    if !is_known && differing.count_ones() <= radius {
                        with(row, differing.count_ones());
                    }
                }
            });
        }
    }
}

fn value(hash: u64, part: u32) -> usize {
    (hash >> (part * PART) & ((1 << PART) - 1)) as usize
}

fn value_bits(differing: u64, part: u32) -> u32 {
    value(differing, part).count_ones()
}

/// All values that differ from `value` in `reach` bits at most.
fn each_near(value: usize, reach: u32, with: &mut impl FnMut(usize)) {
    fn flipped(value: usize, from: u32, left: u32, with: &mut impl FnMut(usize)) {
        with(value);
        if left > 0 {
            (from..PART).for_each(|bit| flipped(value ^ 1 << bit, bit + 1, left - 1, with));
        }
    }
    flipped(value, 0, reach, with);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn what_is_found_is_what_a_comparison_of_all_finds() {
        let mut rng = Rng::new(3, "hashes", 0);
        // Half of them near others, so that there is something to find.
        let mut hashes: Vec<u64> = (0..600).map(|_| rng.next_u64()).collect();
        for at in 0..600 {
            let mut hash = hashes[at];
            (0..rng.next_u64() % 14).for_each(|_| hash ^= 1 << (rng.next_u64() % 64));
            hashes.push(hash);
        }
        hashes.push(hashes[0]);
        let index = HammingIndex::new(hashes.clone());
        for radius in [0, 1, 3, 4, 8, 10, 12] {
            for &query in &hashes {
                let mut found = Vec::new();
                index.within(query, radius, |row, bits| found.push((row, bits)));
                found.sort_unstable();
                let all = (0..).zip(&hashes).map(|(row, hash)| (row, (hash ^ query).count_ones()));
                let expected: Vec<(u32, u32)> = all.filter(|&(_, bits)| bits <= radius).collect();
                assert_eq!(found, expected, "{query:x} within {radius}");
            }
        }
    }
}
