//! How many rows each class has, and how many have none.

use super::coding::Fault;
use super::column::Column;
use crate::dataset::Stable;
use crate::error::Error;
use crate::exec::Context;

/// What a label column holds: rows by class, and rows whose label has no class.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The label column.
    pub column: String,
    /// Rows in all.
    pub rows: u64,
    /// The classes' names, by class.
    pub names: Vec<String>,
    /// Rows of each class.
    pub counts: Vec<u64>,
    /// Rows whose label is null.
    pub nulls: u64,
    /// Rows whose label is none of the stored class names.
    pub outside: u64,
    /// What [`Labels::scan`](super::Labels::scan) says of them: the first one, its place, and how many there are. None where
    /// every row has a class.
    pub error: Option<Error>,
}

impl Survey {
    pub(super) fn new(cx: &Context, dataset: &impl Stable, column: &Column, names: Vec<String>, tally: Tally) -> Self {
        Self {
            column: column.name.clone(),
            rows: column.len() as u64,
            names,
            error: tally.error(cx, dataset, column),
            counts: tally.counts,
            nulls: tally.nulls,
            outside: tally.outside,
        }
    }
}

/// What an encoding met.
#[derive(Debug)]
pub(super) struct Tally {
    counts: Vec<u64>,
    nulls: u64,
    outside: u64,
    /// The first row without a class, and its label where it is not null.
    first: Option<(u64, Option<String>)>,
}

impl Tally {
    pub(super) fn new(classes: usize) -> Self {
        Self {
            counts: vec![0; classes],
            nulls: 0,
            outside: 0,
            first: None,
        }
    }

    pub(super) fn count(&mut self, row: u64, class: &Result<u32, Fault>) {
        let label = match class {
            Ok(class) => {
                self.counts[*class as usize] += 1;
                return;
            }
            Err(Fault::Null) => {
                self.nulls += 1;
                None
            }
            Err(Fault::Outside(label)) => {
                self.outside += 1;
                Some(label)
            }
        };
        if self.first.is_none() {
            self.first = Some((row, label.cloned()));
        }
    }

    /// The first row without a class, where it is stored, and how many there are.
    pub(super) fn error(&self, cx: &Context, dataset: &impl Stable, column: &Column) -> Option<Error> {
        let (row, label) = self.first.as_ref()?;
        let why = match label {
            None => "the label is null".to_owned(),
            Some(label) => format!("label {label} is outside the {} class names", self.counts.len()),
        };
        let rows = column.len();
        let many = match (self.nulls, self.outside) {
            (bad, 0) | (0, bad) => format!("{bad} of {rows} rows"),
            (nulls, outside) => format!("{nulls} of {rows} rows are null, {outside} outside"),
        };
        let place = dataset.provenance(cx, *row).places.into_iter().next();
        let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
        let error = Error::data(format!("{why} ({many})"));
        Some(error.context(format!("column \"{}\"", column.name)).context(place))
    }
}
