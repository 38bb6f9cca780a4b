//! What changes the colour of a pixel.

pub(in crate::image) mod autocontrast;
pub(in crate::image) mod brightness;
pub(in crate::image) mod channel_permutation;
pub(in crate::image) mod clahe;
pub(in crate::image) mod color_jitter;
pub(in crate::image) mod contrast;
pub(in crate::image) mod equalize;
pub(in crate::image) mod factor;
mod floats;
pub(in crate::image) mod gamma;
pub(in crate::image) mod grayscale;
pub(in crate::image) mod hue;
pub(in crate::image) mod invert;
mod lab;
pub(in crate::image) mod photometric_distort;
pub(in crate::image) mod posterize;
pub(in crate::image) mod recolor;
pub(in crate::image) mod saturation;
pub(in crate::image) mod solarize;
mod tables;
