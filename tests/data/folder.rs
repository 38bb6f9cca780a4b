//! Folders of pictures as a source: torchvision's `ImageFolder`.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use common::{context, refusal, refused};
use millstream::dataset::Len;
use millstream::error::ErrorKind;
use millstream::image::Image;
use millstream::loader::OnError;
use millstream::source::{Folder, FolderSpec, Split};
use millstream::{Context, Dataset, DatasetExt, Stable};
use std::path::Path;
use tempfile::TempDir;

/// A folder with these files, each with its own name as its bytes.
fn folder(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        write(root.path(), file, file.as_bytes());
    }
    root
}

fn write(root: &Path, file: &str, bytes: &[u8]) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn shown(root: &TempDir) -> String {
    root.path().display().to_string()
}

fn open(root: &TempDir) -> Folder {
    let cx = context();
    cx.block_on(Folder::open(&cx, shown(root))).unwrap()
}

fn error(root: &TempDir) -> millstream::Error {
    let cx = context();
    cx.block_on(Folder::open(&cx, shown(root))).unwrap_err()
}

fn all(rows: &Folder) -> RecordBatch {
    let positions: Vec<u64> = (0..rows.len().finite().unwrap()).collect();
    let cx = context();
    cx.block_on(rows.take(&cx, &positions)).unwrap()
}

/// Bytes (which are names), class and path below `root` of each row.
fn rows(rows: &Folder, root: &TempDir) -> Vec<(String, i64, String)> {
    let batch = all(rows);
    let images = batch["image"].as_binary_view();
    let labels = batch["label"].as_primitive::<Int64Type>();
    let paths = batch["path"].as_string_view();
    let row = |at: usize| {
        let below = Path::new(paths.value(at)).strip_prefix(root.path()).unwrap();
        (
            String::from_utf8(images.value(at).to_vec()).unwrap(),
            labels.value(at),
            below.to_str().unwrap().to_owned(),
        )
    };
    (0..batch.num_rows()).map(row).collect()
}

#[test]
fn rows_and_classes_are_those_of_torchvision() {
    #[derive(serde::Deserialize)]
    struct Case {
        files: Vec<String>,
        classes: Vec<String>,
        samples: Vec<(String, i64)>,
    }
    let case: Case = serde_json::from_str(include_str!("../cases/folder_order.json")).unwrap();
    let root = folder(&case.files.iter().map(String::as_str).collect::<Vec<_>>());
    let opened = open(&root);
    assert_eq!(opened.class_names(), case.classes);
    let expected: Vec<_> = case
        .samples
        .iter()
        .map(|(path, class)| (path.clone(), *class, path.clone()))
        .collect();
    assert_eq!(rows(&opened, &root), expected);
    let schema = opened.schema();
    let types: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| (field.name().as_str(), field.data_type()))
        .collect();
    assert_eq!(
        types,
        [
            ("image", &DataType::BinaryView),
            ("label", &DataType::Int64),
            ("path", &DataType::Utf8View)
        ]
    );
    let names: Vec<String> = serde_json::from_str(&schema.field(1).metadata()["millstream.classes"]).unwrap();
    assert_eq!(names, case.classes);
    let shown = shown(&root);
    assert_eq!(
        opened.notes(),
        [
            format!(
                "{shown}: not read, since their names do not end as those of pictures do: .gif (1 file), .txt (1 file), no ending (1 file)"
            ),
            format!("{shown}: not read, since they lie in no class's folder: 1 file of pictures"),
        ]
    );
}

#[test]
fn hidden_files_and_folders_are_passed_over_and_said() {
    let root = folder(&[
        "a/1.png",
        "a/._1.png",
        ".ipynb_checkpoints/1.png",
        "b/.cache/2.png",
        "b/3.png",
    ]);
    let opened = open(&root);
    assert_eq!(opened.class_names(), ["a", "b"]);
    assert_eq!(opened.len(), Len::Finite(2.try_into().unwrap()));
    assert_eq!(
        opened.notes(),
        [format!(
            "{}: not read, since names begin with a dot: 3 files or folders",
            shown(&root)
        )]
    );
}

