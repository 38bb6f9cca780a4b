//! `millstream quality`: tables and pictures.

use millstream::rng::Rng;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use unicode_width::UnicodeWidthStr;

fn millstream(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_millstream"))
        .arg("quality")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Ages, incomes that follow them, a town, a class; `shift` moves the incomes.
fn write(path: &Path, seed: u64, rows: usize, shift: f32) -> String {
    let mut rng = Rng::new(seed, "people", 0);
    let line = |_| {
        let age = 40.0 + 10.0 * rng.normal();
        let income = 20.0 + age + 5.0 * rng.normal() + shift;
        let town = ["Ulm", "Bonn", "<b>"][rng.below(3) as usize];
        let class = if age + 5.0 * rng.normal() > 48.0 {
            "rich"
        } else {
            "poor"
        };
        format!("{age},{income},{town},{class}\n")
    };
    let lines: String = (0..rows).map(line).collect();
    std::fs::write(path, format!("age,income,town,class\n{lines}")).unwrap();
    path.display().to_string()
}

#[test]
fn a_table_is_judged_as_text_as_json_and_as_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let real = write(&at("real.csv"), 1, 200, 0.0);
    let made = write(&at("made.csv"), 2, 200, 30.0);
    let holdout = write(&at("holdout.csv"), 3, 200, 0.0);
    let out = at("out").display().to_string();
    let arguments = [
        &*real,
        &*made,
        "--holdout",
        &holdout,
        "--label",
        "class",
        "--group",
        "town",
        "--out",
        &out,
    ];
    let done = millstream(&arguments);
    let said = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    for line in said.lines() {
        assert!(line.width() <= 80, "{line}");
    }
    assert!(said.contains("Fidelity: fails: precision is"), "{said}");
    assert!(
        said.contains("Privacy: passes: no worse than real rows by more than (exact copies 0.01"),
        "{said}"
    );
    assert!(said.contains("Usefulness: "), "{said}");
    assert!(said.contains("the worst class is"), "{said}");
    let page = std::fs::read_to_string(at("out/quality.html")).unwrap();
    for part in [
        "<svg",
        "Distance to the closest training row",
        "Values of income",
        "&lt;b&gt;",
        "Projection",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for foreign in ["<script", "http:", "https:", "<b>"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let file: Value = serde_json::from_slice(&std::fs::read(at("out/quality.json")).unwrap()).unwrap();
    let json = millstream(&[
        &*real,
        &made,
        "--holdout",
        &holdout,
        "--label",
        "class",
        "--group",
        "town",
        "--json",
    ]);
    let printed: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(printed, file);
    assert_eq!(printed["sections"][0]["name"], "fidelity");
    assert_eq!(printed["sections"][0]["passes"], false);
    assert!(printed["sections"][0]["figures"][0]["control"]["low"].is_f64());
    let income = &printed["columns"][1];
    assert_eq!(income["name"], "income");
    assert!(income["synthetic"]["value"].as_f64().unwrap() < 0.3 && income["control"]["value"].as_f64().unwrap() > 0.8);
    // What is there is not replaced.
    let again = millstream(&arguments);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        text(&again.stderr).contains("quality.json is there already"),
        "{}",
        text(&again.stderr)
    );
}

#[test]
fn pictures_are_judged_by_the_features_that_are_carried() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let [train, test] = ["train", "test"].map(|part| format!("{data}/fashion-mnist-{part}.parquet"));
    let done = millstream(&[&train, &train, "--holdout", &test, "--rows", "16", "--json"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&report["medium"], &report["synthetic_rows"]),
        (&"pictures".into(), &16.into())
    );
    let privacy = report["sections"]
        .as_array()
        .unwrap()
        .iter()
        .find(|section| section["name"] == "privacy")
        .unwrap();
    assert_eq!(privacy["passes"], false);
    assert_eq!(privacy["figures"][0]["synthetic"]["value"], 1.0);
    assert!(
        report["notes"].to_string().contains("features of efficientnet-lite0"),
        "{}",
        report["notes"]
    );
}

/// Rows of a table whose classes are texts are made with class numbers, whose names are compared with the texts.
#[test]
fn made_rows_are_compared_with_classes_that_are_stored_as_texts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let real = write(folder.path().join("real.csv").as_path(), 1, 300, 0.0);
    let generate = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .arg("generate")
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", text(&done.stderr));
    };
    let (model, made) = (at("model"), at("made.parquet"));
    generate(&[
        "fit", "--kind", "copula", "--train", &real, "--label", "class", "--out", &model,
    ]);
    generate(&[
        "sample",
        "--model",
        &model,
        "--rows",
        "200",
        "--balance",
        "none",
        "--out",
        &made,
    ]);
    let json = |arguments: &[&str]| -> Value {
        let done = millstream(&[arguments, &["--json"]].concat());
        assert!(done.status.success(), "{}", text(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    };
    let [found, named] = [&[][..], &["--label", "class"]].map(|label| json(&[&[&*real, &*made][..], label].concat()));
    assert_eq!(found, named);
    assert!(
        found["notes"].to_string().contains("classes: column \\\"class\\\""),
        "{}",
        found["notes"]
    );
    // Where nothing says which column has the classes, that is said.
    let others = json(&[&real, &write(folder.path().join("others.csv").as_path(), 2, 200, 0.0)]);
    assert!(
        others["notes"]
            .to_string()
            .contains("no column stores names of classes"),
        "{}",
        others["notes"]
    );
}
