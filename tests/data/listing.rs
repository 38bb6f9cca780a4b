//! Lists in CSV and JSON lines as a source, with the pictures that they name.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use common::{context, refusal, refused};
use millstream::error::{ErrorKind, Remedy};
use millstream::image::Image;
use millstream::source::{Listing, ListingSpec, Split};
use millstream::{Context, Dataset, DatasetExt, Error, Result, Stable};
use std::path::Path;
use tempfile::TempDir;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (file, text) in files {
        write(root.path(), file, text.as_bytes());
    }
    root
}

fn write(root: &Path, file: &str, bytes: &[u8]) {
    let path = root.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn at(root: &TempDir, path: &str) -> String {
    root.path().join(path).display().to_string()
}

fn open(root: &TempDir, path: &str) -> Result<Listing> {
    let cx = context();
    cx.block_on(Listing::open(&cx, at(root, path)))
}

fn error(root: &TempDir, path: &str) -> Result<()> {
    open(root, path).map(|_| ())
}

fn all(rows: &Listing) -> RecordBatch {
    let positions: Vec<u64> = (0..rows.len().finite().unwrap()).collect();
    let cx = context();
    cx.block_on(rows.take(&cx, &positions)).unwrap()
}

fn names(rows: &Listing) -> Vec<String> {
    rows.schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

fn images(batch: &RecordBatch) -> Vec<Option<String>> {
    let values = batch["image"].as_binary_view();
    values
        .iter()
        .map(|value| value.map(|value| String::from_utf8_lossy(value).into_owned()))
        .collect()
}

fn strings(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    batch[column]
        .as_string_view()
        .iter()
        .map(|value| value.map(str::to_owned))
        .collect()
}

fn some(values: &[&str]) -> Vec<Option<String>> {
    values.iter().map(|value| Some((*value).to_owned())).collect()
}

#[test]
fn the_imagefolder_of_hugging_face_is_read() {
    let csv = "file_name,label,score\nb.png,dog,1\nsub/a.png,cat,2.5\nb.png,,\n";
    let root = folder(&[
        ("metadata.csv", csv),
        ("b.png", "B"),
        ("sub/a.png", "A"),
        ("unlisted.png", "U"),
    ]);
    let jsonl = "{\"file_name\": \"b.png\", \"label\": \"dog\", \"score\": 1}\n\n{\"file_name\": \"sub/a.png\", \"label\": \"cat\", \
                 \"score\": 2.5}\n{\"file_name\": \"b.png\", \"label\": null}\n";
    let json = folder(&[("metadata.jsonl", jsonl), ("b.png", "B"), ("sub/a.png", "A")]);
    for (root, file) in [(&root, "metadata.csv"), (&json, "metadata.jsonl")] {
        for path in ["", file] {
            let rows = open(root, path).unwrap();
            assert_eq!(names(&rows), ["image", "file_name", "label", "score"]);
            let batch = all(&rows);
            assert_eq!(images(&batch), some(&["B", "A", "B"]));
            assert_eq!(strings(&batch, "file_name"), some(&["b.png", "sub/a.png", "b.png"]));
            assert_eq!(strings(&batch, "label"), [some(&["dog", "cat"]), vec![None]].concat());
            let scores = batch["score"].as_primitive::<Float64Type>();
            assert_eq!((scores.value(0), scores.value(1), scores.is_null(2)), (1.0, 2.5, true));
            assert_eq!(rows.find_image(None).unwrap(), "image");
            assert_eq!(rows.find_label(None).unwrap(), "label");
        }
    }
}

#[test]
fn pictures_beside_a_list_that_are_not_in_it_are_counted_and_said() {
    let root = folder(&[
        ("train.csv", "photo,x\nin/a.png,1\n./in/b.png,2\nin/gone.png,3\n"),
        ("test.csv", "photo,x\nin/c.png,1\n"),
        ("in/a.png", "A"),
        ("in/b.png", "B"),
        ("in/c.png", "C"),
        ("in/d.JPG", "D"),
        ("in/notes.txt", "N"),
        ("in/.e.png", "E"),
        ("elsewhere/f.png", "F"),
    ]);
    let first = root.path().canonicalize().unwrap().join("in/c.png");
    let said = |path: &str, lists: &str| {
        format!(
            "{}: 2 pictures that lie beside those in the list are in {lists}; the first is {}",
            at(&root, path),
            first.display()
        )
    };
    assert_eq!(
        open(&root, "train.csv").unwrap().notes(),
        [said("train.csv", "no list")]
    );
    let cx = context();
    let split = cx
        .block_on(Listing::open_split(&cx, at(&root, ""), Split::Train))
        .unwrap();
    assert_eq!(split.notes()[1..], [said("", "none of the lists that are read")]);
    std::fs::remove_file(root.path().join("in/c.png")).unwrap();
    let one = open(&root, "train.csv").unwrap();
    assert!(
        one.notes()[0].contains("1 picture that lies beside those in the list is in no list: ")
            && one.notes()[0].ends_with("in/d.JPG"),
        "{:?}",
        one.notes()
    );
    std::fs::remove_file(root.path().join("in/d.JPG")).unwrap();
    assert!(open(&root, "train.csv").unwrap().notes().is_empty());
}

#[test]
fn a_readme_says_which_lists_are_of_which_split() {
    let root = folder(&[
        (
            "README.md",
            "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: one.csv\n  - split: test\n    path: 'more/*'\n---\n",
        ),
        ("one.csv", "a\n1\n2\n"),
        ("more/two.csv", "a\n3\n"),
        ("train.csv", "a\n4\n"),
    ]);
    let cx = context();
    let values = |split: Split| {
        let rows = cx.block_on(Listing::open_split(&cx, at(&root, ""), split)).unwrap();
        all(&rows)["a"].as_primitive::<Int64Type>().values().to_vec()
    };
    assert_eq!((values(Split::Train), values(Split::Test)), (vec![1, 2], vec![3]));
    write(
        root.path(),
        "README.md",
        b"---\nconfigs:\n- config_name: default\n  data_files: 'none-*'\n---\n",
    );
    refusal(
        error(&root, ""),
        ErrorKind::Config,
        "the files that its README.md describes are not there",
    );
}

#[test]
fn lists_and_structs_of_json_are_columns() {
    let text = "{\"file_name\": \"a.png\", \"objects\": {\"bbox\": [[1, 2.5]], \"categories\": [0, 3]}}\n";
    let root = folder(&[("metadata.jsonl", text), ("a.png", "A")]);
    let batch = all(&open(&root, "").unwrap());
    let objects = batch["objects"].as_struct();
    let categories = objects.column_by_name("categories").unwrap().as_list::<i32>().value(0);
    assert_eq!(categories.as_primitive::<Int64Type>().values(), &[0, 3]);
    let boxes = objects.column_by_name("bbox").unwrap().as_list::<i32>().value(0);
    assert_eq!(
        boxes.as_list::<i32>().value(0).as_primitive::<Float64Type>().values(),
        &[1.0, 2.5]
    );
}

#[test]
fn the_column_of_paths_is_found_or_named() {
    let pictures = [("x/1.JPG", "1"), ("x/2.jpeg", "2")];
    let with = |text: &str| folder(&[&[("x/list.csv", text)], &pictures[..]].concat());
    // By the endings of its values; a column called as the pictures is renamed.
    let root = with("id,image\n7,1.JPG\n8,2.jpeg\n");
    let rows = open(&root, "x/list.csv").unwrap();
    assert_eq!(
        (names(&rows), rows.paths()),
        (vec!["image".into(), "id".into(), "path".into()], Some("path"))
    );
    assert_eq!(images(&all(&rows)), some(&["1", "2"]));
    assert_eq!(rows.find_label(None).unwrap(), "id");
    // Tabs, and what Excel begins a file with.
    let root = folder(&[("a.tsv", "\u{feff}photo\tclass\n1.png\t3\n"), ("1.png", "one")]);
    let rows = open(&root, "a.tsv").unwrap();
    assert_eq!(names(&rows), ["image", "photo", "class"]);
    assert_eq!(images(&all(&rows)), some(&["one"]));
    // Two of them.
    let root = with("left,right\n1.JPG,2.jpeg\n");
    refused(
        error(&root, "x/list.csv"),
        ErrorKind::Config,
        &format!(
            "{}: which column names the pictures? it could be left, right; call it file_name",
            at(&root, "x/list.csv")
        ),
    );
    let cx = context();
    let spec = |file_name: &str| ListingSpec {
        path: vec![at(&root, "x/list.csv")],
        file_name: Some(file_name.to_owned()),
        ..ListingSpec::default()
    };
    let rows = cx.block_on(Listing::open_spec(&cx, &spec("right"))).unwrap();
    assert_eq!(images(&all(&rows)), some(&["2"]));
    let missing = cx.block_on(Listing::open_spec(&cx, &spec("other"))).map(|_| ());
    refusal(missing, ErrorKind::Schema, "no column \"other\"; there are left, right");
    let root = with("file_name,label\n1,2\n");
    refusal(
        error(&root, "x/list.csv"),
        ErrorKind::Schema,
        "column \"file_name\" holds Int64, not paths of pictures",
    );
}

#[test]
fn a_table_without_pictures_is_a_table() {
    let root = folder(&[("t.csv", "a,b,c\n1,x,true\n2,,false\n")]);
    let rows = open(&root, "t.csv").unwrap();
    let batch = all(&rows);
    assert_eq!(batch["a"].as_primitive::<Int64Type>().values(), &[1, 2]);
    assert_eq!(strings(&batch, "b"), [some(&["x"]), vec![None]].concat());
    assert!(batch["c"].as_boolean().value(0) && !batch["c"].as_boolean().value(1));
    let cx = context();
    let provenance = rows.provenance(&cx, 3);
    assert_eq!(
        provenance.places[0].to_string(),
        format!("row 1 in {}", at(&root, "t.csv"))
    );
    let typed = ListingSpec {
        path: vec![at(&root, "t.csv")],
        types: [
            ("a".to_owned(), "Int32".to_owned()),
            ("c".to_owned(), "Utf8".to_owned()),
        ]
        .into(),
        ..ListingSpec::default()
    };
    let rows = cx.block_on(Listing::open_spec(&cx, &typed)).unwrap();
    let batch = all(&rows);
    assert_eq!(batch["a"].as_primitive::<Int32Type>().values(), &[1, 2]);
    assert_eq!(strings(&batch, "c"), some(&["true", "false"]));
    let wrong = |column: &str, kind: &str| {
        let spec = ListingSpec {
            types: [(column.to_owned(), kind.to_owned())].into(),
            ..typed.clone()
        };
        cx.block_on(Listing::open_spec(&cx, &spec)).map(|_| ())
    };
    refusal(
        wrong("z", "Int32"),
        ErrorKind::Schema,
        "types: there is no column \"z\"",
    );
    refusal(
        wrong("a", "number"),
        ErrorKind::Config,
        "types: \"a\" is \"number\", which is no type of Arrow's",
    );
    refusal(wrong("b", "Int32"), ErrorKind::Data, "t.csv");
}

#[test]
fn paths_that_come_back_into_the_folder_of_the_list_are_read() {
    let outer = folder(&[("in/img/ok.png", "O"), ("in/img/1.png", "1")]);
    let whole = at(&outer, "in/img/1.png");
    let text = format!("file_name\n./img/../img/ok.png\n{whole}\n");
    write(outer.path(), "in/list.csv", text.as_bytes());
    let cx = context();
    let rows = cx.block_on(Listing::open(&cx, at(&outer, "in/list.csv"))).unwrap();
    assert_eq!(images(&all(&rows)), some(&["O", "1"]));
}

#[test]
fn paths_do_not_leave_the_folder_of_the_list() {
    let outer = folder(&[("secret.png", "S"), ("in/ok.png", "O")]);
    let refuse = |path: &str, why: &str| {
        write(
            outer.path(),
            "in/list.csv",
            format!("file_name,x\nok.png,1\n{path},2\n").as_bytes(),
        );
        let message = format!(
            "{list}: row 1 of {list}: the path {path:?} {why}; move the list above its pictures, or allow such paths",
            list = at(&outer, "in/list.csv")
        );
        refused(error(&outer, "in/list.csv"), ErrorKind::Data, &message);
    };
    let absolute = at(&outer, "secret.png");
    for path in ["../secret.png", "a/../../secret.png", &absolute] {
        refuse(path, "leads out of the list's folder");
    }
    let cx = context();
    let allowed = |path: &str| {
        write(
            outer.path(),
            "in/list.csv",
            format!("file_name\nok.png\n{path}\n").as_bytes(),
        );
        let spec = ListingSpec {
            path: vec![at(&outer, "in/list.csv")],
            outside: true,
            ..ListingSpec::default()
        };
        images(&all(&cx.block_on(Listing::open_spec(&cx, &spec)).unwrap()))
    };
    assert_eq!(allowed("../secret.png"), some(&["O", "S"]));
    assert_eq!(allowed(&absolute), some(&["O", "S"]));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outer.path().join("secret.png"), outer.path().join("in/link.png")).unwrap();
        std::os::unix::fs::symlink(outer.path(), outer.path().join("in/up")).unwrap();
        for path in ["link.png", "up/secret.png"] {
            refuse(path, "leads out of the list's folder by a link");
            assert_eq!(allowed(path), some(&["O", "S"]));
        }
    }
}

