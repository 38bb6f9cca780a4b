//! The one resample of a stage: crop and resize together.
//!
//! Antialiased bilinear, the filter of Pillow's `BILINEAR` and of torchvision's `Resize(antialias=True)`: a triangle
//! that widens with the reduction, in 8-bit fixed point, horizontally and then vertically. Results lie within one level of
//! Pillow's. Products and sums are integers, so the instruction set of a machine does not change them.

use fast_image_resize::images::{Image as Target, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::crop::Region;
use crate::image::{ImageError, Pixels};

/// Resamples `region` of `from` to the size that `into` has.
pub(crate) fn resize(
    resizer: &mut Resizer,
    from: &Pixels,
    region: Region,
    into: &mut Pixels,
) -> Result<(), ImageError> {
    let Region {
        left,
        top,
        width,
        height,
    } = region;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .crop(
            left,
            top,
            width.min(f64::from(from.width) - left),
            height.min(f64::from(from.height) - top),
        );
    let failed = |what: &dyn std::fmt::Display| ImageError::Config(format!("resize: {what}"));
    let source = ImageRef::new(from.width, from.height, &from.rgb, PixelType::U8x3).map_err(|e| failed(&e))?;
    let mut target =
        Target::from_slice_u8(into.width, into.height, &mut into.rgb, PixelType::U8x3).map_err(|e| failed(&e))?;
    resizer.resize(&source, &mut target, &options).map_err(|e| failed(&e))
}
