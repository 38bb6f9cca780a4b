//! Columns whose rows have one shape.

use super::data::data;
use super::dtype::{Asked, Kind, with_number};
use crate::columns::{Number, Numbers, index_of, permutation_of, shape_of};
use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use burn::tensor::{Bool, DType, Float, Int, Tensor, TensorCreationOptions, TensorData};
use std::sync::Arc;

/// A column of numbers as a tensor of floats of `D` dimensions, the rows first: `[rows, ..shape]`. It may be plain, a tensor column,
/// or lists in one another that all have one length.
///
/// Floats and decimals are rounded to the nearest float; integers become floats of the same value, and booleans 0 and 1.
///
/// ```
/// # use arrow::array::{ArrayRef, RecordBatch, UInt8Array};
/// # use std::sync::Arc;
#[cfg_attr(feature = "train", doc = "use burn::tensor::{DType, Device};")]
/// use millstream::sink::tensor;
///
/// # let rows: ArrayRef = Arc::new(UInt8Array::from(vec![0, 128, 255]));
/// # let rows = RecordBatch::try_from_iter([("x", rows)]).unwrap();
#[cfg_attr(feature = "train", doc = "let device = Device::flex();")]
#[cfg_attr(
    feature = "train",
    doc = "let x = tensor::floats::<1>(&rows, \"x\", &device)?; // f32, unless configured otherwise"
)]
#[cfg_attr(
    feature = "train",
    doc = "let half = tensor::floats::<1>(&rows, \"x\", (&device, DType::F16))?;"
)]
#[cfg_attr(
    feature = "train",
    doc = "let bytes = tensor::ints_nd::<1>(&rows, \"x\", (&device, DType::U8))?; // not copied"
)]
#[cfg_attr(
    feature = "train",
    doc = "# assert_eq!((half.dtype(), bytes.dtype()), (DType::F16, DType::U8));"
)]
#[cfg_attr(feature = "train", doc = "# assert_eq!(bytes.float().into_data(), x.into_data());")]
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Schema` where the column is missing, holds no numbers, or has another number of dimensions. `Data` with the value and its row
/// for a null, for an integer that no float of this type is equal to (of f32 the first one is 2^24 + 1), for a number beyond the
/// largest, and for lists of several lengths. `Config` for a type that is no float or that the device does not have.
pub fn floats<const D: usize>(
    rows: &RecordBatch,
    column: &str,
    options: impl Into<TensorCreationOptions>,
) -> Result<Tensor<D>> {
    dense::<D, Float>(rows, column, &options.into())
}

/// A column of whole numbers as a tensor of one dimension: [`ints_nd`] for one number a row.
///
/// # Errors
///
/// As [`ints_nd`].
pub fn ints(rows: &RecordBatch, column: &str, options: impl Into<TensorCreationOptions>) -> Result<Tensor<1, Int>> {
    ints_nd(rows, column, options)
}

/// A column of whole numbers as a tensor of integers of `D` dimensions, the rows first: `[rows, ..shape]`. It may be plain, a tensor
/// column, or lists in one another that all have one length.
///
/// All numbers and booleans (0 and 1) are cast, where they are whole.
///
/// # Errors
///
/// `Schema` where the column is missing, holds no numbers, or has another number of dimensions. `Data` with the value and its row
/// for a null, a fraction, and a number that integers of this type do not hold. `Config` for a type that is no integer or that the
/// device does not have.
pub fn ints_nd<const D: usize>(
    rows: &RecordBatch,
    column: &str,
    options: impl Into<TensorCreationOptions>,
) -> Result<Tensor<D, Int>> {
    dense::<D, Int>(rows, column, &options.into())
}

/// A column of booleans, or of numbers that are all 0 or 1, as a tensor of booleans of `D` dimensions, the rows first:
/// `[rows, ..shape]`. It may be plain, a tensor column, or lists in one another that all have one length.
///
/// In a column of `arrow.bool8` every byte but 0 is true.
///
/// # Errors
///
/// `Schema` where the column is missing, holds no numbers, or has another number of dimensions. `Data` with the value and its row
/// for a null and for a number that is neither 0 nor 1.
pub fn bools<const D: usize>(
    rows: &RecordBatch,
    column: &str,
    options: impl Into<TensorCreationOptions>,
) -> Result<Tensor<D, Bool>> {
    dense::<D, Bool>(rows, column, &options.into())
}

/// Several columns of numbers as one tensor of floats, `[rows, k]`: one column after the other, a tensor column with all of its
/// values in a row. As NumPy's and PyTorch's `column_stack`.
///
/// # Errors
///
/// As [`floats`]; `Config` for no columns.
pub fn column_stack(
    rows: &RecordBatch,
    columns: &[&str],
    options: impl Into<TensorCreationOptions>,
) -> Result<Tensor<2>> {
    let options = options.into();
    let dtype = Float::asked(&options)?;
    if columns.is_empty() {
        return Err(Error::config("column_stack: no columns; name at least one"));
    }
    let parts = columns.iter().map(|column| {
        let (field, numbers) = numbers(rows, column)?;
        let shape = shape_of(&field);
        match permutation_of(&field) {
            None => Ok((shape.iter().product(), numbers)),
            Some(_) => Err(Error::schema(format!(
                "column \"{column}\" has its dimensions stored in another order: stack columns of single numbers"
            ))),
        }
    });
    let parts: Vec<(usize, Numbers)> = parts.collect::<Result<_>>()?;
    let width: usize = parts.iter().map(|(width, _)| width).sum();
    let data = with_number!(dtype, T => stacked::<T>(&parts, [rows.num_rows(), width]))?;
    Ok(made(data, &options, dtype))
}

fn stacked<T: Number>(parts: &[(usize, Numbers)], [rows, width]: [usize; 2]) -> Result<TensorData> {
    let (mut out, mut first) = (vec![T::default(); rows * width], 0);
    for (own, numbers) in parts {
        let values = numbers.values::<T>()?;
        if *own > 0 {
            let rows = out.chunks_exact_mut(width).zip(values.chunks_exact(*own));
            rows.for_each(|(row, values)| row[first..first + own].copy_from_slice(values));
        }
        first += own;
    }
    Ok(TensorData::new(out, [rows, width]))
}

fn dense<const D: usize, K: Kind>(
    rows: &RecordBatch,
    column: &str,
    options: &TensorCreationOptions,
) -> Result<Tensor<D, K>> {
    let dtype = K::asked(options)?;
    let (field, numbers) = numbers(rows, column)?;
    let mut shape = vec![rows.num_rows()];
    shape.extend(shape_of(&field));
    check_dims(column, &shape, D)?;
    let data = with_number!(dtype, T => data::<T>(&numbers, shape))?;
    let tensor = made(data, options, dtype);
    match permutation_of(&field) {
        None => Ok(tensor),
        Some(order) => Ok(tensor.permute(axes(column, &order, 1)?)),
    }
}

/// A column and its numbers.
pub(super) fn numbers(rows: &RecordBatch, column: &str) -> Result<(Field, Numbers)> {
    let schema = rows.schema();
    let at = index_of(&schema, column)?;
    let (field, array) = of_one_length(column, schema.field(at), rows.column(at), 1)?;
    let numbers = Numbers::of(&field, &array)?;
    Ok((field, numbers))
}

/// Lists that all have one length as fixed-size lists; `array` has `per_row` values of `field` for each row of the batch.
fn of_one_length(column: &str, field: &Field, array: &ArrayRef, per_row: usize) -> Result<(Field, ArrayRef)> {
    let item = match field.data_type() {
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            item
        }
        _ => return Ok((field.clone(), Arc::clone(array))),
    };
    let row_of = |at: usize| at / per_row.max(1);
    if let Some(at) = array.nulls().and_then(|nulls| nulls.iter().position(|valid| !valid)) {
        let row = row_of(at);
        let message = format!("column \"{column}\": a list in row {row} of the batch is null");
        return Err(Error::data(message).at(row));
    }
    let lists = cast(array, &DataType::LargeList(Arc::clone(item)))?;
    let (lists, rows) = (lists.as_list::<i64>(), array.len());
    let length = |at: usize| lists.value_length(at);
    let size = if rows == 0 { 0 } else { length(0) };
    if let Some(at) = (1..rows).find(|&at| length(at) != size) {
        let (row, other) = (row_of(at), length(at));
        let message = format!(
            "column \"{column}\": a list in row {row} of the batch has {other} values, the first one {size}: `padded` makes them as \
             long as the longest, and `ragged` gives rows one by one"
        );
        return Err(Error::data(message).at(row));
    }
    let first = lists.value_offsets()[0] as usize;
    let values = lists.values().slice(first, rows * size as usize);
    let (item, values) = of_one_length(column, item, &values, per_row * size as usize)?;
    let width = i32::try_from(size).map_err(|_| Error::data(format!("column \"{column}\": lists of {size} values")))?;
    let item = Arc::new(item);
    let fixed = FixedSizeListArray::try_new_with_length(Arc::clone(&item), width, values, None, rows)?;
    let field = Field::new(column, DataType::FixedSizeList(item, width), false);
    Ok((field, Arc::new(fixed)))
}

pub(super) fn check_dims(column: &str, shape: &[usize], dims: usize) -> Result<()> {
    match shape.len() == dims {
        true => Ok(()),
        false => Err(Error::schema(format!(
            "column \"{column}\" makes a tensor of shape {shape:?}, not one of {dims} dimensions"
        ))),
    }
}

/// The axes of a tensor of `D` dimensions whose last ones are meant in the order `order`.
pub(super) fn axes<const D: usize>(column: &str, order: &[usize], first: usize) -> Result<[isize; D]> {
    let mut axes: [isize; D] = std::array::from_fn(|axis| axis as isize);
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if D != first + order.len() || !sorted.into_iter().eq(0..order.len()) {
        return Err(Error::schema(format!(
            "column \"{column}\": {order:?} is no order of {} dimensions",
            D - first
        )));
    }
    for (axis, &stored) in axes[first..].iter_mut().zip(order) {
        *axis = (first + stored) as isize;
    }
    Ok(axes)
}

/// `data` on the device, as values of `dtype`.
pub(super) fn made<const D: usize, K: Kind>(
    data: TensorData,
    options: &TensorCreationOptions,
    dtype: DType,
) -> Tensor<D, K> {
    Tensor::from_data(data, (&options.device, dtype))
}
