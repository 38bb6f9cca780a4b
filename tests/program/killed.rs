//! A segmentation that is killed, and goes on to the same model. (A detection: `recipe`; a classification: `finetune`.)
#![cfg(feature = "cli")]

use arrow::array::{ArrayRef, BinaryArray, RecordBatch};
use millstream::image::Pixels;
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");
const SIDE: u32 = 32;

/// So many dark pictures with a bright square, whose pixels are of class 1.
fn squares(to: &Path, rows: usize) {
    let classes = |row: usize| {
        let inside = move |at: u32| {
            let (x, y, from) = (at % SIDE, at / SIDE, (row % 9) as u32);
            (from..from + 14).contains(&x) && (2 * from..2 * from + 12).contains(&y)
        };
        (0..SIDE * SIDE).map(move |at| u8::from(inside(at)))
    };
    let picture = |row: usize| {
        let mut pixels = Pixels::new(SIDE, SIDE);
        for (pixel, class) in pixels.levels.chunks_exact_mut(3).zip(classes(row)) {
            pixel.fill(40 + 3 * row as u8 + 100 * class);
        }
        pixels.to_png().unwrap()
    };
    let mask = |row: usize| {
        let mut pixels = Pixels::with_channels(SIDE, SIDE, 1);
        for (level, class) in pixels.levels.iter_mut().zip(classes(row)) {
            *level = class;
        }
        pixels.to_png().unwrap()
    };
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..rows).map(picture)));
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..rows).map(mask)));
    let rows = RecordBatch::try_from_iter([("image", pictures), ("mask", masks)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(to).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

/// The program in `here`, silent.
fn program(here: &Path, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_millstream"));
    program.current_dir(here).args(arguments);
    program.stdout(Stdio::null()).stderr(Stdio::null());
    program
}

/// With stages that train: masks move with their pictures anew in every epoch of the deeper phase.
#[test]
fn a_segmentation_that_is_killed_goes_on_to_the_same_model() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    squares(&here.join("train.parquet"), 24);
    squares(&here.join("valid.parquet"), 8);
    let recipe = format!(
        "seed = 3\ndata = {{ train = \"train.parquet\", valid = \"valid.parquet\", image = \"image\", label = \"mask\" }}\n\
         task = {{ segment = {{}} }}\n\
         augment = {{ views = 2, operations = [{{ horizontal_flip = {{ p = 0.5 }} }}, {{ rotate = {{ degrees = 10 }} }}] }}\n\
         model = {{ backbone = {BACKBONE:?}, size = {SIDE} }}\ntrain = {{ epochs = 20, batch_size = 4, unfreeze = 1, deep_epochs = 3 }}\n"
    );
    fs::write(here.join("r.toml"), recipe).unwrap();
    let whole = ["finetune", "--recipe", "r.toml", "--out", "whole"];
    let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .current_dir(here)
        .args(whole)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let killed = ["finetune", "--recipe", "r.toml", "--out", "killed", "--resume"];
    // Before the head, in its epochs, and in those of the deeper stages.
    for until in ["run.json", "checkpoints/head", "checkpoints/deep"] {
        let until = here.join("killed").join(until);
        let mut child = program(here, &killed).spawn().unwrap();
        while !until.exists() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended before {}", until.display());
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(program(here, &killed).status().unwrap().success());
    let read = |run: &str| fs::read(here.join(run).join("model.safetensors")).unwrap();
    assert!(read("killed") == read("whole"), "the models differ");
}
