//! What changes values and moves nothing.

pub(in crate::image) mod color;
pub(in crate::image) mod filter;
pub(in crate::image) mod levels;
pub(in crate::image) mod noise;
pub(in crate::image) mod normalize;
pub(in crate::image) mod quality;
pub(in crate::image) mod region;
