//! What `generate` and what trains on its rows say of where rows come from: copies of held-out files, copies on both sides of a split, boxes in another layout.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use arrow::array::{
    Array, ArrayRef, BinaryArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Fields};
use millstream::image::Pixels;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// What standard error says, in one line; the command did it, or did not.
fn said(folder: &Path, arguments: &[&str], done: bool) -> String {
    let program = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .current_dir(folder)
        .args(arguments)
        .output();
    let output = program.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), done, "{arguments:?}: {said}");
    // Lines are as wide as a terminal.
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write(path: &Path, rows: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// Sixty rows of `x`, `town` and a class `y`; `first` moves x.
fn table(path: &Path, first: f64) {
    let text =
        |of: &dyn Fn(usize) -> &'static str| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..60).map(of))) };
    let x = (0..60).map(|row| first + row as f64 + if row < 40 { 0.0 } else { 100.0 });
    let columns: [(&str, ArrayRef); 3] = [
        ("x", Arc::new(Float64Array::from_iter_values(x))),
        ("town", text(&|row| ["Ulm", "Bonn"][row % 2])),
        ("y", text(&|row| if row < 40 { "cat" } else { "dog" })),
    ];
    write(path, &RecordBatch::try_from_iter(columns).unwrap());
}

const SMOTE: &str = r#"{"smote_nc": {"columns": ["x"], "categorical_features": ["town"]}}"#;

#[test]
fn rows_that_were_made_from_a_renamed_held_out_file_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("held.parquet"), 0.5);
    table(&at.join("other.parquet"), 0.25);
    let made = [
        "generate",
        "sample",
        "--generator",
        SMOTE,
        "--rows",
        "20",
        "--train",
        "held.parquet",
        "--valid",
        "other.parquet",
        "--label",
        "y",
        "--out",
        "made.parquet",
    ];
    said(at, &made, true);
    // Renamed, and a copy in another folder: the file is told by what is in it.
    fs::rename(at.join("held.parquet"), at.join("test.parquet")).unwrap();
    fs::create_dir(at.join("copies")).unwrap();
    fs::copy(at.join("test.parquet"), at.join("copies/b.parquet")).unwrap();
    let fit = |valid: &str, out: &str, done: bool| {
        let what = ["generate", "fit", "--kind", "copula", "--label", "y"];
        let data = ["--train", "made.parquet", "--valid", valid, "--out", out];
        said(at, &[&what[..], &data].concat(), done)
    };
    for valid in ["test.parquet", "copies/b.parquet"] {
        let refused = fit(valid, "model", false);
        assert!(
            refused.contains("synthetic training rows were made from row ")
                && refused.contains(&format!("in {valid}, which is held out")),
            "{refused}"
        );
        assert!(!at.join("model").exists());
    }
    let told = fit("other.parquet", "model", true);
    // What was fitted is said, and what of it is where.
    assert!(
        told.contains("fitted on 20 rows of 2 classes: cat 10, dog 10")
            && told.contains("columns: 1 of numbers (x), 1 of categories (town); classes: y")
            && told.contains("the generator is in model, after "),
        "{told}"
    );
}

