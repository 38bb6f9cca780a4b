//! A picture drawn anew where a motion takes it.

use fast_image_resize::Resizer;
use pulp::NullaryFnOnce;

use super::area::Area;
use super::crop::Region;
use super::interpolation::Interpolation;
use super::motion::{Motion, Part};
use super::padding::Padding;
use super::resize::{Resized, resize};
use super::rim::{MARGIN, around, fade, pad};
use crate::image::error::ImageError;
use crate::image::level::Level;
use crate::image::pixels::Pixels;
use crate::image::wide::wide;

/// Pixels that are blended side by side.
const BLOCK: usize = 64;
/// Added to a number of less than 31 bits, this leaves it rounded in the lower bits: a conversion that vectors have.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// The centres of the pixels of a block.
const CENTRES: [f64; BLOCK] = {
    let mut centres = [0.5; BLOCK];
    let mut at = 1;
    while at < BLOCK {
        centres[at] = centres[at - 1] + 1.0;
        at += 1;
    }
    centres
};

/// What a thread keeps between pictures that it draws.
pub(in crate::image) struct Scratch<L> {
    pub(super) resizer: Resizer,
    pub(super) reduced: Pixels<L>,
    padded: Pixels<L>,
}

impl<L: Level> Default for Scratch<L> {
    fn default() -> Self {
        Self {
            resizer: Resizer::default(),
            reduced: Pixels::default(),
            padded: Pixels::default(),
        }
    }
}

impl<L: Level> Scratch<L> {
    /// Gives back buffers of more than `limit` bytes.
    pub(in crate::image) fn trim(&mut self, limit: usize) {
        for pixels in [&mut self.reduced, &mut self.padded] {
            if pixels.levels.capacity() * size_of::<L>() > limit {
                *pixels = Pixels::default();
            }
        }
    }
}

impl Motion {
    /// Draws what the motion shows of `pixels` into `into`, which takes the size of the output. `held` is an area of the input, and where in
    /// `pixels` it is; none where nothing of the input is seen.
    pub(super) fn draw<L: Blended>(
        &self,
        pixels: &Pixels<L>,
        held: Option<(Area, Region)>,
        padding: Padding,
        scratch: &mut Scratch<L>,
        into: &mut Pixels<L>,
    ) -> Result<(), ImageError> {
        let (channels, [width, height]) = (pixels.channels(), self.to());
        into.reshape(width, height, channels);
        let Some((area, region)) = held else {
            match channels {
                1 => into.levels.as_chunks_mut().0.fill(padding.fill_of::<1, L>()),
                4 => into.levels.as_chunks_mut().0.fill(padding.fill_of::<4, L>()),
                _ => into.levels.as_chunks_mut().0.fill(padding.fill_of::<3, L>()),
            }
            return Ok(());
        };
        let Scratch {
            resizer,
            reduced,
            padded,
        } = scratch;
        // What is seen of the input, in pixels of the picture to draw from, and which of these are needed.
        let (held, cut) = if area.is_small(region) {
            let cut = around(region, pixels);
            pad(pixels, cut, padding, padded);
            fade(region, cut, padding, padded);
            (region, cut)
        } else {
            let [columns, rows] = area.size;
            reduced.reshape(columns, rows, channels);
            resize(resizer, Interpolation::Bilinear, pixels, region, reduced)?;
            let whole = Region::whole(columns, rows);
            pad(reduced, whole, padding, padded);
            (whole, whole)
        };
        let scale = [held.width / area.region.width, held.height / area.region.height];
        let places = Places {
            motion: self,
            padding,
            scale,
            // The centre of the first pixel, behind the margin.
            offset: [
                MARGIN[0] as f64 - 0.5 + held.left - cut.left - area.region.left * scale[0],
                MARGIN[0] as f64 - 0.5 + held.top - cut.top - area.region.top * scale[1],
            ],
            last: [cut.width + 1.0, cut.height + 1.0],
        };
        match channels {
            1 => wide(Warp::<1, L> { places, padded, into }),
            4 => wide(Warp::<4, L> { places, padded, into }),
            _ => wide(Warp::<3, L> { places, padded, into }),
        }
        Ok(())
    }
}

/// Where the pixels of the output come from, in a padded picture.
struct Places<'a> {
    motion: &'a Motion,
    padding: Padding,
    /// From places in the input to places in the padded picture, of which whole numbers are centres of pixels.
    scale: [f64; 2],
    offset: [f64; 2],
    /// The last place across and down.
    last: [f64; 2],
}

