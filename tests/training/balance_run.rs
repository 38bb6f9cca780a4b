//! Runs that balance by cells, by parts of every batch and by feedback, on tiny pictures through a tiny network.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field};
use burn::tensor::Tensor;
use common::{context, refused_with};
use millstream::error::ErrorKind;
use millstream::image::Pixels;
use millstream::loader::{ClassPrior, LoaderBuilder};
use millstream::mix::{BalanceSpec, BatchPart, Feedback, FeedbackSpec, SegmentsSpec, Target};
use millstream::model::{HeadConfig, Outputs};
use millstream::rng::Rng;
use millstream::rows::Key;
use millstream::spec::{Spec, read_toml};
use millstream::task::{
    Classify, Evaluation, Event, Finetune, FinetuneSpec, Strategy, TargetKind, Targets, Task, Truth,
};
use millstream::train::Existing;
use millstream::train::loss::{BalancedSoftmax, Loss};
use millstream::{Dataset, DatasetExt, Result};
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// Pictures of the classes a, b and c, which are brighter in this order; every third one was taken at night.
fn write(path: &Path, counts: [usize; 3], seed: u64) -> String {
    let mut rng = Rng::new(seed, "pictures", 0);
    let (mut pictures, mut names, mut times, mut ages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (class, name) in ["a", "b", "c"].into_iter().enumerate() {
        for row in 0..counts[class] {
            let mut pixels = Pixels::new(16, 16);
            let bright = 60.0 + 60.0 * class as f32 + 30.0 * rng.normal();
            pixels.levels.fill(bright.clamp(0.0, 255.0) as u8);
            pictures.push(Some(pixels.to_png().unwrap()));
            names.push(name);
            times.push(if row % 3 == 0 { "night" } else { "day" });
            ages.push((10 * class) as f64 + 0.5);
        }
    }
    let columns: [(&str, ArrayRef); 4] = [
        ("image", Arc::new(pictures.into_iter().collect::<BinaryArray>())),
        ("label", Arc::new(StringArray::from(names))),
        ("time", Arc::new(StringArray::from(times))),
        ("age", Arc::new(Float64Array::from(ages))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

/// A run under the recipe's tables `more`.
pub(crate) fn run(folder: &Path, counts: [usize; 3], out: &str, more: &str) -> Finetune {
    let spec: FinetuneSpec = read_toml(more).unwrap();
    Finetune::new(spec, folder.join(out))
        .train(vec![write(&folder.join("train.parquet"), counts, 1)])
        .valid(vec![write(&folder.join("valid.parquet"), [4; 3], 2)])
        .label("label")
        .backbone(BACKBONE.to_owned())
        .size(16)
        .epochs(4)
        .views(1)
        .deep_epochs(1)
        .seed(3)
}

pub(crate) fn report(run: &Finetune) -> Value {
    run.run(&context(), &mut |_| ()).unwrap();
    serde_json::from_slice(&fs::read(run.out.join("report.json")).unwrap()).unwrap()
}

#[test]
fn a_run_by_two_keys_reports_what_came_of_each_cell() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = "[balance]\nby = { product = [\"label\", \"time\"] }\n[train]\nbatch_size = 7";
    let run = run(dir.path(), [30, 15, 9], "cells", recipe);
    let report = report(&run);
    // Four epochs of 54 rows, the same of each of six cells.
    for (cell, before) in [
        ("a / day", 20),
        ("a / night", 10),
        ("b / day", 10),
        ("b / night", 5),
        ("c / day", 6),
        ("c / night", 3),
    ] {
        assert_eq!(report["cells"][cell]["before"], before, "{cell}");
        assert_eq!(report["cells"][cell]["emitted"], 36, "{cell}");
    }
    assert_eq!(report["counts"]["c"]["emitted"]["real"], 72);
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("rows by cell over the run: a / day 36 (of 20 stored)"),
        "{notes}"
    );
    let unknown = self::run(dir.path(), [30, 15, 9], "unknown", "[balance]\nby = \"tome\"");
    refused_with(
        unknown.run(&context(), &mut |_| ()),
        ErrorKind::Schema,
        &["balance.by", "tome"],
    );
}

#[test]
fn a_run_by_two_keys_fills_cells_with_rows_that_pass_a_gate() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = |by: &str| {
        format!(
            "[balance]\nby = {by}\nsynthetic = 1.0\ngate = {{ manifold = 2, least_distance = 0.0, attempts = 256 }}\n[train]\nbatch_size = 7"
        )
    };
    let run = run(
        dir.path(),
        [30, 15, 9],
        "filled",
        &recipe("{ product = [\"label\", \"time\"] }"),
    );
    let mut notes = Vec::new();
    run.run(&context(), &mut |event| {
        if let Event::Note(note) = event {
            notes.push(note.to_owned());
        }
    })
    .unwrap();
    let report: Value = serde_json::from_slice(&fs::read(run.out.join("report.json")).unwrap()).unwrap();
    // Four epochs, in which each of six cells has nine rows: c has six by day and three by night, b ten and five.
    let emitted = |class: &str, origin: &str| report["counts"][class]["emitted"][origin].as_u64().unwrap_or(0);
    assert_eq!(
        [("a", 0), ("b", 16), ("c", 36)].map(|(class, _)| emitted(class, "synthetic")),
        [0, 16, 36]
    );
    assert_eq!(["a", "b", "c"].map(|class| emitted(class, "real")), [72, 56, 36]);
    let gate: Vec<&String> = notes.iter().filter(|note| note.starts_with("gate: ")).collect();
    assert!(
        matches!(*gate, [one] if one.contains("candidates refused")),
        "{notes:?}"
    );

    let by_time = self::run(dir.path(), [30, 15, 9], "time", &recipe("\"time\""));
    refused_with(
        by_time.run(&context(), &mut |_| ()),
        ErrorKind::Config,
        &["by: \"night\" has rows of \"a\" and of \"b\""],
    );
    let wrong = "[balance]\nsynthetic = 0.5\ngate = { columns = [\"image\"] }";
    let wrong = self::run(dir.path(), [30, 15, 9], "wrong", wrong);
    refused_with(
        wrong.run(&context(), &mut |_| ()),
        ErrorKind::Config,
        &["gate: columns are \"image\", and the rows that a head is trained on have \"features\" alone"],
    );
}

#[test]
fn rows_of_a_file_are_checked_before_anything_is_computed() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = |file: &str| {
        let path = dir.path().join(file).display().to_string();
        format!("[balance]\nsynthetic = 0.5\ngenerator = {{ rows = {{ path = {path:?} }} }}")
    };
    write(&dir.path().join("pictures.parquet"), [0, 5, 5], 3);
    for (file, said) in [
        ("missing.parquet", "missing.parquet"),
        ("pictures.parquet", "made rows lack \"features\""),
    ] {
        let run = run(dir.path(), [12, 6, 3], "out", &recipe(file));
        let mut begun = Vec::new();
        let error = run.run(&context(), &mut |event| {
            if let Event::Begin { what, .. } = event {
                begun.push(what.to_owned());
            }
        });
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("rows: "), "{error}");
        assert_eq!(
            (begun.len(), run.out.join("run.json").exists()),
            (0, false),
            "{begun:?}"
        );
    }

    // Features of the width that the network makes are mixed in.
    let plain = run(dir.path(), [12, 6, 3], "plain", "");
    let prepared = plain.prepare(&context(), &mut |_| ()).unwrap();
    let schema = prepared.features.unwrap().train.rows.schema();
    let DataType::FixedSizeList(_, width) = *schema.field_with_name("features").unwrap().data_type() else {
        panic!("{schema:?}");
    };
    let values: ArrayRef = Arc::new(Float32Array::from_iter_values(
        (0..6 * width).map(|at| at as f32 / 10.0),
    ));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let features = FixedSizeListArray::new(item, width, values, None);
    let columns: [(&str, ArrayRef); 2] = [
        ("features", Arc::new(features)),
        ("label", Arc::new(StringArray::from(vec!["b", "c", "c", "b", "c", "c"]))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(dir.path().join("features.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let report = report(&run(dir.path(), [12, 6, 3], "filled", &recipe("features.parquet")));
    assert!(
        report["counts"]["c"]["emitted"]["synthetic"].as_u64().unwrap() > 0,
        "{report}"
    );
}

#[test]
fn a_regression_is_balanced_by_bins_of_its_target() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = "[balance]\nby = { bins = { column = \"age\", edges = [5, 15] } }\n[train]\nbatch_size = 7";
    let run = run(dir.path(), [30, 15, 9], "bins", recipe).label("age");
    let report = report(&run);
    for (cell, before) in [("< 5", 30), ("5 to 15", 15), (">= 15", 9)] {
        assert_eq!(report["cells"][cell]["before"], before, "{cell}");
        assert_eq!(report["cells"][cell]["emitted"], 72, "{cell}");
    }
}

#[test]
fn parts_of_every_batch_are_a_line_of_a_recipe() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = r#"
        [balance]
        batch = [{ class = "a", share = 0.5 }, { share = 0.25 }, { origin = "synthetic", share = 0.25 }]

        [train]
        batch_size = 8
    "#;
    let run = run(dir.path(), [30, 15, 9], "parts", recipe);
    let report = report(&run);
    // Four epochs of seven batches: of each four of a, two stored ones of b or c, and two that SMOTE makes of them.
    let emitted = |class: &str, origin: &str| report["counts"][class]["emitted"][origin].as_u64().unwrap();
    assert_eq!((emitted("a", "real"), emitted("a", "synthetic")), (112, 0));
    assert_eq!((emitted("b", "real"), emitted("c", "real")), (28, 28));
    assert_eq!((emitted("b", "synthetic"), emitted("c", "synthetic")), (28, 28));
    let small = read_toml::<FinetuneSpec>(&recipe.replace("batch_size = 8", "batch_size = 3")).map(drop);
    let said = "balance.batch: a batch of 3 rows cannot hold stored rows of all other classes";
    refused_with(small, ErrorKind::Config, &[said]);
}

/// Rows of each class of an epoch that a loss was made for, in the order in which they were first seen.
static PRIORS: Mutex<Vec<Vec<f64>>> = Mutex::new(Vec::new());

/// Classification that notes which priors it is given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NotingPriors {
    inner: Classify,
}

