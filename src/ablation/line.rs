//! The lines of `cells.jsonl`: what a data set holds, and then what was done on it.

use super::arms::Way;
use super::choice::SyntheticChoice;
use super::detection::DetectionCell;
use super::figures::Figures;
use super::rows::Input;
use crate::report::Confusion;
use serde::{Deserialize, Serialize};

/// One network that was trained and tested: a line of `cells.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The data set.
    pub data: String,
    /// What the network was given.
    pub input: Input,
    /// The row of the table.
    pub row: String,
    /// The seed.
    pub seed: u64,
    /// What was done.
    pub way: Way,
    /// The figures on the test rows.
    pub figures: Figures,
    /// Truth against prediction on the test rows.
    pub confusion: Confusion,
    /// Seconds that it took.
    pub seconds: f64,
}

/// A cell whose way cannot make all rows that it has to: one did not pass its gate, however often it was drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RefusedCell {
    pub(super) data: String,
    pub(super) input: Input,
    pub(super) row: String,
    pub(super) seed: u64,
    /// What the gate said.
    pub(super) why: String,
}

/// What a data set has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) data: String,
    /// What tells it from another one of its name.
    pub(super) fingerprint: String,
    pub(super) classes: Vec<String>,
    /// Training rows of each class; of a table those of its first split.
    pub(super) counts: Vec<u64>,
    /// Test rows, as well.
    pub(super) tested: u64,
}

/// What was chosen inside the training rows of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Chosen {
    pub(super) data: String,
    pub(super) split: u64,
    pub(super) choice: SyntheticChoice,
}

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    Contents(Contents),
    Cell(Box<Cell>),
    Refused(RefusedCell),
    Detection(DetectionCell),
    Chosen(Chosen),
}

impl Line {
    /// The data set that it is of.
    pub(super) fn data(&self) -> &str {
        match self {
            Self::Contents(of) => &of.data,
            Self::Cell(of) => &of.data,
            Self::Refused(of) => &of.data,
            Self::Detection(of) => &of.data,
            Self::Chosen(of) => &of.data,
        }
    }
}
