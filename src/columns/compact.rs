//! Rows cut loose from what they were read from, and the bytes that rows keep alive.

use crate::error::Result;
use crate::exec::buffers::{BufferPool, LARGE};
use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BinaryViewArray, BinaryViewBuilder, RecordBatch, RecordBatchOptions,
};
use arrow::datatypes::DataType;
use std::collections::HashSet;
use std::sync::Arc;

/// Bytes of a value that a view holds itself.
const INLINE: usize = 12;

/// The same rows with their own copy of strings and binary values, many bytes in a buffer that is `spare`.
///
/// Costs a copy of the values; worth it where a few rows outlive the row group that they came from.
pub(crate) fn compact(batch: &RecordBatch, spare: &Arc<BufferPool<u8>>) -> Result<RecordBatch> {
    let column = |column| compact_column(column, spare);
    let columns = batch.columns().iter().map(column).collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(batch.schema(), columns, &options)?)
}

/// A view column over buffers of its own; any other column as it is.
pub(crate) fn compact_column(column: &ArrayRef, spare: &Arc<BufferPool<u8>>) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::BinaryView => Arc::new(own_bytes(column.as_binary_view(), spare)?),
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        _ => Arc::clone(column),
    })
}

/// The same values, those that have one in one buffer.
fn own_bytes(values: &BinaryViewArray, spare: &Arc<BufferPool<u8>>) -> Result<BinaryViewArray> {
    let bytes = values.total_buffer_bytes_used();
    // More than Arrow has in a buffer are rare.
    if bytes < LARGE || i32::try_from(bytes).is_err() {
        return Ok(values.gc());
    }
    let is_long = |value: &&[u8]| value.len() > INLINE;
    let mut all = spare.room(bytes);
    values
        .iter()
        .flatten()
        .filter(is_long)
        .for_each(|value| all.extend_from_slice(value));
    let mut own = BinaryViewBuilder::with_capacity(values.len());
    let (block, mut end) = (own.append_block(spare.lend(all).into()), 0);
    for value in values {
        match value {
            Some(value) if is_long(&value) => {
                own.try_append_view(block, end, value.len() as u32)?;
                end += value.len() as u32;
            }
            short => own.append_option(short),
        }
    }
    Ok(own.finish())
}

/// Bytes that `batches` keep alive, a buffer that several of them share counted once.
pub(crate) fn held_bytes<'a>(batches: impl IntoIterator<Item = &'a RecordBatch>) -> u64 {
    let mut seen = HashSet::new();
    batches
        .into_iter()
        .flat_map(RecordBatch::columns)
        .map(|column| held_by_data(&column.to_data(), &mut seen))
        .sum()
}

fn held_by_data(data: &ArrayData, seen: &mut HashSet<*const u8>) -> u64 {
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
            .map(|child| held_by_data(child, seen))
            .sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_values_are_copied_into_a_buffer_that_waits() {
        let spare = Arc::new(BufferPool::new(4, usize::MAX));
        let value = |row: usize| (row % 7 != 3).then(|| vec![row as u8; row * row % 9000]);
        let all = BinaryViewArray::from_iter((0..600).map(value));
        let some = all.slice(50, 520);
        let bytes = some.total_buffer_bytes_used();
        assert!(bytes > LARGE && some.null_count() > 0);
        let first = own_bytes(&some, &spare).unwrap();
        assert_eq!((&first, first.data_buffers().len()), (&some, 1));
        let at = first.data_buffers()[0].as_ptr();
        drop(first);
        let second = own_bytes(&some, &spare).unwrap();
        assert_eq!((&second, second.data_buffers()[0].as_ptr()), (&some, at));
        let batch = RecordBatch::try_from_iter([("x", Arc::new(second) as ArrayRef)]).unwrap();
        assert!((bytes..bytes + 17 * 520).contains(&(held_bytes([&batch, &batch]) as usize)));
    }
}
