//! Provenance as a table.

use crate::dataset::Provenance;
use crate::error::{Result, StoredRow};
use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array, UInt64Array};
use std::sync::Arc;

/// One row for each position.
pub(crate) fn table(positions: &[u64], traces: &[Provenance], seed: u64) -> Result<RecordBatch> {
    let sources = traces
        .iter()
        .map(|trace| trace.places.iter().map(place).collect::<Vec<_>>().join(" "));
    let columns: [(&str, ArrayRef); 7] = [
        ("position", Arc::new(UInt64Array::from(positions.to_vec()))),
        (
            "class",
            Arc::new(UInt32Array::from_iter(traces.iter().map(|trace| trace.class))),
        ),
        (
            "origin",
            Arc::new(StringArray::from_iter_values(
                traces.iter().map(|trace| trace.origin.name()),
            )),
        ),
        (
            "generator",
            Arc::new(StringArray::from_iter(
                traces.iter().map(|trace| trace.generator.as_deref()),
            )),
        ),
        (
            "occurrence",
            Arc::new(UInt64Array::from_iter_values(
                traces.iter().map(|trace| trace.occurrence),
            )),
        ),
        ("sources", Arc::new(StringArray::from_iter_values(sources))),
        ("seed", Arc::new(UInt64Array::from_value(seed, positions.len()))),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, column)| (name, column, true)),
    )?)
}

fn place(place: &StoredRow) -> String {
    match place.row_group {
        Some(group) => format!("{}#{group}#{}", place.source, place.row),
        None => format!("{}#{}", place.source, place.row),
    }
}
