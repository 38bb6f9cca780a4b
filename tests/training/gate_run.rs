//! Runs whose synthetic rows have to pass a gate: its limits, and what the report says of it.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::balance_run::{report, run};
use crate::common::{context, refused_with};
use millstream::error::ErrorKind;
use millstream::spec::read_toml;
use millstream::task::{Event, FinetuneSpec};
use serde_json::Value;

/// All numbers of an object of objects.
fn sum(of: &Value) -> u64 {
    let classes = of.as_object().unwrap().values();
    let reasons = classes.flat_map(|reasons| reasons.as_object().unwrap().values());
    reasons.map(|rows| rows.as_u64().unwrap()).sum()
}

#[test]
fn a_report_has_what_the_gate_refused_however_many_rows_are_made_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = |depth: usize| {
        format!(
            "[balance]\nsynthetic = 1.0\ngate = {{ manifold = 2, least_distance = 0.0, attempts = 256, \
             limits = {{ precision = 0.0, coverage = 0.0, refused = 1.0 }} }}\n\
             [train]\nbatch_size = 7\n[machine]\ndepth = {depth}"
        )
    };
    let [one, many] = [1, 12].map(|depth| {
        let run = run(dir.path(), [30, 15, 9], &format!("depth-{depth}"), &recipe(depth));
        report(&run)
    });
    let gate = &one["gates"]["head"];
    let made = ["a", "b", "c"].map(|class| one["counts"][class]["emitted"]["synthetic"].as_u64().unwrap_or(0));
    assert!(made[1] > 0 && made[2] > 0, "{one}");
    // Each row that was trained on is a candidate that passed.
    let candidates = gate["candidates"].as_u64().unwrap();
    assert_eq!(candidates - sum(&gate["refused"]), made.iter().sum::<u64>(), "{gate}");
    assert_eq!(one["gates"], many["gates"]);
    let notes = one["notes"].as_array().unwrap();
    assert!(
        notes.iter().any(|note| note.as_str().unwrap().starts_with("gate: ")),
        "{notes:?}"
    );
    let plain = report(&run(dir.path(), [30, 15, 9], "plain", "[balance]\nsynthetic = 1.0"));
    assert_eq!(plain.get("gates"), None);
}

#[test]
fn a_generator_beyond_the_limits_of_the_gate_is_refused_before_the_training() {
    let dir = tempfile::tempdir().unwrap();
    // All rows are too near to some training row, by so much.
    let recipe = "[balance]\nsynthetic = 1.0\n\
                  gate = { least_distance = 1e9, limits = { precision = 0.0, coverage = 0.0, refused = 0.25 } }";
    let run = run(dir.path(), [30, 15, 9], "refused", recipe);
    let mut begun = Vec::new();
    let result = run.run(&context(), &mut |event| {
        if let Event::Begin { what, .. } = event {
            begun.push(what.to_owned());
        }
    });
    let parts = [
        "gate: generator smote, class \"b\": the share of rows that are refused is 1.00 [",
        "and may be 0.25 at most",
    ];
    refused_with(result.map(drop), ErrorKind::Data, &parts);
    assert!(
        !begun.iter().any(|what| what.starts_with("training the head")),
        "{begun:?}"
    );
    assert!(!run.out.join("report.json").exists());

    for (limits, said) in [
        ("{ refused = 1.5 }", "limits.refused is 1.5, but has to lie in 0 to 1"),
        ("{ rows = 2 }", "limits.rows is 2, but has to lie in 3..=100000"),
        ("{ precise = 0.5 }", "precise"),
    ] {
        let recipe = format!("[balance]\nsynthetic = 1.0\ngate = {{ limits = {limits} }}");
        let error = read_toml::<FinetuneSpec>(&recipe).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_gate_tells_how_far_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = "[balance]\nsynthetic = 1.0\n\
                  gate = { manifold = 2, least_distance = 0.001, attempts = 256, limits = { precision = 0.0, coverage = 0.0, refused = 1.0 } }";
    let run = run(dir.path(), [30, 15, 9], "told", recipe);
    let mut told: Vec<(String, u64, Vec<u64>)> = Vec::new();
    let mut is_open = false;
    run.run(&context(), &mut |event| match event {
        Event::Begin { what, total } => {
            assert!(!is_open, "{what} begins before {told:?} has ended");
            is_open = true;
            told.push((what.to_owned(), total, Vec::new()));
        }
        Event::Done(done) => told.last_mut().unwrap().2.push(done),
        Event::End => is_open = false,
        _ => {}
    })
    .unwrap();
    let of = |name: &str| {
        told.iter()
            .find(|(what, ..)| what == name)
            .unwrap_or_else(|| panic!("{told:?}"))
    };
    let (_, total, done) = of("rows that the gate is fitted on");
    assert_eq!((*total, done.last()), (54, Some(&54)), "{told:?}");
    let (_, total, done) = of("rows for the limits of the gate");
    assert!(done.is_sorted() && done.last() == Some(total), "{told:?}");
    // Four epochs of 54 rows, and what fills the last batches.
    let (_, total, done) = of("counting what the gate refused");
    assert!(*total >= 4 * 54 && done.last() == Some(total), "{told:?}");
}
