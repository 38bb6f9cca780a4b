//! Whatever way data lies on the disk: what it is is found out, and tasks, inspection and measurement take it.
#![cfg(feature = "cli")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch};
use common::{context, picture, refusal};
use millstream::error::{ErrorKind, Remedy};
use millstream::inspect::Inspect;
use millstream::source::{Files, Kind, Split};
use millstream::task::{DataOptions, Datasets, Evaluate, Event, Finetune, OnBadRow, Predict};
use millstream::train::Existing;
use millstream::{Dataset, Stable};
use parquet::arrow::ArrowWriter;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// Pictures of two classes, 12 to train on and 6 to validate on, as an `ImageFolder` with splits.
fn folder() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for at in 0..18_u64 {
        let split = if at < 12 { "train" } else { "val" };
        let class = ["cat", "dog"][at as usize % 2];
        write(root.path(), &format!("{split}/{class}/{at:02}.png"), &png(at));
    }
    root
}

fn png(at: u64) -> Vec<u8> {
    picture(at).to_png().unwrap()
}

fn write(root: &Path, file: &str, bytes: &[u8]) -> PathBuf {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The same pictures as `folder` has of `split`, in its order, as Parquet.
fn parquet(root: &Path, rows: std::ops::Range<u64>) -> String {
    let mut order: Vec<u64> = rows.collect();
    order.sort_by_key(|at| (at % 2, *at));
    let image: ArrayRef = Arc::new(BinaryArray::from_iter_values(order.iter().map(|&at| png(at))));
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values(order.iter().map(|at| (at % 2) as i64)));
    let batch = RecordBatch::try_from_iter([("image", image), ("label", label)]).unwrap();
    let path = root.join("same.parquet");
    let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

fn shown(root: &TempDir) -> String {
    root.path().display().to_string()
}

fn finetune(data: Vec<String>, out: &Path) -> Finetune {
    Finetune::default()
        .train(data)
        .backbone(BACKBONE.to_owned())
        .size(16)
        .epochs(2)
        .views(1)
        .batch_size(8)
        .seed(3)
        .out(out.to_owned())
}

/// The data at one path.
fn data(path: String) -> DataOptions {
    DataOptions {
        train: vec![path].into(),
        ..DataOptions::default()
    }
}

#[test]
fn the_kind_is_found_and_said() {
    let (root, cx) = (folder(), context());
    let train = cx
        .block_on(Files::open_split(&cx, &[shown(&root)], Split::Train))
        .unwrap();
    assert_eq!((train.kind(), train.len().finite()), (Kind::Pictures, Some(12)));
    assert_eq!(
        train.notes()[0],
        format!("{}: 12 pictures in the folders of 2 classes", shown(&root))
    );
    assert_eq!(train.class_names("label").unwrap(), ["cat", "dog"]);
    assert_eq!(train.paths().len(), 12);
    let splits = cx.block_on(Files::splits(&shown(&root))).unwrap();
    assert_eq!(splits.to_string(), "train (12 files), validation (6 files)");
    let list = write(root.path(), "train/metadata.csv", b"file_name,breed\ncat/00.png,x\n");
    let listed = cx.block_on(Files::open(&cx, &[list.display().to_string()])).unwrap();
    assert_eq!(listed.kind(), Kind::Listing);
    assert_eq!(
        listed.notes()[0],
        format!(
            "{}: a list of 1 row, whose column \"file_name\" names the pictures",
            list.display()
        )
    );
    assert_eq!(listed.find_label(None).unwrap(), "breed");
    let both = [parquet(root.path(), 0..12), shown(&root)];
    refusal(
        cx.block_on(Files::open(&cx, &both)).map(|_| ()),
        ErrorKind::Config,
        "it is not clear what is meant",
    );
    let both = [both[0].clone(), list.display().to_string()];
    refusal(
        cx.block_on(Files::open(&cx, &both)).map(|_| ()),
        ErrorKind::Config,
        "the paths are of two kinds: ",
    );
}

#[test]
fn a_folder_is_trained_on_and_its_validation_split_is_used() {
    let (root, cx) = (folder(), context());
    let found = Datasets::open(&cx, &data(shown(&root)), None, 1).unwrap();
    assert_eq!((found.train.len().finite(), found.valid_rows()), (Some(12), 6));
    assert_eq!((found.image.as_str(), found.label.as_str()), ("image", "label"));
    assert_eq!(found.targets.names(), ["cat", "dog"]);
    let shown = shown(&root);
    for note in [
        format!("{shown}: 12 pictures in the folders of 2 classes"),
        format!("{shown}: the train split is read (12 files); not read here: validation (6 files)"),
        format!("{shown}: its validation split is used for validation"),
    ] {
        assert!(found.notes.contains(&note), "{note:?} is not in {:?}", found.notes);
    }
}

#[test]
fn figures_of_a_folder_are_those_of_the_same_pictures_in_parquet() {
    let (root, cx) = (folder(), context());
    let out = tempfile::tempdir().unwrap();
    let run = finetune(vec![shown(&root)], &out.path().join("run"));
    run.run(&cx, &mut |_| ()).unwrap();
    let figures = |files: String| {
        let report = Evaluate::new(Predict::new(&run.out, [files]))
            .run(&cx, &mut |_, _| ())
            .unwrap();
        let mut figures = serde_json::to_value(&report.figures).unwrap();
        figures.as_object_mut().unwrap().remove("seconds");
        figures
    };
    let valid = root.path().join("val").display().to_string();
    assert_eq!(figures(valid), figures(parquet(out.path(), 12..18)));
    // A run goes on with the same pictures, and not with others.
    let again = Finetune {
        existing: Existing::Resume,
        ..run.clone()
    };
    again.run(&cx, &mut |_| ()).unwrap();
    let other = root.path().join("train/cat/00.png");
    std::fs::write(&other, png(99)).unwrap();
    let error = again.run(&cx, &mut |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Resume, "{error}");
    assert!(error.to_string().contains(&other.display().to_string()), "{error}");
}

#[test]
fn an_inspection_looks_at_the_pictures_of_all_splits() {
    let (root, cx) = (folder(), context());
    let bad = write(root.path(), "train/dog/bad.png", b"no picture");
    let found = cx.block_on(Inspect::new([shown(&root)]).run(&cx)).unwrap();
    assert_eq!((found.kind, found.rows), (Kind::Pictures, 19));
    let classes: Vec<_> = found
        .labels
        .classes
        .iter()
        .map(|class| (class.name.as_str(), class.rows))
        .collect();
    assert_eq!(classes, [("cat", 9), ("dog", 10)]);
    let pictures = found.images.pictures.as_ref().unwrap();
    assert_eq!((pictures.looked_at, pictures.unread, pictures.null), (19, 1, 0));
    assert!(
        pictures.bad[0].place.contains(&bad.display().to_string()),
        "{:?}",
        pictures.bad
    );
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("all its splits are read together")),
        "{:?}",
        found.notes
    );
    found.check().unwrap();
}

