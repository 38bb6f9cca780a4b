//! A saved model on rows whose targets are known, and on pictures in files of their own.
#![cfg(feature = "cli")]
#![allow(missing_docs, reason = "tests")]

use crate::brightness;
use crate::common;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float32Type, Int64Type, UInt64Type};
use brightness::{pictures, png, ramp};
use common::context;
use millstream::Error;
use millstream::error::{ErrorKind, Remedy};
use millstream::report::Report;
use millstream::task::{Evaluate, Finetune, Labelled, OnBadRow, Predict};
use millstream::train::Existing;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");
const NAMES: [&str; 3] = ["dark", "grey", "white"];

fn name_of(bright: f64) -> &'static str {
    NAMES[((bright * 3.0) as usize).min(2)]
}

fn write(path: impl AsRef<Path>, columns: Vec<(&str, ArrayRef)>) -> String {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let path = path.as_ref();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

/// Pictures with a class and an id.
fn labelled(path: PathBuf, bright: &[f64]) -> String {
    let labels: StringArray = bright.iter().map(|b| Some(name_of(*b))).collect();
    let ids = Int64Array::from_iter_values((0..bright.len() as i64).map(|row| 1000 - row));
    write(
        path,
        vec![
            ("image", pictures(bright)),
            ("label", Arc::new(labels)),
            ("id", Arc::new(ids)),
        ],
    )
}

/// A run on 48 rows, validated on 21, and its report.
fn trained(dir: &Path) -> (Finetune, Report) {
    let run = Finetune::default()
        .train(vec![labelled(dir.join("train.parquet"), &ramp(48))])
        .valid(vec![labelled(dir.join("valid.parquet"), &ramp(21))])
        .label("label")
        .backbone(BACKBONE.to_owned())
        .size(16)
        .epochs(10)
        .views(1)
        .batch_size(8)
        .seed(3)
        .out(dir.join("run"));
    let report = run.run(&context(), &mut |_| ()).unwrap();
    (run, report)
}

fn evaluate(run: &Finetune, file: &str) -> Result<Report, Error> {
    Evaluate::new(Predict::new(&run.out, [file])).run(&context(), &mut |_, _| ())
}

#[test]
fn a_saved_model_has_the_figures_of_its_run() {
    let dir = tempfile::tempdir().unwrap();
    let (run, report) = trained(dir.path());
    let out = dir.path().join("evaluation");
    let evaluate = Evaluate {
        out: Some(out.clone()),
        ..Evaluate::new(Predict::new(&run.out, run.spec.data.valid.clone()))
    };
    let found = evaluate.run(&context(), &mut |_, _| ()).unwrap();
    assert_eq!(found.figures.measured, report.figures.measured);
    assert_eq!(found.figures.rows(), 21);
    assert!(
        found.notes[0].contains("task: classify") && found.notes[0].contains("\"label\""),
        "{:?}",
        found.notes
    );
    assert_eq!(Report::read_json(out.join("report.json")).unwrap(), found);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("<p>On 21 rows;") && !page.contains("<script") && page.contains("<h2>Worst rows</h2>"));
    let mut left: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["confusion.png", "report.html", "report.json", "worst.png"]);
    // Nothing is written over, neither this nor the run.
    for folder in [out, run.out.clone()] {
        let before = fs::read(folder.join("report.json")).unwrap();
        let again = Evaluate {
            out: Some(folder.clone()),
            ..evaluate.clone()
        };
        let error = again.run(&context(), &mut |_, _| ()).unwrap_err();
        let (kind, part) = match folder == run.out {
            true => (ErrorKind::Config, "this is the folder of a run"),
            false => (ErrorKind::Exists, "report.json"),
        };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(fs::read(folder.join("report.json")).unwrap(), before);
    }
    // An evaluation may take the place of another one, and not that of a run.
    let over = |out: PathBuf| Evaluate {
        out: Some(out),
        overwrite: true,
        ..evaluate.clone()
    };
    fs::write(dir.path().join("evaluation/predicted.png"), "of another model").unwrap();
    over(dir.path().join("evaluation"))
        .run(&context(), &mut |_, _| ())
        .unwrap();
    assert_eq!(
        Report::read_json(dir.path().join("evaluation/report.json"))
            .unwrap()
            .figures
            .rows(),
        21
    );
    assert!(!dir.path().join("evaluation/predicted.png").exists());
    let error = over(run.out.clone()).run(&context(), &mut |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("this is the folder of a run"), "{error}");
    // One that was begun and has no report yet is a run's, too.
    let begun = dir.path().join("begun");
    fs::create_dir(&begun).unwrap();
    fs::copy(run.out.join("run.json"), begun.join("run.json")).unwrap();
    for overwrite in [false, true] {
        let evaluate = Evaluate {
            overwrite,
            ..over(begun.clone())
        };
        let error = evaluate.run(&context(), &mut |_, _| ()).unwrap_err();
        assert!(error.to_string().contains("this is the folder of a run"), "{error}");
    }
    assert_eq!(fs::read_dir(&begun).unwrap().count(), 1);
    // Pictures that no evaluation wrote stay, whatever they are called.
    let mine = dir.path().join("mine");
    fs::create_dir(&mine).unwrap();
    fs::write(mine.join("masks.png"), "mine").unwrap();
    let error = over(mine.clone()).run(&context(), &mut |_, _| ()).unwrap_err();
    assert!(
        error.to_string().contains("there is no report.json beside masks.png"),
        "{error}"
    );
    assert_eq!(fs::read(mine.join("masks.png")).unwrap(), b"mine");
    // Nor does a file of that name make them an evaluation's.
    fs::write(mine.join("report.json"), "mine").unwrap();
    let error = over(mine.clone()).run(&context(), &mut |_, _| ()).unwrap_err();
    assert!(
        error.to_string().contains("report.json is no report of an evaluation"),
        "{error}"
    );
    assert_eq!(fs::read(mine.join("report.json")).unwrap(), b"mine");
    // A report that is not the run's own does not end it: it goes on, and has its own in the end.
    fs::copy(dir.path().join("evaluation/report.json"), begun.join("report.json")).unwrap();
    let resumed = Finetune {
        out: begun.clone(),
        existing: Existing::Resume,
        ..run.clone()
    };
    let found = resumed.run(&context(), &mut |_| ()).unwrap();
    assert_eq!(found.figures.measured, report.figures.measured);
    assert!(begun.join("model.json").exists());
    assert_eq!(Report::read_json(begun.join("report.json")).unwrap(), found);
    // A folder in which somebody works is left alone.
    let held = dir.path().join("held");
    fs::create_dir(&held).unwrap();
    let lock = File::create(held.join(".millstream.lock")).unwrap();
    lock.lock().unwrap();
    let error = over(held.clone()).run(&context(), &mut |_, _| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
    assert!(!held.join("report.json").exists());
}

