//! Pictures that cannot be made: fine-tuning and prediction go on without them, as far as is allowed, and say so; and what is said
//! of sets whose figures are worth little.
#![cfg(all(feature = "cli", feature = "train", unix))]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, UInt64Type};
use burn::module::Param;
use burn::tensor::{Device, Tensor};
use common::context;
use millstream::error::{ErrorKind, Remedy};
use millstream::image::{Interpolation, Reading};
use millstream::mix::Target;
use millstream::model::{Architecture, Head, HeadConfig, Model, Normalisation, Pretrained};
use millstream::report::{BadRows, Report};
use millstream::source::Parquet;
use millstream::task::{Classify, Event, Finetune, ModelConfig, OnBadRow, Predict, Strategy};
use millstream::train::Existing;
use millstream::{Dataset, Result};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

const WEIGHTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/weights/efficientnet-lite0.safetensors"
);
const SKIP: OnBadRow = OnBadRow::Skip { at_most: 2 };

fn table(name: &str) -> String {
    format!("{}/tests/cases/tables/{name}.parquet", env!("CARGO_MANIFEST_DIR"))
}

/// The rows `rows` of a table, in a file of their own.
fn part(name: &str, rows: impl Iterator<Item = u64>, to: &Path) -> String {
    let cx = context();
    let file = cx.block_on(Parquet::open(&cx, table(name))).unwrap();
    let rows = cx.block_on(file.take(&cx, &Vec::from_iter(rows))).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(to).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    to.display().to_string()
}

fn finetune(train: &str, valid: &str, out: &Path, on_bad_row: OnBadRow) -> Finetune {
    Finetune::default()
        .train(vec![train.to_owned()])
        .valid([valid].into_iter().filter(|valid| !valid.is_empty()).map(str::to_owned))
        .backbone(WEIGHTS.to_owned())
        .size(32)
        .epochs(2)
        .views(2)
        .batch_size(8)
        .deep_epochs(1)
        .seed(5)
        .on_bad_row(on_bad_row)
        .out(out.to_owned())
        .existing(Existing::Overwrite)
}

fn strategy() -> Strategy {
    Strategy {
        name: "head".to_owned(),
        target: Some(Target::Uniform),
        synthetic: 0.5,
        ..Strategy::default()
    }
}

/// The report of a run, and the warnings that it told.
fn run(run: &Finetune) -> Result<(Report, Vec<String>)> {
    let mut told = Vec::new();
    let report = run.clone().balance(strategy()).run(&context(), &mut |event| {
        if let Event::Warning(text) = event {
            told.push(text.to_owned());
        }
    })?;
    assert_eq!(report.warnings, told, "they are data and events alike");
    Ok((report, told))
}

