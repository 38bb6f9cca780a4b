//! What a JPEG of some quality leaves of a picture, without the file: its bits would be written and read again for nothing.
//!
//! As libjpeg compresses: YCbCr with colours at half the resolution (4:2:0), the tables of Annex K scaled for the quality, edges
//! repeated up to whole blocks. The cosine transform is exact, so where a coefficient lies between two steps, libjpeg's
//! whole numbers may take the other one.

use super::Scratch;
use super::color::{Output, Rows};
use super::header::Space;
use super::idct::{self, Factors};
use super::plane::Plane;
use super::window::Window;
use crate::image::geometry::crop::Region;
use crate::image::pixels::Pixels;
use crate::image::wide::wide;
use pulp::NullaryFnOnce;

/// Annex K, row by row: of luminance, and of colours.
const TABLES: [[u16; 64]; 2] = [
    [
        16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29,
        51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121,
        120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
    ],
    [
        17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
        99, 99, 99, 99, 99, 99, 99, 99,
    ],
];

/// Compresses a picture of 1 or 3 channels with a quality of `1..=100`, and decodes it.
pub(in crate::image) fn round_trip(pixels: &mut Pixels, quality: u8, scratch: &mut Scratch) {
    let Scratch { planes, rows, .. } = scratch;
    let factors = TABLES.map(|table| scaled(&table, quality));
    wide(RoundTrip {
        pixels,
        planes,
        rows,
        factors: &factors,
    });
}

/// libjpeg's table for a quality.
fn scaled(table: &[u16; 64], quality: u8) -> Factors {
    let quality = u32::from(quality.clamp(1, 100));
    let percent = if quality < 50 {
        5000 / quality
    } else {
        200 - 2 * quality
    };
    let factor = |at: usize| ((u32::from(table[at]) * percent + 50) / 100).clamp(1, 255) as f32;
    std::array::from_fn(|v| std::array::from_fn(|u| factor(8 * v + u)))
}

struct RoundTrip<'a> {
    pixels: &'a mut Pixels,
    planes: &'a mut [Plane; 4],
    rows: &'a mut Rows,
    factors: &'a [Factors; 2],
}

impl NullaryFnOnce for RoundTrip<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self {
            pixels,
            planes,
            rows,
            factors,
        } = self;
        let [luma, blue, red, _] = &mut *planes;
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        luma.hold_all((width, height), (1, 1));
        if pixels.channels() == 1 {
            for (y, row) in pixels.levels.chunks_exact(width).enumerate() {
                luma.line(y).copy_from_slice(row);
            }
            luma.repeat_edges();
            compress_all(luma, &factors[0]);
            for (y, row) in pixels.levels.chunks_exact_mut(width).enumerate() {
                row.copy_from_slice(luma.row(y, &(0..width)));
            }
            return;
        }
        blue.hold_all((width, height), (2, 2));
        red.hold_all((width, height), (2, 2));
        split(pixels, [luma, blue, red]);
        for (plane, factors) in planes.iter_mut().zip([&factors[0], &factors[1], &factors[1]]) {
            plane.repeat_edges();
            compress_all(plane, factors);
        }
        let window = Window {
            block: 8,
            width,
            height,
            x: 0..width,
            y: 0..height,
            region: Region::whole(pixels.width, pixels.height),
        };
        let output = Output {
            window: &window,
            planes,
            rows,
            into: pixels,
        };
        output.convert(Space::YCbCr);
    }
}

/// RGB to planes, two rows of which give one of colours.
#[inline(always)]
fn split(pixels: &Pixels, [luma, blue, red]: [&mut Plane; 3]) {
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let mut lines = [
        [vec![0; width + 1], vec![0; width + 1]],
        [vec![0; width + 1], vec![0; width + 1]],
    ];
    for pair in 0..height.div_ceil(2) {
        for (half, [blue, red]) in lines.iter_mut().enumerate() {
            let y = (2 * pair + half).min(height - 1);
            let row = pixels.levels[3 * y * width..][..3 * width].as_chunks::<3>().0;
            let luma = luma.line(y);
            for (((pixel, luma), blue), red) in row.iter().zip(luma).zip(&mut *blue).zip(&mut *red) {
                [*luma, *blue, *red] = mixed(*pixel);
            }
            // The last column counts twice where there is no other.
            (blue[width], red[width]) = (blue[width - 1], red[width - 1]);
        }
        let [[upper_blue, upper_red], [lower_blue, lower_red]] = &lines;
        halve(upper_blue, lower_blue, blue.line(pair));
        halve(upper_red, lower_red, red.line(pair));
    }
}

/// ITU-R BT.601 as JFIF has it, in libjpeg's 16 bits of fraction.
#[inline(always)]
fn mixed([red, green, blue]: [u8; 3]) -> [u8; 3] {
    let [red, green, blue] = [red, green, blue].map(i32::from);
    let half = 1 << 15;
    let center = (128 << 16) + half - 1;
    [
        (19_595 * red + 38_470 * green + 7_471 * blue + half) >> 16,
        (-11_059 * red - 21_709 * green + 32_768 * blue + center) >> 16,
        (32_768 * red - 27_439 * green - 5_329 * blue + center) >> 16,
    ]
    .map(|level| level as u8)
}