#[test]
fn copies_on_both_sides_of_a_split_of_ones_own_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let class = |row: usize| ["a", "b"][row % 2];
    // Each row three times, and each once.
    let thrice: String = (0..90)
        .map(|row| format!("{}.5,{},{}\n", row % 30, row % 30 * 7 % 11, class(row % 30)))
        .collect();
    let once: String = (0..90)
        .map(|row| format!("{row}.5,{},{}\n", row * 7 % 11, class(row)))
        .collect();
    fs::write(at.join("thrice.csv"), format!("x,y,kind\n{thrice}")).unwrap();
    fs::write(at.join("once.csv"), format!("x,y,kind\n{once}")).unwrap();
    let fit = |train: &str, out: &str| {
        let what = [
            "generate",
            "fit",
            "--kind",
            "copula",
            "--label",
            "kind",
            "--held-out",
            "0.2",
        ];
        said(at, &[&what[..], &["--train", train, "--out", out]].concat(), true)
    };
    let told = fit("thrice.csv", "thrice");
    let part =
        "of 18 held-out rows are equal to a training row, which the generator sees; rows were held out one by one";
    assert!(told.contains(part) && told.contains("by whole groups"), "{told}");
    let told = fit("once.csv", "once");
    assert!(!told.contains("equal to a training row"), "{told}");
    // So does a run, of its pictures: of eight each comes three times.
    let images: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..24).map(|row| picture(row % 8, 0).0)));
    let labels: ArrayRef = Arc::new(StringArray::from_iter_values((0..24).map(class)));
    let rows = RecordBatch::try_from_iter([("image", images), ("label", labels)]).unwrap();
    write(&at.join("pictures.parquet"), &rows);
    let run = [
        "finetune",
        "--train",
        "pictures.parquet",
        "--held-out",
        "0.25",
        "--backbone",
        BACKBONE,
        "--size",
        "64",
    ];
    let told = said(
        at,
        &[&run[..], &["--views", "1", "--epochs", "1", "--out", "run"]].concat(),
        true,
    );
    let part = " of 6 validation rows show the same pictures as training rows, so the figures say in part what was learnt by heart; rows were held out one by one";
    assert!(told.contains(part), "{told}");
    assert!(
        told.contains("augment.views is 1, so that each row comes as it is stored, and none is augmented"),
        "{told}"
    );
    // No rate of that size is meant.
    let kind = r#"{"ctgan": {"steps": 3, "learning_rate": 1e30}}"#;
    let hot = [
        "generate", "fit", "--kind", kind, "--label", "kind", "--train", "once.csv", "--out", "hot",
    ];
    let refused = said(at, &hot, false);
    assert!(
        refused.contains("learning_rate") && refused.contains("above 0 and up to 1"),
        "{refused}"
    );
    assert!(!at.join("hot").exists());
}

/// A dark picture of 64 x 48 pixels with a bright square.
fn picture(row: usize, from: usize) -> (Vec<u8>, [f32; 4]) {
    let [left, top] = [(from + 3 * row) % 44, (from + 5 * row) % 30];
    let mut pixels = Pixels::new(64, 48);
    for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
        if (left..left + 14).contains(&(at % 64)) && (top..top + 14).contains(&(at / 64)) {
            pixel.fill([120, 230][row % 2]);
        }
    }
    (pixels.to_png().unwrap(), [left as f32, top as f32, 14.0, 14.0])
}

/// So many pictures with a class and, as a list of structs or as a struct of lists, a box whose class is a text, and whether it is a crowd.
fn boxes(path: &Path, rows: usize, from: usize, is_list: bool) {
    let one_each = || OffsetBuffer::<i32>::from_lengths(vec![1; rows]);
    let list = |values: ArrayRef, offsets: OffsetBuffer<i32>| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        Arc::new(ListArray::new(item, offsets, values, None))
    };
    let drawn: Vec<(Vec<u8>, [f32; 4])> = (0..rows).map(|row| picture(row, from)).collect();
    let numbers = drawn.iter().flat_map(|(_, corners)| *corners);
    let numbers: ArrayRef = Arc::new(Float32Array::from_iter_values(numbers));
    let names = || -> ArrayRef {
        Arc::new(StringArray::from_iter_values(
            (0..rows).map(|row| ["dim", "light"][row % 2]),
        ))
    };
    let crowds: ArrayRef = Arc::new(Int64Array::from_value(0, rows));
    let corners = list(numbers, OffsetBuffer::from_lengths(vec![4; rows]));
    let values = [("bbox", corners), ("category", names()), ("iscrowd", crowds)];
    let fields = |values: &[(&str, ArrayRef)]| -> Fields {
        let field = |(name, values): &(&str, ArrayRef)| Field::new(*name, values.data_type().clone(), true);
        values.iter().map(field).collect()
    };
    let of = |values: &[(&str, ArrayRef)]| -> ArrayRef {
        let columns = values.iter().map(|(_, values)| Arc::clone(values)).collect();
        Arc::new(StructArray::new(fields(values), columns, None))
    };
    let objects = match is_list {
        true => list(of(&values), one_each()),
        false => of(&values.map(|(name, values)| (name, list(values, one_each())))),
    };
    let images: ArrayRef = Arc::new(BinaryArray::from_iter_values(drawn.iter().map(|(file, _)| file)));
    let columns = [("image", images), ("objects", objects), ("label", names())];
    write(path, &RecordBatch::try_from_iter(columns).unwrap());
}

const SCENES: &str = r#"{"scenes": {"width": 64, "height": 48, "objects": 2, "recolor": false}}"#;

