//! Several datasets in exact proportions.

mod mix;
mod schema;
mod source_order;
mod stopping;

pub use mix::Mix;
pub use stopping::StoppingStrategy;
