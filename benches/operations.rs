//! One image operation at a time, on one thread: what `peers/operations.py` measures of other libraries.
//!
//! `cargo bench --bench operations [-- PHOTOS.parquet]`: one JSON line an operation, with the median over rounds of
//! microseconds an image. The photos (column `image`, binary or Hugging Face's struct) are decoded first and stay in memory;
//! without a file they are drawn here, 500 x 400. What is changed in its place is set back before each round, which is not
//! timed; what is drawn anew goes to one buffer, and the photo stays: as in the other libraries.
//! Without `--bench` (`cargo test --benches`) it only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::DataType;
use millstream::image::{
    Affine, Autocontrast, BoxBlur, Brightness, ChannelPermutation, Clahe, CoarseDropout, ColorJitter, Contrast,
    Equalize, Gamma, GaussianBlur, GaussianNoise, Grayscale, GridDropout, HorizontalFlip, Hue, IMAGENET_MEAN,
    IMAGENET_STD, Invert, Jpeg, MotionBlur, Operation, PhotometricDistort, Pixels, Posterize, RandomErasing, Rotate,
    SaltAndPepper, Saturation, Sharpness, ShotNoise, SimulateLowResolution, Solarize,
};
use millstream::rng::Rng;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Width and height of what is cropped and resized.
const SIZE: u32 = 224;

/// How much is measured.
struct Effort {
    images: usize,
    time: Duration,
    /// Only operations of this name.
    only: Option<String>,
}

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    arguments.retain(|argument| argument != "--bench");
    let file = arguments.iter().position(|argument| argument.ends_with(".parquet"));
    let file = file.map(|at| arguments.remove(at));
    let effort = Effort {
        images: if measured { 100 } else { 2 },
        time: Duration::from_secs(u64::from(measured)),
        only: arguments.pop(),
    };
    let photos = match file {
        Some(path) => photos(&path, effort.images),
        None => (0..effort.images as u64).map(drawn).collect(),
    };
    augmentations(&photos, &effort);
    resamples(&photos, &effort);
    planes(&photos, &effort);
}

/// The first photos of a Parquet file.
fn photos(path: &str, count: usize) -> Vec<Pixels> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let batch = reader.with_batch_size(count).build().unwrap().next().unwrap().unwrap();
    let mut column = Arc::clone(&batch["image"]);
    if let Some(of) = column.as_any().downcast_ref::<StructArray>() {
        column = Arc::clone(of.column_by_name("bytes").unwrap());
    }
    let bytes = arrow::compute::cast(&column, &DataType::Binary).unwrap();
    let encoded = bytes.as_binary::<i32>().iter().flatten();
    encoded.map(|photo| Pixels::decode(photo).unwrap()).collect()
}

/// Something like a photo: slopes of colour, and grain.
fn drawn(seed: u64) -> Pixels {
    let mut pixels = Pixels::new(500, 400);
    let mut rng = Rng::new(seed, "drawn", 0);
    let slopes: [[f32; 3]; 3] = std::array::from_fn(|_| std::array::from_fn(|_| rng.range(0.0, 0.2)));
    let mut grain = vec![0; pixels.levels.len()];
    rng.fill(&mut grain);
    for (i, (level, grain)) in pixels.levels.iter_mut().zip(grain).enumerate() {
        let (slope, x, y) = (slopes[i % 3], (i / 3 % 500) as f32, (i / 1500) as f32);
        *level = (60.0 * slope[2] + slope[0] * x + slope[1] * y) as u8 + grain % 16;
    }
    pixels
}

/// Augmentations change a picture in its place.
fn augmentations(photos: &[Pixels], effort: &Effort) {
    let affine = Affine::new(15.0).translate([0.1, 0.1]).scale(0.8..=1.25);
    let all: [Box<dyn Operation>; 30] = [
        Box::new(HorizontalFlip::new(1.0)),
        Box::new(Rotate::new(15.0)),
        Box::new(affine.shear([10.0, 0.0])),
        Box::new(Brightness::new(0.2)),
        Box::new(Contrast::new(0.2)),
        Box::new(Saturation::new(0.2)),
        Box::new(ColorJitter::new(0.2, 0.2, 0.2)),
        Box::new(GaussianBlur::new(1.0..=1.0)),
        Box::new(GaussianNoise::new(0.05)),
        Box::new(RandomErasing::new(1.0, 0.02..=0.33, 0.3..=3.3)),
        Box::new(Hue::new(0.1)),
        Box::new(Gamma::new(0.8..=1.2)),
        Box::new(Grayscale::new(1.0)),
        Box::new(Invert::new(1.0)),
        Box::new(Posterize::new(4, 1.0)),
        Box::new(Solarize::new(128, 1.0)),
        Box::new(Autocontrast::new(1.0)),
        Box::new(Equalize::new(1.0)),
        Box::new(Clahe::new(4.0..=4.0)),
        Box::new(ChannelPermutation::new()),
        Box::new(PhotometricDistort::new(1.0)),
        Box::new(Sharpness::new(2.0, 1.0)),
        Box::new(BoxBlur::new(5..=5)),
        Box::new(MotionBlur::new(7..=7)),
        Box::new(ShotNoise::new(0.1..=0.1)),
        Box::new(SaltAndPepper::new(0.03..=0.03)),
        Box::new(Jpeg::new(75..=75)),
        Box::new(SimulateLowResolution::new(0.5..=0.5)),
        Box::new(CoarseDropout::new(2..=2, 0.1..=0.2, 0.1..=0.2)),
        Box::new(GridDropout::new(0.5, 0.1..=0.1)),
    ];
    for augment in all {
        measure(augment.name(), photos, effort, |seed, pixels| {
            augment.apply(pixels, &mut Rng::new(seed, augment.name(), 0));
        });
    }
}

