//! Where batches go: tensors, and Burn's trainer.

pub mod burn;
#[cfg(feature = "train")]
mod lines;
mod numbers;
pub mod tensor;

#[cfg(feature = "train")]
pub use lines::Lines;
