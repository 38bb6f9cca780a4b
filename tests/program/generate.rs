//! `generate fit`, `generate sample` and `generate sheet`, run as their users run them.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use crate::common::{FASHION, context};
use arrow::array::AsArray;
use millstream::Dataset;
use millstream::generative::learned_generators;
use millstream::image::Pixels;
use millstream::rows::Labels;
use millstream::source::Parquet;
use millstream::synthetic::learned::LearnedModel;
use millstream::task::{DataOptions, Datasets};
use std::path::Path;
use std::process::{Command, Output};

const SMALL: &str = r#"{"vae": {"steps": 3, "width": 4, "latent": 2}}"#;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .current_dir(folder)
        .arg("generate")
        .args(arguments)
        .output();
    program.unwrap()
}

/// What standard error says; the command did it, or did not.
pub(super) fn said(folder: &Path, arguments: &[&str], done: bool) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), done, "{arguments:?}: {said}");
    said
}

#[test]
fn a_generator_is_fitted_and_its_rows_are_written_and_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let fit = [
        "fit",
        "--kind",
        SMALL,
        "--train",
        FASHION,
        "--out",
        "vae",
        "--seed",
        "3",
        "--held-out",
        "0.2",
    ];
    let told = said(at, &fit, true);
    assert!(
        told.contains("the generator is in vae") && told.contains("step 3: loss "),
        "{told}"
    );
    assert!(told.contains("held out"), "{told}");

    // It was fitted on the very rows that a run with the same data and seed trains on.
    let cx = context();
    let data = DataOptions {
        train: vec![FASHION.to_owned()].into(),
        held_out: 0.2,
        ..DataOptions::default()
    };
    let rows = Datasets::open(&cx, &data, None, 3).unwrap();
    let model = LearnedModel::load(at.join("vae"), &learned_generators()).unwrap();
    assert_eq!(model.about().counts, rows.targets.one_class().unwrap().counts());
    assert_eq!(model.about().seed, 3);

    let refused = said(at, &fit, false);
    assert!(
        refused.contains("this folder holds a generator") && refused.contains("--resume or --overwrite"),
        "{refused}"
    );
    // Other rows are held out under another seed, which is the cause.
    let other = said(
        at,
        &[
            &fit[..5],
            &["--out", "vae", "--held-out", "0.2", "--seed", "4", "--resume"],
        ]
        .concat(),
        false,
    );
    assert!(other.contains("seed was 3, is 4"), "{other}");
    let again = said(at, &[&fit[..], &["--resume"]].concat(), true);
    assert!(again.contains("the generator is in vae"), "{again}");

    let sample = [
        "sample",
        "--model",
        "vae",
        "--rows",
        "100",
        "--classes",
        "Bag",
        "Trouser",
        "--seed",
        "9",
    ];
    let told = said(at, &[&sample[..], &["--out", "made.parquet"]].concat(), true);
    assert!(told.contains("100 rows are in made.parquet"), "{told}");
    let made = cx
        .block_on(Parquet::open(&cx, at.join("made.parquet").to_str().unwrap()))
        .unwrap();
    let labels = cx.block_on(Labels::scan(&cx, &made, "label")).unwrap();
    assert_eq!(labels.names(), model.about().classes);
    assert_eq!(labels.counts(), [0, 50, 0, 0, 0, 0, 0, 0, 50, 0]);
    assert!(said(at, &[&sample[..], &["--out", "made.parquet"]].concat(), false).contains("--overwrite"));
    // Without a name it has that of the generator and the seed.
    said(at, &sample, true);
    let named = format!("vae-{}-9.parquet", &model.hash()[..16]);
    assert_eq!(
        std::fs::read(at.join(named)).unwrap(),
        std::fs::read(at.join("made.parquet")).unwrap()
    );

    // The rows are trained on beside validation rows of their own, and never measured on.
    let refused = |arguments: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .current_dir(at)
            .args(arguments)
            .output()
            .unwrap();
        assert!(!program.status.success(), "{arguments:?}");
        String::from_utf8(program.stderr).unwrap()
    };
    let told = refused(&["finetune", "--train", FASHION, "made.parquet", "--out", "run"]);
    assert!(
        told.contains("rows are synthetic (the first one, made by \"vae ")
            && told.contains("row 0 of row group 0 in made.parquet"),
        "{told}"
    );
    assert!(
        told.contains("validation rows would be held out of these rows") && told.contains("(--valid"),
        "{told}"
    );
    let told = refused(&[
        "finetune",
        "--train",
        FASHION,
        "--valid",
        "made.parquet",
        "--out",
        "run",
    ]);
    assert!(told.contains("made.parquet: 100 of 100 rows are synthetic"), "{told}");
    // The model was fitted on rows that this file validates on.
    let told = refused(&[
        "finetune",
        "--train",
        "made.parquet",
        "--valid",
        FASHION,
        "--out",
        "run",
    ]);
    assert!(
        told.contains("synthetic training rows were made from row ") && told.contains("which is held out"),
        "{told}"
    );
    assert!(!at.join("run").exists());

    let none = said(
        at,
        &[
            "sample",
            "--model",
            "vae",
            "--rows",
            "9",
            "--classes",
            "Hat",
            "--out",
            "x.parquet",
        ],
        false,
    );
    assert!(none.contains("there is no class \"Hat\""), "{none}");
    let none = said(
        at,
        &["sample", "--model", ".", "--rows", "9", "--out", "x.parquet"],
        false,
    );
    assert!(none.contains("no generator was saved here"), "{none}");

    let held = ["--train", FASHION, "--held-out", "0.2"];
    said(
        at,
        &[
            &["sheet", "--model", "vae", "--out", "sheet.png", "--samples", "3"],
            &held[..],
        ]
        .concat(),
        true,
    );
    let sheet = image::open(at.join("sheet.png")).unwrap();
    assert!(
        sheet.width() > 300 && sheet.height() > 1000,
        "ten classes, made and real: {} x {}",
        sheet.width(),
        sheet.height()
    );
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checked-plain.parquet");
    assert!(
        !run(at, &["sheet", "--model", "vae", "--out", "y.png", "--train", other])
            .status
            .success()
    );
}

