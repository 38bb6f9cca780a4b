//! Rows that cannot be made, while others are.

use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::{Context, caught};
use crate::loader::is_replaceable;
use crate::quote::counted_with;
use arrow::array::RecordBatch;
use std::collections::BTreeMap;

/// The row at `position` of `rows` by itself; a panic on the way is an error.
pub(crate) fn take_row(cx: &Context, rows: &dyn Dataset, position: u64) -> Result<RecordBatch> {
    cx.block_on(caught(async { rows.take(cx, &[position]).await }))
}

/// The rows of one set that cannot be made, and why.
#[derive(Debug)]
pub(crate) struct FailedRows {
    /// What is wrong, by row.
    pub(crate) rows: BTreeMap<u64, String>,
    at_most: u64,
    /// How many there are in other sets.
    before: u64,
}

impl FailedRows {
    /// No row yet, after `before` in other sets; at most `at_most` are allowed in all.
    pub(crate) fn new(at_most: u64, before: u64) -> Self {
        Self {
            rows: BTreeMap::new(),
            at_most,
            before,
        }
    }

    /// How many there are, in other sets as well.
    pub(crate) fn all(&self) -> u64 {
        self.before + self.rows.len() as u64
    }

    /// Notes which of the first `total` of `rows` cannot be made; `progress` is told how many were tried.
    ///
    /// # Errors
    ///
    /// As [`note`](Self::note).
    pub(crate) fn find(
        &mut self,
        cx: &Context,
        rows: &dyn Stable,
        total: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<()> {
        const BATCH: u64 = 64;
        for start in (0..total).step_by(BATCH as usize) {
            let positions: Vec<u64> = (start..(start + BATCH).min(total)).collect();
            let together = cx.block_on(caught(async { rows.take(cx, &positions).await }));
            if let Err(error) = together {
                if !is_replaceable(&error) {
                    return Err(error);
                }
                for &position in &positions {
                    if let Err(error) = take_row(cx, rows, position) {
                        self.note(cx, rows, position, error)?;
                    }
                }
            }
            progress(start + positions.len() as u64);
        }
        Ok(())
    }

    /// Notes the row at `position` of `rows`, in any of its views, if `error` is that of a bad row.
    ///
    /// # Errors
    ///
    /// `error` where it is not; `Data` where there are too many.
    pub(crate) fn note(&mut self, cx: &Context, rows: &dyn Stable, position: u64, error: Error) -> Result<()> {
        if !is_replaceable(&error) {
            return Err(error);
        }
        let len = rows.len().finite().map_or(u64::MAX, |len| len / rows.views());
        let row = position % len.max(1);
        self.rows.entry(row).or_insert_with(|| error.to_string());
        if self.all() <= self.at_most {
            return Ok(());
        }
        let place = rows.provenance(cx, row).places.into_iter().next();
        let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
        let message = format!(
            "{error}; with it {} bad, and at most {} may be",
            counted_with(self.all(), "row", ["is", "are"]),
            self.at_most
        );
        Err(Error::data(message).context(place))
    }
}
