//! What moves pixels.

pub(in crate::image) mod crop;
pub(in crate::image) mod flip;
pub(in crate::image) mod interpolation;
pub(in crate::image) mod mirror;
pub(in crate::image) mod motion;
pub(in crate::image) mod resize;
pub(in crate::image) mod rotate;
pub(in crate::image) mod turn;
