//! A column of a batch as a stage reads it.

use super::stage::{DType, Read};
use crate::columns::{Number, Numbers, index_of};
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, make_array};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType, Field, Schema};
use std::ops::Range;
use std::sync::Arc;

/// A column of all rows of a batch, in the type that was asked for.
#[derive(Debug)]
pub(super) enum Column {
    Bytes(ArrayRef),
    Str(StringViewArray),
    U8(Values<u8>),
    F32(Values<f32>),
    I64(Values<i64>),
    Class(Vec<Option<u32>>),
}

/// The numbers of all rows.
#[derive(Debug)]
pub(super) struct Values<T: ArrowNativeType> {
    values: ScalarBuffer<T>,
    of_row: OfRow,
    /// Rows, and numbers, that are null.
    nulls: [Option<NullBuffer>; 2],
}

/// Which numbers are a row's.
#[derive(Debug)]
enum OfRow {
    Fixed(usize),
    /// Where the numbers of each row end.
    Ragged(Vec<usize>),
}

impl Column {
    /// Refuses a column that is not there, or holds something else than `read` asks for.
    pub(super) fn check(schema: &Schema, read: &Read) -> Result<()> {
        let Some(name) = read.column() else { return Ok(()) };
        let kind = schema.field(index_of(schema, name)?).data_type();
        let refused = |wanted: &str| Err(Error::schema(format!("column \"{name}\" holds {kind}, not {wanted}")));
        match read {
            Read::Bytes(_) if !is_bytes(kind) => refused("encoded bytes (Binary)"),
            Read::Str(_) if !matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
                refused("strings")
            }
            Read::Values(..) if !holds_numbers(kind) => refused("numbers, tensors or lists of numbers"),
            _ => Ok(()),
        }
    }

    /// What `read` asks for of `rows`; `classes` are theirs.
    pub(super) fn of(rows: &RecordBatch, read: &Read, classes: &[Option<u32>]) -> Result<Self> {
        let Some(name) = read.column() else {
            return Ok(Self::Class(classes.to_vec()));
        };
        let at = index_of(&rows.schema(), name)?;
        let (array, schema) = (rows.column(at), rows.schema());
        let field = schema.field(at);
        Ok(match read {
            Read::Bytes(_) | Read::Class => Self::Bytes(Arc::clone(array)),
            Read::Str(_) => Self::Str(cast(array, &DataType::Utf8View)?.as_string_view().clone()),
            Read::Values(_, DType::F32) => Self::F32(Values::of::<f32>(field, array, Into::into)?),
            Read::Values(_, DType::I64) => Self::I64(Values::of::<i64>(field, array, Into::into)?),
            Read::Values(_, DType::U8) => Self::U8(Values::of::<u8>(field, array, Into::into)?),
            Read::Values(_, DType::Bool) => Self::U8(Values::of::<bool>(field, array, bytes)?),
        })
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytes",
            Self::Str(_) => "strings",
            Self::U8(_) => "u8",
            Self::F32(_) => "f32",
            Self::I64(_) => "i64",
            Self::Class(_) => "classes",
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Bytes(array) => array.is_null(row),
            Self::Str(array) => array.is_null(row),
            Self::U8(values) => values.is_null(row),
            Self::F32(values) => values.is_null(row),
            Self::I64(values) => values.is_null(row),
            Self::Class(classes) => classes[row].is_none(),
        }
    }
}

