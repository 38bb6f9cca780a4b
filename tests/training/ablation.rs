//! Ablations on small tables and tiny pictures: the same table for any number of threads and after a kill, and what is refused.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
use common::refused_with;
use millstream::Context;
use millstream::ablation::{Ablation, AblationReport, DataSet, Input, Pictures};
use millstream::error::ErrorKind;
use millstream::image::Pixels;
use millstream::rng::Rng;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// A table of two inputs, one of which tells the classes apart with some overlap, and a category that says nothing.
fn keel(folder: &Path, name: &str, counts: [usize; 2]) -> PathBuf {
    let mut rng = Rng::new(counts[1] as u64, "table", 0);
    let mut text = format!(
        "@relation {name}\n@attribute x real [-9, 9]\n@attribute word {{a, b}}\n@attribute Class {{negative, positive}}\n\
         @inputs x, word\n@outputs Class\n@data\n"
    );
    for (class, many) in ["negative", "positive"].iter().zip(counts) {
        for row in 0..many {
            let x = rng.normal() + if *class == "positive" { 1.8 } else { 0.0 };
            let word = ["a", "b", "<null>"][row % 3];
            text += &format!("{:.3}, {word}, {class}\n", x.clamp(-9.0, 9.0));
        }
    }
    let path = folder.join(format!("{name}.dat"));
    fs::write(&path, text).unwrap();
    path
}

fn one(folder: &Path, counts: [usize; 2]) -> Ablation {
    let data = DataSet::Keel(keel(folder, "one", counts));
    Ablation::new([data]).seeds(2).paired_seeds(2).quick()
}

fn run(ablation: &Ablation, out: &Path, threads: usize) -> millstream::Result<AblationReport> {
    let cx = Context::with(threads, 256 << 20).unwrap();
    ablation.run(&cx, out, &mut |_| ())
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    fs::read(folder.join(name)).unwrap()
}

const RESULTS: [&str; 3] = ["ablation.json", "ablation.md", "ablation.html"];

#[test]
fn a_killed_ablation_goes_on_to_the_same_end_with_other_threads() {
    let place = tempfile::tempdir().unwrap();
    let (whole, killed) = (place.path().join("whole"), place.path().join("killed"));
    let ablation = one(place.path(), [200, 20]);
    let report = run(&ablation, &whole, 2).unwrap();
    // What a kill leaves: some lines, and a part of the next one.
    let cells = read(&whole, "cells.jsonl");
    let ends: Vec<usize> = (0..cells.len()).filter(|&at| cells[at] == b'\n').collect();
    assert!(ends.len() > 10, "{}", ends.len());
    let kept = ends.len() / 2;
    fs::create_dir(&killed).unwrap();
    fs::copy(whole.join("settings.json"), killed.join("settings.json")).unwrap();
    fs::write(killed.join("cells.jsonl"), &cells[..ends[kept] + 40]).unwrap();
    assert_eq!(run(&ablation, &killed, 1).unwrap(), report);
    for name in RESULTS {
        assert_eq!(read(&whole, name), read(&killed, name), "{name}");
    }
    // Nothing is done twice: the lines that were there are there still, and as many in all.
    let now = read(&killed, "cells.jsonl");
    assert!(now.starts_with(&cells[..=ends[kept]]));
    assert_eq!(now.iter().filter(|&&byte| byte == b'\n').count(), ends.len());
    // One that has ended does nothing more.
    let before = read(&killed, "cells.jsonl");
    assert_eq!(run(&ablation, &killed, 2).unwrap(), report);
    assert_eq!(read(&killed, "cells.jsonl"), before);

    // Repeats are worth much to a rare class, as on any such table.
    let of = |name: &str| {
        let rows = &report.data[0].inputs[0].rows;
        rows.iter().find(|row| row.name == name).unwrap().mean
    };
    let (none, repeats) = (of("none"), of("repeats"));
    assert!(repeats.rarest_third > none.rarest_third + 0.1, "{none:?} {repeats:?}");
    // One normal number tells the classes apart, 1.8 deviations between them: no more than .816 can be had.
    assert!((0.6..0.85).contains(&repeats.balanced_accuracy), "{repeats:?}");
    // Each split has a choice of its own.
    assert_eq!(report.chosen.len(), 1);
    assert_eq!(report.chosen[0].choices.len(), 2);
    // Eight generators by one share; the best two with and without a gate, where it can compare what they make, and two in turn.
    let choice = &report.chosen[0].choices[0];
    assert_eq!((choice.screened.len(), choice.repetitions), (8, 1));
    let finals = choice.tried.len() + choice.refused.len();
    assert!((3..=5).contains(&finals), "{finals}");
    let pairs = choice.tried.iter().filter(|tried| tried.synthetic.beside.is_some());
    assert_eq!(pairs.count(), 1);
    // A forest is fitted on the same columns; the networks that make rows lie in the folder.
    let names = |input: usize| {
        let rows = &report.data[0].inputs[input].rows;
        rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>()
    };
    let made = [
        "SMOTE",
        "class transfer",
        "jitter",
        "copula",
        "rules: columns",
        "TVAE",
        "CTGAN",
        "SMOTE behind a gate",
    ];
    assert_eq!(names(0)[2..10], made);
    assert_eq!(names(1)[2..], made);
    let generators = fs::read_dir(whole.join("generators")).unwrap().count();
    assert_eq!(generators, 1, "one data set");
}