#[test]
fn a_kind_that_there_is_not_is_named_with_those_that_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let of = |kind: &str| {
        said(
            dir.path(),
            &["fit", "--kind", kind, "--train", FASHION, "--out", "x"],
            false,
        )
    };
    assert!(of("vea").contains("do you mean \"vae\""), "{}", of("vea"));
    assert!(of(r#"{"vae": {"latnt": 3}}"#).contains("unknown field `latnt`"));
    assert!(
        of(r#"{"vae": {"width": 3}}"#).contains("width is 3"),
        "{}",
        of(r#"{"vae": {"width": 3}}"#)
    );
    assert!(!dir.path().join("x").exists());
}

#[test]
fn a_table_without_pictures_names_the_kinds_that_learn_it() {
    let dir = tempfile::tempdir().unwrap();
    table(&dir.path().join("rows.csv"));
    let fit = |kind| ["fit", "--kind", kind, "--train", "rows.csv", "--out", "x"];
    for kind in ["vae", "gan"] {
        let refused = said(dir.path(), &fit(kind), false);
        assert!(refused.contains("--kind copula|tvae|ctgan for a table"), "{refused}");
        assert!(!dir.path().join("x").exists(), "{kind}");
    }
}

/// A table of two classes, from 0 to 1 and from 10 to 11, and of two colours.
pub(super) fn table(path: &Path) {
    let mut text = String::from("x,colour,label\n");
    for row in 0..120 {
        let (class, colour) = [("a", "red"), ("b", "blue")][row % 2];
        text += &format!("{},{colour},{class}\n", (row % 2 * 10) as f64 + (row / 2) as f64 / 60.0);
    }
    std::fs::write(path, text).unwrap();
}

#[test]
fn rows_of_a_sample_pass_a_gate() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("rows.csv"));
    said(
        at,
        &["fit", "--kind", "copula", "--train", "rows.csv", "--out", "copula"],
        true,
    );
    let sample = [
        "sample",
        "--model",
        "copula",
        "--rows",
        "60",
        "--out",
        "made.parquet",
        "--overwrite",
    ];
    let told = said(at, &[&sample[..], &["--gate", "--train", "rows.csv"]].concat(), true);
    assert!(
        told.contains("60 rows are in made.parquet") && told.contains("gate: "),
        "{told}"
    );
    let wide = [
        "--gate",
        r#"{"manifold": 0, "least_distance": 0}"#,
        "--train",
        "rows.csv",
    ];
    let told = said(at, &[&sample[..], &wide].concat(), true);
    assert!(told.contains("gate: none of 60 candidates refused"), "{told}");
    // Rows are no further apart than this, so that all made ones are near one: the generator is refused before anything is written.
    let limited = [
        "--gate",
        r#"{"manifold": 0, "least_distance": 100, "limits": {"precision": 0, "coverage": 0, "refused": 0.25}}"#,
        "--train",
        "rows.csv",
    ];
    let refused = said(at, &[&sample[..], &limited].concat(), false);
    assert!(
        refused.contains("the share of rows that are refused is 1.00 [") && refused.contains("and may be 0.25 at most"),
        "{refused}"
    );
    let narrow = [
        "--gate",
        r#"{"manifold": 0, "least_distance": 100}"#,
        "--train",
        "rows.csv",
    ];
    let refused = said(at, &[&sample[..], &narrow].concat(), false);
    assert!(
        refused.contains("class \"a\": 0 of ")
            && refused.contains("rows pass the gate (")
            && refused.contains("too near to a training row"),
        "{refused}"
    );
    // Other rows than those of the fit say nothing of copies.
    let others = ["--gate", "--train", "rows.csv", "--held-out", "0.3"];
    let refused = said(at, &[&sample[..], &others].concat(), false);
    assert!(
        refused.contains("are others than the 108 that the generator was fitted on"),
        "{refused}"
    );
    // The rows that it was fitted on stay.
    let onto = [
        "sample",
        "--model",
        "copula",
        "--rows",
        "6",
        "--out",
        "rows.csv",
        "--overwrite",
    ];
    let before = std::fs::read(at.join("rows.csv")).unwrap();
    said(at, &onto, false);
    assert_eq!(std::fs::read(at.join("rows.csv")).unwrap(), before);
    let without = said(at, &[&sample[..], &["--gate"]].concat(), false);
    assert!(without.contains("--train"), "{without}");
    let columns = ["--gate", r#"{"columns": ["x"]}"#, "--train", "rows.csv"];
    assert!(said(at, &[&sample[..], &columns].concat(), false).contains("columns are those of the generator's rows"));
}

/// Pictures in the folders of two classes, dark ones and bright ones.
fn folder_of_pictures(at: &Path) {
    for row in 0..12_u8 {
        let (class, level) = [("dark", 30), ("bright", 200)][usize::from(row % 2)];
        let mut pixels = Pixels::new(28, 28);
        for (pixel, at) in pixels.levels.iter_mut().zip(0..) {
            *pixel = level + row + (at % 29) as u8;
        }
        let folder = at.join(class);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{row}.png")), pixels.to_png().unwrap()).unwrap();
    }
}

#[test]
fn pictures_of_a_sample_pass_a_gate() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    folder_of_pictures(&at.join("pictures"));
    said(
        at,
        &["fit", "--kind", SMALL, "--train", "pictures", "--out", "vae"],
        true,
    );
    let sample = ["sample", "--model", "vae", "--rows", "4", "--out", "made.parquet"];
    let wide = [
        "--gate",
        r#"{"manifold": 0, "least_distance": 0}"#,
        "--train",
        "pictures",
    ];
    let told = said(at, &[&sample[..], &wide].concat(), true);
    assert!(told.contains("gate: none of 4 candidates refused"), "{told}");
}

#[test]
fn pictures_are_squashed_to_the_size_that_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    folder_of_pictures(&at.join("pictures"));
    for row in (0..12).step_by(2) {
        let wide = Pixels::new(32, 20).to_png().unwrap();
        std::fs::write(at.join(format!("pictures/dark/{row}.png")), wide).unwrap();
    }
    let fit = |kind: &'static str, more: &[&'static str]| {
        [&["fit", "--kind", kind, "--train", "pictures", "--out", "vae"], more].concat()
    };
    said(at, &fit(SMALL, &[]), false);
    assert!(!at.join("vae").exists());
    said(at, &fit(SMALL, &["--size", "20"]), true);
    said(
        at,
        &["sample", "--model", "vae", "--rows", "2", "--out", "made.parquet"],
        true,
    );
    let cx = context();
    let made = cx.block_on(Parquet::open(&cx, at.join("made.parquet").to_str().unwrap()));
    let made = made.unwrap();
    let rows = cx.block_on(made.take(&cx, &[0])).unwrap();
    let picture = Pixels::<u8>::decode(rows["image"].as_binary_view().value(0)).unwrap();
    assert_eq!((picture.width, picture.height), (20, 20));
    let table = said(
        at,
        &[
            "fit", "--kind", "copula", "--size", "20", "--train", "rows.csv", "--out", "copula",
        ],
        false,
    );
    assert!(table.contains("unknown field `size`"), "{table}");
}