#[test]
fn a_picture_that_is_not_there_is_an_error_of_its_row() {
    let root = folder(&[
        ("metadata.csv", "file_name,label\na.png,1\ngone.png,2\nbad.png,3\n"),
        ("bad.png", "no picture"),
    ]);
    write(root.path(), "a.png", &common::picture(1).to_png().unwrap());
    let rows = open(&root, "").unwrap();
    let cx = context();
    let error = cx.block_on(rows.take(&cx, &[0, 1])).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Data, Some(1)));
    assert_eq!(error.to_string(), format!("{}: no such file", at(&root, "gone.png")));
    // With the place of the row in the list, and the name of the file.
    let loader = rows
        .image("image", Image::new(8))
        .unwrap()
        .loader(&cx)
        .batch_size(1)
        .epochs(1);
    let errors: Vec<String> = loader
        .blocking()
        .unwrap()
        .filter_map(|batch| Some(batch.err()?.to_string()))
        .collect();
    let list = at(&root, "metadata.csv");
    assert!(
        errors[0].starts_with(&format!("row 1 in {list} ({}) (position 1): ", at(&root, "gone.png"))),
        "{errors:?}"
    );
    let root = folder(&[("metadata.csv", "file_name\na.png\nb.png\n")]);
    refused(
        self::error(&root, "metadata.csv"),
        ErrorKind::Data,
        &format!(
            "{}: of 2 files that column \"file_name\" names none is there; the first is {}",
            at(&root, "metadata.csv"),
            at(&root, "a.png")
        ),
    );
}

