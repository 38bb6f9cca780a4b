//! Pictures of 16 bits and of f32 against torchvision, Pillow and NumPy. `scripts/make_depth.py` made the cases.

use super::operations::pattern;
use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::Float32Type;
use millstream::image::{
    Brightness, Clahe, CoarseDropout, Contrast, Depth, Drawn, Fill, Gamma, GaussianBlur, GaussianNoise, Grayscale,
    Identity, Image, Interpolation, Invert, Jpeg, Motion, OneOf, Operation, Pad, Padding, Pixels, RandomErasing,
    Resize, Rotate, Saturation, Subject,
};
use millstream::rng::Rng;
use millstream::source::Memory;
use millstream::spec::Spec;
use millstream::{Context, Dataset, DatasetExt};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

pub(super) const WIDTH: u32 = 24;
pub(super) const HEIGHT: u32 = 20;
/// The factor that the cases are made with.
const FACTOR: f32 = 1.25;

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/depth")
            .join(name),
    )
    .unwrap()
}

/// Planes of another library.
pub(super) fn expected(name: &str) -> Vec<f32> {
    let bytes = fixture(&format!("{name}.f32"));
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|&four| f32::from_le_bytes(four))
        .collect()
}

pub(super) fn rng(position: u64) -> Rng {
    Rng::new(23, "depth", position)
}

/// A stage that leaves values as they are.
pub(super) fn stage(channels: usize, [width, height]: [u32; 2]) -> Image {
    let image = Image::sized(width, height).depth(Depth::F32).channels(channels);
    match channels {
        1 => image.normalize([0.0], [1.0]),
        4 => image.normalize([0.0; 4], [1.0; 4]),
        _ => image.normalize([0.0; 3], [1.0; 3]),
    }
}

fn applied(image: &Image, file: &[u8]) -> Vec<f32> {
    let [width, height] = image.size();
    let places = width as usize * height as usize;
    let settings = image.plan().settings();
    let channels = [1, 3, 4]
        .into_iter()
        .find(|channels| settings.contains(&format!("image.channels={channels}")));
    let mut out = vec![f32::NAN; channels.unwrap() * places];
    image.apply(file, &mut rng(0), &mut out).unwrap();
    out
}

fn as_stored(name: &str, channels: usize) -> Vec<f32> {
    applied(&stage(channels, [WIDTH, HEIGHT]), &fixture(name))
}

pub(super) fn furthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// `[channels, height, width]` as pixels.
pub(super) fn interleaved(planes: &[f32], channels: usize) -> Pixels<f32> {
    let places = planes.len() / channels;
    let at = |i: usize| planes[i % channels * places + i / channels];
    Pixels {
        width: WIDTH,
        height: HEIGHT,
        levels: (0..planes.len()).map(at).collect(),
    }
}

#[test]
fn sixteen_bits_are_shares_of_65535() {
    for (name, channels, reference) in [
        ("grey.png", 1, "grey"),
        ("grey.tif", 1, "grey"),
        ("grey-lzw.tif", 1, "grey"),
        ("grey-white-is-0.tif", 1, "grey"),
        ("rgb.png", 3, "rgb"),
        ("rgb.tif", 3, "rgb"),
        ("rgb-big-endian-planar.tif", 3, "rgb"),
        ("rgba.png", 3, "rgb"),
        ("rgba.tif", 3, "rgb"),
        ("rgba.png", 4, "rgba"),
        ("rgba.tif", 4, "rgba"),
    ] {
        let off = furthest(&as_stored(name, channels), &expected(reference));
        assert!(off < 1e-7, "{name} in {channels} channels is off by {off}");
    }
    // Grey is repeated, and has no alpha but its own.
    let (grey, rgba) = (expected("grey"), expected("rgba"));
    assert!(furthest(&as_stored("grey.png", 3), &grey.repeat(3)) < 1e-7);
    assert_eq!(as_stored("grey.png", 4)[3 * grey.len()..], vec![1.0; grey.len()]);
    assert!(
        furthest(
            &as_stored("grey-alpha.png", 4),
            &[grey.repeat(3), rgba[3 * grey.len()..].to_vec()].concat()
        ) < 1e-7
    );
    // Every one of the 65536 levels comes back.
    let back: Vec<f32> = as_stored("rgb.png", 3)
        .into_iter()
        .map(|value| (value * 65_535.0).round())
        .collect();
    let levels: Vec<f32> = expected("rgb")
        .into_iter()
        .map(|value| (value * 65_535.0).round())
        .collect();
    assert_eq!(back, levels);
    assert!(levels.iter().any(|level| level % 257.0 != 0.0));
}

