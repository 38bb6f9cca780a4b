//! Where batches go: tensors, and Burn's trainer.

pub mod burn;
mod numbers;
pub mod tensor;
