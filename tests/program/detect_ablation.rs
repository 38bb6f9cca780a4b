//! `ablation --detect`: ways to find rare boxes, by a recipe.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use arrow::array::{
    ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, ListArray, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use millstream::image::Pixels;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// Pixels of a side of a square.
const SIDE: usize = 16;

/// The squares of a picture of 64 x 48 pixels, by their left upper corner: a bright one, and in every fourth picture a dark one as well.
fn squares(row: usize) -> Vec<([usize; 2], &'static str)> {
    let at = (5 * row) % 24;
    let mut squares = vec![([at, at], "bright")];
    if row.is_multiple_of(4) {
        squares.push(([44, at], "dark"));
    }
    squares
}

fn picture(row: usize) -> Vec<u8> {
    let mut pixels = Pixels::<u8>::new(64, 48);
    pixels.levels.fill(110);
    for ([left, top], class) in squares(row) {
        for y in top..top + SIDE {
            let start = 3 * (64 * y + left);
            let level = if class == "bright" { 230 } else { 10 };
            pixels.levels[start..start + 3 * SIDE].fill(level);
        }
    }
    // No two are the same byte for byte.
    pixels.levels[0] = row as u8;
    pixels.to_png().unwrap()
}

/// Pictures of these rows, with their boxes as `import` writes them.
fn write(path: &Path, rows: std::ops::Range<usize>) {
    let all: Vec<_> = rows.clone().map(squares).collect();
    let offsets = OffsetBuffer::from_lengths(all.iter().map(Vec::len));
    let list = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        Arc::new(ListArray::new(item, offsets.clone(), values, None))
    };
    let corners = all.iter().flatten().map(|(corner, _)| corner.map(|side| side as f32));
    let numbers = corners.flat_map(|[left, top]| [left, top, SIDE as f32, SIDE as f32]);
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let boxes = FixedSizeListArray::new(item, 4, Arc::new(Float32Array::from_iter_values(numbers)), None);
    let classes: Vec<&str> = all.iter().flatten().map(|(_, class)| *class).collect();
    let classes = StringArray::from(classes);
    let fields = [("bbox", list(Arc::new(boxes))), ("category", list(Arc::new(classes)))];
    let fields = fields.map(|(name, column)| (Arc::new(Field::new(name, column.data_type().clone(), true)), column));
    let columns: [(&str, ArrayRef); 2] = [
        (
            "image",
            Arc::new(rows.map(|row| Some(picture(row))).collect::<BinaryArray>()),
        ),
        ("objects", Arc::new(StructArray::from(fields.to_vec()))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn ablation(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(["ablation", "--quick", "--seeds", "2", "--out", "out", "--json"]);
    command.args(more).current_dir(folder).output().unwrap()
}

#[test]
fn detectors_are_compared_on_other_files_than_those_of_the_recipe() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    write(&folder.join("pictures.parquet"), 0..24);
    write(&folder.join("others.parquet"), 24..32);
    let recipe = format!(
        "task = {{ detect = {{}} }}\n[data]\ntrain = \"left.parquet\"\nvalid = \"right.parquet\"\n[augment]\nviews = 2\ncrop = \"whole\"\n\
         operations = [{{ horizontal_flip = {{ p = 0.5 }} }}]\n[model]\nbackbone = {BACKBONE:?}\nsize = 64\nheight = 48\n[train]\nepochs = 3\nbatch_size = 8\n\
         learning_rate = 0.01\n"
    );
    fs::write(folder.join("squares.toml"), recipe).unwrap();
    let refused = |more: &[&str], part: &str| {
        let ran = ablation(folder, more);
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!ran.status.success() && said.contains(part), "{said}");
        assert!(!folder.join("out").exists());
    };
    refused(&["--detect", "absent.toml"], "absent.toml");
    // The files of the recipe are not there.
    refused(&["--detect", "squares.toml"], "left.parquet");
    refused(&["--detect-train", "pictures.parquet"], "--detect <RECIPE>");

    let files = ["--detect-train", "pictures.parquet", "--detect-test", "others.parquet"];
    let ran = ablation(folder, &[&["--detect", "squares.toml"][..], &files].concat());
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let printed: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let written = fs::read(folder.join("out/ablation.json")).unwrap();
    assert_eq!(printed, serde_json::from_slice::<Value>(&written).unwrap());
    let found = &printed["detection"][0];
    assert_eq!(
        (&found["name"], &found["test_pictures"]),
        (&"squares".into(), &8.into())
    );
    assert_eq!(found["classes"], serde_json::json!(["bright", "dark"]));
    assert_eq!(found["training_objects"], serde_json::json!([24, 6]));
    let rows = found["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["none", "repeat factors", "copy-paste", "scenes"]);
    assert!(rows.iter().all(|row| row["seeds"].as_array().unwrap().len() == 2));
    let page = fs::read_to_string(folder.join("out/ablation.html")).unwrap();
    assert!(page.contains("squares") && page.contains("copy-paste"), "{page}");
}
