//! Operations at a fixed draw against other libraries: `tests/scripts/make_drawn_operations.py`.

use crate::operations::{applied, applied_at, differences, fixture, grey, one_channel, photo, rng};
use millstream::image::{
    Brightness, ChannelPermutation, CoarseDropout, ColorJitter, Contrast, GaussianBlur, GridDropout, HorizontalFlip,
    Image, Operation, Pad, Padding, PhotometricDistort, Pixels, RandomCrop, RandomErasing, Saturation, ScaleJitter,
    Subject, Transpose, VerticalFlip, ZoomOut,
};

const COLOUR: [u8; 3] = [124, 116, 104];

fn drawn(name: &str) -> Pixels {
    Pixels::decode(&fixture(&format!("drawn/{name}.png"))).unwrap()
}

/// The photo's upper left `width` x `height` pixels.
fn part(width: u32, height: u32) -> Pixels {
    let (photo, length) = (photo(), 3 * width as usize);
    let rows = photo.levels.chunks(48 * 3).take(height as usize);
    Pixels {
        width,
        height,
        levels: rows.flat_map(|row| row[..length].to_vec()).collect(),
    }
}

/// The first row for which `operation` draws what these words say.
fn row_of(operation: &dyn Operation, pixels: &Pixels, words: &str) -> u64 {
    let subject = Subject::of(pixels);
    let says = |&position: &u64| operation.in_words(&subject, &mut rng(position)).as_deref() == Some(words);
    (0..1_000_000)
        .find(says)
        .unwrap_or_else(|| panic!("{} never draws {words}", operation.name()))
}

/// The first row whose first draw from `low..high` is `wanted`, to a few millionths.
fn row_with(low: f32, high: f32, wanted: f32) -> u64 {
    (0..)
        .find(|&position| (rng(position).range(low, high) - wanted).abs() < 2e-5)
        .unwrap()
}

#[track_caller]
fn near(name: &str, found: &Pixels, expected: &Pixels, most: u8, mean: f64) {
    let off = differences(found, expected);
    assert!(off.0 <= most && off.1 <= mean, "{name}: {off:?}");
}

/// torchvision cuts what we round, and its mean of grey is no whole level.
#[test]
fn factors_are_torchvisions() {
    let factor = |name: &str| name.rsplit('-').next().unwrap().parse::<f32>().unwrap();
    let of = |name: &str| -> Box<dyn Operation> {
        match name.split('-').next().unwrap() {
            "brightness" => Box::new(Brightness::new(1.0)),
            "contrast" => Box::new(Contrast::new(1.0)),
            _ => Box::new(Saturation::new(1.0)),
        }
    };
    for name in ["brightness-1.4", "brightness-0.6", "contrast-1.5", "contrast-0.5"] {
        let row = row_with(0.0, 2.0, factor(name));
        near(name, &applied_at(&*of(name), &photo(), row), &drawn(name), 1, 1.0);
        let expected = one_channel(&drawn(&format!("grey-{name}")));
        near(name, &applied_at(&*of(name), &grey(), row), &expected, 1, 1.0);
    }
    // Its grey is cut, too.
    for name in ["saturation-1.6", "saturation-0.3"] {
        let row = row_with(0.0, 2.0, factor(name));
        near(name, &applied_at(&*of(name), &photo(), row), &drawn(name), 2, 1.0);
    }
}

#[test]
fn gaussian_blurs_are_torchvisions() {
    for (name, sigma) in [("gaussian-blur-1.2", 1.2), ("gaussian-blur-0.5", 0.5)] {
        let blur = GaussianBlur::new(sigma..=sigma);
        near(name, &applied(&blur, &photo()), &drawn(name), 1, 0.06);
        let expected = one_channel(&drawn(&format!("grey-{name}")));
        near(name, &applied(&blur, &grey()), &expected, 1, 0.06);
    }
}

#[test]
fn photometric_distort_is_torchvisions() {
    let distort = PhotometricDistort::new(1.0)
        .brightness(1.2..=1.2)
        .contrast(0.7..=0.7)
        .saturation(1.4..=1.4)
        .hue(0.05..=0.05);
    let words = "brightness 1.200, contrast 0.700, saturation 1.400, hue +0.050, green, blue, red";
    let row = row_of(&distort, &photo(), words);
    // A level for each of four steps, of which saturation makes the first two larger.
    near(
        "distorted",
        &applied_at(&distort, &photo(), row),
        &drawn("distorted"),
        8,
        1.8,
    );
    let row = row_of(&ChannelPermutation::new(), &photo(), "green, blue, red");
    assert_eq!(applied_at(&ChannelPermutation::new(), &photo(), row), drawn("permuted"));
}

/// By the formulas of torchvision, in numbers that are not rounded between the steps.
#[test]
fn color_jitter_is_its_factors_in_its_order() {
    let jitter = ColorJitter::new(0.4, 0.3, 0.5);
    let luma = |pixel: &[f64]| 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    let mut orders = std::collections::BTreeSet::new();
    for row in 0..40 {
        let words = jitter.in_words(&Subject::of(&photo()), &mut rng(row)).unwrap();
        let mut levels: Vec<f64> = photo().levels.iter().map(|&level| f64::from(level)).collect();
        let mut order = Vec::new();
        for step in words.split(", ") {
            let (name, factor) = step.split_once(' ').unwrap();
            let factor: f64 = factor.parse().unwrap();
            let mean = levels.chunks(3).map(luma).sum::<f64>() / (48.0 * 40.0);
            for pixel in levels.chunks_mut(3) {
                let centre = match name {
                    "brightness" => 0.0,
                    "contrast" => mean,
                    "saturation" => luma(pixel),
                    other => panic!("{other}"),
                };
                pixel
                    .iter_mut()
                    .for_each(|level| *level = (centre + factor * (*level - centre)).clamp(0.0, 255.0));
            }
            order.push(name.to_owned());
        }
        orders.insert(order);
        let expected = Pixels {
            levels: levels.into_iter().map(|level| level.round() as u8).collect(),
            ..photo()
        };
        near(&words, &applied_at(&jitter, &photo(), row), &expected, 5, 1.0);
    }
    assert_eq!(orders.len(), 6);
}

