//! Planes of luminance and colour to interleaved RGB, by libjpeg's arithmetic.
//!
//! Colours at half the resolution are interpolated linearly between their samples' centres ("fancy upsampling").

use super::scan::Plane;
use std::ops::Range;

/// What is kept from picture to picture: a row of each colour, and one of sums.
#[derive(Debug, Default)]
pub(super) struct Rows {
    colors: [Vec<u8>; 2],
    sums: Vec<u16>,
}

/// The pixels in columns `x` of row `y` of a picture into `rgb`.
#[inline(always)]
pub(super) fn row(planes: &[Plane], y: usize, x: &Range<usize>, rows: &mut Rows, rgb: &mut [u8]) {
    let [luminance, colors @ ..] = planes else { return };
    let levels = luminance.row(y, x);
    if colors.len() < 2 {
        for (pixel, &level) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(levels) {
            *pixel = [level; 3];
        }
        return;
    }
    let Rows {
        colors: [blue, red],
        sums,
    } = rows;
    let blue = full(&colors[0], y, x, sums, blue);
    let red = full(&colors[1], y, x, sums, red);
    for (((pixel, &y), &b), &r) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(levels).zip(blue).zip(red) {
        *pixel = to_rgb(y, b, r);
    }
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
    let (half_x, half_y) = plane.halves;
    if !half_x && !half_y {
        return plane.row(y, x);
    }
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
