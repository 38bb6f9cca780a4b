//! Where batches go: [tensors](tensor), whose table says which function takes which column, and Burn's trainer.

pub mod burn;
pub mod tensor;
