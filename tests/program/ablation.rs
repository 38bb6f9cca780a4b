//! An ablation of one small table, killed and gone on with.

use millstream::rng::Rng;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

fn command(folder: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(["ablation", "--quick", "--seeds", "2", "--keel", "tables"]);
    command.args(more).current_dir(folder);
    command
}

/// Exit code, standard output and standard error.
fn run(folder: &Path, more: &[&str]) -> (i32, String, String) {
    let done = command(folder, more).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

#[test]
fn a_killed_ablation_goes_on_and_ends_in_the_same_files() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let (code, _, err) = run(place.path(), &["--out", "whole"]);
    assert_eq!(code, 1);
    assert!(err.starts_with("error: tables: "), "{err}");
    fs::create_dir(at("tables")).unwrap();
    let (code, _, err) = run(place.path(), &["--out", "whole"]);
    assert_eq!(code, 1);
    assert!(err.contains("there is no .dat file in this folder"), "{err}");
    let mut rng = Rng::new(1, "table", 0);
    let row = |(row, class): (usize, &str)| {
        let x = rng.normal() + if class == "positive" { 2.0 } else { 0.0 };
        format!("{x:.3},{},{class}\n", row % 4)
    };
    let classes = (0..90).map(|row| (row, if row % 9 == 0 { "positive" } else { "negative" }));
    fs::write(at("tables").join("toy.dat"), classes.map(row).collect::<String>()).unwrap();

    let (code, out, err) = run(place.path(), &["--out", "whole"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.starts_with("toy, columns\n2 classes, 72 training and 18 test rows\n"),
        "{out}"
    );
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    let said = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("toy, columns, the rarest third: "), "{said}");
    let cells = |folder: &str| fs::read_to_string(at(folder).join("cells.jsonl")).unwrap_or_default();
    let all = cells("whole").lines().count();

    let mut begun = command(place.path(), &["--out", "killed", "--threads", "1"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while cells("killed").lines().count() < 8 && begun.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(20));
    }
    begun.kill().unwrap();
    begun.wait().unwrap();
    let left = cells("killed").lines().count();
    assert!((8..all).contains(&left), "{left} of {all}");
    let (code, out, err) = run(place.path(), &["--out", "killed", "--threads", "3", "--json"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(cells("killed").lines().count(), all);
    for name in ["ablation.json", "ablation.md", "ablation.html"] {
        let of = |folder: &str| fs::read(at(folder).join(name)).unwrap();
        assert_eq!(of("whole"), of("killed"), "{name}");
    }
    let printed: Value = serde_json::from_str(&out).unwrap();
    let written = fs::read(at("killed").join("ablation.json")).unwrap();
    assert_eq!(printed, serde_json::from_slice::<Value>(&written).unwrap());

    // Another set beside the tables is another ablation, which Holm's rule is over.
    let (code, _, err) = run(place.path(), &["--out", "killed", "--carried"]);
    assert_eq!(code, 1);
    assert!(
        err.contains("another ablation lies here: the data sets are others"),
        "{err}"
    );

    let (code, _, err) = run(place.path(), &["--out", "killed", "--seeds", "3"]);
    assert_eq!(code, 2, "an option that is given twice: {err}");
    let other = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(["ablation", "--seeds", "2", "--keel", "tables", "--out", "killed"])
        .current_dir(place.path())
        .output()
        .unwrap();
    let err = String::from_utf8(other.stderr).unwrap();
    assert!(
        err.contains("another ablation lies here: quick is true there and false here"),
        "{err}"
    );
}
