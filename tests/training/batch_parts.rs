//! Parts of every batch whose synthetic rows are of no class by name: of classes that have equally many rows, and of cells.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::balance_run::{report, run};
use crate::common::{context, refused_with};
use millstream::error::ErrorKind;

/// Half a batch of class a, half of that synthetic rows of whatever class.
const PARTS: &str = r#"
    [balance]
    batch = [{ class = "a", share = 0.25 }, { share = 0.5 }, { origin = "synthetic", share = 0.25 }]

    [train]
    batch_size = 32
"#;

#[test]
fn classes_of_equally_many_rows_have_their_parts() {
    let dir = tempfile::tempdir().unwrap();
    let plain = run(dir.path(), [6, 6, 6], "prepared", PARTS);
    let prepared = plain.prepare(&context(), &mut |_| ()).unwrap();
    let loader = plain
        .feature_loader(&context(), &prepared, &plain.spec.balance)
        .unwrap();
    let explained = loader.explain();
    assert!(
        explained.contains("8 synthetic rows of all classes that can be made"),
        "{explained}"
    );
    let report = report(&run(dir.path(), [6, 6, 6], "equal", PARTS));
    // Four epochs of one batch: of each eight of a, sixteen stored ones of b and c, and eight that SMOTE makes.
    let emitted = |class: &str, origin: &str| report["counts"][class]["emitted"][origin].as_u64().unwrap_or(0);
    let all = |origin: &str| ["a", "b", "c"].map(|class| emitted(class, origin));
    assert_eq!(
        (all("real"), all("synthetic").iter().sum::<u64>()),
        ([32, 32, 32], 32),
        "{report}"
    );
}

#[test]
fn the_largest_class_has_a_part_where_all_smaller_ones_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let parts = r#"
        [balance]
        batch = [{ share = 0.5 }, { class = ["b", "c"], origin = "synthetic", share = 0.25 }, { origin = "synthetic", share = 0.25 }]

        [train]
        batch_size = 8
    "#;
    let report = report(&run(dir.path(), [12, 6, 6], "largest", parts));
    let made = ["a", "b", "c"].map(|class| report["counts"][class]["emitted"]["synthetic"].as_u64().unwrap_or(0));
    // Four epochs of three batches.
    assert_eq!(made, [24, 12, 12], "{report}");
}

#[test]
fn a_part_of_a_class_that_there_is_not_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let parts = PARTS.replace("{ origin", r#"{ class = "d", origin"#);
    refused_with(
        run(dir.path(), [6, 6, 6], "none", &parts).run(&context(), &mut |_| ()),
        ErrorKind::Config,
        &["batch: there is no class \"d\"; the classes are a, b, c"],
    );
}

#[test]
fn cells_are_counted_as_their_parts_come() {
    let dir = tempfile::tempdir().unwrap();
    let parts = r#"
        [balance]
        by = { product = ["label", "time"] }
        batch = [{ class = "a / day", share = 0.5 }, { class = ["b / night", "c / night"], origin = "synthetic", share = 0.5 }]

        [train]
        batch_size = 8
    "#;
    let report = report(&run(dir.path(), [30, 15, 9], "cells", parts));
    // Four epochs of seven batches.
    let cells = ["a / day", "a / night", "b / night", "c / night"];
    let came = cells.map(|cell| report["cells"][cell]["emitted"].as_u64().unwrap());
    assert_eq!(came, [112, 0, 56, 56], "{report}");
}