#[test]
fn floats_stay_what_they_are() {
    let heights = expected("floats");
    assert!(heights.iter().any(|value| *value < -100.0) && heights.iter().any(|value| *value > 500.0));
    for name in ["floats.tif", "floats-predictor.tif", "floats-big-endian.tif"] {
        assert_eq!(as_stored(name, 1), heights, "{name}");
    }
    assert_eq!(as_stored("rgb-floats-predictor.tif", 3), expected("rgb-floats"));
    // Normalised as any others.
    let scaled = stage(1, [WIDTH, HEIGHT]).normalize([100.0], [300.0]);
    let by_hand: Vec<f32> = heights.iter().map(|value| (value - 100.0) / 300.0).collect();
    assert_eq!(applied(&scaled, &fixture("floats.tif")), by_hand);
}

#[test]
fn eight_bits_are_shares_of_255() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for name in ["rgb.png", "rgb.jpg", "lossless.webp"] {
        let file = std::fs::read(root.join(name)).unwrap();
        let whole = Pixels::decode(&file).unwrap();
        let (width, height) = (whole.width, whole.height);
        let found = applied(&stage(3, [width, height]), &file);
        let mut shares = vec![0.0; found.len()];
        whole.normalize([0.0; 3], [1.0; 3], &mut shares).unwrap();
        assert_eq!(found, shares, "{name}");
        // The same motions, up to the rounding of levels.
        let moved = |image: Image| image.horizontal_flip(1.0).center_crop(0.6).rotate(20.0);
        let deep = applied(&moved(stage(3, [30, 30])), &file);
        let flat = applied(&moved(stage(3, [30, 30]).depth(Depth::U8)), &file);
        assert!(
            furthest(&deep, &flat) < 2.0 / 255.0,
            "{name}: {}",
            furthest(&deep, &flat)
        );
    }
}

#[test]
fn white_may_be_less_than_all_bits() {
    let white = 4095;
    let grey = expected("grey");
    let found = applied(&stage(1, [WIDTH, HEIGHT]).white(white), &fixture("grey.png"));
    let by_hand: Vec<f32> = grey.iter().map(|share| (share * 65_535.0 / 4095.0).min(1.0)).collect();
    assert!(furthest(&found, &by_hand) < 1e-6);
}