#[test]
fn the_program_takes_folders_and_lists() {
    let root = folder();
    let list = "file_name,label\ncat/00.png,cat\ndog/01.png,dog\ncat/02.png,cat\ndog/03.png,dog\n";
    let list = write(root.path(), "train/list.csv", list.as_bytes());
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let train = root.path().join("val").display().to_string();
    let (code, out, err) = run(&["inspect", &train]);
    assert_eq!(code, Some(0), "{err}");
    assert!(
        out.contains("6 pictures in the folders of 2 classes") && out.contains("6 rows, "),
        "{out}"
    );
    let list = list.display().to_string();
    let (code, out, err) = run(&["inspect", &list]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("4 rows, ") && out.contains("file_name"), "{out}");
    let (code, out, err) = run(&["bench", "--json", "--size", "32", &train]);
    assert_eq!(code, Some(0), "{err}");
    let speed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(speed["rows"].as_u64().unwrap() >= 6, "{out}");
    let (code, out, err) = run(&["doctor", "--size", "32", &list]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("decode"), "{out}");
    // A list beside the pictures: which is meant?
    let (code, _, err) = run(&["inspect", root.path().join("train").to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(err.contains("12 pictures, 1 list"), "{err}");
}

#[test]
fn labels_of_a_list_are_trained_on() {
    let (root, cx) = (folder(), context());
    let text: String = (0..12)
        .map(|at| format!("{}/{at:02}.png,{}\n", ["cat", "dog"][at % 2], at as f32 / 2.0))
        .collect();
    let list = write(
        root.path(),
        "train/weights.csv",
        format!("file_name,weight\n{text}").as_bytes(),
    );
    let found = Datasets::open(&cx, &data(list.display().to_string()), None, 1).unwrap();
    assert_eq!((found.task.name(), found.label.as_str()), ("regress", "weight"));
    assert_eq!(found.train.len().finite().unwrap() + found.valid_rows(), 12);
    let weights = cx.block_on(found.train.column(&cx, "weight")).unwrap();
    assert_eq!(weights.len() as u64, found.train.len().finite().unwrap());
}

#[test]
fn a_picture_that_a_list_names_in_vain_is_a_bad_row() {
    let (root, cx) = (folder(), context());
    let text: String = (0..12)
        .map(|at| format!("{}/{at:02}.png,{}\n", ["cat", "dog"][at % 2], ["cat", "dog"][at % 2]))
        .collect();
    let text = format!("file_name,kind\n{text}cat/none.png,cat\n");
    let list = write(root.path(), "train/kinds.csv", text.as_bytes())
        .display()
        .to_string();
    let run = |out: &str| finetune(vec![list.clone()], &root.path().join(out));
    let shared = run("").datasets(&cx).unwrap().shared_pictures(&cx);
    assert!(shared.is_ok(), "{shared:?}");
    let error = run("strict").run(&cx, &mut |_| ()).unwrap_err().to_string();
    assert!(
        error.contains(&format!("row 12 in {list} (")) && error.contains("no such file"),
        "{error}"
    );
    let skipping = run("lenient").on_bad_row(OnBadRow::Skip { at_most: 1 });
    let report = skipping.run(&cx, &mut |_| ()).unwrap();
    let bad = report.bad_rows.unwrap();
    assert_eq!(bad.skipped + bad.held_out, 1, "{bad:?}");
    let found = cx.block_on(Inspect::new([list.clone()]).run(&cx)).unwrap();
    let pictures = found.images.pictures.unwrap();
    assert_eq!(
        (pictures.looked_at, pictures.lost, pictures.formats["PNG"]),
        (13, 1, 12)
    );
    let none = root.path().join("train/cat/none.png").display().to_string();
    assert_eq!(pictures.bad.len(), 1);
    assert_eq!(pictures.bad[0].place, format!("row 12 in {list} ({none})"));
    assert_eq!(pictures.bad[0].why, "no such file");
    let recipe = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(["init", &list])
        .output()
        .unwrap();
    let recipe = String::from_utf8(recipe.stdout).unwrap();
    assert!(recipe.contains("on_bad_row = { skip = { at_most = 1 } }"), "{recipe}");
}

#[test]
fn a_path_is_read_once() {
    let (root, cx) = (folder(), context());
    let one = shown(&root);
    for other in [one.clone(), format!("{one}/train/..")] {
        let opened = cx.block_on(Files::open(&cx, &[&one, &other])).map(|_| ());
        refusal(opened, ErrorKind::Config, "its rows would be read twice");
    }
}

#[test]
fn folders_that_are_called_almost_as_splits_are_classes_with_a_note() {
    let cx = context();
    for (files, said) in [
        (
            ["Train/a/0.png", "Test/a/1.png"],
            "the folders Test, Train are taken for classes, since the names of splits are written small",
        ),
        (
            ["a/train/0.png", "b/test/1.png"],
            "its folders are taken for classes, with all pictures in the folders of them that are called like splits (test, train)",
        ),
    ] {
        let root = tempfile::tempdir().unwrap();
        for (at, file) in (0..).zip(files) {
            write(root.path(), file, &png(at));
        }
        let rows = cx.block_on(Files::open(&cx, &[shown(&root)])).unwrap();
        assert_eq!(rows.len().finite(), Some(2));
        assert!(
            rows.notes().iter().any(|note| note.contains(said)),
            "{:?}",
            rows.notes()
        );
    }
}

#[test]
fn training_reads_the_pictures_that_an_inspection_counts() {
    let cx = context();
    let root = tempfile::tempdir().unwrap();
    for (at, file) in (0..).zip(["a/0.png", "a/1.gif", "b/2.jfif", "b/3.png"]) {
        write(root.path(), file, &png(at));
    }
    let rows = cx.block_on(Files::open(&cx, &[shown(&root)])).unwrap();
    assert_eq!(rows.len().finite(), Some(4));
    let inspect = Inspect::new([shown(&root)]);
    assert_eq!(cx.block_on(inspect.run(&cx)).unwrap().rows, 4);
}

#[test]
fn parquet_files_that_are_passed_over_are_counted() {
    let (root, cx) = (tempfile::tempdir().unwrap(), context());
    let stored = std::fs::read(parquet(root.path(), 0..3)).unwrap();
    let data = root.path().join("data");
    for file in [
        "a.parquet",
        "_y/a.parquet",
        "_y/b.txt",
        ".x/deep/a.parquet",
        "_label=a/a.parquet",
    ] {
        write(&data, file, &stored);
    }
    let rows = cx.block_on(Files::open(&cx, &[data.display().to_string()])).unwrap();
    assert_eq!(rows.len().finite(), Some(3));
    let said = "begin with _ or a dot: 3 Parquet files, the first is ";
    let notes = rows.notes();
    assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
}

/// Training, imports, inspection and predictions: what a folder has is the same for all, and so is what is left out.
#[test]
fn a_folder_has_the_same_rows_for_every_command() {
    let (root, cx) = (tempfile::tempdir().unwrap(), context());
    for at in 0..12_u64 {
        write(
            root.path(),
            &format!("{}/{at:02}.png", ["cat", "dog"][at as usize % 2]),
            &png(at),
        );
    }
    for file in ["cat/x.gif", "dog/y.jfif", "dog/z.ico"] {
        write(root.path(), file, &png(20));
    }
    write(root.path(), "root.png", &png(21));
    std::fs::create_dir(root.path().join("bird")).unwrap();
    let path = shown(&root);
    let predict = Predict::new("none", [path.as_str()]).open(&cx).unwrap();
    let import = cx.block_on(Files::open(&cx, &[path.as_str()])).unwrap();
    let train = Datasets::open(&cx, &data(path.clone()), None, 0).unwrap();
    let inspect = Inspect {
        files: vec![path.clone()],
        ..Inspect::default()
    };
    let inspect = cx.block_on(inspect.run(&cx)).unwrap();
    assert_eq!(predict.len().finite(), Some(15));
    assert_eq!(import.len().finite(), Some(15));
    assert_eq!(train.targets.len() + train.valid_rows(), 15);
    assert_eq!(inspect.rows, 15);
    let classes = ["bird", "cat", "dog"].map(str::to_owned);
    assert_eq!(predict.class_names("label").unwrap(), classes);
    assert_eq!(import.class_names("label").unwrap(), classes);
    assert_eq!(train.targets.names(), classes);
    for notes in [predict.notes(), import.notes(), &train.notes, &inspect.notes] {
        for said in [
            "not read, since they lie in no class's folder: 1 file of pictures",
            "a class without rows, since there are no pictures in its folder: bird",
        ] {
            let whole = format!("{path}: {said}");
            assert!(notes.contains(&whole), "{notes:?}: {whole}");
        }
    }
    // What could be meant in two ways is refused where classes are needed; else all are pictures without classes.
    (0..15).for_each(|at| drop(write(root.path(), &format!("{at}.png"), &png(at))));
    let why = "it cannot be told whether its folders are classes: there are 15 pictures in them, and 16 beside them; name the folder";
    let predict = Predict::new("none", [path.as_str()]).open(&cx).unwrap();
    assert_eq!(predict.len().finite(), Some(31));
    assert!(predict.class_names("label").is_none());
    refusal(
        Datasets::open(&cx, &data(path.clone()), None, 0).map(|_| ()),
        ErrorKind::Config,
        why,
    );
}

#[test]
fn a_split_of_a_folder_is_evaluated_predicted_and_inspected() {
    let (root, cx) = (folder(), context());
    let out = tempfile::tempdir().unwrap();
    let run = finetune(vec![shown(&root)], &out.path().join("run"));
    run.run(&cx, &mut |_| ()).unwrap();
    let predict = |split: Option<Split>| Predict {
        split,
        ..Predict::new(&run.out, [shown(&root)])
    };
    let evaluated = |split| {
        let report = Evaluate::new(predict(split)).run(&cx, &mut |_, _| ()).unwrap();
        (report.figures.rows(), report.notes.join("\n"))
    };
    // Validation rows where there are none to test on.
    assert_eq!(evaluated(None).0, 6);
    for at in 18..22 {
        write(
            root.path(),
            &format!("test/{}/{at}.png", ["cat", "dog"][at as usize % 2]),
            &png(at),
        );
    }
    let (rows, notes) = evaluated(None);
    assert_eq!(rows, 4);
    assert!(
        notes.contains("the test split is read (4 files); not read here: train (12 files), validation (6 files)"),
        "{notes}"
    );
    assert_eq!(evaluated(Some(Split::Validation)).0, 6);
    assert_eq!(predict(Some(Split::Train)).open(&cx).unwrap().len().finite(), Some(12));
    let error = predict(None).open(&cx).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::Split));
    assert!(
        error
            .to_string()
            .contains("train (12 files), validation (6 files), test (4 files); name one of them"),
        "{error}"
    );
    let error = predict(Some(Split::named("extra"))).open(&cx).unwrap_err().to_string();
    assert!(
        error.contains("the folder has no extra split, but train (12 files)"),
        "{error}"
    );
    // What has no splits is not read as if it had the one that is named.
    let plain = Predict {
        split: Some(Split::Test),
        ..Predict::new(&run.out, [root.path().join("val").display().to_string()])
    };
    refusal(
        plain.open(&cx).map(|_| ()),
        ErrorKind::Config,
        "nothing here tells splits",
    );
    let inspect = Inspect {
        split: Some(Split::Test),
        ..Inspect::new([shown(&root)])
    };
    assert_eq!(cx.block_on(inspect.run(&cx)).unwrap().rows, 4);
    // By the program, which trains on none of them: the training data of a run tells what there is to measure.
    let model = run.out.display().to_string();
    let millstream = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let all = shown(&root);
    let (code, out, err) = millstream(&["evaluate", "--model", &model, "--train", &all, "--json"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("\"rows\":4") || out.contains("\"rows\": 4"), "{out}");
    let (code, _, err) = millstream(&["predict", "--model", &model, &all]);
    assert_eq!(code, Some(1));
    assert!(
        err.contains("name one of them") && err.contains("(--split NAME)"),
        "{err}"
    );
    let valid = root.path().join("val").display().to_string();
    let (code, _, err) = millstream(&["evaluate", "--model", &model, "--train", &valid]);
    assert_eq!(code, Some(1));
    assert!(err.contains("there is nothing to measure on"), "{err}");
}

#[test]
fn every_command_takes_its_data_as_finetune_does() {
    let root = folder();
    let train = shown(&root);
    let printed = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .args(arguments)
            .arg("--print-recipe")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let (code, run, err) = printed(&["finetune", "--train", &train]);
    assert_eq!(code, Some(0), "{err}");
    let line = run
        .lines()
        .find(|line| line.starts_with("train = "))
        .unwrap()
        .to_owned();
    for command in ["preview", "inspect", "bench", "doctor"] {
        let [named, alone] = [printed(&[command, "--train", &train]), printed(&[command, &train])];
        assert_eq!(named, alone, "{command}");
        assert!(named.1.lines().any(|own| own == line), "{command}: {}", named.1);
        let (code, _, err) = printed(&[command, "--train", &train, "--", &train]);
        assert_eq!(code, Some(2), "{err}");
        assert!(err.contains("cannot be used with"), "{err}");
    }
    assert_eq!(printed(&["preview", "--train", &train]).1, run);
    let [named, alone] = [
        printed(&["evaluate", "--valid", &train]),
        printed(&["evaluate", &train]),
    ];
    assert_eq!(named, alone);
    let init = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_millstream"))
            .arg("init")
            .args(arguments)
            .output()
            .unwrap();
        (done.status.code(), done.stdout)
    };
    let named = init(&["--train", &train]);
    assert_eq!((named.0, &named), (Some(0), &init(&[&train])));
}

