//! Operations that change values: against other libraries (`tests/scripts/make_operations.py`), at their identity, at their limits, and
//! what holds of each.

use millstream::image::{
    Autocontrast, BoxBlur, Brightness, ChannelPermutation, Clahe, CoarseDropout, ColorJitter, Contrast, Equalize, Fill,
    Gamma, GaussianNoise, Grayscale, GridDropout, HorizontalFlip, Hue, Image, Invert, Jpeg, MotionBlur, Operation,
    PhotometricDistort, Pixels, Posterize, RandomErasing, Rotate, SaltAndPepper, Saturation, Sharpness, ShotNoise,
    SimulateLowResolution, Solarize, operations,
};
use millstream::rng::Rng;
use std::path::Path;

pub(super) fn rng(position: u64) -> Rng {
    Rng::new(23, "operations", position)
}

pub(super) fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/operations");
    std::fs::read(folder.join(name).with_extension("png")).unwrap()
}

pub(super) fn photo() -> Pixels {
    Pixels::decode(&fixture("photo.png")).unwrap()
}

/// The photo's luma, in one channel.
pub(super) fn grey() -> Pixels {
    one_channel(&applied(&Grayscale::new(1.0), &photo()))
}

/// The first channel.
pub(super) fn one_channel(pixels: &Pixels) -> Pixels {
    Pixels {
        levels: pixels.levels.iter().copied().step_by(3).collect(),
        ..*pixels
    }
}

/// Four channels, with an alpha in which every value is there.
pub(super) fn with_alpha(pixels: &Pixels) -> Pixels {
    let pixel = |(at, pixel): (usize, &[u8])| [pixel[0], pixel[1], pixel[2], (at * 7 % 256) as u8];
    Pixels {
        levels: pixels.levels.chunks(3).enumerate().flat_map(pixel).collect(),
        ..*pixels
    }
}

/// A picture in which neighbours differ.
pub(super) fn pattern(width: u32, height: u32, channels: usize) -> Pixels {
    let mut pixels = Pixels::with_channels(width, height, channels);
    rng(99).fill(&mut pixels.levels);
    pixels
}

pub(super) fn applied_at(operation: &dyn Operation, pixels: &Pixels, position: u64) -> Pixels {
    let mut pixels = pixels.clone();
    operation.apply(&mut pixels, &mut rng(position));
    pixels
}

pub(super) fn applied(operation: &dyn Operation, pixels: &Pixels) -> Pixels {
    applied_at(operation, pixels, 0)
}

/// The first position whose draw from `-width..width` is nearly `wanted`.
fn position_of(width: f32, wanted: f32) -> u64 {
    let near = |&position: &u64| (rng(position).range(-width, width) - wanted).abs() < 2e-5;
    (0..).find(near).unwrap()
}

/// The greatest difference of two levels, and the mean one.
pub(super) fn differences(a: &Pixels, b: &Pixels) -> (u8, f64) {
    assert_eq!((a.width, a.height, a.levels.len()), (b.width, b.height, b.levels.len()));
    let all = || a.levels.iter().zip(&b.levels).map(|(a, b)| a.abs_diff(*b));
    (
        all().max().unwrap(),
        all().map(f64::from).sum::<f64>() / a.levels.len() as f64,
    )
}

/// In colour and in grey, no level lies further than `most` from the other library's, and the mean difference is at most `mean`.
fn agrees(operation: &dyn Operation, name: &str, most: u8, mean: f64) {
    let reference = Pixels::decode(&fixture(&format!("{name}.png"))).unwrap();
    let colour = differences(&applied(operation, &photo()), &reference);
    let reference = Pixels::decode(&fixture(&format!("grey-{name}.png"))).unwrap();
    let luma = differences(&applied(operation, &grey()), &one_channel(&reference));
    for (what, found) in [("colour", colour), ("grey", luma)] {
        assert!(found.0 <= most && found.1 <= mean, "{name} in {what}: {found:?}");
    }
}

// Against other libraries.

