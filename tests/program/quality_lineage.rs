//! What `quality` does with the rows that the generator was fitted on, as the file of the synthetic rows names them.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use millstream::rng::Rng;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn millstream(folder: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_millstream"));
    program.current_dir(folder).args(arguments).output().unwrap()
}

/// What standard error says, in one line.
fn said(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Two hundred rows of two numbers and a class.
fn table(path: &Path, seed: u64) {
    let mut rng = Rng::new(seed, "people", 0);
    let line = |_| {
        let age = 40.0 + 10.0 * rng.normal();
        let income = 20.0 + age + 5.0 * rng.normal();
        let class = if age > 42.0 { "rich" } else { "poor" };
        format!("{age},{income},{class}\n")
    };
    let lines: String = (0..200).map(line).collect();
    fs::write(path, format!("age,income,class\n{lines}")).unwrap();
}

#[test]
fn rows_that_the_generator_was_fitted_on_are_training_rows_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    for (name, seed) in [("a.csv", 1), ("b.csv", 2), ("c.csv", 3)] {
        table(&at.join(name), seed);
    }
    // A tenth of the rows is held out of the fit.
    let fit = [
        "generate", "fit", "--kind", "copula", "--train", "a.csv", "--label", "class", "--out", "model",
    ];
    let sample = [
        "generate",
        "sample",
        "--model",
        "model",
        "--rows",
        "200",
        "--balance",
        "none",
        "--out",
        "made.parquet",
    ];
    for arguments in [fit, sample] {
        let done = millstream(at, &arguments);
        assert!(done.status.success(), "{}", said(&done));
    }
    fs::copy(at.join("a.csv"), at.join("copy.csv")).unwrap();
    // The holdout is what the generator was fitted on, under its name and under another.
    for holdout in ["a.csv", "copy.csv"] {
        let done = millstream(at, &["quality", "b.csv", "made.parquet", "--holdout", holdout]);
        let said = said(&done);
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(
            said.contains("of 200 holdout rows, 1")
                && said.contains("are among those that the generator of the synthetic rows was fitted on")
                && said.contains(&format!("in {holdout}): they are no control")),
            "{said}"
        );
    }
    let report = |arguments: &[&str]| -> Value {
        let done = millstream(
            at,
            &[&["quality"][..], arguments, &["--label", "class", "--json"]].concat(),
        );
        assert!(done.status.success(), "{}", said(&done));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    // Rows that it did not see are no training rows, by any name of the file.
    for real in ["a.csv", "copy.csv"] {
        let found = report(&[real, "made.parquet", "--holdout", "b.csv"]);
        let seen = found["real_rows"].as_u64().unwrap();
        assert!((175..190).contains(&seen), "{found}");
        let note = format!(
            "{} of 200 real rows are left out: the generator was not fitted on them",
            200 - seen
        );
        assert!(found["notes"].to_string().contains(&note), "{}", found["notes"]);
    }
    // Without a holdout half of the rows are the control, and it is said that some were not seen.
    let notes = report(&["a.csv", "made.parquet"])["notes"].to_string();
    assert!(
        notes.contains("of 100 real rows the generator was not fitted on")
            && notes.contains("dilute the figures of privacy"),
        "{notes}"
    );
    // Other rows altogether.
    let found = report(&["b.csv", "made.parquet", "--holdout", "c.csv"]);
    assert_eq!(found["real_rows"], 200);
    let notes = found["notes"].to_string();
    assert!(notes.contains("none of the real rows is known to be of it"), "{notes}");
    // Rows of a file that does not say anything are compared as they are named.
    let found = report(&["a.csv", "b.csv", "--holdout", "c.csv"]);
    assert_eq!(found["real_rows"], 200);
    assert!(!found["notes"].to_string().contains("fitted"), "{}", found["notes"]);
}
