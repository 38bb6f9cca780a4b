//! Operations on pictures of f32 at their limits: of one pixel, of odd sides, long and thin ones, of one channel and of four, from files of 8 bits
//! and of 16. What moves pixels is that of torchvision, and that of 8 bits but for rounding.

use super::depth::{furthest, stage};
use super::motion::{self, PHOTO, SIZE, fixed, references};
use super::operation_limits::policies;
use super::operations::{all, pattern, rng};
use millstream::image::{
    Depth, Drawn, Fill, GaussianNoise, GridDropout, Image, Operation, Pixels, Resize, Sequential, Subject,
};
use std::sync::Arc;

const CHANNELS: [usize; 3] = [1, 3, 4];
/// The last are longer than any block or vector, and no multiple of one.
const SIZES: [[u32; 2]; 8] = [[1, 1], [1, 7], [9, 1], [2, 2], [3, 3], [33, 17], [1, 4097], [4099, 3]];

fn run(drawn: Drawn, pixels: &mut Pixels<f32>) {
    match drawn {
        Drawn::Nothing => {}
        Drawn::Floats(change) => change(pixels),
        Drawn::Sequence(all) => all.into_iter().for_each(|drawn| run(drawn, pixels)),
        other => panic!("{other:?}"),
    }
}

fn applied(operation: &dyn Operation, pixels: &Pixels<f32>, position: u64) -> Pixels<f32> {
    let mut pixels = pixels.clone();
    run(operation.draw(&Subject::of(&pixels), &mut rng(position)), &mut pixels);
    pixels
}

/// Of four channels.
fn alpha(pixels: &Pixels<f32>) -> Vec<f32> {
    pixels.levels.iter().copied().skip(3).step_by(4).collect()
}

/// No number is none, either.
fn are_shares(values: &[f32]) -> bool {
    values.iter().all(|value| (-1e-4..=1.0001).contains(value))
}

#[test]
fn any_size_and_any_channels_keep_their_shape_and_alpha() {
    for operation in all() {
        let name = operation.name();
        assert!(operation.supports(Depth::F32), "{name}");
        let softens = ["gaussian_blur", "box_blur", "motion_blur", "simulate_low_resolution"].contains(&name);
        for [width, height] in SIZES {
            for channels in CHANNELS {
                let pixels = Pixels::<f32>::from(&pattern(width, height, channels));
                for position in 0..3 {
                    let out = applied(&*operation, &pixels, position);
                    let what = format!("{name}: {width} x {height} x {channels}, {position}");
                    assert_eq!(
                        (out.width, out.height, out.levels.len()),
                        (width, height, pixels.levels.len()),
                        "{what}"
                    );
                    assert!(are_shares(&out.levels), "{what}");
                    assert_eq!(out, applied(&*operation, &pixels, position), "{what}");
                    if channels == 4 && !softens {
                        assert_eq!(alpha(&out), alpha(&pixels), "{what}");
                    }
                }
            }
        }
    }
}

/// What becomes of a pixel does not hang on where it is: the end of a long row is that of a short one.
#[test]
fn pixels_of_long_pictures_are_those_of_short_ones() {
    let by_pixel = [
        "brightness",
        "saturation",
        "hue",
        "gamma",
        "grayscale",
        "invert",
        "posterize",
        "solarize",
        "channel_permutation",
    ];
    let mut seen = 0;
    for operation in all() {
        if !by_pixel.contains(&operation.name()) {
            continue;
        }
        seen += 1;
        for [width, height] in [[1, 4097], [4099, 3]] {
            for channels in CHANNELS {
                let pixels = Pixels::<f32>::from(&pattern(width, height, channels));
                let whole = applied(&*operation, &pixels, 3);
                let parts = pixels.levels.chunks(5 * channels).flat_map(|levels| {
                    let part = Pixels {
                        width: (levels.len() / channels) as u32,
                        height: 1,
                        levels: levels.to_vec(),
                    };
                    applied(&*operation, &part, 3).levels
                });
                let off = furthest(&whole.levels, &parts.collect::<Vec<_>>());
                assert!(
                    off < 1e-6,
                    "{}: {width} x {height} x {channels} is off by {off}",
                    operation.name()
                );
            }
        }
    }
    assert_eq!(seen, by_pixel.len());
}

