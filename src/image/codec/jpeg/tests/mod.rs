//! Parts beside the whole, reductions, damage, and the transform.

mod bits;
mod encoder;
mod expected;
mod kinds;
mod scans;
mod spec;

use super::*;
use crate::rng::Rng;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const SAMPLINGS: [SamplingFactor; 4] = [
    SamplingFactor::R_4_4_4,
    SamplingFactor::R_4_2_2,
    SamplingFactor::R_4_4_0,
    SamplingFactor::R_4_2_0,
];

/// Smooth shapes of many colours, and grain.
fn picture(width: u32, height: u32) -> Pixels {
    let mut pixels = Pixels::new(width, height);
    let mut rng = Rng::new(1, "picture", u64::from(width));
    for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
        let (x, y) = ((at as u32 % width) as f32, (at as u32 / width) as f32);
        let waves = [(x / 9.0).sin(), (y / 7.0).cos(), ((x + y) / 13.0).sin()];
        for (level, wave) in pixel.iter_mut().zip(waves) {
            *level = (128.0 + 90.0 * wave + 20.0 * (rng.unit() - 0.5)) as u8;
        }
    }
    pixels
}

fn encode(pixels: &Pixels, quality: u8, change: impl FnOnce(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    change(&mut encoder);
    let (width, height) = (pixels.width as u16, pixels.height as u16);
    encoder.encode(&pixels.levels, width, height, ColorType::Rgb).unwrap();
    file
}

/// The part of `file` that is decoded for `region`, and where the region is in it.
fn part(file: &[u8], size: u32, region: impl FnOnce(u32, u32) -> Region) -> (Pixels, Region) {
    part_for(file, |w, h| Area {
        region: region(w, h),
        size: [size; 2],
        by_eighths: false,
    })
}

/// As [`part`], for an area.
fn part_for(file: &[u8], area: impl FnOnce(u32, u32) -> Area) -> (Pixels, Region) {
    let mut pixels = Pixels::default();
    let region = decode_part(
        file,
        Interpolation::Bilinear,
        |w, h| Ok(area(w, h)),
        &mut Scratch::default(),
        &mut pixels,
    );
    (pixels, region.unwrap())
}

fn whole(file: &[u8]) -> Pixels {
    part(file, 8192, Region::whole).0
}

/// The largest difference, and the mean.
fn apart(a: &Pixels, b: &Pixels) -> (u8, f64) {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let all = a.levels.iter().zip(&b.levels).map(|(a, b)| a.abs_diff(*b));
    let sum: f64 = all.clone().map(f64::from).sum();
    (all.max().unwrap(), sum / a.levels.len() as f64)
}

/// A region of a picture of `size`, with sides of `least` pixels at least.
fn any_region(rng: &mut Rng, least: f64, size: [f64; 2]) -> Region {
    let mut between = |from: f64, to: f64| from + f64::from(rng.unit()) * (to - from);
    let [width, height] = size.map(|most| between(least, most));
    Region {
        left: between(0.0, size[0] - width),
        top: between(0.0, size[1] - height),
        width,
        height,
    }
}

#[test]
fn a_part_is_the_same_as_there_in_the_whole() {
    let mut rng = Rng::new(5, "parts", 0);
    for sampling in SAMPLINGS {
        let file = encode(&picture(150, 101), 85, |encoder| {
            encoder.set_sampling_factor(sampling);
            encoder.set_restart_interval(7);
        });
        let all = whole(&file);
        for _ in 0..100 {
            let asked = any_region(&mut rng, 1.0, [150.0, 101.0]);
            let (pixels, region) = part(&file, 64, |_, _| asked);
            is_there(&all, asked, &pixels, region, &format!("{sampling:?}"));
        }
    }
}

#[test]
fn a_part_of_a_reduced_picture_is_the_same_as_there_in_the_whole() {
    let mut rng = Rng::new(6, "reduced parts", 0);
    for sampling in SAMPLINGS {
        for progressive in [false, true] {
            let file = encode(&picture(203, 165), 85, |encoder| {
                encoder.set_sampling_factor(sampling);
                encoder.set_progressive(progressive);
            });
            for block in 1..8 {
                let reduced = |region: Region| {
                    let side = |length: f64| (length * f64::from(block) / 16.0).floor() as u32;
                    Area {
                        region,
                        size: [side(region.width), side(region.height)],
                        by_eighths: true,
                    }
                };
                let (all, _) = part_for(&file, |w, h| reduced(Region::whole(w, h)));
                let side = |length: u32| (length * block).div_ceil(8);
                assert_eq!((all.width, all.height), (side(203), side(165)));
                for _ in 0..20 {
                    let asked = any_region(&mut rng, 120.0, [203.0, 165.0]);
                    let (pixels, region) = part_for(&file, |_, _| reduced(asked));
                    let scaled = |length: f64| length * f64::from(block) / 8.0;
                    let asked = Region {
                        left: scaled(asked.left),
                        top: scaled(asked.top),
                        width: scaled(asked.width),
                        height: scaled(asked.height),
                    };
                    is_there(&all, asked, &pixels, region, &format!("{sampling:?} {block} of 8"));
                }
            }
        }
    }
}

/// The part for a region that was asked for holds it, and is the same as there in the whole.
fn is_there(all: &Pixels, asked: Region, pixels: &Pixels, region: Region, what: &str) {
    let left = (asked.left - region.left).round() as usize;
    let top = (asked.top - region.top).round() as usize;
    assert!(left as f64 <= asked.left && left as f64 + f64::from(pixels.width) >= asked.left + asked.width);
    assert!(top as f64 <= asked.top && top as f64 + f64::from(pixels.height) >= asked.top + asked.height);
    for (y, row) in pixels.levels.chunks_exact(pixels.stride()).enumerate() {
        let start = (y + top) * all.stride() + left * 3;
        assert_eq!(row, &all.levels[start..start + row.len()], "{what} {asked:?} row {y}");
    }
}

#[test]
fn a_reduced_picture_is_the_mean_of_its_blocks() {
    let source = picture(160, 96);
    for sampling in SAMPLINGS {
        let file = encode(&source, 95, |encoder| encoder.set_sampling_factor(sampling));
        let all = whole(&file);
        for (size, block) in [(24, 4), (12, 2), (6, 1)] {
            let (pixels, _) = part(&file, size, Region::whole);
            assert_eq!((pixels.width, pixels.height), (20 * block, 12 * block));
            let side = 8 / block as usize;
            let mean = |x: usize, y: usize, c: usize| {
                let levels = (0..side * side).map(|i| all.levels[((y + i / side) * 160 + x + i % side) * 3 + c]);
                levels.map(f64::from).sum::<f64>() / (side * side) as f64
            };
            let off = pixels.levels.iter().enumerate().map(|(at, &level)| {
                let (x, y) = (at / 3 % pixels.width as usize, at / 3 / pixels.width as usize);
                (f64::from(level) - mean(x * side, y * side, at % 3)).abs()
            });
            let off = off.sum::<f64>() / pixels.levels.len() as f64;
            // These colours swing every 44 to 80 pixels. Halved, they are known every 16 where a block becomes one pixel.
            let limit = if sampling == SamplingFactor::R_4_4_4 { 2.0 } else { 20.0 };
            assert!(off < limit, "{sampling:?} at {block} of 8: {off}");
        }
    }
}

#[test]
fn a_header_that_breaks_off_is_an_error() {
    let sound = encode(&picture(20, 20), 90, |_| ());
    for end in 2..sound.len().min(300) {
        let size = |width, height| {
            let region = Region::whole(width, height);
            let (size, by_eighths) = ([8; 2], false);
            Ok(Area {
                region,
                size,
                by_eighths,
            })
        };
        let result = decode_part(
            &sound[..end],
            Interpolation::Bilinear,
            size,
            &mut Scratch::default(),
            &mut Pixels::default(),
        );
        assert_eq!(result.unwrap_err(), ImageError::Truncated("JPEG"), "{end}");
    }
}

#[test]
fn what_breaks_off_or_breaks_the_code_is_an_error() {
    let sound = encode(&picture(64, 64), 90, |encoder| encoder.set_restart_interval(4));
    let header = sound.windows(2).position(|two| two == [0xff, 0xda]).unwrap() + 14;
    let mut scratch = Scratch::default();
    let mut result = |file: &[u8]| {
        let size = |width, height| Ok(Area::whole(width, height));
        decode_part(
            file,
            Interpolation::Bilinear,
            size,
            &mut scratch,
            &mut Pixels::default(),
        )
    };
    for end in header..sound.len() - 2 {
        // The last bytes may hold nothing but padding.
        assert!(
            result(&sound[..end]).is_err() || end + 2 >= sound.len() - 2,
            "cut at {end} of {}",
            sound.len()
        );
    }
    // Bits of ones are in no table.
    let ones = [&sound[..header], &[0xff, 0].repeat(400), &[0xff, 0xd9]].concat();
    let error = result(&ones).unwrap_err().to_string();
    assert_eq!(error, "corrupt JPEG data: bits that are no Huffman code");
    let mut rng = Rng::new(2, "damage", 0);
    for _ in 0..3000 {
        let mut file = sound.clone();
        let at = rng.below(file.len() as u64) as usize;
        file[at] = rng.next_u32() as u8;
        let _ = result(&file);
    }
}

#[test]
fn levels_are_within_one_of_an_exact_transform() {
    use std::f64::consts::PI;
    let mut rng = Rng::new(3, "blocks", 0);
    let factors = [[1.0; 8]; 8];
    for round in 0..1600 {
        let (across, down) = match round % 3 {
            0 => (1 + round % 8, 1 + round % 8),
            _ => (1 + rng.below(16) as usize, 1 + rng.below(16) as usize),
        };
        let mut block = [0_i16; 64];
        let last = if round % 5 == 0 { 9 } else { 63 };
        for &place in &huffman::ZIGZAG[..=last] {
            block[usize::from(place)] = rng.below(161) as i16 - 80;
        }
        let mut plane = [0; 256];
        idct::levels((across, down), &block, last as u32, &factors, &mut plane, across);
        for (at, &level) in plane[..across * down].iter().enumerate() {
            let wave = |k: usize, x: usize, points: usize| {
                let scale = if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
                scale / 2.0 * ((2 * x + 1) as f64 * k as f64 * PI / (2 * points) as f64).cos()
            };
            let term = |at_block: usize| {
                let (v, u) = (at_block / 8, at_block % 8);
                let is_there = v < down && u < across;
                let share = if is_there {
                    wave(v, at / across, down) * wave(u, at % across, across)
                } else {
                    0.0
                };
                f64::from(block[at_block]) * share
            };
            let exact = (128.0 + (0..64).map(term).sum::<f64>()).clamp(0.0, 255.0);
            assert!(
                (f64::from(level) - exact).abs() < 0.51,
                "{across} x {down}: {level} {exact}"
            );
        }
    }
}