impl Spec for NotingPriors {
    const NAME: &'static str = "noting_priors";
}

impl Task for NotingPriors {
    fn target(&self) -> TargetKind {
        self.inner.target()
    }

    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        let classes = targets.names().to_vec();
        let inner = Classify {
            classes,
            ..self.inner.clone()
        };
        Ok(Arc::new(Self { inner }))
    }

    fn head(&self) -> HeadConfig {
        self.inner.head()
    }

    fn class_loss(&self) -> Option<&Loss> {
        self.inner.class_loss()
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let counts = truth.priors.expect("the strategy has a loss").emitted.counts().to_vec();
        let mut seen = PRIORS.lock().unwrap();
        if seen.last() != Some(&counts) {
            seen.push(counts);
        }
        drop(seen);
        self.inner.loss(outputs, truth)
    }

    fn predictions(&self, outputs: Outputs, rows: &RecordBatch) -> Result<RecordBatch> {
        self.inner.predictions(outputs, rows)
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        self.inner.evaluation()
    }

    fn classes(&self) -> &[String] {
        self.inner.classes()
    }
}

#[test]
fn feedback_of_held_out_rows_moves_the_shares_and_the_prior_of_the_loss() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = r#"
        [balance]
        feedback = { by = "recall", strength = 1.0 }
        loss = { balanced_softmax = {} }

        [train]
        batch_size = 9
    "#;
    // A tenth of each class is held out: 36, 18 and 9 are left.
    let run = |out: &str| {
        run(dir.path(), [40, 20, 10], out, recipe)
            .task(NotingPriors::default())
            .epochs(5)
    };
    let first = run("first");
    let report = report(&first);
    let lines = fs::read_to_string(first.out.join("feedback.jsonl")).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    let recalls = |epoch: usize| -> Vec<f64> {
        let values = lines[epoch]["values"].as_array().unwrap();
        values.iter().map(|value| value.as_f64().unwrap()).collect()
    };
    let spec = FeedbackSpec::default();
    let expected: Vec<Vec<f64>> = (0..5)
        .map(|epoch: usize| match epoch.checked_sub(2) {
            None => vec![21.0; 3],
            Some(reported) => spec
                .shares(&[1.0 / 3.0; 3], &recalls(reported))
                .iter()
                .map(|share| share * 63.0)
                .collect(),
        })
        .collect();
    let seen = std::mem::take(&mut *PRIORS.lock().unwrap());
    let mut distinct: Vec<&Vec<f64>> = Vec::new();
    expected.iter().for_each(|shares| {
        if distinct.last() != Some(&shares) {
            distinct.push(shares)
        }
    });
    assert_eq!(seen.len(), distinct.len(), "{seen:?} {distinct:?}");
    for (counts, shares) in seen.iter().zip(&distinct) {
        assert_eq!(counts.iter().sum::<f64>(), 63.0);
        for (count, share) in counts.iter().zip(shares.iter()) {
            assert!((count - share).abs() < 1.0, "{counts:?} {shares:?}");
        }
    }
    let emitted: Vec<u64> = ["a", "b", "c"]
        .map(|class| report["counts"][class]["emitted"]["real"].as_u64().unwrap())
        .to_vec();
    assert_eq!(emitted.iter().sum::<u64>(), 5 * 63);
    for class in 0..3 {
        let all: f64 = expected.iter().map(|shares| shares[class]).sum();
        assert!((emitted[class] as f64 - all).abs() < 5.0, "{emitted:?} {expected:?}");
    }
    // The same run again has the same reports and the same model; one that has ended is not trained again.
    let second = run("second");
    second.run(&context(), &mut |_| ()).unwrap();
    for file in ["feedback.jsonl", "model.safetensors"] {
        assert_eq!(
            fs::read(first.out.join(file)).unwrap(),
            fs::read(second.out.join(file)).unwrap(),
            "{file}"
        );
    }
    let again = Finetune {
        existing: Existing::Resume,
        ..second
    };
    assert!(again.run(&context(), &mut |_| ()).is_ok());
    let compared = first.compare(&context(), std::slice::from_ref(&first.spec.balance), &mut |_| ());
    refused_with(
        compared,
        ErrorKind::Config,
        &["follows feedback, whose reports a comparison has no place for"],
    );
}