#[test]
fn a_fit_replaces_no_file_that_it_did_not_write() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("rows.csv"));
    let fit = ["fit", "--kind", "copula", "--train", "rows.csv", "--out", "out"];
    std::fs::create_dir(at.join("out")).unwrap();
    std::fs::write(at.join("out/copula.json"), "mine").unwrap();
    let refused = said(at, &fit, false);
    assert!(refused.contains("copula.json exists, and no fit wrote it"), "{refused}");
    assert_eq!(std::fs::read_dir(at.join("out")).unwrap().count(), 1);
    std::fs::remove_file(at.join("out/copula.json")).unwrap();
    said(at, &fit, true);
    // Its own are replaced when that is asked for, and another's file beside them is not.
    said(at, &[&fit[..], &["--overwrite"]].concat(), true);
    std::fs::write(at.join("out/found.json"), "mine").unwrap();
    let tvae = r#"{"tvae": {"steps": 2}}"#;
    let other = [
        "fit",
        "--kind",
        tvae,
        "--train",
        "rows.csv",
        "--out",
        "out",
        "--overwrite",
    ];
    let refused = said(at, &other, false);
    assert!(refused.contains("found.json exists"), "{refused}");
    assert!(at.join("out/generator.json").exists(), "nothing is removed before");
}

