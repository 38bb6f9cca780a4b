//! Which balance, which loss and how much synthetic data: tried out by a cross-validation inside the training rows.

mod candidate;
mod choose;
mod cross_validation;
mod spec;

pub use candidate::Candidate;
pub use choose::{Choice, Trial};
pub use spec::AutoBalance;
