//! Rows of 64 numbers and two integers, shuffled, in batched tensors, beside a bare decode of the same columns.
//!
//! `cargo bench --bench numbers [-- FOLDER]`: FOLDER holds the folders list-plain, list-zstd, flat-plain and flat-zstd, as
//! `benches/peers/make_data.py` makes them; without it they are made in a temporary folder, smaller. For each layout the
//! loader runs in turn with the `parquet` crate alone, which decodes the same files in stored order, in batches of its default
//! size, on one thread and on two. All share one allocator (mimalloc, as in the program). The loader has two threads and 96 MiB
//! of memory, and opens its files anew each time. Without `--bench` (`cargo test --benches`) it only shows that everything
//! runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use burn::tensor::Device;
use millstream::rng::Rng;
use millstream::sink::tensor;
use millstream::source::Parquet;
use millstream::{Context, DatasetExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::{self, File};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LAYOUTS: [&str; 4] = ["list-plain", "list-zstd", "flat-plain", "flat-zstd"];
const FILES: usize = 40;
const WIDTH: usize = 64;
const BATCH: u64 = 256;
const THREADS: usize = 2;
const MEMORY: u64 = 96 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let measured = arguments.iter().any(|argument| argument == "--bench");
    let folder = arguments.iter().find(|argument| !argument.starts_with('-'));
    let (pairs, groups, rows) = if measured { (9, 2, 5_000) } else { (1, 1, 100) };
    let made = tempfile::tempdir().unwrap();
    let folder = folder.map_or_else(|| made.path().to_owned(), PathBuf::from);
    println!(
        "{THREADS} threads, rows a second, median of {pairs} (least to most); in brackets the loader's share of bare"
    );
    for layout in LAYOUTS {
        let path = folder.join(layout);
        if !path.exists() {
            make(&path, layout, groups, rows);
        }
        compare(layout, &path, pairs);
    }
}

/// Runs the loader and the bare decodes in turn, and prints a line.
fn compare(layout: &str, folder: &Path, pairs: usize) {
    let cx = Context::with(THREADS, MEMORY).unwrap();
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let runs: Vec<[f64; 3]> = (0..pairs)
        .map(|_| {
            [
                speed(|| load(&cx, folder)),
                speed(|| decode(&files, 1)),
                speed(|| decode(&files, 2)),
            ]
        })
        .collect();
    let of = |pick: &dyn Fn(&[f64; 3]) -> f64| {
        let mut all: Vec<f64> = runs.iter().map(pick).collect();
        all.sort_by(f64::total_cmp);
        (all[all.len() / 2], all[0], all[all.len() - 1])
    };
    let [loader, one, two] = [0, 1, 2].map(|i| of(&|run| run[i] / 1e6));
    let [of_one, of_two] = [1, 2].map(|i| of(&|run| run[0] / run[i]));
    println!(
        "{layout:<10} loader {:.2} M ({:.2} to {:.2})  bare on 1 {:.2} M [{:.2} ({:.2} to {:.2})]  bare on 2 {:.2} M [{:.2} ({:.2} to {:.2})]",
        loader.0, loader.1, loader.2, one.0, of_one.0, of_one.1, of_one.2, two.0, of_two.0, of_two.1, of_two.2
    );
}

/// Rows a second of `work`, which returns its rows.
fn speed(work: impl FnOnce() -> u64) -> f64 {
    let started = Instant::now();
    let rows = black_box(work());
    rows as f64 / started.elapsed().as_secs_f64()
}

/// One epoch, shuffled, in tensors: `[batch, 64]`, and the two integers.
fn load(cx: &Context, folder: &Path) -> u64 {
    let device = Device::default();
    let rows = cx.block_on(Parquet::open(cx, folder.to_str().unwrap())).unwrap();
    let names: Vec<String> = (0..WIDTH).map(|i| format!("f{i:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let rows = match folder.to_string_lossy().contains("flat") {
        true => rows.tensor("features", &names).unwrap(),
        false => rows,
    };
    let batches = rows
        .shuffle()
        .loader(cx)
        .batch_size(BATCH)
        .epochs(1)
        .blocking()
        .unwrap();
    let touch = |batch: millstream::loader::Batch| {
        let features = tensor::floats::<2>(batch.rows(), "features", &device).unwrap();
        let integers = ["id", "label"].map(|name| tensor::ints(batch.rows(), name, &device).unwrap());
        black_box((features, integers));
        batch.len() as u64
    };
    batches.map(|batch| touch(batch.unwrap())).sum()
}

/// Decodes all files, each of `threads` threads an equal part of them.
fn decode(files: &[PathBuf], threads: usize) -> u64 {
    let read = |path: &PathBuf| -> u64 {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
        let reader = reader.build().unwrap();
        reader.map(|batch| black_box(batch.unwrap()).num_rows() as u64).sum()
    };
    std::thread::scope(|scope| {
        let parts = files.chunks(files.len().div_ceil(threads));
        let running: Vec<_> = parts
            .map(|part| scope.spawn(move || part.iter().map(read).sum::<u64>()))
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// Writes files of `groups` row groups of `rows` rows.
fn make(folder: &Path, layout: &str, groups: usize, rows: usize) {
    fs::create_dir_all(folder).unwrap();
    let codec = match layout.ends_with("zstd") {
        true => Compression::ZSTD(Default::default()),
        false => Compression::UNCOMPRESSED,
    };
    for file in 0..FILES {
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_dictionary_enabled(false)
            .set_max_row_group_row_count(Some(rows))
            .build();
        let batch = numbers(layout, file, groups * rows);
        let path = File::create(folder.join(format!("part-{file:02}.parquet"))).unwrap();
        let mut writer = ArrowWriter::try_new(path, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
}

/// Normal numbers in steps of 1/256, so that zstd finds something. All columns may have nulls, as pyarrow writes them.
fn numbers(layout: &str, file: usize, rows: usize) -> RecordBatch {
    let mut rng = Rng::new(0, "numbers", file as u64);
    let values: Vec<f32> = (0..rows * WIDTH)
        .map(|_| (rng.normal() * 256.0).round() / 256.0)
        .collect();
    let ids = (file * rows) as i64..((file + 1) * rows) as i64;
    let labels = ids.clone().map(|id| id % 10);
    let integers: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from_iter_values(ids.clone()))),
        ("label", Arc::new(Int64Array::from_iter_values(labels))),
    ];
    let features: Vec<(String, ArrayRef)> = match layout.starts_with("list") {
        true => {
            let item = Arc::new(Field::new_list_field(DataType::Float32, true));
            let list = FixedSizeListArray::new(item, WIDTH as i32, Arc::new(Float32Array::from(values)), None);
            vec![("features".to_owned(), Arc::new(list))]
        }
        false => {
            let column = |at: usize| Float32Array::from_iter_values(values.iter().skip(at).step_by(WIDTH).copied());
            (0..WIDTH)
                .map(|at| (format!("f{at:02}"), Arc::new(column(at)) as ArrayRef))
                .collect()
        }
    };
    let features = features
        .iter()
        .map(|(name, column)| (name.as_str(), Arc::clone(column), true));
    let integers = integers.iter().map(|(name, column)| (*name, Arc::clone(column), true));
    RecordBatch::try_from_iter_with_nullable(features.chain(integers)).unwrap()
}
