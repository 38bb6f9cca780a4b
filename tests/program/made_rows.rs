//! Rows of `generate sample` beside the files that their generator was fitted on, and what a fit refuses.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use crate::common::context;
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int16Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use millstream::generative::learned_generators;
use millstream::rows::Labels;
use millstream::source::Files;
use millstream::synthetic::learned::{About, LearnedModel};
use millstream::synthetic::{Bank, BankSpec};
use millstream::{Dataset, Stable};
use parquet::arrow::ArrowWriter;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// What standard error says; the command did it, or did not.
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

/// A table of `x` and of classes in turn, in column `y`; numbers of class names where `names` are given.
fn table(path: &Path, first: usize, labels: &dyn Fn(&[usize]) -> ArrayRef, names: &[&str]) {
    let classes: Vec<usize> = (0..60).map(|row| row % 3).collect();
    let x = (0..60).map(|row| (first + row) as f64 + 0.5);
    let labels = labels(&classes);
    let metadata = match names {
        [] => HashMap::new(),
        names => {
            let features = serde_json::json!({"y": {"_type": "ClassLabel", "names": names}});
            let text = serde_json::json!({"info": {"features": features}}).to_string();
            HashMap::from([("huggingface".to_owned(), text)])
        }
    };
    let fields = vec![
        Field::new("x", DataType::Float64, true),
        Field::new("y", labels.data_type().clone(), true),
    ];
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let x = Arc::new(Float64Array::from_iter_values(x));
    let rows = RecordBatch::try_new(schema, vec![x, labels]).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

fn texts(classes: &[usize]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(
        classes.iter().map(|&class| ["cat", "dog", "eel"][class]),
    ))
}

/// How labels are stored, the class names that are stored with them, the classes' names, and the type as it is read.
type Case<'a> = (&'a dyn Fn(&[usize]) -> ArrayRef, &'a [&'a str], &'a [&'a str], DataType);

#[test]
fn made_rows_have_the_labels_of_the_rows_that_they_are_beside() {
    let dictionary = |classes: &[usize]| {
        let of = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        arrow::compute::cast(&texts(classes), &of).unwrap()
    };
    let integers = |classes: &[usize]| -> ArrayRef {
        Arc::new(Int16Array::from_iter_values(
            classes.iter().map(|&class| 10 * (class as i16 + 1)),
        ))
    };
    let from_one = |classes: &[usize]| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            classes.iter().map(|&class| class as i64 + 1),
        ))
    };
    let truths = |classes: &[usize]| -> ArrayRef {
        Arc::new(BooleanArray::from_iter(classes.iter().map(|&class| Some(class > 0))))
    };
    let numbers = |classes: &[usize]| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(classes.iter().map(|&class| class as i64)))
    };
    let cases: [Case<'_>; 6] = [
        (&texts, &[], &["cat", "dog", "eel"], DataType::Utf8View),
        (&dictionary, &[], &["cat", "dog", "eel"], DataType::Utf8View),
        (&integers, &[], &["10", "20", "30"], DataType::Int16),
        (&from_one, &[], &["1", "2", "3"], DataType::Int64),
        (&truths, &[], &["0", "1"], DataType::Boolean),
        (&numbers, &["10", "20", "30"], &["10", "20", "30"], DataType::Int64),
    ];
    let cx = context();
    for (labels, stored, names, data_type) in cases {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        table(&at.join("train.parquet"), 0, labels, stored);
        table(&at.join("valid.parquet"), 1000, labels, stored);
        let fit = [
            "generate",
            "fit",
            "--kind",
            "copula",
            "--label",
            "y",
            "--valid",
            "valid.parquet",
        ];
        let fit_on = |files: &[&str], out: &str| {
            said(at, &[&fit[..], &["--out", out, "--train"], files].concat(), true);
            LearnedModel::load(at.join(out), &learned_generators()).unwrap()
        };
        fit_on(&["train.parquet"], "copula");
        let sample = [
            "generate",
            "sample",
            "--model",
            "copula",
            "--rows",
            "30",
            "--out",
            "made.parquet",
        ];
        said(at, &sample, true);

        let [train, made] = ["train.parquet", "made.parquet"].map(|name| at.join(name).display().to_string());
        let both = cx.block_on(Files::open(&cx, &[&train, &made])).unwrap();
        let found = both.schema().field_with_name("y").unwrap().clone();
        assert_eq!(found.data_type(), &data_type, "{names:?}");
        // What made a row is no label.
        assert_eq!(both.find_label(None).unwrap(), "y");
        let all = cx.block_on(Labels::scan(&cx, &both, "y")).unwrap();
        assert_eq!((all.names().len(), all.len()), (names.len(), 90), "{names:?}");
        assert_eq!(all.names(), names);
        let stored = cx.block_on(Files::open(&cx, &[&train])).unwrap();
        let own = Arc::new(cx.block_on(Labels::scan(&cx, &stored, "y")).unwrap());
        let each = 30 / names.len() as u64;
        let more: Vec<u64> = own.counts().iter().map(|rows| rows + each).collect();
        assert_eq!(all.counts(), more, "{names:?}");
        // They fill a balance, are compared, and learnt beside the stored ones.
        let spec = BankSpec {
            path: vec![made],
            label: None,
        };
        let stored: Arc<dyn Stable> = Arc::new(stored);
        let bank = cx.block_on(Bank::open(&cx, &spec, &stored, &own)).unwrap();
        assert_eq!(bank.counts(), vec![each; names.len()]);
        said(at, &["quality", "train.parquet", "made.parquet", "--label", "y"], true);
        let again = fit_on(&["train.parquet", "made.parquet"], "again");
        let columns: Vec<&str> = again.about().columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(columns, ["x", "y"]);
    }
}