/// All rows of the rare class are the same, so SMOTE makes copies of them, which no gate lets pass.
#[test]
fn a_way_that_never_passes_its_gate_has_no_figures_and_all_others_have() {
    let place = tempfile::tempdir().unwrap();
    let path = keel(place.path(), "one", [80, 0]);
    let rare = "4.5, a, positive\n".repeat(12);
    let text = fs::read_to_string(&path).unwrap() + &rare;
    fs::write(&path, text).unwrap();
    let ablation = Ablation::new([DataSet::Keel(path)]).seeds(2).paired_seeds(2).quick();
    let out = place.path().join("out");
    let report = run(&ablation, &out, 2).unwrap();
    for input in &report.data[0].inputs {
        let names: Vec<&str> = input.rows.iter().map(|row| row.name.as_str()).collect();
        assert!(
            names.contains(&"SMOTE") && !names.contains(&"SMOTE behind a gate"),
            "{names:?}"
        );
        let [without] = input.refused.as_slice() else {
            panic!("{:?}", input.refused)
        };
        assert_eq!(without.name, "SMOTE behind a gate");
        assert!(
            without.why.starts_with("seed 0: ") && without.why.contains("candidates passes the gate"),
            "{}",
            without.why
        );
    }
    let text = String::from_utf8(read(&out, "ablation.md")).unwrap();
    assert!(text.contains("SMOTE behind a gate has no figures (seed 0: "), "{text}");
    // What was refused is not tried again.
    let before = read(&out, "cells.jsonl");
    assert_eq!(run(&ablation, &out, 1).unwrap(), report);
    assert_eq!(read(&out, "cells.jsonl"), before);
}

#[test]
fn other_settings_other_data_and_foreign_files_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let ablation = one(place.path(), [40, 10]);
    let out = place.path().join("out");
    run(&ablation, &out, 2).unwrap();
    let before = RESULTS.map(|name| read(&out, name));
    refused_with(
        run(&ablation.clone().seeds(3), &out, 2),
        ErrorKind::Resume,
        &["another ablation lies here: seeds is 2 there and 3 here"],
    );
    keel(place.path(), "one", [41, 10]);
    refused_with(
        run(&ablation, &out, 2),
        ErrorKind::Resume,
        &["the rows of one, or the network's weights, are others"],
    );
    assert_eq!(RESULTS.map(|name| read(&out, name)), before);
    check_lines(&ablation, &out);
    let foreign = place.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("ablation.md"), "mine").unwrap();
    refused_with(
        run(&ablation, &foreign, 2),
        ErrorKind::Config,
        &["ablation.md exists, but no settings.json: no ablation wrote it"],
    );
    assert_eq!(read(&foreign, "ablation.md"), b"mine");
    // A damaged line says where it is; a damaged table as well.
    keel(place.path(), "one", [40, 10]);
    fs::write(out.join("cells.jsonl"), "{}\n").unwrap();
    refused_with(
        run(&ablation, &out, 2),
        ErrorKind::Data,
        &["cells.jsonl", "line 1 is no cell of an ablation"],
    );
    fs::write(place.path().join("one.dat"), "1, a\n2\n").unwrap();
    refused_with(
        run(&ablation, &place.path().join("new"), 2),
        ErrorKind::Data,
        &["one.dat", "line 2: 1 values, where others have 2"],
    );
    for (wrong, said) in [
        (Ablation::default(), "there is no data set"),
        (ablation.clone().seeds(1), "seeds is 1, and has to lie in 2..=1000"),
        (
            Ablation::new([ablation.data[0].clone(), ablation.data[0].clone()]),
            "two data sets are called \"one\", and results are told apart by these names: name each once, and rename one",
        ),
    ] {
        refused_with(run(&wrong, &place.path().join("wrong"), 2), ErrorKind::Config, &[said]);
    }
}