impl Places<'_> {
    /// Places of the pixels from `x` on in row `y`, in `fractions` of a pixel.
    #[inline(always)]
    fn block(&self, fractions: f64, x: usize, y: usize, places: &mut [[i32; BLOCK]; 2]) {
        let mut from = [[0.0; BLOCK]; 2];
        let (first, row) = (x as f64, y as f64 + 0.5);
        match (self.motion.backward(), self.motion.parts()) {
            (Some([a, b, c, d, e, f, g, h, i]), _) if g == 0.0 && h == 0.0 && i == 1.0 => {
                let (across, down) = (b * row + c, e * row + f);
                for at in 0..BLOCK {
                    let column = first + CENTRES[at];
                    from[0][at] = a * column + across;
                    from[1][at] = d * column + down;
                }
            }
            (Some([a, b, c, d, e, f, g, h, i]), _) => {
                let (across, down, weight) = (b * row + c, e * row + f, h * row + i);
                for at in 0..BLOCK {
                    let column = first + CENTRES[at];
                    let weight = g * column + weight;
                    // Beyond the horizon is far outside.
                    let share = 1.0 / if weight > 1e-9 { weight } else { 1e-9 };
                    from[0][at] = (a * column + across) * share;
                    from[1][at] = (d * column + down) * share;
                }
            }
            (None, parts) => {
                for at in 0..BLOCK {
                    let place = origin(parts, [first + CENTRES[at], row]);
                    [from[0][at], from[1][at]] = place;
                }
            }
        }
        let folds = self.padding.folds();
        for axis in 0..2 {
            if folds {
                let length = f64::from(self.motion.from()[axis]);
                for from in &mut from[axis] {
                    *from = self.padding.folded(*from, length);
                }
            }
            let (scale, offset, last) = (self.scale[axis], self.offset[axis], self.last[axis]);
            for at in 0..BLOCK {
                let place = from[axis][at] * scale + offset;
                let place = if place > 0.0 { place } else { 0.0 };
                let place = if place < last { place } else { last };
                places[axis][at] = (place * fractions + ROUND).to_bits() as i32;
            }
        }
    }
}

/// [`Motion::origin`] of a list of parts.
#[inline(always)]
fn origin(parts: &[Part], mut at: [f64; 2]) -> [f64; 2] {
    for part in parts.iter().rev() {
        at = match part {
            Part::Homography(homography) => super::homography::mapped(&homography.backward, at).unwrap_or([-1e9; 2]),
            Part::Field(field) => field.origin(at),
        };
    }
    at
}

/// Draws all pixels, of `N` channels.
struct Warp<'a, const N: usize, L> {
    places: Places<'a>,
    padded: &'a Pixels<L>,
    into: &'a mut Pixels<L>,
}

impl<const N: usize, L: Blended> NullaryFnOnce for Warp<'_, N, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { places, padded, into } = self;
        let width = into.width as usize;
        let mut at = [[0; BLOCK]; 2];
        let mut block = L::Block::default();
        for (y, row) in into.levels.as_chunks_mut::<N>().0.chunks_exact_mut(width).enumerate() {
            for (nth, row) in row.chunks_mut(BLOCK).enumerate() {
                places.block(f64::from(1 << L::FRACTION_BITS), nth * BLOCK, y, &mut at);
                L::blend(&mut block, padded, &at, row);
            }
        }
    }
}

/// What can be blended of its neighbours.
pub(in crate::image) trait Blended: Resized {
    /// Places are rounded to such fractions of a pixel.
    const FRACTION_BITS: u32;

    /// What is kept from block to block.
    type Block: Default;

    /// The pixels of `N` channels that lie at the places `at`, into `row`, of at most so many.
    fn blend<const N: usize>(
        block: &mut Self::Block,
        padded: &Pixels<Self>,
        at: &[[i32; BLOCK]; 2],
        row: &mut [[Self; N]],
    );
}

impl Blended for u8 {
    const FRACTION_BITS: u32 = 8;

    type Block = Block;

    #[inline(always)]
    fn blend<const N: usize>(block: &mut Block, padded: &Pixels, at: &[[i32; BLOCK]; 2], row: &mut [[u8; N]]) {
        block.gather::<N>(padded, at);
        row.copy_from_slice(&block.blend::<N>()[..row.len()]);
    }
}

