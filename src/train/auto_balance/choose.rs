//! The rule of one standard error.

use super::candidate::Candidate;
use crate::error::{Error, Result};
use crate::report::{Align, Report, Table, share_with_error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

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

    /// The choice that a report tells of, if there was one.
    ///
    /// # Errors
    ///
    /// `Data` where it is none of a version that this one reads.
    pub fn of_report(report: &Report) -> Result<Option<Self>> {
        let choice = report.auto_balance.as_ref().map(Self::deserialize);
        choice
            .transpose()
            .map_err(|error| Error::data(format!("auto_balance: {error}")).with_source(error))
    }

    /// The candidate that is taken.
    pub fn candidate(&self) -> &Candidate {
        &self.trials[self.chosen].candidate
    }

    /// A row for each trial, the simplest first: balanced accuracy with its standard error, and which one is the best and which is taken.
    pub fn to_table(&self) -> Table {
        let mut table = Table::new([
            ("balance", Align::Left),
            ("loss", Align::Left),
            ("synthetic", Align::Right),
            ("balanced\naccuracy", Align::Right),
            ("", Align::Left),
        ]);
        for (at, trial) in self.trials.iter().enumerate() {
            let marks = [(self.best, "best"), (self.chosen, "taken")];
            let marks = marks
                .into_iter()
                .filter(|(which, _)| *which == at)
                .map(|(_, mark)| mark);
            table.push([
                trial.candidate.balance(),
                trial.candidate.loss.to_string(),
                trial.candidate.synthetic.to_string(),
                share_with_error(trial.balanced_accuracy, Some(trial.standard_error)),
                marks.collect::<Vec<_>>().join(", "),
            ]);
        }
        table.note("taken: the simplest within one standard error of the best");
        table.note("simplest first: the fewest of a loss, a balance and synthetic rows");
        let folds = self.trials.first().map_or(0, |trial| trial.folds.len());
        table.note(format!(
            "± one standard error over the {folds} folds of the training rows"
        ));
        table
    }

    /// What was taken and why, in a sentence.
    pub fn in_words(&self) -> String {
        let (best, taken) = (&self.trials[self.best], &self.trials[self.chosen]);
        let figure = |trial: &Trial| share_with_error(trial.balanced_accuracy, Some(trial.standard_error));
        let why = match self.best == self.chosen {
            true => "it has the highest balanced accuracy, and nothing simpler is within one standard error of it"
                .to_owned(),
            false => format!(
                "it is the simplest within one standard error of the highest balanced accuracy, {} ({})",
                figure(best),
                best.candidate
            ),
        };
        format!(
            "{}, {}, was chosen of {} in a cross-validation of {} folds inside the training rows: {why}",
            taken.candidate,
            figure(taken),
            self.trials.len(),
            taken.folds.len()
        )
    }

    /// As it stands in a report.
    pub(crate) fn to_json(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|error| Error::data(error.to_string()).with_source(error))
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

    #[test]
    fn a_choice_is_said_in_a_table_and_in_words() {
        let chosen = choice(&[[0.77, 0.77], [0.75, 0.81], [0.9, 0.6], [0.78, 0.82]]);
        let text = chosen.to_table().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            ["balance", "loss", "synthetic", "accuracy"]
        );
        let rows: Vec<Vec<&str>> = lines[3..7]
            .iter()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[0], ["none", "cross_entropy", "0", "0.770"]);
        assert_eq!(rows[1], ["none", "balanced_softmax", "0", "0.780±.030", "taken"]);
        assert_eq!(rows[3], ["uniform", "cross_entropy", "0", "0.800±.020", "best"]);
        assert_eq!(lines[7], "taken: the simplest within one standard error of the best");
        assert_eq!(lines[9], "± one standard error over the 2 folds of the training rows");
        assert_eq!(
            chosen.in_words(),
            "balance none, loss balanced_softmax, no synthetic rows, 0.780±.030, was chosen of 4 in a cross-validation of 2 folds \
             inside the training rows: it is the simplest within one standard error of the highest balanced accuracy, 0.800±.020 \
             (balance uniform, loss cross_entropy, no synthetic rows)"
        );
        let chosen = choice(&[[0.8, 0.8]]);
        assert!(
            chosen.in_words().ends_with(
                "it has the highest balanced accuracy, and nothing simpler is within one standard error of it"
            )
        );
    }
}