/// Lines that are missing from the ended ablation in `out`, whose data has changed, or that nobody wrote who trained a network.
fn check_lines(ablation: &Ablation, out: &Path) {
    let path = out.join("cells.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused = |lines: &[Value], kind: ErrorKind, said: &[&str]| {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&path, text).unwrap();
        refused_with(run(ablation, out, 2), kind, said);
    };
    // Without what says that the data is another one nothing goes on: neither cells, nor networks that make rows.
    refused(
        &lines[1..],
        ErrorKind::Resume,
        &[
            "cells.jsonl",
            "line 1 is of \"one\", and no line before it says what that data set held",
            "use another folder",
        ],
    );
    let chosen = lines.iter().position(|line| line["kind"] == "chosen").unwrap();
    refused(
        &lines[chosen..],
        ErrorKind::Resume,
        &["no line before it says what that data set held"],
    );
    refused(&[], ErrorKind::Resume, &["generators", "networks of \"one\" lie there"]);
    refused(
        &[&lines[..], &lines[..1]].concat(),
        ErrorKind::Resume,
        &["says once more what \"one\" holds"],
    );
    refused(
        &[&lines[..], &lines[1..2]].concat(),
        ErrorKind::Data,
        &[
            &format!("line {} ", lines.len() + 1),
            "a line before it is of the same cell",
        ],
    );
    let edited = |at: usize, pointer: &str, value: Value| {
        let mut lines = lines.clone();
        *lines[at].pointer_mut(pointer).unwrap() = value;
        lines
    };
    refused(
        &edited(0, "/counts", json!("many")),
        ErrorKind::Data,
        &[
            "line 1 is no cell",
            "without it the other lines say nothing: use another folder",
        ],
    );
    // A cell of each split, whose training rows have other counts.
    for seed in [0, 1] {
        let at = lines
            .iter()
            .position(|line| line["kind"] == "cell" && line["seed"] == seed)
            .unwrap();
        let said = format!(
            "line {} is no cell of an ablation: its balanced_accuracy is 7.5",
            at + 1
        );
        let again = "remove the line, and it is computed again";
        refused(
            &edited(at, "/figures/balanced_accuracy", json!(7.5)),
            ErrorKind::Data,
            &[said.as_str(), again],
        );
        refused(
            &edited(at, "/figures/rarest_third", json!(0.123)),
            ErrorKind::Data,
            &["its rarest_third is 0.123"],
        );
    }
    refused(
        &edited(1, "/confusion/0/1", json!(u64::MAX)),
        ErrorKind::Data,
        &["line 2 ", "rows, and 10 were tested"],
    );
    refused(
        &edited(1, "/confusion", json!([[1]])),
        ErrorKind::Data,
        &["its confusion has 1 classes, and the data set 2"],
    );
    refused(
        &edited(chosen, "/choice/chosen", json!(99)),
        ErrorKind::Data,
        &["number 99 was chosen of"],
    );
    fs::write(path, text).unwrap();
}

/// Pictures of two classes that differ in how bright they are.
fn pictures(path: &Path, counts: [usize; 2], seed: u64) -> String {
    pictures_with(path, counts, seed, None)
}

/// The same with a column that says where a row is from, where that is asked for: the last one is synthetic.
fn pictures_with(path: &Path, counts: [usize; 2], seed: u64, origin: Option<&str>) -> String {
    let mut rng = Rng::new(seed, "pictures", 0);
    let (mut all, mut names) = (Vec::new(), Vec::new());
    for (name, many) in ["dark", "light"].into_iter().zip(counts) {
        for _ in 0..many {
            let mut pixels = Pixels::new(16, 16);
            let bright = rng.normal() * 25.0 + if name == "light" { 190.0 } else { 60.0 };
            pixels.levels.fill(bright.clamp(0.0, 255.0) as u8);
            all.push(Some(pixels.to_png().unwrap()));
            names.push(name);
        }
    }
    let origins = (1..=names.len()).map(|row| if row < names.len() { "real" } else { "synthetic" });
    let origins = StringArray::from_iter_values(origins);
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("image", Arc::new(all.into_iter().collect::<BinaryArray>())),
        ("label", Arc::new(StringArray::from(names))),
    ];
    columns.extend(origin.map(|name| (name, Arc::new(origins) as ArrayRef)));
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

