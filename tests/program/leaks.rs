//! `millstream inspect --leaks`.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use unicode_width::UnicodeWidthStr;

fn millstream(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Thirty rows to train on and ten others that are held out.
fn tables(folder: &Path) {
    let line = |row: usize| {
        format!(
            "{}.{:03},{},{}\n",
            row % 7,
            row * 619 % 1000,
            ["a", "b"][row % 2],
            ["no", "yes"][row % 3 % 2]
        )
    };
    let of = |rows: std::ops::Range<usize>| "x,kind,class\n".to_owned() + &rows.map(line).collect::<String>();
    std::fs::write(folder.join("train.csv"), of(0..30)).unwrap();
    std::fs::write(folder.join("test.csv"), of(30..40)).unwrap();
}

#[test]
fn copies_are_shown_as_text_as_json_and_in_files() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let done = millstream(folder.path(), "inspect --leaks train.csv test.csv --label class");
    let shown = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(shown.lines().all(|line| line.width() <= 80), "{shown}");
    assert!(
        shown.starts_with("train: 30 rows, train.csv.\ntest: 10 rows, test.csv.\n"),
        "{shown}"
    );
    // One training row more, under the other label.
    let train = std::fs::read_to_string(folder.path().join("train.csv")).unwrap();
    let first = train.lines().nth(4).unwrap();
    let (values, label) = first.rsplit_once(',').unwrap();
    let other = if label == "yes" { "no" } else { "yes" };
    let test = std::fs::read_to_string(folder.path().join("test.csv")).unwrap();
    std::fs::write(folder.path().join("test.csv"), format!("{test}{values},{other}\n")).unwrap();
    let done = millstream(
        folder.path(),
        "inspect --leaks train.csv test.csv --label class --out found --json",
    );
    assert!(done.status.success(), "{}", text(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let across = &report["across"][0];
    let exact = across["leaks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|leak| leak["kind"] == "same_row")
        .unwrap();
    assert_eq!(
        (&exact["row"]["position"], &exact["copy_of"]["position"]),
        (&Value::from(10), &Value::from(3))
    );
    assert_eq!(
        (&exact["same_label"], &exact["row"]["label"]),
        (&Value::from(false), &Value::from(other))
    );
    assert_eq!(
        (&across["kinds"][0]["rows"], &across["kinds"][0]["other_label"]),
        (&Value::from(1), &Value::from(1))
    );
    let written: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("found/leaks.json")).unwrap()).unwrap();
    assert_eq!(written, report);
    let rows: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("found/leaked-rows.json")).unwrap()).unwrap();
    assert!(rows["test"]["across"].as_array().unwrap().contains(&Value::from(10)));
    assert!(rows["train"]["across"].as_array().unwrap().contains(&Value::from(3)));
    let shown = text(
        &millstream(
            folder.path(),
            "inspect --leaks --train train.csv --valid test.csv --label class",
        )
        .stdout,
    );
    let pair = format!("test.csv ({other}) = ");
    assert!(
        shown.contains("of 11 rows of test are copies of rows of train"),
        "{shown}"
    );
    assert!(
        shown.replace("\n    ", " ").contains(&pair) && shown.contains("another label"),
        "{shown}"
    );
    // Nothing is written over.
    let again = millstream(
        folder.path(),
        "inspect --leaks train.csv test.csv --label class --out found",
    );
    assert!(!again.status.success());
    assert!(
        text(&again.stderr).contains("leaks.json is there already"),
        "{}",
        text(&again.stderr)
    );
}

/// Rows that are equal in all columns that have a distance, and no copies by another one.
#[test]
fn a_distance_of_nothing_is_0() {
    let folder = tempfile::tempdir().unwrap();
    let of = |kind: &str| {
        let line = |row: usize| format!("{}.5,{kind}{},{}\n", row * row, row % 7, ["no", "yes"][row % 2]);
        "x,kind,class\n".to_owned() + &(0..30).map(line).collect::<String>()
    };
    std::fs::write(folder.path().join("train.csv"), of("a")).unwrap();
    std::fs::write(folder.path().join("test.csv"), of("1")).unwrap();
    let done = millstream(folder.path(), "inspect --leaks train.csv test.csv --label class");
    let shown = text(&done.stdout);
    assert!(
        shown.contains("near values, distance 0\n") && !shown.contains("NaN"),
        "{shown}"
    );
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    let refused = |line: &str| {
        let done = millstream(folder.path(), line);
        assert!(!done.status.success(), "{line}");
        text(&done.stderr)
    };
    let many = refused("inspect --leaks train.csv test.csv train.csv");
    assert!(
        many.contains("3 sets are named, and two are compared") && many.contains("--train and --valid"),
        "{many}"
    );
    assert!(refused("inspect --leaks train.csv train.csv").contains("is read as train and as test"));
    assert!(refused("inspect train.csv --out found").contains("--leaks"));
    assert!(refused("inspect --leaks train.csv --full").contains("cannot be used with"));
    let missing = refused("inspect --leaks train.csv test.csv --label nowhere");
    assert!(
        missing.contains("there is no column \"nowhere\" (--label COL)"),
        "{missing}"
    );
}

/// Held-out rows of which a column says that they were made are named.
#[test]
fn synthetic_held_out_rows_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    tables(folder.path());
    for (name, origin) in [("train.csv", "real"), ("test.csv", "synthetic")] {
        let path = folder.path().join(name);
        let lines = std::fs::read_to_string(&path).unwrap();
        let lines = lines.lines().enumerate();
        let lines = lines.map(|(at, line)| format!("{line},{}\n", if at == 0 { "origin" } else { origin }));
        std::fs::write(&path, lines.collect::<String>()).unwrap();
    }
    let done = millstream(folder.path(), "inspect --leaks train.csv test.csv --label class --json");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let notes = report["notes"].to_string();
    assert!(notes.contains("test: 10 of 10 rows are synthetic"), "{notes}");
    assert_eq!(notes.matches("are synthetic").count(), 1, "{notes}");
}