#[test]
fn a_model_is_not_measured_against_another_column_than_it_was_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    let bright = ramp(24);
    let of = |name: &str, other: &'static str| {
        let mean: ArrayRef = Arc::new(Float64Array::from_iter_values(bright.iter().copied()));
        let weight: ArrayRef = Arc::new(Float64Array::from_iter_values(bright.iter().map(|b| 1000.0 + b)));
        write(
            dir.path().join(name),
            vec![("image", pictures(&bright)), (other, mean), ("weight", weight)],
        )
    };
    let run = Finetune::default()
        .train(vec![of("train.parquet", "mean")])
        .label("mean")
        .backbone(BACKBONE.to_owned())
        .size(16)
        .epochs(2)
        .views(1)
        .out(dir.path().join("run"));
    run.run(&context(), &mut |_| ()).unwrap();
    let renamed = of("renamed.parquet", "average");
    let error = evaluate(&run, &renamed).unwrap_err();
    assert_eq!(
        (error.kind(), error.remedy()),
        (ErrorKind::Schema, Some(Remedy::LabelColumn))
    );
    assert!(
        error
            .to_string()
            .starts_with("the model was trained on column \"mean\": name the column of the same targets"),
        "{error}"
    );
    let named = |label: &str| Evaluate {
        label: Some(label.to_owned()),
        ..Evaluate::new(Predict::new(&run.out, [renamed.clone()]))
    };
    let mae = |label: &str| {
        named(label)
            .run(&context(), &mut |_, _| ())
            .unwrap()
            .figures
            .value("mae")
            .unwrap()
    };
    assert!(mae("average") < 2.0 && mae("weight") > 900.0);
}