/// The folder of a run in a process of its own, which is killed.
const KILLED: &str = "MILLSTREAM_KILLED_FEEDBACK";

fn followed(folder: &Path, out: &str) -> Finetune {
    let recipe = r#"
        [balance]
        feedback = { by = "recall", strength = 1.0 }

        [train]
        batch_size = 9
    "#;
    let spec: FinetuneSpec = read_toml(recipe).unwrap();
    let files = |name: &str| vec![folder.join(name).display().to_string()];
    let run = Finetune::new(spec, folder.join(out))
        .train(files("train.parquet"))
        .valid(files("valid.parquet"));
    let run = run
        .label("label")
        .backbone(BACKBONE.to_owned())
        .size(16)
        .views(1)
        .deep_epochs(1)
        .seed(3);
    Finetune {
        existing: Existing::Resume,
        ..run.epochs(8)
    }
}

#[test]
#[ignore = "the process that a_run_that_follows_feedback_is_killed_and_goes_on starts"]
fn a_run_to_kill() {
    let Ok(folder) = std::env::var(KILLED) else { return };
    followed(Path::new(&folder), "killed")
        .run(&context(), &mut |_| ())
        .unwrap();
}

#[test]
fn a_run_that_follows_feedback_is_killed_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("train.parquet"), [40, 20, 10], 1);
    write(&dir.path().join("valid.parquet"), [4; 3], 2);
    let whole = followed(dir.path(), "whole");
    whole.run(&context(), &mut |_| ()).unwrap();
    let killed = followed(dir.path(), "killed");
    let reports = || fs::read_to_string(killed.out.join("feedback.jsonl")).map_or(0, |lines| lines.lines().count());
    let mut kills = 0;
    for wanted in [1, 3, 5] {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "balance_run::a_run_to_kill", "--ignored"])
            .env(KILLED, dir.path())
            .stdout(std::process::Stdio::null())
            .spawn();
        let mut child = child.unwrap();
        while reports() < wanted && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        kills += usize::from(child.try_wait().unwrap().is_none());
        // On Unix this is SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills > 0, "it ended before it was killed");
    killed.run(&context(), &mut |_| ()).unwrap();
    for file in ["feedback.jsonl", "model.safetensors"] {
        assert!(
            fs::read(whole.out.join(file)).unwrap() == fs::read(killed.out.join(file)).unwrap(),
            "{file} is another one"
        );
    }
    let counts = |run: &Finetune| -> Value {
        let report: Value = serde_json::from_slice(&fs::read(run.out.join("report.json")).unwrap()).unwrap();
        report["counts"].clone()
    };
    assert_eq!(counts(&whole), counts(&killed));
}

