//! Exact counts in every batch: how many rows of each part a batch has, and in which order.

use super::cycle::Cycle;

/// A round of batches, repeated for ever. Each batch has of each part `share * size` rows, rounded up or down, and the rows of all
/// batches so far never differ by a whole row from what the shares say; at the end of a round they do not differ at all.
///
/// What rounding leaves over is dealt out as slots of a number of processors are to tasks, one to a task at a time, by the rules of PD2
/// (Anderson and Srinivasan 2001), which always works out. Inside a batch the parts lie evenly: of any run of `k` rows from its beginning
/// on a part has its share to within one row, so that ranks which cut a batch in pieces have theirs exactly where it divides.
#[derive(Clone, Debug)]
pub(super) struct BatchPattern {
    size: u64,
    parts: usize,
    /// Rows of each part before each batch of the round, and before the next round.
    before: Vec<u64>,
    /// The orders of rows in a batch, and which one each batch has.
    orders: Vec<Cycle>,
    order: Vec<u32>,
}

impl BatchPattern {
    /// Batches of a round at most.
    const BATCHES: u64 = 1024;
    /// Rows of a round at most, unless it has 16 batches.
    const ROWS: u64 = 1 << 20;

    /// Batches of `size` rows in the proportion of `shares`, which are above 0 and sum to 1.
    pub(super) fn new(shares: &[f64], size: u64) -> Self {
        let most = (Self::ROWS / size.max(1)).clamp(16, Self::BATCHES);
        let (batches, totals) = totals(shares, size, most);
        let counts = dealt(&totals, batches, size);
        let (mut before, mut orders, mut order) = (vec![0; shares.len()], Vec::new(), Vec::new());
        let mut known: Vec<&[u64]> = Vec::new();
        for of_batch in counts.chunks(shares.len().max(1)) {
            let last = before.len() - shares.len();
            for (part, count) in of_batch.iter().enumerate() {
                before.push(before[last + part] + count);
            }
            let at = known.iter().position(|other| *other == of_batch).unwrap_or_else(|| {
                known.push(of_batch);
                orders.push(Cycle::of_counts(of_batch));
                known.len() - 1
            });
            order.push(at as u32);
        }
        Self {
            size,
            parts: shares.len(),
            before,
            orders,
            order,
        }
    }

    /// Rows of a batch.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Batches of a round.
    pub(super) fn batches(&self) -> u64 {
        self.order.len() as u64
    }

    fn before(&self, batch: u64, part: usize) -> u64 {
        self.before[batch as usize * self.parts + part]
    }

    /// The part that comes at `position` of the run, and how many rows of it come before.
    pub(super) fn at(&self, position: u64) -> (usize, u64) {
        let (batch, offset) = (position / self.size, position % self.size);
        let (round, batch) = (batch / self.batches(), batch % self.batches());
        let (part, rank) = self.orders[self.order[batch as usize] as usize].at(offset);
        let rounds = round * self.before(self.batches(), part);
        (part, rounds + self.before(batch, part) + rank)
    }

    /// Rows of `part` among the first `prefix` of the run.
    pub(super) fn count(&self, part: usize, prefix: u64) -> u64 {
        let (batch, offset) = (prefix / self.size, prefix % self.size);
        let (round, batch) = (batch / self.batches(), batch % self.batches());
        let inside = self.orders[self.order[batch as usize] as usize].count(part, offset);
        round * self.before(self.batches(), part) + self.before(batch, part) + inside
    }

    /// The least and the most rows of `part` in a batch.
    pub(super) fn range(&self, part: usize) -> (u64, u64) {
        let counts = self.orders.iter().map(|order| order.slots(part));
        counts.fold((u64::MAX, 0), |(least, most), count| {
            (least.min(count), most.max(count))
        })
    }
}

/// The batches of a round, at most `most` of them, and the rows of each part in it: the shortest one that has whole numbers.
fn totals(shares: &[f64], size: u64, most: u64) -> (u64, Vec<u64>) {
    let rows = |share: &f64, batches: u64| share * (size * batches) as f64;
    let is_whole = |exact: f64| (exact - exact.round()).abs() < 1e-9 * exact.max(1.0);
    let even = |&batches: &u64| shares.iter().all(|share| is_whole(rows(share, batches)));
    let batches = (1..=most).find(even).unwrap_or(most);
    let exact: Vec<f64> = shares.iter().map(|share| rows(share, batches)).collect();
    let mut totals: Vec<u64> = exact
        .iter()
        .map(|exact| (exact + 1e-9 * exact.max(1.0)).floor() as u64)
        .collect();
    // By largest remainder.
    let mut order: Vec<usize> = (0..shares.len()).collect();
    let lack = |part: usize| exact[part] - exact[part].floor();
    order.sort_by(|&a, &b| lack(b).total_cmp(&lack(a)).then(a.cmp(&b)));
    let missing = (size * batches).saturating_sub(totals.iter().sum());
    order
        .iter()
        .cycle()
        .take(missing as usize)
        .for_each(|&part| totals[part] += 1);
    (batches, totals)
}