#[test]
fn a_null_path_has_no_picture() {
    let root = folder(&[("metadata.csv", "file_name,x\na.png,1\n,2\n"), ("a.png", "A")]);
    let rows = open(&root, "").unwrap();
    assert!(rows.schema().field(0).is_nullable());
    assert_eq!(images(&all(&rows)), [some(&["A"]), vec![None]].concat());
}

#[test]
fn folders_of_lists_have_splits() {
    let root = folder(&[
        ("train/metadata.csv", "file_name,label\n1.png,0\n2.png,1\n"),
        ("train/1.png", "1"),
        ("train/2.png", "2"),
        ("test/metadata.csv", "file_name,label\n3.png,1\n"),
        ("test/3.png", "3"),
    ]);
    let cx = context();
    refusal(
        error(&root, ""),
        ErrorKind::Config,
        "the folder has the splits train (1 file), test (1 file)",
    );
    let of = |split: Split| {
        images(&all(&cx
            .block_on(Listing::open_split(&cx, at(&root, ""), split))
            .unwrap()))
    };
    assert_eq!(of(Split::Train), some(&["1", "2"]));
    assert_eq!(of(Split::Test), some(&["3"]));
    // And so have tables.
    let root = folder(&[("train.csv", "a\n1\n"), ("test.csv", "a\n2\n")]);
    let rows = cx
        .block_on(Listing::open_split(&cx, at(&root, ""), Split::Test))
        .unwrap();
    assert_eq!(all(&rows)["a"].as_primitive::<Int64Type>().values(), &[2]);
}

