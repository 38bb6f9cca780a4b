//! Classes that are worked out of other columns, as a recipe says.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::balance_run::run;
use crate::common::{context, refused_with};
use millstream::error::ErrorKind;
use millstream::spec::{read_toml, to_toml};
use millstream::task::{Evaluate, Event, Finetune, FinetuneSpec, Predict};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Ages of .5, 10.5 and 20.5 years.
const AGES: &str = r#"
    [data]
    label_by = { bins = { column = "age", edges = [5, 15] } }
"#;

/// A run on these classes, which are called `name`.
fn named(folder: &Path, out: &str, recipe: &str, name: &str) -> Finetune {
    let mut run = run(folder, [30, 15, 9], out, recipe);
    run.spec.data.label = Some(name.to_owned());
    run
}

#[test]
fn a_run_learns_bins_of_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = named(dir.path(), "run", AGES, "years");
    let mut plans = Vec::new();
    let report = wanted.run(&context(), &mut |event| {
        if let Event::Explain(plan) = event {
            plans.push(plan.to_owned());
        }
    });
    let report = report.unwrap();
    assert!(plans.iter().any(|plan| plan.contains("label_by")), "{plans:?}");
    let found: Value = serde_json::from_slice(&fs::read(wanted.out.join("report.json")).unwrap()).unwrap();
    for class in ["< 5", "5 to 15", ">= 15"] {
        let emitted = found["counts"][class]["emitted"]["real"].as_u64();
        assert!(emitted.is_some_and(|rows| rows > 0), "{class}: {found}");
    }
    let notes = found["notes"].to_string();
    assert!(
        notes.contains("are worked out of") && notes.contains("(data.label_by)"),
        "{notes}"
    );

    // Whoever measures the model works them out as well.
    let valid = dir.path().join("valid.parquet").display().to_string();
    let measured = Evaluate::new(Predict::new(&wanted.out, [valid])).run(&context(), &mut |_, _| ());
    assert_eq!(
        measured.unwrap().figures.value("accuracy"),
        report.figures.value("accuracy")
    );
}

#[test]
fn other_edges_are_other_classes() {
    let dir = tempfile::tempdir().unwrap();
    let targets = |recipe: &str| {
        let run = named(dir.path(), "none", recipe, "years");
        let datasets = run.datasets(&context()).unwrap();
        (datasets.targets.names().to_vec(), datasets.valid_rows())
    };
    assert_eq!(
        targets(AGES),
        (["< 5", "5 to 15", ">= 15"].map(str::to_owned).to_vec(), 12)
    );
    let run = named(dir.path(), "none", &AGES.replace("[5, 15]", "[5, 1000]"), "years");
    let notes = run.datasets(&context()).unwrap().notes.join("\n");
    assert!(notes.contains("(data.label_by); no row is of \">= 1000\""), "{notes}");
    let pairs = "[data]\nlabel_by = { product = [\"label\", \"time\"] }";
    let (names, _) = targets(pairs);
    assert_eq!(names[..3], ["a / day", "a / night", "b / day"]);
    let night = "[data]\nlabel_by = { equals = { column = \"time\", value = \"night\" } }";
    assert_eq!(targets(night).0, ["night", "not night"]);

    let spec: FinetuneSpec = read_toml(AGES).unwrap();
    let again: FinetuneSpec = read_toml(&to_toml(&spec).unwrap()).unwrap();
    assert_eq!(again.data, spec.data);
}

#[test]
fn classes_that_cannot_be_worked_out_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |recipe: &str, name: &str, kind: ErrorKind, text: &str| {
        let run = named(dir.path(), "none", recipe, name);
        refused_with(run.run(&context(), &mut |_| ()).map(drop), kind, &[text]);
        assert!(!run.out.exists());
    };
    refused(
        AGES,
        "label",
        ErrorKind::Config,
        "data.label_by: its classes would be column \"label\", which is there already: give them another name in data.label",
    );
    refused(
        &AGES.replace("\"age\"", "\"aeg\""),
        "years",
        ErrorKind::Schema,
        "data.label_by",
    );
    let error = read_toml::<FinetuneSpec>(&AGES.replace("[5, 15]", "[15, 5]")).unwrap_err();
    assert!(error.to_string().contains("data.label_by: bins of \"age\""), "{error}");
}