#[test]
fn a_class_that_the_model_does_not_know_is_an_error_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = trained(dir.path());
    let labels: StringArray = ["dark", "zebra", "dark"].iter().map(Some).collect();
    let file = write(
        dir.path().join("other.parquet"),
        vec![("image", pictures(&[0.1, 0.5, 0.2])), ("label", Arc::new(labels))],
    );
    let error = evaluate(&run, &file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    for part in ["zebra", "row 1 of row group 0", "outside the 3 class names"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    // Plain integers are the numbers of the model's classes; there is no fourth.
    let ints = |values: Vec<i64>| {
        let labels: ArrayRef = Arc::new(Int64Array::from(values));
        write(
            dir.path().join("ints.parquet"),
            vec![("image", pictures(&[0.1, 0.5, 0.9])), ("label", labels)],
        )
    };
    let found = evaluate(&run, &ints(vec![0, 1, 2])).unwrap();
    assert_eq!(found.figures.measured.tested, [1, 1, 1]);
    let error = evaluate(&run, &ints(vec![0, 1, 3])).unwrap_err().to_string();
    assert!(error.contains("label 3 is outside"), "{error}");
    // A part of the classes is no error.
    let file = labelled(dir.path().join("part.parquet"), &[0.9, 0.95]);
    assert_eq!(evaluate(&run, &file).unwrap().figures.measured.tested, [0, 0, 2]);
    let none = write(dir.path().join("none.parquet"), vec![("image", pictures(&[0.5]))]);
    assert_eq!(evaluate(&run, &none).unwrap_err().kind(), ErrorKind::Schema);
}

#[test]
fn figures_of_predictions_leave_out_rows_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = trained(dir.path());
    let bytes: BinaryArray = [Some(png(0.1)), Some(b"no picture".to_vec()), Some(png(0.9))]
        .into_iter()
        .collect();
    let labels: StringArray = ["dark", "grey", "white"].iter().map(Some).collect();
    let ids = Int64Array::from(vec![7, 8, 9]);
    let file = write(
        dir.path().join("bad.parquet"),
        vec![
            ("image", Arc::new(bytes)),
            ("label", Arc::new(labels)),
            ("id", Arc::new(ids)),
        ],
    );
    let predict = Predict {
        id: Some("id".into()),
        on_bad_row: OnBadRow::Skip { at_most: 1 },
        ..Predict::new(&run.out, [file])
    };
    let labels = Labelled::open(&context(), &predict, Some("label")).unwrap();
    let rows = predict.run(&context(), &mut |_, _| ()).unwrap();
    assert_eq!(rows.schema().field(3).name(), "id");
    assert_eq!(rows["id"].as_primitive::<Int64Type>().values(), &[7, 8, 9]);
    assert!(rows["error"].is_valid(1) && rows["name"].is_null(1));
    assert_eq!(labels.figures(&rows).unwrap().measured.tested, [1, 0, 1]);
    let report = Evaluate::new(predict.clone()).run(&context(), &mut |_, _| ()).unwrap();
    assert_eq!(report.bad_rows.unwrap().held_out, 1);
    let left_out = "1 of 3 rows is left out, because its picture cannot be made";
    let few = "the figures are of 2 rows: one standard error of the accuracy is up to 35 points";
    assert_eq!(report.warnings, [left_out, few]);
    let error = labels.figures(&rows.slice(0, 2)).unwrap_err().to_string();
    assert_eq!(error, "2 predictions of 3 rows");
    for id in ["nothing", "label"] {
        let wrong = Predict {
            id: Some(id.into()),
            ..predict.clone()
        };
        let found = wrong.run(&context(), &mut |_, _| ());
        assert_eq!(found.is_ok(), id == "label", "{id}");
    }
}

