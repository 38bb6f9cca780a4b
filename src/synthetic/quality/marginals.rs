//! Single columns: whether their values are spread as the real ones.

use super::interval::{Interval, mean_and_deviation};
use crate::rng::Rng;

/// Draws of the bootstrap by which intervals are estimated.
const DRAWS: u64 = 100;

/// 1 less the Kolmogorov-Smirnov distance of two columns of numbers: the largest difference of their distribution functions. 1 where they
/// are the same, 0 where no value of one lies between those of the other. SDMetrics' `KSComplement` has the same values.
///
/// The interval is by the bootstrap's deviation. Not a number where one has no values.
///
/// ```
/// use millstream::synthetic::quality::ks_complement;
///
/// let found = ks_complement(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0], 0);
/// assert_eq!(found.value, 0.5);
/// ```
pub fn ks_complement(real: &[f64], synthetic: &[f64], seed: u64) -> Interval {
    let mut all: Vec<(f64, usize, usize)> = Vec::with_capacity(real.len() + synthetic.len());
    all.extend(real.iter().enumerate().map(|(row, &value)| (value, 0, row)));
    all.extend(synthetic.iter().enumerate().map(|(row, &value)| (value, 1, row)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    bootstrapped([real.len(), synthetic.len()], seed, "ks", |weights| {
        let (mut reached, mut largest) = ([0_u64; 2], 0.0_f64);
        let totals = [real.len() as f64, synthetic.len() as f64];
        for (at, &(value, set, row)) in all.iter().enumerate() {
            reached[set] += u64::from(weights[set][row]);
            if all.get(at + 1).is_none_or(|next| next.0 != value) {
                let [a, b] = [0, 1].map(|set| reached[set] as f64 / totals[set]);
                largest = largest.max((a - b).abs());
            }
        }
        1.0 - largest
    })
}

/// 1 less the total variation of two columns of categories: half the sum of the differences of their shares. SDMetrics' `TVComplement` has
/// the same values.
///
/// The interval is by the bootstrap's deviation. Not a number where one has no values.
///
/// ```
/// use millstream::synthetic::quality::tv_complement;
///
/// assert_eq!(tv_complement(&[0, 0, 1, 1], &[0, 1, 1, 1], 0).value, 0.75);
/// ```
pub fn tv_complement(real: &[u32], synthetic: &[u32], seed: u64) -> Interval {
    let categories = real.iter().chain(synthetic).max().map_or(0, |&most| most as usize + 1);
    bootstrapped([real.len(), synthetic.len()], seed, "tv", |weights| {
        let count = |of: &[u32], weights: &[u8]| {
            let mut counts = vec![0_u64; categories];
            of.iter()
                .zip(weights)
                .for_each(|(&category, &weight)| counts[category as usize] += u64::from(weight));
            counts
        };
        let (a, b) = (count(real, &weights[0]), count(synthetic, &weights[1]));
        let shares = a.iter().zip(&b);
        let apart = shares.map(|(&a, &b)| (a as f64 / real.len() as f64 - b as f64 / synthetic.len() as f64).abs());
        1.0 - apart.sum::<f64>() / 2.0
    })
}

/// A figure of two columns in which each value counts as often as its weight says, with the bootstrap's deviation as its standard error.
fn bootstrapped(rows: [usize; 2], seed: u64, name: &str, figure: impl Fn(&[Vec<u8>; 2]) -> f64) -> Interval {
    if rows.contains(&0) {
        return Interval::exact(f64::NAN);
    }
    let value = figure(&rows.map(|rows| vec![1; rows]));
    let draw = |repetition| {
        let mut rng = Rng::new(seed, name, repetition);
        figure(&rows.map(|rows| {
            let mut weights = vec![0_u8; rows];
            for _ in 0..rows {
                let drawn = rng.below(rows as u64) as usize;
                weights[drawn] = weights[drawn].saturating_add(1);
            }
            weights
        }))
    };
    let draws: Vec<f64> = (0..DRAWS).map(draw).collect();
    Interval::normal(value, mean_and_deviation(&draws).1).within(0.0, 1.0)
}