/// What a stage makes of a file with this operation, and then its own size.
fn staged(operation: &Arc<dyn Operation>, file: &[u8], size: [u32; 2], channels: usize, depth: Depth) -> Vec<f32> {
    let mut all = vec![Arc::clone(operation)];
    if operation.resized(size) != Some(size) {
        all.push(Arc::new(Resize::new(size)));
    }
    made(&stage(channels, size).depth(depth).with(Sequential::new(all)), file)
}

fn made(image: &Image, file: &[u8]) -> Vec<f32> {
    let [width, height] = image.size();
    let settings = image.plan().settings();
    let has = |channels: &&usize| settings.contains(&format!("image.channels={channels}"));
    let channels = CHANNELS.iter().find(has).unwrap();
    let mut out = vec![f32::NAN; channels * (width * height) as usize];
    image.apply(file, &mut rng(2), &mut out).unwrap();
    out
}

/// A PNG of 16 bits with the same shares.
fn of_16_bits(pixels: &Pixels) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, pixels.width, pixels.height);
    encoder.set_color(match pixels.channels() {
        1 => png::ColorType::Grayscale,
        4 => png::ColorType::Rgba,
        _ => png::ColorType::Rgb,
    });
    encoder.set_depth(png::BitDepth::Sixteen);
    let levels: Vec<u8> = pixels.levels.iter().flat_map(|&level| [level, level]).collect();
    encoder.write_header().unwrap().write_image_data(&levels).unwrap();
    file
}

/// Noise, of which all can be seen: levels weigh colours by 8 bits of alpha.
fn seen(size: [u32; 2], channels: usize) -> Pixels {
    let mut pixels = pattern(size[0], size[1], channels);
    if channels == 4 {
        for pixel in pixels.levels.chunks_exact_mut(4) {
            pixel[3] = 128 + pixel[3] / 2;
        }
    }
    pixels
}

#[test]
fn motions_are_those_of_8_bits_but_for_rounding() {
    for (nth, operation) in motion::operations().into_iter().enumerate() {
        let operation: Arc<dyn Operation> = operation.into();
        for size in SIZES {
            for channels in CHANNELS {
                let what = format!("{nth}, {}: {size:?} x {channels}", operation.name());
                let pixels = seen(size, channels);
                let file = pixels.to_png().unwrap();
                let levels = staged(&operation, &file, size, channels, Depth::U8);
                let shares = staged(&operation, &file, size, channels, Depth::F32);
                let deep = staged(&operation, &of_16_bits(&pixels), size, channels, Depth::F32);
                assert!(are_shares(&shares) && are_shares(&deep), "{what}");
                let off = furthest(&deep, &shares);
                assert!(off < 1e-4, "{what}: 16 bits are off by {off}");
                // Colours weigh as much as can be seen of them.
                let places = shares.len() / channels;
                let weighed = |values: &[f32]| -> Vec<f32> {
                    let share = |at: usize| match channels == 4 && at < 3 * places {
                        true => values[3 * places + at % places],
                        false => 1.0,
                    };
                    (0..values.len()).map(|at| share(at) * values[at]).collect()
                };
                let off = 255.0 * furthest(&weighed(&shares), &weighed(&levels));
                // Each pass of 8 bits rounds, and so do places, to 1/256 of a pixel in which noise goes from black to white.
                let most = if channels == 4 { 8.0 } else { 4.0 };
                assert!(off < most, "{what} is off by {off} levels");
            }
        }
    }
}