#[test]
fn a_class_without_pictures_is_refused_unless_it_is_allowed() {
    let root = folder(&["a/1.png", "b/x.ppm", "d/1.png"]);
    std::fs::create_dir(root.path().join("c")).unwrap();
    let cx = context();
    let shown = shown(&root);
    refused(
        cx.block_on(Folder::open(&cx, &shown)),
        ErrorKind::Data,
        &format!(
            "{shown}: the folders b, c have no pictures (names that end in jpg, jpeg, png, bmp, tif, tiff, webp); there are .ppm (1 file); \
             remove the folder, or allow classes without rows"
        ),
    );
    let spec = FolderSpec {
        path: vec![shown],
        allow_empty: true,
        ..FolderSpec::default()
    };
    let opened = cx.block_on(Folder::open_spec(&cx, &spec)).unwrap();
    assert_eq!(opened.class_names(), ["a", "b", "c", "d"]);
    let labels: Vec<i64> = rows(&opened, &root).into_iter().map(|(_, label, _)| label).collect();
    assert_eq!(labels, [0, 3]);
    // torchvision's `extensions`.
    let spec = FolderSpec {
        extensions: Some(vec!["PPM".to_owned()]),
        ..spec
    };
    let opened = cx.block_on(Folder::open_spec(&cx, &spec)).unwrap();
    assert_eq!(rows(&opened, &root), [("b/x.ppm".to_owned(), 1, "b/x.ppm".to_owned())]);
}

#[test]
fn folders_without_classes_or_pictures_are_refused() {
    let root = folder(&["1.png"]);
    refusal::<()>(
        Err(error(&root)),
        ErrorKind::Data,
        "there are no folders of classes in it",
    );
    let root = folder(&["a/1.txt"]);
    refusal::<()>(Err(error(&root)), ErrorKind::Data, "the folder a has no pictures");
    let cx = context();
    let missing = cx.block_on(Folder::open(&cx, "/no/such")).map(|_| ());
    refused(missing, ErrorKind::Io, "/no/such: no such folder");
    let file = root.path().join("a/1.txt").display().to_string();
    let file = cx.block_on(Folder::open(&cx, &file)).map(|_| ());
    refusal(file, ErrorKind::Config, "1.txt: it is no folder");
}

#[test]
fn without_labels_all_pictures_are_rows() {
    let root = folder(&["2.png", "a/1.png", "a/b/3.png"]);
    let cx = context();
    let spec = FolderSpec {
        path: vec![shown(&root)],
        labels: false,
        ..FolderSpec::default()
    };
    let opened = cx.block_on(Folder::open_spec(&cx, &spec)).unwrap();
    assert_eq!(opened.schema().fields().len(), 2);
    let batch = all(&opened);
    let images = batch["image"].as_binary_view();
    let names: Vec<_> = images
        .iter()
        .flatten()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    assert_eq!(names, ["2.png", "a/1.png", "a/b/3.png"]);
}

#[test]
fn folders_of_splits_are_splits() {
    let files = [
        "train/a/1.png",
        "train/b/2.png",
        "val/b/3.png",
        "validation/a/4.png",
        "test/c/5.png",
        "readme.txt",
    ];
    let root = folder(&files);
    let (cx, shown) = (context(), shown(&root));
    refused(
        cx.block_on(Folder::open(&cx, &shown)).map(|_| ()),
        ErrorKind::Config,
        &format!(
            "{shown}: the folder has the splits train (2 files), validation (2 files), test (1 file); name one of them, or its files by a \
             folder or a pattern of their own"
        ),
    );
    let of = |split: Split| cx.block_on(Folder::open_split(&cx, &shown, split)).unwrap();
    let train = of(Split::Train);
    assert_eq!(train.class_names(), ["a", "b"]);
    let names = |opened: &Folder| -> Vec<(String, i64)> {
        rows(opened, &root)
            .into_iter()
            .map(|(name, class, _)| (name, class))
            .collect()
    };
    let named = |pairs: &[(&str, i64)]| -> Vec<(String, i64)> {
        pairs.iter().map(|&(name, class)| (name.to_owned(), class)).collect()
    };
    assert_eq!(names(&train), named(&[("train/a/1.png", 0), ("train/b/2.png", 1)]));
    assert!(
        train
            .notes()
            .iter()
            .any(|note| note.contains("the train split is read (2 files); not read here: validation"))
    );
    assert_eq!(
        names(&of(Split::Validation)),
        named(&[("val/b/3.png", 1), ("validation/a/4.png", 0)])
    );
    assert_eq!(of(Split::Test).class_names(), ["c"]);
    let missing = cx.block_on(Folder::open_split(&cx, &shown, Split::Other("extra".to_owned())));
    refusal(
        missing.map(|_| ()),
        ErrorKind::Config,
        "the folder has no extra split, but train (2 files)",
    );
}

