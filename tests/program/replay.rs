//! A batch of an earlier run is made again from its cursor.
#![cfg(all(feature = "cli", feature = "train", unix))]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use common::context;
use millstream::error::ErrorKind;
use millstream::loader::{Batch, LoaderBuilder};
use millstream::mix::Target;
use millstream::task::{Finetune, Replay, Strategy};
use millstream::train::Existing;
use millstream::{Context, Dataset, Result};
use parquet::arrow::ArrowWriter;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const WEIGHTS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/examples/data/weights/efficientnet-lite0.safetensors"
);

/// Pictures of three classes in `folder`.
fn data(folder: &Path) -> String {
    let cx = context();
    let rows = common::pictures(&[30, 12, 5]);
    let rows = cx.block_on(rows.take(&cx, &Vec::from_iter(0..47))).unwrap();
    let path = folder.join("train.parquet");
    let mut writer = ArrowWriter::try_new(fs::File::create(&path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

fn finetune(folder: &Path) -> (Finetune, Strategy) {
    let run = Finetune::default()
        .train(vec![data(folder)])
        .backbone(WEIGHTS.to_owned())
        .size(32)
        .epochs(1)
        .views(2)
        .batch_size(8)
        .unfreeze(1)
        .deep_epochs(1)
        .seed(5)
        .out(folder.join("run"));
    let strategy = Strategy {
        name: "head".to_owned(),
        target: Some(Target::Uniform),
        synthetic: 0.5,
        ..Strategy::default()
    };
    (run, strategy)
}

/// Six batches of a loader.
fn batches(loader: LoaderBuilder) -> Vec<Batch> {
    loader.blocking().unwrap().take(6).map(Result::unwrap).collect()
}

fn replay(cursor: PathBuf, batch: u64, run: Option<PathBuf>) -> Replay {
    Replay { cursor, batch, run }
}

#[test]
fn a_batch_of_each_phase_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (run, strategy) = finetune(folder.path());
    run.clone()
        .balance(strategy.clone())
        .run(&context(), &mut |_| ())
        .unwrap();
    let cx = context().with_seed(5);
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let head = batches(run.feature_loader(&cx, &prepared, &strategy).unwrap());
    let deep = batches(run.image_loader(&cx, &prepared.datasets, &strategy).unwrap());
    let path = run.out.join("a cursor");
    for expected in [&head, &deep] {
        fs::write(&path, expected[1].cursor().to_string()).unwrap();
        for batch in [0, 3] {
            let (made, rows) = replay(path.clone(), batch, None).rows(&context(), &mut |_| ()).unwrap();
            let expected = &expected[2 + batch as usize];
            assert_eq!((made.rows(), made.positions()), (expected.rows(), expected.positions()));
            assert!(rows.iter().map(|row| &row.provenance).eq(&expected.provenance()));
            for (a, b) in (0..rows.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let same = made.rows().slice(a, 1) == made.rows().slice(b, 1);
                assert_eq!(rows[a].hash == rows[b].hash, same, "rows {a} and {b}: {rows:?}");
            }
        }
    }
    // From elsewhere, told where the run is.
    let elsewhere = folder.path().join("elsewhere.json");
    fs::write(&elsewhere, deep[0].cursor().to_string()).unwrap();
    let refused = replay(elsewhere.clone(), 0, None)
        .rows(&context(), &mut |_| ())
        .unwrap_err();
    assert!(refused.to_string().contains("run.json"), "{refused}");
    let told = replay(elsewhere.clone(), 0, Some(run.out.clone()));
    assert_eq!(told.rows(&context(), &mut |_| ()).unwrap().0.rows(), deep[1].rows());
    // A cursor of another run.
    let other = run.clone().size(48);
    let other = batches(other.image_loader(&cx, &prepared.datasets, &strategy).unwrap());
    fs::write(&path, other[0].cursor().to_string()).unwrap();
    let refused = replay(path.clone(), 0, None).rows(&context(), &mut |_| ()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Resume);
    let text = refused.to_string();
    assert!(
        text.contains("no phase") && text.contains("was") && text.contains("48"),
        "{text}"
    );
    for (bad, said) in [("half a cur", "cursor"), ("{}", "cursor")] {
        fs::write(&path, bad).unwrap();
        let refused = replay(path.clone(), 0, None)
            .rows(&context(), &mut |_| ())
            .unwrap_err()
            .to_string();
        assert!(refused.contains("a cursor") && refused.contains(said), "{refused}");
    }
    let folder = replay(run.out.clone(), 0, None)
        .rows(&context(), &mut |_| ())
        .unwrap_err();
    assert_eq!(folder.kind(), ErrorKind::Config);
    assert!(folder.to_string().contains("no checkpoint"), "{folder}");
    let missing = replay(run.out.join("none"), 0, None)
        .rows(&context(), &mut |_| ())
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Io);
}

fn states(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder).into_iter().flatten();
    let states = folders.map(|folder| folder.unwrap().path().join("state.json"));
    states.filter(|state| state.exists()).collect()
}

