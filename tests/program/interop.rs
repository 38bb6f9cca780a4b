//! What is written here is read by pyarrow and polars. Runs where `python3` has both; says that it did not run where not.
#![cfg(feature = "cli")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Float32Type;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use common::{context, pictures};
use millstream::image::Image;
use millstream::order::Lengths;
use millstream::source::Parquet;
use millstream::{Dataset, DatasetExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What pyarrow found in `files`; none where there is no pyarrow.
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
fn read_back(files: &[PathBuf]) -> Option<Vec<Value>> {
    let has = Command::new("python3").args(["-c", "import pyarrow, polars"]).output();
    if !has.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: there is no python3 with pyarrow and polars");
        return None;
    }
    let script = Path::new(ROOT).join("tests/scripts/read_back.py");
    let done = Command::new("python3").arg(script).args(files).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(serde_json::from_slice(&done.stdout).unwrap())
}

/// The numbers of a list. `serde_json` may read the last bit of an f64 otherwise than it was written; of an f32 it is far away.
fn floats(list: &Value) -> Vec<f32> {
    let numbers = list.as_array().unwrap().iter();
    numbers.map(|number| number.as_f64().unwrap() as f32).collect()
}

/// The files below `folder` whose names end with `end`.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn program(arguments: &[&str]) {
    let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn stream(path: &Path) -> RecordBatch {
    StreamReader::try_new(File::open(path).unwrap(), None)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
}

#[test]
#[ignore = "needs python3 with pyarrow and polars of today"]
fn features_scans_and_predictions_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let (run, table) = (dir.path().join("run"), dir.path().join("predictions.parquet"));
    let (out, to) = (run.display().to_string(), table.display().to_string());
    let train = format!("{ROOT}/tests/cases/tables/one_class.parquet");
    let small = [
        "--size",
        "32",
        "--epochs",
        "1",
        "--views",
        "1",
        "--batch",
        "8",
        "--threads",
        "2",
    ];
    program(&[&["finetune", "--train", &train, "--out", &out][..], &small].concat());
    program(&["predict", "--model", &out, "--out", &to, &train]);
    let features = files(&run.join("features"), ".arrow");
    let scans = files(&run.join("index"), ".arrow");
    assert!(!features.is_empty() && !scans.is_empty());
    let all = [features.clone(), scans, vec![table.clone()]].concat();
    let Some(read) = read_back(&all) else {
        return;
    };
    for (path, found) in features.iter().zip(&read) {
        let own = stream(path);
        let column = &found["columns"]["features"];
        assert_eq!(
            column["type"],
            "extension<arrow.fixed_shape_tensor[value_type=float, shape=[1280]]>"
        );
        assert_eq!(found["rows"], own.num_rows());
        let first = own["features"].as_fixed_size_list().value(0);
        assert_eq!(
            floats(&column["first"]),
            first.as_primitive::<Float32Type>().values().to_vec()
        );
    }
    let own = ParquetRecordBatchReaderBuilder::try_new(File::open(&table).unwrap()).unwrap();
    let own = own.build().unwrap().next().unwrap().unwrap();
    let columns = &read.last().unwrap()["columns"];
    let probability = own["probability"].as_primitive::<Float32Type>().value(0);
    assert_eq!(columns["probability"]["first"].as_f64().unwrap() as f32, probability);
    assert_eq!(columns["file"]["first"], train);
    assert_eq!(columns["row"]["last"], own.num_rows() - 1);
}

