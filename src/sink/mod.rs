//! Where batches go: tensors, and Burn's trainer.

pub mod burn;
mod numbers;
pub mod tensor;

#[cfg(feature = "train")]
pub use crate::train::LineRenderer;
