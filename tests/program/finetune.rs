//! The program, from end to end: every test runs it as its users do, on a few dozen rows of Fashion-MNIST.
#![allow(missing_docs, reason = "tests")]
#![cfg(all(feature = "cli", unix))]

use crate::common::tensors;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, DictionaryArray, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Float32Type, Int32Type, Int64Type, Schema, UInt64Type};
use millstream::image::Image;
use millstream::source::Parquet;
use millstream::{Context, Dataset, DatasetExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const NAMES: [&str; 3] = ["a shirt", "b trouser", "c pullover"];
/// Rows in a row group of every file that is written here.
const GROUP: usize = 8;
/// How long a program is waited for: more than a slow machine takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// One row: its picture and its class, as far as it has them.
type Row = (Option<Vec<u8>>, Option<i64>);

/// How labels are stored.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Integers with class names in the schema's metadata.
    Named,
    Integers,
    Strings,
    Dictionary,
}

/// The first `counts[c]` pictures of class `c`, in the order of the file.
fn rows(file: &str, counts: &[usize]) -> Vec<Row> {
    let file = File::open(format!("{ROOT}/examples/data/fashion-mnist-{file}.parquet")).unwrap();
    let batches = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let (mut left, mut rows) = (counts.to_vec(), Vec::new());
    for batch in batches.build().unwrap().map(Result::unwrap) {
        let images = batch["image"].as_struct().column_by_name("bytes").unwrap();
        let labels = batch["label"].as_primitive::<Int64Type>().values();
        for (image, &label) in images.as_binary::<i32>().iter().zip(labels) {
            if let Some(left) = left.get_mut(label as usize).filter(|left| **left > 0) {
                *left -= 1;
                rows.push((image.map(<[u8]>::to_vec), Some(label)));
            }
        }
    }
    assert_eq!(left, vec![0; counts.len()], "the file has fewer rows");
    rows
}

fn labels(rows: &[Row], kind: Kind) -> ArrayRef {
    let numbers = rows.iter().map(|(_, label)| *label);
    let names = numbers.clone().map(|label| label.map(|label| NAMES[label as usize]));
    match kind {
        Kind::Named | Kind::Integers => Arc::new(numbers.collect::<Int64Array>()),
        Kind::Strings => Arc::new(names.collect::<StringArray>()),
        Kind::Dictionary => Arc::new(names.collect::<DictionaryArray<Int32Type>>()),
    }
}

/// The columns `image` and `label`.
fn table(rows: &[Row], kind: Kind) -> RecordBatch {
    let images: BinaryArray = rows.iter().map(|(image, _)| image.as_deref()).collect();
    let labels = labels(rows, kind);
    let features = json!({"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": NAMES}});
    let metadata = match kind {
        Kind::Named => vec![(
            "huggingface".to_owned(),
            json!({"info": {"features": features}}).to_string(),
        )],
        _ => Vec::new(),
    };
    let fields = vec![
        Field::new("image", DataType::Binary, true),
        Field::new("label", labels.data_type().clone(), true),
    ];
    let schema = Schema::new_with_metadata(fields, metadata.into_iter().collect());
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(images), labels]).unwrap()
}

fn write(path: &Path, batch: &RecordBatch) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP))
        .set_compression(Compression::ZSTD(Default::default()));
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// A folder for one test: data, and what is made of it.
struct TestFolder(TempDir);

impl TestFolder {
    /// `train.parquet` of `counts` rows a class, and `valid.parquet` of four a class.
    fn new(counts: &[usize]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.put("train.parquet", &rows("train", counts), Kind::Named);
        place.put("valid.parquet", &rows("test", &[4, 4, 4]), Kind::Named);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn put(&self, name: &str, rows: &[Row], kind: Kind) -> String {
        write(&self.path(name), &table(rows, kind));
        self.at(name)
    }

    /// The arguments of a short run on `train.parquet` into the folder `out`.
    fn finetune(&self, out: &str, more: &[&str]) -> Vec<String> {
        let (train, valid, out) = (self.at("train.parquet"), self.at("valid.parquet"), self.at(out));
        let fixed = ["--train", &train, "--valid", &valid, "--out", &out];
        arguments(&[&fixed, more])
    }

    fn model(&self, out: &str) -> Vec<u8> {
        fs::read(self.path(out).join("model.safetensors")).unwrap()
    }

    fn report(&self, out: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(out).join("report.json")).unwrap()).unwrap()
    }
}

/// `finetune` with small settings, which `parts` may overrule by adding others.
fn arguments(parts: &[&[&str]]) -> Vec<String> {
    let given: Vec<&str> = parts.concat();
    let small = [
        ("--size", "32"),
        ("--epochs", "2"),
        ("--views", "2"),
        ("--batch", "8"),
        ("--threads", "2"),
    ];
    let unset = small.iter().filter(|(name, _)| !given.contains(name));
    let small = unset.flat_map(|(name, value)| [*name, *value]);
    let all = ["finetune"].into_iter().chain(small).chain(given.iter().copied());
    all.map(str::to_owned).collect()
}