#[test]
#[ignore = "needs python3 with pyarrow and polars of today"]
fn batches_and_lengths_are_read_back() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let images = pictures(&[6, 4]).image("image", Image::new(4)).unwrap();
    let rows = cx.block_on(images.take(&cx, &[0, 3])).unwrap();
    let [ipc, parquet] = ["a.arrow", "a.parquet"].map(|name| dir.path().join(name));
    let mut writer = StreamWriter::try_new(File::create(&ipc).unwrap(), &rows.schema()).unwrap();
    writer.write(&rows).unwrap();
    writer.finish().unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&parquet).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let index = dir.path().join("index");
    let cx = cx.with_index(&index);
    let stored = cx.block_on(Parquet::open(&cx, common::FASHION)).unwrap();
    let lengths = cx.block_on(Lengths::scan(&cx, &stored, "image")).unwrap();
    let kept = files(&index, ".arrow");
    assert_eq!(kept.len(), 1, "lengths are kept, and not the pictures that they are of");
    assert!(std::fs::metadata(&kept[0]).unwrap().len() < 5 * lengths.of().len() as u64 + 4096);
    assert_eq!(cx.block_on(Lengths::scan(&cx, &stored, "image")).unwrap(), lengths);
    let Some(read) = read_back(&[vec![ipc, parquet], kept].concat()) else {
        return;
    };
    // Of a tensor in Parquet pyarrow takes the type only where its items may be null, which `arrow-schema` refuses: it reads lists.
    let types = [
        "extension<arrow.fixed_shape_tensor[value_type=float, shape=[3,4,4]]>",
        "fixed_size_list<item: float not null>[48]",
    ];
    for (found, kind) in read.iter().zip(types) {
        let column = &found["columns"]["image"];
        assert_eq!(column["type"], kind);
        let second = rows["image"].as_fixed_size_list().value(1);
        assert_eq!(
            floats(&column["last"]),
            second.as_primitive::<Float32Type>().values().to_vec()
        );
    }
    assert_eq!(read[2]["columns"]["length"]["first"], lengths.of()[0]);
    assert_eq!(read[2]["rows"], lengths.of().len());
}

#[test]
#[ignore = "needs python3 with datasets of today"]
#[expect(clippy::print_stderr, reason = "a test that did not run says so")]
fn an_import_is_a_dataset_of_hugging_face() {
    let dir = tempfile::tempdir().unwrap();
    for (row, name) in ["train/cat/a", "train/dog/b", "train/newt/c", "test/newt/d"]
        .iter()
        .enumerate()
    {
        let path = dir.path().join(format!("photos/{name}.png"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut pixels = millstream::image::Pixels::new(30 + row as u32, 20);
        pixels.levels.fill(9);
        pixels.levels[0] = 200;
        std::fs::write(path, pixels.to_png().unwrap()).unwrap();
    }
    let [photos, out] = ["photos", "out"].map(|name| dir.path().join(name).display().to_string());
    program(&["import", &photos, "--out", &out, "--resize", "10"]);
    let has = Command::new("python3").args(["-c", "import datasets, PIL"]).output();
    if !has.is_ok_and(|done| done.status.success()) {
        eprintln!("skipped: there is no python3 with datasets");
        return;
    }
    let script = Path::new(ROOT).join("tests/scripts/load_dataset.py");
    let done = Command::new("python3").arg(script).arg(&out).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    let names = serde_json::json!(["cat", "dog", "newt"]);
    for (split, rows) in [("train", 3), ("test", 1)] {
        let found = &found[split];
        assert_eq!(found["rows"], rows);
        assert_eq!(found["features"]["label"]["_type"], "ClassLabel");
        assert_eq!(found["features"]["label"]["names"], names);
        assert_eq!(found["features"]["image"]["_type"], "Image");
    }
    assert_eq!(
        found["train"]["all"][1],
        serde_json::json!({"image": [15, 10, "RGB"], "label": "dog", "path": "train/dog/b.png"})
    );
    assert_eq!(found["test"]["all"][0]["label"], "newt");
    // pyarrow and polars read the same.
    let Some(read) = read_back(&files(Path::new(&out), ".parquet")) else {
        return;
    };
    assert_eq!(read.len(), 2);
    assert_eq!(
        read[1]["columns"]["image"]["type"],
        "struct<bytes: binary, path: string>"
    );
    assert_eq!(read[1]["columns"]["label"]["type"], "int64");
}
