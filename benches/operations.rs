//! One image operation at a time, on one thread: what `peers/operations.py` measures of other libraries.
//!
//! `cargo bench --bench operations [-- PHOTOS.parquet] [NAME]`: one JSON line an operation, with the median over rounds of
//! microseconds an image. The photos (column `image`, binary or Hugging Face's struct) are decoded first and stay in memory;
//! without a file they are drawn here, 500 x 400. What is changed in its place is set back before each round, which is not
//! timed; what is drawn anew goes to one buffer, and the photo stays: as in the other libraries.
//!
//! Operations run alone, on whole photos, by [`Operation::apply`]: a stage would put motions and its resize together in one resample.
//! A crop of the stage is the resample that it leads to, but for `random_iou_crop`, which looks at boxes: that is an image stage, over rows of photos
//! as BMP in memory, which it reads, too. What puts rows together is the dataset that does it, over rows of pictures of 224 x 224 that
//! an image stage has left in memory: a batch of 64 is taken of it, which copies the rows' own pictures.
//! Without `--bench` (`cargo test --benches`) it only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

mod stages;

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::DataType;
use millstream::image::{
    Affine, AugMix, AutoAugment, Autocontrast, BoxBlur, Brightness, ChannelPermutation, Clahe, CoarseDropout,
    ColorJitter, Contrast, ElasticTransform, Equalize, Gamma, GaussianBlur, GaussianNoise, Grayscale, GridDropout,
    HorizontalFlip, Hue, IMAGENET_MEAN, IMAGENET_STD, Invert, Jpeg, Motion, MotionBlur, Operation, Pad, Padding,
    Perspective, PhotometricDistort, Pixels, Posterize, RandAugment, RandomCrop, RandomErasing, Rotate, SaltAndPepper,
    Saturation, Scale, ScaleJitter, Sharpness, Shear, ShotNoise, SimulateLowResolution, Solarize, Translate, Transpose,
    TrivialAugmentWide, VerticalFlip, ZoomOut,
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

impl Effort {
    fn has(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == name)
    }
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
    motions(&photos, &effort);
    letterboxes(&photos, &effort);
    policies(&photos, &effort);
    stages::measure_all(&photos, &effort);
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
    measure_all(&all, photos, effort);
}

/// Motions and changes of size, of the photo alone.
fn motions(photos: &[Pixels], effort: &Effort) {
    let all: [Box<dyn Operation>; 11] = [
        Box::new(VerticalFlip::new(1.0)),
        Box::new(Transpose::new(1.0)),
        Box::new(Scale::new(0.8..=1.25)),
        Box::new(Shear::new([10.0, 10.0])),
        Box::new(Translate::new([0.1, 0.1])),
        Box::new(Perspective::new(0.5, 1.0)),
        Box::new(ElasticTransform::new(50.0, 5.0)),
        Box::new(Pad::new([50; 4])),
        Box::new(RandomCrop::new().size([SIZE; 2])),
        Box::new(ScaleJitter::new(0.1..=2.0)),
        Box::new(ZoomOut::new(1.0..=4.0, 1.0)),
    ];
    measure_all(&all, photos, effort);
}

/// What runs several transforms, drawn anew for each photo.
fn policies(photos: &[Pixels], effort: &Effort) {
    let all: [Box<dyn Operation>; 4] = [
        Box::new(RandAugment::new()),
        Box::new(TrivialAugmentWide::new()),
        Box::new(AutoAugment::new()),
        Box::new(AugMix::new()),
    ];
    measure_all(&all, photos, effort);
}

fn measure_all(all: &[Box<dyn Operation>], photos: &[Pixels], effort: &Effort) {
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
    // The shorter side to 256 pixels, and of that the middle.
    measure("resize_center_crop", photos, effort, |_, pixels| {
        let (width, height) = (f64::from(pixels.width), f64::from(pixels.height));
        let part = width.min(height) * side / 256.0;
        let part = [(width - part) / 2.0, (height - part) / 2.0, part, part];
        pixels.resample(part, &mut small).unwrap();
    });
}

/// The whole photo in the middle of a square: as large as fits, and with its longer side of 200 pixels.
fn letterboxes(photos: &[Pixels], effort: &Effort) {
    for (name, longer) in [("letterbox", SIZE), ("resize_letterbox", 200)] {
        measure(name, photos, effort, |_, pixels| {
            let from = [pixels.width, pixels.height];
            let scale = f64::from(longer) / f64::from(from[0].max(from[1]));
            let inner = from.map(|side| (f64::from(side) * scale).round().max(1.0));
            let [a, b] = [0, 1].map(|axis| inner[axis] / f64::from(from[axis]));
            let [x, y] = inner.map(|inner| ((f64::from(SIZE) - inner) / 2.0).floor());
            let motion = Motion::affine(from, [SIZE; 2], [a, 0.0, x, 0.0, b, y]).unwrap();
            motion.padding(Padding::Constant([114; 3])).apply(pixels);
        });
    }
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
    if !effort.has(name) {
        return;
    }
    let (mut pictures, mut rounds, mut spent) = (photos.to_vec(), Vec::new(), Duration::ZERO);
    // What is larger than a photo has room in each buffer.
    for picture in &mut pictures {
        picture.levels.reserve(picture.levels.len());
    }
    while rounds.is_empty() || spent < effort.time {
        let begun = Instant::now();
        for ((seed, pixels), photo) in pictures.iter_mut().enumerate().zip(photos) {
            let place = pixels.levels.as_ptr();
            operation(seed as u64, black_box(pixels));
            // Drawn into the spare buffer, which takes the next picture, too: as elsewhere, where a result is dropped.
            if pixels.levels.as_ptr() != place {
                // So that the photo's own buffer does not become larger.
                if pixels.levels.len() > photo.levels.len() {
                    (pixels.width, pixels.height) = (photo.width, photo.height);
                    pixels.levels.truncate(photo.levels.len());
                }
                pixels.redraw(|_, _| ());
            }
        }
        let taken = begun.elapsed();
        spent += taken;
        rounds.push(taken.as_secs_f64() * 1e6 / photos.len() as f64);
        for (picture, photo) in pictures.iter_mut().zip(photos) {
            if picture != photo {
                (picture.width, picture.height) = (photo.width, photo.height);
                picture.levels.clear();
                picture.levels.extend_from_slice(&photo.levels);
            }
        }
    }
    print(name, rounds);
}

/// The line of the median of rounds.
fn print(name: &str, mut rounds: Vec<f64>) {
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