fn command<S: AsRef<str>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
    command.args(arguments.iter().map(AsRef::as_ref)).current_dir(ROOT);
    command
}

/// Runs the program to its end: exit code, standard output, standard error. It must never panic.
#[track_caller]
fn run<S: AsRef<str>>(arguments: &[S]) -> (i32, String, String) {
    let done = command(arguments).output().unwrap();
    let [out, err] = [done.stdout, done.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(!err.contains("panicked"), "{err}");
    (done.status.code().expect("no signal"), out, err)
}

/// Standard output of a run that ends well.
#[track_caller]
fn succeeds<S: AsRef<str>>(arguments: &[S]) -> String {
    let (code, out, err) = run(arguments);
    assert_eq!(code, 0, "{err}");
    out
}

/// A run that fails, saying all of `parts` in its last lines, and nothing on standard output.
#[track_caller]
fn fails<S: AsRef<str>>(code: i32, arguments: &[S], parts: &[&str]) {
    let (found, out, err) = run(arguments);
    assert_eq!((found, out.as_str()), (code, ""), "{err}");
    assert_eq!(
        err.lines().filter(|line| line.starts_with("error: ")).count(),
        1,
        "{err}"
    );
    for part in parts {
        assert!(err.contains(part), "{part:?} is not in: {err}");
    }
}

fn read_parquet(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
}

/// Every tensor's bytes, by name.
fn count(report: &Value, class: &str, what: &str) -> u64 {
    let counts = &report["counts"][class];
    let value = if what == "before" {
        &counts[what]
    } else {
        &counts["emitted"][what]
    };
    value.as_u64().unwrap()
}

#[test]
fn prints_one_object_and_leaves_a_model_that_predicts() {
    let place = TestFolder::new(&[20, 12, 8]);
    let out = succeeds(&place.finetune("out", &["--json", "--epochs", "20"]));
    let report: Value = serde_json::from_str(&out).expect("one JSON object and nothing else");
    assert_eq!(out.lines().count(), 1);
    assert_eq!(report, place.report("out"));
    for key in ["accuracy", "balanced_accuracy", "macro_f1"] {
        let value = report[key].as_f64().unwrap();
        assert!(
            (0.5..=1.0).contains(&value),
            "{key} {value}: shirts and trousers are easily told apart"
        );
    }
    for class in NAMES {
        assert!(report["recalls"][class].is_number(), "{report}");
    }
    assert_eq!(report["confusion"].as_array().unwrap().len(), 3);
    let mut left: Vec<_> = fs::read_dir(place.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            "confusion.png",
            "curves.png",
            "features",
            "history.jsonl",
            "index",
            "model.json",
            "model.safetensors",
            "report.html",
            "report.json",
            "run.json",
            "worst.png"
        ]
    );

    let (model, table) = (place.at("out"), place.at("predictions.parquet"));
    let file = place.at("valid.parquet");
    assert_eq!(succeeds(&["predict", "--model", &model, "--out", &table, &file]), "");
    check_predictions(&read_parquet(Path::new(&table)), &file, &report);
}

