//! Outputs as plain numbers.

use crate::error::{Error, Result};
use arrow::array::{AsArray, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::Float32Type;
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
            "the model gives {what} that are no numbers{DAMAGED}"
        ))),
    }
}

/// What is wrong with a model that was read.
const DAMAGED: &str = ": its weights are damaged";

/// `error` of a model in training, whose weights no file has damaged: where its outputs are no numbers, a step has led there.
pub(super) fn in_training(error: Error) -> Error {
    let said = error.to_string();
    match said.strip_suffix(DAMAGED) {
        Some(outputs) => Error::stage(format!(
            "{outputs}: the training has diverged; a lower learning rate may help"
        )),
        None => error,
    }
}

/// The column `probabilities` of predictions, row by row.
pub(super) fn probabilities(predictions: &RecordBatch) -> Result<ScalarBuffer<f32>> {
    let wrong = || Error::schema("column \"probabilities\" holds no lists of f32");
    let lists = predictions.column_by_name("probabilities");
    let lists = lists
        .and_then(|lists| lists.as_fixed_size_list_opt())
        .ok_or_else(wrong)?;
    let shares = lists.values().as_primitive_opt::<Float32Type>().ok_or_else(wrong)?;
    Ok(shares.values().clone())
}
