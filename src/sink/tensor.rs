//! Columns as Burn tensors, without a copy where the layout allows it.

use super::numbers::Numbers;
use crate::columns::index_of;
use crate::error::{Error, Result};
use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type};
use arrow_schema::extension::{ExtensionType, FixedShapeTensor};
use burn::tensor::{AllocationProperty, Bytes, DType, Device, Int, Tensor, TensorData};

/// A column of numbers as a tensor of `D` dimensions, the rows first: `[rows, ..shape]`. It may be plain, a tensor column, or
/// fixed-size lists in one another.
///
/// Values of f32 are shared with the batch, not copied. All other numbers and booleans (0 and 1) are cast: floats and decimals
/// to the nearest f32, which may round a fraction as any f32 does, whole numbers only to an f32 of the same value.
///
/// # Errors
///
/// `Schema` where the column is missing, holds no numbers, or has another number of dimensions. `Data` with the value and its row
/// for a null, for a whole number that no f32 is equal to (the first one is 2^24 + 1), and for one beyond the largest f32.
pub fn floats<const D: usize>(rows: &RecordBatch, column: &str, device: &Device) -> Result<Tensor<D>> {
    let (values, shape) = read::<D>(rows, column)?;
    let data = match values.array.as_primitive_opt::<Float32Type>() {
        Some(values) => shared(values, shape, DType::F32)?,
        None => TensorData::new(values.floats(column)?, shape),
    };
    Ok(Tensor::from_data(data, device))
}

/// A column of whole numbers as a tensor of one dimension: [`ints_nd`] for one number a row.
///
/// # Errors
///
/// As [`ints_nd`].
pub fn ints(rows: &RecordBatch, column: &str, device: &Device) -> Result<Tensor<1, Int>> {
    ints_nd(rows, column, device)
}

/// A column of whole numbers as a tensor of `D` dimensions, the rows first: `[rows, ..shape]`. It may be plain, a tensor column,
/// or fixed-size lists in one another.
///
/// All numbers and booleans (0 and 1) are cast, where they are whole, to the integers of the device's
/// [settings](burn::tensor::DeviceSettings): `flex` has 32 bits unless it was configured otherwise.
///
/// # Errors
///
/// `Schema` where the column is missing, holds no numbers, or has another number of dimensions. `Data` with the value and its row
/// for a null, a fraction, and a number that the device's integers do not hold.
pub fn ints_nd<const D: usize>(rows: &RecordBatch, column: &str, device: &Device) -> Result<Tensor<D, Int>> {
    let (values, shape) = read::<D>(rows, column)?;
    let kind = DType::from(device.settings().int_dtype);
    // Burn panics on a number that does not fit.
    let fit = |numbers: &[i64]| match numbers.iter().position(|number| !holds(kind, *number)) {
        Some(at) => Err(values.inexact(column, at, &format!("does not fit into the device's {kind:?}"))),
        None => Ok(()),
    };
    let data = match values.array.as_primitive_opt::<Int64Type>() {
        Some(numbers) => {
            fit(numbers.values())?;
            shared(numbers, shape, DType::I64)?
        }
        None => {
            let numbers = values.ints(column)?;
            fit(&numbers)?;
            TensorData::new(numbers, shape)
        }
    };
    Ok(Tensor::from_data(data, device))
}

/// Whether integers of `kind` hold `number`.
fn holds(kind: DType, number: i64) -> bool {
    match kind {
        DType::I32 => i32::try_from(number).is_ok(),
        DType::I16 => i16::try_from(number).is_ok(),
        DType::I8 => i8::try_from(number).is_ok(),
        DType::U64 => u64::try_from(number).is_ok(),
        DType::U32 => u32::try_from(number).is_ok(),
        DType::U16 => u16::try_from(number).is_ok(),
        DType::U8 => u8::try_from(number).is_ok(),
        _ => true,
    }
}

/// The values of a column, and the shape of their tensor.
fn read<const D: usize>(rows: &RecordBatch, column: &str) -> Result<(Numbers, [usize; D])> {
    let at = index_of(&rows.schema(), column)?;
    let array = rows.column(at);
    let mut shape = vec![array.len()];
    shape.extend(shape_of(rows.schema().field(at)));
    let values = Numbers::of(column, array)?;
    Ok((values, shape_for::<D>(column, shape)?))
}

fn shape_for<const D: usize>(column: &str, shape: Vec<usize>) -> Result<[usize; D]> {
    shape.try_into().map_err(|shape: Vec<usize>| {
        Error::schema(format!(
            "column \"{column}\" makes a tensor of shape {shape:?}, not one of {D} dimensions"
        ))
    })
}

/// What the extension type writes about its shape.
#[derive(serde::Deserialize)]
struct TensorShape {
    shape: Vec<usize>,
}

/// Dimensions of one row: those of the extension type, or of the nested lists.
pub(crate) fn shape_of(field: &Field) -> Vec<usize> {
    if field.extension_type_name() == Some(FixedShapeTensor::NAME) {
        let written = field.extension_type_metadata().map(serde_json::from_str::<TensorShape>);
        if let Some(Ok(written)) = written {
            return written.shape;
        }
    }
    match field.data_type() {
        DataType::FixedSizeList(item, size) => std::iter::once((*size).max(0) as usize).chain(shape_of(item)).collect(),
        _ => Vec::new(),
    }
}

fn shared<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    shape: impl Into<Vec<usize>>,
    kind: DType,
) -> Result<TensorData> {
    let bytes = Bytes::from_shared(
        bytes::Bytes::from_owner(Owner(values.values().inner().clone())),
        AllocationProperty::Other,
    );
    TensorData::try_from_bytes(bytes, shape.into(), kind).map_err(|e| Error::data(e.to_string()))
}

struct Owner(Buffer);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}