#[test]
fn settings_that_say_two_things_are_refused() {
    for (balance, said) in [
        (
            "by = \"time\"\nfeedback = {}",
            "by: feedback is of classes, not of cells",
        ),
        (
            "gate = {}",
            "gate: synthetic, the share of the rows that would have to pass, is 0",
        ),
        ("auto = true\ngate = {}", "leave gate out, or auto"),
        (
            "synthetic = 0.5\ngate = { attempts = 0 }",
            "gate: attempts is 0, but has to lie in 1..=256",
        ),
        ("auto = true\nby = \"time\"", "auto chooses shares of classes"),
        (
            "batch = [{ share = 1 }]\nsynthetic = 0.5",
            "batch: its parts say what comes in each batch",
        ),
        (
            "batch = [{ share = 0.5 }]",
            "balance.batch: the shares of the parts sum to 0.5",
        ),
        (
            "feedback = { floor = 2 }",
            "feedback: floor is 2, and has to lie in 0 to 1",
        ),
    ] {
        let spec: Result<FinetuneSpec> = read_toml(&format!("[balance]\n{balance}"));
        let error = spec.and_then(|spec| spec.check()).unwrap_err().to_string();
        assert!(error.contains(said), "{balance}: {error}");
    }
    assert_eq!(Strategy::default().batch, None);
}

