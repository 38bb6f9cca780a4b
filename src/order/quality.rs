//! How well a block shuffle mixes, in figures.

use super::block_order::BlockOrder;
use crate::rng::Rng;

/// How far an order is from a uniform permutation (Fisher and Yates 1938), in three figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Share of neighbours in the order that are stored in one block, 0 to 1.
    pub adjacent: f64,
    /// Correlation of the stored places of neighbours (lag 1), -1 to 1; that of a uniform order is `-1 / (rows - 1)`.
    pub serial: f64,
    /// How far the class mix of a batch is from that of the whole, in the worst case: a file that is sorted by class.
    /// Total-variation distance, 0 to 1, the mean over batches of 64 rows and 10 classes of equal size.
    pub skew: f64,
}

impl Quality {
    /// Rows of a batch, and classes, that [`skew`](Self::skew) speaks of.
    pub const BATCH: u64 = 64;
    /// Classes of equal size, one after the other in the file.
    pub const CLASSES: u64 = 10;
    /// Batches that stand for all in an expected skew.
    const SAMPLE: u64 = 64;

    /// What to expect of a shuffle of blocks of `lengths` rows, `window` blocks at a time. A window of all blocks is the
    /// uniform permutation.
    ///
    /// The first two figures are exact expectations for blocks of one length and good ones for others; the third is
    /// measured in 64 batches of one order, under a seed of its own.
    pub fn of(lengths: &[u64], window: usize) -> Self {
        let rows: u64 = lengths.iter().sum();
        let adjacent = adjacent(lengths, window);
        let order = BlockOrder::new(lengths, window, &mut Rng::new(0, "quality", 0));
        let batches = rows / Self::BATCH;
        let sample = batches.min(Self::SAMPLE);
        let skews = (0..sample).map(|i| {
            let start = (u128::from(i) * u128::from(batches) / u128::from(sample)) as u64 * Self::BATCH;
            skew((start..start + Self::BATCH).map(|index| order.get(index)), rows)
        });
        Self {
            adjacent,
            serial: serial(lengths, adjacent),
            skew: mean(skews),
        }
    }

    /// The first figure alone.
    pub(super) fn adjacent(lengths: &[u64], window: usize) -> f64 {
        adjacent(lengths, window)
    }

    /// What an epoch's rows in `order` show, which are stored in blocks of `lengths` rows.
    pub fn measured(lengths: &[u64], order: &[u64]) -> Self {
        let ends: Vec<u64> = lengths.iter().scan(0, |end, &rows| Some(add(end, rows))).collect();
        let rows = ends.last().copied().unwrap_or(0);
        let block = |row: u64| ends.partition_point(|&end| end <= row);
        let (middle, variance) = ((rows as f64 - 1.0) / 2.0, variance(rows));
        let pairs = || order.iter().zip(order.iter().skip(1));
        let product = |(&a, &b): (&u64, &u64)| (a as f64 - middle) * (b as f64 - middle) / variance;
        let batches = order.chunks_exact(Self::BATCH as usize);
        Self {
            adjacent: mean(pairs().map(|(&a, &b)| f64::from(u8::from(block(a) == block(b))))),
            serial: mean(pairs().map(product)),
            skew: mean(batches.map(|batch| skew(batch.iter().copied(), rows))),
        }
    }
}

fn add(sum: &mut u64, more: u64) -> u64 {
    *sum += more;
    *sum
}

/// The mean; 0 of nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_u64);
    for value in values {
        (sum, count) = (sum + value, count + 1);
    }
    sum / count.max(1) as f64
}

/// Of the places `0..rows`; 1 where there is only one, which has no correlation with anything.
fn variance(rows: u64) -> f64 {
    ((rows as f64).powi(2) - 1.0).max(3.0) / 12.0
}

/// A block's rows follow each other `L - 1` in `S` times in a window of `S` rows, which is on average the block and its
/// share of the others. The last window may have fewer blocks.
fn adjacent(lengths: &[u64], window: usize) -> f64 {
    let rows: u64 = lengths.iter().sum();
    let (total, count) = (rows as f64, lengths.len());
    let window = window.clamp(1, count.max(1));
    let rest = count % window;
    let part = |blocks: usize, length: f64| {
        let others = (total - length) / (count as f64 - 1.0).max(1.0);
        blocks as f64 / count as f64 / (length + (blocks as f64 - 1.0) * others)
    };
    let neighbours = lengths.iter().filter(|&&length| length > 1).map(|&length| {
        let length = length as f64;
        let windows = (count / window) as f64;
        let last = if rest > 0 { part(rest, length) } else { 0.0 };
        length * (length - 1.0) * (windows * part(window, length) + last)
    });
    neighbours.sum::<f64>() / (total - 1.0).max(1.0)
}

