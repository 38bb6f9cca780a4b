//! Seconds from opening a dataset to its first batch, fresh and after a resume, and what a cursor costs.
//!
//! `cargo bench --bench start -- [PHOTOS]`: a gigabyte of rows of 64 numbers, and one of the JPEG photos in the Parquet file
//! PHOTOS over and over (`benches/peers/make_data.py` makes one; the PNGs of the demo where none is given). Each figure has a
//! context, an opening and a loader of its own; page cache warm. Without `--bench` it only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

use arrow::array::{ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Field};
use millstream::image::Image;
use millstream::loader::LoaderBuilder;
use millstream::source::Parquet;
use millstream::{Context, Cursor, Dataset, DatasetExt};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(feature = "cli")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FASHION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fashion-mnist-train.parquet");
const WIDTH: usize = 64;

struct Effort {
    bytes: u64,
    rounds: usize,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let effort = match arguments.iter().any(|argument| argument == "--bench") {
        true => Effort {
            bytes: 1 << 30,
            rounds: 9,
        },
        false => Effort {
            bytes: 4 << 20,
            rounds: 1,
        },
    };
    let photos = arguments.iter().find(|argument| argument.ends_with(".parquet"));
    let (photos, threads) = (photos.map_or(FASHION, String::as_str), threads());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.parquet");
    println!(
        "{threads} threads, seconds from open to the first batch: median (most) of {}",
        effort.rounds
    );
    println!(
        "{:<44} {:>16} {:>16} {:>16} {:>16}",
        "", "fresh", "at 10 %", "at 50 %", "at 90 %"
    );
    for (name, rows) in [("groups of 5,000", 5_000), ("groups of 1,000,000", 1_000_000)] {
        numbers(&path, &effort, rows);
        starts(&format!("numbers, {name}, batches of 256"), &path, &effort, rows_alone);
    }
    for group in [7_u64, 64] {
        copies(&path, &effort, photos, group << 20);
        starts(
            &format!("photos, groups of {group} MiB, batches of 64"),
            &path,
            &effort,
            pictures,
        );
    }
    cursor(&path, &effort);
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn writer(path: &Path, batch: &RecordBatch, group: usize) -> ArrowWriter<File> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(group))
        .build();
    ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap()
}

