//! How many rows each class has, and how many have none.

use super::coding::Classes;
use super::column::Column;
use super::kind::LabelKind;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;

/// What a label column holds: rows by class, and rows whose label has no class.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The label column.
    pub column: String,
    /// Whether a row has one class or a list of them.
    pub kind: LabelKind,
    /// Rows in all.
    pub rows: u64,
    /// The classes' names, by class.
    pub names: Vec<String>,
    /// Rows of each class. A row with several classes counts for each of them, once.
    pub counts: Vec<u64>,
    /// Rows whose list of classes is empty.
    pub empty: u64,
    /// Rows whose label, or one in their list, is null.
    pub nulls: u64,
    /// Rows with a label that is none of the stored class names.
    pub outside: u64,
    /// What a scan says of these two: the first row, its place, and how many there are. None where every label has a class.
    pub error: Option<Error>,
}

impl Survey {
    pub(super) fn new(cx: &Context, dataset: &impl Stable, column: &Column) -> Result<Self> {
        let classes = Classes::own(column)?;
        let tally = match column.labels {
            LabelKind::MultiLabel => classes.encode_lists(column)?.1,
            LabelKind::Class | LabelKind::Number => classes.encode(column)?.1,
        };
        Ok(Self {
            column: column.name.clone(),
            kind: column.labels,
            rows: column.len() as u64,
            names: classes.names,
            error: tally.error(cx, dataset, column, None),
            counts: tally.counts,
            empty: tally.empty,
            nulls: tally.nulls,
            outside: tally.outside,
        })
    }
}