#[test]
fn a_folder_without_the_labels_type_makes_class_numbers_with_names() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("train.parquet"), 0, &texts, &[]);
    let fit = [
        "generate",
        "fit",
        "--kind",
        "copula",
        "--train",
        "train.parquet",
        "--out",
        "copula",
    ];
    said(at, &fit, true);
    // As an earlier version wrote it.
    let path = at.join("copula/generator.json");
    let mut written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written["about"]["label_type"], "Utf8");
    let mut about: About = serde_json::from_value(written["about"].take()).unwrap();
    about.label_type = None;
    let parts: BTreeMap<String, String> = serde_json::from_value(written["parts"].take()).unwrap();
    let model = serde_json::to_vec(&Model { about, parts }).unwrap();
    let mut older: Value = serde_json::from_slice(&model).unwrap();
    older["millstream"] = 1.into();
    older["checksum"] = format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&model)).into();
    std::fs::write(&path, older.to_string()).unwrap();
    let path = at.join("copula/fit.json");
    let mut begun: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    begun["about"].as_object_mut().unwrap().remove("label_type").unwrap();
    std::fs::write(&path, begun.to_string()).unwrap();

    said(at, &[&fit[..], &["--resume"]].concat(), true);
    let sample = [
        "generate",
        "sample",
        "--model",
        "copula",
        "--rows",
        "30",
        "--out",
        "made.parquet",
    ];
    said(at, &sample, true);
    let cx = context();
    let [train, made] = ["train.parquet", "made.parquet"].map(|name| at.join(name).display().to_string());
    let [train, rows] = [&train, &made].map(|path| cx.block_on(Files::open(&cx, &[path])).unwrap());
    assert_eq!(rows.class_names("y").unwrap(), ["cat", "dog", "eel"]);
    assert_eq!(
        rows.schema().field_with_name("y").unwrap().data_type(),
        &DataType::Int64
    );
    // Beside texts they are read as a bank and by a comparison.
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &train, "y")).unwrap());
    let spec = BankSpec {
        path: vec![made],
        label: None,
    };
    let train: Arc<dyn Stable> = Arc::new(train);
    let bank = cx.block_on(Bank::open(&cx, &spec, &train, &labels)).unwrap();
    assert_eq!(bank.counts(), [10; 3]);
    said(at, &["quality", "train.parquet", "made.parquet", "--label", "y"], true);
}

/// What a folder's file says of a model, in the order in which it is hashed.
#[derive(Serialize)]
struct Model {
    about: About,
    parts: BTreeMap<String, String>,
}