/// Neighbours of one block are a pair out of that block, others a pair out of two: all pairs together have the covariance
/// of a permutation.
fn serial(lengths: &[u64], adjacent: f64) -> f64 {
    let rows = lengths.iter().sum::<u64>();
    let total = rows as f64;
    if rows < 2 {
        return 0.0;
    }
    let (mut start, mut pairs, mut within) = (0.0, 0.0, 0.0);
    for &length in lengths {
        let length = length as f64;
        let off = start + (length - 1.0) / 2.0 - (total - 1.0) / 2.0;
        pairs += length * (length - 1.0);
        within += length * (length - 1.0) * (off * off - (length + 1.0) / 12.0);
        start += length;
    }
    let (others, between) = (total * (total - 1.0) - pairs, -total * variance(rows) - within);
    let share = |sum: f64, pairs: f64| if pairs > 0.0 { sum / pairs } else { 0.0 };
    (adjacent * share(within, pairs) + (1.0 - adjacent) * share(between, others)) / variance(rows)
}

/// Total-variation distance between a batch's class mix and an even one, in a file of `rows` rows sorted by class.
fn skew(batch: impl Iterator<Item = u64>, rows: u64) -> f64 {
    let mut counts = [0_u64; Quality::CLASSES as usize];
    for row in batch {
        counts[(u128::from(row) * u128::from(Quality::CLASSES) / u128::from(rows)) as usize] += 1;
    }
    let total = counts.iter().sum::<u64>().max(1) as f64;
    let even = 1.0 / Quality::CLASSES as f64;
    counts
        .iter()
        .map(|&count| (count as f64 / total - even).abs())
        .sum::<f64>()
        / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_what_is_measured() {
        for (lengths, window, most) in [
            (vec![40; 30], 1, 1e-9),
            (vec![40; 30], 4, 0.004),
            (vec![40; 30], 7, 0.004),
            (vec![40; 30], 30, 0.004),
            (vec![10, 90, 40, 60, 20, 80, 30, 70, 50, 50, 64, 36], 3, 0.03),
        ] {
            let (rows, of) = (lengths.iter().sum::<u64>(), Quality::of(&lengths, window));
            let (mut adjacent, mut serial, mut skew) = (0.0, 0.0, 0.0);
            for seed in 0..400 {
                let order = BlockOrder::new(&lengths, window, &mut Rng::new(seed, "measured", 0));
                let order: Vec<u64> = (0..rows).map(|index| order.get(index)).collect();
                let found = Quality::measured(&lengths, &order);
                adjacent += found.adjacent / 400.0;
                serial += found.serial / 400.0;
                skew += found.skew / 400.0;
            }
            assert!((of.adjacent - adjacent).abs() < most, "{window}: {of:?}, {adjacent}");
            assert!((of.serial - serial).abs() < 0.01 + most, "{window}: {of:?}, {serial}");
            assert!((of.skew - skew).abs() < 0.1 + 4.0 * most, "{window}: {of:?}, {skew}");
        }
    }

    #[test]
    fn the_ends_of_the_scale() {
        let order: Vec<u64> = (0..1280).collect();
        let stored = Quality::measured(&[64; 20], &order);
        assert!(stored.adjacent > 0.98 && stored.serial > 0.99, "{stored:?}");
        assert!((stored.skew - 0.9).abs() < 1e-12, "{stored:?}");
        assert!((Quality::of(&[64; 20], 1).skew - 0.9).abs() < 1e-12);
        let uniform = Quality::of(&[64; 20], 20);
        assert!((uniform.adjacent - 63.0 / 1279.0).abs() < 1e-12, "{uniform:?}");
        assert!((uniform.serial + 1.0 / 1279.0).abs() < 1e-12, "{uniform:?}");
        for lengths in [&[1][..], &[5], &[1; 9], &[2, 1]] {
            for window in [1, 2, usize::MAX] {
                let of = Quality::of(lengths, window);
                assert!(
                    of.adjacent >= 0.0 && of.adjacent <= 1.0 && of.serial.abs() <= 1.0,
                    "{of:?}"
                );
            }
        }
    }
}