/// The documented columns, one row for each of `file`'s, which agree with the confusion matrix of `report`.
fn check_predictions(table: &RecordBatch, file: &str, report: &Value) {
    let names: Vec<_> = table
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let documented = [
        "file",
        "row_group",
        "row",
        "class",
        "name",
        "probability",
        "probabilities",
    ];
    assert_eq!(names, documented);
    assert_eq!(table.num_rows(), 12);
    let mut confusion = vec![vec![0_u64; 3]; 3];
    let truth = rows("test", &[4, 4, 4]);
    for row in 0..12 {
        let number = |name: &str| table[name].as_primitive::<UInt64Type>().value(row);
        assert_eq!(table["file"].as_string::<i32>().value(row), file);
        assert_eq!(
            [number("row_group"), number("row")],
            [row / GROUP, row % GROUP].map(|n| n as u64)
        );
        let class = table["class"].as_primitive::<Int64Type>().value(row) as usize;
        assert_eq!(table["name"].as_string::<i32>().value(row), NAMES[class]);
        let all = table["probabilities"].as_fixed_size_list().value(row);
        let all = all.as_primitive::<Float32Type>().values().to_vec();
        assert!((all.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let most = all.iter().copied().fold(0.0, f32::max);
        assert_eq!(
            [
                all[class],
                table["probability"].as_primitive::<Float32Type>().value(row)
            ],
            [most; 2]
        );
        confusion[truth[row].1.unwrap() as usize][class] += 1;
    }
    assert_eq!(report["confusion"], json!(confusion));
}

#[test]
fn without_validation_files_a_stratified_tenth_is_held_out() {
    let place = TestFolder::new(&[20, 9, 4]);
    let (train, out) = (place.at("train.parquet"), place.at("out"));
    let text = succeeds(&arguments(&[&["--train", &train, "--out", &out]]));
    assert!(text.contains("balanced") && text.contains("b trouser"), "{text}");
    let report = place.report("out");
    let before = NAMES.map(|class| count(&report, class, "before"));
    assert_eq!(before, [18, 8, 3]);
    let held: Vec<u64> = report["confusion"].as_array().unwrap().iter().map(sum).collect();
    assert_eq!(held, [2, 1, 1]);
}

fn sum(row: &Value) -> u64 {
    row.as_array().unwrap().iter().map(|cell| cell.as_u64().unwrap()).sum()
}

#[test]
fn labels_and_files_in_every_shape_give_the_same_model() {
    let place = TestFolder::new(&[16, 10, 6]);
    let all = rows("train", &[16, 10, 6]);
    let valid = rows("test", &[4, 4, 4]);
    let mut models = Vec::new();
    let mut model = |name: &str, train: &[&str], valid: &str, more: &[&str]| {
        let out = place.at(name);
        succeeds(&arguments(&[
            &["--train"],
            train,
            &["--valid", valid, "--out", &out],
            more,
        ]));
        models.push((name.to_owned(), place.model(name)));
    };
    for (name, kind) in [
        ("named", Kind::Named),
        ("integers", Kind::Integers),
        ("strings", Kind::Strings),
        ("dictionary", Kind::Dictionary),
    ] {
        let train = place.put(&format!("{name}.parquet"), &all, kind);
        let valid = place.put(&format!("{name}-valid.parquet"), &valid, kind);
        model(name, &[&train], &valid, &[]);
    }
    fs::create_dir(place.path("parts")).unwrap();
    let first = place.put("parts/1.parquet", &all[..2 * GROUP], Kind::Strings);
    let second = place.put("parts/2.parquet", &all[2 * GROUP..], Kind::Strings);
    let held = place.at("strings-valid.parquet");
    model("files", &[&first, &second], &held, &[]);
    model("directory", &[&place.at("parts")], &held, &[]);
    model("pattern", &[&place.at("parts/?.parquet")], &held, &[]);
    let named = ["--image", "picture", "--label", "kind"];
    let train = ambiguous(&place, "ambiguous.parquet", &all);
    model(
        "by name",
        &[&train],
        &ambiguous(&place, "ambiguous-valid.parquet", &valid),
        &named,
    );
    for (name, found) in &models[1..] {
        assert!(*found == models[0].1, "{name} differs from {}", models[0].0);
    }
    let (train, out) = (place.at("ambiguous.parquet"), place.at("none"));
    let ask = |more: &[&str]| arguments(&[&["--train", &train, "--out", &out], more]);
    fails(
        1,
        &ask(&["--label", "kind"]),
        &["which column is the image?", "thumbnail, picture"],
    );
    fails(
        1,
        &ask(&["--image", "picture"]),
        &["which column is the label?", "shelf, kind"],
    );
}

/// Two columns of pictures in Hugging Face's layout, two that may be labels, and no hint which is which.
fn ambiguous(place: &TestFolder, name: &str, rows: &[Row]) -> String {
    let images: BinaryArray = rows.iter().map(|(image, _)| image.as_deref()).collect();
    let paths: StringArray = rows.iter().map(|_| Some("a/path.png")).collect();
    let (bytes, path) = (
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    );
    let pairs: Vec<(Arc<Field>, ArrayRef)> =
        vec![(Arc::new(bytes), Arc::new(images)), (Arc::new(path), Arc::new(paths))];
    let images: ArrayRef = Arc::new(StructArray::from(pairs));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows.len() as i64));
    let columns = [
        ("shelf", ids),
        ("thumbnail", Arc::clone(&images)),
        ("kind", labels(rows, Kind::Strings)),
        ("picture", images),
    ];
    write(&place.path(name), &RecordBatch::try_from_iter(columns).unwrap());
    place.at(name)
}

#[test]
fn inspect_shows_what_there_is() {
    let place = TestFolder::new(&[20, 12, 8]);
    let text = succeeds(&["inspect", &place.at("train.parquet")]);
    let words = |start: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("{start:?} is not in: {text}"));
        line[start.len()..].split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(words("train.parquet ")[..2], ["40", "5"]);
    assert_eq!(words("image "), ["BinaryView", "image"]);
    assert_eq!(words("label "), ["Int64", "label"]);
    assert_eq!(words("a shirt "), ["20", "50.0", "%", "0.67", "times", "0.83", "times"]);
    assert_eq!(
        words("c pullover "),
        ["8", "20.0", "%", "1.67", "times", "1.31", "times"]
    );
    assert!(
        text.contains("Uniform balance: ") && text.contains("(20 rows, about "),
        "{text}"
    );
    let (_, _, said) = run(&place.finetune("understood", &[]));
    let understood = "images: column \"image\"; labels: column \"label\", 3 classes";
    assert!(said.lines().any(|line| line == understood), "{said}");
    assert_eq!(place.report("understood")["notes"][0], understood);
    let several = place.at("ambiguous.parquet");
    ambiguous(&place, "ambiguous.parquet", &rows("train", &[3, 3, 3]));
    assert!(unwrapped(&succeeds(&["inspect", &several])).contains("it could be shelf, kind"));
    assert!(succeeds(&["inspect", "--label", "kind", &several]).contains("b trouser"));
}

