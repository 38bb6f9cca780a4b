//! Rows whose picture cannot be made, and what fine-tuning and prediction do with them.

use super::datasets::Datasets;
use crate::dataset::Dataset;
use crate::error::{Error, Remedy, Result, StoredRow};
use crate::exec::Context;
use crate::loader::is_replaceable;
use crate::rng::Rng;
use crate::train::failed_rows::FailedRows;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is done with a row whose picture cannot be made: one that is null, cut or no picture (`Data` and `Stage` errors). All
/// other errors end the run: a file that cannot be read is no reason to train on something else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBadRow {
    /// It ends the run. [`Remedy::BadRows`] tells such an error from others.
    #[default]
    Fail,
    /// The run goes on without it, as if the files did not have it: class counts, balance and synthetic rows are those of the
    /// other rows. A prediction is null.
    Skip {
        /// The most such rows, of all sets together; one more is an error.
        at_most: u64,
    },
    /// Another training row of its class takes its place, which the seed and the row decide alone, so that class counts stay. A
    /// validation row is left out, because another one would count twice.
    Replace {
        /// The most such rows, of all sets together; one more is an error.
        at_most: u64,
    },
}

impl OnBadRow {
    /// Whether such a row ends the run.
    pub fn is_fail(&self) -> bool {
        *self == Self::Fail
    }

    /// How many rows may be bad.
    pub(crate) fn at_most(self) -> u64 {
        match self {
            Self::Fail => 0,
            Self::Skip { at_most } | Self::Replace { at_most } => at_most,
        }
    }
}

/// `error`, marked as that of a bad row if it is one, with what can be done about it.
pub(crate) fn marked(error: Error, remedy: &str) -> Error {
    if !is_replaceable(&error) {
        return error;
    }
    Error::new(error.kind(), format!("{error}; {remedy}"))
        .with_remedy(Remedy::BadRows)
        .with_source(error)
}

/// A row that a run went on without: a line of `errors.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// The set that it is in: `training` or `validation`.
    pub set: &'static str,
    /// Where it is stored.
    #[serde(flatten)]
    pub place: RowLocation,
    /// Its class's name.
    pub class: String,
    /// What is wrong with it.
    pub reason: String,
    /// Where the row is stored that came in its place; none where it was left out.
    pub replaced_by: Option<RowLocation>,
}

/// Where a row is stored, as `errors.jsonl` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowLocation {
    /// The file.
    pub file: String,
    /// The row group inside the file, from 0.
    pub row_group: Option<u64>,
    /// The row inside the row group, from 0.
    pub row: u64,
}

impl From<StoredRow> for RowLocation {
    fn from(place: StoredRow) -> Self {
        Self {
            file: place.source.to_string(),
            row_group: place.row_group,
            row: place.row,
        }
    }
}

/// What is left of the data without its bad rows.
pub(crate) struct FilteredDatasets {
    pub(crate) datasets: Datasets,
    /// The training and the validation rows that it has, as rows of the data before.
    pub(crate) rows: [Vec<u64>; 2],
    pub(crate) bad: Vec<BadRow>,
}

impl FilteredDatasets {
    /// `datasets` without the rows that have `failed` in training and in validation.
    ///
    /// # Errors
    ///
    /// `Data` where a set has no row left, or a class none that could replace another one.
    pub(crate) fn new(cx: &Context, datasets: &Datasets, on: OnBadRow, failed: [&FailedRows; 2]) -> Result<Self> {
        let [train, valid] = [&datasets.train, &datasets.valid].map(|rows| rows.len().finite().unwrap_or(0));
        let of_class = |wanted: u32| {
            let rows = (0..train).filter(move |&row| datasets.labels.class(row) == wanted);
            rows.filter(|row| !failed[0].rows.contains_key(row)).collect::<Vec<_>>()
        };
        let mut pools = BTreeMap::new();
        let mut substitute = |row: u64| {
            let class = datasets.labels.class(row);
            let pool: &Vec<u64> = pools.entry(class).or_insert_with(|| of_class(class));
            let mut rng = Rng::new(cx.seed(), "replace", row);
            match pool.len() {
                0 => Err(Error::data(format!(
                    "every row of class {:?} is bad, so none can replace another",
                    datasets.labels.names()[class as usize]
                ))),
                rows => Ok(pool[rng.below(rows as u64) as usize]),
            }
        };
        let mut by = BTreeMap::new();
        if let OnBadRow::Replace { .. } = on {
            for &row in failed[0].rows.keys() {
                by.insert(row, substitute(row)?);
            }
        }
        let kept = |rows: u64, failed: &FailedRows, by: &BTreeMap<u64, u64>| -> Vec<u64> {
            let of = |row: u64| match failed.rows.contains_key(&row) {
                true => by.get(&row).copied(),
                false => Some(row),
            };
            (0..rows).filter_map(of).collect()
        };
        let rows = [kept(train, failed[0], &by), kept(valid, failed[1], &BTreeMap::new())];
        for (set, rows) in SETS.into_iter().zip(&rows) {
            if rows.is_empty() {
                return Err(Error::data(format!("every {set} row is bad, so none is left")));
            }
        }
        let mut bad = Vec::new();
        for ((set, failed), data) in SETS.into_iter().zip(failed).zip([&datasets.train, &datasets.valid]) {
            let place = |row: u64| {
                data.provenance(cx, row)
                    .places
                    .into_iter()
                    .next()
                    .map(RowLocation::from)
            };
            bad.extend(failed.rows.iter().map(|(&row, reason)| {
                BadRow {
                    set,
                    place: place(row).unwrap_or_default(),
                    class: data
                        .provenance(cx, row)
                        .class
                        .and_then(|class| datasets.labels.names().get(class as usize).cloned())
                        .unwrap_or_default(),
                    reason: reason.clone(),
                    replaced_by: by.get(&row).filter(|_| set == SETS[0]).and_then(|&row| place(row)),
                }
            }));
        }
        Ok(Self {
            datasets: datasets.select(&rows)?,
            rows,
            bad,
        })
    }
}

/// Names of the sets in messages and files.
pub(crate) const SETS: [&str; 2] = ["training", "validation"];