#[test]
fn pictures_in_files_are_predicted_as_those_in_parquet() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = trained(dir.path());
    let bright = ramp(9);
    let file = labelled(dir.path().join("same.parquet"), &bright);
    let folder = dir.path().join("photos");
    fs::create_dir_all(folder.join("below")).unwrap();
    let mut paths = Vec::new();
    for (row, b) in bright.iter().enumerate() {
        let name = if row % 2 == 0 {
            format!("a{row}.png")
        } else {
            format!("below/b{row}.PNG")
        };
        fs::write(folder.join(&name), png(*b)).unwrap();
        paths.push(folder.join(name).display().to_string());
    }
    fs::write(folder.join("notes.txt"), "no picture").unwrap();
    fs::write(folder.join(".hidden.png"), "no picture").unwrap();
    let predict = |files: Vec<String>| Predict::new(&run.out, files).run(&context(), &mut |_, _| ());
    let stored = predict(vec![file.clone()]).unwrap();
    let shares = |rows: &RecordBatch, row: usize| {
        rows["probabilities"]
            .as_fixed_size_list()
            .value(row)
            .as_primitive::<Float32Type>()
            .values()
            .to_vec()
    };
    let named = predict(paths.clone()).unwrap();
    for (row, path) in paths.iter().enumerate() {
        assert_eq!(named["file"].as_string::<i32>().value(row), path);
        assert!(named["row_group"].is_null(row) && named["row"].as_primitive::<UInt64Type>().value(row) == 0);
        assert_eq!(shares(&named, row), shares(&stored, row));
    }
    // A folder: all pictures below it, by name.
    let found = predict(vec![folder.display().to_string()]).unwrap();
    let mut sorted = paths.clone();
    sorted.sort();
    let files: Vec<_> = found["file"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(files, sorted);
    let pattern = predict(vec![folder.join("*.png").display().to_string()]).unwrap();
    assert_eq!(pattern.num_rows(), 5);
    let error = predict(vec![file, paths[0].clone()]).unwrap_err().to_string();
    assert!(error.contains("either pictures or Parquet"), "{error}");
    let missing = folder.join("missing.jpg").display().to_string();
    let error = predict(vec![missing.clone()]).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Io && error.to_string().contains(&missing),
        "{error}"
    );
    fs::write(folder.join("c.jpg"), "no picture").unwrap();
    let bad = folder.join("c.jpg").display().to_string();
    let error = predict(vec![bad.clone()]).unwrap_err().to_string();
    assert!(error.contains(&bad), "{error}");
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn millstream(arguments: &[&str]) -> Ran {
    let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .output()
        .unwrap();
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    // A name of a file is never cut, nor is an error, which is one line, nor JSON.
    let mut lines = err.lines().chain(out.lines());
    let long = lines.find(|line| {
        let is_free = line.starts_with("error: ") || line.starts_with('{');
        line.chars().count() > 80 && !is_free && !line.trim_start().split(' ').any(|word| word.chars().count() > 40)
    });
    assert!(long.is_none(), "{long:?}");
    Ran {
        code: done.status.code(),
        out,
        err,
    }
}

#[test]
fn what_a_killed_evaluation_leaves_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (run, _) = trained(dir.path());
    let valid = dir.path().join("valid.parquet").display().to_string();
    for kill in 0..8 {
        let out = dir.path().join(format!("evaluation {kill}"));
        let mut arguments = vec!["evaluate".to_owned(), "--model".to_owned()];
        arguments.extend([
            run.out.display().to_string(),
            "--out".to_owned(),
            out.display().to_string(),
            valid.clone(),
        ]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .args(&arguments)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Each time at another file.
        let written = || fs::read_dir(&out).into_iter().flatten().flatten();
        let is_shown = |name: &str| !name.starts_with('.') && !name.ends_with(".lock");
        let many = || {
            written()
                .filter(|file| is_shown(&file.file_name().to_string_lossy()))
                .count()
        };
        while many() <= kill / 2 && child.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        let _ = child.kill();
        child.wait().unwrap();
        assert!(many() > 0, "it wrote nothing");
        arguments.push("--overwrite".to_owned());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let again = millstream(&arguments);
        assert_eq!(again.code, Some(0), "{}", again.err);
        assert!(out.join("report.html").exists());
    }
}

