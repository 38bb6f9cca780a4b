//! What a run refuses before it writes anything, and what it names then.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::brightness;
use crate::common;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};
use brightness::{pictures, ramp};
use common::context;
use millstream::error::ErrorKind;
use millstream::report::Report;
use millstream::task::{Classify, Evaluate, Finetune, Predict, Regress, Strategy};
use millstream::train::Existing;
use millstream::train::loss::Loss;
use millstream::{Error, Result};
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> String {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

/// A file of pictures with the target that `of` gives each of their numbers.
fn labelled(dir: &Path, rows: usize, of: impl Fn(usize) -> String) -> String {
    let labels: ArrayRef = Arc::new((0..rows).map(|row| Some(of(row))).collect::<StringArray>());
    write(
        &dir.join("x.parquet"),
        vec![("image", pictures(&ramp(rows))), ("label", labels)],
    )
}

fn numbered(dir: &Path, name: &str, numbers: ArrayRef) -> String {
    let bright = ramp(numbers.len());
    write(&dir.join(name), vec![("image", pictures(&bright)), ("value", numbers)])
}

fn small(train: String, out: PathBuf) -> Finetune {
    Finetune::default()
        .train(vec![train])
        .backbone(BACKBONE)
        .size(16)
        .epochs(2)
        .views(1)
        .batch_size(8)
        .out(out)
}

fn run(run: &Finetune) -> Result<Report> {
    run.run(&context(), &mut |_| ())
}

/// The error of a run that left nothing.
#[track_caller]
fn refused(wanted: &Finetune) -> Error {
    let error = run(wanted).unwrap_err();
    assert!(!wanted.out.exists(), "{error}");
    error
}

fn auto() -> Strategy {
    Strategy {
        auto: true,
        ..Strategy::default()
    }
}

#[test]
fn a_balance_is_not_chosen_for_one_class_nor_for_too_few_rows() {
    let dir = tempfile::tempdir().unwrap();
    let one = small(labelled(dir.path(), 24, |_| "only".to_owned()), dir.path().join("run"));
    let error = refused(&one.clone().balance(auto()));
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error.to_string().contains("fewer than two classes have rows"),
        "{error}"
    );
    // A loss that is told of no other class has nothing to say, and trains.
    for loss in ["focal", "balanced_softmax", "class_weights"] {
        let loss: Loss = loss.parse().unwrap();
        let report = run(&one
            .clone()
            .task(Classify {
                loss,
                ..Classify::default()
            })
            .existing(Existing::Overwrite));
        assert_eq!(report.unwrap().figures.value("accuracy"), Some(1.0));
    }
    // Four rows in five folds; of the held-out row nothing is trained.
    let few = labelled(dir.path(), 5, |row| if row < 3 { "a" } else { "b" }.to_owned());
    let few = small(few.clone(), dir.path().join("few"))
        .valid(vec![few])
        .held_out(0.5);
    assert!(
        run(&few.clone().balance(auto())).is_ok(),
        "five rows are enough for five folds"
    );
    let four = labelled(dir.path(), 4, |row| if row < 2 { "a" } else { "b" }.to_owned());
    let four = small(four.clone(), dir.path().join("four"))
        .valid(vec![four])
        .balance(auto());
    let error = refused(&four);
    assert!(
        error
            .to_string()
            .contains("5 folds need as many rows of classes that have at least two, and there are 4"),
        "{error}"
    );
}

#[test]
fn numbers_that_32_bits_do_not_tell_apart_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let floats = |name: &str, of: &dyn Fn(f64) -> f64| {
        numbered(
            dir.path(),
            name,
            Arc::new(Float64Array::from_iter_values((0..20).map(|row| of(f64::from(row))))),
        )
    };
    let task = |file: String| {
        small(file, dir.path().join("run"))
            .task(Regress::default())
            .label("value")
    };
    let large = numbered(
        dir.path(),
        "large.parquet",
        Arc::new(UInt64Array::from_iter_values((0..20).map(|row| (1 << 63) + row))),
    );
    let cases = [
        (
            large,
            "is 9.223372036854776e18, and numbers are at most 9.007199254740992e15 in size",
        ),
        (
            floats("huge", &|row| (row - 9.5) * 1e307),
            "is -9.5e307, and numbers are at most 1e37 in size",
        ),
        (
            floats("limit", &|row| (row - 9.5) * 2e37),
            "is -1.9e38, and numbers are at most 1e37 in size",
        ),
        (
            floats("close", &|row| 1e9 + row),
            "the targets lie between 1e9 and 1.000000019e9 with a deviation of 5.77e0",
        ),
        (
            floats("tiny", &|row| row * 1e-300),
            "which predictions of 32 bits cannot tell",
        ),
    ];
    for (file, expected) in cases {
        let error = refused(&task(file));
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    // What they do tell apart is learnt, and what is evaluated is held to the same.
    let plain = task(floats("plain", &|row| 1e6 + 100.0 * row));
    run(&plain).unwrap();
    let evaluate = |file: String| Evaluate::new(Predict::new(&plain.out, [file])).run(&context(), &mut |_, _| ());
    let error = evaluate(floats("huge", &|row| (row - 9.5) * 1e307)).unwrap_err();
    assert!(
        error.to_string().contains("numbers are at most 1e37 in size"),
        "{error}"
    );
}