/// Rows that an epoch of 40 gives each class.
fn quotas(weights: [f64; 3]) -> [f64; 3] {
    weights.map(|weight| 40.0 * weight / weights.iter().sum::<f64>())
}

#[test]
fn what_is_emitted_meets_the_quotas_and_the_cap() {
    let stored = [24.0, 12.0, 4.0];
    let place = TestFolder::new(&[24, 12, 4]);
    for (balance, wanted) in [
        ("none", quotas(stored)),
        ("sqrt", quotas(stored.map(f64::sqrt))),
        ("uniform", quotas([1.0; 3])),
    ] {
        for synthetic in [0.0, 0.5] {
            let (out, share) = (format!("{balance} {synthetic}"), synthetic.to_string());
            let more = ["--balance", balance, "--synthetic", &share, "--epochs", "6"];
            succeeds(&place.finetune(&out, &more));
            check_counts(&place.report(&out), stored, wanted, synthetic, &out);
        }
    }
}

/// Six epochs: each gives a class its quota to within a row, and of what is beyond its stored rows the share.
fn check_counts(report: &Value, stored: [f64; 3], wanted: [f64; 3], share: f64, what: &str) {
    let mut total = 0;
    for (class, name) in NAMES.into_iter().enumerate() {
        let of = |origin| count(report, name, origin);
        let given = of("real") + of("augmented") + of("synthetic");
        assert_eq!(of("before") as f64, stored[class]);
        assert_eq!(given % 6, 0, "{what}, {name}: every epoch gives the same");
        let quota = given as f64 / 6.0;
        assert!(
            (quota - wanted[class]).abs() < 1.0,
            "{what}, {name}: {quota}, not {}",
            wanted[class]
        );
        let made = ((quota - stored[class]).max(0.0) * share).floor();
        assert_eq!(of("synthetic") as f64, 6.0 * made, "{what}, {name}");
        assert!(
            of("real") >= stored[class] as u64 && of("augmented") > 0,
            "{what}, {name}: both views come"
        );
        total += given;
    }
    assert_eq!(total, 240, "{what}");
}

#[test]
fn a_deeper_phase_trains_the_last_stages_alone() {
    let place = TestFolder::new(&[16, 10, 6]);
    succeeds(&place.finetune("head", &[]));
    succeeds(&place.finetune("deep", &["--unfreeze", "1", "--deep-epochs", "1"]));
    let (head, deep) = (tensors(&place.model("head")), tensors(&place.model("deep")));
    assert!(head.keys().eq(deep.keys()));
    assert!(
        head.len() > 200 && head.contains_key("backbone.top.norm.running_mean"),
        "{:?}",
        head.keys()
    );
    for (name, values) in &head {
        // The BatchNorms keep ImageNet's statistics and scales.
        let trains = name.starts_with("head.") || name.starts_with("backbone.top.conv.");
        assert_eq!(deep[name] != *values, trains, "{name}");
    }
    // Without an epoch nothing more trains: asked for by options that is a mistake.
    let none = place.finetune("none", &["--unfreeze", "1", "--deep-epochs", "0"]);
    let ran = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(&none)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(!ran.status.success() && said.contains("--deep-epochs is 0"), "{said}");
}

#[test]
fn a_seed_decides_everything_and_threads_nothing() {
    let place = TestFolder::new(&[16, 10, 4]);
    let deep = ["--unfreeze", "1", "--deep-epochs", "1", "--synthetic", "0.5"];
    let model = |out: &str, more: &[&str]| {
        succeeds(&place.finetune(out, &[&deep, more].concat()));
        place.model(out)
    };
    let first = model("first", &[]);
    assert!(first == model("again", &[]), "the same seed");
    assert!(first == model("one thread", &["--threads", "1"]), "one thread");
    assert!(
        first == model("five threads", &["--threads", "5", "--memory", "1"]),
        "five threads and little memory"
    );
    assert!(first != model("other", &["--seed", "1"]), "another seed");
}

/// Settings under which every phase takes a while: two files of features, 800 steps of the head, 24 deeper ones.
const LONG: [&str; 14] = [
    "--views",
    "10",
    "--epochs",
    "100",
    "--unfreeze",
    "1",
    "--deep-epochs",
    "3",
    "--synthetic",
    "0.5",
    "--seed",
    "7",
    "--json",
    "--resume",
];

