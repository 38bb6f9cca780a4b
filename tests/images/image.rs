//! The image stage: decoding, the resample, every augmentation, and what hostile bytes do to it.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use millstream::image::{
    Brightness, ColorJitter, Contrast, Decoder, Drawn, GaussianBlur, GaussianNoise, HorizontalFlip, Image, ImageError,
    Operation, Pixels, RandomErasing, Rotate, Saturation, Subject,
};
use millstream::plan::Plan;
use millstream::rng::{Permutation, Rng};
use millstream::spec::Spec;
use millstream::synthetic::Elastic;
use xxhash_rust::xxh3::xxh3_64;

const PNG: &[u8] = include_bytes!("../fixtures/rgb.png");
const JPEG: &[u8] = include_bytes!("../fixtures/rgb.jpg");
const PROGRESSIVE: &[u8] = include_bytes!("../fixtures/progressive.jpg");
const LOSSY: &[u8] = include_bytes!("../fixtures/lossy.webp");
const LOSSLESS: &[u8] = include_bytes!("../fixtures/lossless.webp");

fn rng(position: u64) -> Rng {
    Rng::new(17, "image", position)
}

fn preview(stage: &Image, encoded: &[u8]) -> Result<Pixels, ImageError> {
    stage.preview(encoded, &mut rng(0))
}

/// The picture in full: a square one is decoded at its own size.
fn decoded(encoded: &[u8], size: u32) -> Pixels {
    preview(&Image::new(size), encoded).unwrap()
}

/// A picture in which every pixel differs from its neighbours.
fn pattern(width: u32, height: u32) -> Pixels {
    let mut pixels = Pixels::new(width, height);
    for (i, level) in pixels.levels.iter_mut().enumerate() {
        *level = (i * 37 % 251) as u8;
    }
    pixels
}

fn flat(width: u32, height: u32, level: u8) -> Pixels {
    let levels = vec![level; width as usize * height as usize * 3];
    Pixels { width, height, levels }
}

fn applied(operation: &impl Operation, mut pixels: Pixels, position: u64) -> Pixels {
    operation.apply(&mut pixels, &mut rng(position));
    pixels
}

fn furthest(a: &Pixels, b: &Pixels) -> u8 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    a.levels
        .iter()
        .zip(&b.levels)
        .map(|(&a, &b)| a.abs_diff(b))
        .max()
        .unwrap()
}

fn encoded(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

// Decoding.

#[test]
fn every_format_gives_the_same_picture() {
    let reference = decoded(PNG, 32);
    assert_eq!(decoded(LOSSLESS, 32), reference);
    for lossy in [JPEG, PROGRESSIVE, LOSSY] {
        let other = decoded(lossy, 32);
        let sum: u32 = reference
            .levels
            .iter()
            .zip(&other.levels)
            .map(|(&a, &b)| u32::from(a.abs_diff(b)))
            .sum();
        assert!(sum / (reference.levels.len() as u32) < 10, "mean difference {sum}");
    }
}

#[test]
fn jpeg_is_close_to_libjpeg() {
    let pillow = decoded(include_bytes!("../fixtures/pillow-jpg.png"), 32);
    assert!(furthest(&decoded(JPEG, 32), &pillow) <= 3);
}

#[test]
fn every_kind_of_pixel_becomes_rgb() {
    let source = DynamicImage::ImageRgb8(image::RgbImage::from_fn(8, 8, |x, y| {
        image::Rgb([x as u8 * 30, y as u8 * 30, 9])
    }));
    let rgb = decoded(&encoded(&source), 8);
    assert_eq!(rgb.levels, source.as_bytes());
    let mut clear = source.to_rgba8();
    clear.pixels_mut().for_each(|p| p.0[3] = 0);
    assert_eq!(decoded(&encoded(&clear.into()), 8), rgb, "alpha is dropped");
    assert_eq!(decoded(&encoded(&source.to_rgb16().into()), 8), rgb);
    assert_eq!(decoded(&encoded(&source.to_rgba16().into()), 8), rgb);
    let grey = decoded(&encoded(&source.to_luma8().into()), 8);
    assert!(grey.is_grey() && grey.levels[21] == source.to_luma8().as_raw()[7]);
    for other in [
        source.to_luma_alpha8().into(),
        source.to_luma16().into(),
        source.to_luma_alpha16().into(),
    ] {
        assert!(
            furthest(&decoded(&encoded(&other), 8), &grey) <= 1,
            "{:?}",
            other.color()
        );
    }
}

#[test]
fn errors_are_concrete() {
    let message = |bytes: &[u8]| preview(&Image::new(8), bytes).unwrap_err().to_string();
    assert_eq!(message(b""), "not an image: no bytes");
    assert_eq!(
        message(b"<html>oops"),
        "not an image: starts with [3c, 68, 74, 6d, 6c, 3e, 6f, 6f] (\"<html>oo\")"
    );
    assert_eq!(message(&JPEG[..900]), "premature end of JPEG data");
    assert_eq!(message(&PNG[..900]), "premature end of PNG data");
    assert_eq!(message(b"GIF89a\x01\0\x01\0"), "premature end of GIF data");
    let mut damaged = PNG.to_vec();
    damaged[900] ^= 1;
    assert!(
        message(&damaged).starts_with("corrupt PNG data: "),
        "{}",
        message(&damaged)
    );
}

#[test]
fn a_cut_file_is_an_error_at_every_byte() {
    let stage = Image::new(32);
    for (name, file) in [
        ("png", PNG),
        ("jpeg", JPEG),
        ("progressive", PROGRESSIVE),
        ("lossy", LOSSY),
        ("lossless", LOSSLESS),
    ] {
        let whole = preview(&stage, file).unwrap();
        for end in 0..file.len() {
            if let Ok(pixels) = preview(&stage, &file[..end]) {
                assert_eq!(pixels, whole, "{name} cut at {end} of {}", file.len());
            }
        }
        assert!(preview(&stage, &file[..file.len() * 9 / 10]).is_err(), "{name}");
    }
}

#[test]
fn damaged_bytes_never_panic() {
    let stage = Image::new(16).max_pixels(1 << 20);
    let mut rng = rng(1);
    for file in [PNG, JPEG, PROGRESSIVE, LOSSY, LOSSLESS] {
        for _ in 0..1000 {
            let mut file = file.to_vec();
            for _ in 0..=rng.below(4) {
                let at = rng.below(file.len() as u64) as usize;
                file[at] = rng.next_u32() as u8;
            }
            let _ = preview(&stage, &file);
        }
        for _ in 0..200 {
            let mut noise = vec![0; 300];
            rng.fill(&mut noise);
            noise.splice(..12, file[..12].iter().copied());
            let _ = preview(&stage, &noise);
        }
    }
}

/// A PNG that promises `side` x `side` RGBA pixels of 16 bits and holds none.
fn bomb(side: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend([side.to_be_bytes(), side.to_be_bytes()].concat());
    header.extend([16, 6, 0, 0, 0]);
    let crc = !header.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| {
            if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 }
        })
    });
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\r",
        &header[..],
        &crc.to_be_bytes(),
        b"\0\0\0\0IDAT\x35\xaf\x06\x1e",
    ]
    .concat()
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let error = preview(&Image::new(8), &bomb(60_000)).unwrap_err();
    assert_eq!(error.to_string(), "60000 x 60000 pixels is over the limit of 67108864");
    let error = preview(&Image::new(8).max_pixels(1000), JPEG).unwrap_err();
    assert_eq!(
        error,
        ImageError::TooLarge {
            width: 37,
            height: 29,
            limit: 1000
        }
    );
    assert!(preview(&Image::new(8), &bomb(4)).is_err());
}

