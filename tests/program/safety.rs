//! No file is lost: what a run did not write stays, what is read is not written over, and what was kept is never taken for
//! data that has changed. Every test runs the program as its users do.
#![allow(missing_docs, reason = "tests")]
#![cfg(all(feature = "cli", unix))]

use crate::common;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use millstream::Dataset;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind::NotFound;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// Class of each row of the training file.
/// How long a program is waited for: more than a slow machine takes.
const PATIENCE: Duration = Duration::from_secs(300);
const LABELS: [i64; 24] = [0, 1, 2, 0, 1, 0, 0, 2, 1, 0, 1, 0, 2, 0, 1, 0, 0, 1, 2, 0, 1, 0, 0, 1];

/// A folder for one test: data, and what is made of it.
struct TestFolder(TempDir);

impl TestFolder {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        write(&place.path("train.parquet"), &LABELS, 0);
        write(&place.path("valid.parquet"), &LABELS[..9], 100);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// A short run into `out`.
    fn finetune(&self, out: &str, more: &[&str]) -> Vec<String> {
        let (train, valid, out) = (self.at("train.parquet"), self.at("valid.parquet"), self.at(out));
        finetune(&[&["--train", &train, "--valid", &valid, "--out", &out], more])
    }

    /// As [`finetune`](Self::finetune), so long that it can be killed.
    fn long(&self, out: &str, more: &[&str]) -> Vec<String> {
        self.finetune(out, &[&["--epochs", "3000"], more].concat())
    }

    fn model(&self, out: &str) -> Vec<u8> {
        fs::read(self.path(out).join("model.safetensors")).unwrap()
    }
}

/// Rows with the classes `labels` and pictures of their own, in a file in which values can be changed in their place.
fn write(path: &Path, labels: &[i64], first: u64) {
    let cx = common::context();
    let all = common::pictures(&[150]);
    let at: Vec<u64> = (first..first + labels.len() as u64).collect();
    let rows = cx.block_on(all.take(&cx, &at)).unwrap();
    let labels: ArrayRef = Arc::new(Int64Array::from(labels.to_vec()));
    let rows = RecordBatch::try_from_iter([("image", Arc::clone(rows.column(0))), ("label", labels)]).unwrap();
    let plain = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), Some(plain)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

fn finetune(parts: &[&[&str]]) -> Vec<String> {
    let given: Vec<&str> = parts.concat();
    let small = [("--size", "32"), ("--epochs", "1"), ("--views", "1"), ("--batch", "8")];
    let unset = small.iter().filter(|(name, _)| !given.contains(name));
    let all = ["finetune", "--threads", "2"].into_iter();
    let all = all.chain(unset.flat_map(|(name, value)| [*name, *value]));
    all.chain(given.iter().copied()).map(str::to_owned).collect()
}

fn program<S: AsRef<str>>(folder: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(arguments.iter().map(AsRef::as_ref)).current_dir(folder);
    command
}

/// Runs the program to its end: exit code, standard output, standard error.
#[track_caller]
fn run_in<S: AsRef<str>>(folder: &Path, arguments: &[S]) -> (i32, String, String) {
    let done = program(folder, arguments).output().unwrap();
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(!err.contains("panicked"), "{err}");
    (done.status.code().expect("no signal"), out, err)
}

#[track_caller]
fn succeeds_in<S: AsRef<str>>(folder: &Path, arguments: &[S]) -> String {
    let (code, out, err) = run_in(folder, arguments);
    assert_eq!(code, 0, "{err}");
    out
}

#[track_caller]
fn succeeds<S: AsRef<str>>(arguments: &[S]) -> String {
    succeeds_in(Path::new("/"), arguments)
}

/// A run that fails with `code`, one line, and all of `parts` in it; nothing in `folder` is another afterwards.
#[track_caller]
fn fails<S: AsRef<str>>(folder: &Path, code: i32, arguments: &[S], parts: &[&str]) {
    let before = listing(folder);
    let (found, _, err) = run_in(Path::new("/"), arguments);
    assert_eq!(found, code, "{err}");
    for part in parts {
        assert!(err.contains(part), "{part:?} is not in: {err}");
    }
    let after = listing(folder);
    let names = |of: &BTreeMap<PathBuf, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "{err}");
    assert!(before == after, "the bytes of a file have changed: {err}");
}

/// Every file and folder below `folder`, with the bytes of files. What vanishes in the meantime, as a temporary file of a running program
/// does, is left out.
fn listing(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path();
        let kind = match entry.file_type() {
            Err(error) if error.kind() == NotFound => continue,
            kind => kind.unwrap(),
        };
        // What a killed process leaves of it is removed by the next one, whatever it comes to.
        if path.ends_with(".millstream.lock") && fs::read(&path).is_ok_and(|text| text.starts_with(b"millstream: ")) {
            continue;
        }
        match kind.is_dir() {
            true => {
                all.extend(listing(&path));
                all.insert(path, Vec::new());
            }
            false => {
                let bytes = match kind.is_file().then(|| fs::read(&path)) {
                    Some(Err(error)) if error.kind() == NotFound => continue,
                    bytes => bytes.transpose().unwrap().unwrap_or_default(),
                };
                all.insert(path, bytes);
            }
        }
    }
    all
}

