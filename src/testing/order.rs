//! Whether an order is as random as it is said to be.

use super::broken::broken;
use crate::error::Result;
use crate::order::Quality;
use crate::rng::Rng;

/// Orders whose neighbours are looked at.
const ORDERS: u64 = 256;
/// Bins of positions and of rows at most, and seeds for each bin of positions.
const BINS: u64 = 32;
const SEEDS: u64 = 320;
/// The 0.999 quantile of the standard normal distribution: one-sided, and two-sided.
const ONE_SIDED: f64 = 3.0902;
const TWO_SIDED: f64 = 3.2905;

/// Checks that `order` is a shuffle of `blocks` blocks of `length` rows each, `window` blocks at a time, and neither
/// better nor worse than [`Quality::of`] says; with a window of all blocks, that it is a uniform permutation.
///
/// `order(seed, positions)` is the row, from 0, that comes at each position under a seed; position `p` is in epoch
/// `p / rows`. Every row comes once an epoch; epochs and seeds differ; each position has each row equally often over many
/// seeds (Pearson's chi-square); neighbours come from one block and correlate as often and as much as expected. Every
/// threshold is the 0.999 quantile, and seeds are fixed, so the answer is the same each time.
///
/// Wants at least 16 rows. Calls `order` some 10,000 times for single positions and 256 times for whole epochs.
///
/// # Errors
///
/// What is not as said, with the figures; what `order` fails with.
pub fn check_order(
    blocks: u64,
    length: u64,
    window: usize,
    order: impl Fn(u64, &[u64]) -> Result<Vec<u64>>,
) -> Result<()> {
    let rows = blocks * length;
    check_epochs(rows, &order)?;
    check_neighbours(&vec![length; blocks as usize], window, &order)?;
    check_positions(rows, &order)
}

/// A uniform permutation of `0..rows` as a table (Fisher and Yates 1938): what a shuffle is compared with.
pub fn fisher_yates(rows: u64, seed: u64) -> Vec<u64> {
    let (mut table, mut rng) = ((0..rows).collect::<Vec<_>>(), Rng::new(seed, "fisher-yates", 0));
    for last in (1..table.len()).rev() {
        table.swap(last, rng.below(last as u64 + 1) as usize);
    }
    table
}

fn check_epochs(rows: u64, order: impl Fn(u64, &[u64]) -> Result<Vec<u64>>) -> Result<()> {
    let mut seen: Vec<Vec<u64>> = Vec::new();
    for (seed, epoch) in [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)] {
        let positions: Vec<u64> = (epoch * rows..(epoch + 1) * rows).collect();
        let found = order(seed, &positions)?;
        check_once_each(rows, &found).map_err(|error| error.context(format!("epoch {epoch} of seed {seed}")))?;
        if seen.contains(&found) {
            return Err(broken(format!(
                "epoch {epoch} of seed {seed} has the order of another one"
            )));
        }
        seen.push(found);
    }
    Ok(())
}

fn check_once_each(rows: u64, found: &[u64]) -> Result<()> {
    let mut sorted = found.to_vec();
    sorted.sort_unstable();
    match sorted.iter().copied().eq(0..rows) {
        true => Ok(()),
        false => Err(broken("not every row comes once")),
    }
}

fn check_neighbours(lengths: &[u64], window: usize, order: impl Fn(u64, &[u64]) -> Result<Vec<u64>>) -> Result<()> {
    let expected = Quality::of(lengths, window);
    let positions: Vec<u64> = (0..lengths.iter().sum()).collect();
    let (mut adjacent, mut serial) = (Vec::new(), Vec::new());
    for seed in 0..ORDERS {
        let found = order(seed, &positions)?;
        check_once_each(positions.len() as u64, &found).map_err(|error| error.context(format!("seed {seed}")))?;
        let found = Quality::measured(lengths, &found);
        adjacent.push(found.adjacent);
        serial.push(found.serial);
    }
    check_mean(&adjacent, expected.adjacent, "share of neighbours from one block")?;
    check_mean(&serial, expected.serial, "serial correlation")
}

fn check_mean(values: &[f64], expected: f64, what: &str) -> Result<()> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let most = TWO_SIDED * (variance / count).sqrt() + 1e-9;
    match (mean - expected).abs() <= most {
        true => Ok(()),
        false => Err(broken(format!(
            "the {what} is {mean:.5} and not {expected:.5} (to within {most:.5})"
        ))),
    }
}

/// One position under each seed, so that all draws are independent.
fn check_positions(rows: u64, order: impl Fn(u64, &[u64]) -> Result<Vec<u64>>) -> Result<()> {
    let bins = rows.min(BINS);
    let start = |bin: u64| (bin * rows).div_ceil(bins);
    let (mut chi, mut seed) = (0.0, ORDERS);
    for bin in 0..bins {
        let mut counts = vec![0_u64; bins as usize];
        for turn in 0..SEEDS {
            let position = start(bin) + turn % (start(bin + 1) - start(bin));
            for row in order(seed, &[position])? {
                counts[(row * bins / rows) as usize] += 1;
            }
            seed += 1;
        }
        for (bin, count) in (0..).zip(counts) {
            let expected = SEEDS as f64 * (start(bin + 1) - start(bin)) as f64 / rows as f64;
            chi += (count as f64 - expected).powi(2) / expected;
        }
    }
    let freedom = (bins * (bins - 1)) as f64;
    match chi <= quantile(freedom) {
        true => Ok(()),
        false => Err(broken(format!(
            "positions do not have each row equally often: chi-square {chi:.0} with {freedom} degrees of freedom, at most \
             {:.0}",
            quantile(freedom)
        ))),
    }
}

/// The 0.999 quantile of the chi-square distribution (Wilson and Hilferty 1931).
fn quantile(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + ONE_SIDED * spread.sqrt()).powi(3)
}