/// The rows of each part in each batch, batch by batch: `totals` divided by `batches`, rounded up or down.
fn dealt(totals: &[u64], batches: u64, size: u64) -> Vec<u64> {
    let whole: Vec<u64> = totals.iter().map(|total| total / batches).collect();
    let left: Vec<u64> = totals.iter().map(|total| total % batches).collect();
    let more = size - whole.iter().sum::<u64>();
    let mut given = vec![0; totals.len()];
    let mut counts = Vec::with_capacity(totals.len() * batches as usize);
    for batch in 0..batches {
        let mut ready: Vec<(Turn, usize)> = (0..totals.len())
            .filter(|&part| given[part] < left[part] && given[part] * batches / left[part] <= batch)
            .map(|part| (Turn::new(given[part] + 1, left[part], batches), part))
            .collect();
        ready.sort_unstable();
        let first = counts.len();
        counts.extend_from_slice(&whole);
        for &(_, part) in ready.iter().take(more as usize) {
            counts[first + part] += 1;
            given[part] += 1;
        }
    }
    counts
}

/// How urgent the next row of a part is, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// The batch before which it has to have come.
    deadline: u64,
    /// Whether its time does not overlap with that of the row after it: such a row can wait.
    apart: bool,
    /// Until when a part that comes in most batches would have to come in each, if this row waited: later is more urgent.
    chain: std::cmp::Reverse<u64>,
}

impl Turn {
    /// That of the `row`-th row, from 1, of a part that has `rows` in `batches`.
    fn new(row: u64, rows: u64, batches: u64) -> Self {
        let deadline = (row * batches).div_ceil(rows);
        let free = batches - rows;
        let chain = match 2 * rows >= batches && free > 0 {
            true => ((deadline * free).div_ceil(batches) * batches).div_ceil(free),
            false => 0,
        };
        Self {
            deadline,
            apart: (row * batches).is_multiple_of(rows),
            chain: std::cmp::Reverse(chain),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of each part in each batch, as `at` has them.
    fn counts(pattern: &BatchPattern, batches: u64) -> Vec<Vec<u64>> {
        let of = |batch: u64| {
            let mut counts = vec![0; pattern.parts];
            (0..pattern.size).for_each(|row| counts[pattern.at(batch * pattern.size + row).0] += 1);
            counts
        };
        (0..batches).map(of).collect()
    }

    #[test]
    fn a_half_and_two_quarters_of_a_batch_are_so_many_rows() {
        let pattern = BatchPattern::new(&[0.5, 0.25, 0.25], 64);
        assert_eq!(
            (pattern.batches(), pattern.range(0), pattern.range(2)),
            (1, (32, 32), (16, 16))
        );
        assert_eq!(counts(&pattern, 3), vec![vec![32, 16, 16]; 3]);
    }

    #[test]
    fn what_does_not_divide_is_rounded_so_that_two_batches_are_exact() {
        let pattern = BatchPattern::new(&[0.5, 0.25, 0.25], 10);
        assert_eq!(counts(&pattern, 4), [[5, 3, 2], [5, 2, 3], [5, 3, 2], [5, 2, 3]]);
    }

    /// Many vectors of shares, among them those of whole numbers that leave several rows over.
    #[test]
    fn every_batch_is_rounded_and_all_batches_together_are_within_a_row() {
        let mut state = 1_u64;
        let mut draw = move |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for case in 0..400 {
            let parts = 2 + draw(9) as usize;
            let weights: Vec<u64> = (0..parts)
                .map(|_| 1 + draw(if case % 2 == 0 { 12 } else { 1000 }))
                .collect();
            let total: u64 = weights.iter().sum();
            let shares: Vec<f64> = weights.iter().map(|&weight| weight as f64 / total as f64).collect();
            let size = 1 + draw(70);
            let pattern = BatchPattern::new(&shares, size);
            let batches = pattern.batches();
            let (mut sums, mut ranks) = (vec![0; parts], vec![0; parts]);
            let exact =
                |part: usize, rows: u64| pattern.before(batches, part) as f64 * rows as f64 / (batches * size) as f64;
            for (batch, of) in (1..).zip(counts(&pattern, 2 * batches)) {
                assert_eq!(of.iter().sum::<u64>(), size);
                for part in 0..parts {
                    sums[part] += of[part];
                    let fair = exact(part, size);
                    assert!((of[part] as f64 - fair).abs() < 1.0, "{weights:?} of {size}: {of:?}");
                    let error = sums[part] as f64 - exact(part, batch * size);
                    assert!(
                        error.abs() < 1.0 - 1e-9,
                        "{weights:?} of {size}: part {part} after {batch} batches: {error}"
                    );
                    assert_eq!(pattern.count(part, batch * size), sums[part]);
                }
            }
            for position in 0..(3 * size) {
                let (part, rank) = pattern.at(position);
                assert_eq!((rank, pattern.count(part, position)), (ranks[part], ranks[part]));
                ranks[part] += 1;
            }
        }
    }

    #[test]
    fn pieces_of_a_batch_have_their_share_where_it_divides() {
        let pattern = BatchPattern::new(&[0.5, 0.25, 0.25], 64);
        for world in [1, 2, 4, 8, 16] {
            for rank in 0..world {
                let piece =
                    |part: usize| pattern.count(part, (rank + 1) * 64 / world) - pattern.count(part, rank * 64 / world);
                assert_eq!([0, 1, 2].map(piece), [32 / world, 16 / world, 16 / world]);
            }
        }
    }
}
