//! 8-bit pixels to normalised planes.

use pulp::NullaryFnOnce;

use crate::image::Pixels;
use crate::image::wide::wide;

/// Mean of ImageNet's training images per channel, as torchvision's weights expect it.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's training images per channel, as torchvision's weights expect it.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// `(level / 255 - mean) / std` of each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Normalize {
    mean: [f32; 3],
    std: [f32; 3],
}

impl Normalize {
    pub(crate) fn new(mean: [f32; 3], std: [f32; 3]) -> Self {
        Self { mean, std }
    }

    /// Writes interleaved pixels as three planes: `out` is `[3, height, width]`.
    pub(crate) fn write(&self, pixels: &Pixels, out: &mut [f32]) {
        wide(Write {
            normalize: self,
            pixels: pixels.rgb.as_chunks().0,
            out,
        });
    }
}

struct Write<'a> {
    normalize: &'a Normalize,
    pixels: &'a [[u8; 3]],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { normalize, pixels, out } = self;
        let Normalize { mean, std } = *normalize;
        let (red, rest) = out.split_at_mut(pixels.len());
        let (green, blue) = rest.split_at_mut(pixels.len());
        for (((pixel, red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
            *red = (share(pixel[0]) - mean[0]) / std[0];
            *green = (share(pixel[1]) - mean[1]) / std[1];
            *blue = (share(pixel[2]) - mean[2]) / std[2];
        }
    }
}

/// `level / 255` to the last bit, without the division: 1/255 is 1/256 and 1/256 of 1/255.
#[inline(always)]
fn share(level: u8) -> f32 {
    let level = f32::from(level);
    level * (1.0 / 256.0) + level * (1.0 / 65_280.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_division() {
        assert!((0..=255).all(|level| share(level) == f32::from(level) / 255.0));
    }
}
