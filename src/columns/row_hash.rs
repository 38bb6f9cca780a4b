//! Hashes of rows by their values, whatever types they are stored in.

use crate::error::Result;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3;

/// The first byte of a value, so that values of different sorts are told apart.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Sort {
    Missing,
    Boolean,
    Number,
    /// An integer that no `f64` is equal to.
    Large,
    Text,
    Bytes,
    List,
    Fields,
    Other,
}

/// A hash of each row of `rows`, in 128 bits. Rows are equal where their columns are, one after the other: integers and floating-point numbers by their value, texts and
/// bytes by theirs, lists and structs item by item, all else as it is written out. NaN is a missing value, as null is, and 0 is -0.
pub(crate) fn row_hashes(rows: &RecordBatch) -> Result<Vec<u128>> {
    let columns = rows.columns().iter().map(plain).collect::<Result<Vec<_>>>()?;
    let hash = |row: usize| {
        let mut hash = Xxh3::new();
        columns.iter().for_each(|column| add(&mut hash, column, row));
        hash.digest128()
    };
    Ok((0..rows.num_rows()).into_par_iter().map(hash).collect())
}

/// A hash of each value of `column`, as of a row of it alone.
pub(crate) fn value_hashes(column: &ArrayRef) -> Result<Vec<u64>> {
    let column = plain(column)?;
    let hash = |row: usize| {
        let mut hash = Xxh3::new();
        add(&mut hash, &column, row);
        hash.digest()
    };
    Ok((0..column.len()).into_par_iter().map(hash).collect())
}

/// `column` without a dictionary, and numbers as the widest of their sort.
fn plain(column: &ArrayRef) -> Result<ArrayRef> {
    Ok(match column.data_type() {
        DataType::Dictionary(_, values) => return plain(&cast(column, values)?),
        of if of.is_floating() => cast(column, &DataType::Float64)?,
        of if of.is_unsigned_integer() => cast(column, &DataType::UInt64)?,
        of if of.is_signed_integer() => cast(column, &DataType::Int64)?,
        DataType::Utf8View => cast(column, &DataType::LargeUtf8)?,
        DataType::BinaryView => cast(column, &DataType::LargeBinary)?,
        _ => std::sync::Arc::clone(column),
    })
}