/// Balanced softmax adds `ln(emitted share / (1 / classes))` to the logits, whatever the balance is by.
#[test]
fn losses_are_told_what_every_kind_of_balance_emits() {
    let cx = context();
    let dir = tempfile::tempdir().unwrap();
    let rows = || common::table(&[60, 24, 16]);
    let balanced = || cx.block_on(rows().balance(&cx, "label", Target::Uniform)).unwrap();
    let stored = ClassPrior::from(&**balanced().labels());
    let offsets = |loader: &LoaderBuilder, epoch: u64| -> (Vec<f64>, Vec<f64>) {
        let prior = loader.class_prior(epoch).unwrap();
        let loss = Loss::BalancedSoftmax(BalancedSoftmax::new())
            .init(&prior, &stored)
            .unwrap();
        let text = format!("{loss:?}");
        let offsets = text.split_once('[').unwrap().1.split_once(']').unwrap().0;
        let offsets = offsets.split(", ").map(|offset| offset.parse().unwrap()).collect();
        (prior.counts().to_vec(), offsets)
    };
    let check = |what: &str, loader: &LoaderBuilder, epoch: u64, counts: [f64; 3]| {
        let (found, offsets) = offsets(loader, epoch);
        assert_eq!(found, counts, "{what}");
        let all: f64 = counts.iter().sum();
        for (offset, count) in offsets.iter().zip(counts) {
            assert!((offset - (3.0 * count / all).ln()).abs() < 1e-6, "{what}: {offsets:?}");
        }
    };
    // Three shares for the first class, one for each of the others.
    let shares = [
        "0 / < 50",
        "0 / >= 50",
        "1 / < 50",
        "1 / >= 50",
        "2 / < 50",
        "2 / >= 50",
    ];
    let shares = shares.iter().zip([1.5, 1.5, 0.5, 0.5, 0.5, 0.5]);
    let cells = BalanceSpec {
        by: Some(Key::product([Key::column("label"), Key::bins("id", &[50.0])])),
        target: Target::Shares(shares.map(|(name, share)| (format!("class {name}"), share)).collect()),
        ..BalanceSpec::default()
    };
    let cells = cx.block_on(rows().balance_with(&cx, "label", &cells, None)).unwrap();
    check("cells", &cells.loader(&cx), 0, [60.0, 20.0, 20.0]);
    let parts = [BatchPart::of("class 2", 0.5), BatchPart::others(0.5)];
    let batches = balanced().batches(20, &parts, None).unwrap();
    check("parts", &batches.loader(&cx).batch_size(20), 0, [25.0, 25.0, 50.0]);
    let feedback = Feedback::open(dir.path().join("feedback.jsonl")).unwrap();
    let follows = balanced().feedback(&feedback, &FeedbackSpec::default()).unwrap();
    let loader = follows.loader(&cx).feedback(&feedback);
    feedback.report(0, &[0.55, 0.95, 0.65]).unwrap();
    // 0.5, 0.1 and 0.4.
    check("feedback", &loader, 2, [50.0, 10.0, 40.0]);
    let classed = cx.block_on(rows().classes(&cx, "label")).unwrap();
    let spec = SegmentsSpec {
        rows: 100,
        emit: Some(40),
        target: Target::Weights(vec![2.0, 1.0, 1.0]),
        ..SegmentsSpec::default()
    };
    let segments = classed.segments(&spec).unwrap();
    check("segments", &segments.loader(&cx), 0, [20.0, 10.0, 10.0]);
}