#[test]
fn killed_at_any_moment_it_goes_on_to_the_same_model() {
    let place = TestFolder::new(&[32, 20, 8]);
    succeeds(&place.finetune("whole", &LONG));
    let arguments = place.finetune("killed", &LONG);
    let out = place.path("killed");
    for after in [5, 40, 120] {
        let started = Instant::now();
        kill_when(&arguments, || started.elapsed() > Duration::from_millis(after));
        check_whole(&out);
    }
    let mut kept: BTreeMap<PathBuf, SystemTime> = BTreeMap::new();
    for until in [
        "run.json",
        "0.arrow",
        "000000500/state.json",
        "000000010/model.bpk",
        "000000020/state.json",
    ] {
        kill_when(&arguments, || found(&out, until).is_some());
        check_whole(&out);
        for (path, written) in &kept {
            assert_eq!(modified(path), *written, "{} was made again", path.display());
        }
        let done = ["0.arrow", "000000800/state.json"]
            .into_iter()
            .filter_map(|name| found(&out, name));
        kept.extend(done.map(|path| (path.clone(), modified(&path))));
        fs::write(out.join(".millstream-left01.tmp"), "half of a file").unwrap();
    }
    // Of features there are two folders, of training and of validation rows: either may be found first.
    for name in ["0.arrow", "state.json"] {
        let finished = kept.keys().any(|path| path.ends_with(name));
        assert!(
            finished,
            "the features and the head were finished before the last kill: {name}"
        );
    }
    let report = succeeds(&arguments);
    check_whole(&out);
    assert!(place.model("killed") == place.model("whole"), "the models differ");
    assert_eq!(
        without_seconds(&place.report("killed")),
        without_seconds(&place.report("whole"))
    );
    assert!(
        files(&out)
            .iter()
            .all(|path| !path.display().to_string().ends_with(".tmp")),
        "{:?}",
        files(&out)
    );
    assert!(!out.join("checkpoints").exists());

    let before = Instant::now();
    assert_eq!(
        succeeds(&arguments),
        report,
        "a run that has ended gives its report again"
    );
    assert!(before.elapsed() < Duration::from_secs(2));
}

/// Starts the program and kills it once `now` holds; it must not have ended by itself.
#[track_caller]
fn kill_when<S: AsRef<str>>(arguments: &[S], now: impl Fn() -> bool) {
    let mut child: Child = command(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !now() && child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < PATIENCE, "it never came so far");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.signal(), Some(9), "{}: {said}", done.status);
}

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let (folders, mut all): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    all.extend(folders.iter().flat_map(|folder| files(folder)));
    all
}

fn found(folder: &Path, end: &str) -> Option<PathBuf> {
    files(folder).into_iter().find(|path| path.ends_with(end))
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

/// Every file that a reader may see can be read to its end.
fn check_whole(folder: &Path) {
    for path in files(folder) {
        let bytes = fs::read(&path).unwrap();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => drop(serde_json::from_slice::<Value>(&bytes).expect("JSON")),
            Some("safetensors") => assert!(tensors(&bytes).len() > 200),
            Some("arrow") => {
                let reader = arrow::ipc::reader::StreamReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
                assert!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>() > 0);
            }
            _ => {}
        }
    }
}

fn without_seconds(report: &Value) -> Value {
    let mut report = report.clone();
    report.as_object_mut().unwrap().remove("seconds").expect("seconds");
    report
}

/// Settings of a run that chooses by itself and takes a while: 800 steps of the head.
const AUTO: [&str; 7] = ["--balance", "auto", "--epochs", "100", "--seed", "7", "--resume"];

#[test]
fn balance_auto_prints_its_table_and_goes_on_after_a_kill() {
    let place = TestFolder::new(&[32, 20, 8]);
    let text = succeeds(&place.finetune("whole", &AUTO));
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[1].starts_with("balance  loss") && lines[1].ends_with("synthetic    accuracy"),
        "{text}"
    );
    // Eight ways; the first does nothing.
    assert_eq!(
        lines[3].split_whitespace().take(3).collect::<Vec<_>>(),
        ["none", "cross_entropy", "0"]
    );
    assert_eq!(text.matches("taken").count(), 2, "{text}");
    assert_eq!(lines[11], "taken: the simplest within one standard error of the best");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
    let report = place.report("whole");
    let choice = &report["auto_balance"];
    assert_eq!(choice["trials"].as_array().unwrap().len(), 8);
    let taken = &choice["trials"][choice["chosen"].as_u64().unwrap() as usize]["candidate"];
    let marked = lines.iter().find(|line| line.ends_with("taken")).unwrap();
    assert!(
        marked.contains(taken["loss"].as_object().unwrap().keys().next().unwrap()),
        "{text}"
    );
    let settings: Value = serde_json::from_slice(&fs::read(place.path("whole/run.json")).unwrap()).unwrap();
    assert_eq!(settings["run"]["balance"]["auto"], true);

    let arguments = place.finetune("killed", &AUTO);
    kill_when(&arguments, || {
        found(&place.path("killed"), "000000500/state.json").is_some()
    });
    let (code, out, err) = run(&arguments);
    assert_eq!((code, out), (0, text), "{err}");
    assert!(err.contains("inside the training rows: it "), "{err}");
    assert!(place.model("killed") == place.model("whole"), "the models differ");
    assert_eq!(without_seconds(&place.report("killed")), without_seconds(&report));
}