#[test]
fn validation_rows_are_not_learnt() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("train.parquet"), 0, &texts, &[]);
    table(&at.join("other.parquet"), 1000, &texts, &[]);
    table(&at.join("some.parquet"), 40, &texts, &[]);
    std::fs::copy(at.join("train.parquet"), at.join("copy.parquet")).unwrap();
    let fit = |train: &[&str], valid: &str, done: bool| {
        let fit = [
            "generate",
            "fit",
            "--kind",
            "copula",
            "--out",
            "out",
            "--overwrite",
            "--valid",
            valid,
            "--train",
        ];
        said(at, &[&fit[..], train].concat(), done)
    };
    for (train, valid, why) in [
        (
            &["train.parquet"][..],
            "train.parquet",
            "is a training row and a validation row",
        ),
        (
            &["train.parquet"],
            "./train.parquet",
            "is a training row and a validation row",
        ),
        (
            &["other.parquet", "train.parquet"],
            "train.parquet",
            "row 0 of row group 0 in train.parquet is a",
        ),
        (
            &["train.parquet"],
            "copy.parquet",
            "the validation rows are equal to the training rows, row by row",
        ),
    ] {
        let refused = fit(train, valid, false);
        assert!(refused.contains(why) && refused.contains("(--valid DATA)"), "{refused}");
        assert!(!at.join("out").exists());
    }
    let told = fit(&["train.parquet"], "some.parquet", true);
    assert!(
        told.contains("20 of 60 validation rows are equal to a training row"),
        "{told}"
    );
    assert!(!fit(&["train.parquet"], "other.parquet", true).contains("are equal to"));
}

#[test]
fn what_is_refused_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let rows = |line: &dyn Fn(usize) -> String| (0..40).map(line).collect::<String>();
    let class = |row: usize| ["a", "b"][row % 2];
    std::fs::write(
        at.join("only.csv"),
        format!("label\n{}", rows(&|row| format!("{}\n", class(row)))),
    )
    .unwrap();
    let day = |row: usize| format!("{row}.5,2024-01-{:02},{}\n", 1 + row % 28, class(row));
    std::fs::write(at.join("days.csv"), format!("x,day,label\n{}", rows(&day))).unwrap();
    let fit = |train: &str, more: &[&str], done: bool| {
        let fit = ["generate", "fit", "--kind", "copula", "--out", "out", "--train", train];
        said(at, &[&fit[..], more].concat(), done)
    };
    let only = fit("only.csv", &[], false);
    assert!(
        only.contains("the label is the only column: there is nothing to learn"),
        "{only}"
    );
    assert!(!at.join("out").exists());
    let dates = fit("days.csv", &[], false);
    assert!(dates.contains("leave it out of the rows (--ignore COL)"), "{dates}");
    fit("days.csv", &["--ignore", "day"], true);
    let other = fit("days.csv", &["--ignore", "day", "--seed", "4", "--resume"], false);
    assert!(
        other.contains("use another folder (--overwrite or --out DIR)"),
        "{other}"
    );

    let sample = |out: &str, done: bool| {
        said(
            at,
            &["generate", "sample", "--model", "out", "--rows", "9", "--out", out],
            done,
        )
    };
    let csv = sample("made.csv", false);
    assert!(
        csv.contains("rows are written as Parquet") && csv.contains("name the file .parquet"),
        "{csv}"
    );
    sample("made.parquet", true);
    std::fs::rename(at.join("out/columns.arrow"), at.join("columns.arrow")).unwrap();
    let missing = sample("x.parquet", false);
    assert!(
        missing.contains("columns.arrow: generator.json names this part")
            && missing.contains("fit the generator again"),
        "{missing}"
    );
    let whole = std::fs::read(at.join("out/generator.json")).unwrap();
    std::fs::write(at.join("out/generator.json"), &whole[..whole.len() / 2]).unwrap();
    let cut = sample("x.parquet", false);
    assert!(
        cut.contains("generator.json: it is not what a fit wrote") && cut.contains("fit the generator again"),
        "{cut}"
    );
}
