//! The picture that augmentations work on.

use std::cell::RefCell;

use fast_image_resize::Resizer;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::{ImageError, KEPT};

thread_local! {
    /// The buffer that [`Pixels::redraw`] draws from; swapped with the picture's own, so nothing is allocated per row.
    static SPARE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// The filter weights and buffers of [`Pixels::resample`].
    static RESIZER: RefCell<Resizer> = RefCell::default();
}

/// A picture of 8-bit RGB pixels, row by row from the top left, interleaved: `rgb[(y * width + x) * 3 + channel]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pixels {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height * 3` levels in `0..=255`.
    pub rgb: Vec<u8>,
}

impl Pixels {
    /// A black picture.
    pub fn new(width: u32, height: u32) -> Self {
        let mut pixels = Self::default();
        pixels.resize(width, height);
        pixels
    }

    /// Takes another size and keeps the buffer; what the picture shows afterwards is not specified.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        (self.width, self.height) = (width, height);
        self.rgb.resize(width as usize * height as usize * 3, 0);
    }

    /// Bytes in a row: `width * 3`.
    pub fn stride(&self) -> usize {
        self.width as usize * 3
    }

    /// Replaces every level `v` of every channel by `table[v]`.
    pub fn map(&mut self, table: &[u8; 256]) {
        for level in &mut self.rgb {
            *level = table[usize::from(*level)];
        }
    }

    /// Draws the picture anew from its old self: `draw(old, new)` fills `new`, a buffer of the same length whose
    /// contents are not specified. The buffers are reused, so this costs no allocation.
    pub fn redraw(&mut self, draw: impl FnOnce(&Self, &mut [u8])) {
        let mut new = SPARE.take();
        new.resize(self.rgb.len(), 0);
        draw(self, &mut new);
        std::mem::swap(&mut self.rgb, &mut new);
        if new.capacity() <= KEPT {
            SPARE.replace(new);
        }
    }

    /// As [`redraw`](Self::redraw), at another size, `[width, height]`.
    pub(in crate::image) fn redraw_as(&mut self, [width, height]: [u32; 2], draw: impl FnOnce(&Self, &mut Self)) {
        let mut new = Self {
            rgb: SPARE.take(),
            ..Self::default()
        };
        new.resize(width, height);
        draw(self, &mut new);
        std::mem::swap(self, &mut new);
        if new.rgb.capacity() <= KEPT {
            SPARE.replace(new.rgb);
        }
    }

    /// The colour at a point, bilinear between the four nearest pixels. `x` and `y` are in 1/256 of a pixel, and
    /// `(0, 0)` is the centre of the first pixel; beyond an edge the edge's colour goes on.
    pub fn sample(&self, x: i32, y: i32) -> [u8; 3] {
        let (x0, x1, fx) = neighbours(x, self.width);
        let (y0, y1, fy) = neighbours(y, self.height);
        let stride = self.stride();
        let (a, b) = self.pair(y0 * stride + x0 * 3, x0 != x1);
        let (c, d) = self.pair(y1 * stride + x0 * 3, x0 != x1);
        std::array::from_fn(|i| {
            let (upper, lower) = (a[i] * (256 - fx) + b[i] * fx, c[i] * (256 - fx) + d[i] * fx);
            ((upper * (256 - fy) + lower * fy + 32_768) >> 16) as u8
        })
    }

    /// The colour at an index of `rgb`, and that of its right neighbour or, without one, its own again.
    fn pair(&self, at: usize, two: bool) -> ([u32; 3], [u32; 3]) {
        let levels = &self.rgb[at..at + if two { 6 } else { 3 }];
        let color = |levels: &[u8]| -> [u32; 3] { [levels[0], levels[1], levels[2]].map(u32::from) };
        (color(levels), color(&levels[levels.len() - 3..]))
    }

    /// True where red, green and blue are equal in every pixel.
    pub fn is_grey(&self) -> bool {
        self.rgb.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2])
    }

    /// The picture as a PNG file, compressed fast; with one channel where it [is grey](Self::is_grey).
    ///
    /// # Errors
    ///
    /// A picture without pixels, or one whose buffer does not fit its size, cannot be encoded.
    pub fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let mut file = Vec::with_capacity(self.rgb.len() / 2);
        let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Sub);
        let grey: Vec<u8>;
        let (levels, color) = if self.is_grey() {
            grey = self.rgb.iter().copied().step_by(3).collect();
            (&grey, ExtendedColorType::L8)
        } else {
            (&self.rgb, ExtendedColorType::Rgb8)
        };
        if levels.len() as u64 * 8 != u64::from(self.width) * u64::from(self.height) * u64::from(color.bits_per_pixel())
        {
            return Err(ImageError::Config(format!(
                "{} bytes are not {} x {} RGB pixels",
                self.rgb.len(),
                self.width,
                self.height
            )));
        }
        encoder
            .write_image(levels, self.width, self.height, color)
            .map_err(|e| ImageError::Config(format!("encode PNG: {e}")))?;
        Ok(file)
    }
}

/// The luma of a pixel: ITU-R 601 weights, rounded, as Pillow's `convert("L")`.
#[inline(always)]
pub(super) fn luma([red, green, blue]: [u8; 3]) -> u32 {
    (19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue) + 32_768) >> 16
}

/// The two pixels beside `at` (1/256 pixel) on an axis of `length` pixels, and the weight of the second of 256.
fn neighbours(at: i32, length: u32) -> (usize, usize, u32) {
    let last = length as i32 - 1;
    let (first, weight) = (at >> 8, (at & 255) as u32);
    (
        first.clamp(0, last) as usize,
        (first + 1).clamp(0, last) as usize,
        weight,
    )
}
