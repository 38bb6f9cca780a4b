//! `--on-error` and `--max-errors`.

use clap::{Args, ValueEnum};
use millstream::task::OnBadRow;
use millstream::{Error, Result};

/// What is done with rows whose pictures cannot be read.
#[derive(Args)]
pub(crate) struct OnError {
    /// What to do with a row whose picture is null, cut or no picture; fail if left out
    #[arg(long, value_enum, value_name = "skip|replace|fail")]
    on_error: Option<Choice>,
    /// The most such rows; one more is an error. 100 if left out
    #[arg(long, value_name = "N")]
    max_errors: Option<u64>,
}

/// As [`OnError`], for predictions.
#[derive(Args)]
pub(crate) struct OnPredictionError {
    /// What to do with a row whose picture is null, cut or no picture: end, or leave its prediction null and say why; fail if left out
    #[arg(long, value_enum, value_name = "skip|fail")]
    on_error: Option<PredictionChoice>,
    /// The most such rows; one more is an error. 100 if left out
    #[arg(long, value_name = "N")]
    max_errors: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// End with an error that names it
    Fail,
    /// Go on without it
    Skip,
    /// Take another row of its class in its place; validation rows are skipped
    Replace,
}

#[derive(Clone, Copy, ValueEnum)]
enum PredictionChoice {
    Fail,
    Skip,
}

impl OnError {
    /// The rule that was given; what was not given is as in `otherwise`.
    ///
    /// # Errors
    ///
    /// `Config` for a number of rows where a bad one ends the run.
    pub(crate) fn rule_or(&self, otherwise: OnBadRow) -> Result<OnBadRow> {
        rule(self.on_error, self.max_errors, otherwise)
    }
}

impl OnPredictionError {
    /// As [`OnError::rule_or`]. A row that cannot be predicted has no stand-in: where others are replaced it is skipped.
    pub(crate) fn rule_or(&self, otherwise: OnBadRow) -> Result<OnBadRow> {
        let choice = self.on_error.map(|choice| match choice {
            PredictionChoice::Fail => Choice::Fail,
            PredictionChoice::Skip => Choice::Skip,
        });
        Ok(match rule(choice, self.max_errors, otherwise)? {
            OnBadRow::Replace { at_most } => OnBadRow::Skip { at_most },
            rule => rule,
        })
    }
}

fn rule(choice: Option<Choice>, most: Option<u64>, otherwise: OnBadRow) -> Result<OnBadRow> {
    let (before, at_most) = match otherwise {
        OnBadRow::Fail => (Choice::Fail, OnBadRow::AT_MOST),
        OnBadRow::Skip { at_most } => (Choice::Skip, at_most),
        OnBadRow::Replace { at_most } => (Choice::Replace, at_most),
    };
    let at_most = most.unwrap_or(at_most);
    Ok(match choice.unwrap_or(before) {
        Choice::Fail if most.is_some() => {
            let message = "--max-errors says how many bad rows are allowed, and a bad row ends the command: give --on-error skip, too";
            return Err(Error::config(message));
        }
        Choice::Fail => OnBadRow::Fail,
        Choice::Skip => OnBadRow::Skip { at_most },
        Choice::Replace => OnBadRow::Replace { at_most },
    })
}
