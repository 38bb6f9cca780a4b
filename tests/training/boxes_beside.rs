//! Boxes in a column of another name than boxes are looked for in.
#![cfg(feature = "train")]

use super::detect::{objects, pictures, run, small, write};

use arrow::array::{ArrayRef, Int64Array};
use millstream::rows::BoxFormat;
use std::sync::Arc;

/// Sixteen pictures, every second one with a dark square beside the bright one.
fn squares() -> Vec<Vec<([f32; 4], i64)>> {
    let row = |row: usize| {
        let at = (row % 8) as f32;
        let bright = ([at, at, at + 24.0, at + 24.0], 0);
        let dark = ([60.0, at, 84.0, at + 24.0], 1);
        if row.is_multiple_of(2) {
            vec![bright, dark]
        } else {
            vec![bright]
        }
    };
    (0..16).map(row).collect()
}

#[test]
fn a_run_that_leaves_boxes_out_says_how_they_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let rows = squares();
    let faults = || ("faults", objects(&rows, BoxFormat::Xywh));
    let said = "column \"faults\" has boxes, too: data.label = \"faults\" reads them";
    let of = |file: &str, out: &str| small(file.to_owned(), &dir.path().join(out)).epochs(1);
    let is_said = |notes: &[String]| notes.iter().any(|note| note == said);

    let file = write(
        &dir.path().join("x.parquet"),
        vec![("image", pictures(&rows)), faults()],
    );
    let (_, notes) = run(&of(&file, "found")).unwrap();
    let task = "task: multilabel, since column \"faults.category\" is a list of classes";
    assert!(notes.iter().any(|note| note == task) && is_said(&notes), "{notes:?}");
    // As it says.
    let mut named = of(&file, "named");
    named.spec.data.label = Some("faults".to_owned());
    let (_, notes) = run(&named).unwrap();
    let task = "task: detect, since column \"faults\" holds boxes with classes";
    assert!(notes.iter().any(|note| note == task) && !is_said(&notes), "{notes:?}");

    // Beside a column that holds one class a row as well.
    let classes: ArrayRef = Arc::new(Int64Array::from_iter_values((0..16).map(|row| row % 2)));
    let columns = vec![("image", pictures(&rows)), ("label", classes), faults()];
    let file = write(&dir.path().join("both.parquet"), columns);
    let (_, notes) = run(&of(&file, "both")).unwrap();
    assert!(is_said(&notes), "{notes:?}");
}