#[test]
fn what_moves_pixels_agrees_with_torchvision() {
    let file = fixture("rgb.png");
    let resized = |size, how: fn(Image) -> Image| applied(&how(stage(3, size)), &file);
    let off = furthest(&resized([9, 11], |image| image), &expected("smaller"));
    assert!(off < 1e-5, "smaller: {off}");
    let off = furthest(&resized([50, 37], |image| image), &expected("larger"));
    assert!(off < 1e-5, "larger: {off}");
    let off = furthest(
        &resized([9, 11], |image| image.interpolation(Interpolation::Bicubic)),
        &expected("bicubic"),
    );
    assert!(off < 1e-5, "bicubic: {off}");
    let photo = as_stored("rgb.png", 3);
    let mirrored: Vec<f32> = photo
        .chunks_exact(WIDTH as usize)
        .flat_map(|row| row.iter().rev().copied())
        .collect();
    assert_eq!(resized([WIDTH, HEIGHT], |image| image.horizontal_flip(1.0)), mirrored);
    let upended: Vec<f32> = photo
        .chunks_exact((WIDTH * HEIGHT) as usize)
        .flat_map(|plane| plane.chunks_exact(WIDTH as usize).rev().flatten().copied())
        .collect();
    assert!(resized([WIDTH, HEIGHT], |image| image.vertical_flip(1.0)) == upended);
    // What is beyond a picture is a share, too.
    let wide = [WIDTH, HEIGHT + 2];
    let padded = resized(wide, |image| {
        let rim = Pad::new([0, 2, 0, 0]).padding_mode(Padding::Constant([51, 102, 255]));
        image.with(Resize::new([WIDTH, HEIGHT])).with(rim)
    });
    let plane = (WIDTH * (HEIGHT + 2)) as usize;
    for (channel, value) in [0.2, 0.4, 1.0].into_iter().enumerate() {
        assert_eq!(
            padded[channel * plane..][..2 * WIDTH as usize],
            vec![value; 2 * WIDTH as usize]
        );
    }
}

/// Turns all pictures by 33 degrees: an operation of a user's own, which knows nothing of depths.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Turned {}

impl Spec for Turned {
    const NAME: &'static str = "turned";
}

impl Operation for Turned {
    fn draw(&self, subject: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Motion(Motion::rotation(subject.size(), 33.0).padding(Padding::Edge))
    }

    fn moves(&self) -> bool {
        true
    }
}

/// A picture whose values lie on a plane has those of the plane wherever it is moved.
#[test]
fn motions_round_nothing() {
    let plane = |[x, y]: [f64; 2]| (0.2 + 0.011 * x + 0.017 * y) as f32;
    let found = applied(&stage(1, [40, 30]).with(Turned {}), &fixture("plane.tif"));
    let motion = Motion::rotation([40, 30], 33.0);
    let mut seen = 0;
    for (at, value) in found.iter().enumerate() {
        let from = motion.origin([(at % 40) as f64 + 0.5, (at / 40) as f64 + 0.5]);
        if (0.5..39.5).contains(&from[0]) && (0.5..29.5).contains(&from[1]) {
            // Places are rounded to 1/1024 of a pixel.
            assert!((value - plane(from)).abs() < 2e-5, "{value} for {}", plane(from));
            seen += 1;
        }
    }
    assert!(seen > 700, "{seen}");
}

/// What `operation` makes of the fixture in so many channels, with the generator of `position`.
pub(super) fn changed(operation: &dyn Operation, channels: usize, position: u64) -> Vec<f32> {
    let planes = expected(["", "grey", "", "rgb", "rgba"][channels]);
    changed_of(&planes, operation, channels, position)
}

/// What it makes of these planes.
pub(super) fn changed_of(planes: &[f32], operation: &dyn Operation, channels: usize, position: u64) -> Vec<f32> {
    let mut pixels = interleaved(planes, channels);
    match operation.draw(&Subject::of(&pixels), &mut rng(position)) {
        Drawn::Floats(change) => change(&mut pixels),
        other => panic!("{other:?}"),
    }
    let places = (WIDTH * HEIGHT) as usize;
    let planes = (0..channels).flat_map(|channel| (0..places).map(move |at| at * channels + channel));
    planes.map(|at| pixels.levels[at]).collect()
}

/// The first position whose draw from `1 - width..1 + width` is nearly [`FACTOR`].
fn position_of(width: f32) -> u64 {
    let near = |&position: &u64| (rng(position).range(1.0 - width, 1.0 + width) - FACTOR).abs() < 2e-5;
    (0..).find(near).unwrap()
}