/// A photo-like picture: waves, an edge, and grain.
fn photo(side: u16) -> Vec<u8> {
    let mut rng = rng(9);
    let level = |at: usize, channel: usize, grain: f32| {
        let (x, y) = ((at % usize::from(side)) as f32, (at / usize::from(side)) as f32);
        let wave = (x / (31.0 + 7.0 * channel as f32)).sin() * (y / 43.0).cos();
        let edge = if x > 2.0 * y { 40.0 } else { 0.0 };
        (100.0 + 70.0 * wave + edge + 20.0 * (grain - 0.5)) as u8
    };
    let all = (0..usize::from(side).pow(2)).flat_map(|at| {
        let grain = rng.unit();
        [0, 1, 2].map(|channel| level(at, channel, grain))
    });
    let rgb: Vec<u8> = all.collect();
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 92);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0);
    encoder.encode(&rgb, side, side, jpeg_encoder::ColorType::Rgb).unwrap();
    file
}

#[test]
fn decoders_agree_within_a_bound() {
    let file = photo(960);
    // Decoded in full, and at a half, a quarter and an eighth.
    for (size, most, mean) in [(300, 3, 0.5), (200, 8, 1.0), (100, 8, 1.0), (50, 8, 1.5)] {
        let [window, whole] = [Decoder::Window, Decoder::Whole].map(|decoder| {
            let stage = Image::new(size)
                .decoder(decoder)
                .random_resized_crop(0.9..=1.0, 0.9..=1.1);
            preview(&stage, &file).unwrap()
        });
        let sum: u32 = window
            .levels
            .iter()
            .zip(&whole.levels)
            .map(|(&a, &b)| u32::from(a.abs_diff(b)))
            .sum();
        let (furthest, off) = (furthest(&window, &whole), f64::from(sum) / window.levels.len() as f64);
        assert!(furthest <= most && off <= mean, "{size}: {furthest}, {off}");
    }
}

// The resample.

#[test]
fn the_resample_is_pillows() {
    let down = include_bytes!("../fixtures/pillow-16.png");
    let up = include_bytes!("../fixtures/pillow-50.png");
    let center = include_bytes!("../fixtures/pillow-center.png");
    assert!(furthest(&decoded(PNG, 16), &decoded(down, 16)) <= 1);
    assert!(furthest(&decoded(PNG, 50), &decoded(up, 50)) <= 1);
    let cropped = preview(&Image::new(16).center_crop(0.75), PNG).unwrap();
    assert!(furthest(&cropped, &decoded(center, 16)) <= 1);
}

#[test]
fn random_boxes_stay_inside_any_image() {
    let stage = Image::new(8).random_resized_crop(0.01..=1.0, 0.2..=5.0);
    for (width, height) in [(1, 1), (1, 40), (40, 1), (37, 29)] {
        let file = flat(width, height, 77).to_png().unwrap();
        for position in 0..200 {
            let pixels = stage.preview(&file, &mut rng(position)).unwrap();
            assert_eq!(pixels, flat(8, 8, 77));
        }
    }
}

