//! Numbers below nulls, which have no meaning.

use crate::error::Result;
use arrow::array::{ArrayRef, BooleanArray, Int8Array, Scalar};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, kernels::zip::zip};
use arrow::datatypes::DataType;
use std::sync::Arc;

/// The numbers of `array`, 0 where they are not `kept`.
pub(crate) fn zeroed(array: &ArrayRef, kept: &BooleanBuffer) -> Result<ArrayRef> {
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values)?,
        _ => Arc::clone(array),
    };
    let zero = cast(&Int8Array::from(vec![0]), array.data_type())?;
    Ok(zip(&BooleanArray::new(kept.clone(), None), &array, &Scalar::new(zero))?)
}
