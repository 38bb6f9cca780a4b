//! Columns of bytes, which become floats on the device.

use super::dense::{axes, check_dims, numbers};
#[cfg(feature = "train")]
use crate::columns::{index_of, list_item};
use crate::columns::{permutation_of, shape_of};
use crate::error::{Error, Result};
use arrow::array::RecordBatch;
#[cfg(feature = "train")]
use arrow::datatypes::DataType;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// Bytes in an integer of the device.
const WORD: usize = size_of::<i32>();

/// As [`floats`](super::floats), of a column of u8: bytes are uploaded, a quarter of what floats are, and become floats on the device.
///
/// Four bytes go into an integer of 32 bits, because not every device has integers of 8 (WebGPU has none).
///
/// ```
/// # use arrow::array::{ArrayRef, RecordBatch, UInt8Array};
/// # use std::sync::Arc;
#[cfg_attr(feature = "train", doc = "use burn::tensor::Device;")]
/// use millstream::sink::tensor;
///
/// # let rows: ArrayRef = Arc::new(UInt8Array::from(vec![0, 128, 255]));
/// # let rows = RecordBatch::try_from_iter([("x", rows)]).unwrap();
#[cfg_attr(feature = "train", doc = "let device = Device::flex();")]
#[cfg_attr(
    feature = "train",
    doc = "let x = tensor::floats_from_u8::<1>(&rows, \"x\", &device)?;"
)]
#[cfg_attr(
    feature = "train",
    doc = "assert_eq!(x.into_data(), tensor::floats::<1>(&rows, \"x\", &device)?.into_data());"
)]
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Schema` where the column is missing, holds other values than u8, or has another number of dimensions; `Data` for a null, and
/// for lists of several lengths.
pub fn floats_from_u8<const D: usize>(rows: &RecordBatch, column: &str, device: &Device) -> Result<Tensor<D>> {
    let (field, numbers) = numbers(rows, column)?;
    let mut shape = vec![rows.num_rows()];
    shape.extend(shape_of(&field));
    check_dims(column, &shape, D)?;
    let bytes = numbers.bytes::<u8>().ok_or_else(|| {
        let found = numbers.array.data_type();
        Error::schema(format!("column \"{column}\" holds {found}, not UInt8"))
    })?;
    let sizes: [usize; D] = std::array::from_fn(|axis| shape[axis]);
    let tensor = match bytes.as_slice() {
        [] => Tensor::zeros(sizes, device),
        bytes => unpacked(bytes, device).reshape(sizes),
    };
    match permutation_of(&field) {
        None => Ok(tensor),
        Some(order) => Ok(tensor.permute(axes(column, &order, 1)?)),
    }
}

/// Whether `column` holds values of u8, in lists or not.
#[cfg(feature = "train")]
pub(crate) fn is_u8(rows: &RecordBatch, column: &str) -> Result<bool> {
    fn leaf(kind: &DataType) -> &DataType {
        list_item(kind).map_or(kind, |item| leaf(item.data_type()))
    }
    let schema = rows.schema();
    let at = index_of(&schema, column)?;
    Ok(*leaf(schema.field(at).data_type()) == DataType::UInt8)
}

/// `bytes` as floats on the device.
fn unpacked(bytes: &[u8], device: &Device) -> Tensor<1> {
    let (whole, rest) = bytes.as_chunks::<WORD>();
    let mut words: Vec<i32> = Vec::with_capacity(bytes.len().div_ceil(WORD));
    words.extend(whole.iter().copied().map(i32::from_le_bytes));
    if !rest.is_empty() {
        let mut last = [0; WORD];
        last[..rest.len()].copy_from_slice(rest);
        words.push(i32::from_le_bytes(last));
    }
    let count = words.len();
    let words = Tensor::<1, Int>::from_data(TensorData::new(words, [count]), (device, DType::I32));
    let byte = |at: usize| {
        let shifted = words.clone().bitwise_right_shift_scalar(8 * at as i32);
        shifted.bitwise_and_scalar(255).float()
    };
    let floats = Tensor::stack::<2>((0..WORD).map(byte).collect(), 1);
    floats.reshape([WORD * count]).narrow(0, 0, bytes.len())
}
