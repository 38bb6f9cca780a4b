//! Rows whose picture cannot be made, and what fine-tuning and prediction do with them.

use super::datasets::Datasets;
use super::on_bad_row::OnBadRow;
use super::targets::Targets;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result, StoredRow};
use crate::exec::Context;
use crate::loader::is_replaceable;
use crate::rng::Rng;
use crate::train::failed_rows::FailedRows;
use serde::Serialize;
use std::collections::BTreeMap;

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
    /// Its class's name, or its target in words.
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
    /// The rows of each set that it has, as rows of the data before.
    pub(crate) rows: Vec<Vec<u64>>,
    pub(crate) bad: Vec<BadRow>,
}

impl FilteredDatasets {
    /// `datasets` without the rows of each set that have `failed`.
    ///
    /// # Errors
    ///
    /// `Data` where a set has no row left, or a class none that could replace another one; `Config` where rows are to be replaced by
    /// others of their class, and have none.
    pub(crate) fn new(cx: &Context, datasets: &Datasets, on: OnBadRow, failed: &[FailedRows]) -> Result<Self> {
        let by = match on {
            OnBadRow::Replace { .. } => substitutes(cx, datasets, &failed[0])?,
            _ => BTreeMap::new(),
        };
        let none = BTreeMap::new();
        let (mut rows, mut bad) = (Vec::new(), Vec::new());
        for (at, (set, failed)) in datasets.sets().zip(failed).enumerate() {
            let by = if at == 0 { &by } else { &none };
            let of = |row: u64| match failed.rows.contains_key(&row) {
                true => by.get(&row).copied(),
                false => Some(row),
            };
            let kept: Vec<u64> = (0..set.len().finite().unwrap_or(0)).filter_map(of).collect();
            if kept.is_empty() {
                let what = format!("every {} row is bad, so none is left", SETS[at]);
                let first = failed.rows.keys().next().copied().unwrap_or(0);
                let is_mask = matches!(datasets.targets, Targets::Masks(_))
                    && failed.rows.get(&first).is_some_and(|reason| reason.contains("mask"));
                let (advice, remedy) = match is_mask {
                    true => ("mend the masks, or name another column of masks", Remedy::LabelColumn),
                    false => (
                        "mend the pictures, or name another column of images",
                        Remedy::ImageColumn,
                    ),
                };
                return Err(all_bad(cx, &**set, failed, first, &what, advice).with_remedy(remedy));
            }
            rows.push(kept);
            let place = |row: u64| {
                let place = set.provenance(cx, row).places.into_iter().next();
                place.map(RowLocation::from)
            };
            bad.extend(failed.rows.iter().map(|(&row, reason)| BadRow {
                set: SETS[at],
                place: place(row).unwrap_or_default(),
                class: datasets.target_in_words(at, row),
                reason: reason.clone(),
                replaced_by: by.get(&row).and_then(|&row| place(row)),
            }));
        }
        Ok(Self {
            datasets: datasets.select(&rows)?,
            rows,
            bad,
        })
    }
}

/// Another training row of its class for each that has `failed`.
fn substitutes(cx: &Context, datasets: &Datasets, failed: &FailedRows) -> Result<BTreeMap<u64, u64>> {
    let labels = datasets.labels("replacing a row by another one of its class")?;
    let mut pools: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    let mut by = BTreeMap::new();
    for &row in failed.rows.keys() {
        let class = labels.class(row);
        let pool = pools.entry(class).or_insert_with(|| {
            let rows = (0..labels.len()).filter(|&row| labels.class(row) == class);
            rows.filter(|row| !failed.rows.contains_key(row)).collect()
        });
        let mut rng = Rng::new(cx.seed(), "replace", row);
        if pool.is_empty() {
            let name = &labels.names()[class as usize];
            let what = format!("every row of class {name:?} is bad, so none can replace another");
            let error = all_bad(
                cx,
                &*datasets.train,
                failed,
                row,
                &what,
                "mend the pictures, or skip bad rows",
            );
            return Err(error.with_remedy(Remedy::BadRows));
        }
        by.insert(row, pool[rng.below(pool.len() as u64) as usize]);
    }
    Ok(by)
}

/// The error of rows that are `failed` all: `what` that means, where and why the row `first` of `set` failed, and what to do.
fn all_bad(cx: &Context, set: &dyn Stable, failed: &FailedRows, first: u64, what: &str, advice: &str) -> Error {
    let place = set.provenance(cx, first).places.into_iter().next();
    let place = place.map_or_else(|| format!("row {first}"), |place| place.to_string());
    let reason = failed.rows.get(&first).map_or("", String::as_str);
    Error::data(format!("{what}: the first is {place}, {reason}; {advice}"))
}

/// Names of the sets in messages and files.
pub(crate) const SETS: [&str; 3] = ["training", "validation", "selection"];