#[test]
fn values_agree_with_torchvision() {
    let at = position_of(0.4);
    let cases: [(&str, &dyn Operation, u64); 7] = [
        ("brightness", &Brightness::new(0.4), at),
        ("contrast", &Contrast::new(0.4), at),
        ("saturation", &Saturation::new(0.4), at),
        ("gamma", &Gamma::new(1.7..=1.7), 0),
        ("invert", &Invert::new(1.0), 0),
        ("grayscale", &Grayscale::new(1.0), 0),
        ("gaussian_blur", &GaussianBlur::new(1.25..=1.25), 0),
    ];
    for (name, operation, position) in cases {
        let (found, reference) = (changed(operation, 3, position), expected(name));
        // torchvision's luma has a weight of 0.2989 for red, ours 0.299.
        let off = furthest(&found, &reference);
        assert!(off < 2e-4, "{name} is off by {off}");
        assert!(furthest(&found, &expected("rgb")) > 0.01, "{name} changes nothing");
        // Alpha stays but under a blur, and colours are those of three channels.
        let with_alpha = changed(operation, 4, position);
        assert_eq!(with_alpha[..found.len()], found, "{name}");
        let alpha = &expected("rgba")[found.len()..];
        assert_eq!(with_alpha[found.len()..] == *alpha, name != "gaussian_blur", "{name}");
    }
    for (name, operation) in [
        ("grey-brightness", &Brightness::new(0.4) as &dyn Operation),
        ("grey-contrast", &Contrast::new(0.4)),
    ] {
        assert!(furthest(&changed(operation, 1, at), &expected(name)) < 1e-4, "{name}");
    }
}

#[test]
fn noise_has_its_deviation() {
    let grey = expected("grey");
    let noisy = changed(&GaussianNoise::new(0.05), 1, 0);
    let inside = |value: &f32| (0.2..0.8).contains(value);
    let off: Vec<f64> = grey
        .iter()
        .zip(&noisy)
        .filter(|(value, _)| inside(value))
        .map(|(a, b)| f64::from(b - a))
        .collect();
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    let deviation = (off.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / off.len() as f64).sqrt();
    assert!(
        mean.abs() < 0.01 && (0.043..0.057).contains(&deviation),
        "{mean}, {deviation}"
    );
    assert!(noisy.iter().all(|value| (0.0..=1.0).contains(value)));
}

#[test]
fn boxes_are_filled_with_shares() {
    let erasing = |fill: Fill| RandomErasing::new(1.0, 0.3..=0.3, 1.0..=1.0).value(fill);
    let photo = expected("rgb");
    let places = photo.len() / 3;
    let filled = changed(&erasing(Fill::Color([51, 102, 255])), 3, 0);
    let other: Vec<usize> = (0..places).filter(|&at| filled[at] != photo[at]).collect();
    assert!((120..170).contains(&other.len()), "{}", other.len());
    for at in other {
        assert_eq!([0, 1, 2].map(|channel| filled[at + channel * places]), [0.2, 0.4, 1.0]);
    }
    let noise = changed(&erasing(Fill::Random), 3, 0);
    let drawn: Vec<f32> = (0..photo.len())
        .filter(|&at| noise[at] != photo[at])
        .map(|at| noise[at])
        .collect();
    assert!(drawn.iter().any(|value| *value < 0.1) && drawn.iter().any(|value| *value > 0.9));
    assert!(drawn.iter().any(|value| (value * 255.0).fract() != 0.0));
    let dropout = changed(&CoarseDropout::new(2..=2, 0.2..=0.2, 0.2..=0.2), 1, 0);
    assert!((20..=40).contains(&dropout.iter().filter(|value| **value == 0.0).count()));
}

/// An operation of one's own that knows nothing of `f32`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Black {}

impl Spec for Black {
    const NAME: &'static str = "black";
}

impl Operation for Black {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::values(|pixels| pixels.levels.fill(0))
    }
}

