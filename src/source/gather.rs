//! Rows picked out of batches.

use crate::error::Result;
use arrow::array::{Array, ArrayData, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{DataType, SchemaRef};
use std::collections::HashSet;
use std::sync::Arc;

/// The rows `at`, as (batch, row), of `batches`, which share `schema`.
///
/// View columns keep the buffers of the batches alive; [`compact`] cuts them loose.
pub(crate) fn gather(schema: &SchemaRef, batches: &[&RecordBatch], at: &[(usize, usize)]) -> Result<RecordBatch> {
    if at.is_empty() || batches.is_empty() {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    Ok(interleave_record_batch(batches, at)?)
}

/// The same rows with their own copy of strings and binary values.
///
/// Costs a copy of the values; worth it where a few rows outlive the row group that they came from.
pub(crate) fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(compact_column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &options)?)
}

/// A view column over buffers of its own; any other column as it is.
pub(crate) fn compact_column(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        _ => Arc::clone(column),
    }
}

/// Bytes that `batches` keep alive, a buffer that several of them share counted once.
pub(crate) fn bytes_of<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> u64 {
    let mut seen = HashSet::new();
    batches
        .into_iter()
        .flat_map(RecordBatch::columns)
        .map(|column| bytes_of_data(&column.to_data(), &mut seen))
        .sum()
}

fn bytes_of_data(data: &ArrayData, seen: &mut HashSet<*const u8>) -> u64 {
    let nulls = data.nulls().map(|nulls| nulls.buffer());
    let own: usize = data
        .buffers()
        .iter()
        .chain(nulls)
        .filter(|buffer| seen.insert(buffer.data_ptr().as_ptr()))
        .map(|buffer| buffer.capacity())
        .sum();
    own as u64
        + data
            .child_data()
            .iter()
            .map(|child| bytes_of_data(child, seen))
            .sum::<u64>()
}
