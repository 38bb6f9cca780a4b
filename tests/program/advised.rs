//! What cannot be done is said before any work, with the field, the file and a way out.
#![cfg(all(feature = "cli", feature = "train"))]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// 40 rows of class 0, 8 of class 1.
fn write(folder: &Path) {
    let image: BinaryArray = (0..48).map(|row| common::picture(row).to_png().ok()).collect();
    let label = Int64Array::from_iter_values((0..48).map(|row| i64::from(row % 6 == 5)));
    let columns: [(&str, ArrayRef); 2] = [("image", Arc::new(image)), ("label", Arc::new(label))];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(folder.join("train.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

/// Runs the program in `folder`: exit code, standard output and standard error.
fn ran(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (done.status.code(), out, err)
}

#[track_caller]
fn fails(folder: &Path, arguments: &[&str], code: i32, parts: &[&str]) {
    let (found, _, err) = ran(folder, arguments);
    assert_eq!(found, Some(code), "{err}");
    for part in parts {
        assert!(err.contains(part), "{part:?} is not in: {err}");
    }
}

const SMALL: [&str; 10] = [
    "--backbone",
    BACKBONE,
    "--size",
    "32",
    "--views",
    "1",
    "--epochs",
    "2",
    "--batch",
    "8",
];

#[test]
fn a_preview_refuses_what_a_run_does() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let stages = ["--unfreeze", "1000000000"];
    let preview = ["preview", "train.parquet", "--out", "s.png"];
    let run = ["finetune", "--train", "train.parquet", "--out", "run"];
    for command in [&preview[..], &run[..]] {
        let all = [command, &SMALL, &stages].concat();
        let said = ["unfreeze is 1000000000, but ", " stages (--unfreeze N)"];
        fails(folder.path(), &all, 1, &said);
    }
    assert!(!folder.path().join("s.png").exists());
}

#[test]
fn an_epoch_of_a_preview_has_the_rows_that_its_steps_take() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let preview = [
        "preview",
        "train.parquet",
        "--valid",
        "train.parquet",
        "--out",
        "s.png",
        "--json",
    ];
    let balance = ["--balance", r#"{"repeat_factor": 1}"#];
    let (code, out, err) = ran(folder.path(), &[&preview[..], &SMALL, &balance].concat());
    assert_eq!(code, Some(0), "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    let of = |key: &str| -> Vec<u64> {
        let classes = found["classes"].as_array().unwrap().iter();
        classes.map(|class| class[key].as_u64().unwrap()).collect()
    };
    // Six steps of eight rows, however often rows come; the rarest class is the first.
    assert_eq!(of("stored"), [8, 40]);
    assert_eq!(of("epoch").iter().sum::<u64>(), 48, "{out}");
    assert!(of("epoch")[0] > 8, "{out}");
}

#[test]
fn validation_rows_of_a_recipe_are_named_and_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let recipe = "[data]\ntrain = \"gone-train.parquet\"\nvalid = \"gone.parquet\"\n";
    fs::write(folder.path().join("r.toml"), recipe).unwrap();
    let preview = ["preview", "--recipe", "r.toml", "--out", "s.png"];
    let with = |more: &[&'static str]| [&preview[..], &SMALL, more].concat();
    let said = ["data.train: ", "gone-train.parquet: no such file"];
    fails(folder.path(), &with(&[]), 1, &said);
    let train = ["--train", "train.parquet"];
    let said = [
        "data.valid: ",
        "gone.parquet: no such file (--valid DATA or --valid none)",
    ];
    fails(folder.path(), &with(&train), 1, &said);
    let (code, _, err) = ran(folder.path(), &with(&["--train", "train.parquet", "--valid", "none"]));
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn a_report_that_no_run_wrote_stays() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let run = [&["finetune", "--train", "train.parquet", "--out", "run"][..], &SMALL].concat();
    let (code, _, err) = ran(folder.path(), &run);
    assert_eq!(code, Some(0), "{err}");
    let over = [&run[..], &["--overwrite"]].concat();
    let report = folder.path().join("run/report.json");
    let own = fs::read(&report).unwrap();
    fs::write(&report, "{\"mine\": 1}").unwrap();
    fails(
        folder.path(),
        &over,
        1,
        &["report.json is no file that a run writes: move it away"],
    );
    assert_eq!(fs::read_to_string(&report).unwrap(), "{\"mine\": 1}");
    fs::remove_file(&report).unwrap();
    fs::create_dir(&report).unwrap();
    for existing in ["--overwrite", "--resume"] {
        let all = [&run[..], &[existing]].concat();
        let said = ["report.json is a folder, and a run writes a file of that name: move it away"];
        fails(folder.path(), &all, 1, &said);
        // Nothing was hashed or computed before that.
        let (_, _, err) = ran(folder.path(), &all);
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    fs::remove_dir(&report).unwrap();
    fs::write(&report, own).unwrap();
    let (code, _, err) = ran(folder.path(), &over);
    assert_eq!(code, Some(0), "{err}");
}

#[test]
fn json_with_no_name_or_two_is_refused_with_what_may_stand_there() {
    let folder = tempfile::tempdir().unwrap();
    let forms = [
        r#"{"power": 0.7}"#,
        r#"{"repeat_factor": 0.3}"#,
        r#"{"weights": [1, 2]}"#,
    ];
    let one = "stand here, and one has to, with its parameters, as ";
    let wrong: [(&str, &str, &[&str]); 5] = [
        (
            "--balance",
            "{}",
            &["no name stands in {}", forms[0], forms[1], forms[2]],
        ),
        (
            "--balance",
            r#"{"repeat_factor": 0.3, "power": 1}"#,
            &["\"power\"", one, forms[0], forms[1]],
        ),
        ("--loss", "{}", &["no name stands in {}"]),
        ("--generator", "{}", &["no name stands in {}"]),
        ("--crop", r#"{"whole": {}, "letterbox": {}}"#, &[one]),
    ];
    for (option, value, parts) in wrong {
        let all = ["finetune", "--print-recipe", option, value];
        fails(folder.path(), &all, 2, parts);
    }
}