/// As albumentations has it: rounded, changed, and shares again.
#[test]
fn clahe_and_jpeg_go_through_256_levels() {
    for channels in [1, 3, 4] {
        let levels = pattern(33, 21, channels);
        let mut shares = Pixels::<f32>::from(&levels);
        let alpha = channels == 4;
        // Between levels, but nearer to those of the picture of 8 bits.
        for (at, share) in shares.levels.iter_mut().enumerate() {
            *share += if at % 2 == 0 { 0.001 } else { -0.001 };
        }
        let operations: [Box<dyn Operation>; 2] = [Box::new(Clahe::new(1.0..=4.0)), Box::new(Jpeg::new(20..=60))];
        for operation in operations {
            let mut wanted = levels.clone();
            operation.apply(&mut wanted, &mut rng(5));
            assert_ne!(wanted.levels, levels.levels, "{}", operation.name());
            let Drawn::Floats(change) = operation.draw(&Subject::of(&shares), &mut rng(5)) else {
                panic!("{} draws no change of f32", operation.name())
            };
            let mut found = shares.clone();
            change(&mut found);
            for (at, (found, wanted)) in found.levels.iter().zip(&wanted.levels).enumerate() {
                match alpha && at % 4 == 3 {
                    true => assert_eq!(*found, shares.levels[at]),
                    false => assert_eq!(*found, f32::from(*wanted) / 255.0, "{}: {at}", operation.name()),
                }
            }
        }
    }
}

#[test]
fn what_knows_8_bits_alone_is_refused() {
    let refused = |image: Image| image.check().unwrap_err().to_string();
    let rest = "works on pictures of 8 bits alone, but the stage's depth is f32: leave one of the two out";
    let deep = || stage(3, [8, 8]);
    assert_eq!(refused(deep().with(Black {})), format!("black: {rest}"));
    let inside = OneOf::new((Rotate::new(10.0), OneOf::new((Invert::new(1.0), Black {}))));
    assert_eq!(refused(deep().with(inside)), format!("black: {rest}"));
    assert_eq!(
        refused(deep().as_u8()),
        "as_u8: pixels of depth f32 are no levels of 8 bits: leave one of the two out"
    );
    let all = OneOf::new((
        Identity::new(),
        Rotate::new(10.0),
        GaussianNoise::new(0.1),
        GaussianBlur::new(0.5..=1.0),
    ));
    deep()
        .with(all)
        .brightness(0.3)
        .color_jitter(0.1, 0.1, 0.1)
        .check()
        .unwrap();
    // An operation of one's own whose words and draws differ.
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Wrong {}
    impl Spec for Wrong {
        const NAME: &'static str = "wrong";
    }
    impl Operation for Wrong {
        fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
            Drawn::values(|pixels| pixels.levels.fill(0))
        }
        fn supports(&self, _: Depth) -> bool {
            true
        }
    }
    let mut out = [0.0; 64];
    let error = stage(1, [8, 8])
        .with(Wrong {})
        .apply(&fixture("grey.png"), &mut rng(0), &mut out);
    assert_eq!(
        error.unwrap_err().to_string(),
        "wrong drew a change for pictures of another depth"
    );
}

#[test]
fn what_is_no_number_is_refused() {
    let mut out = vec![0.0; (WIDTH * HEIGHT) as usize];
    let mut refused = |image: Image, file: &[u8]| image.apply(file, &mut rng(0), &mut out).unwrap_err().to_string();
    assert_eq!(
        refused(stage(1, [WIDTH, HEIGHT]), &fixture("hole.tif")),
        "corrupt TIFF data: NaN in column 5 of row 7, which is no number"
    );
    assert_eq!(
        refused(Image::sized(WIDTH, HEIGHT).channels(1), &fixture("floats.tif")),
        "TIFF of floating-point numbers, but for stages of Depth::F32, is not read"
    );
    // Whatever is wrong with a file is an error.
    for name in ["floats-predictor.tif", "rgb.png", "rgb-big-endian-planar.tif"] {
        let file = fixture(name);
        for length in (0..file.len()).step_by(7) {
            refused(stage(1, [WIDTH, HEIGHT]), &file[..length]);
        }
    }
}

