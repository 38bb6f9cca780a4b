//! Which balance, which loss and how much synthetic data: tried out by a cross-validation inside the training rows.

mod candidate;
mod choose;
mod cross_validation;
mod spec;

pub use candidate::Candidate;
pub use choose::{Choice, Trial};
pub(crate) use cross_validation::rows_in_parts;
pub use spec::AutoBalance;