/// Means of 2 x 2 levels, rounded down and up in turn.
#[inline(always)]
fn halve(upper: &[u8], lower: &[u8], to: &mut [u8]) {
    let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
    for ((at, to), (&[a, b], &[c, d])) in to.iter_mut().enumerate().zip(pairs) {
        let sum = u16::from(a) + u16::from(b) + u16::from(c) + u16::from(d);
        *to = ((sum + 1 + (at as u16 & 1)) >> 2) as u8;
    }
}

#[inline(always)]
fn compress_all(plane: &mut Plane, factors: &Factors) {
    for down in 0..plane.height.div_ceil(8) {
        for across in 0..plane.width.div_ceil(8) {
            let (levels, stride) = plane.block(across, down);
            compress(levels, stride, factors);
        }
    }
}

/// A block of levels, rows `stride` apart, to quantised coefficients and back.
#[inline(always)]
fn compress(levels: &mut [u8], stride: usize, factors: &Factors) {
    // To column u of row x: the wave of frequency u at point x.
    const POINTS: [[f32; 8]; 8] = idct::points();
    const WAVES: [[f32; 8]; 8] = idct::waves(8);
    let mut around = [[0.0_f32; 8]; 8];
    for y in 0..8 {
        let row = &levels[y * stride..][..8];
        for x in 0..8 {
            around[y][x] = f32::from(row[x]) - 128.0;
        }
    }
    let mut coefficients = [[0.0_f32; 8]; 8];
    for y in 0..8 {
        let mut across = [0.0_f32; 8];
        for x in 0..8 {
            for u in 0..8 {
                across[u] += around[y][x] * POINTS[x][u];
            }
        }
        for v in 0..8 {
            for u in 0..8 {
                coefficients[v][u] += WAVES[v][y] * across[u];
            }
        }
    }
    // What is there in each column: of the first row, of the others above the middle, and below it.
    let (mut block, mut there) = ([0_i16; 64], [[0_i16; 8]; 3]);
    for v in 0..8 {
        let row = &mut block[8 * v..][..8];
        let there = &mut there[v.min(1) + v / 4];
        for u in 0..8 {
            // At 1.5 * 2^23 an f32 has no fraction left, and its last bits are the number.
            // A little more, because halves go away from 0, as in libjpeg.
            row[u] = (coefficients[v][u] * 1.000_004 / factors[v][u] + 12_582_912.0).to_bits() as i16;
            there[u] |= row[u];
        }
    }
    let [first, above, below] = there;
    let (mut any, mut beyond) = (above[0], below[0]);
    for u in 1..8 {
        any |= first[u] | above[u];
        beyond |= below[u] | if u > 3 { first[u] | above[u] } else { 0 };
    }
    // The last place in zigzag order matters in so far as it is the first, or within the corner of 4 x 4.
    let last = match (any | beyond, beyond) {
        (0, _) => 0,
        (_, 0) => 9,
        _ => 63,
    };
    idct::levels((8, 8), &block, last, factors, levels, stride);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

    /// Something like a photo: slopes, an edge and grain.
    fn photo(width: u32, height: u32) -> Pixels {
        let (mut pixels, mut grain) = (Pixels::new(width, height), Pixels::new(width, height));
        Rng::new(1, "grain", 0).fill(&mut grain.levels);
        for (at, (level, grain)) in pixels.levels.iter_mut().zip(grain.levels).enumerate() {
            let (x, y) = (at / 3 % width as usize, at / 3 / width as usize);
            let edge = if x > y { 60 } else { 0 };
            *level = (20 + edge + x * (1 + at % 3) + y + usize::from(grain % 16)).min(255) as u8;
        }
        pixels
    }

    #[test]
    fn it_leaves_what_a_file_leaves() {
        for (width, height) in [(64, 48), (37, 21), (16, 16), (9, 5), (5, 9)] {
            let photo = photo(width, height);
            for quality in [1, 10, 49, 50, 75, 95, 100] {
                let mut file = Vec::new();
                let mut encoder = Encoder::new(&mut file, quality);
                encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
                encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
                encoder
                    .encode(&photo.levels, width as u16, height as u16, ColorType::Rgb)
                    .expect("a picture");
                let decoded = Pixels::decode(&file).expect("a picture");
                let mut made = photo.clone();
                round_trip(&mut made, quality, &mut Scratch::default());
                let off = made
                    .levels
                    .iter()
                    .zip(&decoded.levels)
                    .map(|(a, b)| u32::from(a.abs_diff(*b)));
                let mean = f64::from(off.sum::<u32>()) / made.levels.len() as f64;
                // One coefficient of colours that takes the other step is seen in a quarter of the small pictures.
                let most = if width * height > 1000 { 1.0 } else { 4.0 };
                assert!(mean < most, "{width} x {height} at {quality}: {mean}");
            }
        }
    }
}