#[test]
fn balance_auto_goes_with_no_loss_and_no_synthetic_share() {
    let place = TestFolder::new(&[6, 4, 4]);
    for (more, other) in [
        (["--loss", "focal"], "--loss"),
        (["--synthetic", "0.5"], "--synthetic"),
        (["--synthetic", "0"], "--synthetic"),
    ] {
        let more = [&["--balance", "auto"], &more[..]].concat();
        let said = format!("'--balance auto' cannot be used with '{other}");
        fails(2, &place.finetune("out", &more), &[&said]);
    }
    let loss = r#"{"focal":{"gamma":1}}"#;
    let classify = ["--task", "classify", "--loss", loss, "--epochs", "1"];
    succeeds(&place.finetune("focal", &classify));
    let settings: Value = serde_json::from_slice(&fs::read(place.path("focal/run.json")).unwrap()).unwrap();
    assert_eq!(settings["run"]["balance"]["loss"], json!({ "focal": { "gamma": 1.0 } }));
    fails(
        2,
        &place.finetune("out", &["--loss", "focus"]),
        &["do you mean \"focal\"?"],
    );
    assert!(!place.path("out").exists());
}

#[test]
fn another_run_is_not_resumed() {
    let place = TestFolder::new(&[12, 8, 6]);
    succeeds(&place.finetune("out", &["--resume"]));
    let model = place.model("out");
    for (more, said) in [
        (["--size", "48"], "size was 32, is 48"),
        (["--seed", "3"], "seed was 0, is 3"),
        (["--epochs", "3"], "epochs was 2, is 3"),
        (["--balance", "sqrt"], "target was \"uniform\", is \"sqrt\""),
        (["--synthetic", "0.25"], "synthetic was 0.0, is 0.25"),
    ] {
        fails(
            1,
            &place.finetune("out", &[&["--resume"], &more[..]].concat()),
            &[&place.at("out"), said],
        );
    }
    assert!(place.model("out") == model, "what lies there stays");
    fs::write(place.path("out/.millstream-left01.tmp"), "half of a file").unwrap();
    succeeds(&place.finetune("out", &["--seed", "3", "--overwrite"]));
    assert!(place.model("out") != model, "with --overwrite it starts afresh");
    assert!(!place.path("out/.millstream-left01.tmp").exists());
}

#[test]
fn changed_data_is_not_resumed() {
    let place = TestFolder::new(&[32, 20, 8]);
    let arguments = place.finetune("out", &LONG);
    // The hashes of the rows are kept before anything trains.
    kill_when(&arguments, || {
        found(&place.path("out"), "index/training-rows.arrow").is_some()
    });
    place.put("train.parquet", &rows("train", &[31, 21, 8]), Kind::Named);
    fails(
        1,
        &arguments,
        &["another run lies here", "(column \"label\") differ in "],
    );
}

#[test]
fn missing_files_are_named() {
    let place = TestFolder::new(&[6, 4, 4]);
    let out = place.at("out");
    fs::create_dir(place.path("empty")).unwrap();
    let train = |path: &str| arguments(&[&["--train", path, "--out", &out]]);
    for (name, said) in [
        ("no.parquet", "no such file"),
        ("empty", "no *.parquet file in this directory"),
        ("no-*.parquet", "no file matches this pattern"),
    ] {
        let path = place.at(name);
        fails(1, &train(&path), &[&path, said]);
        fails(1, &["inspect", &path], &[&path, said]);
        let valid = place
            .finetune("out", &[])
            .iter()
            .map(|a| a.replace("valid.parquet", name))
            .collect::<Vec<_>>();
        fails(1, &valid, &[&path, said]);
    }
    let weights = place.at("no.safetensors");
    fails(
        1,
        &place.finetune("out", &["--weights", &weights]),
        &[&weights, "No such file"],
    );
    let model = place.at("no model");
    fails(
        1,
        &["predict", "--model", &model, &place.at("train.parquet")],
        &[&model, "no model lies in this folder: it has no model.json"],
    );
}

#[test]
fn wrong_columns_are_named() {
    let place = TestFolder::new(&[6, 4, 4]);
    let file = place.at("train.parquet");
    let finetune = |more: &[&str]| place.finetune("out", more);
    fails(1, &finetune(&["--label", "kind"]), &[&file, "kind", "image, label"]);
    fails(1, &finetune(&["--image", "photo"]), &[&file, "photo", "image, label"]);
    fails(
        1,
        &finetune(&["--image", "label", "--label", "image"]),
        &["column \"label\" holds Int64, not encoded images", "--image COL"],
    );
    fails(1, &finetune(&["--image", "label"]), &["column \"label\" holds Int64"]);
    fails(
        1,
        &finetune(&["--label", "image"]),
        &[
            "column \"image\" holds BinaryView; labels are whole numbers, booleans or strings",
            "--label COL",
        ],
    );
    let (code, shown, said) = run(&["inspect", "--label", "image", &file]);
    assert!(
        code == 1 && shown.contains("train.parquet "),
        "all else is shown: {shown}"
    );
    assert!(said.contains("labels are whole numbers, booleans or strings"), "{said}");
    let numbers = place.at("numbers.parquet");
    let two = ["image", "label"].map(|name| (name, labels(&rows("train", &[4, 4, 4]), Kind::Integers)));
    write(
        &place.path("numbers.parquet"),
        &RecordBatch::try_from_iter(two).unwrap(),
    );
    let named = [
        "--train",
        &numbers,
        "--out",
        &place.at("out"),
        "--image",
        "image",
        "--label",
        "label",
    ];
    fails(1, &arguments(&[&named]), &["\"image\"", "Int64"]);
    fails(
        1,
        &arguments(&[&["--valid", &numbers], &named]),
        &["\"image\"", "Int64"],
    );
}

