//! Photos with boxes to training batches: decode, affine motion, flip, colours, boxes.
//!
//! `cargo bench --bench detection -- PHOTOS.parquet`: rounds of the pipeline with its boxes and without them in turn, images a second of both
//! and the ratio, on two threads. `-- PHOTOS.parquet --json`: one run with boxes after a warm-up, as one JSON line, for `peers/pair.py` beside
//! `peers/detection.py`, which has the same chain. The file is in Hugging Face's layout: `image`, and `objects` with `bbox` (`xywh`) and
//! `category`. Without a file it makes photos of 500 x 400 with eight boxes each. Without `--bench` (`cargo test --benches`) it
//! only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

mod common;

use arrow::array::{ArrayRef, BinaryArray, Float32Builder, Int64Builder, ListBuilder, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use millstream::image::{Affine, Boxes, Image};
use millstream::rng::Rng;
use millstream::rows::BoxFormat;
use millstream::source::Parquet;
use millstream::{Context, Dataset, DatasetExt};
use mimalloc::MiMalloc;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const THREADS: usize = 2;
const BATCH: u64 = 32;
const SIZE: [u32; 2] = [320, 240];
const COLUMNS: [&str; 2] = ["image", "objects"];

fn main() {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut given = |name: &str| {
        let before = arguments.len();
        arguments.retain(|argument| argument != name);
        arguments.len() < before
    };
    let (measured, json) = (given("--bench"), given("--json"));
    let made = tempfile::NamedTempFile::with_suffix(".parquet").unwrap();
    let path = arguments.pop().unwrap_or_else(|| {
        make(made.path(), if measured { 300 } else { 40 });
        made.path().display().to_string()
    });
    let cx = Context::with(THREADS, 1 << 30).unwrap();
    let rows = cx.block_on(Parquet::open(&cx, &path)).unwrap();
    let with = rows.clone().columns(&COLUMNS).unwrap();
    let with = cx.block_on(with.objects(&cx, COLUMNS[1], BoxFormat::Xywh)).unwrap();
    let schema = with.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let beside: Vec<&str> = names
        .filter(|name| name.starts_with("objects.") && *name != "objects.bbox")
        .collect();
    let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy)
        .label_fields(&beside)
        .min_visibility(0.25);
    let with = Arc::new(with.shuffle().image(COLUMNS[0], stage().boxes(boxes)).unwrap());
    let alone = rows.columns(&COLUMNS[..1]).unwrap().shuffle();
    let alone = Arc::new(alone.image(COLUMNS[0], stage()).unwrap());
    let (rounds, epochs) = match (measured, json) {
        (false, _) => (1, 1),
        (true, false) => (15, 6),
        (true, true) => (1, 12),
    };
    if json {
        run(&cx, &with, 2);
        let begun = Instant::now();
        let images = run(&cx, &with, epochs);
        let line = serde_json::json!({
            "peer": "millstream",
            "version": env!("CARGO_PKG_VERSION"),
            "images": images,
            "seconds": begun.elapsed().as_secs_f64(),
        });
        println!("{line}");
        return;
    }
    let mut pairs = Vec::new();
    for round in 0..rounds {
        // Whoever comes second is not always the same one.
        let [mut first, mut second] = [0.0; 2];
        for turn in 0..2 {
            match (round + turn) % 2 {
                0 => first = speed(&|| run(&cx, &with, epochs)),
                _ => second = speed(&|| run(&cx, &alone, epochs)),
            }
        }
        pairs.push((first, second));
    }
    let [with, alone, ratio] = common::compared(&pairs);
    println!("{THREADS} threads, {rounds} rounds, images a second, median (least to most)");
    println!(
        "with boxes {:.0} ({:.0} to {:.0})  the picture alone {:.0} ({:.0} to {:.0})  ratio {:.3} ({:.3} to {:.3})",
        with.0, with.1, with.2, alone.0, alone.1, alone.2, ratio.0, ratio.1, ratio.2
    );
}

/// The chain of `peers/detection.py`, without boxes.
fn stage() -> Image {
    Image::sized(SIZE[0], SIZE[1])
        .with(Affine::new(10.0).translate([0.1, 0.1]).scale(0.8..=1.25))
        .horizontal_flip(0.5)
        .color_jitter(0.2, 0.2, 0.2)
}

/// Loads so many epochs and gives the number of images.
fn run<D: Dataset>(cx: &Context, rows: &Arc<D>, epochs: u64) -> usize {
    let batches = Arc::clone(rows).loader(cx).batch_size(BATCH).epochs(epochs).blocking();
    batches.unwrap().map(|batch| black_box(batch.unwrap()).len()).sum()
}

/// Images a second.
fn speed(work: &dyn Fn() -> usize) -> f64 {
    let begun = Instant::now();
    let images = work();
    images as f64 / begun.elapsed().as_secs_f64()
}

/// Photos of `count` scenes, with boxes anywhere.
fn make(path: &Path, count: u64) {
    let image = BinaryArray::from_iter_values((0..count).map(common::photo));
    let mut boxes = ListBuilder::new(ListBuilder::new(Float32Builder::new()));
    let mut categories = ListBuilder::new(Int64Builder::new());
    for row in 0..count {
        let mut rng = Rng::new(row, "boxes", 0);
        for _ in 0..8 {
            let (left, top) = (rng.range(0.0, 400.0), rng.range(0.0, 300.0));
            let sides = [rng.range(20.0, 100.0), rng.range(20.0, 100.0)];
            boxes.values().values().append_slice(&[left, top, sides[0], sides[1]]);
            boxes.values().append(true);
            categories.values().append_value(rng.below(3) as i64);
        }
        boxes.append(true);
        categories.append(true);
    }
    let fields: [(&str, ArrayRef); 2] = [
        ("bbox", Arc::new(boxes.finish())),
        ("category", Arc::new(categories.finish())),
    ];
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, DataType::clone(array.data_type()), false);
    let objects = StructArray::new(
        fields.iter().map(field).collect::<Fields>(),
        fields.iter().map(|(_, array)| Arc::clone(array)).collect(),
        None,
    );
    let columns: [(&str, ArrayRef); 2] = [(COLUMNS[0], Arc::new(image)), (COLUMNS[1], Arc::new(objects))];
    common::write(path, &RecordBatch::try_from_iter(columns).unwrap());
}
