//! `generate sample --generator`: rows of any generator written once, and trained on beside the stored ones.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use crate::common::context;
use arrow::array::{
    ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use millstream::dataset::Origin;
use millstream::image::Pixels;
use millstream::rows::Labels;
use millstream::source::{Files, Parquet};
use millstream::synthetic::{Bank, BankSpec};
use millstream::{Dataset, Stable};
use parquet::arrow::ArrowWriter;
use serde_json::json;
use std::collections::HashMap;
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

fn sample(folder: &Path, arguments: &[&str], done: bool) -> String {
    said(folder, &[&["generate", "sample"][..], arguments].concat(), done)
}

fn write(path: &Path, rows: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// So many dark pictures of 64 x 48 pixels, each with one square, as data of detection and with the class of the picture; `from` moves the squares.
fn pictures(path: &Path, rows: usize, from: usize) {
    let corner = |row: usize| [(from + 3 * row) % 44, (from + 5 * row) % 30];
    let picture = |row: usize| {
        let [left, top] = corner(row);
        let mut pixels = Pixels::new(64, 48);
        for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
            if (left..left + 14).contains(&(at % 64)) && (top..top + 14).contains(&(at / 64)) {
                pixel.fill([120, 230][row % 2]);
            }
        }
        pixels.to_png().unwrap()
    };
    let classes = || Int64Array::from_iter_values((0..rows).map(|row| (row % 2) as i64));
    let list = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        Arc::new(ListArray::new(
            item,
            OffsetBuffer::from_lengths(vec![1; rows]),
            values,
            None,
        ))
    };
    let numbers = (0..rows).flat_map(|row| {
        let [left, top] = corner(row).map(|side| side as f32);
        [left, top, 14.0, 14.0]
    });
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let boxes = FixedSizeListArray::new(item, 4, Arc::new(Float32Array::from_iter_values(numbers)), None);
    let fields = [("bbox", list(Arc::new(boxes))), ("category", list(Arc::new(classes())))];
    let fields = fields.map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
    let objects: ArrayRef = Arc::new(StructArray::from(fields.to_vec()));
    let images: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..rows).map(picture)));
    let label = json!({"names": ["dim", "light"], "_type": "ClassLabel"});
    let number = json!({"dtype": "float32", "_type": "Value"});
    let features = json!({
        "image": {"_type": "Image"},
        "objects": {"_type": "Sequence", "length": -1, "feature": {
            "bbox": {"_type": "Sequence", "length": 4, "feature": number},
            "category": label,
        }},
        "label": label,
    });
    let metadata = HashMap::from([(
        "huggingface".to_owned(),
        json!({"info": {"features": features}}).to_string(),
    )]);
    let fields = vec![
        Field::new("image", DataType::Binary, true),
        Field::new("objects", objects.data_type().clone(), true),
        Field::new("label", DataType::Int64, true),
    ];
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    write(
        path,
        &RecordBatch::try_new(schema, vec![images, objects, Arc::new(classes())]).unwrap(),
    );
}

const SCENES: &str = r#"{"scenes": {"width": 64, "height": 48, "objects": 2, "recolor": false}}"#;