#[test]
fn several_lists_have_their_columns_by_name() {
    let root = folder(&[
        ("a/metadata.csv", "file_name,x,only\n1.png,1,q\n"),
        ("a/1.png", "1"),
        ("b/metadata.csv", "x,file_name\n2.5,2.png\n"),
        ("b/2.png", "2"),
    ]);
    let rows = open(&root, "").unwrap();
    assert_eq!(names(&rows), ["image", "file_name", "x", "only"]);
    let batch = all(&rows);
    assert_eq!(images(&batch), some(&["1", "2"]));
    assert_eq!(batch["x"].as_primitive::<Float64Type>().values(), &[1.0, 2.5]);
    assert_eq!(strings(&batch, "only"), [some(&["q"]), vec![None]].concat());
    let cx = context();
    let place = rows.provenance(&cx, 1).places[0].to_string();
    assert_eq!(
        place,
        format!("row 0 in {} ({})", at(&root, "b/metadata.csv"), at(&root, "b/2.png"))
    );
    let root = folder(&[("a.jsonl", "{\"x\": [1]}\n"), ("b.jsonl", "{\"x\": 1}\n")]);
    refused(
        error(&root, ""),
        ErrorKind::Schema,
        &format!(
            "{}: column \"x\" is Int64, but List(Int64) in {}",
            at(&root, "b.jsonl"),
            at(&root, "a.jsonl")
        ),
    );
}