#[test]
fn folders_that_may_be_splits_or_classes_are_told_or_refused() {
    // A class of vehicles.
    let root = folder(&["bus/1.png", "train/2.png", "plane/3.png"]);
    let opened = open(&root);
    assert_eq!(opened.class_names(), ["bus", "plane", "train"]);
    assert_eq!(
        opened.notes(),
        [format!(
            "{}: the folder train is taken for classes, not for splits, since there are other folders beside them",
            shown(&root)
        )]
    );
    let root = folder(&["extra/1.png", "train/a/2.png", "val/a/3.png"]);
    refusal::<()>(
        Err(error(&root)),
        ErrorKind::Config,
        "it cannot be told whether its folders are splits or classes: train, val would be splits, extra would not; name the folder",
    );
}

#[test]
fn several_folders_have_their_classes_together() {
    let (one, two) = (folder(&["b/1.png", "c/2.png"]), folder(&["a/3.png", "b/4.png"]));
    let cx = context();
    let spec = FolderSpec {
        path: vec![shown(&one), shown(&two)],
        ..FolderSpec::default()
    };
    let opened = cx.block_on(Folder::open_spec(&cx, &spec)).unwrap();
    assert_eq!(opened.class_names(), ["a", "b", "c"]);
    let batch = all(&opened);
    assert_eq!(batch["label"].as_primitive::<Int64Type>().values(), &[1, 2, 0, 1]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles() {
    use std::os::unix::fs::symlink;
    let (root, other) = (folder(&["a/1.png"]), folder(&["deep/2.png"]));
    symlink(other.path(), root.path().join("b")).unwrap();
    symlink(other.path().join("deep/2.png"), root.path().join("a/linked.png")).unwrap();
    let names = rows(&open(&root), &root);
    let row = |name: &str, class: i64, path: &str| (name.to_owned(), class, path.to_owned());
    let expected = [
        row("a/1.png", 0, "a/1.png"),
        row("deep/2.png", 0, "a/linked.png"),
        row("deep/2.png", 1, "b/deep/2.png"),
    ];
    assert_eq!(names, expected);
    symlink(root.path(), root.path().join("a/again")).unwrap();
    refusal::<()>(
        Err(error(&root)),
        ErrorKind::Io,
        "a/again: this link leads to a folder that it is in",
    );
    std::fs::remove_file(root.path().join("a/again")).unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_counted_and_said() {
    use std::os::unix::fs::symlink;
    let root = folder(&["a/1.png", "b/2.png", "a/name", "b/notes.txt"]);
    let at = |path: &str| root.path().join(path);
    symlink("nowhere.png", at("a/gone.png")).unwrap();
    symlink("nowhere", at("c")).unwrap();
    symlink("self.png", at("b/self.png")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(at("b/pipe.png")).status();
    assert!(pipe.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at("b/socket.png")).unwrap();
    let opened = open(&root);
    assert_eq!(rows(&opened, &root).len(), 2);
    let shown = shown(&root);
    assert_eq!(
        opened.notes(),
        [
            format!(
                "{shown}: not read, since their names do not end as those of pictures do: .txt (1 file), no ending (1 file)"
            ),
            format!("{shown}: not read: 3 links that lead nowhere, the first is {shown}/a/gone.png"),
            format!("{shown}: not read: 2 pipes, sockets or devices, the first is {shown}/b/pipe.png"),
        ]
    );
    std::fs::remove_file(at("b/socket.png")).unwrap();
    std::fs::remove_file(at("b/self.png")).unwrap();
    std::fs::remove_file(at("c")).unwrap();
    assert_eq!(
        open(&root).notes()[1..],
        [
            format!("{shown}: not read: 1 link that leads nowhere ({shown}/a/gone.png)"),
            format!("{shown}: not read: 1 pipe, socket or device ({shown}/b/pipe.png)"),
        ]
    );
}

/// The head of a `README.md` whose only set has these patterns, each with its split.
fn readme(files: &[(&str, &str)]) -> String {
    let one = |(split, path): &(&str, &str)| format!("  - split: {split}\n    path: {path:?}\n");
    let files: String = files.iter().map(one).collect();
    format!("---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n# Photos\n")
}

#[test]
fn a_readme_says_which_folders_are_splits_and_which_are_classes() {
    let files = [
        "part/one/cat/1.png",
        "part/one/dog/x/2.png",
        "part/two/cat/3.png",
        "other/4.png",
    ];
    let root = folder(&files);
    let cx = context();
    let of = |split: Split| cx.block_on(Folder::open_split(&cx, shown(&root), split));
    for pattern in ["part/one/**", "part/one/*/**", "./part/one/**/*.png"] {
        write(
            root.path(),
            "README.md",
            readme(&[("train", pattern), ("test", "part/two/*/*")]).as_bytes(),
        );
        let train = of(Split::Train).unwrap();
        assert_eq!(train.class_names(), ["cat", "dog"]);
        let row = |path: &str, class: i64| (path.to_owned(), class, path.to_owned());
        assert_eq!(
            rows(&train, &root),
            [row("part/one/cat/1.png", 0), row("part/one/dog/x/2.png", 1)],
            "{pattern}"
        );
        let test = of(Split::Test).unwrap();
        assert_eq!(rows(&test, &root), [row("part/two/cat/3.png", 0)]);
        assert!(
            test.notes()
                .iter()
                .any(|note| note.contains("train (2 files), 1 file without the name of a split")),
            "{:?}",
            test.notes()
        );
    }
    // Where it is not plain, it is refused.
    let refused = |text: &str, why: &str| {
        write(root.path(), "README.md", text.as_bytes());
        refusal(of(Split::Train).map(|_| ()), ErrorKind::Config, why);
    };
    refused(
        &readme(&[("train", "part/one/cat/*.png")]),
        "the pattern part/one/cat/*.png of its README.md does not tell which folders are classes",
    );
    refused(
        &readme(&[("train", "nothing/**")]),
        "the files that its README.md describes are not there: nothing/** for the split train; name the files to read by a pattern",
    );
    // As in Hugging Face's `datasets`, which finds no file for either of these patterns.
    refused(
        &readme(&[("train", "part/one/**"), ("test", "part/{two,three}/**")]),
        "are not there: part/{two,three}/** for the split test (braces in such a pattern stand for themselves: write a line for each of \
         them); name the files",
    );
    refused(
        &readme(&[("train", "/part/one/**")]),
        "are not there: /part/one/** for the split train;",
    );
    refused(
        &readme(&[("train", "part/**"), ("test", "part/two/**")]),
        "its README.md has part/two/cat/3.png in the splits train and test, so that their rows are the same",
    );
    refused(
        "---\nconfigs:\n- config_name: default\n  data_dir: part/one\n---\n",
        "its README.md says that the data lies in the folder part/one (data_dir): name that folder",
    );
    refused(
        "---\nconfigs:\n- config_name: a\n  data_files: a/**\n- config_name: b\n  data_files: b/**\n---\n",
        "its README.md describes several sets of data (a, b)",
    );
}

#[test]
fn a_file_that_is_gone_or_changed_is_named() {
    let root = folder(&["a/1.png", "a/2.png", "b/3.png"]);
    // No memory: files are read when they are needed.
    let cx = Context::with(2, 1).unwrap();
    let opened = cx.block_on(Folder::open(&cx, shown(&root))).unwrap();
    let gone = root.path().join("a/2.png");
    std::fs::remove_file(&gone).unwrap();
    let error = cx.block_on(opened.take(&cx, &[2, 1, 0])).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Io, Some(1)));
    assert_eq!(error.to_string(), format!("{}: no such file", gone.display()));
    // Others are to be had, and none of the file without its bytes.
    assert_eq!(cx.block_on(opened.take(&cx, &[2, 0])).unwrap().num_rows(), 2);
    let labels = opened.clone().columns(&["label"]).unwrap();
    assert_eq!(cx.block_on(labels.take(&cx, &[1])).unwrap().num_rows(), 1);
    std::fs::write(&gone, b"other").unwrap();
    let error = cx.block_on(opened.take(&cx, &[1])).unwrap_err();
    refusal::<()>(
        Err(error),
        ErrorKind::Io,
        "the file changed while it was in use: it had 7 bytes",
    );
}

#[test]
fn a_damaged_picture_is_an_error_of_its_row() {
    let root = tempfile::tempdir().unwrap();
    for at in 0..4 {
        let png = common::picture(at).to_png().unwrap();
        write(root.path(), &format!("{}/{at}.png", ["a", "b"][at as usize % 2]), &png);
    }
    let bad = root.path().join("a/bad.png");
    std::fs::write(&bad, b"no picture").unwrap();
    std::fs::write(root.path().join("b/empty.png"), b"").unwrap();
    let cx = context();
    let opened = cx.block_on(Folder::open(&cx, root.path().to_str().unwrap())).unwrap();
    let loader = opened
        .clone()
        .image("image", Image::new(8))
        .unwrap()
        .loader(&cx)
        .batch_size(6);
    let mut failing = loader.epochs(1).blocking().unwrap();
    let error = failing.next().unwrap().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("row 0 in {} (position 2): ", bad.display())),
        "{error}"
    );
    let classed = cx.block_on(opened.classes(&cx, "label")).unwrap();
    let loader = classed.image("image", Image::new(8)).unwrap().loader(&cx).batch_size(6);
    let mut loader = loader
        .on_error(OnError::Replace { at_most: 8 })
        .epochs(1)
        .blocking()
        .unwrap();
    let batch = loader.next().unwrap().unwrap();
    let labels = batch.rows()["label"].as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(labels, [0, 0, 0, 1, 1, 1]);
    assert_eq!(batch.replaced().len(), 2);
}

