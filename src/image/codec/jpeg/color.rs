//! Planes of components to interleaved RGB, by libjpeg's arithmetic, and from four inks by Pillow's.
//!
//! Components at half the resolution are interpolated linearly between their samples' centres ("fancy upsampling"); at other
//! ones, samples are repeated.

use super::header::Space;
use super::plane::Plane;
use super::window::Window;
use crate::image::pixels::Pixels;
use std::ops::Range;

/// What is kept from picture to picture: a row of each component, and one of sums.
#[derive(Debug, Default)]
pub(super) struct Rows {
    levels: [Vec<u8>; 4],
    sums: Vec<u16>,
}

/// The part of a picture that is wanted, and where it is made: a plane for each component, then pixels.
pub(super) struct Output<'a> {
    pub(super) window: &'a Window,
    pub(super) planes: &'a mut [Plane],
    pub(super) rows: &'a mut Rows,
    /// Has the size of the part.
    pub(super) into: &'a mut Pixels,
}

impl Output<'_> {
    /// Makes pixels of the levels in the planes.
    #[inline(always)]
    pub(super) fn convert(self, space: Space) {
        let Self {
            window,
            planes,
            rows,
            into,
        } = self;
        let stride = into.stride();
        for (y, rgb) in window.y.clone().zip(into.levels.chunks_exact_mut(stride)) {
            row(space, planes, y, &window.x, rows, rgb);
        }
    }
}

/// The pixels in columns `x` of row `y` of a picture into `rgb`.
#[inline(always)]
fn row(space: Space, planes: &[Plane], y: usize, x: &Range<usize>, rows: &mut Rows, rgb: &mut [u8]) {
    let Rows {
        levels: [first, second, third, fourth],
        sums,
    } = rows;
    let rgb = rgb.as_chunks_mut::<3>().0;
    let first = full(&planes[0], y, x, sums, first);
    if space == Space::Grey {
        for (pixel, &level) in rgb.iter_mut().zip(first) {
            *pixel = [level; 3];
        }
        return;
    }
    let second = full(&planes[1], y, x, sums, second);
    let third = full(&planes[2], y, x, sums, third);
    // A loop for each space: a choice inside of one keeps the compiler from making vectors of it.
    match space {
        Space::YCbCr => mixed(rgb, [first, second, third], to_rgb),
        // The inks' levels are as light as they are high.
        Space::Ycck => mixed(rgb, [first, second, third], |a, b, c| {
            to_rgb(a, b, c).map(|level| 255 - level)
        }),
        Space::Grey | Space::Rgb | Space::Cmyk => mixed(rgb, [first, second, third], |a, b, c| [a, b, c]),
    }
    if matches!(space, Space::Cmyk | Space::Ycck) {
        let black = full(&planes[3], y, x, sums, fourth);
        for (pixel, &black) in rgb.iter_mut().zip(black) {
            *pixel = pixel.map(|ink| black - share(255 - ink, black));
        }
    }
}

/// Each pixel by `of` of its three levels.
#[inline(always)]
fn mixed(rgb: &mut [[u8; 3]], [first, second, third]: [&[u8]; 3], of: impl Fn(u8, u8, u8) -> [u8; 3]) {
    for (((pixel, &a), &b), &c) in rgb.iter_mut().zip(first).zip(second).zip(third) {
        *pixel = of(a, b, c);
    }
}

/// `a * b / 255`, rounded.
#[inline(always)]
fn share(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    (((product >> 8) + product) >> 8) as u8
}

/// ITU-R BT.601 as JFIF has it, with 16 bits of fraction.
#[inline(always)]
fn to_rgb(y: u8, blue: u8, red: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, blue, red) = (i32::from(y), i32::from(blue) - 128, i32::from(red) - 128);
    [
        clip(y + ((91_881 * red + HALF) >> 16)),
        clip(y + ((-22_554 * blue - 46_802 * red + HALF) >> 16)),
        clip(y + ((116_130 * blue + HALF) >> 16)),
    ]
}

#[inline(always)]
fn clip(level: i32) -> u8 {
    level.clamp(0, 255) as u8
}

/// The samples of `plane` at full resolution, in columns `x` of row `y` of the picture.
#[inline(always)]
fn full<'a>(plane: &'a Plane, y: usize, x: &Range<usize>, sums: &mut Vec<u16>, out: &'a mut Vec<u8>) -> &'a [u8] {
    let (each_x, each_y) = plane.each;
    if plane.each == (1, 1) {
        return plane.row(y, x);
    }
    if !plane.smooth {
        let samples = plane.row(y / each_y, &(x.start / each_x..x.end.div_ceil(each_x)));
        out.resize(samples.len() * each_x, 0);
        for (pixels, &sample) in out.chunks_exact_mut(each_x).zip(samples) {
            pixels.fill(sample);
        }
        return &out[x.start % each_x..][..x.len()];
    }
    let (half_x, half_y) = (each_x == 2, each_y == 2);
    // The nearer row counts three times, the other once.
    let (near, far) = match (half_y, y % 2) {
        (false, _) => (y, y),
        (true, 0) => (y / 2, (y / 2).saturating_sub(1)),
        (true, _) => (y / 2, (y / 2 + 1).min(plane.height - 1)),
    };
    let columns = match half_x {
        true => x.start / 2..x.end.div_ceil(2),
        false => x.clone(),
    };
    // Across, a column beyond either edge is the one at the edge.
    let margin = usize::from(half_x);
    let bounds = columns.start.saturating_sub(margin)..(columns.end + margin).min(plane.width);
    let (before, after) = (
        margin - (columns.start - bounds.start),
        margin - (bounds.end - columns.end),
    );
    let (near, far) = (plane.row(near, &bounds), plane.row(far, &bounds));
    sums.clear();
    sums.resize(before + near.len() + after, 0);
    for ((sum, &near), &far) in sums[before..].iter_mut().zip(near).zip(far) {
        *sum = 3 * u16::from(near) + u16::from(far);
    }
    let count = columns.len();
    if !half_x {
        out.resize(count, 0);
        let bias = 1 + (y % 2) as u16;
        for (level, &sum) in out.iter_mut().zip(&*sums) {
            *level = ((sum + bias) >> 2) as u8;
        }
        return out;
    }
    if before > 0 {
        sums[0] = sums[1];
    }
    if after > 0 {
        sums[count + 1] = sums[count];
    }
    let (last, this, next) = (&sums[..count], &sums[1..=count], &sums[2..]);
    out.resize(2 * count, 0);
    // Of one row alone the sums are four times its samples, so that both cases divide by 16.
    let biases = if half_y { [8, 7] } else { [4, 8] };
    let pairs = out.as_chunks_mut::<2>().0.iter_mut();
    for (((pair, &last), &this), &next) in pairs.zip(last).zip(this).zip(next) {
        *pair = [(3 * this + last + biases[0]) >> 4, (3 * this + next + biases[1]) >> 4].map(|level| level as u8);
    }
    &out[x.start % 2..][..x.len()]
}
