//! Small data for tests.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int64Type};
use millstream::error::ErrorKind;
use millstream::image::Pixels;
use millstream::mix::{Balance, BalanceSpec, Target};
use millstream::rng::Rng;
use millstream::rows::MultiLabels;
use millstream::source::{Memory, Parquet};
use millstream::{Context, DatasetExt, Error, Stable};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const FASHION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/fashion-mnist-train.parquet");

pub const WEIGHTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/weights/efficientnet-lite0.safetensors"
);

pub fn context() -> Context {
    Context::with(2, 1 << 28).unwrap()
}

pub fn fashion(cx: &Context) -> Parquet {
    cx.block_on(Parquet::open(cx, FASHION)).unwrap()
}

/// `counts[c]` rows of class `c`, mixed, with `id`, `label` (a string) and `x`, four numbers, in batches of ten.
pub fn table(counts: &[usize]) -> Memory {
    Memory::new(in_batches(&rows(&mixed(counts)), 10)).unwrap()
}

/// As [`table`], with a small PNG in place of the numbers.
pub fn pictures(counts: &[usize]) -> Memory {
    let classes = mixed(counts);
    let png = |row: usize| picture(row as u64).to_png().unwrap();
    let image: BinaryArray = (0..classes.len()).map(|row| Some(png(row))).collect();
    let label = Int64Array::from_iter_values(classes.iter().map(|&class| class as i64));
    let all = RecordBatch::try_from_iter([("image", Arc::new(image) as ArrayRef), ("label", Arc::new(label))]);
    Memory::new(in_batches(&all.unwrap(), 10)).unwrap()
}

/// Classes of so many rows: of most "a" alone, of some "b" or "c" as well, of a few none.
pub fn tags(rows: u64) -> MultiLabels {
    let of = |row: u64| match row {
        row if row % 23 == 7 => vec![],
        row if row % 17 == 3 => vec![0, 2],
        row if row % 5 == 0 => vec![0, 1],
        _ => vec![0],
    };
    MultiLabels::new("tags", ["a", "b", "c"].map(str::to_owned).to_vec(), (0..rows).map(of)).unwrap()
}

/// `rows` with each of them as often as its repeat factor says, by their [`tags`].
pub fn repeated<D: Stable>(cx: &Context, rows: D, threshold: f64) -> Balance<D> {
    let tags = tags(rows.len().finite().unwrap());
    let spec = BalanceSpec {
        target: Target::RepeatFactor(threshold),
        ..BalanceSpec::default()
    };
    rows.balance_rarest_with(cx, &tags, &spec, None).unwrap()
}

/// So many pictures of 40 x 30 pixels with a box, a mask of it and a point each.
pub fn with_targets(rows: usize) -> Memory {
    let corners = |row: usize| {
        let row = (row % 8) as f32;
        [row, 4.0, 12.0 + 2.0 * row, 16.0 + row]
    };
    let pixels = |row: usize| {
        let mut pixels = Pixels::new(40, 30);
        let level = |at: usize| (at * 7 + row * 31) as u8;
        pixels
            .levels
            .iter_mut()
            .enumerate()
            .for_each(|(at, value)| *value = level(at));
        pixels.to_png().unwrap()
    };
    let mask = |row: usize| {
        let [left, top, right, bottom] = corners(row).map(|side| side as usize);
        let inside = |at: usize| (left..right).contains(&(at % 40)) && (top..bottom).contains(&(at / 40));
        let values: Vec<u8> = (0..1200).map(|at| u8::from(inside(at))).collect();
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 40, 30);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&values).unwrap();
        png
    };
    let lists = |values: Vec<f32>, width: i32| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let items = FixedSizeListArray::new(item, width, Arc::new(Float32Array::from(values)), None);
        let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
        let offsets = OffsetBuffer::from_lengths(vec![1; rows]);
        Arc::new(ListArray::new(item, offsets, Arc::new(items), None))
    };
    let boxes = lists((0..rows).flat_map(corners).collect(), 4);
    let points = lists((0..rows).flat_map(|row| [corners(row)[0] + 3.0, 9.0]).collect(), 2);
    let columns: [(&str, ArrayRef); 5] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..rows as i64))),
        ("image", Arc::new(BinaryArray::from_iter_values((0..rows).map(pixels)))),
        ("mask", Arc::new(BinaryArray::from_iter_values((0..rows).map(mask)))),
        ("boxes", boxes),
        ("points", points),
    ];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

