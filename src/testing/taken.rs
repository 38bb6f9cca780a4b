//! Rows as a dataset gives them, and how two lots of rows are compared.

use super::broken::broken;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;

/// What `take` gives, with as many rows and the columns that it has to have.
pub(super) async fn taken(cx: &Context, dataset: &dyn Dataset, positions: &[u64]) -> Result<RecordBatch> {
    let call = || format!("take({positions:?})");
    let rows = dataset.take(cx, positions).await;
    let rows = rows.map_err(|error| error.context(call()))?;
    if rows.num_rows() != positions.len() {
        let made = rows.num_rows();
        return Err(broken(format!(
            "{} gave {made} rows of {} positions",
            call(),
            positions.len()
        )));
    }
    let (made, said) = (names(&rows.schema()), names(&dataset.schema()));
    if made != said {
        return Err(broken(format!(
            "{} gave the columns {made}, the schema says {said}",
            call()
        )));
    }
    Ok(rows)
}

fn names(schema: &Schema) -> String {
    let names = schema
        .fields()
        .iter()
        .map(|field| format!("{} {}", field.name(), field.data_type()));
    names.collect::<Vec<_>>().join(", ")
}

/// Whether both batches hold the same values; `what` names the two.
pub(super) fn same(a: &RecordBatch, b: &RecordBatch, positions: &[u64], what: &str) -> Result<()> {
    for ((field, a), b) in a.schema().fields().iter().zip(a.columns()).zip(b.columns()) {
        same_column(a, b, field.name(), positions, what)?;
    }
    Ok(())
}

/// Arrow compares values, not encodings or buffers.
pub(super) fn same_column(a: &ArrayRef, b: &ArrayRef, name: &str, positions: &[u64], what: &str) -> Result<()> {
    if a.as_ref() == b.as_ref() {
        return Ok(());
    }
    let differs = |&row: &usize| row >= b.len() || a.slice(row, 1).as_ref() != b.slice(row, 1).as_ref();
    let row = (0..a.len()).find(differs).unwrap_or(0);
    let position = positions.get(row).copied().unwrap_or_default();
    Err(broken(format!(
        "{what} differ in column \"{name}\" at position {position}, index {row} of {positions:?}"
    )))
}