/// Crops and resizes, into a picture of the size that is asked for.
fn resamples(photos: &[Pixels], effort: &Effort) {
    let mut small = Pixels::new(SIZE, SIZE);
    let side = f64::from(SIZE);
    measure("center_crop", photos, effort, |_, pixels| {
        let (left, top) = ((pixels.width - SIZE) / 2, (pixels.height - SIZE) / 2);
        let part = [left.into(), top.into(), side, side];
        pixels.resample(part, &mut small).unwrap();
    });
    measure("resize", photos, effort, |_, pixels| {
        let whole = [0.0, 0.0, pixels.width.into(), pixels.height.into()];
        pixels.resample(whole, &mut small).unwrap();
    });
    measure("random_resized_crop", photos, effort, |seed, pixels| {
        let part = part(pixels, &mut Rng::new(seed, "random_resized_crop", 0));
        pixels.resample(part, &mut small).unwrap();
    });
}

/// The box of torchvision's `RandomResizedCrop`.
fn part(pixels: &Pixels, rng: &mut Rng) -> [f64; 4] {
    let (width, height) = (f64::from(pixels.width), f64::from(pixels.height));
    let fits = |_| {
        let area = f64::from(rng.range(0.08, 1.0)) * width * height;
        let ratio = f64::from(rng.range((3.0_f32 / 4.0).ln(), (4.0_f32 / 3.0).ln())).exp();
        let (w, h) = ((area * ratio).sqrt(), (area / ratio).sqrt());
        (w <= width && h <= height).then_some((w, h))
    };
    let (w, h) = (0..10).find_map(fits).unwrap_or((width, height));
    let mut place = |room: f64| f64::from(rng.unit()) * room;
    [place(width - w), place(height - h), w, h]
}

/// Levels to normalised planes, into one slot.
fn planes(photos: &[Pixels], effort: &Effort) {
    let mut slot = vec![0.0; photos[0].levels.len()];
    measure("normalize", photos, effort, |_, pixels| {
        pixels.normalize(IMAGENET_MEAN, IMAGENET_STD, &mut slot).unwrap();
        black_box(&slot);
    });
}

/// Runs rounds over all photos and prints the line.
fn measure(name: &str, photos: &[Pixels], effort: &Effort, mut operation: impl FnMut(u64, &mut Pixels)) {
    if effort.only.as_ref().is_some_and(|only| only != name) {
        return;
    }
    let (mut pictures, mut rounds, mut spent) = (photos.to_vec(), Vec::new(), Duration::ZERO);
    while rounds.is_empty() || spent < effort.time {
        let begun = Instant::now();
        for (seed, pixels) in pictures.iter_mut().enumerate() {
            let place = pixels.levels.as_ptr();
            operation(seed as u64, black_box(pixels));
            // Drawn into the spare buffer, which takes the next picture, too: as elsewhere, where a result is dropped.
            if pixels.levels.as_ptr() != place {
                pixels.redraw(|_, _| ());
            }
        }
        spent += begun.elapsed();
        rounds.push(begun.elapsed().as_secs_f64() * 1e6 / photos.len() as f64);
        for (picture, photo) in pictures.iter_mut().zip(photos) {
            if picture.levels != photo.levels {
                picture.levels.copy_from_slice(&photo.levels);
            }
        }
    }
    rounds.sort_by(f64::total_cmp);
    let line = serde_json::json!({
        "peer": "millstream",
        "version": env!("CARGO_PKG_VERSION"),
        "operation": name,
        "us_per_image": (rounds[rounds.len() / 2] * 1e3).round() / 1e3,
        "rounds": rounds.len(),
    });
    println!("{line}");
}