/// Rows of a list of 64 numbers and two integers.
fn numbers(path: &Path, effort: &Effort, group: usize) {
    const PART: usize = 50_000;
    let values = Float32Array::from_iter_values((0..PART * WIDTH).map(|i| i as f32));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let list = FixedSizeListArray::try_new(item, WIDTH as i32, Arc::new(values), None).unwrap();
    let number: ArrayRef = Arc::new(Int64Array::from_iter_values(0..PART as i64));
    let columns = [
        ("x", Arc::new(list) as ArrayRef),
        ("label", Arc::clone(&number)),
        ("id", number),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = writer(path, &batch, group);
    let parts = effort.bytes.div_ceil((PART * (WIDTH * 4 + 16)) as u64);
    (0..parts).for_each(|_| writer.write(&batch).unwrap());
    writer.close().unwrap();
}

/// The images of `photos` over and over.
fn copies(path: &Path, effort: &Effort, photos: &str, group: u64) {
    let cx = Context::with(1, 1 << 30).unwrap();
    let rows = cx.block_on(Parquet::open(&cx, photos)).unwrap();
    let column = rows.image_column().unwrap();
    let rows = rows.columns(&[&column]).unwrap();
    let len = rows.len().finite().unwrap();
    let sample: Vec<u64> = (0..len.min(2000)).collect();
    let batch = cx.block_on(rows.take(&cx, &sample)).unwrap();
    let bytes: usize = batch.column(0).as_binary_view().iter().flatten().map(<[u8]>::len).sum();
    let per_group = (group as usize * batch.num_rows() / bytes).max(1);
    let mut writer = writer(path, &batch, per_group);
    for turn in 0..effort.bytes.div_ceil(bytes as u64) {
        // Not the same photos in the same places of every group.
        let order = (0..batch.num_rows() as u64).map(|i| (i + turn * 7) % batch.num_rows() as u64);
        let order = arrow::array::UInt64Array::from_iter_values(order);
        writer.write(&take_record_batch(&batch, &order).unwrap()).unwrap();
    }
    writer.close().unwrap();
}

fn rows_alone(cx: &Context, rows: Parquet) -> LoaderBuilder {
    rows.shuffle().loader(cx).batch_size(256)
}

fn pictures(cx: &Context, rows: Parquet) -> LoaderBuilder {
    let column = rows.image_column().unwrap();
    let image = Image::new(224)
        .random_resized_crop(0.08..=1.0, 0.75..=1.3333)
        .horizontal_flip(0.5);
    rows.shuffle().image(&column, image).unwrap().loader(cx).batch_size(64)
}

type Pipeline = fn(&Context, Parquet) -> LoaderBuilder;

fn open(cx: &Context, path: &Path) -> Parquet {
    cx.block_on(Parquet::open(cx, path.to_str().unwrap())).unwrap()
}

fn context() -> Context {
    Context::with(threads(), 1 << 30).unwrap()
}

/// One line: the median and the most at each place.
fn starts(name: &str, path: &Path, effort: &Effort, pipeline: Pipeline) {
    warm(path);
    let cursors = [0, 10, 50, 90].map(|percent| at(path, pipeline, percent));
    let mut times = vec![Vec::new(); cursors.len()];
    for _ in 0..effort.rounds {
        for (cursor, times) in cursors.iter().zip(&mut times) {
            times.push(start(path, pipeline, cursor.as_ref()));
        }
    }
    let figures: Vec<String> = times.into_iter().map(figure).collect();
    println!(
        "{name:<44} {:>16} {:>16} {:>16} {:>16}",
        figures[0], figures[1], figures[2], figures[3]
    );
}

fn figure(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let seconds = |at: usize| times[at].as_secs_f64();
    format!("{:.3} ({:.3})", seconds(times.len() / 2), seconds(times.len() - 1))
}

/// Puts the file into the page cache.
fn warm(path: &Path) {
    let mut file = File::open(path).unwrap();
    std::io::copy(&mut file, &mut std::io::sink()).unwrap();
}

/// A place in the first epoch; none for its start.
fn at(path: &Path, pipeline: Pipeline, percent: u64) -> Option<Cursor> {
    if percent == 0 {
        return None;
    }
    let cx = context();
    let rows = open(&cx, path);
    let row = rows.len().finite().unwrap() * percent / 100;
    // One batch of all that lies before.
    let loader = pipeline(&cx, rows).batch_size(row).skip(1);
    Some(loader.build().unwrap().cursor())
}

/// Opens, goes on at `cursor`, and takes one batch.
fn start(path: &Path, pipeline: Pipeline, cursor: Option<&Cursor>) -> Duration {
    let begun = Instant::now();
    let cx = context();
    let loader = pipeline(&cx, open(&cx, path));
    let loader = match cursor {
        Some(cursor) => loader.resume(cursor).unwrap(),
        None => loader,
    };
    let mut batches = loader.blocking().unwrap();
    black_box(batches.next().unwrap().unwrap());
    begun.elapsed()
}

/// What a cursor costs: to take, to write, and to go on from.
fn cursor(path: &Path, effort: &Effort) {
    let cx = context();
    let loader = pictures(&cx, open(&cx, path));
    let batch = loader.clone().blocking().unwrap().next().unwrap().unwrap();
    let turns = 100 * effort.rounds as u32;
    let mean = |work: &dyn Fn()| {
        let begun = Instant::now();
        (0..turns).for_each(|_| work());
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(turns)
    };
    let text = batch.cursor().to_string();
    let taken = mean(&|| drop(black_box(batch.cursor())));
    let written = mean(&|| drop(black_box(batch.cursor().to_string())));
    let resumed = mean(&|| {
        let cursor: Cursor = text.parse().unwrap();
        drop(black_box(loader.clone().resume(&cursor).unwrap()));
    });
    println!(
        "a cursor: {} bytes; {taken:.2} us to take, {written:.1} us to write, {resumed:.1} us to read and resume",
        text.len()
    );
}
