//! What changes values and moves nothing.

pub(in crate::image) mod blur;
pub(in crate::image) mod brightness;
pub(in crate::image) mod color_jitter;
pub(in crate::image) mod contrast;
pub(in crate::image) mod factor;
pub(in crate::image) mod noise;
pub(in crate::image) mod normalize;
pub(in crate::image) mod random_erasing;
pub(in crate::image) mod saturation;
