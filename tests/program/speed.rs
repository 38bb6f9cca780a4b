//! `bench` and `doctor` measure what they say.
#![cfg(feature = "cli")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, Float32Array, RecordBatch};
use millstream::image::Pixels;
use millstream::rng::Rng;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::process::Command;
use std::sync::Arc;

fn program(arguments: &[&str]) -> (bool, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .output()
        .unwrap();
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (done.status.success(), out, err)
}

fn bench(arguments: &[&str]) -> Value {
    let (well, out, err) = program(&[&["bench", "--json", "--threads", "2"], arguments].concat());
    assert!(well, "{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn photos_are_decoded_and_every_stage_has_its_share() {
    let speed = bench(&["--size", "64", "--batch", "32", "--epochs", "2", common::FASHION]);
    let rows = speed["rows"].as_u64().unwrap();
    assert!(rows >= 2 * 1242 && rows.is_multiple_of(1242), "{rows}");
    assert!(speed["seconds"].as_f64().unwrap() > 0.0 && speed["first_batch"].as_f64().unwrap() > 0.0);
    let stages: Vec<_> = speed["stages"].as_array().unwrap().iter().collect();
    let names: Vec<_> = stages.iter().map(|stage| stage[0].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "read",
            "pages",
            "gather",
            "decode",
            "crop and resize",
            "augmentation",
            "normalise"
        ]
    );
    for stage in &stages[1..] {
        assert!(stage[1].as_f64().unwrap() > 0.0, "{speed}");
    }
    if cfg!(target_os = "linux") {
        assert!(speed["peak_bytes"].as_u64().unwrap() > 1 << 20, "{speed}");
        let cpu = speed["cpu_seconds"].as_f64().unwrap() * 1e6 / rows as f64;
        let parts = stages.iter().map(|stage| stage[1].as_f64().unwrap());
        let all = parts.sum::<f64>() + speed["rest"].as_f64().unwrap_or(0.0);
        assert!((all - cpu).abs() < 1e-6 * cpu, "{all} of {cpu}");
    }
}

#[test]
fn pictures_over_the_limit_name_the_option() {
    let limit = |pixels| {
        program(&[
            "bench",
            "--json",
            "--size",
            "32",
            "--max-pixels",
            pixels,
            common::FASHION,
        ])
    };
    let (well, _, err) = limit("783");
    assert!(!well, "28 x 28 pixels are more");
    let expected = "28 x 28 pixels is over the limit of 783 (--max-pixels N)\n";
    assert!(err.ends_with(expected), "{err}");
    assert!(limit("784").0);
}

#[test]
fn plain_columns_come_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers.parquet");
    let x: ArrayRef = Arc::new(Float32Array::from_iter_values((0..5000).map(|x| x as f32)));
    let rows = RecordBatch::try_from_iter([("x", x)]).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let speed = bench(&[&path.display().to_string()]);
    // One epoch takes no time: whole ones are added until there is something to tell.
    let rows = speed["rows"].as_u64().unwrap();
    assert!(rows > 5000 && rows.is_multiple_of(5000), "{rows}");
    assert!(speed["seconds"].as_f64().unwrap() >= 1.0, "{speed}");
    assert!(speed["batches"].as_u64().unwrap() >= 8, "{speed}");
    assert_eq!(speed["stages"].as_array().unwrap().len(), 3);
}

#[test]
fn the_doctor_names_what_limits() {
    // A trainer that takes 250 ms a batch of small pictures is never kept waiting for long.
    let (well, out, err) = program(&["doctor", "--size", "32", "--step", "250", common::FASHION]);
    assert!(well && out.contains("limited by the trainer"), "{out}{err}");
    assert!(out.contains("the loader keeps up: "), "{out}");
    let header = out.lines().find(|line| line.starts_with("stage ")).unwrap();
    assert!(header.contains("us a row") && header.ends_with("share"), "{header}");
    assert!(
        out.lines()
            .any(|line| line.starts_with("together ") && line.ends_with("100 %")),
        "{out}"
    );
    // A batch of all rows: one is no ground to say that nobody waits.
    let (well, out, err) = program(&["doctor", "--size", "32", "--batch", "1242", common::FASHION]);
    assert!(well && !out.contains("limited by the trainer"), "{out}{err}");
    let (well, out, err) = program(&["doctor", "--pipeline", "rows", common::FASHION]);
    assert!(
        well && !out.contains("decode ") && out.contains("limited by"),
        "{out}{err}"
    );
    let (well, _, err) = program(&["doctor", "--image", "label", common::FASHION]);
    assert!(!well && err.contains("label"), "{err}");
}

#[test]
fn the_doctor_proposes_smaller_pictures_where_they_are_much_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photos.parquet");
    let picture = |row: u64| {
        let mut pixels = Pixels::new(300, 200);
        Rng::new(row, "noise", 0).fill(&mut pixels.levels);
        let mut file = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut file, 95);
        encoder
            .encode(&pixels.levels, 300, 200, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        Some(file)
    };
    let image: BinaryArray = (0..32).map(picture).collect();
    let rows = RecordBatch::try_from_iter([("image", Arc::new(image) as ArrayRef)]).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let path = path.display().to_string();
    let doctor = |size| program(&["doctor", "--size", size, "--batch", "4", "--threads", "2", &path]);
    let (well, out, err) = doctor("32");
    assert!(well && out.contains("limited by decode: "), "{out}{err}");
    let out = out.replace('\n', " ");
    assert!(
        out.contains("pictures have 200 px on their shorter side, and 36 are enough here"),
        "{out}"
    );
    assert!(out.contains("(millstream import DATA --out DIR --resize 36)"), "{out}");
    // 160 px use nearly all of them.
    let (well, out, err) = doctor("160");
    assert!(well && !out.contains("--resize"), "{out}{err}");
}