pub fn picture(row: u64) -> Pixels {
    let mut pixels = Pixels::new(12, 10);
    Rng::new(row, "picture", 0).fill(&mut pixels.levels);
    pixels
}

/// The class of each row.
pub fn mixed(counts: &[usize]) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..counts.len()).flat_map(|class| vec![class; counts[class]]).collect();
    let mut rng = Rng::new(1, "mixed", 0);
    for at in (1..classes.len()).rev() {
        classes.swap(at, rng.below(at as u64 + 1) as usize);
    }
    classes
}

pub fn rows(classes: &[usize]) -> RecordBatch {
    let id = Int64Array::from_iter_values(0..classes.len() as i64);
    let label = StringArray::from_iter_values(classes.iter().map(|class| format!("class {class}")));
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(id)),
        ("label", Arc::new(label)),
        ("x", numbers(classes.len())),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

pub fn numbers(rows: usize) -> ArrayRef {
    let mut rng = Rng::new(2, "numbers", 0);
    let values: Vec<f32> = (0..rows * 4).map(|_| rng.normal()).collect();
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    Arc::new(FixedSizeListArray::new(
        item,
        4,
        Arc::new(Float32Array::from(values)),
        None,
    ))
}

pub fn in_batches(all: &RecordBatch, rows: usize) -> Vec<RecordBatch> {
    let starts = (0..all.num_rows()).step_by(rows);
    starts
        .map(|start| all.slice(start, rows.min(all.num_rows() - start)))
        .collect()
}

pub fn ids(batch: &RecordBatch) -> Vec<i64> {
    ints(batch, "id")
}

pub fn ints(batch: &RecordBatch, column: &str) -> Vec<i64> {
    batch[column].as_primitive::<Int64Type>().values().to_vec()
}

/// The four numbers of each row.
pub fn vectors(batch: &RecordBatch) -> Vec<Vec<f32>> {
    let list = batch["x"].as_fixed_size_list();
    let values = |row: usize| {
        list.value(row)
            .as_primitive::<arrow::datatypes::Float32Type>()
            .values()
            .to_vec()
    };
    (0..list.len()).map(values).collect()
}

#[track_caller]
pub fn refused<T>(result: Result<T, Error>, kind: ErrorKind, text: &str) {
    let error = result.err().expect("an error");
    assert_eq!(error.to_string(), text);
    assert_eq!(error.kind(), kind, "{error}");
}

/// The error of `kind` that `result` is, whose text has `part`.
#[track_caller]
pub fn refusal<T>(result: Result<T, Error>, kind: ErrorKind, part: &str) -> Error {
    let error = result.err().expect("an error");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(part), "{part:?} is not in: {error}");
    error
}

/// Checks that `result` is an error of `kind` whose text has all of `parts`.
#[track_caller]
pub fn refused_with<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, parts: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} is not in: {error}");
    }
}

/// Shape and bytes of each tensor of a safetensors file.
pub fn tensors(file: &[u8]) -> BTreeMap<String, (Vec<u64>, Vec<u8>)> {
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let names: BTreeMap<String, Value> = serde_json::from_slice(&file[8..header]).unwrap();
    let offset = |entry: &Value, at: usize| header + entry["data_offsets"][at].as_u64().unwrap() as usize;
    let shape = |entry: &Value| {
        let sides = entry["shape"].as_array().unwrap().iter();
        sides.map(|side| side.as_u64().unwrap()).collect()
    };
    let named = names.into_iter().filter(|(name, _)| name != "__metadata__");
    let tensor = |entry: Value| (shape(&entry), file[offset(&entry, 0)..offset(&entry, 1)].to_vec());
    named.map(|(name, entry)| (name, tensor(entry))).collect()
}
