//! The demo on simulated pictures, as small as it can be.

use crate::common::{context, pictures};

use millstream::Dataset;
use millstream::task::{Finetune, Strategy};
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// Exit code, standard output and standard error.
fn run_detection(folder: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(["demo", "detection", "--pictures", "20", "--epochs", "1", "--seed", "3"]);
    let done = command.args(more).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

/// A report without the seconds that it took.
fn report(folder: &Path) -> Value {
    let mut report: Value = serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap();
    report.as_object_mut().unwrap().remove("seconds");
    for way in report["ways"].as_object_mut().unwrap().values_mut() {
        way.as_object_mut().unwrap().remove("seconds");
    }
    report
}

#[test]
fn detection_is_compared_in_four_ways_and_the_same_seed_gives_the_same_figures() {
    let place = tempfile::tempdir().unwrap();
    let (code, out, err) = run_detection(place.path(), &["--out", "one"]);
    assert_eq!(code, 0, "{err}");
    let one = place.path().join("one");
    let found = report(&one);
    let ways: Vec<&String> = found["ways"].as_object().unwrap().keys().collect();
    assert_eq!(ways, ["(a) as it is", "(b) balanced", "(c) copy-paste", "(d) both"]);
    for (name, way) in found["ways"].as_object().unwrap() {
        let figures = ["map", "map50", "map_rarest_third"].map(|figure| way[figure].as_f64());
        assert!(
            figures
                .iter()
                .all(|figure| figure.is_some_and(|figure| (0.0..=1.0).contains(&figure))),
            "{name} {figures:?}"
        );
        assert!(out.contains(name.as_str()), "{out}");
    }
    // Other rows are trained on where rare classes are repeated.
    assert_ne!(
        found["ways"]["(a) as it is"]["counts"],
        found["ways"]["(b) balanced"]["counts"]
    );
    let said = out.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "mAP on 10 validation rows",
        "AP of the rarest third of the classes on 10",
        "one standard error of",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let picture = image::open(one.join("demo.png")).unwrap().to_rgb8();
    assert!(
        picture.width() > 900 && picture.height() > 1000,
        "{:?}",
        picture.dimensions()
    );

    // The same in another folder; its pictures are the same, too.
    let (code, _, err) = run_detection(place.path(), &["--out", "two", "--threads", "1"]);
    assert_eq!(code, 0, "{err}");
    let two = place.path().join("two");
    for name in ["data/train.parquet", "data/test.parquet", "demo.png"] {
        assert!(
            fs::read(one.join(name)).unwrap() == fs::read(two.join(name)).unwrap(),
            "{name}"
        );
    }
    assert_eq!(report(&two)["ways"], found["ways"]);

    // The other demo does not begin among these files, were they of a demo that was stopped.
    fs::remove_file(two.join("report.json")).unwrap();
    fs::remove_file(two.join("demo.png")).unwrap();
    let program = env!("CARGO_BIN_EXE_millstream");
    let other = Command::new(program)
        .args(["demo", "--out"])
        .arg(&two)
        .output()
        .unwrap();
    let said = String::from_utf8(other.stderr).unwrap();
    assert!(
        said.contains("this folder holds a demo of detection; use another one"),
        "{said}"
    );

    // A demo is replaced where that is said, and what no demo wrote never is.
    let (code, _, err) = run_detection(place.path(), &["--out", "one"]);
    assert!(
        code == 1 && err.contains("this folder holds a demo") && err.contains("--overwrite"),
        "{err}"
    );
    let (code, _, err) = run_detection(place.path(), &["--out", "two"]);
    let said = "this folder holds a demo that was stopped before its end, and a demo does not go on: begin it anew (--overwrite or --out DIR)";
    assert!(code == 1 && err.contains(said), "{err}");
    fs::create_dir(place.path().join("mine")).unwrap();
    fs::write(place.path().join("mine/demo.png"), "mine").unwrap();
    let (code, _, err) = run_detection(place.path(), &["--out", "mine", "--overwrite"]);
    assert!(code == 1 && err.contains("no demo wrote this"), "{err}");
    assert_eq!(fs::read_dir(place.path().join("mine")).unwrap().count(), 1);
}

#[test]
fn a_demo_that_was_stopped_and_is_begun_again_says_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let (file, out) = (place.path().join("rows.parquet"), place.path().join("out"));
    let rows = pictures(&[8, 8]);
    let positions: Vec<u64> = (0..16).collect();
    let cx = context();
    let rows = cx.block_on(rows.take(&cx, &positions)).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    // What the demo has in its folder before it draws its picture: a comparison of its five ways.
    let names = [
        "(a) as it is",
        "(b) balanced, repeats",
        "(c) balanced, SMOTE",
        "(d) balanced softmax",
        "(e) auto",
    ];
    let ways = names.map(|name| Strategy {
        name: name.to_owned(),
        ..Strategy::default()
    });
    let path = file.display().to_string();
    let run = Finetune::default()
        .train([path.clone()])
        .valid([path])
        .backbone(BACKBONE)
        .size(32)
        .views(1)
        .epochs(1)
        .out(&out);
    drop(run.compare(&cx, &ways, &mut |_| ()).unwrap());
    let again = || {
        let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .args(["demo", "--out", "out"])
            .current_dir(place.path())
            .output()
            .unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let report = fs::read(out.join("report.json")).unwrap();
    let (code, err) = again();
    let said = "out: this folder holds a demo that was stopped before its end, and a demo does not go on: begin it anew (--overwrite or --out DIR)";
    assert!(code == 1 && err.contains(said), "{err}");
    fs::write(out.join("demo.png"), "a picture").unwrap();
    let (code, err) = again();
    assert!(
        code == 1 && err.contains("out: this folder holds a demo (--overwrite or --out DIR)"),
        "{err}"
    );
    assert_eq!(fs::read(out.join("report.json")).unwrap(), report);

    // Of another seed or size, and stopped before it began to train.
    fs::create_dir_all(place.path().join("half/data")).unwrap();
    fs::write(place.path().join("half/data/train.parquet"), "of another seed").unwrap();
    let (code, _, err) = run_detection(place.path(), &["--out", "half"]);
    let said =
        "train.parquet: no demo of this seed and size wrote this; move it away, or use another folder (--out DIR)";
    assert!(code == 1 && err.contains(said), "{err}");
    let left = fs::read(place.path().join("half/data/train.parquet")).unwrap();
    assert_eq!(left, b"of another seed");
}
