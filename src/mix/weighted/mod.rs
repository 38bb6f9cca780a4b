//! Several datasets in exact proportions.

mod mix;
mod source_order;
mod spec;
mod stopping;

pub use mix::Mix;
pub use spec::MixSpec;
pub use stopping::StoppingStrategy;