#[test]
fn tables_are_those_of_torchvision_and_pillow() {
    agrees(&Invert::new(1.0), "invert", 0, 0.0);
    agrees(&Posterize::new(3, 1.0), "posterize-3", 0, 0.0);
    agrees(&Solarize::new(100, 1.0), "solarize-100", 0, 0.0);
    agrees(&Autocontrast::new(1.0), "autocontrast", 0, 0.0);
    agrees(&Equalize::new(1.0), "equalize", 0, 0.0);
    // torchvision cuts what we round.
    agrees(&Gamma::new(0.5..=0.5), "gamma-0.5", 1, 0.6);
    agrees(&Gamma::new(2.0..=2.0), "gamma-2", 1, 0.6);
    let reference = Pixels::decode(&fixture("grayscale.png")).unwrap();
    assert_eq!(applied(&Grayscale::new(1.0), &photo()), reference);
}

#[test]
fn hues_are_those_of_torchvision() {
    for (name, turn) in [("hue+0.1.png", 0.1), ("hue-0.4.png", -0.4)] {
        let reference = Pixels::decode(&fixture(name)).unwrap();
        let found = applied_at(&Hue::new(0.5), &photo(), position_of(0.5, turn));
        let found = differences(&found, &reference);
        assert!(found.0 <= 1 && found.1 < 0.6, "{name}: {found:?}");
    }
}

#[test]
fn filters_are_those_of_torchvision_and_opencv() {
    // torchvision cuts what we round.
    agrees(&Sharpness::new(0.0, 1.0), "sharpness-0", 0, 0.0);
    agrees(&Sharpness::new(3.0, 1.0), "sharpness-3", 1, 0.1);
    agrees(&BoxBlur::new(5..=5), "box-5", 0, 0.0);
    agrees(&MotionBlur::new(7..=7).angle(30.0..=30.0), "motion-7-30", 1, 0.01);
    agrees(&MotionBlur::new(9..=9).angle(100.0..=100.0), "motion-9-100", 1, 0.01);
}

#[test]
fn clahe_is_that_of_opencv() {
    agrees(&Clahe::new(2.0..=2.0), "clahe-2", 1, 0.02);
    agrees(&Clahe::new(4.0..=4.0).tiles(5, 3), "clahe-4", 1, 0.02);
}

/// Another encoder's transform and another decoder's: a coefficient that lies between two steps may take the other one.
#[test]
fn artefacts_are_nearly_those_of_libjpeg() {
    agrees(&Jpeg::new(30..=30), "jpeg-30", 40, 1.5);
    agrees(&Jpeg::new(90..=90), "jpeg-90", 12, 0.8);
}

#[test]
fn low_resolution_is_that_of_pillow_and_opencv() {
    // A level for each of two resamples.
    agrees(&SimulateLowResolution::new(0.5..=0.5), "low-0.5", 2, 0.25);
    agrees(&SimulateLowResolution::new(0.7..=0.7), "low-0.7", 2, 0.25);
    // OpenCV rounds once for both directions, and we for each: halves become a level more twice.
    agrees(&SimulateLowResolution::new(0.5..=0.5), "low-half", 2, 0.7);
}

// At their identity.

#[test]
fn neutral_parameters_change_nothing() {
    let neutral: [&dyn Operation; 17] = [
        &Hue::new(0.0),
        &Gamma::new(1.0..=1.0),
        &Grayscale::new(0.0),
        &Invert::new(0.0),
        &Posterize::new(8, 1.0),
        &Solarize::new(256, 1.0),
        &Autocontrast::new(0.0),
        &Equalize::new(0.0),
        &PhotometricDistort::new(0.0),
        &Sharpness::new(1.0, 1.0),
        &BoxBlur::new(1..=1),
        &MotionBlur::new(1..=1),
        &SaltAndPepper::new(0.0..=0.0),
        &SimulateLowResolution::new(1.0..=1.0),
        &CoarseDropout::new(0..=0, 0.5..=0.5, 0.5..=0.5),
        &ColorJitter::new(0.0, 0.0, 0.0).hue(0.0),
        &RandomErasing::new(0.0, 0.1..=0.2, 1.0..=1.0).value(Fill::Random),
    ];
    for operation in neutral {
        for pixels in [photo(), grey(), with_alpha(&photo())] {
            for position in 0..3 {
                let name = operation.name();
                assert_eq!(applied_at(operation, &pixels, position), pixels, "{name}");
            }
        }
    }
}