/// A short training on the stored rows and the scenes.
const RUN: &[&str] = &[
    "finetune",
    "--train",
    "train.parquet",
    "scenes.parquet",
    "--valid",
    "valid.parquet",
    "--backbone",
    BACKBONE,
    "--size",
    "64",
    "--height",
    "48",
    "--views",
    "1",
    "--epochs",
    "1",
    "--out",
    "run",
    "--explain",
];

#[test]
fn scenes_are_trained_on_beside_boxes_in_any_layout() {
    for is_list in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        boxes(&at.join("train.parquet"), 12, 0, is_list);
        boxes(&at.join("valid.parquet"), 6, 1, is_list);
        let data = [
            "--train",
            "train.parquet",
            "--valid",
            "valid.parquet",
            "--label",
            "label",
        ];
        let sample = [
            "generate",
            "sample",
            "--generator",
            SCENES,
            "--rows",
            "8",
            "--out",
            "scenes.parquet",
        ];
        said(at, &[&sample[..], &data].concat(), true);
        let told = said(at, RUN, true);
        assert!(
            told.contains("of the 20 stored rows a generator made 8, which a report counts as synthetic"),
            "{told}"
        );
        let sheet = [
            "generate",
            "sheet",
            "--generator",
            SCENES,
            "--samples",
            "2",
            "--out",
            "sheet.png",
        ];
        let told = said(at, &[&sheet[..], &data].concat(), true);
        assert!(told.contains("the picture is in sheet.png"), "{told}");
        let png = Pixels::decode(&fs::read(at.join("sheet.png")).unwrap()).unwrap();
        assert!(png.width > 56 && png.height > 56);
    }
}

#[test]
fn rows_of_a_named_generator_go_through_a_gate() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("train.parquet"), 0.0);
    table(&at.join("valid.parquet"), 0.5);
    let sample = [
        "generate",
        "sample",
        "--generator",
        SMOTE,
        "--rows",
        "30",
        "--train",
        "train.parquet",
        "--valid",
        "valid.parquet",
        "--label",
        "y",
        "--gate",
    ];
    let told = said(at, &[&sample[..], &["--out", "gated.parquet"]].concat(), true);
    assert!(
        told.contains("gate: ") && told.contains("30 rows are in gated.parquet"),
        "{told}"
    );
    // Rows that are held against limits are counted, before any is written.
    let limits = r#"{"limits": {"rows": 40, "precision": 0, "coverage": 0, "nearer_to_training": 1, "refused": 1}}"#;
    let told = said(at, &[&sample[..], &[limits, "--out", "limited.parquet"]].concat(), true);
    assert!(told.contains("rows for the limits: 80/80"), "{told}");
}

#[test]
fn scenes_are_made_of_boxes_alone() {
    for is_list in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        for (name, rows, from) in [("train.parquet", 12, 0), ("valid.parquet", 6, 1)] {
            boxes(&at.join("labelled.parquet"), rows, from, is_list);
            let file = File::open(at.join("labelled.parquet")).unwrap();
            let mut batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
            let labelled = batches.next().unwrap().unwrap();
            // The picture and its objects.
            write(&at.join(name), &labelled.project(&[0, 1]).unwrap());
        }
        let data = ["--train", "train.parquet", "--valid", "valid.parquet"];
        let made = [
            &[
                "generate",
                "sample",
                "--generator",
                SCENES,
                "--rows",
                "8",
                "--out",
                "scenes.parquet",
            ][..],
            &data,
        ]
        .concat();
        let told = said(at, &made, true);
        assert!(
            told.contains("12 objects are cut out of the pictures, by the ellipse inside each box"),
            "{told}"
        );
        let told = said(at, RUN, true);
        assert!(told.contains("of the 20 stored rows a generator made 8"), "{told}");
        let sheet = [
            "generate",
            "sheet",
            "--generator",
            SCENES,
            "--samples",
            "2",
            "--out",
            "sheet.png",
        ];
        said(at, &[&sheet[..], &data].concat(), true);
        let masked = r#"{"scenes": {"mask": "mask"}}"#;
        let masked = ["generate", "sheet", "--generator", masked, "--out", "masked.png"];
        let told = said(at, &[&masked[..], &data].concat(), false);
        assert!(
            told.contains("objects are cut out by their boxes: leave mask out"),
            "{told}"
        );
        let blended = ["generate", "sheet", "--generator", "blend", "--out", "blended.png"];
        let told = said(at, &[&blended[..], &data].concat(), false);
        assert!(
            told.contains("column \"objects\" holds boxes, and this generator makes pictures of one class each"),
            "{told}"
        );
    }
}
