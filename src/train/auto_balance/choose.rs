//! The rule of one standard error.

use super::candidate::Candidate;
use serde::{Deserialize, Serialize};

/// What a cross-validation says of one candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What was tried.
    pub candidate: Candidate,
    /// The mean balanced accuracy over the folds, in `0..=1`.
    pub balanced_accuracy: f64,
    /// Its standard error: the deviation between folds over the root of their number.
    pub standard_error: f64,
    /// The balanced accuracy of each fold.
    pub folds: Vec<f64>,
}

/// All trials, the simplest first, and which of them is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The trials.
    pub trials: Vec<Trial>,
    /// The one with the highest balanced accuracy; of equal ones the simplest.
    pub best: usize,
    /// The simplest whose balanced accuracy is at least the best one's less its standard error.
    pub chosen: usize,
}

impl Trial {
    /// The figures of `candidate`, whose balanced accuracy in the folds was that of `folds`.
    pub(super) fn new(candidate: Candidate, folds: Vec<f64>) -> Self {
        let n = folds.len() as f64;
        let mean = folds.iter().sum::<f64>() / n;
        let squares: f64 = folds.iter().map(|fold| (fold - mean).powi(2)).sum();
        Self {
            candidate,
            balanced_accuracy: mean,
            standard_error: (squares / (n - 1.0).max(1.0) / n).sqrt(),
            folds,
        }
    }
}

impl Choice {
    /// The choice among `trials`, the simplest first.
    pub(super) fn of(trials: Vec<Trial>) -> Self {
        let better = |best: usize, at: usize| match trials[at].balanced_accuracy > trials[best].balanced_accuracy {
            true => at,
            false => best,
        };
        let best = (0..trials.len()).fold(0, better);
        let least = trials[best].balanced_accuracy - trials[best].standard_error;
        let chosen = trials.iter().position(|trial| trial.balanced_accuracy >= least);
        Self {
            best,
            chosen: chosen.unwrap_or(best),
            trials,
        }
    }

    /// The candidate that is taken.
    pub fn candidate(&self) -> &Candidate {
        &self.trials[self.chosen].candidate
    }
}

#[cfg(test)]
mod tests {
    use super::super::AutoBalance;
    use super::*;

    fn choice(folds: &[[f64; 2]]) -> Choice {
        let candidates = AutoBalance::new().candidates().into_iter();
        let trials = candidates
            .zip(folds)
            .map(|(candidate, folds)| Trial::new(candidate, folds.to_vec()));
        Choice::of(trials.collect())
    }

    #[test]
    fn the_simplest_within_one_standard_error_of_the_best_is_taken() {
        // Mean 0.80 with an error of 0.02: 0.78 is near enough, 0.77 is not.
        let chosen = choice(&[[0.77, 0.77], [0.781, 0.781], [0.9, 0.6], [0.78, 0.82]]);
        assert_eq!((chosen.best, chosen.chosen), (3, 1));
        assert!((chosen.trials[3].standard_error - 0.02).abs() < 1e-12);
        assert!((chosen.trials[3].balanced_accuracy - 0.8).abs() < 1e-12);
        let chosen = choice(&[[0.8, 0.8], [0.8, 0.8]]);
        assert_eq!((chosen.best, chosen.chosen), (0, 0));
    }
}