// Augmentations.

#[test]
fn flip_twice_is_the_same() {
    let flip = HorizontalFlip::new(1.0);
    let once = applied(&flip, pattern(5, 3), 0);
    assert_eq!(once.levels[..3], pattern(5, 3).levels[12..15]);
    assert_eq!(applied(&flip, once, 0), pattern(5, 3));
    assert_eq!(applied(&HorizontalFlip::new(0.0), pattern(5, 3), 0), pattern(5, 3));
}

#[test]
fn flip_comes_as_often_as_asked() {
    let flip = HorizontalFlip::new(0.3);
    let flipped = (0..4000)
        .filter(|&p| applied(&flip, pattern(2, 1), p) != pattern(2, 1))
        .count();
    assert!((1100..1300).contains(&flipped), "{flipped}");
}

#[test]
fn neutral_parameters_change_nothing() {
    for position in 0..20 {
        assert_eq!(applied(&Rotate::new(0.0), pattern(9, 7), position), pattern(9, 7));
        assert_eq!(applied(&Brightness::new(0.0), pattern(9, 7), position), pattern(9, 7));
        assert_eq!(applied(&Contrast::new(0.0), pattern(9, 7), position), pattern(9, 7));
        assert_eq!(applied(&Saturation::new(0.0), pattern(9, 7), position), pattern(9, 7));
        assert_eq!(
            applied(&ColorJitter::new(0.0, 0.0, 0.0), pattern(9, 7), position),
            pattern(9, 7)
        );
        assert_eq!(
            applied(&GaussianNoise::new(0.0), pattern(9, 7), position),
            pattern(9, 7)
        );
        assert_eq!(
            applied(&GaussianBlur::new(0.1..=0.1), pattern(9, 7), position),
            pattern(9, 7)
        );
    }
}

#[test]
fn brightness_scales_and_clips() {
    let factors: Vec<u8> = (0..500)
        .map(|p| applied(&Brightness::new(0.5), flat(1, 1, 100), p).levels[0])
        .collect();
    assert!(factors.iter().all(|f| (50..=150).contains(f)));
    assert!(factors.iter().any(|&f| f < 60) && factors.iter().any(|&f| f > 140));
    let mean = factors.iter().map(|&f| u32::from(f)).sum::<u32>() / 500;
    assert!((97..=103).contains(&mean), "{mean}");
}

#[test]
fn contrast_keeps_the_mean_grey() {
    assert_eq!(applied(&Contrast::new(0.9), flat(4, 4, 93), 3), flat(4, 4, 93));
    let mut pair = flat(2, 1, 80);
    pair.levels[3..].fill(120);
    for position in 0..50 {
        let out = applied(&Contrast::new(0.9), pair.clone(), position);
        assert!((i32::from(out.levels[0]) + i32::from(out.levels[3]) - 200).abs() <= 1);
    }
}

/// Every level, and every place of a vector: the arithmetic is the one that is written in the docs.
#[test]
fn factors_are_applied_to_every_level_alike() {
    let levels = Pixels {
        width: 256,
        height: 1,
        levels: (0..=255).flat_map(|level| [level; 3]).collect(),
    };
    for position in 0..40 {
        let factor = rng(position).range(0.0, 3.0);
        let scaled = |center: f32| move |level: u8| (center + factor * (f32::from(level) - center) + 0.5) as u8;
        let bright: Vec<u8> = levels.levels.iter().map(|&level| scaled(0.0)(level)).collect();
        assert_eq!(applied(&Brightness::new(2.0), levels.clone(), position).levels, bright);
        let contrast: Vec<u8> = levels.levels.iter().map(|&level| scaled(128.0)(level)).collect();
        assert_eq!(applied(&Contrast::new(2.0), levels.clone(), position).levels, contrast);
    }
}

#[test]
fn saturation_leaves_grey_and_moves_colour() {
    assert_eq!(applied(&Saturation::new(5.0), flat(7, 3, 93), 3), flat(7, 3, 93));
    for position in 0..50 {
        let (factor, orange) = (rng(position).range(0.0, 2.0), [200, 100, 50]);
        let out = applied(
            &Saturation::new(1.0),
            Pixels {
                levels: orange.to_vec(),
                ..flat(1, 1, 0)
            },
            position,
        );
        // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 is 124.2.
        let expected = orange.map(|level| (124.0 + factor * (f32::from(level) - 124.0) + 0.5) as u8);
        assert_eq!(out.levels, expected);
    }
}

