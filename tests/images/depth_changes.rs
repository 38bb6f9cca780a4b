//! Changes of values of pictures of f32 that are more than arithmetic on single values, against torchvision and NumPy on the pictures of
//! `depth.rs`: colours, filters, noise and policies.

use super::depth::{HEIGHT, WIDTH, changed, changed_of, expected, furthest, interleaved, rng, stage};
use millstream::image::{
    AugMix, AutoAugment, Autocontrast, BoxBlur, ChannelPermutation, ColorJitter, Depth, Drawn, Equalize, Hue, Level,
    MotionBlur, Operation, PhotometricDistort, Pixels, Posterize, RandAugment, SaltAndPepper, Sharpness, ShotNoise,
    SimulateLowResolution, Solarize, Subject, TrivialAugmentWide,
};

const PLACES: usize = (WIDTH * HEIGHT) as usize;

/// The first position for which the operation says this of a row.
fn position_with(operation: &dyn Operation, said: impl Fn(&str) -> bool) -> u64 {
    let subject = Subject::new([WIDTH, HEIGHT]).of_depth(Depth::F32);
    let says = |&position: &u64| said(&operation.in_words(&subject, &mut rng(position)).unwrap());
    (0..100_000).find(says).unwrap()
}

/// The first position whose hue of up to half the circle turns by 0.15.
fn turned() -> u64 {
    let near = |&position: &u64| (rng(position).range(-0.5, 0.5) - 0.15).abs() < 2e-5;
    (0..).find(near).unwrap()
}

#[test]
fn colours_agree_with_torchvision() {
    let cases: [(&str, &dyn Operation, u64, f32); 6] = [
        // The turn is that of the case to 0.00002 of the circle, six of which are a level's whole range.
        ("hue", &Hue::new(0.5), turned(), 2e-4),
        ("sharpness", &Sharpness::new(1.9, 1.0), 0, 1e-5),
        ("softness", &Sharpness::new(0.25, 1.0), 0, 1e-5),
        ("solarize", &Solarize::new(96, 1.0), 0, 1e-6),
        ("equalize", &Equalize::new(1.0), 0, 1e-6),
        ("posterize", &Posterize::new(3, 1.0), 0, 1e-6),
    ];
    for (name, operation, position, most) in cases {
        let found = changed(operation, 3, position);
        let off = furthest(&found, &expected(name));
        assert!(off < most, "{name} is off by {off}");
        assert!(furthest(&found, &expected("rgb")) > 0.01, "{name} changes nothing");
        // Alpha stays, and colours are those of three channels.
        let with_alpha = changed(operation, 4, position);
        assert_eq!(with_alpha[..3 * PLACES], found, "{name}");
        assert_eq!(with_alpha[3 * PLACES..], expected("rgba")[3 * PLACES..], "{name}");
        // Grey is red's channel, and has no hue.
        let grey = changed(operation, 1, position);
        match name {
            "hue" => assert_eq!(grey, expected("grey")),
            _ => assert_eq!(grey, found[..PLACES], "{name}"),
        }
    }
    let between: Vec<f32> = expected("rgb").iter().map(|level| level.clamp(0.2, 0.7)).collect();
    let found = changed_of(&between, &Autocontrast::new(1.0), 3, 0);
    let off = furthest(&found, &expected("autocontrast"));
    assert!(off < 1e-5, "autocontrast is off by {off}");
    let grey = changed_of(&between[..PLACES], &Autocontrast::new(1.0), 1, 0);
    assert_eq!(grey, found[..PLACES]);
}

#[test]
fn channels_are_exchanged_whole() {
    let photo = expected("rgb");
    let operation = ChannelPermutation::new();
    let position = position_with(&operation, |words| words == "blue, red, green");
    let found = changed(&operation, 3, position);
    let planes = [2, 0, 1].map(|from| &photo[from * PLACES..][..PLACES]);
    assert_eq!(found, planes.concat());
    assert_eq!(changed(&operation, 1, position), expected("grey"));
    let with_alpha = changed(&operation, 4, position);
    assert_eq!(with_alpha[..3 * PLACES], found);
    assert_eq!(with_alpha[3 * PLACES..], expected("rgba")[3 * PLACES..]);
}

