//! How many rows of each class an encoding met, and what it could not encode.

use super::column::Column;
use crate::dataset::Stable;
use crate::error::Error;
use crate::exec::Context;
use crate::quote::counted;

/// Why a row has no class.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Null,
    /// A null inside of a list.
    NullInside,
    Outside(String),
}

/// What an encoding met.
#[derive(Debug)]
pub(super) struct Tally {
    rows: u64,
    /// Rows of each class.
    pub(super) counts: Vec<u64>,
    /// Rows with an empty list.
    pub(super) empty: u64,
    /// Rows with a null, and rows with a label that is no class.
    pub(super) nulls: u64,
    pub(super) outside: u64,
    /// The first of these rows, and what is wrong with it.
    first: Option<(u64, Fault)>,
}

impl Tally {
    pub(super) fn new(classes: usize) -> Self {
        Self {
            rows: 0,
            counts: vec![0; classes],
            empty: 0,
            nulls: 0,
            outside: 0,
            first: None,
        }
    }

    /// Counts the next row, which has these classes, each once.
    pub(super) fn count(&mut self, classes: Result<&[u32], &Fault>) {
        match classes {
            Ok(classes) => {
                classes.iter().for_each(|&class| self.counts[class as usize] += 1);
                self.empty += u64::from(classes.is_empty());
            }
            Err(fault) => {
                match fault {
                    Fault::Null | Fault::NullInside => self.nulls += 1,
                    Fault::Outside(_) => self.outside += 1,
                }
                self.first.get_or_insert_with(|| (self.rows, fault.clone()));
            }
        }
        self.rows += 1;
    }

    /// The first row without a class, where it is stored, and how many there are; with what `hint` says of labels that are no class.
    pub(super) fn error(
        &self,
        cx: &Context,
        dataset: &impl Stable,
        column: &Column,
        hint: Option<&str>,
    ) -> Option<Error> {
        let (row, fault) = self.first.as_ref()?;
        let why = match fault {
            Fault::Null => "the label is null".to_owned(),
            Fault::NullInside => "a label in the list is null".to_owned(),
            Fault::Outside(label) => format!(
                "label {label} is outside the {}",
                counted(self.counts.len(), "class name")
            ),
        };
        let rows = column.len();
        let many = match (self.nulls, self.outside) {
            (bad, 0) | (0, bad) => format!("{bad} of {}", counted(rows, "row")),
            (nulls, outside) => {
                let are = if nulls == 1 { "is" } else { "are" };
                format!("{nulls} of {} {are} null, {outside} outside", counted(rows, "row"))
            }
        };
        let place = dataset.provenance(cx, *row).places.into_iter().next();
        let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
        let hint = hint.filter(|_| self.outside > 0).map(|hint| format!(": {hint}"));
        let error = Error::data(format!("{why} ({many}){}", hint.unwrap_or_default()));
        Some(error.context(format!("column \"{}\"", column.name)).context(place))
    }
}
