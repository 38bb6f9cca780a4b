//! Boxes in a column of another name than boxes are looked for in, or in no struct with their classes.
#![cfg(feature = "train")]

use super::detect::{objects, pictures, run, small, write};

use crate::common::context;
use arrow::array::{ArrayRef, AsArray, Int64Array};
use millstream::inspect::Inspect;
use millstream::rows::BoxFormat;
use millstream::task::Detect;
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

#[test]
fn boxes_in_no_struct_are_noted_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let rows = squares();
    let objects = objects(&rows, BoxFormat::Xywh);
    let field = |name: &str| ArrayRef::clone(objects.as_struct().column_by_name(name).unwrap());
    let columns = || {
        let image = ("image", pictures(&rows));
        vec![image, ("bbox", field("bbox")), ("category", field("category"))]
    };
    let said = "column \"bbox\" looks like boxes, and is not read: boxes are read from one column with their classes: put them into a struct of \
                lists that is called \"objects\", with the fields \"bbox\" and \"category\", as StructArray.from_arrays of pyarrow makes it \
                (docs/guides/detection.md)";
    let file = write(&dir.path().join("flat.parquet"), columns());
    let of = |out: &str| small(file.clone(), &dir.path().join(out)).epochs(1);

    let (_, notes) = run(&of("found")).unwrap();
    let task = "task: multilabel, since column \"category\" is a list of classes";
    assert!(notes.iter().any(|note| note == task), "{notes:?}");
    assert!(notes.iter().any(|note| note == said), "{notes:?}");
    let cx = context();
    let found = cx.block_on(Inspect::new([file.clone()]).run(&cx)).unwrap();
    assert!(
        found.labels.notes.iter().any(|note| note == said),
        "{:?}",
        found.labels.notes
    );

    // Where boxes are asked for.
    let error = run(&of("detect").task(Detect::default())).unwrap_err().to_string();
    assert!(
        error.contains("no column looks like one") && error.ends_with(said),
        "{error}"
    );
    for is_chosen in [false, true] {
        let mut named = of("named");
        if is_chosen {
            named = named.task(Detect::default());
        }
        named.spec.data.label = Some("bbox".to_owned());
        let error = run(&named).unwrap_err().to_string();
        assert!(error.ends_with(said), "{error}");
    }

    // As it says.
    let file = write(
        &dir.path().join("struct.parquet"),
        vec![("image", pictures(&rows)), ("objects", ArrayRef::clone(&objects))],
    );
    let (_, notes) = run(&small(file, &dir.path().join("struct")).epochs(1)).unwrap();
    let task = "task: detect, since column \"objects\" holds boxes with classes";
    assert!(notes.iter().any(|note| note == task), "{notes:?}");
    assert!(!notes.iter().any(|note| note.contains("looks like boxes")), "{notes:?}");

    // Beside one class a row.
    let mut classes = columns();
    classes.pop();
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..16).map(|row| row % 2)));
    classes.push(("label", label));
    let file = write(&dir.path().join("label.parquet"), classes);
    let found = cx.block_on(Inspect::new([file]).run(&cx)).unwrap();
    let notes = found.labels.notes;
    let said = "with the fields \"bbox\" and \"category\", a class for each box, as";
    assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
}