#[test]
fn distortions_agree_with_torchvision() {
    let operation = PhotometricDistort::new(1.0)
        .brightness(1.1..=1.1)
        .contrast(0.8..=0.8)
        .saturation(1.3..=1.3)
        .hue(0.1..=0.1);
    let contrast_first = "brightness 1.100, contrast 0.800, saturation 1.300, hue +0.100";
    let with = |order: &str| position_with(&operation, |words| words == format!("{contrast_first}, {order}"));
    let found = changed(&operation, 3, with("red, green, blue"));
    // torchvision's luma has a weight of 0.2989 for red, ours 0.299.
    let off = furthest(&found, &expected("distorted"));
    assert!(off < 1e-3, "off by {off}");
    let permuted = changed(&operation, 3, with("green, blue, red"));
    let planes = [1, 2, 0].map(|from| &found[from * PLACES..][..PLACES]);
    assert_eq!(permuted, planes.concat());
    // A jitter that has nothing but hue is the same as hue, whatever is drawn before it.
    let jitter = ColorJitter::new(0.0, 0.0, 0.0).hue(0.5);
    let position = position_with(&jitter, |words| words.contains("hue 0.15"));
    let off = furthest(&changed(&jitter, 3, position), &expected("hue"));
    // Between 0.1495 and 0.1605 of the circle: a level moves by up to six times that far.
    assert!(off < 0.07, "off by {off}");
}

#[test]
fn filters_agree_with_numpy() {
    let cases: [(&str, &dyn Operation); 2] = [
        ("box", &BoxBlur::new(5..=5)),
        ("line", &MotionBlur::new(7..=7).angle(25.0..=25.0)),
    ];
    for (name, operation) in cases {
        let found = changed(operation, 3, 0);
        let off = furthest(&found, &expected(name));
        assert!(off < 1e-6, "{name} is off by {off}");
        assert!(furthest(&found, &expected("rgb")) > 0.01, "{name} changes nothing");
        assert_eq!(changed(operation, 1, 0), found[..PLACES], "{name}");
        // Alpha is blurred as the colours are.
        let with_alpha = changed(operation, 4, 0);
        assert_eq!(with_alpha[..3 * PLACES], found, "{name}");
        let alpha = &expected("rgba")[3 * PLACES..];
        assert_eq!(with_alpha[3 * PLACES..], changed_of(alpha, operation, 1, 0), "{name}");
    }
}

/// Means and linear weights of halves: no more than the last bits of an f32 may differ.
#[test]
fn low_resolution_is_torchs() {
    let low = SimulateLowResolution::new(0.5..=0.5);
    let (found, rgb) = (changed(&low, 3, 0), expected("rgb"));
    let off = furthest(&found, &expected("low"));
    assert!(off < 1e-6, "off by {off}");
    assert!(furthest(&found, &rgb) > 0.01, "it changes nothing");
    let grey = furthest(&changed(&low, 1, 0), &found[..PLACES]);
    assert!(grey < 1e-6, "one channel is off by {grey}");
    // Of more than 256 levels, and not of those alone.
    assert!(
        found
            .iter()
            .any(|value| (value * 255.0 - (value * 255.0).round()).abs() > 0.1)
    );
    // Alpha weighs the colours, and is reduced as a grey picture is.
    let with_alpha = changed(&low, 4, 0);
    let alpha = &expected("rgba")[3 * PLACES..];
    let off = furthest(&with_alpha[3 * PLACES..], &changed_of(alpha, &low, 1, 0));
    assert!(off < 1e-6, "alpha is off by {off}");
}

