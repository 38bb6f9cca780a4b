//! What synthetic rows cost beside the stored rows that they replace.
//!
//! `cargo bench --bench synthetic`: microseconds a row on one thread, median of nine (least to most), in batches of 64, and how many times what the stored row costs. Of pictures
//! that is with all that becomes of them until they are a tensor of 224 x 224. Without `--bench` (`cargo test --benches`) it only shows that everything runs.
#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark")]

#[allow(dead_code, reason = "some of it is for other benches")]
mod common;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{DataType, Field};
use millstream::image::{Image, Pixels};
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::{Memory, Parquet};
use millstream::synthetic::{
    Bank, BankSpec, Blend, BlendSpec, Gate, GateSpec, Gated, Generator, SampleId, Scenes, ScenesSpec, generators,
};
use millstream::{Context, Dataset, DatasetExt, Result, Stable};
use mimalloc::MiMalloc;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const BATCH: u64 = 64;
const WIDTH: usize = 1280;
const COLUMNS: usize = 8;
const SIDE: u32 = 224;

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    rows: u64,
    /// Batches of a run, and runs.
    batches: u64,
    runs: usize,
}

fn main() -> Result<()> {
    let size = match std::env::args().any(|argument| argument == "--bench") {
        true => Size {
            rows: 2000,
            batches: 4,
            runs: 9,
        },
        false => Size {
            rows: 64,
            batches: 1,
            runs: 1,
        },
    };
    let cx = Context::with(1, 1 << 30)?;
    tables(&cx, size)?;
    features(&cx, size)?;
    pictures(&cx, size)
}

/// Labels of two classes, the second of one row in `every`, and the rows in memory.
fn memory(columns: Vec<(String, ArrayRef)>, every: i64) -> Result<Arc<dyn Stable>> {
    let rows = columns[0].1.len() as i64;
    let class = |row: i64| i64::from(row % every == every - 1);
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(class)));
    let columns = columns.into_iter().chain([("label".to_owned(), label)]);
    Ok(Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns)?])?))
}

/// The same rows in a file, in row groups as an import writes them.
fn stored(cx: &Context, rows: &Arc<dyn Stable>, file: &tempfile::NamedTempFile) -> Result<Arc<dyn Stable>> {
    let all: Vec<u64> = (0..rows.len().finite().unwrap_or(0)).collect();
    common::write(file.path(), &cx.block_on(rows.take(cx, &all))?);
    Ok(Arc::new(
        cx.block_on(Parquet::open(cx, &file.path().to_string_lossy()))?,
    ))
}

/// The generator that `spec` says, in JSON.
fn fitted(cx: &Context, rows: &Arc<dyn Stable>, labels: &Arc<Labels>, spec: &str) -> Result<Arc<dyn Generator>> {
    let spec = generators().read_json(spec)?;
    cx.block_on(spec.fit(cx, Arc::clone(rows), labels))
}

fn labels(cx: &Context, rows: &Arc<dyn Stable>) -> Result<Arc<Labels>> {
    Ok(Arc::new(cx.block_on(Labels::scan(cx, rows, "label"))?))
}