impl<T: ArrowNativeType> Values<T> {
    /// Those of `array`, the column of `field`, as numbers of type `N`, which `own` keeps.
    fn of<N: Number>(field: &Field, array: &ArrayRef, own: impl Fn(Vec<N>) -> ScalarBuffer<T>) -> Result<Self> {
        let (inner, of_row) = flat(array)?;
        let nulls = [array.logical_nulls(), inner.logical_nulls()];
        // Numbers below a null have no meaning, but a place.
        let data = inner.to_data().into_builder().nulls(None).build()?;
        let (flat, rows) = (make_array(data), array.len());
        let read = |ends| -> Result<ScalarBuffer<T>> {
            let numbers = Numbers::in_rows(field.name(), leaf(field), &flat, ends)?;
            Ok(
                match numbers.bytes::<N>().filter(|_| size_of::<N>() == size_of::<T>()) {
                    Some(bytes) => ScalarBuffer::new(bytes, 0, numbers.array.len()),
                    None => own(numbers.values::<N>()?),
                },
            )
        };
        // Where the rows end is needed for errors alone.
        let values = match read(None) {
            Ok(values) => values,
            Err(_) => read(Some(of_row.ends(rows)))?,
        };
        Ok(Self { values, of_row, nulls })
    }

    /// The numbers of row `row`; none for a null, also among them.
    pub(super) fn row(&self, row: usize) -> Option<&[T]> {
        let range = self.of_row.range(row);
        let whole = |nulls: &NullBuffer| nulls.slice(range.start, range.len()).null_count() == 0;
        let valid = !self.is_null(row) && self.nulls[1].as_ref().is_none_or(whole);
        valid.then(|| &self.values[range])
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls[0].as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

impl OfRow {
    fn range(&self, row: usize) -> Range<usize> {
        match self {
            Self::Fixed(width) => row * width..(row + 1) * width,
            Self::Ragged(ends) => row.checked_sub(1).map_or(0, |before| ends[before])..ends[row],
        }
    }

    /// The end of each of `rows` rows' numbers.
    fn ends(&self, rows: usize) -> Vec<usize> {
        (0..rows).map(|row| self.range(row).end).collect()
    }
}

fn is_bytes(kind: &DataType) -> bool {
    use DataType::{Binary, BinaryView, FixedSizeBinary, LargeBinary};
    matches!(kind, Binary | LargeBinary | BinaryView | FixedSizeBinary(_))
}

fn holds_numbers(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, kind) => holds_numbers(kind),
        DataType::FixedSizeList(item, _) | DataType::List(item) | DataType::LargeList(item) => {
            holds_numbers(item.data_type())
        }
        kind => kind.is_numeric() || *kind == DataType::Boolean,
    }
}

/// The numbers of all rows, one after the other, and which are a row's.
fn flat(array: &ArrayRef) -> Result<(ArrayRef, OfRow)> {
    match array.data_type() {
        DataType::Dictionary(_, values) => flat(&cast(array, values)?),
        DataType::FixedSizeList(_, size) => {
            let (list, size) = (array.as_fixed_size_list(), *size as usize);
            let first = list.value_offset(0) as usize;
            match flat(&list.values().slice(first, list.len() * size))? {
                (inner, OfRow::Fixed(width)) => Ok((inner, OfRow::Fixed(width * size))),
                _ => Err(Error::schema(
                    "lists of any length inside fixed-size lists are not read",
                )),
            }
        }
        DataType::List(item) => {
            let large = cast(array, &DataType::LargeList(Arc::clone(item)))?;
            flat(&large)
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets: Vec<usize> = list.offsets().iter().map(|&offset| offset as usize).collect();
            let (first, last) = (offsets[0], offsets[list.len()]);
            match flat(&list.values().slice(first, last - first))? {
                (inner, OfRow::Fixed(width)) => {
                    let ends = offsets[1..].iter().map(|end| (end - first) * width);
                    Ok((inner, OfRow::Ragged(ends.collect())))
                }
                _ => Err(Error::schema("lists of any length inside lists are not read")),
            }
        }
        _ => Ok((Arc::clone(array), OfRow::Fixed(1))),
    }
}

/// The field of the numbers in the lists of `field`.
fn leaf(field: &Field) -> &Field {
    match field.data_type() {
        DataType::FixedSizeList(item, _) | DataType::List(item) | DataType::LargeList(item) => leaf(item),
        _ => field,
    }
}

/// 1 for true.
fn bytes(values: Vec<bool>) -> ScalarBuffer<u8> {
    values.into_iter().map(u8::from).collect::<Vec<u8>>().into()
}
