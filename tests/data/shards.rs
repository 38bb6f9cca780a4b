//! Parquet files that differ, lie in folders that say something, or hold columns inside of columns.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float32Array, Float64Array, Int16Array, Int32Array, Int64Array, LargeStringArray, NullArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray, TimestampNanosecondArray, UInt8Array, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Field, Fields, Float32Type, Float64Type, Int32Type, Int64Type, Schema, TimestampNanosecondType,
};
use burn::tensor::Device;
use common::{context, refused_with as refused};
use millstream::error::ErrorKind;
use millstream::rows::Labels;
use millstream::sink::tensor;
use millstream::source::{Parquet, Split, Splits};
use millstream::task::{DataOptions, Datasets};
use millstream::{Context, Dataset, Error, Stable};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/tables");

fn open(cx: &Context, path: &str) -> Result<Parquet, Error> {
    cx.block_on(Parquet::open(cx, path))
}

fn table(cx: &Context, name: &str) -> Parquet {
    open(cx, &format!("{TABLES}/{name}")).unwrap()
}

/// A folder with the files `files`, each with its columns; row groups of four rows.
fn folder(files: &[(&str, Vec<(&str, ArrayRef)>)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, columns) in files {
        let columns = columns
            .iter()
            .map(|(name, column)| (*name, Arc::clone(column), column.null_count() > 0));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        write(&dir.path().join(name), &batch);
    }
    dir
}

fn write(path: &Path, batch: &RecordBatch) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(4))
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN);
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn shown(dir: &TempDir, name: &str) -> String {
    dir.path().join(name).display().to_string()
}

fn all(cx: &Context, rows: &Parquet) -> RecordBatch {
    let positions: Vec<u64> = (0..rows.len().finite().unwrap()).collect();
    cx.block_on(rows.take(cx, &positions)).unwrap()
}

fn names(rows: &Parquet) -> Vec<String> {
    rows.schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}

fn type_of(rows: &Parquet, name: &str) -> DataType {
    rows.schema().field_with_name(name).unwrap().data_type().clone()
}

fn strings(column: &ArrayRef) -> Vec<Option<&str>> {
    column.as_string_view().iter().collect()
}

fn ints(numbers: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(numbers))
}

fn words(words: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(words))
}

#[test]
fn shards_with_one_column_more_are_read() {
    let cx = context();
    let rows = table(&cx, "mix_extra");
    assert_eq!(names(&rows), ["image", "label", "extra"]);
    assert_eq!(rows.len().finite(), Some(120));
    let extra = cx.block_on(rows.column(&cx, "extra")).unwrap();
    assert_eq!(
        (extra.null_count(), extra.is_null(59), extra.is_null(60)),
        (60, true, false)
    );
    let label = cx.block_on(rows.column(&cx, "label")).unwrap();
    assert_eq!(label.null_count(), 0);
    let some = rows.columns(&["label", "image"]).unwrap();
    let batch = cx.block_on(some.take(&cx, &[119, 0, 60])).unwrap();
    let expected = [119, 0, 60].map(|row| label.as_primitive::<Int64Type>().value(row));
    assert_eq!(batch["label"].as_primitive::<Int64Type>().values(), &expected);
    assert!(
        batch["image"]
            .as_binary_view()
            .iter()
            .all(|image| image.unwrap().starts_with(b"\xff\xd8") || image.unwrap().starts_with(b"\x89PNG"))
    );
}

#[test]
fn columns_are_matched_by_name_and_widened() {
    let cx = context();
    let coded: DictionaryArray<Int32Type> = ["x", "y", "x", "z", "x"].into_iter().collect();
    let dir = folder(&[
        (
            "a.parquet",
            vec![
                ("n", Arc::new(Int32Array::from_iter_values(0..5)) as ArrayRef),
                ("word", words(&["a", "b", "c", "d", "e"])),
                (
                    "f",
                    Arc::new(Float32Array::from_iter_values((0..5).map(|i| i as f32 / 4.0))),
                ),
                ("u", Arc::new(UInt8Array::from_iter_values(250..255))),
                ("void", Arc::new(NullArray::new(5))),
                ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(0..5))),
                ("mixed", ints(0..5)),
            ],
        ),
        (
            "b.parquet",
            vec![
                ("__index_level_0__", ints(100..105)),
                (
                    "mixed",
                    Arc::new(Float64Array::from_iter_values((0..5).map(|i| f64::from(i) + 0.5))),
                ),
                ("time", Arc::new(TimestampNanosecondArray::from_iter_values(0..5))),
                ("void", words(&["v", "w", "x", "y", "z"])),
                ("u", Arc::new(Int16Array::from_iter_values(-2..3))),
                (
                    "f",
                    Arc::new(Float64Array::from_iter_values((0..5).map(|i| f64::from(i) / 3.0))),
                ),
                ("word", Arc::new(coded)),
                ("n", ints((1 << 40)..(1 << 40) + 5)),
            ],
        ),
        (
            "c.parquet",
            vec![("n", Arc::new(UInt8Array::from_iter_values([7])) as ArrayRef)],
        ),
    ]);
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    assert_eq!(
        names(&rows),
        ["n", "word", "f", "u", "void", "time", "mixed", "__index_level_0__"]
    );
    let batch = all(&cx, &rows);
    let numbers: Vec<i64> = (0..5).chain((1 << 40)..(1 << 40) + 5).chain([7]).collect();
    assert_eq!(batch["n"].as_primitive::<Int64Type>().values().to_vec(), numbers);
    let expected = ["a", "b", "c", "d", "e", "x", "y", "x", "z", "x"].map(Some);
    assert_eq!(strings(&batch["word"]), [&expected[..], &[None]].concat());
    let f = batch["f"].as_primitive::<Float64Type>();
    assert_eq!((f.value(1), f.value(6), f.is_null(10)), (0.25, 1.0 / 3.0, true));
    assert_eq!(type_of(&rows, "u"), DataType::Int16);
    let v = ["v", "w", "x", "y", "z"].map(Some);
    assert_eq!(strings(&batch["void"]), [&[None; 5][..], &v, &[None]].concat());
    let time = batch["time"].as_primitive::<TimestampNanosecondType>();
    assert_eq!(time.values()[..10], [0, 1000, 2000, 3000, 4000, 0, 1, 2, 3, 4]);
    let mixed = batch["mixed"].as_primitive::<Float64Type>();
    assert_eq!(mixed.values()[..10], [0.0, 1.0, 2.0, 3.0, 4.0, 0.5, 1.5, 2.5, 3.5, 4.5]);
    assert_eq!(batch["__index_level_0__"].null_count(), 6);
    for name in ["n", "word", "f", "void", "mixed"] {
        let column = cx.block_on(rows.column(&cx, name)).unwrap();
        assert_eq!(&column, &batch[name], "{name}");
    }
    // Rows in any order, and of one column.
    let n = rows.clone().columns(&["n"]).unwrap();
    let some = cx.block_on(n.take(&cx, &[10, 9, 0, 21, 4])).unwrap();
    assert_eq!(
        some["n"].as_primitive::<Int64Type>().values(),
        &[7, (1 << 40) + 4, 0, 7, 4]
    );
    // A tensor of columns that files store in other types.
    let x = rows
        .clone()
        .tensor("x", &["f", "n", "mixed"])
        .unwrap()
        .columns(&["x"])
        .unwrap();
    let some = cx.block_on(x.take(&cx, &[1, 6])).unwrap();
    let x1 = tensor::floats::<2>(&some, "x", &Device::default()).unwrap();
    let expected = [0.25, 1.0, 1.0, (1.0 / 3.0) as f32, ((1_i64 << 40) + 1) as f32, 1.5];
    assert_eq!(x1.into_data().try_to_vec::<f32>().unwrap(), expected);
    refused(
        cx.block_on(x.take(&cx, &[1, 10])),
        ErrorKind::Data,
        &["tensor \"x\": column \"f\" is null"],
    );
}

