//! Photos to training batches, beside the same work on every photo without a loader around it.
//!
//! `cargo bench --bench photos [-- PHOTOS.parquet]`: pairs of runs in turn, images a second of both and the ratio, for each
//! decoder. Without a file it makes photos of 500 x 400 and about 110 kB. The bare loop has the encoded photos in memory, and
//! two threads that take one after the other, decode, crop, flip and normalise it, and throw it away. Without `--bench`
//! (`cargo test --benches`) it only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

mod common;

use arrow::array::{Array, AsArray, BinaryArray, RecordBatch};
use millstream::image::{Decoder, Image};
use millstream::rng::Rng;
use millstream::source::Parquet;
use millstream::{Context, Dataset, DatasetExt};
use mimalloc::MiMalloc;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// The program's allocator, for both.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const THREADS: usize = 2;
const SIZE: u32 = 224;
/// As a training has several: the first one opens the window.
const EPOCHS: u64 = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (pairs, count) = if arguments.iter().any(|a| a == "--bench") {
        (9, 1000)
    } else {
        (1, 70)
    };
    let made = tempfile::NamedTempFile::with_suffix(".parquet").unwrap();
    let given = arguments.iter().find(|argument| argument.ends_with(".parquet"));
    let path = given.cloned().unwrap_or_else(|| {
        make(made.path(), count);
        made.path().display().to_string()
    });
    let cx = Context::with(THREADS, 1 << 30).unwrap();
    let photos = cx.block_on(Parquet::open(&cx, &path)).unwrap();
    let column = photos.image_column().unwrap();
    let photos = photos.columns(&[&column]).unwrap();
    let rows: Vec<u64> = (0..photos.len().finite().unwrap().min(1000)).collect();
    let encoded = cx.block_on(photos.take(&cx, &rows)).unwrap();
    println!("{THREADS} threads, {pairs} pairs, images a second, median (least to most)");
    for decoder in [Decoder::Window, Decoder::Whole] {
        let stage = Image::new(SIZE)
            .decoder(decoder)
            .random_resized_crop(0.08..=1.0, 0.75..=1.3333)
            .horizontal_flip(0.5);
        let loader = || {
            let images = photos.clone().shuffle().image(&column, stage.clone()).unwrap();
            let batches = images.loader(&cx).batch_size(64).epochs(EPOCHS).blocking().unwrap();
            batches.map(|batch| black_box(batch.unwrap()).len()).sum()
        };
        let both: Vec<_> = (0..pairs)
            .map(|_| (speed(&loader), speed(&|| bare(&stage, &encoded))))
            .collect();
        let [loader, bare, ratio] = common::compared(&both);
        println!(
            "{decoder:?}: loader {:.0} ({:.0} to {:.0})  bare {:.0} ({:.0} to {:.0})  ratio {:.2} ({:.2} to {:.2})",
            loader.0, loader.1, loader.2, bare.0, bare.1, bare.2, ratio.0, ratio.1, ratio.2
        );
    }
}

/// Images a second.
fn speed(work: &dyn Fn() -> usize) -> f64 {
    let begun = Instant::now();
    let images = work();
    images as f64 / begun.elapsed().as_secs_f64()
}

/// The stage on every photo, from memory, on as many threads.
fn bare(stage: &Image, encoded: &RecordBatch) -> usize {
    let (next, photos) = (AtomicUsize::new(0), encoded.column(0).as_binary_view());
    let all = photos.len() * EPOCHS as usize;
    let work = || {
        let mut out = vec![0.0; 3 * (SIZE * SIZE) as usize];
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && at < all
        {
            let rng = &mut Rng::new(0, "image", at as u64);
            stage.apply(photos.value(at % photos.len()), rng, &mut out).unwrap();
            black_box(&out);
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    all
}

/// Photos of `count` scenes.
fn make(path: &std::path::Path, count: u64) {
    let rows = BinaryArray::from_iter_values((0..count).map(common::photo));
    common::write(
        path,
        &RecordBatch::try_from_iter([("image", Arc::new(rows) as _)]).unwrap(),
    );
}