/// But for the rounding of torchvision's levels, and of places to 1/1024 of a pixel.
#[test]
fn moved_photos_are_torchvisions() {
    for (name, file, motion) in references() {
        let expected = made(&stage(3, SIZE), file);
        let found = made(&stage(3, SIZE).with(fixed(motion)), PHOTO);
        let far = |(a, b): &(&f32, &f32)| 255.0 * (*a - *b).abs() > 0.7;
        let far = found.iter().zip(&expected).filter(far).count() as f64 / found.len() as f64;
        let most = if name == "rotate_filled" { 0.04 } else { 0.0 };
        assert!(far <= most, "{name}: {far} are others");
    }
}

#[test]
fn policies_take_any_size_and_any_channels() {
    for (nth, policy) in policies().into_iter().enumerate() {
        let policy: Arc<dyn Operation> = policy.into();
        for size in SIZES {
            for channels in CHANNELS {
                let pixels = seen(size, channels);
                let found = staged(&policy, &of_16_bits(&pixels), size, channels, Depth::F32);
                assert!(are_shares(&found), "{nth}: {size:?} x {channels}");
            }
        }
    }
}

/// The deviation of each channel, and how those of two go together: each is drawn by itself.
#[test]
fn noise_has_its_deviation_in_each_channel() {
    let sigma = 0.05;
    for channels in [3, 4] {
        let before = Pixels {
            width: 120,
            height: 100,
            levels: vec![0.5_f32; 12_000 * channels],
        };
        let after = applied(&GaussianNoise::new(sigma), &before, 1);
        let noise = |channel: usize| -> Vec<f64> {
            let levels = after.levels.iter().skip(channel).step_by(channels);
            levels.map(|level| f64::from(level - 0.5)).collect()
        };
        let product = |a: usize, b: usize| -> f64 {
            let products = noise(a).into_iter().zip(noise(b)).map(|(a, b)| a * b);
            products.sum::<f64>() / 12_000.0 / f64::from(sigma * sigma)
        };
        for channel in 0..3 {
            let mean = noise(channel).iter().sum::<f64>() / 12_000.0;
            assert!(mean.abs() < 5.0 * 0.05 / 109.5, "{channels}, {channel}: {mean}");
            // Within five deviations, of which one is the root of 2 of 12,000.
            let own = product(channel, channel);
            assert!((own - 1.0).abs() < 5.0 * 0.0129, "{channels}, {channel}: {own}");
            let other = product(channel, (channel + 1) % 3);
            assert!(other.abs() < 5.0 * 0.0092, "{channels}, {channel}: {other}");
        }
        assert!(channels == 3 || alpha(&after) == alpha(&before));
    }
}

/// The same squares as in pictures of 8 bits, of the same colours; of noise the same squares.
#[test]
fn grids_are_dropped_where_they_are_of_levels() {
    let grid = |fill: Fill| GridDropout::new(0.5, 0.2..=0.4).fill(fill);
    for (width, height) in [(40, 30), (1, 9), (2, 2), (31, 7)] {
        for channels in CHANNELS {
            let levels = pattern(width, height, channels);
            let shares = Pixels::<f32>::from(&levels);
            for position in 0..6 {
                let what = format!("{width} x {height} x {channels}, {position}");
                for fill in [Fill::default(), Fill::Color([51, 102, 255])] {
                    let mut expected = levels.clone();
                    grid(fill).apply(&mut expected, &mut rng(position));
                    let found = applied(&grid(fill), &shares, position);
                    assert_eq!(found, Pixels::<f32>::from(&expected), "{what}");
                }
                let mut dropped = levels.clone();
                grid(Fill::default()).apply(&mut dropped, &mut rng(position));
                let found = applied(&grid(Fill::Random), &shares, position);
                for at in 0..levels.levels.len() {
                    // A level may be black before, and what is drawn may be what was there.
                    let stays = found.levels[at] == shares.levels[at];
                    assert!(stays || dropped.levels[at] == 0, "{what}: {at}");
                    assert!(!stays || dropped.levels[at] == levels.levels[at], "{what}: {at}");
                }
                assert!(are_shares(&found.levels), "{what}");
            }
        }
    }
}