fn errors(out: &Path) -> Vec<Value> {
    let text = fs::read_to_string(out.join("errors.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn before(report: &Report) -> Vec<u64> {
    report.figures.counts.iter().map(|(_, counts)| counts.before).collect()
}

/// Rows 10 (a bee) and 44 (a cat) of the table.
const BAD: [u64; 2] = [10, 44];

#[test]
fn a_run_that_skips_is_a_run_on_the_other_rows() {
    let dir = tempfile::tempdir().unwrap();
    let [dirty, clean] = ["dirty", "clean"].map(|name| dir.path().join(name));
    let good = part(
        "hf_two_bad_images",
        (0..60).filter(|row| !BAD.contains(row)),
        &dir.path().join("good.parquet"),
    );
    let valid = part("hf_two_bad_images", 1..10, &dir.path().join("valid.parquet"));

    // Of one view: the augmentation of another one is drawn by its position among all rows.
    let finetune = |train: &str, valid: &str, out: &Path, on| finetune(train, valid, out, on).views(1);
    let error = run(&finetune(&table("hf_two_bad_images"), &valid, &dirty, OnBadRow::Fail)).unwrap_err();
    assert!(error.remedy() == Some(Remedy::BadRows), "{error}");
    let said = error.to_string();
    assert!(
        said.starts_with("row 10 of row group 0 in ") && said.ends_with("; such a row can be skipped or replaced"),
        "{said}"
    );

    let (report, warnings) = run(&finetune(&table("hf_two_bad_images"), &valid, &dirty, SKIP)).unwrap();
    let (other, _) = run(&finetune(&good, &valid, &clean, OnBadRow::Fail)).unwrap();
    let model = |out: &Path| fs::read(out.join("model.safetensors")).unwrap();
    assert!(model(&dirty) == model(&clean), "the same model, bit for bit");
    assert_eq!(before(&report), [20, 19, 19]);
    assert_eq!(report.figures.counts, other.figures.counts);
    assert_eq!(report.figures.confusion(), other.figures.confusion());
    assert_eq!((other.bad_rows, clean.join("errors.jsonl").exists()), (None, false));
    let counted = BadRows {
        skipped: 2,
        replaced: 0,
        held_out: 0,
    };
    assert_eq!(report.bad_rows, Some(counted));
    assert!(
        warnings
            .iter()
            .any(|text| text.contains("2 training rows skipped, 0 replaced, 0 validation rows skipped"))
    );
    let listed = errors(&dirty);
    for (line, (row, class)) in listed.iter().zip([(10, "bee"), (44, "cat")]) {
        assert_eq!(
            (&line["set"], &line["class"], &line["replaced_by"]),
            (&"training".into(), &class.into(), &Value::Null)
        );
        assert_eq!(
            (&line["file"], &line["row_group"], &line["row"]),
            (&table("hf_two_bad_images").into(), &0.into(), &row.into())
        );
        assert!(line["reason"].as_str().unwrap().contains("image \"image\""), "{line}");
    }
    assert_eq!(listed.len(), 2);

    // The features are kept, those of bad rows as well: nothing changes, and what was passed over is still an error elsewhere.
    let kept = || {
        let folders = fs::read_dir(dirty.join("features"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = folders
            .flat_map(|folder| fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap())
            .collect();
        files.retain(|entry| entry.path().extension().is_some_and(|ending| ending == "arrow"));
        files.sort_by_key(|entry| entry.path());
        files
            .into_iter()
            .map(|entry| (entry.path(), entry.metadata().unwrap().modified().unwrap()))
            .collect::<Vec<_>>()
    };
    let (times, first) = (kept(), model(&dirty));
    let (again, _) = run(&finetune(&table("hf_two_bad_images"), &valid, &dirty, SKIP)).unwrap();
    assert_eq!(
        (times, again.figures.confusion().cloned()),
        (kept(), report.figures.confusion().cloned())
    );
    assert!(first == model(&dirty) && listed == errors(&dirty));
    let one = OnBadRow::Skip { at_most: 1 };
    let error = run(&finetune(&table("hf_two_bad_images"), &valid, &dirty, one))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("row 44 of row group 0 in ")
            && error.ends_with("with it 2 rows are bad, and at most 1 may be"),
        "{error}"
    );
    let error = run(&finetune(&table("hf_two_bad_images"), &valid, &dirty, OnBadRow::Fail)).unwrap_err();
    assert!(
        error.remedy() == Some(Remedy::BadRows) && !dirty.join("errors.jsonl").exists(),
        "{error}"
    );
}

#[test]
fn a_replaced_row_is_another_one_of_its_class() {
    let dir = tempfile::tempdir().unwrap();
    let file = table("hf_two_bad_images");
    let replace = OnBadRow::Replace { at_most: 100 };
    let (report, _) = run(&finetune(&file, &file, dir.path(), replace)).unwrap();
    assert_eq!(before(&report), [20; 3]);
    assert_eq!(report.figures.rows(), 58, "a validation row is left out");
    let counted = BadRows {
        skipped: 0,
        replaced: 2,
        held_out: 2,
    };
    assert_eq!(report.bad_rows, Some(counted));
    let cx = context();
    let rows = cx.block_on(Parquet::open(&cx, &file)).unwrap();
    let rows = cx.block_on(rows.take(&cx, &Vec::from_iter(0..60))).unwrap();
    let class = |row: &Value| {
        rows["label"]
            .as_primitive::<arrow::datatypes::Int64Type>()
            .value(row["row"].as_u64().unwrap() as usize)
    };
    let lines = errors(dir.path());
    assert_eq!(lines.len(), 4);
    for line in &lines {
        let by = &line["replaced_by"];
        assert_eq!(by.is_null(), line["set"] == "validation", "{line}");
        if !by.is_null() {
            assert_eq!(class(line), class(by));
            assert!(!BAD.contains(&by["row"].as_u64().unwrap()));
        }
    }
}

#[test]
fn where_every_row_is_bad_the_first_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let valid = part("hf_two_bad_images", 1..10, &dir.path().join("valid.parquet"));
    let bad = part("hf_two_bad_images", BAD.into_iter(), &dir.path().join("bad.parquet"));
    let error = run(&finetune(&bad, &valid, &dir.path().join("out"), SKIP)).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::ImageColumn));
    let text = error.to_string();
    let start = format!("every training row is bad, so none is left: the first is row 0 of row group 0 in {bad}, ");
    let end = "; mend the pictures, or name another column of images";
    assert!(
        text.starts_with(&start) && text.ends_with(end) && text.contains("image \"image\": "),
        "{text}"
    );
    // One bee alone, which is bad, and rows of others.
    let others = (11..20).chain(40..44);
    let one = part(
        "hf_two_bad_images",
        [10].into_iter().chain(others),
        &dir.path().join("one.parquet"),
    );
    let cx = context();
    let rows = cx.block_on(Parquet::open(&cx, &one)).unwrap();
    let labels = cx.block_on(rows.take(&cx, &Vec::from_iter(0..14))).unwrap();
    let classes = labels["label"].as_primitive::<arrow::datatypes::Int64Type>();
    let alone: Vec<u64> = (0..14)
        .filter(|&row| row == 0 || classes.value(row as usize) != classes.value(0))
        .collect();
    let rows = cx.block_on(rows.take(&cx, &alone)).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&one).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let replace = OnBadRow::Replace { at_most: 2 };
    let error = run(&finetune(&one, &valid, &dir.path().join("one"), replace)).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::BadRows));
    let text = error.to_string();
    let end = "; mend the pictures, or skip bad rows";
    assert!(text.starts_with("every row of class ") && text.ends_with(end), "{text}");
    assert!(
        text.contains(&format!("the first is row 0 of row group 0 in {one}, ")),
        "{text}"
    );
}

