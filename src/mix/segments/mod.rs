//! Streams that come in order, balanced piece by piece.

mod dataset;
mod load;
mod spec;

pub use dataset::Segments;
pub use spec::SegmentsSpec;