#[test]
fn what_changes_nothing_changes_no_bit() {
    let cases: [(&str, &dyn Operation); 6] = [
        ("hue", &Hue::new(0.0)),
        ("sharpness", &Sharpness::new(1.0, 1.0)),
        ("solarize", &Solarize::new(256, 1.0)),
        ("box_blur", &BoxBlur::new(1..=1)),
        ("motion_blur", &MotionBlur::new(1..=1)),
        ("salt_and_pepper", &SaltAndPepper::new(0.0..=0.0)),
    ];
    for (name, operation) in cases {
        for (channels, planes) in [(1, "grey"), (3, "rgb"), (4, "rgba")] {
            assert!(
                changed(operation, channels, 0) == expected(planes),
                "{name} of {channels} channels"
            );
        }
    }
    // The photo has black and white already.
    let off = furthest(&changed(&Autocontrast::new(1.0), 3, 0), &expected("rgb"));
    assert!(off < 1e-6, "autocontrast: {off}");
}

#[test]
fn one_pixel_is_a_picture() {
    let all: [(&dyn Operation, bool); 12] = [
        (&Sharpness::new(2.0, 1.0), true),
        (&Autocontrast::new(1.0), true),
        (&BoxBlur::new(3..=7), true),
        (&MotionBlur::new(3..=7), true),
        (&Hue::new(0.5), false),
        (&Solarize::new(128, 1.0), false),
        (&Posterize::new(4, 1.0), false),
        (&Equalize::new(1.0), false),
        (&SaltAndPepper::new(0.5..=0.5), false),
        (&ShotNoise::new(0.1..=0.1), false),
        (&ChannelPermutation::new(), false),
        (&PhotometricDistort::new(1.0), false),
    ];
    for (operation, stays) in all {
        for channels in [1, 3, 4] {
            let before = Pixels {
                width: 1,
                height: 1,
                levels: [0.3_f32, 0.7, 0.55, 0.9][..channels].to_vec(),
            };
            let mut after = before.clone();
            match operation.draw(&Subject::of(&before), &mut rng(0)) {
                Drawn::Floats(change) => change(&mut after),
                other => panic!("{other:?}"),
            }
            let name = operation.name();
            assert_eq!(
                (after.width, after.height, after.channels()),
                (1, 1, channels),
                "{name}"
            );
            assert!(
                after.levels.iter().all(|level| (0.0..=1.0).contains(level)),
                "{name}: {after:?}"
            );
            assert!(!stays || after == before, "{name}: {after:?}");
        }
    }
}

#[test]
fn salt_and_pepper_fall_where_they_fall_on_levels() {
    let photo = expected("rgb");
    let operation = SaltAndPepper::new(0.3..=0.3);
    let found = interleaved(&changed(&operation, 3, 0), 3);
    let before = interleaved(&photo, 3);
    let mut levels = Pixels::from(&before);
    operation.draw(&Subject::of(&levels), &mut rng(0)).apply(&mut levels);
    let (mut white, mut black) = (0, 0);
    for (at, pixel) in found.levels.chunks_exact(3).enumerate() {
        if pixel == &before.levels[3 * at..][..3] {
            continue;
        }
        match pixel {
            [1.0, 1.0, 1.0] => white += 1,
            [0.0, 0.0, 0.0] => black += 1,
            other => panic!("{other:?}"),
        }
        let of_levels: Vec<f32> = levels.levels[3 * at..][..3]
            .iter()
            .map(|&level| f32::of(level))
            .collect();
        assert_eq!(pixel, of_levels);
    }
    // 144 of 480 pixels, half of them white, within five deviations.
    assert!(white > 20 && black > 20, "{white} {black}");
    assert!((94..=194).contains(&(white + black)), "{white} {black}");
}