#[test]
fn a_turn_of_nothing_and_a_whole_one_leave_colours() {
    let all = Pixels {
        width: 64 * 64,
        height: 64,
        levels: (0..1 << 18)
            .flat_map(|at: u32| [at & 63, at >> 6 & 63, at >> 12].map(|part| (part * 4) as u8))
            .collect(),
    };
    // Half a turn twice.
    let half = applied_at(&Hue::new(0.5), &all, position_of(0.5, 0.49999));
    let whole = applied_at(&Hue::new(0.5), &half, position_of(0.5, 0.49999));
    assert!(differences(&whole, &all).0 <= 2);
    let tiny = applied_at(&Hue::new(1e-6), &all, 1);
    assert_eq!(tiny, all);
}

// At their limits.

/// Those that change values, by name.
const NAMES: [&str; 27] = [
    "autocontrast",
    "box_blur",
    "brightness",
    "channel_permutation",
    "clahe",
    "coarse_dropout",
    "color_jitter",
    "contrast",
    "equalize",
    "gamma",
    "gaussian_blur",
    "gaussian_noise",
    "grayscale",
    "grid_dropout",
    "hue",
    "invert",
    "jpeg",
    "motion_blur",
    "photometric_distort",
    "posterize",
    "random_erasing",
    "salt_and_pepper",
    "saturation",
    "sharpness",
    "shot_noise",
    "simulate_low_resolution",
    "solarize",
];

