//! The picture that augmentations work on.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use super::level::Level;
use super::table::look_up;
use super::wide::wide;
use super::{ImageError, KEPT};
use pulp::NullaryFnOnce;

/// A picture of 8-bit pixels, row by row from the top left, interleaved: `levels[(y * width + x) * channels + channel]`.
///
/// Three channels are red, green and blue, one is luma, and four are RGB and alpha. How many there are follows from the length of
/// `levels`. `Pixels<f32>` is a picture of a stage of [`Depth::F32`](crate::image::Depth), of which 0 is black and 1 white.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pixels<L = u8> {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width * height * channels` levels: in `0..=255`, or as `f32`.
    pub levels: Vec<L>,
}

impl Pixels {
    /// A black picture of three channels.
    ///
    /// # Panics
    ///
    /// Where its levels are more bytes than memory has, as of `u32::MAX` x `u32::MAX` pixels.
    pub fn new(width: u32, height: u32) -> Self {
        Self::with_channels(width, height, 3)
    }

    /// A picture of 1, 3 or 4 channels, all of whose levels are 0.
    ///
    /// ```
    /// # use millstream::image::Pixels;
    /// let grey = Pixels::with_channels(20, 10, 1);
    /// assert_eq!((grey.channels(), grey.levels.len()), (1, 200));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with_channels(width: u32, height: u32, channels: usize) -> Self {
        let mut pixels = Self::default();
        pixels.reshape(width, height, channels);
        pixels
    }

    /// Replaces every level `v` of every channel by `table[v]`.
    pub fn map(&mut self, table: &[u8; 256]) {
        look_up(&mut self.levels, table);
    }

    /// Becomes a picture of one channel: the luma of ITU-R 601, rounded, as Pillow's `convert("L")`. Alpha is dropped.
    pub(in crate::image) fn make_luma(&mut self) {
        match self.channels() {
            3 => self.redraw_as(1, |old, new| wide(Luma(old.levels.as_chunks().0, new))),
            4 => {
                let rgb = |&[red, green, blue, _]: &[u8; 4]| luma([red, green, blue]) as u8;
                self.redraw_as(1, |old, new| {
                    new.iter_mut()
                        .zip(old.levels.as_chunks().0)
                        .for_each(|(to, from)| *to = rgb(from));
                });
            }
            _ => {}
        }
    }

    /// The colour at a point of a picture of three channels, bilinear between the four nearest pixels. `x` and `y` are in 1/256 of a
    /// pixel, and `(0, 0)` is the centre of the first pixel; beyond an edge the edge's colour goes on.
    pub fn sample(&self, x: i32, y: i32) -> [u8; 3] {
        self.sample_of(x, y)
    }

    /// As [`sample`](Self::sample), of `N` channels.
    pub(crate) fn sample_of<const N: usize>(&self, x: i32, y: i32) -> [u8; N] {
        let (x0, x1, fx) = neighbours(x, self.width);
        let (y0, y1, fy) = neighbours(y, self.height);
        let stride = self.width as usize * N;
        let (a, b) = self.pair::<N>(y0 * stride + x0 * N, x0 != x1);
        let (c, d) = self.pair::<N>(y1 * stride + x0 * N, x0 != x1);
        std::array::from_fn(|i| {
            let (upper, lower) = (a[i] * (256 - fx) + b[i] * fx, c[i] * (256 - fx) + d[i] * fx);
            ((upper * (256 - fy) + lower * fy + 32_768) >> 16) as u8
        })
    }

    /// The colour at an index of `levels`, and that of its right neighbour or, without one, its own again.
    fn pair<const N: usize>(&self, at: usize, two: bool) -> ([u32; N], [u32; N]) {
        let levels = &self.levels[at..at + if two { 2 * N } else { N }];
        let color = |levels: &[u8]| -> [u32; N] { std::array::from_fn(|i| levels[i].into()) };
        (color(levels), color(&levels[levels.len() - N..]))
    }

    /// True where red, green and blue are equal in every pixel.
    pub fn is_grey(&self) -> bool {
        match self.channels() {
            3 => self.levels.chunks_exact(3).all(|p| p[0] == p[1] && p[1] == p[2]),
            4 => self.levels.chunks_exact(4).all(|p| p[0] == p[1] && p[1] == p[2]),
            _ => true,
        }
    }

    /// The picture as a PNG file, compressed fast; with one channel where three of them [are grey](Self::is_grey).
    ///
    /// # Errors
    ///
    /// A picture without pixels, or one whose buffer does not fit its size, cannot be encoded.
    pub fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let mut file = Vec::with_capacity(self.levels.len() / 2);
        let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Sub);
        let grey: Vec<u8>;
        let (levels, color) = match self.channels() {
            1 => (&self.levels, ExtendedColorType::L8),
            4 => (&self.levels, ExtendedColorType::Rgba8),
            _ if self.is_grey() => {
                grey = self.levels.iter().copied().step_by(3).collect();
                (&grey, ExtendedColorType::L8)
            }
            _ => (&self.levels, ExtendedColorType::Rgb8),
        };
        if levels.len() as u64 * 8 != u64::from(self.width) * u64::from(self.height) * u64::from(color.bits_per_pixel())
        {
            return Err(ImageError::Config(format!(
                "{} bytes are not {} x {} pixels of 1, 3 or 4 channels",
                self.levels.len(),
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

impl<L: Level> Pixels<L> {
    /// Takes another size, with three channels, and keeps the buffer; what the picture shows afterwards is not specified.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        self.reshape(width, height, 3);
    }

    /// As [`resize`](Self::resize), with any number of channels.
    pub(crate) fn reshape(&mut self, width: u32, height: u32, channels: usize) {
        (self.width, self.height) = (width, height);
        self.levels
            .resize(width as usize * height as usize * channels, L::default());
    }

    /// Channels of a pixel: 1 (luma), 3 (RGB) or 4 (RGB and alpha). A picture without pixels has three.
    pub fn channels(&self) -> usize {
        let places = self.width as usize * self.height as usize;
        self.levels.len().checked_div(places).unwrap_or(3)
    }

    /// Bytes in a row: `width * channels`.
    pub fn stride(&self) -> usize {
        self.levels.len().checked_div(self.height as usize).unwrap_or(0)
    }

    /// Changes colours with `change`, which sees three channels where there are four: alpha stays as it is.
    ///
    /// ```
    /// # use millstream::image::Pixels;
    /// let mut clear = Pixels::with_channels(1, 1, 4);
    /// clear.change_colors(|pixels| pixels.levels.fill(9));
    /// assert_eq!(clear.levels, [9, 9, 9, 0]);
    /// ```
    pub fn change_colors(&mut self, change: impl FnOnce(&mut Self)) {
        if self.channels() != 4 {
            return change(self);
        }
        let (all, mut colors) = (std::mem::take(&mut self.levels), L::colors().take());
        colors.clear();
        colors.extend(
            all.as_chunks::<4>()
                .0
                .iter()
                .flat_map(|&[red, green, blue, _]| [red, green, blue]),
        );
        self.levels = colors;
        change(self);
        let colors = std::mem::replace(&mut self.levels, all);
        for (pixel, color) in self
            .levels
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .zip(colors.as_chunks::<3>().0)
        {
            pixel[..3].copy_from_slice(color);
        }
        if colors.capacity() <= KEPT {
            L::colors().replace(colors);
        }
    }

    /// Draws the picture anew from its old self: `draw(old, new)` fills `new`, a buffer of the same length whose
    /// contents are not specified. The buffers are reused, so this costs no allocation.
    pub fn redraw(&mut self, draw: impl FnOnce(&Self, &mut [L])) {
        self.redraw_as(self.channels(), draw);
    }

    /// As [`redraw`](Self::redraw), with another number of channels.
    pub(in crate::image) fn redraw_as(&mut self, channels: usize, draw: impl FnOnce(&Self, &mut [L])) {
        let mut new = L::spare().take();
        new.resize(self.width as usize * self.height as usize * channels, L::default());
        draw(self, &mut new);
        std::mem::swap(&mut self.levels, &mut new);
        if new.capacity() <= KEPT {
            L::spare().replace(new);
        }
    }

    /// As [`redraw`](Self::redraw), at another size, `[width, height]`.
    pub(in crate::image) fn redraw_sized(&mut self, [width, height]: [u32; 2], draw: impl FnOnce(&Self, &mut Self)) {
        let mut new = Self {
            levels: L::spare().take(),
            ..Self::default()
        };
        new.reshape(width, height, self.channels());
        draw(self, &mut new);
        std::mem::swap(self, &mut new);
        if new.levels.capacity() <= KEPT {
            L::spare().replace(new.levels);
        }
    }

    /// Becomes what `level` makes of each level of `from`.
    pub(in crate::image) fn convert<M: Level>(&mut self, from: &Pixels<M>, level: impl Fn(M) -> L) {
        (self.width, self.height) = (from.width, from.height);
        self.levels.clear();
        self.levels.extend(from.levels.iter().map(|&from| level(from)));
    }
}

impl From<&Pixels> for Pixels<f32> {
    /// 255 becomes 1.
    fn from(pixels: &Pixels) -> Self {
        let mut floats = Self::default();
        floats.convert(pixels, f32::of);
        floats
    }
}

impl From<&Pixels<f32>> for Pixels {
    /// Rounded to the nearest of 256 levels, 1 to 255; what is below 0 becomes black, and what is above 1 white.
    ///
    /// ```
    /// # use millstream::image::Pixels;
    /// let grey = Pixels { width: 3, height: 1, levels: vec![-1.0_f32, 0.5, 7.0] };
    /// assert_eq!(Pixels::from(&grey).levels, [0, 128, 255]);
    /// ```
    fn from(floats: &Pixels<f32>) -> Self {
        let mut pixels = Self::default();
        pixels.convert(floats, f32::to_u8);
        pixels
    }
}

struct Luma<'a>(&'a [[u8; 3]], &'a mut [u8]);

impl NullaryFnOnce for Luma<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (&pixel, level) in self.0.iter().zip(self.1) {
            *level = luma(pixel) as u8;
        }
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
