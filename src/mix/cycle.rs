//! Exact proportions: a cycle of slots in which each class has its share of every prefix, to within one row.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A cycle of slots, each of a class, in an order that keeps `|count(k) - share * k| < 1` at every prefix `k`.
///
/// Slots are given out by earliest deadline: the `j`-th row of a class with `a` of `n` slots may come from slot
/// `j n / a` on and must have come before slot `(j + 1) n / a`, which always works out (Steiner and Yeomans 1993).
#[derive(Clone, Debug)]
pub(crate) struct Cycle {
    class: Vec<u32>,
    /// How many slots of the same class come before, in the cycle.
    rank: Vec<u32>,
    /// The slots of each class, ascending.
    slots: Vec<Vec<u32>>,
}

impl Cycle {
    /// The longest cycle, about 50 MB: in a larger epoch shares are met to a four-millionth.
    pub(crate) const MOST: u64 = 1 << 22;

    /// A cycle for `shares` (which sum to 1). Where they come out even over a few blocks of `block` slots, it is so long,
    /// and every block is exact; else it is an epoch of `rows`, and the epoch is exact. A class with a share has a slot.
    pub(crate) fn new(shares: &[f64], block: u64, rows: u64) -> Self {
        let classes = shares.iter().filter(|&&share| share > 0.0).count().max(1) as u64;
        let unit = (block / gcd(block, classes)).saturating_mul(classes);
        let slots = |share: &f64| share * unit as f64;
        let even = shares
            .iter()
            .all(|share| (slots(share) - slots(share).round()).abs() < 1e-6);
        let length = if even && unit <= Self::MOST {
            unit
        } else {
            rows.min(Self::MOST)
        };
        Self::of_counts(&with_rarest(shares, largest_remainder(shares, length)))
    }

    /// A cycle of as many slots as `counts` sum to, `counts[class]` of each class.
    pub(crate) fn of_counts(counts: &[u64]) -> Self {
        let length: u64 = counts.iter().sum();
        let mut cycle = Self {
            class: Vec::new(),
            rank: Vec::new(),
            slots: vec![Vec::new(); counts.len()],
        };
        let first = |class: usize| Reverse((0, class));
        let mut waiting: BinaryHeap<_> = (0..counts.len()).filter(|&c| counts[c] > 0).map(first).collect();
        let mut ready = BinaryHeap::new();
        for slot in 0..length {
            while let Some(&Reverse((_, class))) = waiting.peek().filter(|entry| entry.0.0 <= slot) {
                waiting.pop();
                let rank = cycle.slots[class].len() as u64;
                ready.push(Reverse((((rank + 1) * length).div_ceil(counts[class]), class)));
            }
            let Some(Reverse((_, class))) = ready.pop() else { break };
            cycle.put(class, slot);
            let next = cycle.slots[class].len() as u64;
            if next < counts[class] {
                waiting.push(Reverse((next * length / counts[class], class)));
            }
        }
        cycle
    }

    fn put(&mut self, class: usize, slot: u64) {
        self.class.push(class as u32);
        self.rank.push(self.slots[class].len() as u32);
        self.slots[class].push(slot as u32);
    }

    /// Slots.
    pub(crate) fn len(&self) -> u64 {
        self.class.len() as u64
    }

    /// Slots of `class`.
    pub(crate) fn slots(&self, class: usize) -> u64 {
        self.slots[class].len() as u64
    }

    /// Where the row of `class` comes that has `rank` before it. None for a class without slots, and beyond 2^64.
    pub(crate) fn place(&self, class: usize, rank: u64) -> Option<u64> {
        let slots = &self.slots[class];
        let round = rank.checked_div(slots.len() as u64)?.checked_mul(self.len())?;
        round.checked_add(u64::from(slots[(rank % slots.len() as u64) as usize]))
    }

    /// The class at `index`, and how many rows of that class come before it.
    pub(crate) fn at(&self, index: u64) -> (usize, u64) {
        let (round, slot) = (index / self.len(), (index % self.len()) as usize);
        let class = self.class[slot] as usize;
        (
            class,
            round * self.slots[class].len() as u64 + u64::from(self.rank[slot]),
        )
    }

    /// Rows of `class` among the first `prefix`.
    pub(crate) fn count(&self, class: usize, prefix: u64) -> u64 {
        let (rounds, rest) = (prefix / self.len(), prefix % self.len());
        let slots = &self.slots[class];
        rounds * slots.len() as u64 + slots.partition_point(|&slot| u64::from(slot) < rest) as u64
    }
}

/// Whole numbers in proportion to `weights`: the smallest ones that are so to 12 digits, where they sum to no more than
/// `most`; else rounded, so that they sum to `most` or 2^20. A class with a weight has one.
pub(crate) fn whole(weights: &[f64], most: u64) -> Vec<u64> {
    ratio(weights, most).unwrap_or_else(|| {
        let total: f64 = weights.iter().sum();
        let shares: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        with_rarest(&shares, largest_remainder(&shares, most.min(1 << 20)))
    })
}

/// The smallest whole numbers in proportion to `weights`, to 12 digits, where they sum to no more than `most`.
pub(crate) fn ratio(weights: &[f64], most: u64) -> Option<Vec<u64>> {
    let total: f64 = weights.iter().sum();
    let shares = || weights.iter().map(|weight| weight / total);
    let mut length = 1;
    for share in shares() {
        let other = denominator(share, most)?;
        length = length / gcd(length, other) * other;
        if length > most {
            return None;
        }
    }
    let counts: Vec<u64> = shares().map(|share| (share * length as f64).round() as u64).collect();
    let kept = |(&weight, &count): (&f64, &u64)| count > 0 || weight == 0.0;
    let fits = counts.iter().sum::<u64>() == length && weights.iter().zip(&counts).all(kept);
    fits.then_some(counts)
}