fn tables(cx: &Context, size: Size) -> Result<()> {
    let mut rng = Rng::new(0, "tables", 0);
    let names: Vec<String> = (0..COLUMNS).map(|at| format!("x{at}")).collect();
    let mut column = || -> ArrayRef { Arc::new(Float32Array::from_iter_values((0..size.rows).map(|_| rng.normal()))) };
    let columns: Vec<(String, ArrayRef)> = names.iter().map(|name| (name.clone(), column())).collect();
    let file = tempfile::NamedTempFile::with_suffix(".parquet").expect("a temporary file");
    let rows = stored(cx, &memory(columns.clone(), 2)?, &file)?;
    let classes = labels(cx, &rows)?;
    println!("a table of {COLUMNS} columns");
    let of_row = real(cx, size, &rows)?;
    let drawn: Vec<String> = names
        .iter()
        .map(|name| format!(r#""{name}": {{"normal": {{"mean": 0, "std": 1}}}}"#))
        .collect();
    let fields = format!(r#"{{"columns": {names:?}}}"#);
    for (name, fields) in [
        ("smote", &*fields),
        ("borderline_smote", &*fields),
        ("adasyn", &*fields),
        ("jitter", &*fields),
        ("copula", "{}"),
        ("table", &*format!(r#"{{"columns": {{{}}}}}"#, drawn.join(", "))),
    ] {
        let generator = fitted(cx, &rows, &classes, &format!(r#"{{"{name}": {fields}}}"#))?;
        made(cx, size, name, &*generator, of_row)?;
    }
    let smote = fitted(cx, &rows, &classes, &format!(r#"{{"smote": {fields}}}"#))?;
    let gate = cx.block_on(Gate::fit(cx, &rows, &classes, GateSpec::new(names)))?;
    made(cx, size, "smote behind a gate", &Gated::new(smote, gate), of_row)?;
    let bank = bank(cx, &file, &rows, &classes)?;
    made(cx, size, "bank", &bank, of_row)?;

    println!("a table of {COLUMNS} columns, one of them of categories");
    let colours = (0..size.rows).map(|_| ["red", "green", "blue"][rng.below(3) as usize]);
    let colours: ArrayRef = Arc::new(StringArray::from_iter_values(colours));
    let numbers = columns.into_iter().skip(1);
    let columns = numbers.chain([("colour".to_owned(), colours)]).collect();
    let file = tempfile::NamedTempFile::with_suffix(".parquet").expect("a temporary file");
    let rows = stored(cx, &memory(columns, 2)?, &file)?;
    let classes = labels(cx, &rows)?;
    let of_row = real(cx, size, &rows)?;
    let smote_nc = fitted(cx, &rows, &classes, r#"{"smote_nc": {}}"#)?;
    made(cx, size, "smote_nc", &*smote_nc, of_row)
}

fn features(cx: &Context, size: Size) -> Result<()> {
    let mut rng = Rng::new(0, "features", 0);
    // Not below 0, as those of a network whose last layer is a rectifier: of these `calibrated` takes roots.
    let values = Float32Array::from_iter_values((0..size.rows * WIDTH as u64).map(|_| rng.normal().abs()));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let tensor: ArrayRef = Arc::new(FixedSizeListArray::try_new(item, WIDTH as i32, Arc::new(values), None)?);
    let of_classes = |every: i64| memory(vec![("features".to_owned(), Arc::clone(&tensor))], every);
    let rows = of_classes(2)?;
    let classes = labels(cx, &rows)?;
    println!("{WIDTH} features in memory");
    let of_row = real(cx, size, &rows)?;
    for name in ["smote", "borderline_smote", "adasyn", "jitter"] {
        let generator = fitted(cx, &rows, &classes, &format!(r#"{{"{name}": {{}}}}"#))?;
        made(cx, size, name, &*generator, of_row)?;
    }
    let smote = fitted(cx, &rows, &classes, r#"{"smote": {}}"#)?;
    let gate = cx.block_on(Gate::fit(cx, &rows, &classes, GateSpec::default()))?;
    made(cx, size, "smote behind a gate", &Gated::new(smote, gate), of_row)?;
    // These make rows of classes that are smaller than the mean.
    let rows = of_classes(8)?;
    let classes = labels(cx, &rows)?;
    for name in ["residuals", "calibrated"] {
        let generator = fitted(cx, &rows, &classes, &format!(r#"{{"{name}": {{}}}}"#))?;
        made(cx, size, name, &*generator, of_row)?;
    }
    Ok(())
}

fn pictures(cx: &Context, size: Size) -> Result<()> {
    let photos = BinaryArray::from_iter_values((0..size.rows.min(300)).map(common::photo));
    let small = BinaryArray::from_iter_values((0..size.rows.min(2000)).map(spot));
    for (what, pictures) in [
        ("photos (JPEG, 500 x 400)", photos),
        ("small pictures (PNG, 28 x 28)", small),
    ] {
        let rows = memory(vec![("image".to_owned(), Arc::new(pictures))], 2)?;
        let file = tempfile::NamedTempFile::with_suffix(".parquet").expect("a temporary file");
        let rows = stored(cx, &rows, &file)?;
        let labels = labels(cx, &rows)?;
        println!("{what}");
        let images = Arc::clone(&rows).image("image", Image::new(SIDE))?;
        let real = real(cx, size, &images)?;
        let blend = Blend::new(Arc::clone(&rows), &labels, BlendSpec::default())?;
        made_pictures(cx, size, "blend", &blend, real)?;
        let bank = bank(cx, &file, &rows, &labels)?;
        made_pictures(cx, size, "bank", &bank, real)?;
        if what.starts_with("small") {
            let scenes = cx.block_on(Scenes::open(cx, rows, &labels, ScenesSpec::default()))?;
            made_pictures(cx, size, "scenes (160 x 120)", &scenes, real)?;
        }
    }
    Ok(())
}

/// A light spot on black.
fn spot(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed, "spot", 0);
    let (x, y, reach) = (rng.range(10.0, 18.0), rng.range(10.0, 18.0), rng.range(4.0, 9.0));
    let mut pixels = Pixels::<u8>::with_channels(28, 28, 1);
    for (at, level) in pixels.levels.iter_mut().enumerate() {
        let (dx, dy) = ((at % 28) as f32 - x, (at / 28) as f32 - y);
        *level = if dx.hypot(dy) < reach {
            120 + rng.below(100) as u8
        } else {
            0
        };
    }
    pixels.to_png().expect("a picture")
}

fn bank(cx: &Context, file: &tempfile::NamedTempFile, rows: &Arc<dyn Stable>, labels: &Arc<Labels>) -> Result<Bank> {
    let spec = BankSpec {
        path: vec![file.path().to_string_lossy().into_owned()],
        ..BankSpec::default()
    };
    cx.block_on(Bank::open(cx, &spec, rows, labels))
}

/// Microseconds of a stored row, in a shuffled order.
fn real(cx: &Context, size: Size, rows: &dyn Dataset) -> Result<f64> {
    let all = rows.len().finite().unwrap_or(1);
    let mut rng = Rng::new(1, "order", 0);
    let found = timed(size, |_| {
        let positions: Vec<u64> = (0..BATCH).map(|_| rng.below(all)).collect();
        cx.block_on(rows.take(cx, &positions)).map(|rows| drop(black_box(rows)))
    })?;
    Ok(told("stored", &found, None))
}

fn made(cx: &Context, size: Size, name: &str, generator: &dyn Generator, real: f64) -> Result<()> {
    let classes: Vec<u32> = (0..2).filter(|&class| generator.supports(class)).collect();
    let found = timed(size, |batch| {
        cx.block_on(generator.generate(cx, &wanted(batch, &classes)))
            .map(|rows| drop(black_box(rows)))
    })?;
    told(name, &found, Some(real));
    Ok(())
}

/// As [`made`], with what becomes of the pictures.
fn made_pictures(cx: &Context, size: Size, name: &str, generator: &dyn Generator, real: f64) -> Result<()> {
    let positions: Vec<u64> = (0..BATCH).collect();
    let found = timed(size, |batch| {
        let made = cx.block_on(generator.generate(cx, &wanted(batch, &[0, 1])))?;
        let at = made.schema().index_of("image")?;
        // Scenes have Hugging Face's struct, whose first field is the bytes.
        let column = made.column(at);
        let bytes = column.as_struct_opt().map_or(column, |image| image.column(0));
        let made = RecordBatch::try_from_iter([("image", Arc::clone(bytes))])?;
        let images = Memory::new(vec![made])?.image("image", Image::new(SIDE))?;
        cx.block_on(images.take(cx, &positions))
            .map(|rows| drop(black_box(rows)))
    })?;
    told(name, &found, Some(real));
    Ok(())
}

fn wanted(batch: u64, classes: &[u32]) -> Vec<SampleId> {
    let of_each = BATCH / classes.len() as u64;
    let indices = batch * of_each..(batch + 1) * of_each;
    indices
        .flat_map(|index| classes.iter().map(move |&class| SampleId { class, index }))
        .collect()
}

/// Microseconds a row of each run, in order.
fn timed(size: Size, mut work: impl FnMut(u64) -> Result<()>) -> Result<Vec<f64>> {
    let mut batch = 0;
    let mut found = Vec::new();
    for run in 0..=size.runs {
        let begun = Instant::now();
        for _ in 0..size.batches {
            work(batch)?;
            batch += 1;
        }
        let rows = (size.batches * BATCH) as f64;
        // The first run finds nothing in memory.
        if run > 0 {
            found.push(begun.elapsed().as_secs_f64() * 1e6 / rows);
        }
    }
    found.sort_by(f64::total_cmp);
    Ok(found)
}

fn told(name: &str, found: &[f64], real: Option<f64>) -> f64 {
    let median = found[found.len() / 2];
    let times = real.map_or_else(String::new, |real| format!("  {:.2} times a stored row", median / real));
    println!(
        "  {name:<20} {median:>9.1} ({:.1} to {:.1}){times}",
        found[0],
        found[found.len() - 1]
    );
    median
}