#[test]
fn lists_and_structs_are_widened_inside() {
    let cx = context();
    let vectors = |values: &[[i32; 2]]| -> ArrayRef {
        let values = Int32Array::from_iter_values(values.iter().flatten().copied());
        let item = Arc::new(Field::new("element", DataType::Int32, false));
        Arc::new(FixedSizeListArray::try_new(item, 2, Arc::new(values), None).unwrap())
    };
    let floats = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>([Some([Some(0.5), None])], 2);
    let one = StructArray::from(vec![(Arc::new(Field::new("a", DataType::Int64, false)), ints([1]))]);
    let other = StructArray::from(vec![
        (Arc::new(Field::new("b", DataType::Utf8, false)), words(&["w"])),
        (
            Arc::new(Field::new("a", DataType::Int32, false)),
            Arc::new(Int32Array::from_iter_values([2])) as ArrayRef,
        ),
    ]);
    let dir = folder(&[
        (
            "a.parquet",
            vec![("v", vectors(&[[1, 2]])), ("s", Arc::new(one) as ArrayRef)],
        ),
        (
            "b.parquet",
            vec![("v", Arc::new(floats) as ArrayRef), ("s", Arc::new(other))],
        ),
    ]);
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    let batch = all(&cx, &rows);
    let v = batch["v"].as_fixed_size_list().values().as_primitive::<Float64Type>();
    assert_eq!(v.iter().collect::<Vec<_>>(), [Some(1.0), Some(2.0), Some(0.5), None]);
    let s = batch["s"].as_struct();
    assert_eq!(s.column(0).as_primitive::<Int64Type>().values(), &[1, 2]);
    assert_eq!(strings(s.column(1)), [None, Some("w")]);
    let inner = rows.columns(&["s.b", "s.a"]).unwrap();
    let batch = all(&cx, &inner);
    assert_eq!(strings(&batch["s.b"]), [None, Some("w")]);
    assert_eq!(batch["s.a"].as_primitive::<Int64Type>().values(), &[1, 2]);
}

#[test]
fn a_conflict_is_one_of_the_column_that_is_read() {
    let cx = context();
    let dir = folder(&[
        ("a.parquet", vec![("id", ints(0..2)), ("x", ints(0..2))]),
        (
            "b.parquet",
            vec![("id", ints(2..4)), ("x", Arc::new(NullArray::new(2)) as ArrayRef)],
        ),
        ("c.parquet", vec![("id", ints(4..6)), ("x", words(&["a", "b"]))]),
    ]);
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    let (one, other) = (shown(&dir, "a.parquet"), shown(&dir, "c.parquet"));
    let message = format!("{other}: column \"x\" is Utf8View, but Int64 in {one}");
    refused(cx.block_on(rows.take(&cx, &[0])), ErrorKind::Schema, &[&message]);
    refused(cx.block_on(rows.column(&cx, "x")), ErrorKind::Schema, &[&message]);
    refused(rows.clone().columns(&["id", "x"]), ErrorKind::Schema, &[&message]);
    refused(rows.clone().tensor("t", &["id", "x"]), ErrorKind::Schema, &[&message]);
    let ids = cx.block_on(rows.column(&cx, "id")).unwrap();
    assert_eq!(ids.as_primitive::<Int64Type>().values(), &[0, 1, 2, 3, 4, 5]);
    let ids = rows.columns(&["id"]).unwrap();
    assert_eq!(
        all(&cx, &ids)["id"].as_primitive::<Int64Type>().values(),
        &[0, 1, 2, 3, 4, 5]
    );
    // Names are told apart by case, as everywhere in Parquet.
    let dir = folder(&[
        ("a.parquet", vec![("x", ints(0..1))]),
        ("b.parquet", vec![("X", words(&["a"]))]),
    ]);
    let both = all(&cx, &open(&cx, &shown(&dir, "")).unwrap());
    assert_eq!((both["x"].null_count(), both["X"].null_count()), (1, 1));
    // u64 and i64 have no type in common, and a truth value is no number.
    let u64s: ArrayRef = Arc::new(UInt64Array::from_iter_values([1]));
    for other in [u64s, Arc::new(BooleanArray::from(vec![true]))] {
        let dir = folder(&[
            ("a.parquet", vec![("x", ints(0..1))]),
            ("b.parquet", vec![("x", other)]),
        ]);
        let rows = open(&cx, &shown(&dir, "")).unwrap();
        refused(
            cx.block_on(rows.take(&cx, &[0])),
            ErrorKind::Schema,
            &["b.parquet", "Int64 in", "a.parquet"],
        );
    }
}

