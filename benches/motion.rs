//! A chain of motions beside the crop alone: what it costs for each photo, and how near it is to many samples for each pixel.
//!
//! `cargo bench --bench motion [-- PHOTOS.parquet]`: rounds of both stages in turn, from the encoded photo to normalised planes, on one thread,
//! and the ratio of each round; then the mean absolute difference, in levels, from the mean of 6 x 6 bilinear samples of the whole
//! photo for each pixel. The chain is that of `peers/motion.py`. Without a file it makes photos of 500 x 400. Without `--bench`
//! (`cargo test --benches`) it only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

#[allow(dead_code, reason = "other benches write files")]
mod common;

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::DataType;
use millstream::image::{Affine, Drawn, HorizontalFlip, Image, Motion, Operation, Perspective, Pixels, Subject};
use millstream::rng::Rng;
use millstream::spec::Spec;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::hint::black_box;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

const SIZE: u32 = 224;
const SCALE: (f32, f32) = (0.35, 1.0);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    let (rounds, count, compared) = if measured { (15, 150, 24) } else { (1, 2, 1) };
    let photos = match arguments.iter().find(|argument| argument.ends_with(".parquet")) {
        Some(path) => read(path, count),
        None => (0..count as u64).map(common::photo).collect(),
    };
    let crop = Image::new(SIZE).random_resized_crop(SCALE.0..=SCALE.1, 0.75..=1.3333);
    let flip = crop.clone().horizontal_flip(0.5);
    let turned = crop.clone().rotate(15.0);
    let chain = crop.clone().with(affine()).with(perspective()).horizontal_flip(0.5);
    let mut pairs = [
        ("flip", &flip, Vec::new()),
        ("rotate", &turned, Vec::new()),
        ("chain", &chain, Vec::new()),
    ];
    for round in 0..rounds {
        for (_, stage, found) in &mut pairs {
            found.push((timed(&photos, stage, round), timed(&photos, &crop, round)));
        }
    }
    for (name, _, found) in pairs {
        let [stage, alone, ratio] = common::compared(&found);
        println!(
            "{name}: {:.0} us a photo, the crop alone {:.0}, ratio {:.2} ({:.2} to {:.2})",
            stage.0, alone.0, ratio.0, ratio.1, ratio.2
        );
    }
    let step = (photos.len() / compared).max(1);
    let off: Vec<[f64; 2]> = photos
        .iter()
        .step_by(step)
        .zip(0..)
        .map(|(photo, seed)| difference(photo, seed))
        .collect();
    let [stage, whole] = [0, 1].map(|at| off.iter().map(|off| off[at]).sum::<f64>() / off.len() as f64);
    println!(
        "from {} photos sampled 36 times a pixel: {stage:.2} levels on average, and {whole:.2} where they are decoded whole",
        off.len()
    );
}

fn affine() -> Affine {
    Affine::new(15.0)
        .translate([0.1, 0.1])
        .scale(0.8..=1.25)
        .shear([10.0, 0.0])
}

fn perspective() -> Perspective {
    Perspective::new(0.1, 1.0)
}

/// The first photos of a Parquet file, encoded.
fn read(path: &str, count: usize) -> Vec<Vec<u8>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let batch = reader.with_batch_size(count).build().unwrap().next().unwrap().unwrap();
    let mut column = Arc::clone(&batch["image"]);
    if let Some(of) = column.as_any().downcast_ref::<StructArray>() {
        column = Arc::clone(of.column_by_name("bytes").unwrap());
    }
    let bytes = arrow::compute::cast(&column, &DataType::Binary).unwrap();
    bytes.as_binary::<i32>().iter().flatten().map(<[u8]>::to_vec).collect()
}

/// Microseconds a photo.
fn timed(photos: &[Vec<u8>], stage: &Image, round: u64) -> f64 {
    let mut slot = vec![0.0; 3 * (SIZE * SIZE) as usize];
    let begun = Instant::now();
    for (photo, position) in photos.iter().zip(round * 1000..) {
        stage
            .apply(photo, &mut Rng::new(1, "image", position), &mut slot)
            .unwrap();
        black_box(&slot);
    }
    begun.elapsed().as_secs_f64() * 1e6 / photos.len() as f64
}