#[test]
fn what_a_label_column_is_taken_for_is_said() {
    let (root, cx) = (folder(), context());
    let regress = millstream::task::Regress::default().into();
    let found = Datasets::open(&cx, &data(shown(&root)), Some(&regress), 0).unwrap();
    let said = "column \"label\" holds 2 classes with names, and their numbers, 0 to 1, are predicted as quantities";
    assert!(found.notes.contains(&said.to_owned()), "{:?}", found.notes);
    // Rows in memory are called as the source that they are opened from.
    let own = millstream::source::Memory::new(vec![
        RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from_iter_values(0..9)) as ArrayRef)]).unwrap(),
    ]);
    let own = Files::of_source(Arc::new(own.unwrap()), "discs");
    assert_eq!(own.provenance(&cx, 7).places[0].to_string(), "row 7 in discs");
    // A column that was named is not asked for.
    let files = cx
        .block_on(Files::open_split(&cx, &[shown(&root)], Split::Train))
        .unwrap();
    let error = files.find_label(Some("image")).unwrap_err().to_string();
    assert!(
        error.contains("column \"image\" holds ") && !error.contains("which column"),
        "{error}"
    );
}

#[test]
fn views_that_no_epoch_takes_are_said() {
    let (root, cx) = (folder(), context());
    let out = tempfile::tempdir().unwrap();
    let said = |views: u64, epochs: u64| {
        let run = finetune(vec![shown(&root)], &out.path().join(format!("{views}-{epochs}")));
        let mut notes = Vec::new();
        run.views(views)
            .epochs(epochs)
            .run(&cx, &mut |event| {
                if let Event::Note(note) = event {
                    notes.push(note.to_owned());
                }
            })
            .unwrap();
        notes.into_iter().find(|note| note.contains("trained on: "))
    };
    let expected = "only 1 of 3 views are trained on: in 1 epoch no row comes more often, and each time it is another view of it; fewer views take less time";
    assert_eq!(said(3, 1).as_deref(), Some(expected));
    assert_eq!(said(3, 3), None);
}
