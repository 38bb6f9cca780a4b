//! `--on-error` and `--max-errors`.

use clap::{Args, ValueEnum};
use millstream::task::OnBadRow;

/// What is done with rows whose pictures cannot be read.
#[derive(Args)]
pub(crate) struct OnError {
    /// What to do with a row whose picture is null, cut or no picture
    #[arg(long, value_enum, value_name = "skip|replace|fail", default_value_t = Choice::Fail)]
    on_error: Choice,
    /// The most such rows; one more is an error
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_errors: u64,
}

/// As [`OnError`], for predictions.
#[derive(Args)]
pub(crate) struct OnPredictionError {
    /// What to do with a row whose picture is null, cut or no picture: end, or leave its prediction null and say why
    #[arg(long, value_enum, value_name = "skip|fail", default_value_t = PredictionChoice::Fail)]
    on_error: PredictionChoice,
    /// The most such rows; one more is an error
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_errors: u64,
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
    pub(crate) fn rule(&self) -> OnBadRow {
        let at_most = self.max_errors;
        match self.on_error {
            Choice::Fail => OnBadRow::Fail,
            Choice::Skip => OnBadRow::Skip { at_most },
            Choice::Replace => OnBadRow::Replace { at_most },
        }
    }
}

impl OnPredictionError {
    pub(crate) fn rule(&self) -> OnBadRow {
        let at_most = self.max_errors;
        match self.on_error {
            PredictionChoice::Fail => OnBadRow::Fail,
            PredictionChoice::Skip => OnBadRow::Skip { at_most },
        }
    }
}