/// The chain on one photo, as a stage draws it of the file and of the photo that is decoded whole, and how far both are from the mean of
/// many samples.
fn difference(file: &[u8], seed: u64) -> [f64; 2] {
    let photo = Pixels::decode(file).unwrap();
    let from = [photo.width, photo.height];
    let mut rng = Rng::new(2, "chain", seed);
    let mut moved = boxed(from, &mut rng);
    let operations: [&dyn Operation; 3] = [&affine(), &perspective(), &HorizontalFlip::new(0.5)];
    for operation in operations {
        let subject = Subject::of(&Pixels::new(SIZE, SIZE));
        if let Drawn::Motion(next) = operation.draw(&subject, &mut rng) {
            moved = moved.then(next);
        }
    }
    let motion = Motion::resize(from, [SIZE; 2]).then(moved.clone());
    let mut whole = photo.clone();
    motion.apply(&mut whole);
    let stage = Image::new(SIZE).with(Fixed {
        motion: OnceLock::from(moved),
    });
    let windowed = stage.preview(file, &mut rng).unwrap();
    let mut sums = [0.0; 2];
    for (at, pixels) in (0..).zip(windowed.levels.chunks_exact(3).zip(whole.levels.chunks_exact(3))) {
        let best = sampled(&photo, &motion, [at % SIZE, at / SIZE]);
        for (sum, pixel) in sums.iter_mut().zip([pixels.0, pixels.1]) {
            let off = pixel
                .iter()
                .zip(best)
                .map(|(&level, best)| (f64::from(level) - best).abs());
            *sum += off.sum::<f64>();
        }
    }
    sums.map(|sum| sum / whole.levels.len() as f64)
}

/// One motion for every row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Fixed {
    #[serde(skip)]
    motion: OnceLock<Motion>,
}

impl Spec for Fixed {
    const NAME: &'static str = "fixed";
}

impl Operation for Fixed {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Motion(self.motion.get().unwrap().clone())
    }

    fn moves(&self) -> bool {
        true
    }
}

/// The box of torchvision's `RandomResizedCrop`, of a photo that was brought to the output's size.
fn boxed(from: [u32; 2], rng: &mut Rng) -> Motion {
    let [width, height] = from.map(f64::from);
    let fits = |_| {
        let area = f64::from(rng.range(SCALE.0, SCALE.1)) * width * height;
        let ratio = f64::from(rng.range((3.0_f32 / 4.0).ln(), (4.0_f32 / 3.0).ln())).exp();
        let (w, h) = ((area * ratio).sqrt(), (area / ratio).sqrt());
        (w <= width && h <= height).then_some((w, h))
    };
    let (w, h) = (0..10).find_map(fits).unwrap_or((width, height));
    let mut place = |room: f64| f64::from(rng.unit()) * room;
    let (left, top) = (place(width - w), place(height - h));
    let side = f64::from(SIZE);
    let [a, b] = [width / w, height / h];
    Motion::affine(
        [SIZE; 2],
        [SIZE; 2],
        [a, 0.0, -left / w * side, 0.0, b, -top / h * side],
    )
    .unwrap()
}

/// The mean of 6 x 6 places in a pixel, bilinear between the pixels of the photo, black beyond it.
fn sampled(photo: &Pixels, motion: &Motion, [column, row]: [u32; 2]) -> [f64; 3] {
    let level = |x: i64, y: i64, channel: usize| {
        let inside = (0..i64::from(photo.width)).contains(&x) && (0..i64::from(photo.height)).contains(&y);
        if inside {
            f64::from(photo.levels[(y as usize * photo.width as usize + x as usize) * 3 + channel])
        } else {
            0.0
        }
    };
    let mut sums = [0.0; 3];
    for sample in 0..36 {
        let place = |pixel: u32, sample: u32| f64::from(pixel) + (f64::from(sample) + 0.5) / 6.0;
        let from = motion.origin([place(column, sample % 6), place(row, sample / 6)]);
        let [x, y] = from.map(|place| place - 0.5);
        let ([x0, y0], [fx, fy]) = ([x.floor() as i64, y.floor() as i64], [x - x.floor(), y - y.floor()]);
        for (channel, sum) in sums.iter_mut().enumerate() {
            let line = |y: i64| level(x0, y, channel) * (1.0 - fx) + level(x0 + 1, y, channel) * fx;
            *sum += line(y0) * (1.0 - fy) + line(y0 + 1) * fy;
        }
    }
    sums.map(|sum| sum / 36.0)
}
