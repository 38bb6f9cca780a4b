//! Where batches go: tensors, and Burn's trainer.

pub mod burn;
pub mod tensor;