#[test]
fn the_fingerprint_is_that_of_names_and_sizes_wherever_they_lie() {
    let files = ["train/a/1.png", "train/b/2.png", "val/a/3.png"];
    let (one, two) = (folder(&files), folder(&files));
    let cx = context();
    let of = |root: &TempDir| {
        let opened = cx.block_on(Folder::open_split(&cx, shown(root), Split::Train)).unwrap();
        opened.describe().fingerprint()
    };
    let first = of(&one);
    assert_eq!(of(&two), first);
    write(two.path(), "val/a/3.png", b"of another split");
    assert_eq!(of(&two), first);
    write(two.path(), "train/b/2.png", b"longer than before");
    assert_ne!(of(&two), first);
    std::fs::rename(one.path().join("train/b"), one.path().join("train/c")).unwrap();
    assert_ne!(of(&one), first);
    let text = open(&folder(&["a/1.png"])).describe().to_string();
    assert!(text.contains("files 1.png ("), "{text}");
    assert!(
        text.contains("schema image BinaryView, label Int64 (metadata "),
        "{text}"
    );
    assert!(text.contains("1 file, 7 bytes on disk"), "{text}");
}

#[test]
fn labels_are_had_without_reading_a_file() {
    let root = folder(&["a/1.png", "b/2.png"]);
    let opened = open(&root);
    std::fs::remove_dir_all(root.path().join("a")).unwrap();
    std::fs::remove_dir_all(root.path().join("b")).unwrap();
    let cx = context();
    let labels = cx.block_on(opened.column(&cx, "label")).unwrap();
    assert_eq!(labels.as_primitive::<Int64Type>().values(), &[0, 1]);
    assert_eq!(cx.block_on(opened.column(&cx, "path")).unwrap().len(), 2);
    let error = cx.block_on(opened.column(&cx, "image")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let error = cx.block_on(opened.column(&cx, "other")).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("no column \"other\"; there are image, label, path"),
        "{error}"
    );
}