#[test]
fn a_generator_stays_until_the_one_after_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("rows.csv"));
    let fit = |rows: &'static str, more: &[&'static str]| {
        [&["fit", "--kind", "copula", "--train", rows, "--out", "out"], more].concat()
    };
    said(at, &fit("rows.csv", &[]), true);
    let files = || {
        let entries = std::fs::read_dir(at.join("out")).unwrap().map(Result::unwrap);
        let read = |entry: std::fs::DirEntry| (entry.file_name(), std::fs::read(entry.path()).unwrap_or_default());
        entries.map(read).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    let rows = std::fs::read_to_string(at.join("rows.csv")).unwrap();
    let bad = rows.lines().enumerate().map(|(row, line)| match line.split_once(',') {
        // Whole numbers that no f64 tells apart.
        Some((_, others)) if row > 0 => format!("{},{others}\n", (1_u64 << 62) + row as u64),
        _ => format!("{line}\n"),
    });
    std::fs::write(at.join("bad.csv"), bad.collect::<String>()).unwrap();
    said(at, &fit("bad.csv", &["--overwrite"]), false);
    assert!(files() == before, "the old one is gone");
    std::fs::write(at.join("out/steps"), "mine").unwrap();
    let refused = said(at, &fit("rows.csv", &["--overwrite"]), false);
    assert!(refused.contains("steps is no folder, and no fit wrote it"), "{refused}");
    std::fs::remove_file(at.join("out/steps")).unwrap();
    assert!(files() == before);
    // As if the process had been killed while it put a new one in its place.
    let next = at.join("out/.millstream-next");
    std::fs::create_dir(&next).unwrap();
    for name in ["generator.json", "fit.json"] {
        std::fs::rename(at.join("out").join(name), next.join(name)).unwrap();
    }
    std::fs::copy(next.join("fit.json"), at.join("out/fit.json")).unwrap();
    let parts: Vec<_> = files()
        .into_keys()
        .filter(|name| name.to_string_lossy().contains("copula"))
        .collect();
    for part in &parts {
        std::fs::rename(at.join("out").join(part), next.join(part)).unwrap();
    }
    said(at, &fit("rows.csv", &["--resume"]), true);
    assert!(files() == before, "{:?}", files().keys());
}

#[test]
fn columns_that_say_which_rows_belong_together_are_not_learnt() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let mut text = String::from("x,colour,day,label\n");
    for row in 0..120 {
        let (class, colour) = [("a", "red"), ("b", "blue")][row % 2];
        text += &format!("{row}.5,{colour},2024-01-{:02},{class}\n", 1 + row % 28);
    }
    std::fs::write(at.join("rows.csv"), text).unwrap();
    let fit = [
        "fit", "--kind", "copula", "--train", "rows.csv", "--out", "out", "--time", "day",
    ];
    let told = said(at, &[&fit[..], &["--ignore", "colour"]].concat(), true);
    assert!(
        told.contains("columns that are not learnt: \"colour\", \"day\""),
        "{told}"
    );
    let model = LearnedModel::load(at.join("out"), &learned_generators()).unwrap();
    let schema = model.schema();
    let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
    assert_eq!(names, ["x", "label"]);
    let missing = [&fit[..], &["--ignore", "hue", "--overwrite"]].concat();
    assert!(said(at, &missing, false).contains("no column \"hue\"; there are "));
}

#[test]
fn whole_numbers_that_are_not_told_apart_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let rows = (0..40).map(|row| format!("{},{}\n", (1_u64 << 62) + row, ["a", "b"][row as usize % 2]));
    std::fs::write(at.join("rows.csv"), format!("x,label\n{}", rows.collect::<String>())).unwrap();
    for (kind, out) in [("copula", "one"), (r#"{"tvae": {"steps": 2}}"#, "two")] {
        let refused = said(at, &["fit", "--kind", kind, "--train", "rows.csv", "--out", out], false);
        assert!(!at.join(out).exists(), "nothing stays of rows that cannot be learnt");
        assert!(
            refused.contains("whole numbers beyond 2^53 are not told apart"),
            "{refused}"
        );
    }
}
