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
        said.split_whitespace().collect::<Vec<_>>().join(" ").contains(
            "Privacy: passes: of no figure does the whole interval lie worse than real rows by more than (exact copies 0.01"
        ),
        "{said}"
    );
    assert!(
        said.contains("Usefulness: ") && said.contains("docs/guides/judge-synthetic-rows.md"),
        "{said}"
    );
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(
            "each of 2 classes is judged, by intervals that hold for all of them at once (confidence of each 0.9750"
        ),
        "{said}"
    );
    // The figure names the class that it is of.
    let bias = said
        .split("Bias: ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(
        ["poor", "rich"]
            .iter()
            .any(|class| bias.contains(&format!("worst class precision (\"{class}\")"))),
        "{said}"
    );
    // Names of figures are written out.
    assert!(
        !said.contains('…') && words.contains("synthetic rarest third recall"),
        "{said}"
    );
    let page = std::fs::read_to_string(at("out/quality.html")).unwrap();
    for part in [
        "<svg",
        "Distance to the closest training row",
        "Values of income",
        "&lt;b&gt;",
        "Projection",
        "What the figures mean",
        "<dt>singling out</dt><dd>The share of guesses (up to four values",
        "Good: high. Verdict: fails more than 0.1 below real rows. Source: Naeem et al. 2020.",
        "Verdict: none: neither side of 1 is the good one.",
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
    // Pairs of columns and gains have intervals as well, and so have their controls.
    let bounds = |of: &Value| ["low", "value", "high"].map(|bound| of[bound].as_f64().unwrap());
    let pair = &printed["pairs"][0];
    for of in ["synthetic", "control"] {
        let [low, value, high] = bounds(&pair[of]);
        assert!(low <= value && value <= high && low < high, "{pair}");
        let cell = format!("{value:.3} [{low:.3}, {high:.3}]");
        assert!(page.contains(&cell), "{cell}");
    }
    let sections = printed["sections"].as_array().unwrap();
    let named = |of: &'static str| move |value: &&Value| value["name"] == of;
    let usefulness = sections.iter().find(named("usefulness")).unwrap();
    let mut figures = usefulness["figures"].as_array().unwrap().iter();
    let gain = figures.find(named("gain_in_balanced_accuracy")).unwrap();
    let [low, value, high] = bounds(&gain["control"]);
    assert!(low < high && gain["rule"]["against"] == value, "{gain}");
    let told = "Beside a gain stands that of real rows which are repeated";
    assert!(page.contains(told) && words.contains(told), "{said}");
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
    let folder = tempfile::tempdir().unwrap();
    let copied = folder.path().join("copied.parquet").display().to_string();
    std::fs::copy(&train, &copied).unwrap();
    let done = millstream(&[&train, &copied, "--holdout", &test, "--rows", "16", "--json"]);
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
    // A column of texts that is called so has the classes.
    let others = write(folder.path().join("others.csv").as_path(), 2, 200, 0.0);
    let notes = json(&[&real, &others])["notes"].to_string();
    assert!(notes.contains("classes: column \\\"class\\\""), "{notes}");
    // Where nothing says which column has them, that is said.
    let [real, others] = [&real, &others].map(|file| {
        let renamed = std::fs::read_to_string(file).unwrap().replacen("class", "wealth", 1);
        let to = format!("{file}.renamed.csv");
        std::fs::write(&to, renamed).unwrap();
        to
    });
    let notes = json(&[&real, &others])["notes"].to_string();
    assert!(notes.contains("no column is plainly one of classes"), "{notes}");
    // A file of made rows says which column its generator was fitted with.
    let (model, made) = (at("of-wealth"), at("of-wealth.parquet"));
    generate(&[
        "fit", "--kind", "copula", "--train", &real, "--label", "wealth", "--out", &model,
    ]);
    generate(&["sample", "--model", &model, "--rows", "200", "--out", &made]);
    let notes = json(&[&real, &made])["notes"].to_string();
    assert!(notes.contains("classes: column \\\"wealth\\\""), "{notes}");
}