fn put(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "mine").unwrap();
}

#[track_caller]
fn still_mine(paths: &[PathBuf]) {
    for path in paths {
        assert!(fs::read(path).is_ok_and(|bytes| bytes == b"mine"), "{}", path.display());
    }
}

/// Starts the program and waits until `now` holds.
#[track_caller]
fn start_until<S: AsRef<str>>(arguments: &[S], now: impl Fn() -> bool) -> Child {
    let mut command = program(Path::new("/"), arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !now() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended by itself");
        assert!(started.elapsed() < PATIENCE, "it never came so far");
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

#[track_caller]
fn kill_when<S: AsRef<str>>(arguments: &[S], now: impl Fn() -> bool) {
    let mut child = start_until(arguments, now);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn has(folder: &Path, end: &str) -> bool {
    listing(folder).keys().any(|path| path.ends_with(end))
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// The files of features below `out`, and when they were written.
fn features(out: &Path) -> Vec<(PathBuf, SystemTime)> {
    let all = listing(&out.join("features")).into_keys();
    all.filter(|path| path.ends_with("0.arrow"))
        .map(|path| (path.clone(), modified(&path)))
        .collect()
}

/// Puts `is` in the place of `was` in the file at `path`, whose size and time of modification stay.
fn change(path: &Path, was: &[u8], is: &[u8]) {
    let time = modified(path);
    let mut file = fs::read(path).unwrap();
    let at = file.windows(was.len()).position(|window| window == was).unwrap();
    file[at..at + is.len()].copy_from_slice(is);
    fs::write(path, file).unwrap();
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    assert_eq!(modified(path), time);
}

fn stored(labels: &[i64]) -> Vec<u8> {
    labels.iter().flat_map(|label| label.to_le_bytes()).collect()
}

/// Other labels: each of the first two is another.
fn corrected() -> Vec<i64> {
    let mut labels = LABELS.to_vec();
    labels[..2].copy_from_slice(&[2, 0]);
    labels
}

/// What has settled is not looked at again while its state is the same.
fn settle() {
    std::thread::sleep(Duration::from_secs(3));
}

#[test]
fn a_command_that_fails_changes_nothing() {
    let place = TestFolder::new();
    let (train, no) = (place.at("train.parquet"), place.at("no.parquet"));
    let (out, root) = (place.at("out"), place.0.path());
    let wrong: [(&[&str], &str); 7] = [
        (&["--train", &no], "no such file"),
        (&["--train", &train, "--valid", &no], "no such file"),
        (&["--train", &train, "--label", "kind"], "kind"),
        (&["--train", &train, "--image", "photo"], "photo"),
        (&["--train", &train, "--image", "label", "--label", "label"], "label"),
        (&["--train", &train, "--weights", &no], "no.parquet"),
        (&["--train", &train, "--valid", &train, "--label", "image"], "image"),
    ];
    // Nothing is there: nothing is made.
    for (given, said) in wrong {
        fails(root, 1, &finetune(&[given, &["--out", &out]]), &[said]);
    }
    let share = finetune(&[&["--train", &train, "--synthetic", "2"], &["--out", &out]]);
    fails(root, 2, &share, &["not in 0 to 1"]);
    // An interrupted run.
    kill_when(&place.long("out", &[]), || {
        has(&place.path("out"), "000000500/state.json")
    });
    put(&place.path("out/checkpoints/notes.txt"));
    for (given, _) in wrong {
        fails(root, 1, &finetune(&[given, &["--out", &out]]), &["error: "]);
    }
    // With leave to go on, or to replace, what is wrong is said, and nothing is touched.
    fails(
        root,
        1,
        &place.finetune("out", &[]),
        &["this folder holds an interrupted run", "--resume or --overwrite"],
    );
    fails(
        root,
        2,
        &place.finetune("out", &["--resume", "--overwrite"]),
        &["--overwrite"],
    );
    for (given, said) in wrong {
        for existing in ["--resume", "--overwrite"] {
            fails(root, 1, &finetune(&[given, &["--out", &out, existing]]), &[said]);
        }
    }
    // One that has ended.
    succeeds(&place.finetune("out", &["--overwrite"]));
    fails(
        root,
        1,
        &place.finetune("out", &[]),
        &["this folder holds a finished run", "--resume or --overwrite"],
    );
    for (given, said) in wrong {
        for existing in ["--resume", "--overwrite"] {
            fails(root, 1, &finetune(&[given, &["--out", &out, existing]]), &[said]);
        }
    }
    still_mine(&[place.path("out/checkpoints/notes.txt")]);
}

#[test]
fn what_no_run_wrote_is_refused_and_stays() {
    let place = TestFolder::new();
    for name in [
        "report.json",
        "run.json",
        "model.safetensors",
        "model.json",
        "checkpoints/000000001/model.bpk",
        "features/x",
        "index/x",
        ".millstream.lock",
    ] {
        let path = place.path("out").join(name);
        put(&path);
        let said = name.split('/').next().unwrap();
        for existing in [&[][..], &["--resume"], &["--overwrite"]] {
            fails(
                place.0.path(),
                1,
                &place.finetune("out", existing),
                &[said, "another folder"],
            );
        }
        let demo = ["demo", "--out", &place.at("out"), "--overwrite"];
        fails(place.0.path(), 1, &demo, &[said, "another folder"]);
        still_mine(&[path]);
        fs::remove_dir_all(place.path("out")).unwrap();
    }
    put(&place.path("out/demo.png"));
    fails(
        place.0.path(),
        1,
        &["demo", "--out", &place.at("out"), "--overwrite"],
        &["demo.png"],
    );
    // Files of other names are nobody's business.
    let theirs = [
        "out/notes.txt",
        "out/demo.png",
        "out/.millstream-notes.tmp",
        "out/sub/.millstream-abcdef.tmp",
    ];
    let mut theirs: Vec<PathBuf> = theirs.iter().map(|name| place.path(name)).collect();
    theirs.iter().for_each(|path| put(path));
    succeeds(&place.finetune("out", &[]));
    let inside = [
        "out/checkpoints/head/notes.txt",
        "out/checkpoints/head/000000003/notes.txt",
        "out/checkpoints/head/2024/notes.txt",
        "out/features/notes.txt",
        "out/index/.millstream-notes.tmp",
    ];
    theirs.extend(inside.iter().map(|name| place.path(name)));
    theirs.iter().for_each(|path| put(path));
    succeeds(&place.finetune("out", &["--overwrite", "--seed", "1"]));
    still_mine(&theirs);
    succeeds(&place.finetune("out", &["--resume", "--seed", "1"]));
    still_mine(&theirs);
}

#[test]
fn what_a_killed_run_had_not_written_yet_is_refused_and_stays() {
    let place = TestFolder::new();
    let long = |more: &[&str]| place.finetune("out", &[&["--epochs", "800"], more].concat());
    kill_when(&long(&[]), || has(&place.path("out"), "000000500/state.json"));
    for name in ["report.html", "model.safetensors", "worst.png", "errors.jsonl"] {
        put(&place.path("out").join(name));
        for existing in ["--resume", "--overwrite"] {
            fails(place.0.path(), 1, &long(&[existing]), &[name, "move it away"]);
        }
        fs::remove_file(place.path("out").join(name)).unwrap();
    }
    // What a kill leaves where the results are made is the run's own.
    let aside = place.path("out/.millstream-results");
    fs::create_dir_all(&aside).unwrap();
    fs::write(aside.join("report.html"), "half").unwrap();
    let foreign = ["000000099/state.json", "000000098/model.bpk"];
    let foreign = foreign.map(|name| place.path("out/checkpoints/head").join(name));
    foreign.iter().for_each(|path| put(path));
    succeeds(&long(&["--resume"]));
    still_mine(&foreign);
    assert!(!aside.exists());
    assert!(
        fs::read_to_string(place.path("out/report.html"))
            .unwrap()
            .starts_with("<!")
    );
    // As if it had been killed while it put its results in their places.
    let all = ["report.json", "report.html"];
    fs::create_dir(&aside).unwrap();
    for name in all {
        fs::rename(place.path("out").join(name), aside.join(name)).unwrap();
    }
    put(&place.path("out/report.html"));
    let resume = long(&["--resume"]);
    fails(place.0.path(), 1, &resume, &["report.html", "move it away"]);
    fs::remove_file(place.path("out/report.html")).unwrap();
    succeeds(&resume);
    assert!(all.iter().all(|name| place.path("out").join(name).exists()) && !aside.exists());
    still_mine(&foreign);
    // A name that this run had no use for.
    put(&place.path("out/masks.png"));
    fails(
        place.0.path(),
        1,
        &long(&["--overwrite"]),
        &["masks.png", "move it away"],
    );
}

#[test]
fn operations_that_no_view_takes_are_said_to_have_no_effect() {
    let place = TestFolder::new();
    let said = "each row comes as it is stored: aug_mix has no effect";
    let (code, _, err) = run_in(Path::new("/"), &place.finetune("out", &["--augment", "aug_mix"]));
    let words = err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 0 && words.contains(said), "{err}");
    let (_, _, err) = run_in(Path::new("/"), &place.finetune("usual", &[]));
    assert!(!err.contains("no effect"), "{err}");
}

#[test]
fn a_demo_replaces_nothing_but_a_demo() {
    let place = TestFolder::new();
    succeeds(&place.finetune("runs/demo", &[]));
    let before = listing(place.0.path());
    let (code, _, err) = run_in(place.0.path(), &["demo"]);
    assert!(code == 1 && err.contains("this folder holds a finished run"), "{err}");
    assert!(err.contains("--overwrite"), "{err}");
    assert!(listing(place.0.path()) == before);
}

#[test]
fn what_is_read_is_not_written_over() {
    let place = TestFolder::new();
    succeeds(&place.finetune("out", &[]));
    let (root, model) = (place.0.path(), place.at("out"));
    fs::create_dir(place.path("sub")).unwrap();
    symlink(place.path("valid.parquet"), place.path("link.parquet")).unwrap();
    symlink(place.path("sub"), place.path("sub-link")).unwrap();
    fs::hard_link(place.path("valid.parquet"), place.path("hard.parquet")).unwrap();
    let same = [
        "valid.parquet",
        "sub/../valid.parquet",
        "sub-link/../valid.parquet",
        "link.parquet",
        "hard.parquet",
    ];
    let outputs = [
        "out/model.safetensors",
        "out/model.json",
        "out/report.json",
        "out/run.json",
    ];
    for out in same.iter().chain(&outputs) {
        for overwrite in [&[][..], &["--overwrite"]] {
            let (file, out) = (place.at("valid.parquet"), place.at(out));
            let given = [&["predict", "--model", &model, "--out", &out, &file], overwrite].concat();
            fails(root, 1, &given, &[&out, "would be overwritten"]);
        }
    }
    let pattern = place.at("val*.parquet");
    let given = [
        "predict",
        "--model",
        &model,
        "--overwrite",
        "--out",
        &place.at("hard.parquet"),
        &pattern,
    ];
    fails(root, 1, &given, &["would be overwritten"]);
    // What would be read as more rows, or other ones, the next time.
    fs::create_dir(place.path("rows")).unwrap();
    fs::copy(place.path("valid.parquet"), place.path("rows/a.parquet")).unwrap();
    let (rows, inside) = (place.at("rows"), "is read, and this would be read as part of it");
    let predicted = place.at("sub-link/../rows/new/p.parquet");
    fails(
        root,
        1,
        &["predict", "--model", &model, "--out", &predicted, &rows],
        &[inside],
    );
    let report = place.at("rows/report");
    fails(
        root,
        1,
        &["evaluate", "--model", &model, "--out", &report, &rows],
        &[inside],
    );
    let train = ["finetune", "--train", &rows, "--out", &report, "--size", "32"];
    fails(root, 1, &train, &[&report, inside]);
    // Weights that the run itself would replace.
    let weights = place.at("out/model.safetensors");
    fails(
        root,
        1,
        &place.finetune("out", &["--weights", &weights, "--overwrite"]),
        &["model.safetensors", "would be overwritten"],
    );
}

#[test]
fn predictions_go_where_they_can_and_may() {
    let place = TestFolder::new();
    succeeds(&place.finetune("out", &[]));
    let (root, model, file) = (place.0.path(), place.at("out"), place.at("valid.parquet"));
    let predict = |out: &str, more: &[&str]| -> Vec<String> {
        let out = place.at(out);
        let all = [&["predict", "--model", &model, "--out", &out, &file], more].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    put(&place.path("mine.parquet"));
    fs::create_dir(place.path("folder")).unwrap();
    symlink(place.path("nowhere"), place.path("dangling")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(place.path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    fails(
        root,
        1,
        &predict("mine.parquet", &[]),
        &["mine.parquet", "this file exists", "--overwrite"],
    );
    fails(root, 1, &predict("dangling", &[]), &["dangling", "this file exists"]);
    fails(
        root,
        1,
        &predict("mine.parquet", &["--overwrite"]),
        &["mine.parquet", "is not a file of predictions", "write elsewhere"],
    );
    fs::copy(place.path("train.parquet"), place.path("rows.parquet")).unwrap();
    fails(
        root,
        1,
        &predict("rows.parquet", &["--overwrite"]),
        &["is not a file of predictions"],
    );
    succeeds(&predict("predicted.parquet", &[]));
    succeeds(&predict("predicted.parquet", &["--overwrite"]));
    // Those of before files said what they are.
    let predicted = ParquetRecordBatchReaderBuilder::try_new(File::open(place.path("predicted.parquet")).unwrap());
    let old = predicted.unwrap().build().unwrap().next().unwrap().unwrap();
    let plain = Arc::new(old.schema().as_ref().clone().with_metadata(Default::default()));
    let old = RecordBatch::try_new(plain, old.columns().to_vec()).unwrap();
    let to = File::create(place.path("old.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(to, old.schema(), None).unwrap();
    writer.write(&old).unwrap();
    writer.close().unwrap();
    succeeds(&predict("old.parquet", &["--overwrite"]));
    for overwrite in [&[][..], &["--overwrite"]] {
        fails(root, 1, &predict("folder", overwrite), &["folder", "has to be a file"]);
        fails(root, 1, &predict("pipe", overwrite), &["pipe", "no file on disk"]);
        fails(
            root,
            1,
            &predict("mine.parquet/x", overwrite),
            &["mine.parquet", "has to be a folder"],
        );
    }
    let (code, _, err) = run_in(
        root,
        &["predict", "--model", &model, "--out", "/proc/no/x.parquet", &file],
    );
    assert!(code == 1 && err.contains("nothing can be written there"), "{err}");
    // Missing folders are made; where the path is a link, the link is replaced, and what it leads to stays.
    succeeds(&predict("new/folder/x.parquet", &[]));
    symlink(place.path("mine.parquet"), place.path("to-mine")).unwrap();
    succeeds(&predict("to-mine", &["--overwrite"]));
    assert!(fs::symlink_metadata(place.path("to-mine")).unwrap().is_file());
    assert_eq!(
        fs::read(place.path("to-mine")).unwrap(),
        fs::read(place.path("new/folder/x.parquet")).unwrap()
    );
    still_mine(&[place.path("mine.parquet")]);
    // A folder that is a link to nothing is called so.
    let inside = predict("dangling/x.parquet", &[]);
    fails(
        root,
        1,
        &inside,
        &["dangling", "a link to", "nowhere, which is not there"],
    );
}

#[test]
fn a_single_file_is_replaced_by_its_like_alone() {
    let place = TestFolder::new();
    let (root, train, valid) = (place.0.path(), place.at("train.parquet"), place.at("valid.parquet"));
    put(&place.path("mine"));
    put(&place.path("both/quality.html"));
    put(&place.path("left/leaks.json"));
    let (mine, both, left) = (place.at("mine"), place.at("both"), place.at("left"));
    let cases: [(&[&str], &str); 4] = [
        (&["init", &train, "--out", &mine], "is not a recipe"),
        (&["preview", "--train", &train, "--out", &mine], "is not a PNG"),
        (
            &["quality", &train, &valid, "--out", &both],
            "is not beside a quality.json",
        ),
        (
            &["inspect", "--leaks", &train, &valid, "--out", &left],
            "is not a report of this kind",
        ),
    ];
    for (given, said) in cases {
        fails(root, 1, &[given, &["--overwrite"]].concat(), &[said, "not replaced"]);
    }
    let recipe = place.at("run.toml");
    succeeds(&["init", &train, "--out", &recipe]);
    succeeds(&["init", &train, "--out", &recipe, "--overwrite"]);
    let sheet = place.at("sheet.png");
    succeeds(&["preview", "--train", &train, "--out", &sheet]);
    succeeds(&["preview", "--train", &train, "--out", &sheet, "--overwrite"]);
}

#[test]
fn one_run_at_a_time_works_in_a_folder() {
    let place = TestFolder::new();
    let out = place.path("out");
    let mut child = start_until(&place.long("out", &[]), || has(&out, "000000500/state.json"));
    for existing in [&[][..], &["--resume"], &["--overwrite"]] {
        let (code, _, err) = run_in(Path::new("/"), &place.long("out", existing));
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(&format!("process {} on ", child.id())), "{err}");
        assert!(err.contains(" since 2"), "{err}");
    }
    assert!(child.try_wait().unwrap().is_none());
    // Killed, it leaves no lock.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(out.join(".millstream.lock").exists());
    succeeds(&place.finetune("out", &["--overwrite"]));
    assert!(!out.join(".millstream.lock").exists());
    // Several that begin in the same moment: one does, and nothing of the others is in its folder.
    let begun: Vec<Child> = (0..3)
        .map(|_| {
            let mut command = program(Path::new("/"), &place.finetune("new", &[]));
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let ended: Vec<_> = begun
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();
    let said: Vec<_> = ended.iter().map(|done| String::from_utf8_lossy(&done.stderr)).collect();
    let good = ended.iter().filter(|done| done.status.success()).count();
    assert_eq!(good, 1, "{said:?}");
    for (done, said) in ended.iter().zip(&said).filter(|(done, _)| !done.status.success()) {
        assert_eq!(done.status.code(), Some(1));
        assert!(
            said.contains("is working in this folder") || said.contains("this folder holds"),
            "{said}"
        );
    }
    assert!(place.model("new") == place.model("out"));
}

#[test]
fn labels_corrected_in_their_place_are_trained_on() {
    let place = TestFolder::new();
    let train = place.path("train.parquet");
    settle();
    succeeds(&place.finetune("out", &[]));
    // The same state: nothing is read again, and the report is the same.
    let report = fs::read(place.path("out/report.json")).unwrap();
    succeeds(&place.finetune("out", &["--resume"]));
    assert!(fs::read(place.path("out/report.json")).unwrap() == report);
    let held = |more: &[&str]| {
        let (train, out) = (place.at("train.parquet"), place.at("held"));
        finetune(&[&["--train", &train, "--out", &out], more])
    };
    succeeds(&held(&[]));
    let cursor = place.at("cursor.json");
    kill_when(&place.long("killed", &[]), || {
        has(&place.path("killed"), "000000500/state.json")
    });
    let made = features(&place.path("out"));
    change(&train, &stored(&LABELS), &stored(&corrected()));
    let said = [
        "another run lies here",
        "the training labels (column \"label\") differ in 2 rows",
        "row 0 of row group 0 in",
        "train.parquet was \"0\", is \"2\"",
    ];
    for given in [
        place.finetune("out", &["--resume"]),
        place.long("killed", &["--resume"]),
        held(&["--resume"]),
    ] {
        let (code, _, err) = run_in(Path::new("/"), &given);
        assert_eq!(code, 1, "{err}");
        said.iter()
            .for_each(|said| assert!(err.contains(said), "{said:?} is not in: {err}"));
    }
    let state = listing(&place.path("killed"));
    let state = state.keys().rfind(|path| path.ends_with("state.json")).unwrap();
    fs::copy(state, &cursor).unwrap();
    let replay = ["replay", "--cursor", &cursor, "--run", &place.at("killed")];
    let (code, _, err) = run_in(Path::new("/"), &replay);
    assert!(code == 1 && err.contains(said[1]), "{err}");
    // Begun anew it is what a run elsewhere would be; the images are the same, so their features are, too.
    succeeds(&place.finetune("out", &["--overwrite"]));
    assert_eq!(features(&place.path("out")), made, "features are made once");
    succeeds(&place.finetune("fresh", &[]));
    assert!(place.model("out") == place.model("fresh"));
}

#[test]
fn images_changed_in_their_place_are_trained_on() {
    let place = TestFolder::new();
    settle();
    succeeds(&place.finetune("out", &[]));
    let before = place.model("out");
    let cx = common::context();
    let pictures = cx
        .block_on(common::pictures(&[150]).take(&cx, &[3, 7, 8, 9, 10]))
        .unwrap();
    let pictures: Vec<&[u8]> = pictures.column(0).as_binary::<i32>().iter().flatten().collect();
    // Another picture of as many bytes.
    let other = pictures[1..].iter().find(|other| other.len() == pictures[0].len());
    let other = other.expect("random pictures are of one size");
    change(&place.path("train.parquet"), pictures[0], other);
    let (code, _, err) = run_in(Path::new("/"), &place.finetune("out", &["--resume"]));
    assert_eq!(code, 1, "{err}");
    let said = "the training images (column \"image\") differ in 1 row, the first is row 3 of row group 0 in";
    assert!(err.contains(said), "{err}");
    succeeds(&place.finetune("out", &["--overwrite"]));
    assert!(place.model("out") != before);
    succeeds(&place.finetune("fresh", &[]));
    assert!(place.model("out") == place.model("fresh"));
}

#[test]
fn a_copied_dataset_goes_on_from_any_folder() {
    let place = TestFolder::new();
    let long = ["--epochs", "800", "--seed", "3"];
    succeeds(&place.finetune("whole", &long));
    kill_when(&place.finetune("out", &long), || {
        has(&place.path("out"), "000000500/state.json")
    });
    let made = features(&place.path("out"));
    assert_eq!(made.len(), 2);
    // Elsewhere, under the same names, written at another time.
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["train.parquet", "valid.parquet"] {
        fs::copy(place.path(name), elsewhere.path().join(name)).unwrap();
        fs::remove_file(place.path(name)).unwrap();
    }
    let out = place.at("out");
    // Weights, too, are what they are by their content.
    let weights = elsewhere.path().join("lite0.safetensors");
    fs::copy(common::WEIGHTS, &weights).unwrap();
    let weights = weights.display().to_string();
    let long = [&long[..], &["--weights", &weights]].concat();
    let given = |train: &str, valid: &str| {
        finetune(&[
            &["--train", train, "--valid", valid, "--out", &out, "--resume", "--json"],
            &long,
        ])
    };
    let report = succeeds_in(elsewhere.path(), &given("train.parquet", "./valid.parquet"));
    assert_eq!(features(&place.path("out")), made, "features are made once");
    assert!(place.model("out") == place.model("whole"));
    // The run has ended: each way to say it gives its report.
    let sub = elsewhere.path().join("sub");
    fs::create_dir(&sub).unwrap();
    let whole = elsewhere.path().join("train.parquet").display().to_string();
    for (folder, train, valid) in [
        (elsewhere.path(), "./train.parquet", "valid.parquet"),
        (elsewhere.path(), "tra*.parquet", "./val*.parquet"),
        (&*sub, "../train.parquet", "../sub/../valid.parquet"),
        (&*sub, &*whole, "../valid.parquet"),
    ] {
        assert_eq!(succeeds_in(folder, &given(train, valid)), report, "{train}");
    }
    // The settings lead to the data from anywhere.
    let mark: Value = serde_json::from_slice(&fs::read(place.path("out/run.json")).unwrap()).unwrap();
    for name in ["train", "valid"] {
        assert!(
            Path::new(mark["run"]["data"][name].as_str().unwrap()).is_absolute(),
            "{mark}"
        );
    }
    assert!(mark["run"].get("out").is_none(), "{mark}");
}

#[test]
fn a_batch_is_replayed_from_any_folder() {
    let place = TestFolder::new();
    // No pattern, though it looks like one.
    let folder = place.path("sets [1]");
    fs::create_dir(&folder).unwrap();
    fs::copy(place.path("train.parquet"), folder.join("train.parquet")).unwrap();
    let out = folder.join("out");
    let given = finetune(&[&["--train", "tra*.parquet", "--out", "./out", "--epochs", "3000"]]);
    let mut command = program(&folder, &given);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !has(&out, "000000500/state.json") {
        assert!(child.try_wait().unwrap().is_none() && started.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let all = listing(&out);
    let state = all
        .keys()
        .rfind(|path| path.ends_with("state.json"))
        .unwrap()
        .display()
        .to_string();
    let replay = ["replay", "--json", "--cursor", &state];
    let here = succeeds_in(&folder, &replay);
    assert!((1..=8).contains(&here.lines().count()), "{here}");
    assert_eq!(succeeds_in(Path::new("/"), &replay), here);
}

#[test]
fn features_of_a_killed_run_are_refused_and_those_of_other_data_are_removed() {
    let place = TestFolder::new();
    let out = place.path("out");
    kill_when(&place.long("out", &[]), || has(&out, "0.arrow"));
    // As if it had been killed before it trained.
    let _ = fs::remove_dir_all(out.join("checkpoints"));
    let said = ["this folder holds an interrupted run", "--resume or --overwrite"];
    fails(place.0.path(), 1, &place.finetune("out", &[]), &said);
    // The same pictures: their features stay.
    succeeds(&place.finetune("out", &["--overwrite"]));
    let made = features(&out);
    assert_eq!(made.len(), 2);
    succeeds(&place.finetune("out", &["--overwrite", "--epochs", "2"]));
    assert_eq!(features(&out), made);
    // Other files: the features of the first ones are gone, and what no run wrote stays.
    let theirs: Vec<PathBuf> = made.iter().map(|(path, _)| path.with_file_name("notes.txt")).collect();
    theirs.iter().for_each(|path| put(path));
    fs::rename(place.path("train.parquet"), place.path("renamed.parquet")).unwrap();
    let (train, valid, to) = (place.at("renamed.parquet"), place.at("valid.parquet"), place.at("out"));
    succeeds(&finetune(&[&[
        "--train",
        &train,
        "--valid",
        &valid,
        "--out",
        &to,
        "--overwrite",
    ]]));
    let now = features(&out);
    assert_eq!(now.len(), 2);
    let newest = made.iter().map(|(_, time)| *time).max().unwrap();
    assert!(now.iter().all(|(_, time)| *time > newest), "{now:?}, {made:?}");
    let same = now.iter().filter(|(path, _)| made.iter().any(|(old, _)| old == path));
    assert_eq!(same.count(), 1, "the validation pictures are the same, {now:?}");
    still_mine(&theirs);
}

/// The order of rows follows from the files, not from their rows alone.
#[test]
fn the_same_rows_in_other_files_are_another_run() {
    let place = TestFolder::new();
    kill_when(&place.long("out", &[]), || has(&place.path("out"), "run.json"));
    fs::rename(place.path("train.parquet"), place.path("renamed.parquet")).unwrap();
    let (train, valid, out) = (place.at("renamed.parquet"), place.at("valid.parquet"), place.at("out"));
    let renamed = finetune(&[&[
        "--train", &train, "--valid", &valid, "--out", &out, "--epochs", "3000", "--resume",
    ]]);
    let said = "the training files have other names, sizes or row groups";
    fails(place.0.path(), 1, &renamed, &[said, "renamed.parquet"]);
}

#[test]
fn a_finished_run_without_its_model_says_so() {
    let place = TestFolder::new();
    succeeds(&place.finetune("out", &[]));
    let model = place.path("out/model.safetensors");
    let whole = fs::read(&model).unwrap();
    let resume = place.finetune("out", &["--resume"]);
    let said = ["the run has ended, but its model cannot be read", "--overwrite"];
    fs::write(&model, &whole[..whole.len() - 1]).unwrap();
    fails(place.0.path(), 1, &resume, &said);
    fs::remove_file(&model).unwrap();
    fails(place.0.path(), 1, &resume, &said);
    succeeds(&place.finetune("out", &["--overwrite"]));
    assert_eq!(place.model("out"), whole);
    succeeds(&resume);
}

#[test]
fn what_a_link_leads_to_is_not_written() {
    let place = TestFolder::new();
    succeeds(&place.finetune("out", &[]));
    let overwrite = place.finetune("out", &["--overwrite"]);
    let lock = place.path("out/.millstream.lock");
    symlink(place.path("nowhere"), &lock).unwrap();
    fails(
        place.0.path(),
        1,
        &overwrite,
        &[".millstream.lock", "a link, and no lock of a run"],
    );
    assert!(!place.path("nowhere").exists());
    fs::remove_file(&lock).unwrap();
    put(&place.path("mine/deep/000000005/model.bpk"));
    symlink(place.path("mine"), place.path("out/checkpoints")).unwrap();
    fails(
        place.0.path(),
        1,
        &overwrite,
        &["checkpoints", "a link, which no run made"],
    );
}

#[test]
fn pipes_and_circles_of_links_have_an_end() {
    let place = TestFolder::new();
    let cursor = place.at("cursor");
    assert!(Command::new("mkfifo").arg(&cursor).status().unwrap().success());
    let no_file = "this is a device or a pipe, and has to be a file on disk";
    for cursor in ["/dev/zero", &cursor] {
        fails(place.0.path(), 1, &["replay", "--cursor", cursor], &[cursor, no_file]);
    }
    let pipe = place.at("pipe.parquet");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fails(
        place.0.path(),
        1,
        &["inspect", &pipe],
        &[&pipe, "neither a file nor a folder"],
    );
    fails(
        place.0.path(),
        1,
        &finetune(&[&["--train", &pipe, "--out", &place.at("out")]]),
        &[&pipe, "pipe"],
    );
    fs::create_dir(place.path("loop")).unwrap();
    fs::copy(place.path("train.parquet"), place.path("loop/a.parquet")).unwrap();
    symlink(".", place.path("loop/again")).unwrap();
    let deep = place.at("loop/**/*.parquet");
    let found: Value = serde_json::from_str(&succeeds(&["inspect", "--json", &deep])).unwrap();
    assert_eq!(found["rows"], LABELS.len());
    symlink(".", place.path("loop/and-again")).unwrap();
    fails(
        place.0.path(),
        1,
        &["inspect", &deep],
        &["links to folders lead in circles"],
    );
}

/// As on a full disk: no file may grow beyond about 64 KiB, and features are more than that.
#[test]
fn where_features_cannot_be_kept_the_file_is_named_and_the_run_goes_on_later() {
    let place = TestFolder::new();
    let expected = succeeds(&place.finetune("whole", &["--json"]));
    let arguments = place.finetune("out", &["--json"]);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_millstream"))
        .args(&arguments);
    let done = limited.output().unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert_eq!(
        (done.status.code(), done.stdout.as_slice()),
        (Some(1), &b""[..]),
        "{err}"
    );
    let last = err.lines().last().unwrap();
    for part in ["error: ", "out/features/", "/0.arrow: ", "File too large"] {
        assert!(last.contains(part), "{part:?} is not in: {last}");
    }
    for (path, _) in listing(&place.path("out")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!name.ends_with(".tmp") && name != "0.arrow", "{name} is left");
    }
    let seconds = |text: &str| {
        let mut report: Value = serde_json::from_str(text).unwrap();
        report.as_object_mut().unwrap().remove("seconds");
        report
    };
    let resumed = succeeds(&place.finetune("out", &["--json", "--resume"]));
    assert_eq!(seconds(&resumed), seconds(&expected));
    assert_eq!(place.model("out"), place.model("whole"));
}

/// Names of files are bytes; one that is no text is read, or refused with its name in visible characters.
#[test]
fn a_file_whose_name_is_no_text_is_refused_with_its_name() {
    use std::os::unix::ffi::OsStrExt;
    let place = TestFolder::new();
    let folder = place.path("folder");
    fs::create_dir(&folder).unwrap();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.parquet");
    fs::copy(place.path("train.parquet"), folder.join(name)).unwrap();
    let folder = folder.display().to_string();
    let out = place.at("out");
    let arguments = finetune(&[&["--train", &folder, "--out", &out]]);
    fails(place.0.path(), 1, &arguments, &["caf", "UTF-8"]);
}