impl Blended for f32 {
    const FRACTION_BITS: u32 = 10;

    type Block = ();

    #[inline(always)]
    fn blend<const N: usize>(_: &mut (), padded: &Pixels<f32>, [x, y]: &[[i32; BLOCK]; 2], row: &mut [[f32; N]]) {
        let (bits, stride) = (Self::FRACTION_BITS, padded.stride());
        let split = |place: i32| {
            (
                (place >> bits) as usize,
                (place & ((1 << bits) - 1)) as f32 / (1 << bits) as f32,
            )
        };
        for ((to, &x), &y) in row.iter_mut().zip(x).zip(y) {
            let ((column, across), (line, down)) = (split(x), split(y));
            let at = line * stride + column * N;
            let (upper, lower) = (&padded.levels[at..][..2 * N], &padded.levels[at + stride..][..2 * N]);
            let between = |row: &[f32], channel: usize| row[channel] + (row[channel + N] - row[channel]) * across;
            *to = std::array::from_fn(|channel| {
                let (upper, lower) = (between(upper, channel), between(lower, channel));
                upper + (lower - upper) * down
            });
        }
    }
}

/// What a run of pixels is blended from.
pub(in crate::image) struct Block {
    /// The upper left, upper right, lower left and lower right neighbours, the first channel lowest; above the last are bits to be ignored.
    colors: [[u32; BLOCK]; 4],
    /// Of the right ones and of the lower ones, of 256.
    weights: [[u32; BLOCK]; 2],
}

impl Default for Block {
    #[inline(always)]
    fn default() -> Self {
        Self {
            colors: [[0; BLOCK]; 4],
            weights: [[0; BLOCK]; 2],
        }
    }
}

impl Block {
    #[inline(always)]
    fn gather<const N: usize>(&mut self, padded: &Pixels, [x, y]: &[[i32; BLOCK]; 2]) {
        let stride = padded.stride();
        for i in 0..BLOCK {
            let (across, down) = (x[i] as u32, y[i] as u32);
            self.weights[0][i] = across & 255;
            self.weights[1][i] = down & 255;
            let at = (down >> 8) as usize * stride + (across >> 8) as usize * N;
            let (upper, lower) = (two(&padded.levels, at), two(&padded.levels, at + stride));
            self.colors[0][i] = upper as u32;
            self.colors[1][i] = (upper >> (8 * N)) as u32;
            self.colors[2][i] = lower as u32;
            self.colors[3][i] = (lower >> (8 * N)) as u32;
        }
    }

    #[inline(always)]
    fn blend<const N: usize>(&self) -> [[u8; N]; BLOCK] {
        let Self { colors, weights } = self;
        let mut blended = [[0; N]; BLOCK];
        for (i, out) in blended.iter_mut().enumerate() {
            let [a, b, c, d] = [colors[0][i], colors[1][i], colors[2][i], colors[3][i]];
            let across = |from: u32, to: u32, mask: u32| between(from & mask, to & mask, weights[0][i]);
            let down = |upper: u32, lower: u32| ((between(upper, lower, weights[1][i]) + 32_768) >> 16) as u8;
            if N == 1 {
                out[0] = down(across(a, b, 255), across(c, d, 255));
                continue;
            }
            // Red and blue share a word, of which each has 16 bits, and so do green and alpha.
            let (upper, lower) = (across(a, b, 0xff_00ff), across(c, d, 0xff_00ff));
            out[0] = down(upper & 0xffff, lower & 0xffff);
            out[2] = down(upper >> 16, lower >> 16);
            let mask = if N == 4 { 0xff_00ff } else { 255 };
            let (upper, lower) = (across(a >> 8, b >> 8, mask), across(c >> 8, d >> 8, mask));
            out[1] = down(upper & 0xffff, lower & 0xffff);
            if N == 4 {
                out[3] = down(upper >> 16, lower >> 16);
            }
        }
        blended
    }
}

/// Two pixels that lie side by side, and what follows, eight bytes in all.
#[inline(always)]
fn two(levels: &[u8], at: usize) -> u64 {
    let eight = levels.get(at..).and_then(|rest| rest.first_chunk());
    eight.map_or(0, |&eight| u64::from_le_bytes(eight))
}

/// `from * (256 - weight) + to * weight`.
#[inline(always)]
fn between(from: u32, to: u32, weight: u32) -> u32 {
    (from << 8).wrapping_add(to.wrapping_sub(from).wrapping_mul(weight))
}
