//! Pixels to normalised planes.

use pulp::NullaryFnOnce;

use crate::image::error::ImageError;
use crate::image::level::{Level, share};
use crate::image::pixels::Pixels;
use crate::image::wide::wide;

/// Mean of ImageNet's training images per channel, as torchvision's weights expect it.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's training images per channel, as torchvision's weights expect it.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];

/// Mean and deviation of luma: the means of ImageNet's.
const LUMA: ([f32; 1], [f32; 1]) = ([0.449], [0.226]);
/// ImageNet's, and alpha as a share.
const RGBA: ([f32; 4], [f32; 4]) = ([0.485, 0.456, 0.406, 0.0], [0.229, 0.224, 0.225, 1.0]);

/// Default mean and deviation of each channel.
pub(in crate::image) fn usual(channels: usize) -> (&'static [f32], &'static [f32]) {
    match channels {
        1 => (&LUMA.0, &LUMA.1),
        4 => (&RGBA.0, &RGBA.1),
        _ => (&IMAGENET_MEAN, &IMAGENET_STD),
    }
}

/// `(level / 255 - mean) / std` of each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Normalize<'a> {
    mean: &'a [f32],
    std: &'a [f32],
}

impl<'a> Normalize<'a> {
    /// As many means and deviations as the picture has channels.
    pub(crate) fn new(mean: &'a [f32], std: &'a [f32]) -> Self {
        Self { mean, std }
    }

    /// Writes interleaved pixels as planes: `out` is `[channels, height, width]`.
    pub(crate) fn write(&self, pixels: &Pixels, out: &mut [f32]) {
        if let (Ok(mean), Ok(std)) = (self.mean.try_into(), self.std.try_into()) {
            let pixels = pixels.levels.as_chunks().0;
            return wide(Write { mean, std, pixels, out });
        }
        self.write_planes(pixels, share, out);
    }

    /// As [`write`](Self::write), of `f32` that are shares already.
    pub(crate) fn write_floats(&self, pixels: &Pixels<f32>, out: &mut [f32]) {
        self.write_planes(pixels, |level| level, out);
    }

    fn write_planes<L: Level>(&self, pixels: &Pixels<L>, share: impl Fn(L) -> f32, out: &mut [f32]) {
        let (channels, places) = (self.mean.len(), out.len() / self.mean.len().max(1));
        for (channel, plane) in out.chunks_exact_mut(places.max(1)).enumerate() {
            let (mean, std) = (self.mean[channel], self.std[channel]);
            let levels = pixels.levels.iter().skip(channel).step_by(channels);
            plane
                .iter_mut()
                .zip(levels)
                .for_each(|(to, &level)| *to = (share(level) - mean) / std);
        }
    }
}

impl Pixels {
    /// Writes `(level / 255 - mean) / std` of each channel as planes of red, green and blue: `out` is
    /// `[channels, height, width]`, with as many means and deviations as there are channels.
    ///
    /// # Errors
    ///
    /// [`ImageError::Config`] where `out` has another length.
    ///
    /// ```
    /// # use millstream::image::{IMAGENET_MEAN, IMAGENET_STD, Pixels};
    /// let (photo, mut planes) = (Pixels::new(500, 400), vec![0.0; 3 * 400 * 500]);
    /// photo.normalize(IMAGENET_MEAN, IMAGENET_STD, &mut planes)?;
    /// # Ok::<(), millstream::image::ImageError>(())
    /// ```
    pub fn normalize<const N: usize>(&self, mean: [f32; N], std: [f32; N], out: &mut [f32]) -> Result<(), ImageError> {
        if out.len() != self.levels.len() || self.channels() != N {
            return Err(ImageError::Config(format!(
                "normalize: {} places and {N} means are not those of {} levels in {} channels",
                out.len(),
                self.levels.len(),
                self.channels()
            )));
        }
        Normalize::new(&mean, &std).write(self, out);
        Ok(())
    }
}

/// Three channels at once.
struct Write<'a> {
    mean: [f32; 3],
    std: [f32; 3],
    pixels: &'a [[u8; 3]],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { mean, std, pixels, out } = self;
        let (red, rest) = out.split_at_mut(pixels.len());
        let (green, blue) = rest.split_at_mut(pixels.len());
        for (((pixel, red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
            *red = (share(pixel[0]) - mean[0]) / std[0];
            *green = (share(pixel[1]) - mean[1]) / std[1];
            *blue = (share(pixel[2]) - mean[2]) / std[2];
        }
    }
}