#[test]
fn color_jitter_is_its_parts_in_a_drawn_order() {
    let jitter = ColorJitter::new(0.5, 0.9, 0.9);
    let mut pair = flat(2, 1, 60);
    pair.levels[3..].fill(180);
    let mut orders = [0; 2];
    for position in 0..200 {
        let mut rng = rng(position);
        let order = Permutation::new(3, &mut rng);
        let (brightness, contrast) = (rng.range(0.5, 1.5), rng.range(0.1, 1.9));
        let scaled = |levels: [u8; 2], center: f32, factor: f32| {
            levels.map(|level| (center + factor * (f32::from(level) - center) + 0.5) as u8)
        };
        let stretched = |levels: [u8; 2]| {
            let mean = (u16::from(levels[0]) + u16::from(levels[1])).div_ceil(2);
            scaled(levels, f32::from(mean), contrast)
        };
        let first = (0..3)
            .find(|&step| order.get(step) < 2)
            .map(|step| order.get(step))
            .unwrap();
        let levels = match first {
            0 => stretched(scaled([60, 180], 0.0, brightness)),
            _ => scaled(stretched([60, 180]), 0.0, brightness),
        };
        orders[first as usize] += 1;
        let out = applied(&jitter, pair.clone(), position);
        assert_eq!(out.levels, [[levels[0]; 3], [levels[1]; 3]].concat(), "grey stays grey");
    }
    assert!(orders.iter().all(|&count| count > 70), "{orders:?}");
}

#[test]
fn erasing_fills_a_box_of_the_asked_size() {
    // Twice to three times as high as wide.
    let erasing = RandomErasing::new(1.0, 0.1..=0.15, 2.0..=3.0).value([9, 8, 7]);
    for position in 0..200 {
        let out = applied(&erasing, flat(60, 40, 200), position);
        let pixels: Vec<&[u8]> = out.levels.chunks(3).collect();
        let erased: Vec<usize> = (0..pixels.len()).filter(|&at| pixels[at] == [9, 8, 7]).collect();
        assert!(
            pixels
                .iter()
                .all(|pixel| [[9, 8, 7], [200; 3]].iter().any(|color| pixel == color))
        );
        let edges = |of: &dyn Fn(usize) -> usize| {
            let places = || erased.iter().map(|&at| of(at));
            places().max().unwrap() + 1 - places().min().unwrap()
        };
        let (width, height) = (edges(&|at| at % 60), edges(&|at| at / 60));
        assert_eq!(width * height, erased.len(), "a box");
        assert!((220..=380).contains(&erased.len()), "{}", erased.len());
        assert!(
            (1.8..3.4).contains(&(height as f32 / width as f32)),
            "{width} x {height}"
        );
    }
    assert_eq!(
        applied(&RandomErasing::new(0.0, 0.1..=0.2, 1.0..=1.0), pattern(5, 3), 0),
        pattern(5, 3)
    );
    // A box as large as the picture is none.
    assert_eq!(
        applied(&RandomErasing::new(1.0, 1.0..=1.0, 1.0..=1.0), pattern(4, 4), 0),
        pattern(4, 4)
    );
}

#[test]
fn noise_has_its_mean_and_deviation() {
    let pixels = applied(&GaussianNoise::new(0.05), flat(300, 300, 128), 0);
    let n = pixels.levels.len() as f64;
    let off: Vec<f64> = pixels.levels.iter().map(|&level| f64::from(level) - 128.0).collect();
    let mean = off.iter().sum::<f64>() / n;
    let deviation = (off.iter().map(|x| x * x).sum::<f64>() / n - mean * mean).sqrt();
    let beyond = off.iter().filter(|x| x.abs() > 2.0 * 12.75).count() as f64 / n;
    assert!(mean.abs() < 0.1, "{mean}");
    assert!((deviation - 12.75).abs() < 0.1, "{deviation}");
    assert!((beyond - 0.0455).abs() < 0.003, "{beyond}");
}

#[test]
fn noise_may_have_a_mean() {
    let noise = GaussianNoise::new(0.05);
    // Once used, it has worked its table out.
    let _ = applied(&noise, flat(3, 3, 128), 0);
    for (mean, expected) in [(0.2, 51.0), (-0.1, -25.5)] {
        let pixels = applied(&noise.clone().mean(mean), flat(300, 300, 128), 0);
        let n = pixels.levels.len() as f64;
        let found = pixels.levels.iter().map(|&level| f64::from(level) - 128.0).sum::<f64>() / n;
        assert!((found - expected).abs() < 0.1, "{found} for {expected}");
    }
    let error = Image::new(8).with(noise.mean(2.0)).check().unwrap_err().to_string();
    assert_eq!(error, "gaussian_noise: mean is 2, but has to lie in -1..=1");
}

#[test]
fn blur_keeps_what_is_flat_and_spreads_a_point() {
    let blur = GaussianBlur::new(0.1..=3.0);
    for position in 0..20 {
        for size in [(1, 1), (2, 3), (31, 17)] {
            assert_eq!(
                applied(&blur, flat(size.0, size.1, 201), position),
                flat(size.0, size.1, 201)
            );
        }
    }
    let mut point = flat(31, 31, 0);
    point.levels[(15 * 31 + 15) * 3..][..3].fill(255);
    let out = applied(&GaussianBlur::new(1.0..=1.0), point, 0);
    let at = |x: usize, y: usize| i32::from(out.levels[(y * 31 + x) * 3]);
    assert!(
        (at(15, 15) - 41).abs() <= 1,
        "255 / (2 pi), with rounding: {}",
        at(15, 15)
    );
    assert!((at(14, 15) - 25).abs() <= 1 && at(14, 15) == at(16, 15) && at(15, 14) == at(15, 16));
}

/// A level's place in a row or column of `length`, reflected at its ends.
fn reflected(at: i64, length: u32) -> usize {
    let (last, period) = (i64::from(length) - 1, (2 * i64::from(length) - 2).max(1));
    let at = at.rem_euclid(period);
    at.min(period - at).clamp(0, last) as usize
}

