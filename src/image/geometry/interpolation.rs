//! How pixels are weighed when a picture is resized.

use fast_image_resize::FilterType;
use serde::{Deserialize, Serialize};

/// How a picture is resized: always antialiased, by the filter of Pillow's constant of the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interpolation {
    /// The mean of the pixels that are covered.
    Box,
    /// Linear in both directions.
    #[default]
    Bilinear,
    /// Hamming's window, sharper than bilinear and of its reach.
    Hamming,
    /// Cubic in both directions, with `a = -0.5`.
    Bicubic,
    /// Lanczos' window of three lobes.
    Lanczos,
}

impl Interpolation {
    pub(crate) fn filter(self) -> FilterType {
        match self {
            Self::Box => FilterType::Box,
            Self::Bilinear => FilterType::Bilinear,
            Self::Hamming => FilterType::Hamming,
            Self::Bicubic => FilterType::CatmullRom,
            Self::Lanczos => FilterType::Lanczos3,
        }
    }

    /// How far a pixel of the output reaches to either side, in pixels of the source or of the output, whichever are larger.
    pub(crate) fn reach(self) -> f64 {
        match self {
            Self::Box | Self::Bilinear | Self::Hamming => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }
}
