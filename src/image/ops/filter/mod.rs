//! What makes a pixel of those around it.

pub(in crate::image) mod box_blur;
mod floats;
pub(in crate::image) mod gaussian;
pub(in crate::image) mod motion_blur;
mod odd;
pub(in crate::image) mod reflect;
pub(in crate::image) mod sharpness;
mod summed;