#[test]
fn pictures_are_written_once_and_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    pictures(&at.join("train.parquet"), 12, 0);
    pictures(&at.join("valid.parquet"), 6, 1);
    let data = [
        "--train",
        "train.parquet",
        "--valid",
        "valid.parquet",
        "--label",
        "label",
        "--seed",
        "3",
    ];
    let made = |generator: &str, out: &str| {
        let what = ["--generator", generator, "--rows", "8", "--out", out];
        let told = sample(at, &[&what[..], &data].concat(), true);
        assert!(told.contains(&format!("8 rows are in {out}")), "{told}");
    };
    made(SCENES, "scenes.parquet");
    made(SCENES, "again.parquet");
    made("blend", "blended.parquet");
    let bytes = |name: &str| fs::read(at.join(name)).unwrap();
    assert_eq!(bytes("scenes.parquet"), bytes("again.parquet"));

    let cx = context();
    let open = |name: &str| {
        let path = at.join(name).display().to_string();
        cx.block_on(Parquet::open(&cx, path)).unwrap()
    };
    for (name, kind, columns) in [
        (
            "scenes.parquet",
            "scenes ",
            &["image", "mask", "objects", "label", "generator"][..],
        ),
        ("blended.parquet", "blend ", &["image", "label", "generator"]),
    ] {
        let rows = open(name);
        let schema = rows.schema();
        let found: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(found, columns);
        let labels = cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap();
        assert_eq!(labels.names(), ["dim", "light"]);
        assert_eq!(labels.counts(), [4, 4]);
        for row in 0..8 {
            let provenance = rows.provenance(&cx, row);
            assert_eq!(provenance.origin, Origin::Synthetic);
            let by = provenance.generator.unwrap();
            assert!(by.starts_with(kind) && by.ends_with(", seed 3"), "{by}");
        }
    }
    // Objects have the fields that those of the training file have.
    let schema = open("scenes.parquet").schema();
    let DataType::Struct(fields) = schema.field_with_name("objects").unwrap().data_type() else {
        panic!("objects are a struct of lists");
    };
    let fields: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    assert_eq!(fields, ["bbox", "category"]);

    let finetune = |made: &str, arguments: &[&str], done: bool| {
        let run = [
            "finetune",
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
        ];
        let train = ["--train", "train.parquet", made];
        said(at, &[&run[..], &train, arguments].concat(), done)
    };
    finetune("scenes.parquet", &["--out", "detection"], true);
    let page = fs::read_to_string(at.join("detection/report.html")).unwrap();
    assert!(page.contains("<th>training boxes</th>"), "its boxes are counted");
    let classify = ["--task", "classify", "--label", "label"];
    finetune(
        "blended.parquet",
        &[&classify[..], &["--out", "classification"]].concat(),
        true,
    );
    assert!(at.join("classification/report.html").exists());

    // A run fills no balance with pictures, and says what to do.
    let fill = ["--synthetic", "0.5", "--generator", "scenes", "--out", "filled"];
    let refused = finetune("blended.parquet", &[&classify[..], &fill].concat(), false);
    assert!(
        refused.contains("scenes reads the column") && refused.contains("`millstream generate sample`"),
        "{refused}"
    );
    assert!(!at.join("filled").exists());
    // Where rows are held out, made ones are refused, as they are for a fit.
    let mixed = ["--generator", "blend", "--rows", "4", "--out", "x.parquet"];
    let train = ["--train", "train.parquet", "blended.parquet", "--label", "label"];
    let refused = sample(at, &[&mixed[..], &train].concat(), false);
    assert!(refused.contains("8 of 20 rows are synthetic"), "{refused}");
    assert!(!at.join("x.parquet").exists());
}

/// A table of `x` and of classes in column `y`: forty cats, twenty dogs, whose values are 100 and more, and one eel.
fn table(path: &Path, first: f64) {
    let class = |row: usize| match row {
        0..40 => "cat",
        40..60 => "dog",
        _ => "eel",
    };
    let x = (0..61).map(|row| first + row as f64 + if row < 40 { 0.0 } else { 100.0 });
    let columns: [(&str, ArrayRef); 2] = [
        ("x", Arc::new(Float64Array::from_iter_values(x))),
        ("y", Arc::new(StringArray::from_iter_values((0..61).map(class)))),
    ];
    write(path, &RecordBatch::try_from_iter(columns).unwrap());
}

const SMOTE: &str = r#"{"smote": {"columns": ["x"]}}"#;