/// A copy of the backbone's folder, of which `change` changes the weights.
fn backbone(dir: &Path, name: &str, change: impl Fn(&mut [u8])) -> PathBuf {
    let to = dir.join(name);
    fs::create_dir(&to).unwrap();
    fs::copy(Path::new(BACKBONE).join("config.json"), to.join("config.json")).unwrap();
    let mut weights = fs::read(Path::new(BACKBONE).join("model.safetensors")).unwrap();
    let header = 8 + u64::from_le_bytes(*weights.first_chunk().unwrap()) as usize;
    change(&mut weights[header..]);
    fs::write(to.join("model.safetensors"), weights).unwrap();
    to
}

#[test]
fn weights_and_not_rows_are_blamed_for_what_is_no_number() {
    let dir = tempfile::tempdir().unwrap();
    let file = labelled(dir.path(), 24, |row| (row % 2).to_string());
    let of = |folder: PathBuf| small(file.clone(), dir.path().join("run")).backbone(folder.display().to_string());
    for (name, value) in [("nan", f32::NAN), ("infinite", f32::INFINITY)] {
        let one = backbone(dir.path(), name, |numbers| {
            {
                // The head, which is passed over, is at an end.
                let middle = numbers.len() / 8 * 4;
                numbers[middle..middle + 4].copy_from_slice(&value.to_le_bytes());
            }
        });
        let error = refused(&of(one)).to_string();
        assert!(
            error.contains("tensor \"")
                && error.contains("holds a number that is not finite: these weights are damaged"),
            "{error}"
        );
    }
    let all = backbone(dir.path(), "large", |numbers| {
        numbers
            .chunks_exact_mut(4)
            .for_each(|number| number.copy_from_slice(&1e30_f32.to_le_bytes()));
    });
    let error = refused(&of(all));
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error
            .to_string()
            .contains("of a plain picture: its weights are damaged"),
        "{error}"
    );
    let sharp = backbone(dir.path(), "sharp", |_| ());
    set(&sharp, "std", &serde_json::json!([1e-44, 0.2, 0.2]));
    let error = refused(&of(sharp)).to_string();
    assert!(
        error.contains("std is [1e-44, 0.2, 0.2], but has to lie in 1e-4 to 1e4"),
        "{error}"
    );
    let without = dir.path().join("pictures");
    fs::create_dir(&without).unwrap();
    let error = refused(&of(without)).to_string();
    assert!(error.contains("this folder has no config.json"), "{error}");
}

/// Changes what the `config.json` of a folder says of pictures.
fn set(folder: &Path, key: &str, value: &serde_json::Value) {
    let path = folder.join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config["pretrained_cfg"][key] = value.clone();
    fs::write(path, config.to_string()).unwrap();
}

#[test]
fn a_network_that_reads_pictures_otherwise_is_another_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = labelled(dir.path(), 24, |row| (row % 2).to_string());
    let network = backbone(dir.path(), "network", |_| ());
    let wanted = small(file, dir.path().join("run")).backbone(network.display().to_string());
    run(&wanted).unwrap();
    let resumed = wanted.clone().existing(Existing::Resume);
    run(&resumed).unwrap();
    // The task's own loss by its name is the run's.
    let named = Strategy {
        loss: Some(Loss::default()),
        ..Strategy::default()
    };
    run(&resumed.clone().balance(named)).unwrap();
    let before = fs::read(wanted.out.join("run.json")).unwrap();
    set(&network, "std", &serde_json::json!([0.3, 0.3, 0.3]));
    let error = run(&resumed).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resume, "{error}");
    assert!(
        error.to_string().contains("the weights' normalisation was {") && error.to_string().contains("0.3"),
        "{error}"
    );
    assert_eq!(fs::read(wanted.out.join("run.json")).unwrap(), before);
}