/// The denominator of the first convergent of `share`'s continued fraction that is it, to 12 digits.
fn denominator(share: f64, most: u64) -> Option<u64> {
    let (mut rest, mut before, mut at) = (share, 0, 1_u64);
    while at <= most {
        let scaled = share * at as f64;
        if (scaled - scaled.round()).abs() <= scaled * 1e-12 {
            return Some(at);
        }
        rest = 1.0 / rest.fract();
        (before, at) = (at, (rest.floor() as u64).saturating_mul(at).saturating_add(before));
    }
    None
}

/// Whole numbers in proportion to `shares` that sum to `total`: the rest goes to the largest fractions.
fn largest_remainder(shares: &[f64], total: u64) -> Vec<u64> {
    let exact: Vec<f64> = shares.iter().map(|share| share * total as f64).collect();
    let mut counts: Vec<u64> = exact.iter().map(|value| (value + 1e-9).floor() as u64).collect();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| {
        (exact[b] - counts[b] as f64)
            .total_cmp(&(exact[a] - counts[a] as f64))
            .then(a.cmp(&b))
    });
    let missing = total.saturating_sub(counts.iter().sum());
    for &class in order.iter().cycle().take(missing as usize) {
        counts[class] += 1;
    }
    counts
}

/// A class that has a share but no slot gets one of the largest class's, so that it comes at all.
fn with_rarest(shares: &[f64], mut counts: Vec<u64>) -> Vec<u64> {
    let without = (0..counts.len()).filter(|&class| shares[class] > 0.0 && counts[class] == 0);
    for class in without.collect::<Vec<_>>() {
        let largest = (0..counts.len()).max_by_key(|&other| counts[other]).unwrap_or(class);
        if counts[largest] > 1 {
            counts[largest] -= 1;
            counts[class] += 1;
        }
    }
    counts
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_is_within_one_row() {
        for counts in [
            vec![1, 1],
            vec![1, 2, 3],
            vec![500, 299, 179, 107, 64, 38, 23, 13, 8, 5],
            vec![1; 37],
            vec![7],
        ] {
            let (cycle, n) = (Cycle::of_counts(&counts), counts.iter().sum::<u64>());
            assert_eq!(cycle.len(), n);
            for prefix in 0..2 * n {
                for (class, &count) in counts.iter().enumerate() {
                    let error = cycle.count(class, prefix) as f64 - (prefix * count) as f64 / n as f64;
                    assert!(error.abs() < 1.0, "{counts:?} class {class} prefix {prefix}: {error}");
                }
            }
        }
    }

    #[test]
    fn weights_become_the_smallest_whole_numbers() {
        for (weights, counts) in [
            (vec![0.7, 0.2, 0.1], vec![7, 2, 1]),
            (vec![1.0, 1.0 / 3.0], vec![3, 1]),
            (vec![1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], vec![1, 1, 1]),
            (vec![60_000.0, 50_000.0, 12_345.0], vec![12_000, 10_000, 2469]),
            (vec![5.0], vec![1]),
            (vec![0.5, 0.0, 1.5], vec![1, 0, 3]),
            (vec![3_000_017.0, 1.0], vec![3_000_017, 1]),
        ] {
            assert_eq!(whole(&weights, Cycle::MOST), counts, "{weights:?}");
        }
        let odd = whole(&[std::f64::consts::PI, std::f64::consts::E, 1e-9], Cycle::MOST);
        assert_eq!((odd.iter().sum::<u64>(), odd[2]), (1 << 20, 1));
    }

    #[test]
    fn a_row_is_where_its_rank_says() {
        let cycle = Cycle::of_counts(&[7, 2, 0, 1]);
        for index in 0..100 {
            let (class, rank) = cycle.at(index);
            assert_eq!(cycle.place(class, rank), Some(index));
        }
        assert_eq!((cycle.place(2, 0), cycle.place(3, u64::MAX / 4)), (None, None));
    }

    #[test]
    fn ranks_count_up() {
        let cycle = Cycle::new(&[0.5, 0.3, 0.2], 64, 1000);
        let mut seen = [0; 3];
        for index in 0..10_000 {
            let (class, rank) = cycle.at(index);
            assert_eq!(rank, seen[class]);
            seen[class] += 1;
            assert_eq!(cycle.count(class, index + 1), seen[class]);
        }
    }

    #[test]
    fn equal_shares_are_exact_in_every_block() {
        let cycle = Cycle::new(&[0.25; 4], 64, 1000);
        for block in 0..100 {
            for class in 0..4 {
                assert_eq!(
                    cycle.count(class, (block + 1) * 64) - cycle.count(class, block * 64),
                    16
                );
            }
        }
    }

    #[test]
    fn an_epoch_is_exact_and_no_class_with_a_share_is_left_out() {
        let stored = [1000, 237, 4, 1, 0];
        let shares = stored.map(|count| count as f64 / 1242.0);
        let cycle = Cycle::new(&shares, 64, 1242);
        assert_eq!([0, 1, 2, 3, 4].map(|class| cycle.count(class, 1242)), stored);
        let cycle = Cycle::new(&[0.5, 0.499_999, 0.000_001, 0.0], 64, 100);
        assert_eq!([0, 1, 2, 3].map(|class| cycle.count(class, 100)), [50, 49, 1, 0]);
    }
}