#[test]
fn rows_of_a_table_are_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("train.parquet"), 0.0);
    table(&at.join("valid.parquet"), 0.5);
    let data = ["--train", "train.parquet", "--label", "y", "--valid", "valid.parquet"];
    let cx = context();
    let [train, made] = ["train.parquet", "made.parquet"].map(|name| at.join(name).display().to_string());
    for generator in [
        SMOTE,
        r#"{"jitter": {"columns": ["x"]}}"#,
        "copula",
        r#"{"table": {"columns": {"x": {"normal": {"mean": 120, "std": 3}}}}}"#,
    ] {
        let what = ["--generator", generator, "--rows", "30", "--classes", "cat", "dog"];
        let told = sample(
            at,
            &[&what[..], &data, &["--out", "made.parquet", "--overwrite"]].concat(),
            true,
        );
        assert!(told.contains("30 rows are in made.parquet"), "{told}");
        // They are read beside the stored rows.
        let both = cx.block_on(Files::open(&cx, &[&train, &made])).unwrap();
        let labels = cx.block_on(Labels::scan(&cx, &both, "y")).unwrap();
        assert_eq!(labels.names(), ["cat", "dog", "eel"], "{generator}");
        assert_eq!(labels.counts(), [55, 35, 1], "{generator}");
        // They fill a balance.
        let stored: Arc<dyn Stable> = Arc::new(cx.block_on(Files::open(&cx, &[&train])).unwrap());
        let own = Arc::new(cx.block_on(Labels::scan(&cx, &stored, "y")).unwrap());
        let spec = BankSpec {
            path: vec![made.clone()],
            label: None,
        };
        let bank = cx.block_on(Bank::open(&cx, &spec, &stored, &own)).unwrap();
        assert_eq!(bank.counts(), [15, 15, 0], "{generator}");
    }
    // Of the classes' shares, and without validation rows: some are held out.
    let what = [
        "--generator",
        SMOTE,
        "--rows",
        "30",
        "--out",
        "dogs.parquet",
        "--classes",
    ];
    let train = ["--label", "y", "--train", "train.parquet"];
    let told = sample(at, &[&what[..], &["dog"], &train].concat(), true);
    assert!(told.contains("held out for validation"), "{told}");
    let dogs = at.join("dogs.parquet").display().to_string();
    let dogs = cx.block_on(Parquet::open(&cx, dogs)).unwrap();
    let rows = cx.block_on(dogs.take(&cx, &(0..30).collect::<Vec<u64>>())).unwrap();
    let x = rows["x"].as_primitive::<Float64Type>();
    assert!(
        x.values().iter().all(|x| (140.0..160.0).contains(x)),
        "between two dogs: {x:?}"
    );
}

#[test]
fn what_cannot_be_written_is_refused_first() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("train.parquet"), 0.0);
    table(&at.join("valid.parquet"), 0.5);
    let before = fs::read(at.join("train.parquet")).unwrap();
    let data = [
        "--rows",
        "4",
        "--train",
        "train.parquet",
        "--label",
        "y",
        "--valid",
        "valid.parquet",
    ];
    let refused = |arguments: &[&str], part: &str| {
        let told = sample(at, &[arguments, &data].concat(), false);
        assert!(told.contains(part), "{arguments:?}: {told}");
    };
    for (generator, part) in [
        ("smoke", "do you mean \"smote\"?"),
        ("vae", "generate fit"),
        (r#"{"rows": {"path": "valid.parquet"}}"#, "lie in a file already"),
        ("blend", "\"image\""),
        (r#"{"smote": {"columns": ["z"]}}"#, "\"z\""),
        (
            r#"{"table": {"columns": {"z": {"normal": {"mean": 1, "std": 1}}}}}"#,
            "lack \"x\"",
        ),
    ] {
        refused(&["--generator", generator, "--out", "x.parquet"], part);
    }
    refused(
        &["--generator", SMOTE, "--classes", "eel", "--out", "x.parquet"],
        "smote can make no rows of class \"eel\", which has 1 training row: leave the class out",
    );
    refused(
        &["--generator", SMOTE, "--classes", "ell", "--out", "x.parquet"],
        "there is no class \"ell\": they are cat, dog, eel",
    );
    refused(&["--generator", SMOTE, "--out", "x.csv"], "name the file .parquet");
    refused(&["--generator", SMOTE, "--out", "train.parquet", "--overwrite"], "");
    refused(
        &["--generator", SMOTE, "--model", "vae", "--out", "x.parquet"],
        "cannot be used with",
    );
    let without = |arguments: &[&str], part: &str| {
        let told = sample(at, &[arguments, &["--rows", "4"]].concat(), false);
        assert!(told.contains(part), "{told}");
    };
    without(&["--generator", SMOTE], "--train");
    without(&[], "--model");
    assert!(!at.join("x.parquet").exists() && !at.join("x.csv").exists());
    assert_eq!(fs::read(at.join("train.parquet")).unwrap(), before);
}