#[test]
fn the_program_tells_epochs_and_figures() {
    let dir = tempfile::tempdir().unwrap();
    let train = labelled(dir.path().join("train.parquet"), &ramp(48));
    let valid = labelled(dir.path().join("valid.parquet"), &ramp(21));
    let [out, table, page] = ["run", "p.parquet", "figures"].map(|name| dir.path().join(name).display().to_string());
    let small = [
        "--size",
        "16",
        "--epochs",
        "3",
        "--views",
        "1",
        "--batch",
        "8",
        "--backbone",
        BACKBONE,
    ];
    let fixed = [
        "finetune", "--train", &train, "--valid", &valid, "--label", "label", "--out", &out,
    ];
    let ran = millstream(&[&fixed[..], &small].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("head, validated on 21 rows"), "{}", ran.err);
    assert!(
        ran.err.contains("balanced accuracy    rate  rows/s wait        left"),
        "{}",
        ran.err
    );
    for epoch in ["    1/3 ", "    2/3 ", "    3/3 "] {
        assert_eq!(
            ran.err.lines().filter(|line| line.starts_with(epoch)).count(),
            1,
            "{}",
            ran.err
        );
    }
    assert!(
        !ran.err.contains("batch_size"),
        "the plan is printed only if it is asked for: {}",
        ran.err
    );
    let explained = millstream(&[&fixed[..], &small, &["--overwrite", "--explain"]].concat());
    assert!(explained.err.contains("balance"), "{}", explained.err);
    for command in [
        "demo", "finetune", "evaluate", "predict", "inspect", "replay", "bench", "doctor",
    ] {
        millstream(&[command, "--help"]);
    }
    millstream(&["bench", "--size", "16", &train]);
    millstream(&["inspect", &train]);

    let ran = millstream(&["evaluate", "--model", &out, "--json", &valid]);
    assert_eq!((ran.code, ran.out.lines().count()), (Some(0), 1), "{}", ran.err);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    let report: Value = serde_json::from_slice(&fs::read(Path::new(&out).join("report.json")).unwrap()).unwrap();
    for key in [
        "task",
        "balanced_accuracy",
        "standard_errors",
        "confusion",
        "recalls",
        "tested",
    ] {
        assert_eq!(found[key], report[key], "{key}");
    }
    let ran = millstream(&["evaluate", "--model", &out, "--out", &page, &valid]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out.contains("\non 21 rows ") && ran.out.contains("grey"),
        "{}",
        ran.out
    );
    let ran = millstream(&["evaluate", "--model", &out, "--out", &page, &valid]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("(--overwrite or --out DIR)"), "{}", ran.err);

    let ran = millstream(&[
        "predict", "--model", &out, "--label", "label", "--id", "id", "--out", &table, &valid,
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("\non 21 rows "), "{}", ran.err);
    let unlabelled = write(dir.path().join("u.parquet"), vec![("image", pictures(&[0.5]))]);
    let ran = millstream(&["predict", "--model", &out, "--overwrite", "--out", &table, &unlabelled]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(!ran.err.contains("this run"), "{}", ran.err);
    let _: Report = Report::read_json(Path::new(&page).join("report.json")).unwrap();
}

#[test]
fn the_program_goes_on_with_a_run_as_it_was_begun() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run").display().to_string();
    let fails = |arguments: &[&str], code: i32, parts: &[&str]| {
        let ran = millstream(arguments);
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        for part in parts {
            assert!(ran.err.contains(part), "{part}: {}", ran.err);
        }
    };
    fails(&["finetune", "--resume", "--out", &out], 1, &["no run.json is there"]);
    fails(&["finetune", "--out", &out], 2, &["--train"]);
    let train = labelled(dir.path().join("train.parquet"), &ramp(24));
    let all = [
        "finetune",
        "--train",
        &train,
        "--label",
        "label",
        "--backbone",
        BACKBONE,
        "--size",
        "32",
        "--epochs",
        "3",
        "--views",
        "1",
        "--out",
        &out,
    ];
    assert_eq!(millstream(&all).code, Some(0));
    let again = millstream(&["finetune", "--resume", "--out", &out, "--threads", "1", "--json"]);
    assert_eq!(again.code, Some(0), "{}", again.err);
    let report: Value = serde_json::from_str(&again.out).unwrap();
    let kept: Value = serde_json::from_slice(&fs::read(dir.path().join("run/report.json")).unwrap()).unwrap();
    assert_eq!(report, kept);
    let more = ["finetune", "--resume", "--out", &out, "--epochs", "9"];
    fails(&more, 1, &["leave out the other options, or repeat all"]);
    let other = [&all[..], &["--resume", "--seed", "5"]].concat();
    let parts = [
        "seed was 0, is 5",
        "--resume with no option but --out goes on as it was begun",
    ];
    fails(&other, 1, &parts);
}
