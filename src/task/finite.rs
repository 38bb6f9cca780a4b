//! Outputs as plain numbers.

use crate::error::{Error, Result};
use burn::tensor::Tensor;

/// The values of `outputs`, row by row.
///
/// # Errors
///
/// `Data` where one is not finite; `what` they are called.
pub(super) fn finite<const D: usize>(outputs: Tensor<D>, what: &str) -> Result<Vec<f32>> {
    let values = outputs.into_data().convert::<f32>().try_to_vec::<f32>();
    let values = values.map_err(|error| Error::stage(error.to_string()))?;
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(values),
        false => Err(Error::data(format!(
            "the model gives {what} that are no numbers: its weights are damaged"
        ))),
    }
}