#[test]
fn erased_regions_are_those_of_torchvision_and_albumentations() {
    // Height over width.
    let ratio = 10.0 / 12.0;
    let erasing = RandomErasing::new(1.0, 0.0625..=0.0625, ratio..=ratio).value(COLOUR);
    let dropout = CoarseDropout::new(1..=1, 0.25..=0.25, 0.25..=0.25).fill(COLOUR);
    for operation in [&erasing as &dyn Operation, &dropout] {
        let row = row_of(operation, &photo(), "12 x 10 at 17, 9");
        assert_eq!(
            applied_at(operation, &photo(), row),
            drawn("erased"),
            "{}",
            operation.name()
        );
    }
    let grid = GridDropout::new(0.4, 0.25..=0.25).fill(COLOUR);
    let square = part(40, 40);
    let row = row_of(&grid, &square, "4 of every 10 pixels, from 3, 5");
    assert_eq!(applied_at(&grid, &square, row), drawn("dropped"));
}

#[test]
fn moved_pixels_are_torchvisions() {
    let of = |operation: &dyn Operation, name: &str| {
        assert_eq!(
            applied(operation, &part(16, 12)),
            drawn(&format!("part-{name}")),
            "{name}"
        );
    };
    of(&HorizontalFlip::new(1.0), "mirrored");
    of(&VerticalFlip::new(1.0), "upside-down");
    of(&Transpose::new(1.0), "transposed");
    let pad = |padding: Padding| Pad::new([5, 3, 7, 4]).padding_mode(padding);
    of(&pad(Padding::Constant(COLOUR)), "constant");
    of(&pad(Padding::Edge), "edge");
    of(&pad(Padding::Reflect), "reflect");
    of(&pad(Padding::Symmetric), "symmetric");
    let crop = RandomCrop::new().size([9, 7]);
    let row = row_of(&crop, &part(16, 12), "from 4, 3");
    assert_eq!(applied_at(&crop, &part(16, 12), row), drawn("part-crop"));
    let padded = RandomCrop::new().padding(5);
    let row = row_of(&padded, &part(16, 12), "from -3, 4");
    assert_eq!(applied_at(&padded, &part(16, 12), row), drawn("part-crop-padded"));
}

/// The first row that draws nearly this corner, to `off` pixels: by the two shares that are drawn behind `skipped` numbers.
fn row_at(skipped: usize, room: [f32; 2], corner: [f32; 2], off: f32) -> u64 {
    let is_there = |&position: &u64| {
        let mut rng = rng(position);
        for _ in 0..skipped {
            rng.unit();
        }
        (0..2).all(|axis| (room[axis] * rng.unit() - corner[axis]).abs() < off)
    };
    (0..20_000_000).find(is_there).expect("every corner is drawn")
}

#[test]
fn scales_at_a_place_are_torchvisions() {
    let jitter = ScaleJitter::new(2.0..=2.0);
    let row = row_at(1, [-48.0, -40.0], [-11.0, -17.0], 0.045);
    let words = jitter.in_words(&Subject::of(&photo()), &mut rng(row)).unwrap();
    assert_eq!(words, "factor 2.000 from -11.0, -17.0");
    // Some hundredths of a pixel beside it.
    near(
        "jittered",
        &applied_at(&jitter, &photo(), row),
        &drawn("jittered"),
        8,
        1.0,
    );

    let zoom = ZoomOut::new(2.0..=2.0, 1.0);
    let row = row_at(2, [24.0, 20.0], [10.0, 7.0], 0.02);
    let words = zoom.in_words(&Subject::of(&photo()), &mut rng(row)).unwrap();
    assert_eq!(words, "factor 0.500 from 10.0, 7.0");
    let (found, expected) = (applied_at(&zoom, &photo(), row), drawn("zoomed-out"));
    // torchvision blends the photo's edge with the ground, so that the rim of the photo is left out.
    let (mut most, mut sum, mut ground) = (0, 0.0, 0);
    for (at, (a, b)) in found.levels.iter().zip(&expected.levels).enumerate() {
        let (x, y) = (at / 3 % 48, at / 3 / 48);
        if (12..32).contains(&x) && (9..25).contains(&y) {
            most = most.max(a.abs_diff(*b));
            sum += f64::from(a.abs_diff(*b));
        } else if !(8..36).contains(&x) || !(5..29).contains(&y) {
            assert_eq!((*a, *b), (0, 0), "{x}, {y}");
            ground += 1;
        }
    }
    let mean = sum / (20.0 * 16.0 * 3.0);
    assert!(most <= 12 && mean <= 1.0 && ground > 3000, "{most} {mean} {ground}");
}

#[test]
fn a_letterbox_is_torchvisions() {
    let stage = Image::sized(30, 31).letterbox(COLOUR);
    let found = stage.preview(&fixture("photo.png"), &mut rng(0)).unwrap();
    near("letterboxed", &found, &drawn("letterboxed"), 1, 0.2);
}
