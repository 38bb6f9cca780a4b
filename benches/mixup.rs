//! MixUp over pictures in memory, beside a bare loop that copies a batch and blends it.
//!
//! `cargo bench --bench mixup`: pairs of runs, one after the other, so that what else the machine does hits both. Without
//! `--bench` (`cargo test --benches`) it only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use arrow::array::{ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Float32Type};
use millstream::loader::LoaderBuilder;
use millstream::rng::{Permutation, Rng};
use millstream::source::Memory;
use millstream::synthetic::MixUp;
use millstream::{Context, DatasetExt};
use rayon::prelude::*;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Numbers of a picture, `[3, 224, 224]`.
const WIDTH: usize = 3 * 224 * 224;
const BATCH: usize = 64;

fn main() {
    let (pairs, rows, epochs) = match std::env::args().any(|argument| argument == "--bench") {
        true => (15, 4 * BATCH, 4),
        false => (1, BATCH, 1),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cx = Context::with(threads, 1 << 30).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let pictures = pictures(rows);
    let values = pictures["x"]
        .as_fixed_size_list()
        .values()
        .as_primitive::<Float32Type>()
        .clone();
    let memory = Arc::new(Memory::new(vec![pictures]).unwrap());
    println!("{threads} threads, {pairs} pairs, batches of {BATCH} pictures [3, 224, 224]; median (least to most)");
    let plain = || drain(Arc::clone(&memory).loader(&cx).batch_size(BATCH as u64).epochs(epochs));
    let mixed = || {
        let mixed = Arc::clone(&memory)
            .mixup("x", "label", MixUp::new(0.2).num_classes(10))
            .unwrap();
        drain(mixed.loader(&cx).batch_size(BATCH as u64).epochs(epochs))
    };
    let bare = || pool.install(|| (0..epochs).map(|_| blend_all(values.values(), rows)).sum());
    let of: Vec<[f64; 3]> = (0..pairs).map(|_| [speed(mixed), speed(bare), speed(plain)]).collect();
    show("mixup", &of, |speeds| speeds[0], "pictures a second");
    show("bare copy and blend", &of, |speeds| speeds[1], "pictures a second");
    show("loader without mixup", &of, |speeds| speeds[2], "pictures a second");
    show("mixup over bare", &of, |speeds| speeds[0] / speeds[1], "");
}

fn show(what: &str, runs: &[[f64; 3]], pick: impl Fn(&[f64; 3]) -> f64, unit: &str) {
    let mut all: Vec<f64> = runs.iter().map(pick).collect();
    all.sort_by(f64::total_cmp);
    let (median, least, most) = (all[all.len() / 2], all[0], all[all.len() - 1]);
    println!("{what:<24} {median:>8.2} ({least:.2} to {most:.2}) {unit}");
}

fn speed(work: impl Fn() -> usize) -> f64 {
    let started = Instant::now();
    black_box(work()) as f64 / started.elapsed().as_secs_f64()
}

fn drain(loader: LoaderBuilder) -> usize {
    let batches = loader.blocking().unwrap();
    batches.map(|batch| black_box(batch.unwrap()).len()).sum()
}

/// Copies each batch out of `values`, and blends it with itself in another order, on the current pool.
fn blend_all(values: &[f32], rows: usize) -> usize {
    let blend = |start: usize| {
        let batch = values[start * WIDTH..(start + BATCH) * WIDTH].to_vec();
        let order = Permutation::new(BATCH as u64, &mut Rng::new(1, "bare", start as u64));
        let mut out = vec![0.0_f32; batch.len()];
        out.par_chunks_mut(WIDTH).enumerate().for_each(|(row, out)| {
            let partner = &batch[order.get(row as u64) as usize * WIDTH..][..WIDTH];
            for (out, (own, partner)) in out.iter_mut().zip(batch[row * WIDTH..].iter().zip(partner)) {
                *out = 0.7 * own + (1.0 - 0.7) * partner;
            }
        });
        black_box(out).len() / WIDTH
    };
    (0..rows).step_by(BATCH).map(blend).sum()
}

fn pictures(rows: usize) -> RecordBatch {
    let mut rng = Rng::new(0, "pictures", 0);
    let values: Vec<f32> = (0..rows * WIDTH).map(|_| rng.unit()).collect();
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let x = FixedSizeListArray::new(item, WIDTH as i32, Arc::new(Float32Array::from(values)), None);
    let label = Int64Array::from_iter_values((0..rows as i64).map(|row| row % 10));
    RecordBatch::try_from_iter([("x", Arc::new(x) as ArrayRef), ("label", Arc::new(label))]).unwrap()
}