/// The program replays a batch from the checkpoint of a run that was killed.
#[test]
fn the_program_replays_from_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (run, strategy) = finetune(folder.path());
    let out = run.out.display().to_string();
    let program = || Command::new(env!("CARGO_BIN_EXE_millstream"));
    let mut child = program()
        .args([
            "finetune",
            "--train",
            &run.spec.data.train[0],
            "--out",
            &out,
            "--size",
            "32",
            "--views",
            "2",
        ])
        .args(["--epochs", "2000", "--batch", "8", "--seed", "5", "--synthetic", "0.5"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (begun, checkpoints) = (Instant::now(), run.out.join("checkpoints/head"));
    while states(&checkpoints).is_empty() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before its first checkpoint"
        );
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let state = states(&checkpoints).pop().unwrap();
    let step: usize = state
        .parent()
        .unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let replayed = program()
        .args([
            "replay",
            "--json",
            "--batch",
            "1",
            "--cursor",
            &state.display().to_string(),
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8(replayed.stdout).unwrap();
    assert!(
        replayed.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&replayed.stderr)
    );
    let lines: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cx: Context = context().with_seed(5);
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let loader = run.feature_loader(&cx, &prepared, &strategy).unwrap();
    let expected = loader.blocking().unwrap().nth(step + 1).unwrap().unwrap();
    let provenance = expected.provenance();
    assert_eq!(lines.len(), 8);
    for ((line, position), made) in lines.iter().zip(expected.positions()).zip(&provenance) {
        assert_eq!(line["position"], *position);
        assert_eq!(line["origin"], made.origin.name());
        let names = prepared.datasets.targets.names();
        assert_eq!(line["class"], *names[made.class.unwrap() as usize]);
        let places: Vec<_> = made.places.iter().map(ToString::to_string).collect();
        assert_eq!(line["places"], serde_json::json!(places));
    }
}

/// A comparison is begun again only where that is said; its strategies have folders of their own.
#[test]
fn a_comparison_is_replaced_where_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (run, strategy) = finetune(folder.path());
    let run = run.unfreeze(0).views(1);
    let named = |name: &str| Strategy {
        name: name.to_owned(),
        ..strategy.clone()
    };
    let strategies = [named("first way"), named("second")];
    let compare = |existing, strategies: &[Strategy]| {
        let run = Finetune {
            existing,
            ..run.clone()
        };
        run.compare(&context(), strategies, &mut |_| ())
            .map(|(report, _)| report)
    };
    for bad in ["", ".", "..", "a/b", "/a", "deep", "second"] {
        let error = compare(Existing::Refuse, &[named("second"), named(bad)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{bad}: {error}");
        assert!(!run.out.exists());
    }
    assert!(!run.has_compared(&strategies));
    let first = compare(Existing::Refuse, &strategies).unwrap();
    assert!(run.has_compared(&strategies) && !run.has_compared(&strategies[..1]));
    assert_eq!(
        compare(Existing::Refuse, &strategies).unwrap_err().kind(),
        ErrorKind::Exists
    );
    assert_eq!(compare(Existing::Resume, &strategies).unwrap(), first);
    let other = compare(Existing::Resume, &[named("first way"), named("third")]).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Resume, "{other}");
    let again = compare(Existing::Overwrite, &strategies).unwrap();
    assert_eq!(again.strategies.iter().count(), 2);
    assert_eq!(again.figures.confusion(), first.figures.confusion());
    // The lock is held as long as what was prepared is in use.
    let overwrite = Finetune {
        existing: Existing::Overwrite,
        ..run.clone()
    };
    let (_, prepared) = overwrite.compare(&context(), &strategies, &mut |_| ()).unwrap();
    assert_eq!(
        compare(Existing::Overwrite, &strategies).unwrap_err().kind(),
        ErrorKind::Busy
    );
    drop(prepared);
    compare(Existing::Overwrite, &strategies).unwrap();
}
