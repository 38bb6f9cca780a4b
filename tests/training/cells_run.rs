//! Runs that fill the cells of a balance by two keys, with the views that a run has.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::balance_run::{report, run};
use crate::common::context;
use millstream::dataset::Origin;
use millstream::task::{Finetune, Preview};
use millstream::train::Existing;

const COUNTS: [usize; 3] = [30, 15, 9];

fn recipe(by: &str, more: &str) -> String {
    format!("[balance]\nby = {by}\n{more}\n[train]\nbatch_size = 7")
}

fn by_cells(more: &str) -> String {
    recipe("{ product = [\"label\", \"time\"] }", more)
}

#[test]
fn a_run_of_several_views_fills_cells_with_rows_of_any_generator() {
    let dir = tempfile::tempdir().unwrap();
    for (out, more) in [
        ("smote", "synthetic = 1.0"),
        ("jitter", "synthetic = 1.0\ngenerator = { jitter = {} }"),
        (
            "gate",
            "synthetic = 1.0\ngate = { manifold = 0, least_distance = 0.0, attempts = 16 }",
        ),
    ] {
        let run = run(dir.path(), COUNTS, out, &by_cells(more)).views(4);
        let report = report(&run);
        // Four epochs, in which each of six cells has nine rows: c has six by day and three by night, b ten and five.
        let made = |class: &str| report["counts"][class]["emitted"]["synthetic"].as_u64().unwrap_or(0);
        assert_eq!(["a", "b", "c"].map(made), [0, 16, 36], "{out}");
        let again = Finetune {
            existing: Existing::Resume,
            ..run
        };
        assert!(again.run(&context(), &mut |_| ()).is_ok(), "{out}");
    }
}

#[test]
fn a_preview_shows_rows_of_cells_with_their_classes() {
    let dir = tempfile::tempdir().unwrap();
    for views in [1, 4] {
        let run = run(dir.path(), COUNTS, "seen", &by_cells("synthetic = 1.0")).views(views);
        let rows = Preview::new(run).open(&context(), &mut |_| ()).unwrap();
        let samples = rows.samples(1, 3).unwrap();
        let groups: Vec<_> = samples
            .groups
            .iter()
            .map(|group| (group.name.as_str(), group.stored, group.epoch))
            .collect();
        assert_eq!(
            groups,
            [("c", 9, (18, 9)), ("b", 15, (18, 4)), ("a", 30, (18, 0))],
            "{views}"
        );
        for group in &samples.groups {
            let made = group
                .samples
                .iter()
                .filter(|sample| sample.provenance.origin == Origin::Synthetic);
            let targets: Vec<&str> = made.map(|sample| sample.target.as_str()).collect();
            let expected = if group.name == "a" { 0 } else { 3 };
            assert_eq!(targets, vec![group.name.as_str(); expected], "{views}");
        }
        assert!(rows.sheet(&samples, 32).is_ok());
    }

    // Cells with rows of several classes: no row is made of them, and an epoch has as many rows as before.
    let run = run(dir.path(), COUNTS, "times", &recipe("\"time\"", ""));
    let rows = Preview::new(run).open(&context(), &mut |_| ()).unwrap();
    let samples = rows.samples(1, 3).unwrap();
    let epochs: Vec<(u64, u64)> = samples.groups.iter().map(|group| group.epoch).collect();
    let all = epochs.iter().fold((0, 0), |all, of| (all.0 + of.0, all.1 + of.1));
    assert_eq!((epochs.len(), all), (3, (54, 0)), "{epochs:?}");
}
