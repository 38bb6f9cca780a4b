//! Operations at their limits: pictures of one pixel, of odd sides, long and thin ones, of one channel and of four; and where they change
//! nothing.

use crate::motion;
use crate::operations::{all, applied, applied_at, differences, grey, one_channel, pattern, photo, rng, with_alpha};
use millstream::image::{
    AugMix, AutoAugment, AutoAugmentPolicy, Brightness, ChannelPermutation, Clahe, CoarseDropout, Contrast, Gamma,
    GaussianBlur, GaussianNoise, Grayscale, HorizontalFlip, Hue, Identity, Invert, Operation, Pixels, Posterize,
    RandAugment, RandomApply, Saturation, ShotNoise, Solarize, Transpose, TrivialAugmentWide, VerticalFlip,
};

const CHANNELS: [usize; 3] = [1, 3, 4];
/// Longer than any block or vector, and no multiple of one.
const LONG: [[u32; 2]; 2] = [[1, 4097], [4099, 3]];

pub(super) fn policies() -> Vec<Box<dyn Operation>> {
    vec![
        Box::new(RandAugment::new()),
        Box::new(RandAugment::new().num_ops(3).magnitude(30)),
        Box::new(RandAugment::new().num_ops(2).magnitude(0)),
        Box::new(TrivialAugmentWide::new()),
        Box::new(AugMix::new()),
        Box::new(AugMix::new().severity(10).mixture_width(1).chain_depth(2)),
        Box::new(AutoAugment::new()),
        Box::new(AutoAugment::new().policy(AutoAugmentPolicy::Cifar10)),
        Box::new(AutoAugment::new().policy(AutoAugmentPolicy::Svhn)),
    ]
}

/// Alpha, or what else is the last of four channels.
fn alpha(pixels: &Pixels) -> Vec<u8> {
    pixels.levels.iter().copied().skip(3).step_by(4).collect()
}

#[test]
fn long_pictures_keep_their_shape_and_alpha() {
    for operation in all() {
        let name = operation.name();
        for [width, height] in LONG {
            for channels in CHANNELS {
                let pixels = pattern(width, height, channels);
                let out = applied_at(&*operation, &pixels, 1);
                assert_eq!(
                    (out.width, out.height, out.levels.len()),
                    (width, height, pixels.levels.len()),
                    "{name}: {width} x {height} x {channels}"
                );
                assert_eq!(
                    out,
                    applied_at(&*operation, &pixels, 1),
                    "{name} draws from its generator alone"
                );
                let softens = ["gaussian_blur", "box_blur", "motion_blur", "simulate_low_resolution"].contains(&name);
                if channels == 4 && !softens {
                    assert_eq!(alpha(&out), alpha(&pixels), "{name}");
                }
            }
        }
    }
}

/// What becomes of a pixel does not hang on where it is: the end of a long row is that of a short one.
#[test]
fn pixels_of_long_pictures_are_those_of_short_ones() {
    let by_pixel: [&dyn Operation; 9] = [
        &Brightness::new(0.5),
        &Saturation::new(0.5),
        &Hue::new(0.5),
        &Gamma::new(0.5..=2.0),
        &Grayscale::new(1.0),
        &Invert::new(1.0),
        &Posterize::new(3, 1.0),
        &Solarize::new(100, 1.0),
        &ChannelPermutation::new(),
    ];
    for operation in by_pixel {
        for [width, height] in LONG {
            for channels in CHANNELS {
                let pixels = pattern(width, height, channels);
                let whole = applied_at(operation, &pixels, 3);
                let parts = pixels.levels.chunks(5 * channels).flat_map(|levels| {
                    let part = Pixels {
                        width: (levels.len() / channels) as u32,
                        height: 1,
                        levels: levels.to_vec(),
                    };
                    applied_at(operation, &part, 3).levels
                });
                let name = operation.name();
                assert!(
                    whole.levels.iter().copied().eq(parts),
                    "{name}: {width} x {height} x {channels}"
                );
            }
        }
    }
}

#[test]
fn policies_take_any_size_and_any_channels() {
    let small = [[1, 1], [1, 7], [7, 1], [2, 2], [3, 3], [33, 17]];
    for (nth, policy) in policies().iter().enumerate() {
        for (size, positions) in small
            .map(|size| (size, 12))
            .into_iter()
            .chain(LONG.map(|size| (size, 3)))
        {
            for channels in CHANNELS {
                let pixels = pattern(size[0], size[1], channels);
                for position in 0..positions {
                    let out = applied_at(&**policy, &pixels, position);
                    let found = (out.width, out.height, out.levels.len());
                    let expected = (size[0], size[1], pixels.levels.len());
                    assert_eq!(found, expected, "{nth}: {size:?} x {channels}, {position}");
                }
            }
        }
    }
}

#[test]
fn policies_do_to_grey_what_they_do_to_three_equal_channels() {
    let three = applied(&Grayscale::new(1.0), &photo());
    for (nth, policy) in policies().iter().enumerate() {
        for position in 0..40 {
            let one = applied_at(&**policy, &grey(), position);
            let of_three = one_channel(&applied_at(&**policy, &three, position));
            assert!(differences(&one, &of_three).0 <= 1, "{nth}, {position}");
        }
    }
}