#[test]
fn a_whole_number_that_is_no_f64_names_its_place() {
    let cx = context();
    let dir = folder(&[
        ("a.parquet", vec![("x", ints([1, (1 << 53) + 1]))]),
        (
            "b.parquet",
            vec![("x", Arc::new(Float64Array::from_iter_values([0.5])) as ArrayRef)],
        ),
    ]);
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    let place = format!(
        "row group 0 of {}: column \"x\": 9007199254740993 is no exact Float64",
        shown(&dir, "a.parquet")
    );
    refused(cx.block_on(rows.take(&cx, &[0])), ErrorKind::Data, &[&place]);
    assert_eq!(
        cx.block_on(rows.take(&cx, &[2])).unwrap()["x"]
            .as_primitive::<Float64Type>()
            .value(0),
        0.5
    );
}

/// Labels 0 and 1, with class names if there are any.
fn labelled(path: &Path, names: Option<&str>) {
    let features = names.map(|names| {
        format!(r#"{{"info": {{"features": {{"label": {{"_type": "ClassLabel", "names": {names}}}}}}}}}"#)
    });
    let metadata = features.map(|features| ("huggingface".to_owned(), features));
    let schema = Schema::new(vec![
        Field::new("label", DataType::Int64, false),
        Field::new("id", DataType::Int64, false),
    ]);
    let schema = schema.with_metadata(metadata.into_iter().collect());
    write(
        path,
        &RecordBatch::try_new(Arc::new(schema), vec![ints(0..2), ints(0..2)]).unwrap(),
    );
}

#[test]
fn class_names_that_differ_are_a_conflict_and_missing_ones_are_those_of_the_others() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let at = |name: &str| dir.path().join(name);
    labelled(&at("a.parquet"), None);
    labelled(&at("b.parquet"), Some(r#"["cat", "dog"]"#));
    labelled(&at("c.parquet"), None);
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    assert_eq!(rows.class_names("label").unwrap(), ["cat", "dog"]);
    assert_eq!(rows.find_label(None).unwrap(), "label");
    let labels = cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap();
    assert_eq!(
        (labels.names(), labels.counts()),
        (&["cat".to_owned(), "dog".to_owned()][..], vec![3, 3])
    );
    labelled(&at("d.parquet"), Some(r#"["dog", "cat"]"#));
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    let message = format!(
        "{}: column \"label\" has other class names than in {}",
        shown(&dir, "d.parquet"),
        shown(&dir, "b.parquet")
    );
    refused(
        cx.block_on(Labels::scan(&cx, &rows, "label")),
        ErrorKind::Schema,
        &[&message],
    );
    assert_eq!(cx.block_on(rows.column(&cx, "id")).unwrap().len(), 8);
}

#[test]
fn folders_are_a_column() {
    let cx = context();
    let rows = table(&cx, "hive_label");
    assert_eq!(names(&rows), ["image", "label"]);
    assert_eq!(
        (rows.find_label(None).unwrap(), rows.find_image(None).unwrap()),
        ("label".into(), "image".into())
    );
    let expected = [["blue"; 20], ["green"; 20], ["red"; 20]].concat();
    let labels = cx.block_on(rows.column(&cx, "label")).unwrap();
    assert_eq!(strings(&labels), expected.iter().copied().map(Some).collect::<Vec<_>>());
    let scanned = cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap();
    assert_eq!(
        (scanned.names(), scanned.counts()),
        (&["blue", "green", "red"].map(str::to_owned)[..], vec![20; 3])
    );
    let batch = cx.block_on(rows.take(&cx, &[59, 0, 20, 61])).unwrap();
    assert_eq!(strings(&batch["label"]), ["red", "blue", "green", "blue"].map(Some));
    assert_eq!(batch["image"].null_count(), 0);
    let only = rows.clone().columns(&["label"]).unwrap();
    assert_eq!(strings(&all(&cx, &only)["label"]), strings(&labels));
    assert!(only.blocks().iter().all(|block| block.bytes > 0));
    assert!(rows.describe().to_string().contains("folders say what is in label"));
    // By a pattern, and by several folders or files, as a shell makes them of one.
    let colours = ["label=blue", "label=green", "label=red"].map(|colour| format!("{TABLES}/hive_label/{colour}"));
    let pattern = open(&cx, &format!("{TABLES}/hive_label/label=*/*.parquet")).unwrap();
    let folders = cx.block_on(Parquet::open_all(&cx, &colours)).unwrap();
    let files: Vec<String> = rows.files().iter().map(|file| file.path.to_string()).collect();
    let files = cx.block_on(Parquet::open_all(&cx, &files)).unwrap();
    for other in [pattern, folders, files] {
        assert_eq!(other.describe().fingerprint(), rows.describe().fingerprint());
        assert_eq!(all(&cx, &other), all(&cx, &rows));
    }
    // What lies above the folder that was named says nothing.
    assert_eq!(names(&open(&cx, &colours[0]).unwrap()), ["image"]);
}

#[test]
fn folders_say_numbers_words_and_nulls() {
    let cx = context();
    let one = |id: i64| vec![("id", ints([id])), ("stored", words(&["file"]))];
    let dir = folder(&[
        ("year=2024/kind=1/a.parquet", one(0)),
        ("year=-7/kind=__HIVE_DEFAULT_PARTITION__/a.parquet", one(1)),
        ("year=2024/kind=x%2Fy%20z, and more than a view/a.parquet", one(2)),
        ("a.parquet", one(3)),
        ("stored=folder/_temporary/a.parquet", one(9)),
        ("stored=folder/a.parquet", one(4)),
    ]);
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    let batch = all(&cx, &rows);
    let ids = batch["id"].as_primitive::<Int64Type>().values().to_vec();
    let at = |id: i64| ids.iter().position(|&own| own == id).unwrap();
    let year = batch["year"].as_primitive::<Int32Type>();
    assert_eq!([0, 1, 2].map(|id| year.value(at(id))), [2024, -7, 2024]);
    assert!(year.is_null(at(3)) && year.is_null(at(4)));
    let kind = strings(&batch["kind"]);
    let expected = [Some("1"), None, Some("x/y z, and more than a view"), None, None];
    assert_eq!([0, 1, 2, 3, 4].map(|id| kind[at(id)]), expected);
    // Of a column that files store, too, the folder is right; a file in no such folder has none.
    let stored = strings(&batch["stored"]);
    assert_eq!([0, 4].map(|id| stored[at(id)]), [None, Some("folder")]);
    assert_eq!(ids.len(), 5);
    // Numbers of folders are part of tensors.
    let x = rows.tensor("x", &["id", "year"]).unwrap().columns(&["x"]).unwrap();
    let some = cx.block_on(x.take(&cx, &[at(1) as u64, at(2) as u64])).unwrap();
    let x = tensor::floats::<2>(&some, "x", &Device::default()).unwrap();
    assert_eq!(x.into_data().try_to_vec::<f32>().unwrap(), [1.0, -7.0, 2.0, 2024.0]);
}

#[test]
fn folders_are_typed_as_pyarrow_types_them() {
    // What `pyarrow.dataset.dataset(partitioning="hive")` of version 26 makes of the values of one key.
    let cx = context();
    for (values, expected) in [
        (&["01", "-2"][..], DataType::Int32),
        (&["-2147483648", "2147483647"], DataType::Int32),
        (&["2147483648", "1"], DataType::Utf8View),
        (&["%31", "2"], DataType::Int32),
        (&["1", "__HIVE_DEFAULT_PARTITION__"], DataType::Int32),
        (&["+1", "2"], DataType::Utf8View),
        (&["1.5"], DataType::Utf8View),
        (&["true"], DataType::Utf8View),
        (&["2020-01-01"], DataType::Utf8View),
        (&["0x10", "0Xffffffff", "1"], DataType::Int32),
        (&["0x123456789"], DataType::Utf8View),
        (&["0x"], DataType::Utf8View),
        (&["-0x10"], DataType::Utf8View),
        (&["0x+1"], DataType::Utf8View),
    ] {
        let files = values
            .iter()
            .map(|value| (format!("k={value}/a.parquet"), vec![("id", ints([0]))]));
        let files: Vec<_> = files.collect();
        let files: Vec<_> = files
            .iter()
            .map(|(path, columns)| (path.as_str(), columns.clone()))
            .collect();
        let rows = open(&cx, &shown(&folder(&files), "")).unwrap();
        assert_eq!(
            *rows.schema().field_with_name("k").unwrap().data_type(),
            expected,
            "{values:?}"
        );
    }
    let numbers = ["k=0x10/a.parquet", "k=0xffffffff/a.parquet", "k=3/a.parquet"];
    let numbers = folder(&numbers.map(|path| (path, vec![("id", ints([0]))])));
    let rows = open(&cx, &shown(&numbers, "")).unwrap();
    let values = cx.block_on(rows.column(&cx, "k")).unwrap();
    assert_eq!(values.as_primitive::<Int32Type>().values(), &[16, -1, 3]);
}

/// As in `pyarrow.dataset.dataset`, where the types agree.
#[test]
fn folders_are_right_where_files_say_something_else_and_that_is_said() {
    let cx = context();
    let dir = folder(&[
        ("k=1/a.parquet", vec![("k", ints([7]))]),
        ("k=2/k=3/a.parquet", vec![("k", ints([2]))]),
    ]);
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    let values = cx.block_on(rows.column(&cx, "k")).unwrap();
    assert_eq!(values.as_primitive::<Int32Type>().values(), &[1, 2]);
    assert_eq!(
        rows.notes(),
        ["column \"k\" is given by the names of folders and by the files themselves: the folders' values are read"]
    );
}

#[test]
fn a_readme_says_the_classes_that_files_do_not() {
    let cx = context();
    let dir = folder(&[
        ("data/train-00000-of-00001.parquet", vec![("label", ints([1, 0, 2]))]),
        ("data/test-00000-of-00001.parquet", vec![("label", ints([2]))]),
    ]);
    let readme = "---\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n        names:\n          '0': ant\n          \
                  '1': bee\n          '2': cat\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n  \
                  - split: test\n    path: data/test-*\n---\n# Insects\n";
    let train = || {
        cx.block_on(Parquet::open_split(&cx, &[shown(&dir, "")], Split::Train))
            .unwrap()
    };
    assert_eq!(train().class_names("label"), None);
    std::fs::write(dir.path().join("README.md"), readme).unwrap();
    let rows = train();
    assert_eq!(rows.class_names("label").unwrap(), ["ant", "bee", "cat"]);
    let labels = cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap();
    assert_eq!(
        (labels.names(), labels.counts()),
        (&["ant", "bee", "cat"].map(str::to_owned)[..], vec![1, 1, 1])
    );
    std::fs::write(dir.path().join("README.md"), "---\na: [\n---\n").unwrap();
    let error = cx
        .block_on(Parquet::open_split(&cx, &[shown(&dir, "")], Split::Train))
        .unwrap_err();
    assert!(
        error.to_string().contains("README.md: its head is no YAML ("),
        "{error}"
    );
}

#[test]
fn what_a_folder_says_is_in_the_fingerprint() {
    let cx = context();
    let print = |path: &str| {
        let dir = folder(&[(path, vec![("id", ints(0..3))])]);
        open(&cx, &shown(&dir, "")).unwrap().describe().fingerprint()
    };
    assert_eq!(print("label=1/a.parquet"), print("label=1/a.parquet"));
    assert_ne!(print("label=1/a.parquet"), print("label=2/a.parquet"));
    assert_eq!(print("x/a.parquet"), print("y/a.parquet"));
}

#[test]
fn a_path_may_be_spelt_in_many_ways() {
    let cx = context();
    let print = |paths: &[&str]| {
        let rows = cx.block_on(Parquet::open_all(&cx, paths)).unwrap();
        rows.describe().fingerprint()
    };
    // Tests run in the folder of the manifest.
    let plain = print(&[
        "tests/cases/tables/mix_extra/a.parquet",
        "tests/cases/tables/mix_extra/b.parquet",
    ]);
    let whole = format!("{TABLES}/mix_extra/b.parquet");
    for other in [
        [
            "./tests/cases/tables/mix_extra/a.parquet",
            "tests/cases/tables/mix_extra/b.parquet",
        ],
        ["tests/cases/../cases/tables/mix_extra/a.parquet", &whole],
        [
            "tests/cases//tables/./mix_extra/a.parquet",
            "src/../tests/cases/tables/mix_extra/b.parquet",
        ],
    ] {
        assert_eq!(print(&other), plain, "{other:?}");
    }
    assert_eq!(print(&["tests/cases/tables/mix_extra/"]), plain);
}

#[test]
fn what_writers_leave_beside_the_data_is_passed_over() {
    let cx = context();
    assert_eq!(table(&cx, "delta_folder").len().finite(), Some(60));
    let one = || vec![("id", ints(0..1))];
    let dir = folder(&[
        ("a.parquet", one()),
        ("_delta_log/b.parquet", one()),
        (".hidden/c.parquet", one()),
        ("sub/_d.parquet", one()),
        ("sub/.e.parquet", one()),
        ("sub/f_.parquet", one()),
    ]);
    let files = |path: &str| -> Vec<String> {
        let rows = open(&cx, &shown(&dir, path)).unwrap();
        let prefix = shown(&dir, "");
        rows.files()
            .iter()
            .map(|file| file.path[prefix.len()..].to_owned())
            .collect()
    };
    assert_eq!(files(""), ["a.parquet", "sub/f_.parquet"]);
    assert_eq!(files("**/*.parquet"), ["a.parquet", "sub/f_.parquet"]);
    assert_eq!(files("*/*.parquet"), ["sub/f_.parquet"]);
    // What is named is meant.
    assert_eq!(files("sub/_d.parquet"), ["sub/_d.parquet"]);
    assert_eq!(files("sub/_*.parquet"), ["sub/_d.parquet"]);
    assert_eq!(files("_delta_log"), ["_delta_log/b.parquet"]);
    assert_eq!(files("_delta_log/*"), ["_delta_log/b.parquet"]);
}

fn by_split(splits: &Splits, folder: &str) -> Vec<(String, Vec<String>)> {
    let below = |file: &String| file[folder.len()..].to_owned();
    let part = |(split, files): (&Split, &[String])| (split.to_string(), files.iter().map(below).collect());
    splits.iter().map(part).collect()
}

#[test]
fn splits_are_named_as_hugging_face_names_them() {
    let found = |names: &[&str]| {
        let files: Vec<_> = names.iter().map(|name| (*name, vec![("id", ints(0..1))])).collect();
        let dir = folder(&files);
        let root = shown(&dir, "");
        Splits::of(&root).map(|splits| {
            let unnamed = splits
                .unnamed()
                .iter()
                .map(|file| file[root.len()..].to_owned())
                .collect::<Vec<_>>();
            (by_split(&splits, &root), unnamed)
        })
    };
    let expect = |names: &[&str], parts: &[(&str, &[&str])], unnamed: &[&str]| {
        let parts: Vec<_> = parts
            .iter()
            .map(|(split, files)| {
                (
                    (*split).to_owned(),
                    files.iter().map(|file| (*file).to_owned()).collect(),
                )
            })
            .collect();
        let unnamed: Vec<String> = unnamed.iter().map(|&file| file.to_owned()).collect();
        assert_eq!(found(names).unwrap(), (parts, unnamed), "{names:?}");
    };
    // `data/NAME-00000-of-00002.parquet`, whatever the name.
    expect(
        &[
            "data/extra-00000-of-00001.parquet",
            "data/train-00000-of-00002.parquet",
            "data/train-00001-of-00002-1a2b.parquet",
            "train.parquet",
        ],
        &[
            (
                "train",
                &[
                    "data/train-00000-of-00002.parquet",
                    "data/train-00001-of-00002-1a2b.parquet",
                ],
            ),
            ("extra", &["data/extra-00000-of-00001.parquet"]),
        ],
        &["train.parquet"],
    );
    // Names of files, words alone between other characters.
    expect(
        &[
            "my_train_1.parquet",
            "restrained.parquet",
            "test.parquet",
            "val-0.parquet",
            "x-dev.parquet",
            "eval.2.parquet",
        ],
        &[
            ("train", &["my_train_1.parquet"]),
            ("validation", &["val-0.parquet", "x-dev.parquet"]),
            ("test", &["eval.2.parquet", "test.parquet"]),
        ],
        &["restrained.parquet"],
    );
    // Folders come before names of files.
    expect(
        &[
            "a/training/test.parquet",
            "validation-1/x.parquet",
            "other/train.parquet",
        ],
        &[
            ("train", &["a/training/test.parquet"]),
            ("validation", &["validation-1/x.parquet"]),
        ],
        &["other/train.parquet"],
    );
    expect(
        &["split=train/a.parquet", "split=val/b.parquet"],
        &[
            ("train", &["split=train/a.parquet"]),
            ("validation", &["split=val/b.parquet"]),
        ],
        &[],
    );
    // Classes are no splits.
    expect(
        &["label=bullet-train/a.parquet", "label=test/a.parquet"],
        &[],
        &["label=bullet-train/a.parquet", "label=test/a.parquet"],
    );
    expect(
        &["part-0.parquet", "latest.parquet"],
        &[],
        &["latest.parquet", "part-0.parquet"],
    );
    refused(
        found(&["train_val.parquet"]),
        ErrorKind::Config,
        &["train_val.parquet names the splits train and validation"],
    );
}

/// A folder with each of `names`, a row each: the number of its place.
fn numbered(names: &[&str]) -> TempDir {
    let files: Vec<_> = names
        .iter()
        .zip(0..)
        .map(|(name, id)| (*name, vec![("id", ints([id]))]))
        .collect();
    folder(&files)
}

fn ids(cx: &Context, rows: &Parquet) -> Vec<i64> {
    all(cx, rows)["id"].as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn a_folder_with_several_splits_is_read_by_one() {
    let cx = context();
    let dir = numbered(&[
        "data/test-00000-of-00001.parquet",
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "more.parquet",
    ]);
    let path = shown(&dir, "");
    let open_split = |path: &str, split: Split| cx.block_on(Parquet::open_split(&cx, &[path], split));
    refused(
        open(&cx, &path),
        ErrorKind::Config,
        &[
            &path,
            "the splits train (2 files), test (1 file), 1 file without the name of a split",
        ],
    );
    let train = open_split(&path, Split::Train).unwrap();
    assert_eq!(ids(&cx, &train), [1, 2]);
    let note = format!(
        "{path}: the train split is read (2 files); not read here: test (1 file), 1 file without the name of a split"
    );
    assert_eq!(train.notes(), [note]);
    assert_eq!(ids(&cx, &open_split(&path, Split::Test).unwrap()), [0]);
    refused(
        open_split(&path, Split::Validation),
        ErrorKind::Config,
        &["no validation split, but train (2 files), test (1 file)"],
    );
    // Patterns and files are what they are.
    assert_eq!(
        ids(&cx, &open(&cx, &shown(&dir, "**/*.parquet")).unwrap()),
        [0, 1, 2, 3]
    );
    assert_eq!(
        ids(&cx, &open_split(&shown(&dir, "data/test-*"), Split::Train).unwrap()),
        [0]
    );
    // One split alone needs no choice, except to train on it.
    let dir = numbered(&["test/a.parquet", "test/b.parquet"]);
    assert_eq!(ids(&cx, &open(&cx, &shown(&dir, "")).unwrap()), [0, 1]);
    refused(
        open_split(&shown(&dir, ""), Split::Train),
        ErrorKind::Config,
        &["no train split, but test (2 files)"],
    );
    let dir = numbered(&["a.parquet", "b.parquet"]);
    let plain = open_split(&shown(&dir, ""), Split::Train).unwrap();
    assert_eq!((ids(&cx, &plain), plain.notes()), (vec![0, 1], &[][..]));
}

/// A folder with each of `names`, as many rows as `rows` says, with an image and a label each.
fn pictures(names: &[(&str, usize)]) -> TempDir {
    let columns = |rows: usize| {
        let image: BinaryArray = (0..rows).map(|i| Some([i as u8; 20])).collect();
        let label = StringArray::from_iter_values((0..rows).map(|i| ["ant", "bee"][i % 2]));
        vec![
            ("image", Arc::new(image) as ArrayRef),
            ("label", Arc::new(label) as ArrayRef),
        ]
    };
    let files: Vec<_> = names.iter().map(|&(name, rows)| (name, columns(rows))).collect();
    folder(&files)
}

#[test]
fn the_training_split_is_trained_on_and_the_validation_split_validated_on() {
    let cx = context();
    let open = |train: &str, valid: &[String]| {
        let data = DataOptions {
            train: vec![train.to_owned()].into(),
            valid: valid.to_vec().into(),
            ..DataOptions::default()
        };
        let datasets = Datasets::open(&cx, &data, None, 0)?;
        let rows = (datasets.train.len().finite().unwrap(), datasets.valid_rows());
        // The first note is of the task.
        assert_eq!(
            datasets.notes[0],
            "task: classify, since column \"label\" holds one class a row"
        );
        Ok::<_, Error>((rows, datasets.notes[1..].to_vec()))
    };
    let dir = pictures(&[
        ("data/train-00000-of-00001.parquet", 60),
        ("data/validation-00000-of-00001.parquet", 7),
        ("data/test-00000-of-00001.parquet", 30),
    ]);
    let root = shown(&dir, "");
    let (rows, notes) = open(&root, &[]).unwrap();
    assert_eq!(rows, (60, 7));
    let read = format!("{root}: the train split is read (1 file); not read here: validation (1 file), test (1 file)");
    assert_eq!(
        notes,
        [read, format!("{root}: its validation split is used for validation")]
    );
    // What is named for validation counts.
    let test = shown(&dir, "data/test-*");
    assert_eq!(open(&root, &[test]).unwrap().0, (60, 30));
    // A pattern names files, of whatever split, which is said.
    let all = shown(&dir, "data/*.parquet");
    let (rows, notes) = open(&all, &[]).unwrap();
    assert_eq!(rows.0 + rows.1, 97);
    let several = "the files that were named are of several splits, and all are read: train (1 file), validation (1 file), test (1 file)";
    assert_eq!(notes, [several]);
    // Of a folder for validation it is the validation split.
    let plain = pictures(&[("a.parquet", 20)]);
    let (rows, notes) = open(&shown(&plain, ""), std::slice::from_ref(&root)).unwrap();
    assert_eq!(rows, (20, 7));
    assert_eq!(
        notes,
        [format!(
            "{root}: the validation split is read (1 file); not read here: train (1 file), test (1 file)"
        )]
    );
    // Never the test split: a tenth of the training rows is held out.
    let dir = pictures(&[("train.parquet", 60), ("test.parquet", 30)]);
    let root = shown(&dir, "");
    assert_eq!(open(&root, &[]).unwrap().0, (54, 6));
    refused(
        open(&root, std::slice::from_ref(&root)),
        ErrorKind::Config,
        &["no validation split, but train (1 file), test (1 file)"],
    );
    // A folder with one split that is named for validation is meant.
    let test = pictures(&[("test/a.parquet", 30)]);
    let only = shown(&test, "");
    let (rows, notes) = open(&root, std::slice::from_ref(&only)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(rows, (60, 30));
    assert_eq!(
        notes[1],
        format!("{only}: read as validation rows, although its only split is test (1 file)")
    );
    refused(
        open(&only, &[]),
        ErrorKind::Config,
        &["no train split, but test (1 file)"],
    );
}

#[test]
fn a_readme_decides_before_names() {
    let cx = context();
    let dir = numbered(&["one/train.parquet", "one/held.parquet", "two/a.parquet"]);
    let readme = |text: &str| std::fs::write(dir.path().join("README.md"), text).unwrap();
    let path = shown(&dir, "");
    let one = "- config_name: one\n  data_files:\n  - split: validation\n    path: one/held*\n  - split: train\n    path:\n    - one/train.parquet\n";
    let two = "- config_name: two\n  data_files: two/*\n";
    readme(&format!("---\nlicense: mit\nconfigs:\n{one}---\n# Title\n"));
    let splits = Splits::of(&path).unwrap();
    let expected = [("train", "one/train.parquet"), ("validation", "one/held.parquet")];
    assert_eq!(
        by_split(&splits, &path),
        expected.map(|(split, file)| (split.to_owned(), vec![file.to_owned()]))
    );
    assert_eq!(splits.unnamed(), [shown(&dir, "two/a.parquet")]);
    readme(&format!("---\nconfigs:\n{one}{two}---\n"));
    refused(
        open(&cx, &path),
        ErrorKind::Config,
        &[&path, "several sets of data (one, two)"],
    );
    readme(&format!("---\nconfigs:\n{one}{two}  default: true\n---\n"));
    let train = cx.block_on(Parquet::open_split(&cx, &[&path], Split::Train)).unwrap();
    assert_eq!(ids(&cx, &train), [2]);
    readme("---\nconfigs:\n- config_name: gone\n  data_files: gone/*.parquet\n---\n");
    refused(
        open(&cx, &path),
        ErrorKind::Config,
        &["README.md describes are not there"],
    );
    readme("# A table\n");
    assert_eq!(by_split(&Splits::of(&path).unwrap(), &path).len(), 1);
}

#[test]
fn bytes_are_found_in_structs_and_values_of_one_size() {
    let cx = context();
    let found = |name: &str| table(&cx, name).find_image(None).unwrap();
    assert_eq!(
        [
            found("st_wh.parquet"),
            found("image_fsb.parquet"),
            found("hf_list.parquet")
        ],
        ["image"; 3]
    );
    let rows = table(&cx, "st_wh.parquet");
    assert_eq!(type_of(&rows, "image"), DataType::BinaryView);
    let image = cx.block_on(rows.column(&cx, "image")).unwrap();
    assert!(
        image.as_binary_view().value(59).starts_with(b"\xff\xd8")
            || image.as_binary_view().value(59).starts_with(b"\x89PNG")
    );
    let size = rows
        .columns(&["image.width", "image.height", "image.bytes", "image"])
        .unwrap();
    let batch = all(&cx, &size);
    assert!(
        batch["image.width"]
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .all(|&width| width > 0)
    );
    assert_eq!(&batch["image.bytes"], &batch["image"]);
    assert_eq!(
        type_of(&table(&cx, "image_fsb.parquet"), "image"),
        DataType::FixedSizeBinary(4000)
    );
    // Beside bytes of any length they are such bytes, too.
    let fixed: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([[1_u8, 2], [3, 4]].into_iter()).unwrap());
    let plain: ArrayRef = Arc::new(BinaryArray::from_iter_values([[5_u8; 3]]));
    let dir = folder(&[("a.parquet", vec![("b", fixed)]), ("b.parquet", vec![("b", plain)])]);
    let batch = all(&cx, &open(&cx, &shown(&dir, "")).unwrap());
    let bytes: Vec<_> = batch["b"].as_binary_view().iter().flatten().collect();
    assert_eq!(bytes, [&[1, 2][..], &[3, 4], &[5, 5, 5]]);
}

/// `outer: struct<n, image: struct<bytes, path>>`, null in row 1, with an image that is null in row 2; and a column `outer.n`.
fn nested(dotted: bool) -> TempDir {
    let image = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let bytes: BinaryArray = (0..5_u8).map(|i| Some([i; 20])).collect();
    let images = StructArray::new(
        image.clone(),
        vec![Arc::new(bytes), words(&["p"; 5])],
        Some(NullBuffer::from_iter((0..5).map(|i| i != 2))),
    );
    let outer = Fields::from(vec![
        Field::new("n", DataType::Int64, false),
        Field::new("image", DataType::Struct(image), true),
    ]);
    let outer = StructArray::new(
        outer,
        vec![ints(0..5), Arc::new(images)],
        Some(NullBuffer::from_iter((0..5).map(|i| i != 1))),
    );
    let mut columns = vec![("outer", Arc::new(outer) as ArrayRef), ("id", ints(0..5))];
    if dotted {
        columns.push(("outer.n", ints(50..55)));
    }
    folder(&[("a.parquet", columns)])
}

#[test]
fn a_name_may_lead_into_structs() {
    let (cx, dir) = (context(), nested(false));
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    assert_eq!(rows.image_candidates(), ["outer.image"]);
    assert_eq!(rows.find_image(Some("outer.image")).unwrap(), "outer.image");
    let some = rows.clone().columns(&["outer.image", "outer.n", "id"]).unwrap();
    assert_eq!(names(&some), ["outer.image", "outer.n", "id"]);
    let batch = all(&cx, &some);
    let images = batch["outer.image"].as_binary_view();
    assert_eq!(
        (0..5).map(|i| images.is_null(i)).collect::<Vec<_>>(),
        [false, true, true, false, false]
    );
    assert_eq!((images.value(0), images.value(4)), (&[0_u8; 20][..], &[4_u8; 20][..]));
    let n = batch["outer.n"].as_primitive::<Int64Type>();
    assert_eq!(n.iter().collect::<Vec<_>>(), [Some(0), None, Some(2), Some(3), Some(4)]);
    let column = cx.block_on(rows.column(&cx, "outer.n")).unwrap();
    assert_eq!(&column, &batch["outer.n"]);
    let again = some.columns(&["outer.n"]).unwrap();
    assert_eq!(&all(&cx, &again)["outer.n"], &batch["outer.n"]);
    refused(
        rows.clone().columns(&["outer.m"]),
        ErrorKind::Schema,
        &["no column \"outer.m\"; there are outer, id"],
    );
    refused(
        rows.clone().columns(&["id", "outer.n", "outer.n"]),
        ErrorKind::Config,
        &["\"outer.n\"", "twice"],
    );
    let id = rows.columns(&["id"]).unwrap();
    refused(
        id.columns(&["outer.n"]),
        ErrorKind::Schema,
        &["no column \"outer.n\"; there are id"],
    );
    // A column whose own name has a dot comes first.
    let dir = nested(true);
    let rows = open(&cx, &shown(&dir, ""))
        .unwrap()
        .columns(&["outer.n", "outer.image"])
        .unwrap();
    let batch = all(&cx, &rows);
    assert_eq!(
        batch["outer.n"].as_primitive::<Int64Type>().values(),
        &[50, 51, 52, 53, 54]
    );
    assert_eq!(batch["outer.image"].null_count(), 2);
}

#[test]
fn none_and_several_candidates_are_told_apart() {
    let cx = context();
    let two = table(&cx, "two.parquet");
    refused(
        two.find_image(None),
        ErrorKind::Schema,
        &["which column is the image? it could be a, b; name one of them"],
    );
    assert_eq!(two.find_image(Some("b")).unwrap(), "b");
    refused(
        two.find_image(Some("c")),
        ErrorKind::Schema,
        &["no column \"c\"; there are a, b"],
    );
    refused(
        two.find_label(None),
        ErrorKind::Schema,
        &["which column is the label? no column looks like one", "a (BinaryView)"],
    );
    let audio = table(&cx, "audio.parquet");
    assert_eq!(
        (audio.image_column(), audio.label_column().as_deref()),
        (None, Some("label"))
    );
    refused(
        audio.find_image(None),
        ErrorKind::Schema,
        &["no column looks like one", "audio (declared Audio)"],
    );
    refused(
        audio.find_image(Some("label")),
        ErrorKind::Schema,
        &["column \"label\" holds Int64, not encoded images"],
    );
    let list = table(&cx, "hf_list.parquet");
    assert_eq!(list.find_label(None).unwrap(), "labels");
    assert_eq!(list.find_label(Some("labels")).unwrap(), "labels");
}

#[test]
fn columns_of_strings_in_several_types_are_one() {
    let cx = context();
    let large: ArrayRef = Arc::new(LargeStringArray::from_iter_values(["b"]));
    let dir = folder(&[
        ("a.parquet", vec![("w", words(&["a"]))]),
        ("b.parquet", vec![("w", large)]),
        ("c.parquet", vec![("w", Arc::new(NullArray::new(1)) as ArrayRef)]),
    ]);
    let rows = open(&cx, &shown(&dir, "")).unwrap();
    assert_eq!(rows.label_candidates(), ["w"]);
    assert_eq!(strings(&all(&cx, &rows)["w"]), [Some("a"), Some("b"), None]);
}

#[test]
fn encrypted_files_say_so() {
    let cx = context();
    let at = |name: &str| format!("{}/tests/cases/encrypted/{name}.parquet", env!("CARGO_MANIFEST_DIR"));
    let path = at("encrypted-footer");
    refused(open(&cx, &path), ErrorKind::Data, &[&path, "the footer is encrypted"]);
    let path = at("encrypted-column");
    let rows = open(&cx, &path).unwrap();
    let place = format!("row group 0 of {path}: column \"word\": it is encrypted");
    refused(cx.block_on(rows.take(&cx, &[0])), ErrorKind::Data, &[&place]);
    refused(cx.block_on(rows.column(&cx, "word")), ErrorKind::Data, &[&place]);
    let ids = rows.columns(&["id"]).unwrap();
    let taken = cx.block_on(ids.take(&cx, &[23, 8])).unwrap();
    assert_eq!(taken["id"].as_primitive::<Int32Type>().values(), &[23, 8]);
}

#[test]
fn a_codec_that_is_not_read_is_named() {
    let (cx, dir) = (context(), numbered(&["a.parquet"]));
    let path = shown(&dir, "a.parquet");
    // The codec of the only column chunk, LZO in place of none: the fourth field of its metadata.
    let mut bytes = std::fs::read(&path).unwrap();
    let rows = open(&cx, &path).unwrap();
    assert_eq!(rows.files()[0].codecs, [Compression::UNCOMPRESSED.to_string()]);
    let name = b"\x19\x18\x02id\x15\x00\x16";
    let codec = bytes.windows(name.len()).position(|part| part == name).unwrap() + 6;
    bytes[codec] = 6;
    std::fs::write(&path, &bytes).unwrap();
    let rows = open(&cx, &path).unwrap();
    assert_eq!(rows.files()[0].codecs, ["LZO"]);
    let place = format!("row group 0 of {path}: column \"id\": ");
    refused(cx.block_on(rows.take(&cx, &[0])), ErrorKind::Data, &[&place, "LZO"]);
}