fn add(hash: &mut Xxh3, column: &ArrayRef, row: usize) {
    if column.is_null(row) {
        return hash.update(&[Sort::Missing as u8]);
    }
    match column.data_type() {
        DataType::Boolean => hash.update(&[Sort::Boolean as u8, u8::from(column.as_boolean().value(row))]),
        DataType::Float64 => number(hash, column.as_primitive::<Float64Type>().value(row)),
        DataType::Int64 => integer(hash, column.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt64 => integer(hash, column.as_primitive::<UInt64Type>().value(row).into()),
        DataType::Utf8 => bytes(hash, Sort::Text, column.as_string::<i32>().value(row).as_bytes()),
        DataType::LargeUtf8 => bytes(hash, Sort::Text, column.as_string::<i64>().value(row).as_bytes()),
        DataType::Binary => bytes(hash, Sort::Bytes, column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => bytes(hash, Sort::Bytes, column.as_binary::<i64>().value(row)),
        DataType::FixedSizeBinary(_) => bytes(hash, Sort::Bytes, column.as_fixed_size_binary().value(row)),
        DataType::List(_) => list(hash, &column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(hash, &column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(hash, &column.as_fixed_size_list().value(row)),
        DataType::Struct(_) => {
            let fields = column.as_struct().columns();
            hash.update(&[Sort::Fields as u8]);
            hash.update(&(fields.len() as u64).to_le_bytes());
            fields.iter().for_each(|field| inner(hash, field, row));
        }
        _ => written(hash, column, row),
    }
}

/// A value of a nested column, which is brought to its widest type for itself.
fn inner(hash: &mut Xxh3, column: &ArrayRef, row: usize) {
    match plain(&column.slice(row, 1)) {
        Ok(value) => add(hash, &value, 0),
        Err(_) => written(hash, column, row),
    }
}

fn list(hash: &mut Xxh3, items: &ArrayRef) {
    hash.update(&[Sort::List as u8]);
    hash.update(&(items.len() as u64).to_le_bytes());
    match plain(items) {
        Ok(items) => (0..items.len()).for_each(|item| add(hash, &items, item)),
        Err(_) => (0..items.len()).for_each(|item| written(hash, items, item)),
    }
}

fn number(hash: &mut Xxh3, value: f64) {
    if value.is_nan() {
        return hash.update(&[Sort::Missing as u8]);
    }
    hash.update(&[Sort::Number as u8]);
    hash.update(&(value + 0.0).to_bits().to_le_bytes());
}

fn integer(hash: &mut Xxh3, value: i128) {
    match value as f64 as i128 == value {
        true => number(hash, value as f64),
        false => {
            hash.update(&[Sort::Large as u8]);
            hash.update(&value.to_le_bytes());
        }
    }
}

fn bytes(hash: &mut Xxh3, sort: Sort, value: &[u8]) {
    hash.update(&[sort as u8]);
    hash.update(&(value.len() as u64).to_le_bytes());
    hash.update(value);
}

/// Dates, decimals and all else.
fn written(hash: &mut Xxh3, column: &ArrayRef, row: usize) {
    let text = ArrayFormatter::try_new(column, &FormatOptions::default()).map(|text| text.value(row).to_string());
    bytes(hash, Sort::Other, text.unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        Float32Array, Float64Array, Int8Array, Int64Array, ListArray, StringArray, StringViewArray, UInt64Array,
    };
    use arrow::datatypes::{Int32Type, Int64Type};
    use std::sync::Arc;

    fn hashes(columns: Vec<(&str, ArrayRef)>) -> Vec<u128> {
        row_hashes(
            &RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
                .unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn rows_are_equal_by_value_and_not_by_type() {
        let words: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
        let narrow = hashes(vec![
            ("n", Arc::new(Int8Array::from(vec![1, 0, -3]))),
            ("w", Arc::clone(&words)),
        ]);
        let view: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), Some("b"), None]));
        let coded = cast(
            &words,
            &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        )
        .unwrap();
        let wide = hashes(vec![
            ("n", Arc::new(Float64Array::from(vec![1.0, -0.0, -3.0]))),
            ("w", view),
        ]);
        assert_eq!(narrow, wide);
        assert_eq!(
            narrow,
            hashes(vec![
                ("n", Arc::new(Float32Array::from(vec![1.0, 0.0, -3.0]))),
                ("w", coded)
            ])
        );
        assert_eq!(narrow.iter().collect::<std::collections::HashSet<_>>().len(), 3);
    }

    #[test]
    fn what_differs_has_another_hash() {
        let of = |column: ArrayRef| hashes(vec![("x", column)]);
        let large = (1_u64 << 53) + 1;
        assert_ne!(
            of(Arc::new(UInt64Array::from(vec![large]))),
            of(Arc::new(UInt64Array::from(vec![large - 1])))
        );
        assert_eq!(
            of(Arc::new(UInt64Array::from(vec![large]))),
            of(Arc::new(Int64Array::from(vec![large as i64])))
        );
        let missing = of(Arc::new(Float64Array::from(vec![None, Some(f64::NAN), Some(0.0)])));
        assert_eq!(missing[0], missing[1]);
        assert_ne!(missing[0], missing[2]);
        // "ab", "c" is not "a", "bc".
        let two = |a: &str, b: &str| {
            hashes(vec![
                ("x", Arc::new(StringArray::from(vec![a])) as ArrayRef),
                ("y", Arc::new(StringArray::from(vec![b]))),
            ])
        };
        assert_ne!(two("ab", "c"), two("a", "bc"));
        let list = |items: Vec<Option<Vec<Option<i32>>>>| -> ArrayRef {
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(items))
        };
        let lists = of(list(vec![
            Some(vec![Some(1), Some(2)]),
            Some(vec![Some(2), Some(1)]),
            Some(vec![]),
            None,
        ]));
        assert_eq!(lists.iter().collect::<std::collections::HashSet<_>>().len(), 4);
        let wide: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![
            Some(1),
            Some(2),
        ])]));
        assert_eq!(of(wide)[0], lists[0]);
        let values = value_hashes(&list(vec![Some(vec![Some(1)]), Some(vec![Some(1)]), Some(vec![None])])).unwrap();
        assert_eq!(values[0], values[1]);
        assert_ne!(values[0], values[2]);
    }
}
