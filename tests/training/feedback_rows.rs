//! How many epochs and held-out rows feedback needs.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::balance_run::run;
use crate::common::context;
use millstream::Result;
use millstream::spec::{Spec, read_toml};
use millstream::task::{Event, Finetune, FinetuneSpec};

#[test]
fn feedback_that_no_epoch_follows_is_refused() {
    let checked = |train: &str| -> Result<()> {
        let spec: FinetuneSpec = read_toml(&format!("[balance]\nfeedback = {{}}\n\n[train]\n{train}"))?;
        spec.check()
    };
    for enough in ["epochs = 3", "epochs = 2\nunfreeze = 1\ndeep_epochs = 3"] {
        assert!(checked(enough).is_ok(), "{enough}");
    }
    for (few, said) in [
        (
            "epochs = 2",
            "train.epochs is 2: let it be 3 or more, or leave feedback out",
        ),
        // The deep part is none without a stage.
        ("epochs = 2\ndeep_epochs = 3", "train.epochs is 2: let it be 3 or more,"),
        (
            "epochs = 1\nunfreeze = 1\ndeep_epochs = 2",
            "train.epochs is 1: let it be 3 or more (or train.deep_epochs, which is 2), or leave feedback out",
        ),
    ] {
        let error = checked(few).unwrap_err().to_string();
        assert!(
            error.contains("balance.feedback: epoch 3 is the first") && error.contains(said),
            "{few}: {error}"
        );
    }
    let without: FinetuneSpec = read_toml("[train]\nepochs = 1").unwrap();
    assert!(without.check().is_ok());
}

/// What a run said: its notes and its warnings.
fn told(run: &Finetune) -> [Vec<String>; 2] {
    let mut told = [Vec::new(), Vec::new()];
    let all = run.run(&context(), &mut |event| match event {
        Event::Note(note) => told[0].push(note.to_owned()),
        Event::Warning(warning) => told[1].push(warning.to_owned()),
        _ => {}
    });
    all.unwrap();
    told
}

#[test]
fn a_warning_names_the_classes_that_feedback_follows_by_few_rows() {
    let dir = tempfile::tempdir().unwrap();
    let of = |counts: [usize; 3], out: &str, more: &str| {
        let recipe = format!("[balance]\nfeedback = {{}}\n\n[train]\nbatch_size = 16\n{more}");
        told(&run(dir.path(), counts, out, &recipe).epochs(3))
    };
    // A tenth of each class is held out: 5, 2 and 1.
    let [notes, warnings] = of([50, 20, 10], "few", "");
    let few = |warning: &&String| warning.starts_with("feedback follows the recall");
    let warning = warnings.iter().find(few).unwrap();
    assert!(
        warning.contains("mostly chance: \"b\" has 2 selection rows, \"c\" has 1 selection row;"),
        "{warning}"
    );
    let held = "8 of 80 training rows are selection rows: held out for the shares of later epochs, which follow";
    assert!(notes.iter().any(|note| note.starts_with(held)), "{notes:?}");
    let [notes, warnings] = of([50, 50, 50], "many", "keep_best = true");
    assert!(!warnings.iter().any(|warning| few(&warning)), "{warnings:?}");
    let both = "held out to choose the best epoch on, and for the shares of later ones, and in no figure of the report";
    assert!(notes.iter().any(|note| note.ends_with(both)), "{notes:?}");
}
