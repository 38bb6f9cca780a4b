//! Rows picked out of batches.

use crate::error::Result;
use arrow::array::{
    Array, ArrayData, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray, Float32Array, PrimitiveArray,
    RecordBatch, RecordBatchOptions, downcast_primitive_array, make_array,
};
use arrow::buffer::MutableBuffer;
use arrow::compute::interleave;
#[cfg(feature = "train")]
use arrow::datatypes::UInt8Type;
use arrow::datatypes::{DataType, Float32Type, Int64Type, SchemaRef};
use branches::prefetch_read_data;
use std::sync::Arc;

/// Bytes that come from memory at a time.
const LINE: usize = 64;

/// Bytes that are asked for ahead: an eighth of the cache that is nearest to the processor.
const NEAR: usize = 4 << 10;

/// The rows `at`, as (batch, row), of `batches`, which share `schema`.
///
/// View columns keep the buffers of the batches alive; [`compact`] cuts them loose.
pub(crate) fn gather(schema: &SchemaRef, batches: &[&RecordBatch], at: &[(usize, usize)]) -> Result<RecordBatch> {
    if at.is_empty() || batches.is_empty() {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    let column = |i: usize| {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(i).as_ref()).collect();
        let copied = copy_rows(&parts, at).or_else(|| copy_numbers(&parts, at).map(Ok));
        copied.unwrap_or_else(|| Ok(interleave(&parts, at)?))
    };
    let named = |i: usize| column(i).map_err(|error| error.context(format!("column {:?}", schema.field(i).name())));
    let columns = (0..schema.fields().len()).map(named).collect::<Result<_>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(at.len()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

/// The rows `rows` of one batch.
pub(crate) fn gather_one(batch: &RecordBatch, rows: &[u64]) -> Result<RecordBatch> {
    let at: Vec<_> = rows.iter().map(|&row| (0, row as usize)).collect();
    gather(&batch.schema(), &[batch], &at)
}

/// The values of a tensor column of f32 without nulls, and the width of a row.
pub(crate) fn tensor_values(column: &ArrayRef) -> Option<(&FixedSizeListArray, &Float32Array, usize)> {
    let list = column.as_fixed_size_list_opt()?;
    let values = list.values().as_primitive_opt::<Float32Type>()?;
    (list.null_count() == 0 && values.null_count() == 0).then(|| (list, values, list.value_length() as usize))
}

/// The values of a tensor column of u8 without nulls, of all its rows.
#[cfg(feature = "train")]
pub(crate) fn tensor_levels(column: &ArrayRef) -> Option<&[u8]> {
    let list = column.as_fixed_size_list_opt()?;
    let values = list.values().as_primitive_opt::<UInt8Type>()?;
    let first = list.value_offset(0) as usize;
    let whole = list.null_count() == 0 && values.null_count() == 0;
    whole.then(|| &values.values()[first..first + list.len() * list.value_length() as usize])
}

/// The numbers at `at` of columns of f32 or of whole numbers of 64 bits without nulls; `None` for others, which are rarer.
fn copy_numbers(parts: &[&dyn Array], at: &[(usize, usize)]) -> Option<ArrayRef> {
    match parts.first()?.data_type() {
        DataType::Int64 => copy_primitives::<Int64Type>(parts, at),
        DataType::Float32 => copy_primitives::<Float32Type>(parts, at),
        _ => None,
    }
}

fn copy_primitives<T: ArrowPrimitiveType>(parts: &[&dyn Array], at: &[(usize, usize)]) -> Option<ArrayRef> {
    let numbers: Vec<&PrimitiveArray<T>> = parts
        .iter()
        .map(|part| part.as_primitive_opt())
        .collect::<Option<_>>()?;
    if numbers.iter().any(|part| part.null_count() > 0) {
        return None;
    }
    let values: Vec<&[T::Native]> = numbers.iter().map(|part| &part.values()[..]).collect();
    let number = |&(part, row): &(usize, usize)| &values[part][row];
    let numbers = with_later(at, size_of::<T::Native>()).map(|(own, later)| {
        later.map(number).into_iter().for_each(soon);
        *number(own)
    });
    Some(Arc::new(PrimitiveArray::<T>::from_iter_values(numbers)))
}

/// The rows of fixed-size lists of numbers without nulls, each copied as one piece, which is faster than number by
/// number. `None` for other columns.
fn copy_rows(parts: &[&dyn Array], at: &[(usize, usize)]) -> Option<Result<ArrayRef>> {
    let DataType::FixedSizeList(field, size) = parts.first()?.data_type() else {
        return None;
    };
    let width = field.data_type().primitive_width()? * usize::try_from(*size).ok()?;
    if width == 0 {
        // Nothing is copied, and the length is not that of the values.
        let values = parts.first()?.as_fixed_size_list_opt()?.values().slice(0, 0);
        let whole = parts.iter().all(|part| part.null_count() == 0);
        let list = FixedSizeListArray::try_new_with_length(Arc::clone(field), 0, values, None, at.len());
        return whole.then(|| list.map(|list| Arc::new(list) as ArrayRef).map_err(Into::into));
    }
    let values: Vec<&[u8]> = parts.iter().map(|part| flat_values(*part)).collect::<Option<_>>()?;
    let mut rows = MutableBuffer::with_capacity(width * at.len());
    let row = |&(part, row): &(usize, usize)| &values[part][row * width..][..width];
    for (own, later) in with_later(at, width) {
        if let Some(later) = later {
            row(later).iter().step_by(LINE).for_each(soon);
        }
        rows.extend_from_slice(row(own));
    }
    let numbers = ArrayData::builder(field.data_type().clone())
        .len(at.len() * *size as usize)
        .add_buffer(rows.into());
    let list = |numbers| FixedSizeListArray::try_new(Arc::clone(field), *size, make_array(numbers), None);
    Some(
        numbers
            .build()
            .and_then(list)
            .map(|list| Arc::new(list) as ArrayRef)
            .map_err(Into::into),
    )
}

/// The numbers of a fixed-size list column, if there are no nulls.
fn flat_values(column: &dyn Array) -> Option<&[u8]> {
    let list = column.as_fixed_size_list_opt()?;
    let numbers = list.values();
    if list.null_count() > 0 || numbers.null_count() > 0 {
        return None;
    }
    let bytes = downcast_primitive_array!(
        numbers => numbers.values().inner().as_slice(),
        _ => return None
    );
    let width = numbers.data_type().primitive_width()?;
    let first = list.value_offset(0) as usize;
    bytes.get(first * width..(first + list.len() * list.value_length() as usize) * width)
}

/// Each of `at`, and one some way behind it, whose memory is worth asking for now: rows of `width` bytes lie anywhere, and the
/// processor cannot foresee where. Long ones need no such help, because the rest of a row follows its beginning.
fn with_later<T>(at: &[T], width: usize) -> impl Iterator<Item = (&T, Option<&T>)> {
    // Some tens of reads of memory are under way at a time, and what they bring must stay in the nearest cache.
    let ahead = (NEAR / width.max(1)).min(32);
    let later = at.get(ahead..).filter(|_| ahead > 0).unwrap_or_default();
    at.iter().enumerate().map(move |(i, own)| (own, later.get(i)))
}

/// Asks for the memory of `value`.
fn soon<T>(value: &T) {
    prefetch_read_data::<T, 0>(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::StringArray;

    #[test]
    fn more_strings_than_fit_together_name_their_column() {
        let word: ArrayRef = Arc::new(StringArray::from_iter_values(["x".repeat(1 << 20)]));
        let batch = RecordBatch::try_from_iter([("word", word)]).unwrap();
        let error = gather_one(&batch, &[0; 2048]).unwrap_err().to_string();
        assert!(
            error.starts_with("column \"word\": ") && error.contains("2147483648"),
            "{error}"
        );
    }
}
