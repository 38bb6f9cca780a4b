//! A column of a batch as a stage reads it.

use super::ports::{DType, Read};
use crate::columns::{Number, Numbers, index_of, zeroed};
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, make_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType, Field, Schema};
use std::iter::repeat_n;
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
    /// Rows that are null.
    nulls: Option<NullBuffer>,
    /// Rows that are null or have a null in them.
    holed: Option<NullBuffer>,
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
            Read::Values(..) if !holds_numbers(kind) => refused("numbers, tensors or lists of them"),
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

    /// The method of a row that gives it.
    pub(super) fn call(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "bytes",
            Self::Str(_) => "str",
            Self::U8(_) => "values::<u8>",
            Self::F32(_) => "values::<f32>",
            Self::I64(_) => "values::<i64>",
            Self::Class(_) => "class",
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
        let Flat { numbers, of_row, holed } = flat(array)?;
        // Numbers below a null have no meaning, but a place.
        let data = numbers.to_data().into_builder().nulls(None).build()?;
        let (flat, rows) = (make_array(data), array.len());
        let read = |flat: &ArrayRef, ends| -> Result<ScalarBuffer<T>> {
            let numbers = Numbers::in_rows(field.name(), leaf(field), flat, ends)?;
            Ok(
                match numbers.bytes::<N>().filter(|_| size_of::<N>() == size_of::<T>()) {
                    Some(bytes) => ScalarBuffer::new(bytes, 0, numbers.array.len()),
                    None => own(numbers.values::<N>()?),
                },
            )
        };
        // What a number below a null is, and where the rows end, matters only where one is refused.
        let values = match (read(&flat, None), &holed) {
            (Ok(values), _) => values,
            (Err(_), None) => read(&flat, Some(of_row.ends(rows)))?,
            (Err(_), Some(holed)) => {
                let kept = (0..rows).flat_map(|row| repeat_n(holed.is_valid(row), of_row.range(row).len()));
                read(
                    &zeroed(&flat, &BooleanBuffer::from_iter(kept))?,
                    Some(of_row.ends(rows)),
                )?
            }
        };
        Ok(Self {
            values,
            of_row,
            nulls: array.logical_nulls(),
            holed,
        })
    }

    /// The numbers of row `row`; none for a null, also among them.
    pub(super) fn row(&self, row: usize) -> Option<&[T]> {
        let whole = self.holed.as_ref().is_none_or(|holed| holed.is_valid(row));
        whole.then(|| &self.values[self.of_row.range(row)])
    }

    fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
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

/// Whether a column of type `kind` has numbers, tensors, or lists of them; lists of any length are outermost.
fn holds_numbers(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, kind) => holds_numbers(kind),
        DataType::List(item) | DataType::LargeList(item) => is_tensor(item.data_type()),
        kind => is_tensor(kind),
    }
}

/// Whether values of type `kind` have a fixed number of numbers.
fn is_tensor(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, kind) => is_tensor(kind),
        DataType::FixedSizeList(item, _) => is_tensor(item.data_type()),
        kind => kind.is_numeric() || *kind == DataType::Boolean,
    }
}

/// A column without its lists.
struct Flat {
    /// The numbers of all rows, one after the other.
    numbers: ArrayRef,
    of_row: OfRow,
    /// Rows that are null or have a null in them.
    holed: Option<NullBuffer>,
}

fn flat(array: &ArrayRef) -> Result<Flat> {
    let (inner, of_row) = match array.data_type() {
        DataType::Dictionary(_, values) => return flat(&cast(array, values)?),
        DataType::List(item) => return flat(&cast(array, &DataType::LargeList(Arc::clone(item)))?),
        DataType::FixedSizeList(_, size) => {
            let (list, size) = (array.as_fixed_size_list(), *size as usize);
            let first = list.value_offset(0) as usize;
            let values = list.values().slice(first, list.len() * size);
            (values, OfRow::Fixed(size))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets = list.offsets();
            let (first, last) = (offsets[0], offsets[list.len()]);
            let values = list.values().slice(first as usize, (last - first) as usize);
            let ends = offsets[1..].iter().map(|end| (end - first) as usize);
            (values, OfRow::Ragged(ends.collect()))
        }
        _ => {
            return Ok(Flat {
                numbers: Arc::clone(array),
                of_row: OfRow::Fixed(1),
                holed: array.logical_nulls(),
            });
        }
    };
    let inner = flat(&inner)?;
    let OfRow::Fixed(width) = inner.of_row else {
        return Err(Error::schema("lists of any length inside lists are not read"));
    };
    let holed = inner.holed.map(|items| {
        let whole = |row| {
            let range = of_row.range(row);
            items.slice(range.start, range.len()).null_count() == 0
        };
        NullBuffer::from_iter((0..array.len()).map(whole))
    });
    Ok(Flat {
        numbers: inner.numbers,
        holed: NullBuffer::union(array.logical_nulls().as_ref(), holed.as_ref()),
        of_row: match of_row {
            OfRow::Fixed(size) => OfRow::Fixed(size * width),
            OfRow::Ragged(ends) => OfRow::Ragged(ends.into_iter().map(|end| end * width).collect()),
        },
    })
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