#[test]
fn motions_take_any_channels_at_any_size() {
    for (nth, operation) in motion::operations().iter().enumerate() {
        for size in [[1, 1], [1, 9], [13, 1], [2, 2], [31, 20], [1, 4097], [4099, 3]] {
            for channels in CHANNELS {
                let out = applied_at(&**operation, &pattern(size[0], size[1], channels), 2);
                assert_eq!(
                    Some([out.width, out.height]),
                    operation.resized(size),
                    "{nth}: {size:?}"
                );
                let pixels = out.width as usize * out.height as usize;
                assert_eq!(out.levels.len(), pixels * channels, "{nth}: {size:?} x {channels}");
            }
        }
    }
}

/// Where alpha is the same everywhere, it weighs nothing.
#[test]
fn motions_move_opaque_pictures_and_grey_ones_as_colours() {
    let colours = pattern(31, 20, 3);
    let opaque = Pixels {
        levels: (colours.levels.chunks(3))
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255])
            .collect(),
        ..colours
    };
    let three = applied(&Grayscale::new(1.0), &colours);
    for (nth, operation) in motion::operations().iter().enumerate() {
        for position in 0..5 {
            let expected = applied_at(&**operation, &colours, position);
            let four = applied_at(&**operation, &opaque, position);
            let found = Pixels {
                levels: four
                    .levels
                    .chunks(4)
                    .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
                    .collect(),
                ..four
            };
            // What is partly beyond the picture is partly transparent, and there colours may be weighed.
            let inside = |at: usize| four.levels[at / 3 * 4 + 3] == 255;
            let pairs = found.levels.iter().zip(&expected.levels).enumerate();
            let most = pairs
                .filter(|(at, _)| inside(*at))
                .map(|(_, (a, b))| a.abs_diff(*b))
                .max();
            assert!(most.unwrap_or(0) <= 1, "{nth}, {position}: {most:?}");
            let one = applied_at(&**operation, &one_channel(&three), position);
            let of_three = one_channel(&applied_at(&**operation, &three, position));
            assert!(differences(&one, &of_three).0 <= 1, "{nth}, {position}");
        }
    }
}

#[test]
fn flipping_twice_is_nothing_at_any_size() {
    let twice: [&dyn Operation; 3] = [&HorizontalFlip::new(1.0), &VerticalFlip::new(1.0), &Transpose::new(1.0)];
    for operation in twice {
        for size in [[1, 1], [1, 4097], [4099, 3], [48, 40], [33, 17]] {
            for channels in CHANNELS {
                let pixels = pattern(size[0], size[1], channels);
                let once = applied(operation, &pixels);
                assert_eq!(
                    applied(operation, &once),
                    pixels,
                    "{}: {size:?} x {channels}",
                    operation.name()
                );
            }
        }
    }
}

// At their identity.

#[test]
fn what_is_asked_to_change_nothing_changes_nothing() {
    let neutral: [&dyn Operation; 10] = [
        &Identity::new(),
        &Brightness::new(0.0),
        &Contrast::new(0.0),
        &Saturation::new(0.0),
        &GaussianNoise::new(0.0),
        // Neighbours weigh less than any number.
        &GaussianBlur::new(1e-3..=1e-3),
        &RandAugment::new().num_ops(0),
        &RandomApply::new(0.0, Invert::new(1.0)),
        &CoarseDropout::new(0..=0, 1.0..=1.0, 1.0..=1.0),
        &Transpose::new(0.0),
    ];
    for operation in neutral {
        for pixels in [
            photo(),
            grey(),
            with_alpha(&photo()),
            pattern(1, 1, 3),
            pattern(4099, 3, 1),
        ] {
            for position in 0..3 {
                assert_eq!(applied_at(operation, &pixels, position), pixels, "{}", operation.name());
            }
        }
    }
}

/// It has no parameter for nothing, but spreads levels that are spread evenly to where they are.
#[test]
fn clahe_leaves_levels_that_are_spread_evenly() {
    let even = Pixels {
        width: 16,
        height: 16,
        // Every level once, in some order.
        levels: (0..256_u32).map(|at| (at * 77 % 256) as u8).collect(),
    };
    for limit in [1.0, 4.0, 256.0] {
        let found = applied(&Clahe::new(limit..=limit).tiles(1, 1), &even);
        assert!(differences(&found, &even).0 <= 1, "{limit}");
    }
}

/// It has no parameter for nothing, either: where there is no light there are no counts.
#[test]
fn shot_noise_leaves_black_and_alpha() {
    for channels in CHANNELS {
        let mut black = Pixels::with_channels(33, 17, channels);
        if channels == 4 {
            let mut alphas = vec![0; 33 * 17];
            rng(7).fill(&mut alphas);
            for (pixel, alpha) in black.levels.chunks_mut(4).zip(alphas) {
                pixel[3] = alpha;
            }
        }
        for position in 0..5 {
            assert_eq!(
                applied_at(&ShotNoise::new(0.01..=1.0), &black, position),
                black,
                "{channels}"
            );
        }
    }
    // The more light, the nearer to the picture.
    let off = |scale: f32| differences(&applied(&ShotNoise::new(scale..=scale), &photo()), &photo()).1;
    assert!(
        off(0.01) < off(0.1) && off(0.1) < off(1.0),
        "{} {} {}",
        off(0.01),
        off(0.1),
        off(1.0)
    );
}