#[test]
fn what_is_wrong_with_a_list_is_named() {
    for (file, text, kind, part) in [
        (
            "a.csv",
            "a,b\n1,2\n3\n",
            ErrorKind::Data,
            "Expected 2 records, found 1 records at line 3",
        ),
        ("a.csv", "a,a\n1,2\n", ErrorKind::Schema, "two columns are called \"a\""),
        ("a.csv", "a,b\n", ErrorKind::Data, "there are no rows"),
        ("a.jsonl", "{\"a\": 1\n", ErrorKind::Data, "a.jsonl: "),
        (
            "a.csv",
            "file_name,image\nx.png,1\n",
            ErrorKind::Data,
            "of 1 file that column",
        ),
    ] {
        let root = folder(&[(file, text)]);
        refusal(error(&root, file), kind, part);
    }
    let root = folder(&[("a.csv", "file_name,image\nx.png,1\n"), ("x.png", "X")]);
    refusal(
        error(&root, "a.csv"),
        ErrorKind::Schema,
        "the column \"image\" is in the way of the pictures that \"file_name\" names",
    );
    refusal(error(&root, "missing.csv"), ErrorKind::Io, "missing.csv: no such file");
    let large = folder(&[("a.csv", &format!("a\n{}", "1\n".repeat(1000)))]);
    let small = Context::with(1, 4000).unwrap();
    let error = small
        .block_on(Listing::open(&small, at(&large, "a.csv")))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.remedy()),
        (ErrorKind::Budget, Some(Remedy::Memory))
    );
    refusal::<()>(
        Err(error),
        ErrorKind::Budget,
        "a list of 2002 bytes is read into memory, and the budget leaves 1000",
    );
}

