//! What was gained inside the training rows, and the rule that chooses by it.

use super::figures::{deviation, mean};
use super::paired::rounded;
use serde::{Deserialize, Serialize};

/// A mean difference over some cross-validations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// The mean.
    pub mean: f64,
    /// Its standard error: the deviation over the cross-validations by the root of how many there are; 0 of one.
    pub error: f64,
}

impl Gain {
    /// What `ours` have in a figure beyond `repeats` in the same cross-validations.
    pub(super) fn of<F>(ours: &[F], repeats: &[F], figure: fn(&F) -> f64) -> Self {
        let pairs = ours.iter().zip(repeats);
        let differences: Vec<f64> = pairs
            .map(|(ours, repeats)| rounded(figure(ours) - figure(repeats)))
            .collect();
        Self {
            mean: mean(&differences),
            error: deviation(&differences).unwrap_or(0.0) / (differences.len().max(1) as f64).sqrt(),
        }
    }

    /// Whether it is at least its standard error.
    pub(super) fn is_beyond_error(self) -> bool {
        self.mean >= self.error
    }
}

/// What the highest of is chosen: the figure of the rarest third, where nothing is lost in the figure of the whole, before all others by that figure. Both lie in 0 to 1.
pub(super) fn score(whole: Gain, figure: f64, rarest_third: f64) -> f64 {
    match whole.is_beyond_error() {
        true => 2.0 + rarest_third,
        false => figure,
    }
}

/// Which of `scores` is the highest; of equal ones the first.
pub(super) fn highest(scores: impl Iterator<Item = f64>) -> usize {
    let first = |best: (usize, f64), (at, score)| if score > best.1 { (at, score) } else { best };
    scores.enumerate().fold((0, f64::NEG_INFINITY), first).0
}
