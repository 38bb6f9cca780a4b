use super::targets::Targets;
use crate::error::Result;
use burn::tensor::{Tensor, activation::log_softmax};
use std::fmt;

/// A loss of classifiers, ready for Burn's tensors; implement it for a loss of your own.
pub trait ClassificationLoss: fmt::Debug + Send + Sync {
    /// The mean loss over the rows of `logits`, `[rows, classes]`: a tensor of one number, on the device of the logits.
    ///
    /// # Errors
    ///
    /// `Config` for targets that do not fit the logits, for no rows, and for soft labels where the loss has no meaning for them.
    fn forward(&self, logits: Tensor<2>, targets: &Targets) -> Result<Tensor<1>>;
}

/// One number for each class, as a row beside `logits`.
pub(super) fn by_class(values: &[f32], logits: &Tensor<2>) -> Tensor<2> {
    Tensor::<1>::from_floats(values, &logits.device()).unsqueeze()
}

/// The mean over the rows of `-sum over classes of probability * weight * log p`.
pub(super) fn cross_entropy(logits: Tensor<2>, probabilities: Tensor<2>, weights: Option<&[f32]>) -> Tensor<1> {
    let probabilities = match weights {
        Some(weights) => {
            let weights = by_class(weights, &logits);
            probabilities * weights
        }
        None => probabilities,
    };
    mean(probabilities * log_softmax(logits, 1))
}

/// Minus the mean over the rows of the sums over the classes.
pub(super) fn mean(of_rows: Tensor<2>) -> Tensor<1> {
    of_rows.sum_dim(1).mean().neg()
}
