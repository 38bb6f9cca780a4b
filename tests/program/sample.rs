//! What `generate sample` says of what it lacks, and of what it leaves out.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .current_dir(folder)
        .arg("generate")
        .args(arguments)
        .output();
    program.unwrap()
}

/// What standard error says; the command did it, or did not.
fn said(folder: &Path, arguments: &[&str], done: bool) -> String {
    let output = run(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), done, "{arguments:?}: {said}");
    said
}

#[test]
fn a_sample_names_what_it_lacks_and_what_it_leaves_out() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let rows = (0..40).map(|row| format!("{}.5,{}.25,{}\n", row, row * 7 % 11, ["a", "b"][row % 2]));
    let text = format!("x,y,label\n{}9.5,3.5,alone\n", rows.collect::<String>());
    std::fs::write(at.join("rows.csv"), &text).unwrap();
    std::fs::write(at.join("valid.csv"), text.replace(".5,", ".75,")).unwrap();
    let neither = said(at, &["sample", "--rows", "10"], false);
    assert!(
        neither.contains("--model") && neither.contains("--generator"),
        "{neither}"
    );
    let sample = [
        "sample",
        "--rows",
        "10",
        "--train",
        "rows.csv",
        "--valid",
        "valid.csv",
        "--label",
        "label",
    ];
    // A table has no tensor of features: all of its numbers are taken, and said.
    let all = said(
        at,
        &[&sample[..], &["--generator", "smote", "--out", "all.parquet"]].concat(),
        true,
    );
    let all = all.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        all.contains("smote: new rows are made in all columns of numbers (x, y); others: --generator '{\"smote\": {\"columns\": [\"x\"]}}'"),
        "{all}"
    );
    let towns = (0..40).map(|row| format!("town {row},{}\n", ["a", "b"][row % 2]));
    std::fs::write(
        at.join("words.csv"),
        format!("town,label\n{}", towns.collect::<String>()),
    )
    .unwrap();
    let words = [
        &sample[..3],
        &["--train", "words.csv", "--label", "label", "--generator", "smote"],
    ]
    .concat();
    let words = said(at, &words, false);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("name a tensor of f32 in `column`"), "{words}");
    let smote = r#"{"smote": {"columns": ["x", "y"]}}"#;
    let told = said(
        at,
        &[&sample[..], &["--generator", smote, "--out", "made.parquet"]].concat(),
        true,
    );
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("left out, since no rows can be made of them") && told.contains(": alone"),
        "{told}"
    );
}

#[test]
fn columns_and_row_numbers_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let rows = |part: usize| -> String {
        let row = |row: usize| {
            format!(
                "{},{}.{part}5,{},{}\n",
                100 * part + row,
                row * 7 % 11,
                ["north", "south"][row / 2 % 2],
                ["a", "b"][row % 2]
            )
        };
        format!("id,x,town,label\n{}", (0..40).map(row).collect::<String>())
    };
    std::fs::write(at.join("rows.csv"), rows(1)).unwrap();
    std::fs::write(at.join("valid.csv"), rows(2)).unwrap();
    let sample = |generator: &str, more: &[&str]| -> String {
        let all = [
            "sample",
            "--rows",
            "10",
            "--train",
            "rows.csv",
            "--valid",
            "valid.csv",
            "--label",
            "label",
            "--out",
            "made.parquet",
            "--overwrite",
            "--generator",
            generator,
        ];
        let told = said(at, &[&all[..], more].concat(), true);
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let nc = sample("smote_nc", &[]);
    assert!(
        nc.contains("smote_nc: new rows are made in the numbers id, x and the categories town; others: --generator '"),
        "{nc}"
    );
    for generator in ["smote", "smote_nc", "copula"] {
        let told = sample(generator, &[]);
        let numbered = format!(
            "column \"id\" has another whole number in each of 40 rows, as row numbers have, and {generator} makes new values of it: leave it out by --ignore id"
        );
        assert!(told.contains(&numbered), "{told}");
        // A copula is of all columns.
        let by_name = format!(", or name the columns: --generator '{{\"{generator}\":{{\"columns\":[\"x\"]}}}}'");
        assert_eq!(told.contains(&by_name), generator != "copula", "{told}");
        let without = sample(generator, &["--ignore", "id"]);
        assert!(!without.contains("whole number"), "{without}");
    }
    // Whoever names it wants it.
    let named = sample(r#"{"smote": {"columns": ["id", "x"]}}"#, &[]);
    assert!(!named.contains("whole number"), "{named}");
}