#[test]
fn the_fingerprint_is_that_of_the_lists_and_of_the_names_and_sizes_of_files() -> Result<(), Error> {
    let files = [("metadata.csv", "file_name,x\na.png,1\n"), ("a.png", "A")];
    let (one, two) = (folder(&files), folder(&files));
    let of = |root: &TempDir| Ok::<_, Error>(open(root, "")?.describe().fingerprint());
    let first = of(&one)?;
    assert_eq!(of(&two)?, first);
    write(two.path(), "a.png", b"longer");
    assert_ne!(of(&two)?, first);
    write(one.path(), "metadata.csv", b"file_name,x\na.png,2\n");
    assert_ne!(of(&one)?, first);
    let x = open(&one, "")?.columns(&["x"])?;
    assert_eq!(*x.schema().field(0).data_type(), DataType::Int64);
    let cx = context();
    assert_eq!(cx.block_on(x.column(&cx, "x"))?.len(), 1);
    Ok(())
}

/// As `datasets.load_dataset("csv")` gives them.
#[test]
fn words_for_a_null_are_null_as_hugging_face_has_it_and_that_is_said() {
    let text = "name,label,x,flag\na,NA,1,true\nb,null,NA,\nc,cat,3,false\nd,\"None\",nan,true\ne,Null,N/A,NA\n";
    let root = folder(&[("t.csv", text), ("one.csv", "name,label\nNAN,n/a\n")]);
    let rows = open(&root, "t.csv").unwrap();
    let batch = all(&rows);
    let label = [None, None, Some("cat"), None, Some("Null")].map(|word| word.map(str::to_owned));
    assert_eq!(strings(&batch, "label"), label);
    let x = batch["x"].as_primitive::<Int64Type>();
    assert_eq!(x.iter().collect::<Vec<_>>(), [Some(1), None, Some(3), None, None]);
    let flag = batch["flag"].as_boolean();
    assert_eq!(
        flag.iter().collect::<Vec<_>>(),
        [Some(true), None, Some(false), Some(true), None]
    );
    let said = |file: &str, what: &str| format!("{}: column \"label\": {what}", at(&root, file));
    assert_eq!(
        rows.notes(),
        [said(
            "t.csv",
            "3 values such as \"NA\" of row 0 are null, as Hugging Face's datasets reads them"
        )]
    );
    assert_eq!(
        open(&root, "one.csv").unwrap().notes(),
        [said(
            "one.csv",
            "the value \"n/a\" of row 0 is null, as Hugging Face's datasets reads it"
        )]
    );
}

#[test]
fn other_separators_are_refused_with_what_to_do() {
    for (file, text, said) in [
        (
            "a.csv",
            "PAR1\t\u{1}rows",
            "a.csv: this is a Parquet file under the name of a list: name it .parquet",
        ),
        ("a.csv", "", "a.csv: the list has no columns: this file is empty"),
        (
            "a.csv",
            "file_name;label\n1.png;a\n",
            "a.csv: the line of names has no comma, but semicolons: a file of this ending has its values between commas; write it with \
             commas",
        ),
        (
            "a.csv",
            "file_name\tlabel\r\n1.png\ta,b\r\n",
            "but tabs: a file of this ending has its values between commas; name it .tsv",
        ),
        (
            "a.tsv",
            "file_name,label\n1.png,a\n",
            "has no tab, but commas: a file of this ending has its values between tabs; name it .csv",
        ),
    ] {
        let root = folder(&[(file, text)]);
        refusal(error(&root, file), ErrorKind::Data, said);
    }
    // One column has no separator.
    let root = folder(&[
        ("a.csv", "label\na;b\n"),
        ("b.csv", "file_name,label\n"),
        ("c.csv", "file_name,label\n,a\n"),
    ]);
    assert_eq!(strings(&all(&open(&root, "a.csv").unwrap()), "label"), some(&["a;b"]));
    refusal(error(&root, "b.csv"), ErrorKind::Data, "b.csv: there are no rows");
    refusal(
        error(&root, "c.csv"),
        ErrorKind::Schema,
        "c.csv: column \"file_name\" names no picture in any row",
    );
}

