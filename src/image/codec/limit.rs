//! What is refused by its header.

use crate::image::error::ImageError;

/// Refuses a picture of no pixels, and one of more than `limit`.
pub(in crate::image) fn check(width: u32, height: u32, format: &'static str, limit: u64) -> Result<(), ImageError> {
    if u64::from(width) * u64::from(height) > limit {
        return Err(ImageError::TooLarge { width, height, limit });
    }
    if width == 0 || height == 0 {
        let reason = format!("{width} x {height} pixels");
        return Err(ImageError::Corrupt { format, reason });
    }
    Ok(())
}
