//! What moves pixels.

pub(in crate::image) mod crop;
pub(in crate::image) mod flip;
pub(in crate::image) mod motion;
pub(in crate::image) mod resize;
pub(in crate::image) mod rotate;