#[test]
fn photons_are_counted_between_levels() {
    let scale = 0.01;
    let noisy = |value: f32| {
        let mut pixels = Pixels {
            width: 200,
            height: 200,
            levels: vec![value; 40_000],
        };
        match ShotNoise::new(scale..=scale).draw(&Subject::of(&pixels), &mut rng(1)) {
            Drawn::Floats(change) => change(&mut pixels),
            other => panic!("{other:?}"),
        }
        pixels.levels
    };
    // Halfway between two of 256 levels: with the light of the lower one the mean would be 0.19 less.
    let counts: Vec<f64> = noisy(0.5)
        .into_iter()
        .map(|level| f64::from(level).powf(2.2) / f64::from(scale))
        .collect();
    assert!(counts.iter().all(|count| (count - count.round()).abs() < 1e-3));
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / counts.len() as f64;
    let light = 0.5_f64.powf(2.2) / f64::from(scale);
    assert!((mean - light).abs() < 0.1, "{mean} for {light}");
    assert!((variance - light).abs() < 1.0, "{variance} for {light}");
    assert!(noisy(0.0).iter().all(|level| *level == 0.0));
    assert!(noisy(1.0).iter().all(|level| (0.0..=1.0).contains(level)));
}

/// The transforms of a policy are those operations, with the strength of bin 9 of 31.
#[test]
fn policies_run_the_same_changes() {
    let photo = expected("rgb");
    let one = RandAugment::new().num_ops(1);
    let drawn = |words: &str| changed(&one, 3, position_with(&one, |said| said == words));
    let alike = |words: &str, other: &[f32]| {
        let off = furthest(&drawn(words), other);
        assert!(off < 1e-5, "{words} is off by {off}");
    };
    alike("sharpness 0.27", &changed(&Sharpness::new(1.27, 1.0), 3, 0));
    alike("sharpness -0.27", &changed(&Sharpness::new(0.73, 1.0), 3, 0));
    alike("posterize 7", &changed(&Posterize::new(7, 1.0), 3, 0));
    alike("auto_contrast", &changed(&Autocontrast::new(1.0), 3, 0));
    alike("equalize", &changed(&Equalize::new(1.0), 3, 0));
    let brighter: Vec<f32> = photo.iter().map(|level| (level * 1.27).min(1.0)).collect();
    alike("brightness 0.27", &brighter);
    // No multiple of 1/255, as a threshold of levels would be.
    let above = |level: &f32| if *level >= 0.7 { 1.0 - level } else { *level };
    alike("solarize 0.70", &photo.iter().map(above).collect::<Vec<_>>());
    for policy in [
        &one as &dyn Operation,
        &TrivialAugmentWide::new(),
        &AutoAugment::new(),
        &AugMix::new(),
    ] {
        assert!(policy.supports(Depth::F32), "{}", policy.name());
    }
    let image = stage(3, [WIDTH, HEIGHT])
        .with(RandAugment::new())
        .with(TrivialAugmentWide::new())
        .with(AutoAugment::new())
        .with(AugMix::new());
    image.check().unwrap();
}

#[test]
fn mixtures_of_shares_are_not_rounded() {
    let mix = AugMix::new().severity(1).mixture_width(1).chain_depth(1);
    let position = position_with(&mix, |words| words.ends_with(" of posterize 4"));
    let words = mix
        .in_words(&Subject::new([WIDTH, HEIGHT]), &mut rng(position))
        .unwrap();
    // `0.40 of itself; 0.60 of posterize 4`
    let said: f32 = words.split("; ").nth(1).unwrap()[..4].parse().unwrap();
    let (photo, found) = (expected("rgb"), changed(&mix, 3, position));
    let coarse = changed(&Posterize::new(4, 1.0), 3, 0);
    let sum = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b)).sum::<f64>();
    let share = (sum(&found, &photo) / sum(&coarse, &photo)) as f32;
    assert!((share - said).abs() < 0.006, "{share} for {words}");
    let mixed: Vec<f32> = photo
        .iter()
        .zip(&coarse)
        .map(|(own, other)| own + share * (other - own))
        .collect();
    let off = furthest(&found, &mixed);
    assert!(off < 1e-4, "{off}");
    // Of a black picture all is black: these strengths invert none of it.
    let black = vec![0.0; 3 * PLACES];
    for position in 0..50 {
        assert_eq!(changed_of(&black, &AugMix::new(), 3, position), black, "{position}");
    }
}
