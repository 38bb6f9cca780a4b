//! Rows that may not all be readable, and where they are stored.

use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::Files;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;

/// Rows that were read, by their numbers.
type Read = (Vec<u64>, RecordBatch);

/// Where row `row` is stored.
pub(super) fn place(cx: &Context, rows: &Files, row: u64) -> String {
    let place = rows.provenance(cx, row).places.into_iter().next();
    place.map_or_else(|| format!("row {row}"), |place| place.to_string())
}

/// Those of the rows at `wanted` that can be read, none where there are none, and why the others cannot.
pub(super) async fn taken(cx: &Context, rows: &Files, wanted: &[u64]) -> Result<(Option<Read>, Vec<(u64, Error)>)> {
    let (mut left, mut lost) = (wanted.to_vec(), Vec::new());
    while !left.is_empty() {
        match rows.take(cx, &left).await {
            Ok(taken) => return Ok((Some((left, taken)), lost)),
            // It says which row it is.
            Err(error) if let Some(bad) = error.index().filter(|&bad| bad < left.len()) => {
                lost.push((left.remove(bad), error));
            }
            Err(_) => break,
        }
    }
    let (mut read, mut parts) = (Vec::new(), Vec::new());
    for row in left {
        match rows.take(cx, &[row]).await {
            Ok(taken) => {
                read.push(row);
                parts.push(taken);
            }
            Err(error) => lost.push((row, error)),
        }
    }
    let read = match parts.first() {
        None => None,
        Some(first) => Some((read, concat_batches(&first.schema(), &parts)?)),
    };
    Ok((read, lost))
}