#[test]
fn a_file_on_two_sides_and_a_holdout_of_copies_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let real = write(Path::new(&at("real.csv")), 1, 60, 0.0);
    let made = write(Path::new(&at("made.csv")), 2, 60, 0.0);
    let refused = |arguments: &[&str], words: &str| {
        let done = millstream(arguments);
        let said = text(&done.stderr);
        assert!(!done.status.success() && said.contains(words), "{arguments:?}: {said}");
    };
    let around = format!("{}/../{}/real.csv", folder.path().display(), {
        folder.path().file_name().unwrap().to_str().unwrap()
    });
    let hard = at("hard.csv");
    std::fs::hard_link(&real, &hard).unwrap();
    refused(
        &[&real, &made, "--holdout", &around],
        "is read as real rows and as holdout rows",
    );
    refused(&[&real, &around], "is read as real rows and as synthetic rows");
    refused(
        &[&real, &made, "--holdout", &made],
        "is read as synthetic rows and as holdout rows",
    );
    #[cfg(unix)]
    {
        refused(
            &[&real, &made, "--holdout", &hard],
            "is read as real rows and as holdout rows",
        );
        let link = at("link.csv");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        refused(&[&real, &link], "is read as real rows and as synthetic rows");
    }
    // A copy is another file: then the rows show it.
    let copied = at("copied.csv");
    std::fs::copy(&real, &copied).unwrap();
    let notes = |holdout: &str| {
        let done = millstream(&[&real, &made, "--holdout", holdout, "--json"]);
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        report["notes"].to_string()
    };
    let found = notes(&copied);
    assert!(
        found.contains("60 of 60 holdout rows are copies of real rows"),
        "{found}"
    );
    let found = notes(&write(Path::new(&at("more.csv")), 3, 60, 0.0));
    assert!(!found.contains("copies"), "{found}");
}

#[test]
fn synthetic_rows_are_no_real_ones() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let real = write(Path::new(&at("real.csv")), 1, 60, 0.0);
    let more = write(Path::new(&at("more.csv")), 2, 60, 0.0);
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
    generate(&["sample", "--model", &model, "--rows", "40", "--out", &made]);
    // As a column of a list has it.
    let told = at("told.csv");
    let lines = std::fs::read_to_string(&more).unwrap();
    let lines = lines.lines().enumerate().map(|(row, line)| match row {
        0 => format!("{line},origin\n"),
        3 => format!("{line},synthetic\n"),
        _ => format!("{line},stored\n"),
    });
    std::fs::write(&told, lines.collect::<String>()).unwrap();
    for (arguments, words) in [
        ([&*made, &more, "--holdout", &real], "40 of 40 rows are synthetic"),
        ([&*real, &more, "--holdout", &made], "as holdout rows they would say"),
        ([&*told, &made, "--holdout", &real], "1 of 60 rows is synthetic"),
        ([&*real, &made, "--holdout", &told], "as holdout rows they would say"),
    ] {
        let said = text(&millstream(&arguments).stderr);
        assert!(
            said.contains(words) && said.contains("leave the synthetic ones out"),
            "{said}"
        );
    }
    // A column of that name that is said to mean something else does.
    let others = at("others.csv");
    std::fs::copy(&told, &others).unwrap();
    let done = millstream(&[&told, &others, "--categories", "origin"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[test]
fn an_infinite_number_is_named_with_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let write = |name: &str, bad: Option<usize>| {
        let value = |row: usize| match bad == Some(row) {
            true => "inf".to_owned(),
            false => format!("{}.25", row * row),
        };
        let lines: String = (0..20).map(|row| format!("{}\n", value(row))).collect();
        std::fs::write(at(name), format!("x\n{lines}")).unwrap();
        at(name)
    };
    let (real, made) = (write("real.csv", None), write("made.csv", Some(17)));
    let said = text(&millstream(&[&real, &made]).stderr);
    assert!(
        said.contains("row 17 in ") && said.contains("made.csv: column \"x\" holds inf"),
        "{said}"
    );
}