#[test]
fn a_value_of_another_type_has_its_place() {
    let long = "x".repeat(1000);
    let typed = |text: &str, file: &str, kind: &str| {
        let root = folder(&[(file, text)]);
        let spec = ListingSpec {
            path: vec![at(&root, file)],
            types: [("b".to_owned(), kind.to_owned())].into(),
            ..ListingSpec::default()
        };
        let cx = context();
        let error = cx.block_on(Listing::open_spec(&cx, &spec)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        error.to_string().replace(&at(&root, ""), "")
    };
    assert_eq!(
        typed(&format!("a,b\n\"1\n2\",3\n4,five\n6,{long}\n"), "t.csv", "Int32"),
        "t.csv: row 1: column \"b\" holds \"five\", which is no Int32"
    );
    let cut = typed(&format!("a,b\n1,{long}\n"), "t.csv", "Int32");
    assert!(cut.len() < 200 && cut.contains('…'), "{cut}");
    let jsonl = "{\"a\": 1, \"b\": 1}\n\n  \n{\"a\": 2, \"b\": 2}\n{\"a\": 3, \"b\": \"x\"}\n";
    assert_eq!(
        typed(jsonl, "t.jsonl", "Int32"),
        "t.jsonl: line 5: column \"b\": failed to parse \"x\" as Int32"
    );
}

#[test]
fn what_is_wrong_with_json_lines_has_its_line() {
    let good = "{\"a\": 1, \"b\": {\"c\": [1]}}\n";
    for (last, said) in [
        (
            "{\"a\": 2 \"b\": 3}",
            "a.jsonl: line 4 column 9: this is no JSON: expected `,` or `}`",
        ),
        (
            "{\"a\": 2",
            "a.jsonl: line 4 column 7: this is no JSON: EOF while parsing an object",
        ),
        (
            "7",
            "a.jsonl: line 4: a number stands here, and JSON lines have an object a line",
        ),
        (
            "{\"a\": {\"c\": 1}}",
            "a.jsonl: line 4: column \"a\" holds an object, and a number before",
        ),
        (
            "{\"a\": 2, \"b\": [1]}",
            "a.jsonl: line 4: column \"b\" holds a list, and an object before",
        ),
        (
            "{\"b\": {\"c\": {}}}",
            "a.jsonl: line 4: column \"b\" holds an object of another type than before",
        ),
        ("{\"a\": \"x\"}", "a.jsonl: line 1: column \"a\": expected string got 1"),
    ] {
        let root = folder(&[("a.jsonl", &format!("{good}\n{good}{last}\n"))]);
        refusal(error(&root, "a.jsonl"), ErrorKind::Data, said);
    }
    let array = format!("[\n{}]", good.repeat(1000).replace("}}\n", "}},\n"));
    let root = folder(&[
        ("a.jsonl", array.trim_end_matches(",\n]")),
        ("b.jsonl", "[{\"a\": 1}, {\"a\": 2}]"),
    ]);
    let message = error(&root, "b.jsonl").unwrap_err().to_string();
    assert!(
        message.ends_with(
            "b.jsonl: a list stands here, and JSON lines have an object a line: write each of its items as a line of its own"
        ),
        "{message}"
    );
    assert!(error(&root, "a.jsonl").unwrap_err().to_string().len() < 400);
}

#[test]
fn lists_of_texts_are_labels() {
    let text = "{\"file_name\": \"a.png\", \"tags\": [\"x\", \"y\"]}\n{\"file_name\": \"b.png\", \"tags\": []}\n";
    let root = folder(&[("metadata.jsonl", text), ("a.png", "A"), ("b.png", "B")]);
    let rows = open(&root, "").unwrap();
    assert_eq!(rows.find_label(None).unwrap(), "tags");
    let item = DataType::List(std::sync::Arc::new(arrow::datatypes::Field::new_list_field(
        DataType::Utf8View,
        true,
    )));
    assert_eq!(*rows.schema().field_with_name("tags").unwrap().data_type(), item);
}