#[test]
fn damaged_files_are_named() {
    let place = TestFolder::new(&[6, 4, 4]);
    let (whole, file) = (
        fs::read(place.path("train.parquet")).unwrap(),
        place.at("train.parquet"),
    );
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    fails(1, &place.finetune("out", &[]), &[&file, "not a whole Parquet file"]);
    fails(1, &["inspect", &file], &[&file, "not a whole Parquet file"]);
    for (column, name) in ["image", "label"].into_iter().enumerate() {
        let mut bytes = whole.clone();
        damage(&mut bytes, column);
        fs::write(&file, &bytes).unwrap();
        let place_of = format!("row group 1 of {file}: column \"{name}\"");
        fails(1, &place.finetune("out", &[]), &[&place_of]);
    }
    let mut bytes = fs::read(format!("{ROOT}/tests/fixtures/checksums.parquet")).unwrap();
    bytes[247 + 120] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let said = format!("row group 1 of {file}: column \"word\": Parquet error: Page CRC checksum mismatch");
    let (_, shown, _) = run(&["inspect", "--label", "word", &file]);
    assert!(unwrapped(&shown).contains(&said), "{said:?} is not in: {shown}");
}

/// Overwrites the compressed bytes of `column` in row group 1 of a Parquet file.
fn damage(file: &mut [u8], column: usize) {
    let reader = SerializedFileReader::new(bytes::Bytes::from(file.to_vec())).unwrap();
    let (start, length) = reader.metadata().row_group(1).column(column).byte_range();
    let end = (start + length) as usize;
    file[end - length as usize / 3..end].fill(0xa5);
}

#[test]
fn bad_rows_are_named() {
    let place = TestFolder::new(&[10, 6, 4]);
    let sound = rows("train", &[10, 6, 4]);
    let with = |row: usize, bad: Row| {
        let mut rows = sound.clone();
        rows[row] = bad;
        rows
    };
    let png = sound[11].0.clone().unwrap();
    let cut = Some(png[..png.len() / 2].to_vec());
    // What a run left that had begun is not another's.
    let mut runs = 0..;
    let mut out = || format!("out{}", runs.next().unwrap_or(0));
    for (image, said) in [
        (cut, "PNG"),
        (Some(b"not a picture".to_vec()), "not an image"),
        (Some(Vec::new()), "no bytes"),
        (None, "the value is null"),
    ] {
        let file = place.put("train.parquet", &with(11, (image.clone(), Some(0))), Kind::Named);
        let at = format!("row 3 of row group 1 in {file}");
        fails(1, &place.finetune(&out(), &[]), &[&at, "\"image\"", said]);
        place.put("train.parquet", &sound, Kind::Named);
        let file = place.put("valid.parquet", &with(17, (image, Some(0))), Kind::Named);
        let at = format!("row 1 of row group 2 in {file}");
        fails(1, &place.finetune(&out(), &[]), &[&at, "\"image\"", said]);
        place.put("valid.parquet", &sound, Kind::Named);
    }
    for (label, said) in [
        (Some(7), "label 7 is outside the 3 class names"),
        (None, "the label is null"),
    ] {
        let file = place.put("train.parquet", &with(11, (Some(png.clone()), label)), Kind::Named);
        let at = format!("row 3 of row group 1 in {file}: column \"label\": {said}");
        fails(1, &place.finetune(&out(), &[]), &[&at]);
        let shown = succeeds(&["inspect", &file]);
        assert!(unwrapped(&shown).contains(&at), "{at:?} is not in: {shown}");
    }
}

/// Text whose lines were wrapped to the width of a terminal, on one line.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn classes_that_do_not_fit_are_named() {
    let place = TestFolder::new(&[8, 6, 0]);
    let (code, _, err) = run(&place.finetune("out", &[]));
    let said = "warning: 1 class name has no training rows, so hardly anything is predicted as one of them and their share of the \
                balance is 0: \"c pullover\"";
    assert!(code == 0 && unwrapped(&err).contains(said), "{err}");
    assert_eq!(count(&place.report("out"), "c pullover", "real"), 0);
    succeeds(&place.finetune("none", &["--balance", "none"]));
    place.put("train.parquet", &rows("train", &[8, 6]), Kind::Strings);
    let valid = place.put("valid.parquet", &rows("test", &[4, 4, 1]), Kind::Strings);
    let row = rows("test", &[4, 4, 1])
        .iter()
        .position(|row| row.1 == Some(2))
        .unwrap();
    let at = format!(
        "row {} of row group {} in {valid}: column \"label\"",
        row % GROUP,
        row / GROUP
    );
    fails(
        1,
        &place.finetune("out", &["--overwrite"]),
        &[&at, "label c pullover is outside the 2 class names"],
    );
    let single = place.put("train.parquet", &rows("train", &[1, 1]), Kind::Strings);
    fails(
        1,
        &arguments(&[&["--train", &single, "--out", &place.at("out"), "--overwrite"]]),
        &["name another label column, or validation files"],
    );
}