#[test]
fn bad_rows_are_left_out_of_the_deeper_phase_and_of_what_is_held_out() {
    let dir = tempfile::tempdir().unwrap();
    let deep = finetune(&table("hf_null_image"), "", dir.path(), SKIP).unfreeze(1);
    let (report, _) = run(&deep).unwrap();
    let lines = errors(dir.path());
    assert_eq!((lines.len(), &lines[0]["row"]), (1, &10.into()));
    assert!(
        lines[0]["reason"].as_str().unwrap().ends_with("the value is null"),
        "{}",
        lines[0]
    );
    assert_eq!(before(&report).iter().sum::<u64>() + report.figures.rows(), 59);
}

/// A program that predicts: its predictions, and what it said.
fn program(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    let done = command.args(arguments).output().unwrap();
    (done.status.code().unwrap(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn a_prediction_that_cannot_be_made_is_null() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    run(&finetune(&table("one_class"), "", &out, OnBadRow::Fail)).unwrap();
    let (cx, files) = (context(), [table("hf_two_bad_images")]);
    let made = |on_bad_row, files: &[String]| {
        let predict = Predict {
            on_bad_row,
            ..Predict::new(&out, files)
        };
        predict.run(&cx, &mut |_, _| {})
    };
    let rows: RecordBatch = made(SKIP, &files).unwrap();
    assert_eq!(rows.num_rows(), 60);
    for row in 0..60 {
        let bad = BAD.contains(&(row as u64));
        for name in ["class", "name", "probability", "probabilities"] {
            assert_eq!(rows[name].is_null(row), bad, "{name} of row {row}");
        }
        assert_eq!(rows["error"].is_valid(row), bad);
        assert_eq!(rows["row"].as_primitive::<UInt64Type>().value(row), row as u64);
    }
    assert!(
        rows["error"].as_string::<i32>().value(44).contains("not an image"),
        "{:?}",
        rows["error"]
    );
    // The other rows are what they are without them.
    let good = part(
        "hf_two_bad_images",
        (0..60).filter(|row| !BAD.contains(row)),
        &dir.path().join("good.parquet"),
    );
    let alone = made(OnBadRow::Fail, &[good]).unwrap();
    assert!(alone.column_by_name("error").is_none());
    let values = |rows: &RecordBatch| {
        rows["probability"]
            .as_primitive::<Float32Type>()
            .iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&rows), values(&alone));
    let error = made(OnBadRow::Skip { at_most: 1 }, &files).unwrap_err().to_string();
    assert!(
        error.ends_with("with it 2 rows are bad, and at most 1 may be"),
        "{error}"
    );

    let [model, to] = [&out, &dir.path().join("p.parquet")].map(|path| path.display().to_string());
    let (code, said) = program(&["predict", "--model", &model, "--out", &to, &files[0]]);
    assert!(
        code == 1
            && said
                .trim_end()
                .ends_with("; such a row can be skipped (--on-error skip)"),
        "{said}"
    );
    let (code, said) = program(&[
        "predict",
        "--model",
        &model,
        "--out",
        &to,
        "--on-error",
        "skip",
        &files[0],
    ]);
    assert!(
        code == 0 && said.contains("2 rows have no prediction") && said.contains("58 predictions are in"),
        "{said}"
    );
}

#[test]
fn what_figures_are_worth_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let told = |name: &str, train: &str, valid: &str| {
        let ten = finetune(train, valid, &dir.path().join(name), OnBadRow::Fail).epochs(10);
        run(&ten).unwrap()
    };
    let has = |warnings: &[String], text: &str| {
        assert!(
            warnings.iter().any(|warning| warning.contains(text)),
            "{text}: {warnings:?}"
        )
    };

    let (report, warnings) = told("one", &table("one_class"), "");
    has(&warnings, "all training rows are of one class, \"only\"");
    has(
        &warnings,
        "the figures are of 6 validation rows: one standard error of the accuracy is up to 20 points",
    );
    assert_eq!(
        (report.figures.value("accuracy"), report.figures.rows()),
        (Some(1.0), 6)
    );

    let (report, warnings) = told("unused", &table("unused_class"), &table("unused_class"));
    has(
        &warnings,
        "1 class name has no training rows, so hardly anything is predicted as one of them and their share of the balance is 0: \"yellow\"",
    );
    has(
        &warnings,
        "60 of 60 validation rows show the same pictures as training rows",
    );
    assert_eq!(before(&report), [20, 20, 20, 0]);

    let red_and_green = part(
        "stars_train",
        (0..60).filter(|row| row % 3 < 2),
        &dir.path().join("two.parquet"),
    );
    let (report, warnings) = told("stars", &table("stars_train"), &red_and_green);
    has(&warnings, "40 of 40 validation rows");
    has(&warnings, "no validation rows, so the figures leave");
    let accuracy = report.figures.value("accuracy").unwrap();
    assert!(accuracy > 0.9, "{accuracy}");

    let three = part("stars_train", [0, 1, 2].into_iter(), &dir.path().join("three.parquet"));
    let (_, warnings) = told("three", &three, &table("stars_train"));
    has(&warnings, "3 classes have one training row each: \"1\", \"2\", \"3\"");
    has(&warnings, "3 of 60 validation rows");

    let refused = run(&finetune(
        &table("stars_train"),
        &table("stars_valid"),
        &dir.path().join("no"),
        OnBadRow::Fail,
    ));
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("store the same class names in both"), "{error}");
}

