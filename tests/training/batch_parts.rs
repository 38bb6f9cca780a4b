//! Parts of every batch whose synthetic rows are of no class by name: of classes that have equally many rows, and of cells.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::balance_run::{report, run};
use crate::common::{context, refused_with};
use millstream::error::ErrorKind;
use millstream::spec::read_toml;
use millstream::task::{Event, FinetuneSpec};

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

/// A run under `recipe` is refused with `text` before it computes anything, and leaves nothing.
#[track_caller]
fn refused_first(counts: [usize; 3], recipe: &str, text: &str) {
    let dir = tempfile::tempdir().unwrap();
    let wanted = run(dir.path(), counts, "none", recipe);
    let mut begun = Vec::new();
    let result = wanted.run(&context(), &mut |event| {
        if let Event::Begin { what, .. } = event {
            begun.push(what.to_owned());
        }
    });
    refused_with(result.map(drop), ErrorKind::Config, &[text]);
    assert!(begun.is_empty() && !wanted.out.exists(), "{begun:?}");
}

#[test]
fn a_part_of_a_class_that_there_is_not_is_refused_before_features_are_computed() {
    let unknown = PARTS.replace("{ origin", r#"{ class = "d", origin"#);
    refused_first(
        [6, 6, 6],
        &unknown,
        "batch: there is no class \"d\"; the classes are a, b, c",
    );
    let stored = PARTS.replace(r#"class = "a""#, r#"class = "d""#);
    refused_first(
        [6, 6, 6],
        &stored,
        "batch: there is no class \"d\"; the classes are a, b, c",
    );
    let cells = r#"
        [balance]
        by = { product = ["label", "time"] }
        batch = [{ class = "a / dya", share = 0.5 }, { share = 0.5 }]
    "#;
    refused_first(
        [6, 6, 6],
        cells,
        "batch: there is no class \"a / dya\" (do you mean \"a / day\"?); the classes are a / day, a / night, ",
    );
}

#[test]
fn a_part_without_rows_is_refused_before_features_are_computed() {
    // SMOTE goes from one row of the class to another one.
    let one_row = PARTS.replace("{ origin", r#"{ class = "c", origin"#);
    refused_first(
        [6, 6, 1],
        &one_row,
        "batch: a part of each batch is of the class \"c\", and the generator cannot make any",
    );
    let all_named = r#"
        [balance]
        batch = [{ class = ["a", "b", "c"], share = 0.5 }, { share = 0.5 }]
    "#;
    refused_first(
        [6, 6, 6],
        all_named,
        "batch: a part of each batch is stored rows of all other classes, and there are none",
    );
}

#[test]
fn a_repeat_factor_beside_shares_of_classes_is_refused_as_a_recipe_is_read() {
    for (beside, field) in [
        ("batch = [{ share = 1.0 }]", "batch"),
        ("feedback = { by = \"recall\" }", "feedback"),
    ] {
        let recipe = format!("[balance]\ntarget = {{ repeat_factor = 0.3 }}\n{beside}");
        let error = read_toml::<FinetuneSpec>(&recipe).unwrap_err().to_string();
        assert!(
            error.contains(&format!("balance: {field}: target is a repeat factor")),
            "{error}"
        );
    }
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
