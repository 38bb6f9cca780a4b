//! The loader with a consumer that does nothing, beside the same work without a loader.
//!
//! `cargo bench --bench loader`: pairs of runs, one after the other, so that what else the machine does hits both. The ratio
//! is rows a second of the loader over those of the bare loop. Without `--bench` (`cargo test --benches`) it only shows
//! that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field};
use millstream::image::Image;
use millstream::loader::LoaderBuilder;
use millstream::mix::Target;
use millstream::rng::Rng;
use millstream::source::{Memory, Parquet};
use millstream::{Context, DatasetExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;
use std::fs::File;
use std::hint::black_box;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const FASHION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fashion-mnist-train.parquet");
/// Rows in a row group of the numeric file.
const GROUP: usize = 10_000;
/// Width of a feature, as EfficientNet-Lite0 has it.
const WIDTH: usize = 1280;

/// How much is measured.
struct Effort {
    pairs: usize,
    passes: u64,
    rows: usize,
}

fn main() {
    let effort = match std::env::args().any(|argument| argument == "--bench") {
        true => Effort {
            pairs: 15,
            passes: 10,
            rows: 20 * GROUP,
        },
        false => Effort {
            pairs: 1,
            passes: 1,
            rows: 2 * GROUP,
        },
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let cx = Context::with(threads, 1 << 30).unwrap();
    println!(
        "{threads} threads, {} pairs, rows a second, median (least to most)",
        effort.pairs
    );
    images(&cx, &effort);
    numbers(&cx, &effort);
    features(&cx, &effort);
}

/// Rows a second of `work`, which returns its rows.
fn speed(work: &mut dyn FnMut() -> u64) -> f64 {
    let started = Instant::now();
    let rows = black_box(work());
    rows as f64 / started.elapsed().as_secs_f64()
}

/// Measures both in turn and prints a line.
fn compare(what: &str, pairs: usize, loader: &mut dyn FnMut() -> u64, bare: &mut dyn FnMut() -> u64) {
    let both: Vec<(f64, f64)> = (0..pairs).map(|_| (speed(loader), speed(bare))).collect();
    let of = |pick: &dyn Fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = both.iter().map(pick).collect();
        all.sort_by(f64::total_cmp);
        (all[all.len() / 2], all[0], all[all.len() - 1])
    };
    let (loader, bare) = (of(&|pair| pair.0), of(&|pair| pair.1));
    let (ratio, least, most) = of(&|pair| pair.0 / pair.1);
    println!(
        "{what:<44} loader {:>8.0} ({:.0} to {:.0})  bare {:>8.0} ({:.0} to {:.0})  ratio {ratio:.2} ({least:.2} to {most:.2})",
        loader.0, loader.1, loader.2, bare.0, bare.1, bare.2
    );
}

/// All rows that `loader` delivers.
fn drain(loader: LoaderBuilder) -> u64 {
    let batches = loader.blocking().unwrap();
    batches.map(|batch| black_box(batch.unwrap()).len() as u64).sum()
}

/// PNG to tensors of 96 pixels.
fn images(cx: &Context, effort: &Effort) {
    let image = Image::new(96);
    let loaded = cx.block_on(Parquet::open(cx, FASHION)).unwrap();
    let mut loader = || {
        let images = loaded.clone().image("image", image.clone()).unwrap();
        drain(images.loader(cx).batch_size(64).epochs(effort.passes))
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(cx.threads())
        .build()
        .unwrap();
    let mut bare = || {
        let pass = || pool.install(|| decode_all(&image));
        (0..effort.passes).map(|_| pass()).sum()
    };
    compare(
        "(a) PNG in Parquet to 96 px, batches of 64",
        effort.pairs,
        &mut loader,
        &mut bare,
    );
}

/// Reads the file, and decodes, resizes and normalises batches of 64, each on one thread of the current pool.
fn decode_all(image: &Image) -> u64 {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(FASHION).unwrap()).unwrap();
    let batches: Vec<_> = reader
        .with_batch_size(64)
        .build()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let decode = |batch: &RecordBatch| {
        let bytes = batch["image"].as_struct().column_by_name("bytes").unwrap();
        let mut out = vec![0.0_f32; batch.num_rows() * 3 * 96 * 96];
        let rows = out.chunks_exact_mut(3 * 96 * 96).zip(bytes.as_binary::<i32>());
        rows.for_each(|(slot, bytes)| {
            image
                .plain()
                .apply(bytes.unwrap(), &mut Rng::new(0, "image", 0), slot)
                .unwrap()
        });
        black_box(out).len() as u64 / (3 * 96 * 96)
    };
    batches.par_iter().map(decode).sum()
}

/// Shuffled batches of 256 out of a numeric file.
fn numbers(cx: &Context, effort: &Effort) {
    let file = tempfile::NamedTempFile::with_suffix(".parquet").unwrap();
    write_numbers(file.path(), effort.rows);
    let path = file.path().display().to_string();
    let mut loader = || {
        // Opened anew, so that no block is cached.
        let rows = cx.block_on(Parquet::open(cx, &path)).unwrap();
        drain(rows.shuffle().loader(cx).batch_size(256).epochs(1))
    };
    for threads in [1, 2] {
        let mut bare = || read_all(file.path(), effort.rows / GROUP, threads);
        let what = format!("(b) numbers, shuffled; bare in order on {threads}");
        compare(&what, effort.pairs, &mut loader, &mut bare);
    }
    let mut loader = || {
        let rows = cx.block_on(Parquet::open(cx, &path)).unwrap();
        drain(rows.loader(cx).batch_size(256).epochs(1))
    };
    let mut bare = || read_all(file.path(), effort.rows / GROUP, 2);
    compare(
        "(b) numbers, in order; bare in order on 2",
        effort.pairs,
        &mut loader,
        &mut bare,
    );
}

fn write_numbers(path: &Path, rows: usize) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP))
        .build();
    let mut writer: Option<ArrowWriter<File>> = None;
    for start in (0..rows).step_by(GROUP) {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(start as i64..(start + GROUP) as i64));
        let columns = [
            ("x", vectors(GROUP, 64, start as u64)),
            ("id", Arc::clone(&ids)),
            ("label", ids),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = || File::create(path).unwrap();
        let new = || ArrowWriter::try_new(file(), batch.schema(), Some(properties.clone())).unwrap();
        writer.get_or_insert_with(new).write(&batch).unwrap();
    }
    writer.unwrap().close().unwrap();
}

