//! What training rows are held out for, and whether a run is long enough for it.

use crate::error::{Error, Result};
use crate::mix::FeedbackSignal;
use crate::quote::{counted, quoted};
use crate::rows::Labels;

/// The first epoch, counted from 1, whose shares follow a report: that of epoch 1, since two epochs lie between.
const FIRST_FOLLOWING: u64 = 3;
/// Selection rows of a class from which on its recall says something.
const FEW: u64 = 5;
/// Classes that a warning names at most.
const NAMED: usize = 6;

/// What selection rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeldOutFor {
    BestEpoch,
    /// Those of later epochs follow what is measured on them.
    Shares,
    Both,
}

impl HeldOutFor {
    /// What rows are held out for in a run that selects an epoch, and has feedback, or not; none where no rows are.
    pub(super) fn of(selects: bool, feedback: bool) -> Option<Self> {
        match (selects, feedback) {
            (false, false) => None,
            (true, false) => Some(Self::BestEpoch),
            (false, true) => Some(Self::Shares),
            (true, true) => Some(Self::Both),
        }
    }

    /// Their purpose, after "held out".
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::BestEpoch => "to choose the best epoch on",
            Self::Shares => "for the shares of later epochs, which follow what is measured on them",
            Self::Both => "to choose the best epoch on, and for the shares of later ones",
        }
    }

    /// Which rows they are, after "rows".
    pub(super) fn which(self) -> &'static str {
        match self {
            Self::BestEpoch | Self::Both => "on which the best epoch is chosen",
            Self::Shares => "which the shares of later epochs follow",
        }
    }

    /// What there is to say where `held` of `all` training rows are.
    pub(super) fn note(self, held: usize, all: u64) -> String {
        format!(
            "{held} of {all} training rows are selection rows: held out {}, and in no figure of the report",
            self.in_words()
        )
    }
}

/// Refuses feedback that no epoch is there to follow, while rows would be held out for it, in so many epochs, and deep ones if stages train.
pub(super) fn check_feedback(epochs: u64, deep: Option<u64>) -> Result<()> {
    // The reports of each part of the run are its own.
    if epochs.max(deep.unwrap_or(0)) >= FIRST_FOLLOWING {
        return Ok(());
    }
    let or_deep = deep.map_or_else(String::new, |deep| format!(" (or train.deep_epochs, which is {deep})"));
    Err(Error::config(format!(
        "balance.feedback: epoch {FIRST_FOLLOWING} is the first whose shares follow a report, that of epoch 1, and train.epochs is {epochs}: let it be {FIRST_FOLLOWING} or more{or_deep}, or leave feedback out"
    )))
}

/// Which classes of selection rows feedback `by` their figures follows by few rows, where there are such.
pub(super) fn few_rows(by: FeedbackSignal, labels: &Labels) -> Option<String> {
    let counts = labels.counts();
    let few = labels.names().iter().zip(&counts).filter(|(_, count)| **count < FEW);
    let few: Vec<String> = few
        .map(|(name, &count)| format!("{} has {}", quoted(name), counted(count, "selection row")))
        .collect();
    if few.is_empty() {
        return None;
    }
    let more = match few.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {} more", counted(more as u64, "class")),
    };
    let what = match by {
        FeedbackSignal::Recall => "recall",
        FeedbackSignal::Loss => "loss",
    };
    let named: Vec<&str> = few.iter().take(NAMED).map(String::as_str).collect();
    Some(format!(
        "feedback follows the {what} of classes on fewer than {FEW} rows, which is mostly chance: {}{more}; train on more rows of them, lower balance.feedback.strength, or leave feedback out",
        named.join(", ")
    ))
}