#[test]
fn synthetic_training_pictures_and_the_same_pictures_on_both_sides_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let [train, test] =
        [("train.parquet", 1), ("test.parquet", 2)].map(|(name, seed)| pictures(&at(name), [12, 9], seed));
    let made = pictures_with(&at("made.parquet"), [12, 9], 1, Some("origin"));
    let copied = at("copied.parquet").display().to_string();
    fs::copy(&train, &copied).unwrap();
    for (train, test, said) in [
        (vec![&train], &train, "is read as training rows and as test rows"),
        (vec![&train, &test], &test, "is read as training rows and as test rows"),
        (
            vec![&train],
            &copied,
            "all 21 test pictures are training pictures as well, byte for byte",
        ),
        (vec![&made], &test, "tiny: 1 of 21 rows is synthetic (the first one: "),
    ] {
        let data = Pictures {
            backbone: Some(BACKBONE.to_owned()),
            ..Pictures::new("tiny", train, [test]).size(32)
        };
        let ablation = Ablation::new([DataSet::Pictures(data)]).seeds(2).quick();
        refused_with(run(&ablation, &at("out"), 2), ErrorKind::Config, &[said]);
        assert!(!at("out").exists(), "nothing is written of data that is refused");
    }
}

#[test]
fn pictures_are_compared_on_features_and_from_scratch() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let train = pictures(&at("train.parquet"), [30, 9], 1);
    let test = pictures(&at("test.parquet"), [10, 10], 2);
    let data = Pictures {
        backbone: Some(BACKBONE.to_owned()),
        long_tail: Some(vec![28, 6]),
        views: 2,
        ..Pictures::new("tiny", [&train], [&test]).size(32)
    };
    for (counts, said) in [
        (vec![28], "long_tail has 1 numbers, and there are 2 classes"),
        (vec![28, 10], "long_tail asks for 10 rows of \"light\", which has 9"),
        (
            vec![3, 1],
            "tiny: classes with two training rows and more have 3 rows in all, and cross-validations of 5 parts need at least 5",
        ),
    ] {
        let wrong = Pictures {
            long_tail: Some(counts),
            ..data.clone()
        };
        let wrong = Ablation::new([DataSet::Pictures(wrong)]);
        refused_with(run(&wrong, &at("wrong"), 2), ErrorKind::Config, &[said]);
        assert!(!at("wrong").exists(), "nothing is written of data that is refused");
    }
    let ablation = Ablation::new([DataSet::Pictures(data)])
        .seeds(2)
        .paired_seeds(2)
        .quick();
    let report = run(&ablation, &at("out"), 2).unwrap();
    let data = &report.data[0];
    assert_eq!((data.training_rows.as_slice(), data.test_rows), (&[28, 6][..], 20));
    assert_eq!(data.classes, ["dark", "light"]);
    let names = |input: usize| -> Vec<&str> {
        let rows = &data.inputs[input].rows;
        rows.iter().map(|row| row.name.as_str()).collect()
    };
    assert_eq!(
        (data.inputs[0].input, data.inputs[1].input),
        (Input::FromScratch, Input::Pretrained)
    );
    let common = ["none", "repeats", "augmentation", "repeats + augmentation"];
    assert!(names(0).starts_with(&common) && names(1).starts_with(&common));
    assert!((0..2).all(|input| names(input).ends_with(&["balanced softmax", "auto"])));
    assert_eq!(names(0)[4..8], ["SMOTE", "rules: warp", "VAE", "GAN"]);
    let not = |input: usize| data.inputs[input].not_applicable.iter().any(|row| row.name == "copula");
    assert!(not(0) && not(1));
    // Brightness is what a network on pixels sees at once.
    let repeats = data.inputs[0].rows[3].mean;
    assert!(repeats.balanced_accuracy > 0.8, "{repeats:?}");
    let transfer: Vec<&str> = data.transfer.iter().map(|transfer| transfer.row.as_str()).collect();
    assert_eq!(transfer, ["repeats", "repeats + augmentation", "balanced softmax"]);
    assert_eq!(report.chosen[0].choices.len(), 1);
    // The features that were kept serve again, for other threads as well, and come to the same figures.
    let cells = read(&at("out"), "cells.jsonl");
    let end = cells.iter().position(|&byte| byte == b'\n').unwrap();
    fs::write(at("out").join("cells.jsonl"), &cells[..=end]).unwrap();
    assert_eq!(run(&ablation, &at("out"), 3).unwrap(), report);
}
