//! Tests of what is said of data that has changed.

use super::*;
use crate::image::Pixels;
use crate::task::spec::DataOptions;
use arrow::array::{ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use parquet::arrow::ArrowWriter;
use std::fs::File;

const ROWS: usize = 12;

/// Rows with two boxes each; those of row 5 begin at `left`.
fn write(path: &Path, left: f32) {
    let list = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        let offsets = OffsetBuffer::from_lengths(vec![2; ROWS]);
        Arc::new(ListArray::new(item, offsets, values, None))
    };
    let numbers = (0..ROWS).flat_map(|row| {
        let left = if row == 5 { left } else { 2.0 };
        [left, 3.0, 8.0, 6.0, left, 10.0, 9.0, 7.0]
    });
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let boxes = FixedSizeListArray::new(item, 4, Arc::new(Float32Array::from_iter_values(numbers)), None);
    let classes = Int64Array::from_iter_values((0..ROWS).flat_map(|_| [4, 7]));
    let fields = [("bbox", list(Arc::new(boxes))), ("category", list(Arc::new(classes)))];
    let fields = fields.map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
    let png = Pixels::new(32, 24).to_png().unwrap();
    let columns: [(&str, ArrayRef); 2] = [
        (
            "image",
            Arc::new((0..ROWS).map(|_| Some(&png)).collect::<BinaryArray>()),
        ),
        ("objects", Arc::new(StructArray::from(fields.to_vec()))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_box_that_has_moved_is_said_with_its_row() {
    let dir = tempfile::tempdir().unwrap();
    let (file, kept) = (dir.path().join("train.parquet"), dir.path().join("index"));
    let data = DataOptions {
        train: [file.display().to_string()].into_iter().collect(),
        held_out: 0.25,
        ..DataOptions::default()
    };
    // Each with a context of its own, as each launch of a program has.
    let read = |left: f32| {
        write(&file, left);
        let cx = Context::with(2, 1 << 28).unwrap();
        let datasets = Datasets::open(&cx, &data, None, 0).unwrap();
        let (fingerprint, hashes) = Fingerprint::read(&cx, &datasets, "weights", &mut |_| ()).unwrap();
        (cx, datasets, fingerprint, hashes)
    };
    let (.., was, hashes) = read(2.0);
    hashes.keep(&kept).unwrap();
    let (cx, datasets, is, hashes) = read(2.0);
    assert_eq!(was.difference(&cx, &is, &hashes, &kept, &datasets), None);
    let (cx, datasets, is, hashes) = read(4.0);
    let said = was.difference(&cx, &is, &hashes, &kept, &datasets).unwrap();
    assert!(
        said.contains("the training labels (column \"objects\") differ in 1 row: row 5 of row group 0 in "),
        "{said}"
    );
    assert!(
        said.contains("train.parquet is \"1 4 | 1 7\" still, but its boxes are others"),
        "{said}"
    );
}