#[test]
fn a_bare_name_does_something_or_is_refused() {
    let mut refusals = Vec::new();
    for name in operations().names() {
        match operations().read_json(&serde_json::json!(name).to_string()) {
            Ok(bare) => {
                let changed = (0..100).any(|position| applied_at(&*bare, &photo(), position) != photo());
                // Some need other rows.
                let alone = ["copy_paste", "cutmix", "identity", "mixup", "mosaic"];
                assert_eq!(changed, !alone.contains(&name), "{name}");
            }
            Err(_) => refusals.push(name),
        }
    }
    let by_what_they_are_given = [
        "affine",
        "by_class",
        "color_jitter",
        "one_of",
        "pad",
        "random_apply",
        "random_crop",
        "random_order",
        "sequential",
        "some_of",
    ];
    assert_eq!(refusals, by_what_they_are_given);
    let bare = |name: &str| {
        let read = operations().read_json(&serde_json::json!(name).to_string()).unwrap();
        read.description().tagged()[name].to_string()
    };
    assert_eq!(bare("horizontal_flip"), r#"{"p":0.5}"#);
    assert_eq!(bare("rotate"), r#"{"degrees":10.0}"#);
    for name in ["brightness", "contrast", "saturation"] {
        assert_eq!(bare(name), r#"{"factor":0.2}"#);
    }
    assert_eq!(bare("hue"), r#"{"hue":0.05}"#);
    assert_eq!(bare("gaussian_noise"), r#"{"mean":0.0,"sigma":0.1}"#);
    assert_eq!(bare("gaussian_blur"), r#"{"sigma":[0.1,2.0]}"#);
    assert_eq!(bare("scale"), r#"{"scale":[0.9,1.1]}"#);
    assert_eq!(bare("translate"), r#"{"translate":[0.0625,0.0625]}"#);
    assert_eq!(bare("shear"), r#"{"degrees":[10.0,10.0]}"#);
}

/// As they are by default; those whose default changes nothing, with some strength.
pub(super) fn all() -> Vec<Box<dyn Operation>> {
    let read = |name: &&str| {
        let parameters = match *name {
            "brightness" | "contrast" | "saturation" => r#"{"factor": 0.5}"#,
            "color_jitter" => r#"{"brightness": 0.5, "contrast": 0.5, "saturation": 0.5, "hue": 0.2}"#,
            "gaussian_blur" => r#"{"sigma": [0.5, 2]}"#,
            "gaussian_noise" => r#"{"sigma": 0.1}"#,
            "hue" => r#"{"hue": 0.5}"#,
            _ => "{}",
        };
        operations()
            .read_json(&format!("{{\"{name}\": {parameters}}}"))
            .unwrap()
    };
    NAMES.iter().map(read).collect()
}

#[test]
fn any_size_and_any_channels_keep_their_shape_and_alpha() {
    for operation in all() {
        for (width, height) in [(1, 1), (1, 7), (7, 1), (2, 2), (3, 3), (33, 17), (64, 48)] {
            for channels in [1, 3, 4] {
                let pixels = pattern(width, height, channels);
                for position in 0..4 {
                    let out = applied_at(&*operation, &pixels, position);
                    let name = operation.name();
                    assert_eq!(
                        (out.width, out.height, out.channels()),
                        (width, height, channels),
                        "{name} {width} x {height} x {channels}"
                    );
                    // Filters make alpha softer, too.
                    let moves = ["gaussian_blur", "box_blur", "motion_blur", "simulate_low_resolution"];
                    if channels == 4 && !moves.contains(&name) {
                        let alpha =
                            |pixels: &Pixels| pixels.levels.iter().copied().skip(3).step_by(4).collect::<Vec<_>>();
                        assert_eq!(alpha(&out), alpha(&pixels), "{name}");
                    }
                }
            }
        }
    }
}

#[test]
fn four_channels_are_three_and_alpha() {
    let photo = photo();
    for operation in all() {
        // Where colours are weighed by alpha, they differ.
        if operation.name() == "simulate_low_resolution" || operation.name() == "random_erasing" {
            continue;
        }
        let colours = applied_at(&*operation, &photo, 5);
        let mut four = applied_at(&*operation, &with_alpha(&photo), 5);
        let three = four
            .levels
            .chunks(4)
            .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect();
        four.levels = three;
        assert_eq!(four, colours, "{}", operation.name());
    }
}

#[test]
fn a_grey_picture_is_the_same_in_one_channel_and_in_three() {
    let three = applied(&Grayscale::new(1.0), &photo());
    let same = |operation: &dyn Operation| {
        let one = applied_at(operation, &grey(), 2);
        assert_eq!(
            one,
            one_channel(&applied_at(operation, &three, 2)),
            "{}",
            operation.name()
        );
    };
    same(&Brightness::new(0.5));
    same(&Contrast::new(0.5));
    same(&Saturation::new(0.5));
    same(&ColorJitter::new(0.5, 0.5, 0.5).hue(0.3));
    same(&Hue::new(0.5));
    same(&Gamma::new(0.5..=2.0));
    same(&Grayscale::new(1.0));
    same(&Invert::new(1.0));
    same(&Posterize::new(2, 1.0));
    same(&Solarize::new(77, 1.0));
    same(&Autocontrast::new(1.0));
    same(&Equalize::new(1.0));
    same(&ChannelPermutation::new());
    same(&PhotometricDistort::new(1.0));
    same(&Sharpness::new(2.5, 1.0));
    same(&BoxBlur::new(3..=7));
    same(&MotionBlur::new(3..=7));
    same(&SaltAndPepper::new(0.1..=0.2));
    same(&SimulateLowResolution::new(0.3..=0.6));
    same(&CoarseDropout::new(1..=5, 0.1..=0.5, 0.1..=0.5).fill([7; 3]));
    same(&GridDropout::new(0.5, 0.1..=0.4).fill([7; 3]));
}

#[test]
fn parameters_out_of_range_are_named() {
    let refused: [(Image, &str); 12] = [
        (Image::new(8).hue(0.6), "hue: hue is 0.6, but has to lie in 0..=0.5"),
        (
            Image::new(8).gamma(0.0..=1.0),
            "gamma: gamma is 0..=1, but has to be a range within 0.01..=100",
        ),
        (
            Image::new(8).posterize(9, 0.5),
            "posterize: bits is 9, but has to lie in 0..=8",
        ),
        (
            Image::new(8).solarize(300, 0.5),
            "solarize: threshold is 300, but has to lie in 0..=256 (levels)",
        ),
        (
            Image::new(8).invert(2.0),
            "invert: p is 2, but a probability lies in 0..=1",
        ),
        (
            Image::new(8).sharpness(-1.0, 0.5),
            "sharpness: sharpness_factor is -1, but has to be a finite number of at least 0",
        ),
        (
            Image::new(8).box_blur(2..=4),
            "box_blur: size is 2..=4, but has to be a range of two odd numbers within 1..=15 (pixels)",
        ),
        (
            Image::new(8).jpeg(0..=50),
            "jpeg: quality is 0..=50, but has to be a range within 1..=100",
        ),
        (
            Image::new(8).channels(2),
            "channels is 2, but has to be 1 (luma), 3 (RGB) or 4 (RGB and alpha)",
        ),
        (
            Image::new(8).channels(1).normalize([0.5; 3], [0.5; 3]),
            "normalize: 3 means and 3 deviations are not those of 1 channels",
        ),
        (
            Image::new(8).with(Clahe::new(1.0..=4.0).tiles(0, 8)),
            "clahe: tiles is [0, 8], but has to be two numbers in 1..=64",
        ),
        (
            Image::new(8).grid_dropout(0.0, 0.1..=0.2),
            "grid_dropout: ratio is 0, but has to lie above 0 and up to 1",
        ),
    ];
    for (stage, message) in refused {
        assert_eq!(stage.check().unwrap_err().to_string(), message);
    }
}

#[test]
fn what_does_the_same_to_every_row_is_not_random() {
    assert!(!Image::new(8).grayscale(1.0).is_random() && Image::new(8).grayscale(0.5).is_random());
    assert!(!Image::new(8).gamma(2.0..=2.0).is_random() && Image::new(8).gamma(1.0..=2.0).is_random());
    assert!(!Image::new(8).box_blur(3..=3).is_random() && Image::new(8).motion_blur(3..=3).is_random());
    let stage = Image::new(8).equalize(1.0).invert(0.5).jpeg(80..=80);
    assert!(stage.is_random() && !stage.plain().is_random());
    let settings = stage.plain().plan().settings();
    assert!(
        settings.iter().any(|setting| setting.contains("equalize, jpeg")),
        "{settings:?}"
    );
}

// What holds of each.

#[test]
fn inverting_twice_and_permuting_back_change_nothing() {
    let invert = Invert::new(1.0);
    assert_eq!(applied(&invert, &applied(&invert, &photo())), photo());
    let mut orders = std::collections::BTreeMap::new();
    for position in 0..600 {
        let out = applied_at(&ChannelPermutation::new(), &photo(), position);
        let sorted = |pixels: &Pixels| -> Vec<[u8; 3]> {
            let mut all: Vec<[u8; 3]> = pixels.levels.as_chunks().0.to_vec();
            all.iter_mut().for_each(|pixel| pixel.sort_unstable());
            all
        };
        assert_eq!(sorted(&out), sorted(&photo()));
        *orders.entry(out.levels).or_insert(0) += 1;
    }
    assert!(
        orders.len() == 6 && orders.values().all(|&count| count > 60),
        "{:?}",
        orders.values()
    );
}

#[test]
fn equalized_levels_are_spread_and_keep_their_order() {
    for out in [
        applied(&Equalize::new(1.0), &grey()),
        applied(&Autocontrast::new(1.0), &grey()),
    ] {
        assert_eq!(
            (out.levels.iter().min(), out.levels.iter().max()),
            (Some(&0), Some(&255))
        );
        let mut pairs: Vec<(u8, u8)> = grey().levels.into_iter().zip(out.levels).collect();
        pairs.sort_unstable();
        assert!(pairs.windows(2).all(|pair| pair[0].1 <= pair[1].1));
    }
    let flat = Pixels {
        levels: vec![93; 300],
        width: 10,
        height: 10,
    };
    for operation in [&Equalize::new(1.0) as &dyn Operation, &Autocontrast::new(1.0)] {
        assert_eq!(applied(operation, &flat), flat);
    }
}

#[test]
fn color_jitter_without_hue_draws_what_it_drew() {
    let (old, new) = (
        ColorJitter::new(0.4, 0.4, 0.4),
        ColorJitter::new(0.4, 0.4, 0.4).hue(0.0),
    );
    assert_eq!(applied_at(&old, &photo(), 9), applied_at(&new, &photo(), 9));
    // With it, it is one step of four, in any place.
    let jitter = ColorJitter::new(0.4, 0.4, 0.4).hue(0.3);
    let subject = millstream::image::Image::new(8)
        .with(jitter)
        .steps(&fixture("photo.png"), &mut rng(3))
        .unwrap();
    let words = subject[2].drawn.clone().unwrap();
    assert!(words.contains("hue ") && words.split(", ").count() == 4, "{words}");
}

#[test]
fn photometric_distort_applies_each_part_with_its_probability() {
    let stage = Image::new(8).photometric_distort(0.5);
    let mut counts = [0; 5];
    for position in 0..400 {
        let steps = stage.steps(&fixture("photo.png"), &mut rng(position)).unwrap();
        let words = steps[2].drawn.clone().unwrap();
        for (count, part) in counts
            .iter_mut()
            .zip(["brightness", "contrast", "saturation", "hue", "green"])
        {
            *count += usize::from(words.contains(part));
        }
    }
    assert!(counts.iter().all(|count| (150..250).contains(count)), "{counts:?}");
}

#[test]
fn shot_noise_has_the_mean_and_variance_of_counts() {
    let level = 160_u8;
    let flat = Pixels {
        levels: vec![level; 300 * 300],
        width: 300,
        height: 300,
    };
    let light = |level: u8| (f64::from(level) / 255.0).powf(2.2);
    for scale in [0.02, 0.1] {
        let out = applied(&ShotNoise::new(scale..=scale), &flat);
        let mean = out.levels.iter().map(|&level| light(level)).sum::<f64>() / 90_000.0;
        let variance = out
            .levels
            .iter()
            .map(|&level| (light(level) - mean).powi(2))
            .sum::<f64>()
            / 90_000.0;
        let (expected, scale) = (light(level), f64::from(scale));
        // Rounded to levels, and cut at white, which is rare.
        assert!((mean - expected).abs() < 0.01, "{scale}: {mean} in place of {expected}");
        assert!(
            (variance / (expected * scale) - 1.0).abs() < 0.06,
            "{scale}: {variance}"
        );
    }
    let black = Pixels::new(40, 40);
    assert_eq!(applied(&ShotNoise::new(0.1..=0.1), &black), black);
}

#[test]
fn salt_and_pepper_have_their_shares() {
    let flat = Pixels {
        levels: vec![93; 200 * 200 * 3],
        width: 200,
        height: 200,
    };
    let noisy = applied(&SaltAndPepper::new(0.1..=0.1).salt(0.3..=0.3), &flat);
    let count = |level: u8| noisy.levels.chunks(3).filter(|pixel| *pixel == [level; 3]).count();
    let (white, black, rest) = (count(255), count(0), count(93));
    assert_eq!(white + black + rest, 40_000, "all channels of a pixel alike");
    assert!(
        (1080..1320).contains(&white) && (2620..2980).contains(&black),
        "{white} {black}"
    );
    let all = applied(&SaltAndPepper::new(1.0..=1.0), &flat);
    assert!(all.levels.iter().all(|&level| level != 93));
}

#[test]
fn dropped_boxes_have_their_sizes() {
    let flat = Pixels {
        levels: vec![93; 100 * 50 * 3],
        width: 100,
        height: 50,
    };
    let gone = |pixels: &Pixels| pixels.levels.chunks(3).filter(|pixel| *pixel == [1, 2, 3]).count();
    for position in 0..50 {
        let dropout = CoarseDropout::new(1..=1, 0.2..=0.2, 0.3..=0.3).fill([1, 2, 3]);
        assert_eq!(gone(&applied_at(&dropout, &flat, position)), 300);
        // Units of 10 pixels with holes of 5: some are cut at the edges.
        let grid = GridDropout::new(0.5, 0.2..=0.2).fill([1, 2, 3]);
        let share = gone(&applied_at(&grid, &flat, position)) as f64 / 5000.0;
        assert!((0.2..=0.3).contains(&share), "{share}");
    }
    for operation in [
        &CoarseDropout::new(3..=3, 0.5..=0.5, 0.5..=0.5).fill(Fill::Random) as &dyn Operation,
        &GridDropout::new(0.5, 0.2..=0.2).fill(Fill::Random),
        &RandomErasing::new(1.0, 0.3..=0.3, 1.0..=1.0).value(Fill::Random),
    ] {
        let out = applied(operation, &flat);
        let changed = out.levels.iter().filter(|&&level| level != 93).count();
        let distinct: std::collections::BTreeSet<u8> = out.levels.iter().copied().collect();
        assert!(changed > 1000 && distinct.len() > 200, "{}", operation.name());
    }
}

#[test]
fn erasing_with_noise_erases_the_same_box() {
    let (plain, noise) = (
        RandomErasing::new(1.0, 0.1..=0.3, 0.5..=2.0),
        RandomErasing::new(1.0, 0.1..=0.3, 0.5..=2.0).value(Fill::Random),
    );
    let white = Pixels {
        levels: vec![255; 60 * 40 * 3],
        width: 60,
        height: 40,
    };
    for position in 0..20 {
        let (black, noise) = (
            applied_at(&plain, &white, position),
            applied_at(&noise, &white, position),
        );
        for (black, noise) in black.levels.iter().zip(&noise.levels) {
            assert!(*black == 0 || *noise == 255);
        }
    }
}

// Channels.

#[test]
fn luma_is_pillows_and_alpha_is_the_files() {
    let mut clear = Pixels::with_channels(32, 32, 4);
    rng(4).fill(&mut clear.levels);
    let file = clear.to_png().unwrap();
    let decoded = |channels| Image::new(32).channels(channels).preview(&file, &mut rng(0)).unwrap();
    assert_eq!(decoded(4), clear);
    let three = decoded(3);
    assert_eq!(
        three.levels,
        clear
            .levels
            .chunks(4)
            .flat_map(|p| [p[0], p[1], p[2]])
            .collect::<Vec<_>>()
    );
    assert_eq!(decoded(1), one_channel(&applied(&Grayscale::new(1.0), &three)));
    // A file without alpha is opaque.
    let opaque = Image::new(32)
        .channels(4)
        .preview(&three.to_png().unwrap(), &mut rng(0))
        .unwrap();
    assert!(opaque.levels.iter().skip(3).step_by(4).all(|&alpha| alpha == 255));
    assert_eq!(
        opaque
            .levels
            .chunks(4)
            .flat_map(|p| [p[0], p[1], p[2]])
            .collect::<Vec<_>>(),
        three.levels
    );
}

#[test]
fn planes_are_those_of_each_channel() {
    let mut clear = Pixels::with_channels(16, 16, 4);
    rng(4).fill(&mut clear.levels);
    let file = clear.to_png().unwrap();
    for channels in [1, 3, 4] {
        let stage = Image::new(16).channels(channels);
        let pixels = stage.preview(&file, &mut rng(0)).unwrap();
        let mut planes = vec![0.0; 256 * channels];
        stage.apply(&file, &mut rng(0), &mut planes).unwrap();
        let (mean, std): (&[f32], &[f32]) = match channels {
            1 => (&[0.449], &[0.226]),
            3 => (&[0.485, 0.456, 0.406], &[0.229, 0.224, 0.225]),
            _ => (&[0.485, 0.456, 0.406, 0.0], &[0.229, 0.224, 0.225, 1.0]),
        };
        for (at, value) in planes.iter().enumerate() {
            let (channel, place) = (at / 256, at % 256);
            let level = f32::from(pixels.levels[place * channels + channel]);
            assert!((value - (level / 255.0 - mean[channel]) / std[channel]).abs() < 1e-5);
        }
    }
}

#[test]
fn motions_move_any_number_of_channels_alike() {
    let colours = pattern(31, 20, 3);
    let four = with_alpha(&colours);
    let mut alpha_as_grey = Pixels::new(31, 20);
    for (to, from) in alpha_as_grey.levels.chunks_mut(3).zip(four.levels.chunks(4)) {
        to.fill(from[3]);
    }
    for operation in [&Rotate::new(40.0) as &dyn Operation, &HorizontalFlip::new(1.0)] {
        let name = operation.name();
        let moved = applied_at(operation, &four, 1);
        let (colours, alpha) = (
            applied_at(operation, &colours, 1),
            applied_at(operation, &alpha_as_grey, 1),
        );
        for ((four, three), grey) in moved
            .levels
            .chunks(4)
            .zip(colours.levels.chunks(3))
            .zip(alpha.levels.chunks(3))
        {
            assert_eq!((&four[..3], four[3]), (three, grey[0]), "{name}");
        }
        let one = applied_at(operation, &one_channel(&alpha_as_grey), 1);
        assert_eq!(one, one_channel(&alpha), "{name}");
    }
}

#[test]
fn noise_leaves_alpha() {
    let out = applied(&GaussianNoise::new(0.2), &with_alpha(&photo()));
    let alpha = |pixels: &Pixels| pixels.levels.iter().copied().skip(3).step_by(4).collect::<Vec<_>>();
    assert_eq!(alpha(&out), alpha(&with_alpha(&photo())));
}

/// `tests/scripts/make_channels.py`.
#[test]
fn alpha_of_every_format_is_pillows() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/channels");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.matches('.').count() == 2 {
            continue;
        }
        let decoded = |path: &Path| {
            let file = std::fs::read(path).unwrap();
            Image::new(16).channels(4).preview(&file, &mut rng(0)).unwrap()
        };
        let expected = image::open(folder.join(format!("{name}.png"))).unwrap().to_rgba8();
        let found = decoded(&path);
        let alpha = |levels: &[u8]| levels.iter().copied().skip(3).step_by(4).collect::<Vec<_>>();
        assert_eq!(alpha(&found.levels), alpha(expected.as_raw()), "{name}");
        assert_eq!(found.levels, expected.into_raw(), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 16);
}