#[test]
fn a_model_whose_weights_are_no_numbers_predicts_nothing() {
    let (dir, device) = (tempfile::tempdir().unwrap(), Device::flex());
    let backbone = Pretrained::find(WEIGHTS).unwrap().backbone(&device).unwrap();
    let Head::Linear(mut head) = HeadConfig::linear(2)
        .init(backbone.features(), &[], 0, &device)
        .unwrap()
    else {
        panic!("a linear head");
    };
    // A number, of which a sum is none.
    head.weight = Param::from_tensor(Tensor::full([backbone.features(), 2], f32::MAX, &device));
    let model = Model {
        backbone,
        head: Head::Linear(head),
    };
    let task = Classify {
        classes: vec!["a".to_owned(), "b".to_owned()],
        ..Classify::default()
    };
    let config = ModelConfig {
        backbone: Architecture::new("efficientnet-lite0"),
        task: task.into(),
        image_size: 32,
        image_height: None,
        normalisation: Normalisation::IMAGENET,
        interpolation: Interpolation::default(),
        resize_size: None,
        reading: Reading::default(),
    };
    model.save(dir.path(), &config).unwrap();
    // In the second set a row of the first batch is bad: it is passed over, and the model refused all the same.
    for (on_bad_row, set) in [(OnBadRow::Fail, "one_class"), (SKIP, "hf_two_bad_images")] {
        let predict = Predict {
            on_bad_row,
            ..Predict::new(dir.path(), [table(set)])
        };
        let error = predict.run(&context(), &mut |_, _| {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        let expected = "the model gives probabilities that are no numbers: its weights are damaged";
        assert_eq!(error.to_string(), format!("{}: {expected}", dir.path().display()));
    }
    // What is no number itself is not even loaded.
    let head = HeadConfig::linear(2)
        .init(model.backbone.features(), &[], 0, &device)
        .unwrap();
    let Head::Linear(mut head) = head else {
        panic!("a linear head");
    };
    head.weight = Param::from_tensor(Tensor::full([model.backbone.features(), 2], f32::NAN, &device));
    let model = Model {
        head: Head::Linear(head),
        ..model
    };
    model.save(dir.path(), &config).unwrap();
    let predict = Predict::new(dir.path(), [table("one_class")]);
    let error = predict.run(&context(), &mut |_, _| {}).unwrap_err();
    let file = dir.path().join("model.safetensors");
    let expected = "tensor \"head.weight\" holds a number that is not finite: these weights are damaged";
    assert_eq!(error.to_string(), format!("{}: {expected}", file.display()));
}
