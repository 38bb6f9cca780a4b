//! Columns as Burn tensors, without a copy where the layout allows it.

use crate::error::{Error, Result};
use crate::rows::index_of;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type};
use arrow_schema::extension::{ExtensionType, FixedShapeTensor};
use burn::tensor::{AllocationProperty, Bytes, DType, Device, Int, Tensor, TensorData};

/// A tensor column (or a plain column of f32) as a tensor of `D` dimensions, the rows first: `[rows, ..shape]`.
///
/// The values are shared with the batch, not copied.
///
/// # Errors
///
/// `Schema` where the column is missing, is no f32, has nulls, or has another number of dimensions.
pub fn floats<const D: usize>(rows: &RecordBatch, column: &str, device: &Device) -> Result<Tensor<D>> {
    let at = index_of(&rows.schema(), column)?;
    let array = rows.column(at);
    let mut shape = vec![array.len()];
    shape.extend(shape_of(rows.schema().field(at)));
    let values = flat::<Float32Type>(array).ok_or_else(|| unfit(column, array, "tensors of f32"))?;
    let data = shared::<Float32Type>(&values, shape_for::<D>(column, shape)?, DType::F32)?;
    Ok(Tensor::from_data(data, device))
}

/// A column of whole numbers (`Int64`) as a tensor of one dimension.
///
/// # Errors
///
/// `Schema` where the column is missing, is no `Int64`, or has nulls.
pub fn ints(rows: &RecordBatch, column: &str, device: &Device) -> Result<Tensor<1, Int>> {
    let array = rows.column(index_of(&rows.schema(), column)?);
    let values = flat::<Int64Type>(array).ok_or_else(|| unfit(column, array, "Int64 values"))?;
    let data = shared::<Int64Type>(&values, [values.len()], DType::I64)?;
    Ok(Tensor::from_data(data, device))
}

fn unfit(column: &str, array: &ArrayRef, wanted: &str) -> Error {
    let found = match array.logical_null_count() {
        0 => array.data_type().to_string(),
        nulls => format!("{nulls} nulls"),
    };
    Error::schema(format!("column \"{column}\" holds {found}, not {wanted}"))
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

/// The values of a column, through nested fixed-size lists; none where there are nulls or other types.
fn flat<T: ArrowPrimitiveType>(array: &ArrayRef) -> Option<PrimitiveArray<T>> {
    if array.null_count() > 0 {
        return None;
    }
    if let Some(list) = array.as_fixed_size_list_opt() {
        let width = list.value_length() as usize;
        let first = list.value_offset(0) as usize;
        return flat(&list.values().slice(first, list.len() * width));
    }
    array.as_primitive_opt::<T>().cloned()
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
