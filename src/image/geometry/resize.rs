//! The one resample of a stage: crop and resize together.
//!
//! Antialiased: the filter of Pillow's constant and of torchvision's `Resize(antialias=True)`, for bilinear a triangle,
//! widens with the reduction; in 8-bit fixed point, horizontally and then vertically. Results lie within one level of
//! Pillow's. Products and sums are integers, so the instruction set of a machine does not change them. Those of pictures of `f32` are of floating
//! point: results of two machines may differ in their last bits.

use bytemuck::{cast_slice, cast_slice_mut};
use fast_image_resize::images::{Image as Target, ImageRef};
use fast_image_resize::{PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::crop::Region;
use super::interpolation::Interpolation;
use crate::image::error::ImageError;
use crate::image::level::Level;
use crate::image::pixels::Pixels;
use std::cell::RefCell;

/// What can be resampled.
pub(crate) trait Resized: Level {
    /// As grey, RGB, and RGB with alpha.
    const KINDS: [PixelType; 3];

    /// Does what [`resize`] does, of a whole picture, in a faster way; false where there is none, and nothing is done.
    fn faster(_: Interpolation, _: &Pixels<Self>, _: &mut Pixels<Self>) -> bool {
        false
    }
}

impl Resized for u8 {
    const KINDS: [PixelType; 3] = [PixelType::U8, PixelType::U8x3, PixelType::U8x4];

    #[cfg(target_arch = "x86_64")]
    fn faster(interpolation: Interpolation, from: &Pixels, into: &mut Pixels) -> bool {
        super::pairs::resample(interpolation, from, into)
    }
}

impl Resized for f32 {
    const KINDS: [PixelType; 3] = [PixelType::F32, PixelType::F32x3, PixelType::F32x4];
}

/// Resamples `region` of `from` to the size that `into` has.
pub(crate) fn resize<L: Resized>(
    resizer: &mut Resizer,
    interpolation: Interpolation,
    from: &Pixels<L>,
    region: Region,
    into: &mut Pixels<L>,
) -> Result<(), ImageError> {
    let Region {
        left,
        top,
        width,
        height,
    } = region;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(interpolation.filter()))
        .crop(
            left,
            top,
            width.min(f64::from(from.width) - left),
            height.min(f64::from(from.height) - top),
        );
    let failed = |what: &dyn std::fmt::Display| ImageError::Config(format!("resize: {what}"));
    // Where there is alpha, colours are weighed by it, as in Pillow.
    let [grey, rgb, rgba] = L::KINDS;
    let kind = match from.channels() {
        1 => grey,
        4 => rgba,
        _ => rgb,
    };
    let (levels, new) = (cast_slice(&from.levels), cast_slice_mut(&mut into.levels));
    let source = ImageRef::new(from.width, from.height, levels, kind).map_err(|e| failed(&e))?;
    let mut target = Target::from_slice_u8(into.width, into.height, new, kind).map_err(|e| failed(&e))?;
    resizer.resize(&source, &mut target, &options).map_err(|e| failed(&e))
}

/// Resamples all of `from` to the size that `into` has.
pub(in crate::image) fn resize_whole<L: Resized>(
    resizer: &mut Resizer,
    interpolation: Interpolation,
    from: &Pixels<L>,
    into: &mut Pixels<L>,
) -> Result<(), ImageError> {
    match L::faster(interpolation, from, into) {
        true => Ok(()),
        false => resize(
            resizer,
            interpolation,
            from,
            Region::whole(from.width, from.height),
            into,
        ),
    }
}

thread_local! {
    /// The filter weights and buffers of [`Pixels::resample`].
    static RESIZER: RefCell<Resizer> = RefCell::default();
}

impl Pixels {
    /// Draws a part of the picture at the size that `into` has, which has to have as many channels: antialiased bilinear, as the resample of
    /// [`Image`](crate::image::Image). The part is in pixels from the top left corner, and its edges may lie between pixels. One
    /// of whole pixels and of the size of `into` is a copy.
    ///
    /// ```
    /// # use millstream::image::Pixels;
    /// let (photo, mut thumbnail) = (Pixels::new(500, 400), Pixels::new(100, 100));
    /// photo.resample([50.0, 0.0, 400.0, 400.0], &mut thumbnail)?; // left, top, width, height
    /// # Ok::<(), millstream::image::ImageError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A part that is empty or not inside the picture, or another number of channels, is [`ImageError::Config`].
    pub fn resample(&self, [left, top, width, height]: [f64; 4], into: &mut Self) -> Result<(), ImageError> {
        if self.channels() != into.channels() {
            return Err(ImageError::Config(format!(
                "resample: {} channels into {}",
                self.channels(),
                into.channels()
            )));
        }
        let inside = |from: f64, length: f64, of: u32| from >= 0.0 && length > 0.0 && from + length <= f64::from(of);
        if !inside(left, width, self.width) || !inside(top, height, self.height) {
            return Err(ImageError::Config(format!(
                "resample: {width} x {height} pixels at ({left}, {top}) are not inside {} x {}",
                self.width, self.height
            )));
        }
        let region = Region {
            left,
            top,
            width,
            height,
        };
        RESIZER.with_borrow_mut(|resizer| resize(resizer, Interpolation::Bilinear, self, region, into))
    }
}