/// The blur in `f64`, not rounded.
fn exact_blur(pixels: &Pixels, sigma: f32) -> Vec<f64> {
    let (sigma, radius) = (f64::from(sigma), (3.0 * sigma).ceil() as i64);
    let bell = |away: i64| (-0.5 * (away as f64 / sigma).powi(2)).exp();
    let sum: f64 = (-radius..=radius).map(bell).sum();
    let (width, height, stride) = (pixels.width, pixels.height, pixels.stride());
    let pass = |levels: Vec<f64>, place: &dyn Fn(usize, i64) -> usize| -> Vec<f64> {
        let at = |at| -> f64 {
            (-radius..=radius)
                .map(|away| bell(away) / sum * levels[place(at, away)])
                .sum()
        };
        (0..levels.len()).map(at).collect()
    };
    let levels = pixels.levels.iter().copied().map(f64::from).collect();
    let across = pass(levels, &|at, away| {
        at / stride * stride + 3 * reflected((at % stride / 3) as i64 + away, width) + at % 3
    });
    pass(across, &|at, away| {
        reflected((at / stride) as i64 + away, height) * stride + at % stride
    })
}

#[test]
fn blur_is_a_level_from_exact_sums_at_most() {
    let noise = |width, height| {
        let mut pixels = Pixels::new(width, height);
        rng(5).fill(&mut pixels.levels);
        pixels
    };
    let stripes = |width, height| {
        let mut pixels = noise(width, height);
        pixels.levels.iter_mut().for_each(|level| *level = *level % 2 * 255);
        pixels
    };
    let photo = decoded(&photo(96), 96);
    let sizes = [(1, 1), (1, 9), (9, 1), (2, 3), (13, 50), (50, 13), (61, 37)];
    let drawn = sizes.map(|(width, height)| [noise(width, height), stripes(width, height), pattern(width, height)]);
    for sigma in [0.1, 0.3, 0.5, 0.9, 1.0, 1.4, 2.0, 3.3, 7.0, 10.0, 20.0, 32.0] {
        let (mut off, mut other, mut count) = (0.0, 0, 0);
        for picture in drawn.as_flattened().iter().chain([&photo]) {
            let found = applied(&GaussianBlur::new(sigma..=sigma), picture.clone(), 0);
            for (&level, exact) in found.levels.iter().zip(exact_blur(picture, sigma)) {
                let away = (f64::from(level) - exact.round()).abs();
                assert!(
                    away <= 1.0,
                    "{sigma}, {} x {}: {level} for {exact}",
                    picture.width,
                    picture.height
                );
                off += (f64::from(level) - exact).abs();
                other += usize::from(away > 0.0);
                count += 1;
            }
        }
        // Rounding alone is 0.25 on average.
        let (off, share) = (off / f64::from(count), other as f64 / f64::from(count));
        assert!(
            off < 0.27 && share < 0.06,
            "{sigma}: {off} on average, {share} are other levels"
        );
    }
}

#[test]
fn rotation_leaves_the_middle_and_blackens_corners() {
    let out = applied(&Rotate::new(45.0), flat(33, 33, 200), 5);
    assert_eq!(out.levels[(16 * 33 + 16) * 3], 200);
    // Along the edge a pixel is partly covered.
    let clear = out.levels.iter().filter(|&&level| level == 0 || level == 200).count();
    assert!(out.levels.iter().all(|&level| level <= 200) && clear * 10 > out.levels.len() * 8);
    assert!(out.levels[..3] == [0; 3]);
}

// The stage.

fn train() -> Image {
    Image::new(24)
        .random_resized_crop(0.3..=1.0, 0.75..=1.3333)
        .horizontal_flip(0.5)
        .rotate(10.0)
        .brightness(0.3)
        .contrast(0.3)
        .gaussian_noise(0.02)
        .gaussian_blur(0.1..=1.5)
}