#[test]
fn what_was_turned_is_turned_back() {
    // EXIF's orientation 6 in the tag 274 of a TIFF.
    let file = fixture("rgb.tif");
    let count = u16::from_le_bytes([file[8], file[9]]) as usize;
    let mut turned = file.clone();
    let tags = (0..count).map(|at| 10 + 12 * at);
    // In place of the rows of a strip, which is the whole height where nothing is said.
    let at = tags.into_iter().find(|&at| file[at..at + 2] == [22, 1]).unwrap();
    turned[at..at + 12].copy_from_slice(&[18, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
    let found = applied(&stage(3, [HEIGHT, WIDTH]), &turned);
    let (photo, places) = (expected("rgb"), (WIDTH * HEIGHT) as usize);
    let (wide, high) = (WIDTH as usize, HEIGHT as usize);
    // Clockwise: the left column, from its bottom, is the first row.
    let expected = (0..photo.len()).map(|i| {
        let (plane, row, column) = (i / places, i % places / high, i % high);
        photo[plane * places + (high - 1 - column) * wide + row]
    });
    assert!(furthest(&found, &expected.collect::<Vec<_>>()) < 1e-7);
}

#[test]
fn a_stage_of_floats_is_written_and_read() {
    let image = stage(1, [16, 16]).rotate(5.0);
    let text = serde_json::to_string(&image).unwrap();
    assert!(text.contains(r#""depth":"f32""#), "{text}");
    let read: Image = serde_json::from_str(&text).unwrap();
    assert_eq!(read.plan().fingerprint(), image.plan().fingerprint());
    assert_ne!(
        read.plan().fingerprint(),
        image.clone().depth(Depth::U8).plan().fingerprint()
    );
    let default = Image::new(16).plan().fingerprint();
    assert_eq!(
        serde_json::from_str::<Image>(r#"{"size": 16, "depth": "u8"}"#)
            .unwrap()
            .plan()
            .fingerprint(),
        default
    );
    let error = serde_json::from_str::<Image>(r#"{"depth": "u16"}"#)
        .unwrap_err()
        .to_string();
    assert!(error.contains("expected `u8` or `f32`"), "{error}");
}

/// The values of all rows of an image column.
fn values(batch: &RecordBatch) -> Vec<f32> {
    let images = batch.column_by_name("image").unwrap().as_fixed_size_list();
    images.values().as_primitive::<Float32Type>().values().to_vec()
}

/// A pipeline has what the stage makes of each row, and its steps can be looked at.
#[test]
fn rows_are_those_of_the_stage() {
    let files = ["grey.png", "floats.tif", "rgb.png"].map(fixture);
    let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(&files));
    let rows = Memory::new(vec![RecordBatch::try_from_iter([("image", column)]).unwrap()]).unwrap();
    let cx = Context::with(2, 1 << 24).unwrap();
    let image = stage(1, [12, 10])
        .horizontal_flip(0.5)
        .rotate(20.0)
        .gaussian_noise(0.01);
    let rows = rows.image("image", image.clone()).unwrap();
    let take = |positions: &[u64]| values(&cx.block_on(rows.take(&cx, positions)).unwrap());
    let (together, alone) = (take(&[0, 1, 2, 5]), take(&[5]));
    assert_eq!((together.len(), &together[3 * 120..]), (4 * 120, &*alone));
    // Another epoch draws anew.
    assert_ne!(together[2 * 120..3 * 120], together[3 * 120..]);
    assert!(together.iter().all(|value| (0.0..=1.0).contains(value)), "noise cuts");

    let steps = image.steps(&files[0], &mut rng(1)).unwrap();
    let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        ["original", "resize", "horizontal_flip", "rotate", "gaussian_noise"]
    );
    assert_eq!(steps[4].pixels, image.preview(&files[0], &mut rng(1)).unwrap());
}
