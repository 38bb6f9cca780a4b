//! What is wrong with a TIFF file.

use crate::image::error::ImageError;

pub(super) const NAME: &str = "TIFF";

pub(super) fn corrupt(reason: impl Into<String>) -> ImageError {
    ImageError::Corrupt {
        format: NAME,
        reason: reason.into(),
    }
}
