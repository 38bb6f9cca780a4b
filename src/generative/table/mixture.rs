//! A mixture of a few normal distributions for the numbers of one column.

use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// One of the distributions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mode {
    pub(super) weight: f64,
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// Steps of expectation and maximisation.
const STEPS: usize = 60;

/// Numbers that are looked at: of more, as many that lie evenly among them in order.
const MOST: usize = 10_000;

/// Modes with a smaller share of the numbers are left out.
const LEAST: f64 = 0.005;

/// The mixture of up to `most` modes that fits `numbers`, ascending by mean; none where there are no numbers.
///
/// It begins with as many quantiles of the numbers, and so depends on nothing but them. Of more modes than there are in the numbers some come to
/// lie on each other, which does no harm.
pub(super) fn fit(numbers: &[f64], most: usize) -> Vec<Mode> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    if sorted.len() > MOST {
        let at = |i: usize| sorted[i * (sorted.len() - 1) / (MOST - 1)];
        sorted = (0..MOST).map(at).collect();
    }
    let n = sorted.len() as f64;
    let mean = sorted.iter().sum::<f64>() / n;
    let whole = (sorted.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    if low == high || whole == 0.0 || !whole.is_finite() {
        // One value: a deviation that gives it back to rounding. Of numbers too far apart for a variance it is infinite.
        let deviation = if whole.is_finite() {
            (low.abs() * 1e-6).max(1e-12)
        } else {
            whole
        };
        return vec![Mode {
            weight: 1.0,
            mean: low,
            deviation,
        }];
    }
    // No narrower than what is a thousandth of all, so that a value that comes often is no peak without a width.
    let narrowest = whole * 1e-3;
    let start = |at: usize| sorted[(((at as f64 + 0.5) / most as f64) * n) as usize];
    let mut modes: Vec<Mode> = (0..most)
        .map(|at| Mode {
            weight: 1.0 / most as f64,
            mean: start(at),
            deviation: whole / most as f64 * 2.0,
        })
        .collect();
    let mut shares = vec![0.0; modes.len()];
    for _ in 0..STEPS {
        let mut sums = vec![[0.0_f64; 3]; modes.len()];
        for &x in &sorted {
            responsibilities(&modes, x, &mut shares);
            for (sum, &share) in sums.iter_mut().zip(&shares) {
                sum[0] += share;
                sum[1] += share * x;
            }
        }
        for (mode, sum) in modes.iter_mut().zip(&sums) {
            mode.mean = if sum[0] > 0.0 { sum[1] / sum[0] } else { mode.mean };
        }
        // The variances around the new means, which does not cancel as a difference of squares does.
        for &x in &sorted {
            responsibilities(&modes, x, &mut shares);
            for ((sum, &share), mode) in sums.iter_mut().zip(&shares).zip(&modes) {
                sum[2] += share * (x - mode.mean).powi(2);
            }
        }
        for (mode, sum) in modes.iter_mut().zip(&sums) {
            mode.weight = sum[0] / n;
            mode.deviation = (sum[2] / sum[0].max(1e-12)).sqrt().max(narrowest);
        }
        modes.retain(|mode| mode.weight >= LEAST);
        shares.truncate(modes.len());
    }
    let all: f64 = modes.iter().map(|mode| mode.weight).sum();
    modes.iter_mut().for_each(|mode| mode.weight /= all);
    modes.sort_by(|a, b| a.mean.total_cmp(&b.mean));
    modes
}

/// Which share of `x` each mode has.
fn responsibilities(modes: &[Mode], x: f64, shares: &mut [f64]) {
    let log = |mode: &Mode| {
        let z = (x - mode.mean) / mode.deviation;
        libm::log(mode.weight / mode.deviation) - 0.5 * z * z
    };
    let most = modes.iter().map(log).fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (share, mode) in shares.iter_mut().zip(modes) {
        *share = libm::exp(log(mode) - most);
        sum += *share;
    }
    shares.iter_mut().for_each(|share| *share /= sum);
}

/// A mode for `x`, drawn by the shares that the modes have in it.
pub(super) fn draw(modes: &[Mode], x: f64, rng: &mut Rng) -> usize {
    let mut shares = vec![0.0; modes.len()];
    responsibilities(modes, x, &mut shares);
    pick(&shares, rng)
}

/// A place, drawn in these proportions.
pub(super) fn pick(shares: &[f64], rng: &mut Rng) -> usize {
    let mut left = f64::from(rng.unit()) * shares.iter().sum::<f64>();
    for (at, share) in shares.iter().enumerate() {
        left -= share;
        if left < 0.0 {
            return at;
        }
    }
    // Rounding: the last place that has a share.
    shares.iter().rposition(|&share| share > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hills_are_found() {
        let mut rng = Rng::new(1, "mixture", 0);
        let numbers: Vec<f64> = (0..3000)
            .map(|at| match at % 3 {
                0 => 10.0 + 0.5 * f64::from(rng.normal()),
                _ => -5.0 + 2.0 * f64::from(rng.normal()),
            })
            .collect();
        let modes = fit(&numbers, 2);
        assert_eq!(modes.len(), 2);
        let near = |mode: Mode, expected: [f64; 3]| {
            let found = [mode.weight, mode.mean, mode.deviation];
            assert!(
                found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 0.12),
                "{mode:?} is not {expected:?}"
            );
        };
        near(modes[0], [2.0 / 3.0, -5.0, 2.0]);
        near(modes[1], [1.0 / 3.0, 10.0, 0.5]);
        // Each number belongs to its own hill.
        assert!((0..50).all(|_| draw(&modes, -4.0, &mut rng) == 0 && draw(&modes, 9.5, &mut rng) == 1));
    }

    #[test]
    fn what_hardly_varies_has_modes_that_are_finite() {
        for numbers in [vec![3.0; 40], vec![0.0], [vec![7.0; 99], vec![8.0]].concat()] {
            let modes = fit(&numbers, 5);
            assert!(!modes.is_empty());
            for mode in modes {
                let all = [mode.weight, mode.mean, mode.deviation];
                assert!(all.iter().all(|value| value.is_finite()), "{mode:?}");
            }
        }
        let far = fit(&[1e300, -1e300, 5.0], 5);
        assert!(far.len() == 1 && far[0].deviation.is_infinite());
        assert!(fit(&[], 5).is_empty());
    }

    #[test]
    fn places_are_drawn_in_proportion() {
        let mut rng = Rng::new(2, "pick", 0);
        let mut counts = [0; 3];
        (0..4000).for_each(|_| counts[pick(&[1.0, 0.0, 3.0], &mut rng)] += 1);
        assert_eq!(counts[1], 0);
        assert!((counts[0] as f64 / 4000.0 - 0.25).abs() < 0.02, "{counts:?}");
    }
}