#[test]
fn wrong_weights_are_named() {
    let place = TestFolder::new(&[6, 4, 4]);
    let file = place.at("weights.safetensors");
    let header = json!({"backbone.stem.conv.weight": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}});
    let header = header.to_string().into_bytes();
    let shape = [&(header.len() as u64).to_le_bytes()[..], &header, &[0; 4]].concat();
    let none = [&2_u64.to_le_bytes()[..], b"{}"].concat();
    for (bytes, said) in [
        (shape, "stem.conv.weight"),
        (none, "tensors are missing"),
        (b"no weights at all".to_vec(), "weights.safetensors"),
        (Vec::new(), "weights.safetensors"),
    ] {
        fs::write(&file, bytes).unwrap();
        fails(1, &place.finetune("out", &["--weights", &file]), &[&file, said]);
    }
    let other = place.at("weights.onnx");
    fs::write(&other, "").unwrap();
    fails(
        1,
        &place.finetune("out", &["--weights", &other]),
        &[&other, ".safetensors, .pth, .pt or .bin"],
    );
    succeeds(&place.finetune("out", &[]));
    let mut model = place.model("out");
    *model.last_mut().unwrap() ^= 1;
    fs::write(place.path("out/model.safetensors"), model).unwrap();
    let said = ["model.safetensors", "not the weights that model.json describes"];
    fails(
        1,
        &["predict", "--model", &place.at("out"), &place.at("valid.parquet")],
        &said,
    );
}

#[test]
fn wrong_arguments_are_refused() {
    let place = TestFolder::new(&[6, 4, 4]);
    for (name, value) in [
        ("--views", "0"),
        ("--size", "0"),
        ("--size", "8193"),
        ("--epochs", "0"),
        ("--batch", "0"),
        ("--balance", "most"),
        ("--seed", "first"),
    ] {
        fails(2, &place.finetune("out", &[name, value]), &[name, value]);
    }
    for synthetic in ["1.5", "-0.1", "nan"] {
        let share = format!("--synthetic={synthetic}");
        for balance in ["none", "uniform"] {
            let more = [share.as_str(), "--balance", balance];
            fails(2, &place.finetune("out", &more), &["--synthetic", "not in 0 to 1"]);
        }
    }
    assert!(!place.path("out").exists(), "nothing is written for a wrong argument");
    let known = [
        "there is no backbone \"resnet\" (did you mean \"resnet50\"?)",
        "efficientnet-lite0",
    ];
    fails(1, &place.finetune("out", &["--backbone", "resnet"]), &known);
    assert!(
        !place.path("out").exists(),
        "nothing is written for an unknown backbone"
    );
    // How many stages there are is known once the network is.
    let many = "unfreeze is 10, but efficientnet-lite0 has 9 stages (--unfreeze N)";
    fails(1, &place.finetune("out", &["--unfreeze", "10"]), &[many]);
    assert!(
        !place.path("out").exists(),
        "nothing is written for more stages than there are"
    );
    fails(2, &["finetune"], &["--train", "--out"]);
    fails(
        1,
        &place.finetune("train.parquet/out", &[]),
        &[&place.at("train.parquet/out")],
    );
    fails(
        1,
        &place.finetune("train.parquet", &["--resume"]),
        &[&place.at("train.parquet")],
    );
}

/// Photos that the repository does not carry.
fn extra(name: &str) -> Option<String> {
    let folders = ["../shared/data", "../../shared/data"];
    let found = folders.map(|folder| Path::new(ROOT).join(folder).join(name));
    found
        .iter()
        .find(|path| path.exists())
        .map(|path| path.display().to_string())
}

#[test]
#[allow(clippy::print_stderr, reason = "says that a test was skipped")]
fn photos_of_refuse_are_read() {
    for (name, rows) in [("trashnet-train.parquet", 2074), ("trashnet-test.parquet", 450)] {
        let Some(path) = extra(name) else {
            eprintln!("SKIPPED: {name} is not in ../shared/data");
            continue;
        };
        let text = succeeds(&["inspect", &path]);
        assert!(text.contains(&rows.to_string()) && text.contains("cardboard"), "{text}");
        let cx = Context::with(2, 1 << 28).unwrap();
        let photos = cx.block_on(Parquet::open(&cx, &path)).unwrap();
        assert_eq!(photos.len().finite(), Some(rows));
        let images = photos.shuffle().image("image", Image::new(64)).unwrap();
        let batch = images
            .loader(&cx)
            .batch_size(16)
            .blocking()
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(batch.len(), 16);
    }
}