fn vectors(rows: usize, width: usize, seed: u64) -> ArrayRef {
    let mut rng = Rng::new(seed, "numbers", 0);
    let values: Vec<f32> = (0..rows * width).map(|_| rng.unit()).collect();
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    Arc::new(FixedSizeListArray::new(
        item,
        width as i32,
        Arc::new(Float32Array::from(values)),
        None,
    ))
}

/// Decodes all row groups, each of `threads` threads an equal part of them.
fn read_all(path: &Path, groups: usize, threads: usize) -> u64 {
    let read = |groups: Range<usize>| -> u64 {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let reader = reader
            .with_row_groups(groups.collect())
            .with_batch_size(256)
            .build()
            .unwrap();
        reader.map(|batch| black_box(batch.unwrap()).num_rows() as u64).sum()
    };
    std::thread::scope(|scope| {
        let part = |i: usize| i * groups / threads..(i + 1) * groups / threads;
        let running: Vec<_> = (0..threads).map(|i| scope.spawn(move || read(part(i)))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// Balanced batches of 32 out of features in memory, beside batches of rows picked at random.
fn features(cx: &Context, effort: &Effort) {
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(FASHION).unwrap()).unwrap();
    let batches: Vec<_> = file
        .with_batch_size(1 << 20)
        .build()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let label = Arc::clone(&batches[0]["label"]);
    let len = label.len();
    let columns = [("features", vectors(len, WIDTH, 0)), ("label", label)];
    let table = RecordBatch::try_from_iter(columns).unwrap();
    let rows = Arc::new(Memory::new(vec![table.clone()]).unwrap());
    let epochs = 20 * effort.passes;
    let mut loader = || {
        let balanced = cx
            .block_on(Arc::clone(&rows).balance(cx, "label", Target::Uniform))
            .unwrap();
        drain(balanced.loader(cx).batch_size(32).epochs(epochs))
    };
    let mut bare = || {
        let mut rng = Rng::new(0, "picked", 0);
        let mut batch = || {
            let picked = UInt64Array::from_iter_values((0..32).map(|_| rng.below(len as u64)));
            black_box(take_record_batch(&table, &picked).unwrap()).num_rows() as u64
        };
        (0..epochs * len as u64 / 32).map(|_| batch()).sum()
    };
    compare(
        "(c) features in memory, balanced, of 32",
        effort.pairs,
        &mut loader,
        &mut bare,
    );
}