#[test]
fn a_row_depends_on_its_position_only() {
    let stage = train();
    let first: Vec<Pixels> = (0..8).map(|p| stage.preview(PNG, &mut rng(p)).unwrap()).collect();
    let _ = stage.preview(JPEG, &mut rng(99));
    let again: Vec<Pixels> =
        std::thread::spawn(move || (0..8).rev().map(|p| stage.preview(PNG, &mut rng(p)).unwrap()).collect())
            .join()
            .unwrap();
    assert!(first.iter().eq(again.iter().rev()));
    assert!(first.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn an_inserted_operation_leaves_the_draws_of_others() {
    let without = Image::new(24).horizontal_flip(0.5).gaussian_noise(0.1);
    let with = Image::new(24).brightness(0.0).horizontal_flip(0.5).gaussian_noise(0.1);
    for position in 0..8 {
        assert_eq!(
            without.preview(PNG, &mut rng(position)).unwrap(),
            with.preview(PNG, &mut rng(position)).unwrap()
        );
    }
}

#[test]
fn the_slot_is_the_normalised_preview() {
    let stage = Image::new(16).normalize([0.5, 0.25, 0.0], [0.5, 1.0, 2.0]);
    let pixels = preview(&stage, PNG).unwrap();
    let mut slot = vec![f32::NAN; 3 * 16 * 16];
    stage.apply(PNG, &mut rng(0), &mut slot).unwrap();
    for (channel, (mean, std)) in [(0.5, 0.5), (0.25, 1.0), (0.0, 2.0)].into_iter().enumerate() {
        for at in 0..256 {
            let level = f32::from(pixels.levels[at * 3 + channel]);
            assert_eq!(slot[channel * 256 + at], (level / 255.0 - mean) / std);
        }
    }
    let error = stage.apply(PNG, &mut rng(0), &mut slot[1..]).unwrap_err();
    assert_eq!(error.to_string(), "the slot has 767 places, not 768");
}

#[test]
fn params_name_everything_in_order() {
    let params = Image::new(24)
        .horizontal_flip(0.5)
        .gaussian_blur(0.1..=2.0)
        .horizontal_flip(1.0)
        .plan()
        .settings();
    assert_eq!(
        params[2..],
        [
            "image.as_u8=false",
            "image.channels=3",
            "image.crop=whole",
            "image.decoder=window",
            "image.depth=u8",
            "image.interpolation=bilinear",
            "image.masks=",
            "image.mean=[0.485, 0.456, 0.406]",
            "image.reading=max_pixels 67108864, upright true",
            "image.size=24",
            "image.std=[0.229, 0.224, 0.225]",
            "image.order=horizontal_flip, gaussian_blur, horizontal_flip#2",
            "image.horizontal_flip.p=0.5",
            "image.gaussian_blur.sigma=[0.1, 2]",
            "image.gaussian_blur.version=2",
            "image.horizontal_flip#2.p=1",
        ]
    );
    assert!(params[0] == "image" && params[1].starts_with("image.decoders=window-jpeg"));
}

#[test]
fn explain_says_what_is_set_in_the_words_of_the_methods() {
    let shown = |image: Image| image.plan().to_string();
    let plain = shown(Image::new(24));
    for noise in ["masks", "order", "null", "levels"] {
        assert!(!plain.contains(noise), "{noise}: {plain}");
    }
    let set = Image::new(24)
        .random_resized_crop(0.5..=1.0, 0.75..=1.25)
        .gaussian_blur(0.02..=0.2);
    let set = shown(set.mask("mask").as_u8());
    for words in [
        "as_u8 true",
        "crop random_resized_crop ratio [0.75, 1.25], scale [0.5, 1]",
        "masks mask",
        "order random_resized_crop, gaussian_blur",
        "gaussian_blur.sigma [0.02, 0.2]",
    ] {
        assert!(set.contains(words), "{words}: {set}");
    }
    let bare = Plan::new("zip").input(Plan::new("memory")).to_string();
    assert_eq!(bare, "zip\n  memory");
}

#[test]
fn mistakes_are_named_before_any_row() {
    let message = |stage: Image| stage.check().unwrap_err().to_string();
    assert_eq!(message(Image::new(0)), "size is 0, but has to lie in 1..=8192 pixels");
    assert_eq!(
        message(Image::new(8).rotate(f32::NAN)),
        "rotate: degrees is NaN, but has to lie in 0..=180"
    );
    assert_eq!(
        message(Image::new(8).gaussian_noise(12.0)),
        "gaussian_noise: sigma is 12, but has to lie in 0..=1 (a share of the full range)"
    );
    assert!(message(Image::new(8).random_resized_crop(0.0..=1.0, 1.0..=1.0)).starts_with("random_resized_crop: scale"));
    assert!(message(Image::new(8).random_resized_crop(0.1..=1.0, 0.0..=1.0)).starts_with("random_resized_crop: ratio"));
    assert!(message(Image::new(8).center_crop(1.5)).starts_with("center_crop"));
    assert!(message(Image::new(8).gaussian_blur(0.0..=1.0)).starts_with("gaussian_blur: sigma"));
    assert!(message(Image::new(8).normalize([0.0; 3], [0.0; 3])).starts_with("normalize"));
    assert!(preview(&Image::new(8).brightness(-1.0), PNG).is_err());
    assert_eq!(
        message(Image::new(8).color_jitter(0.1, -1.0, 0.1)),
        "color_jitter: contrast: factor is -1, but has to be a finite number of at least 0"
    );
    assert!(message(Image::new(8).saturation(f32::NAN)).starts_with("saturation: factor"));
    assert!(message(Image::new(8).random_erasing(2.0, 0.1..=0.2, 1.0..=1.0)).starts_with("random_erasing: p"));
    assert!(message(Image::new(8).random_erasing(0.5, 0.0..=0.2, 1.0..=1.0)).starts_with("random_erasing: scale"));
    assert!(message(Image::new(8).random_erasing(0.5, 0.1..=0.2, 0.0..=1.0)).starts_with("random_erasing: ratio"));
}

/// An augmentation that runs a stage of its own.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Nested(Image);

impl Spec for Nested {
    const NAME: &'static str = "nested";
}

impl Operation for Nested {
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        let rgb = self.0.preview(PNG, rng).unwrap().levels;
        Drawn::values(move |pixels| pixels.levels = rgb)
    }
}

#[test]
fn a_stage_may_run_inside_another() {
    let nested = preview(&Image::new(24).with(Nested(Image::new(24))), JPEG).unwrap();
    assert_eq!(nested, decoded(PNG, 24));
    let error = preview(&Image::new(8).with(Nested(Image::new(24))), JPEG).unwrap_err();
    assert_eq!(error.to_string(), "nested changed the picture's size");
}

/// Freezes the draws and the arithmetic: a change here is a change of major version.
#[test]
fn pixels_are_frozen() {
    let square = || Image::new(24);
    let stages = [
        ("squash", square(), 0x2bcd_0515_50ff_b056),
        ("center_crop", square().center_crop(0.8), 0x53a0_abc5_2fc1_d4da),
        (
            "random_resized_crop",
            square().random_resized_crop(0.08..=1.0, 0.75..=1.3333),
            0xca10_91d3_ae2f_5b2b,
        ),
        ("horizontal_flip", square().horizontal_flip(0.5), 0xc9cc_3d0d_cfc6_10c7),
        ("rotate", square().rotate(30.0), 0xeae5_0d6d_acce_0565),
        ("brightness", square().brightness(0.4), 0xa0d6_8717_7f87_6d6a),
        ("contrast", square().contrast(0.4), 0x4a6c_d5b7_6e44_2254),
        ("saturation", square().saturation(0.4), 0x737a_9c4d_73ee_5cb5),
        (
            "color_jitter",
            square().color_jitter(0.4, 0.4, 0.4),
            0x27cb_05a9_2919_f9ec,
        ),
        ("gaussian_noise", square().gaussian_noise(0.1), 0x3039_f917_559e_1ab1),
        (
            "gaussian_blur",
            square().gaussian_blur(0.1..=2.0),
            0x3482_09dc_5272_3cc3,
        ),
        (
            "random_erasing",
            square().random_erasing(0.5, 0.02..=0.33, 0.3..=3.3),
            0x939f_536d_86d9_5871,
        ),
        ("vertical_flip", square().vertical_flip(0.5), 0x8ace_9aa4_459b_7b03),
        ("transpose", square().transpose(0.5), 0xa8ce_3389_eb42_d705),
        ("scale", square().scale(0.5..=1.5), 0xcf5c_aea6_bf1c_5db6),
        ("shear", square().shear([20.0, 10.0]), 0xd788_c35b_e6f2_8dca),
        ("translate", square().translate([0.25, 0.5]), 0xb54a_7546_6606_6ba7),
        (
            "affine",
            square().affine(30.0, [0.1, 0.1], 0.8..=1.25, [10.0, 5.0]),
            0x76d4_1fa4_5c95_f50c,
        ),
        ("perspective", square().perspective(0.5, 0.5), 0xdf33_7bbf_8d63_7e15),
        (
            "elastic_transform",
            square().elastic_transform(50.0, 3.0),
            0x1655_2afe_992b_5925,
        ),
        (
            "random_crop",
            square().pad([4; 4]).random_crop([24, 24]),
            0x75dd_00d3_4846_28bc,
        ),
        (
            "resize",
            square().resize([30, 40]).random_crop([24, 24]),
            0xb40d_eccb_9436_99d7,
        ),
        ("scale_jitter", square().scale_jitter(0.5..=2.0), 0x8461_6cb7_11d9_7560),
        ("zoom_out", square().zoom_out(1.0..=4.0, 0.5), 0x1934_816e_36a4_4f23),
        (
            "letterbox",
            Image::sized(24, 30).letterbox([9, 90, 200]),
            0xfb9b_6056_015c_91a3,
        ),
        ("all", train(), 0x157b_ca9e_1720_e7e6),
    ];
    let found: Vec<(&str, u64)> = stages
        .iter()
        .map(|(name, stage, _)| {
            let all: Vec<u8> = (0..4)
                .flat_map(|p| stage.preview(PNG, &mut rng(p)).unwrap().levels)
                .collect();
            (*name, xxh3_64(&all))
        })
        .collect();
    let frozen: Vec<(&str, u64)> = stages.iter().map(|(name, _, hash)| (*name, *hash)).collect();
    assert_eq!(found, frozen, "{found:#x?}");
}

// Elastic blends.

#[test]
fn elastic_takes_the_first_parents_size_and_any_size() {
    for (width, height) in [(1, 1), (1, 9), (30, 4), (64, 48)] {
        let file = Elastic::new()
            .blend([&pattern(width, height).to_png().unwrap(), JPEG], &mut rng(0))
            .unwrap();
        let made = image::load_from_memory(&file).unwrap();
        assert_eq!((made.width(), made.height()), (width, height));
    }
}

#[test]
fn elastic_without_strength_is_the_first_parent() {
    let still = Elastic::new().alpha(0.0).weight(0.0..=0.0);
    assert_eq!(
        decoded(&still.blend([PNG, JPEG], &mut rng(0)).unwrap(), 32),
        decoded(PNG, 32)
    );
    let other = Elastic::new().alpha(0.0).weight(1.0..=1.0);
    assert_eq!(
        decoded(&other.blend([PNG, JPEG], &mut rng(0)).unwrap(), 32),
        decoded(JPEG, 32)
    );
}

#[test]
fn elastic_is_repeatable_and_new_at_every_position() {
    let make = |position| Elastic::new().blend([PNG, JPEG], &mut rng(position)).unwrap();
    assert_eq!(make(4), make(4));
    assert_ne!(make(4), make(5));
}

#[test]
fn elastic_keeps_grey_grey() {
    let grey =
        |level| encoded(&image::GrayImage::from_fn(20, 20, |x, y| image::Luma([level + (x * y) as u8 % 9])).into());
    let made = Elastic::new().blend([&grey(40), &grey(200)], &mut rng(0)).unwrap();
    assert!(decoded(&made, 20).is_grey());
    assert_eq!(image::load_from_memory(&made).unwrap().color(), image::ColorType::L8);
}

#[test]
fn elastic_names_its_mistakes() {
    let error = Elastic::new().alpha(3.0).blend([PNG, PNG], &mut rng(0)).unwrap_err();
    assert_eq!(error.to_string(), "elastic: alpha is 3, but has to lie in 0..=0.5");
    let error = Elastic::new().blend([PNG, &JPEG[..500]], &mut rng(0)).unwrap_err();
    assert_eq!(error.to_string(), "premature end of JPEG data");
    assert!(Elastic::new().grid(0).check().is_err() && Elastic::new().weight(0.5..=1.5).check().is_err());
}

/// Freezes the draws of the elastic blend, by its pixels (a PNG encoder may pack them otherwise).
#[test]
fn elastic_pixels_are_frozen() {
    let made = Elastic::new().blend([PNG, LOSSLESS], &mut rng(0)).unwrap();
    let hash = xxh3_64(image::load_from_memory(&made).unwrap().as_bytes());
    assert_eq!(hash, 0xcf03_8dc3_a487_7476, "{hash:#x}");
}

#[test]
fn steps_end_in_what_the_stage_makes() {
    let photo = JPEG;
    let stage = Image::new(40)
        .random_resized_crop(0.3..=0.9, 0.75..=1.3333)
        .rotate(20.0)
        .color_jitter(0.4, 0.4, 0.4)
        .gaussian_blur(0.5..=1.5)
        .gaussian_blur(0.5..=1.5)
        .gaussian_noise(0.05)
        .random_erasing(1.0, 0.02..=0.33, 0.3..=3.3)
        .saturation(0.5)
        .horizontal_flip(0.0);
    for seed in 0..5 {
        let steps = stage.steps(photo, &mut rng(seed)).unwrap();
        let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
        let expected = [
            "original",
            "random_resized_crop",
            "rotate",
            "color_jitter",
            "gaussian_blur",
            "gaussian_blur#2",
            "gaussian_noise",
            "random_erasing",
            "saturation",
            "horizontal_flip",
        ];
        assert_eq!(names, expected);
        // Each step is the stage that ends there.
        let crop = Image::new(40).random_resized_crop(0.3..=0.9, 0.75..=1.3333);
        assert_eq!(steps[1].pixels, crop.preview(photo, &mut rng(seed)).unwrap());
        let blurred = crop
            .rotate(20.0)
            .color_jitter(0.4, 0.4, 0.4)
            .gaussian_blur(0.5..=1.5)
            .gaussian_blur(0.5..=1.5);
        assert_eq!(steps[5].pixels, blurred.preview(photo, &mut rng(seed)).unwrap());
        assert_eq!(steps[9].pixels, stage.preview(photo, &mut rng(seed)).unwrap());
        assert!(steps.windows(2).take(8).all(|pair| pair[0].pixels != pair[1].pixels));
        // What is said was drawn.
        let drawn = |at: usize| steps[at].drawn.clone().unwrap();
        let words = |at: usize| {
            drawn(at)
                .split([' ', ','])
                .filter_map(|word| word.parse().ok())
                .collect::<Vec<f64>>()
        };
        let region = words(7);
        let [width, height, left, top] = region[..] else {
            panic!("{}", drawn(7))
        };
        let black = |x: f64, y: f64| {
            let at = 3 * (y as usize * 40 + x as usize);
            steps[7].pixels.levels[at..at + 3] == [0; 3]
        };
        let (x, y) = (left + (width / 2.0).floor(), top + (height / 2.0).floor());
        assert!(black(x, y), "{}", drawn(7));
        assert_eq!((drawn(6), drawn(9)), ("sigma 0.05".to_owned(), "unchanged".to_owned()));
        assert!(
            (0.5..=1.5).contains(&words(4)[0]) && words(4) != words(5),
            "{} {}",
            drawn(4),
            drawn(5)
        );
        assert!(
            words(3).len() == 3 && words(3).iter().all(|factor| (0.6..=1.4).contains(factor)),
            "{}",
            drawn(3)
        );
        let cropped = Image::new(40).random_resized_crop(0.3..=0.9, 0.75..=1.3333);
        let cropped = cropped.preview(photo, &mut rng(seed)).unwrap();
        // In the middle, since corners show the photo beside the crop.
        let off = |degrees: f64| {
            let mut pixels = cropped.clone();
            millstream::image::Motion::rotation([40, 40], degrees).apply(&mut pixels);
            let middle = |at: usize| (at / 3 % 40).abs_diff(20).pow(2) + (at / 120).abs_diff(20).pow(2) < 300;
            let both = pixels.levels.iter().zip(&steps[2].pixels.levels).enumerate();
            let off = both
                .filter(|(at, _)| middle(*at))
                .map(|(_, (a, b))| u64::from(a.abs_diff(*b)));
            off.sum::<u64>()
        };
        let (there, back) = (off(words(2)[0]), off(-words(2)[0]));
        assert!(there < 2700 * 6 && 2 * there < back, "{}: {there}, {back}", drawn(2));
    }
}
