//! Photos in files of their own, in the folders of their classes, beside the same photos in Parquet.
//!
//! `cargo bench --bench folder [-- PHOTOS.parquet] [--keep DIR]`: pairs of runs in turn through one pipeline (shuffle, random resized
//! crop, flip, normalise, batches of 64), photos a second of both and the ratio. The photos of the file, repeated up to 3,000, are
//! written as files to a temporary folder, or to DIR, where they stay for others to read, and as Parquet beside it. Without a file it
//! makes some. Without `--bench` (`cargo test --benches`) it only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

mod common;

use arrow::array::{Array, AsArray, BinaryArray, Int64Array, RecordBatch};
use millstream::image::Image;
use millstream::source::Files;
use millstream::{Context, Dataset, DatasetExt};
use mimalloc::MiMalloc;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const THREADS: usize = 2;
const SIZE: u32 = 224;
const EPOCHS: u64 = 2;
/// Classes that photos are spread over.
const CLASSES: usize = 6;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (pairs, count) = match arguments.iter().any(|a| a == "--bench") {
        true => (7, 3000),
        false => (1, 70),
    };
    let cx = Context::with(THREADS, 1 << 30).unwrap();
    let given = arguments.iter().find(|argument| argument.ends_with(".parquet"));
    let photos = match given {
        Some(path) => stored(&cx, path),
        None => (0..count.min(500) as u64).map(common::photo).collect(),
    };
    let temporary = tempfile::tempdir().unwrap();
    let keep = arguments.iter().position(|argument| argument == "--keep");
    let folder = match keep {
        Some(at) => PathBuf::from(&arguments[at + 1]),
        None => temporary.path().join("photos"),
    };
    let table = temporary.path().join("photos.parquet");
    write(&photos, count, &folder, &table);
    println!("{THREADS} threads, {count} photos, {pairs} pairs, photos a second, median (least to most)");
    let both: Vec<(f64, f64)> = (0..pairs).map(|_| (speed(&cx, &folder), speed(&cx, &table))).collect();
    let [files, parquet, ratio] = common::compared(&both);
    println!(
        "folder {:.0} ({:.0} to {:.0})  Parquet {:.0} ({:.0} to {:.0})  ratio {:.2} ({:.2} to {:.2})",
        files.0, files.1, files.2, parquet.0, parquet.1, parquet.2, ratio.0, ratio.1, ratio.2
    );
}

/// Photos a second, opened anew.
fn speed(cx: &Context, path: &Path) -> f64 {
    let rows = cx.block_on(Files::open(cx, &[path.display().to_string()])).unwrap();
    let rows = rows.columns(&["image"]).unwrap();
    let stage = Image::new(SIZE)
        .random_resized_crop(0.08..=1.0, 0.75..=1.3333)
        .horizontal_flip(0.5);
    let images = rows.shuffle().image("image", stage).unwrap();
    let begun = Instant::now();
    let batches = images.loader(cx).batch_size(64).epochs(EPOCHS).blocking().unwrap();
    let count: usize = batches.map(|batch| black_box(batch.unwrap()).len()).sum();
    count as f64 / begun.elapsed().as_secs_f64()
}

/// The photos of a Parquet file.
fn stored(cx: &Context, path: &str) -> Vec<Vec<u8>> {
    let rows = cx.block_on(Files::open(cx, &[path])).unwrap();
    let column = rows.image_column().unwrap();
    let rows = rows.columns(&[&column]).unwrap();
    let all: Vec<u64> = (0..rows.len().finite().unwrap().min(3000)).collect();
    let rows = cx.block_on(rows.take(cx, &all)).unwrap();
    rows.column(0)
        .as_binary_view()
        .iter()
        .flatten()
        .map(<[u8]>::to_vec)
        .collect()
}

/// Writes `count` of `photos`, over and over, as files and as Parquet in row groups of 64.
fn write(photos: &[Vec<u8>], count: usize, folder: &Path, table: &Path) {
    let all = || (0..count).map(|at| (at, &photos[at % photos.len()]));
    for (at, photo) in all() {
        let class = folder.join(format!("class {}", at % CLASSES));
        std::fs::create_dir_all(&class).unwrap();
        std::fs::write(class.join(format!("{at:05}.jpg")), photo).unwrap();
    }
    let image = BinaryArray::from_iter_values(all().map(|(_, photo)| photo));
    let label = Int64Array::from_iter_values((0..count).map(|at| (at % CLASSES) as i64));
    let rows =
        RecordBatch::try_from_iter([("image", Arc::new(image) as Arc<dyn Array>), ("label", Arc::new(label))]).unwrap();
    common::write(table, &rows);
}