#[cfg(feature = "testing")]
#[test]
fn what_is_read_ahead_and_not_wanted_is_cancelled() {
    use millstream::testing::{CacheUse, cache_use};
    const NOTHING: CacheUse = CacheUse {
        blocks: 0,
        bytes: 0,
        loading: 0,
    };
    let names: Vec<String> = (0..20).map(|at| format!("a/{at:02}.png")).collect();
    let root = folder(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let cx = Context::with(1, 1 << 26).unwrap();
    let opened = cx.block_on(Folder::open(&cx, shown(&root))).unwrap();
    // The only thread that starts reads is busy until it is let go.
    let (open, wait) = std::sync::mpsc::channel::<()>();
    let (begin, begun) = std::sync::mpsc::channel();
    let busy = cx.spawn(async move {
        begin.send(()).unwrap();
        let _ = wait.recv();
        Ok(())
    });
    begun.recv().unwrap();
    let rows: Vec<u64> = (0..20).collect();
    let prepared = opened.prepare(&cx, &rows);
    assert_eq!(cache_use(&cx), NOTHING);
    prepared.prefetch();
    prepared.prefetch();
    // Eight at a time, and a second call begins nothing anew.
    assert_eq!(cache_use(&cx), CacheUse { loading: 8, ..NOTHING });
    drop(prepared);
    assert_eq!(cache_use(&cx), NOTHING);
    drop(open);
    cx.block_on(busy).unwrap();
    // Nothing is broken by it, and files stay in memory as long as the folder does.
    assert_eq!(cx.block_on(opened.take(&cx, &rows)).unwrap().num_rows(), 20);
    let CacheUse { blocks, bytes, .. } = cache_use(&cx);
    assert_eq!((blocks, bytes), (20, 8 * 20));
    drop(opened);
    assert_eq!(cache_use(&cx), NOTHING);
}
