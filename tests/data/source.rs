//! Sources: Parquet files in all shapes, rows in memory, Burn datasets.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, DictionaryArray, FixedSizeListArray, Float32Array, Float64Array, Int8Array,
    Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Int32Type, Int64Type, Schema};
use burn::data::dataset::{DatasetError, InMemDataset};
use burn::tensor::Device;
use common::refused_with as refused;
use millstream::error::ErrorKind;
use millstream::rng::Rng;
use millstream::sink::tensor;
use millstream::source::{BurnSource, Memory, Parquet};
use millstream::{Context, Dataset, DatasetExt, Error, Stable};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checksums.parquet");

fn context() -> Context {
    Context::with(2, 1 << 30).unwrap()
}

/// Rows `ids` with a number, a word, a vector of three and some bytes.
fn rows(ids: std::ops::Range<i32>) -> RecordBatch {
    let id = Int32Array::from_iter_values(ids.clone());
    let word = StringArray::from_iter_values(ids.clone().map(|i| format!("a word longer than a view: {i}")));
    let vector = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
        ids.clone().map(|i| Some([Some(i as f32), None, Some(-i as f32)])),
        3,
    );
    let blob: BinaryArray = ids
        .map(|i| (i % 5 != 0).then(|| vec![i as u8; 20 + i as usize % 7]))
        .collect();
    RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(id) as ArrayRef, false),
        ("word", Arc::new(word), false),
        ("vector", Arc::new(vector), true),
        ("blob", Arc::new(blob), true),
    ])
    .unwrap()
}

fn small_groups() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_max_row_group_row_count(Some(7))
}

fn write(path: impl AsRef<Path>, batch: &RecordBatch, properties: WriterPropertiesBuilder) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// 100 rows in five files: many row groups, no row, one row, row groups of one row, zstd.
fn many_files() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("c")).unwrap();
    write(at("a.parquet"), &rows(0..40), small_groups());
    write(at("b.parquet"), &rows(0..0), small_groups());
    write(at("c/a.parquet"), &rows(40..41), small_groups());
    let ones = WriterProperties::builder().set_max_row_group_row_count(Some(1));
    write(at("c/b.parquet"), &rows(41..50), ones);
    let zstd = small_groups().set_compression(Compression::ZSTD(Default::default()));
    write(at("d.parquet"), &rows(50..100), zstd);
    std::fs::write(at("notes.txt"), "not a table").unwrap();
    dir
}

fn shown(dir: &TempDir, name: &str) -> String {
    dir.path().join(name).display().to_string()
}

fn ids(batch: &RecordBatch) -> Vec<i32> {
    let column = batch.column_by_name("id").unwrap();
    column.as_primitive::<Int32Type>().values().to_vec()
}

fn open(cx: &Context, path: &str) -> Result<Parquet, Error> {
    cx.block_on(Parquet::open(cx, path))
}

/// The law on random positions of three epochs, `turns` times.
fn check_law(cx: &Context, dataset: &impl Dataset, seed: u64, turns: u64) {
    let len = dataset.len().finite().unwrap();
    let take = |positions: &[u64]| cx.block_on(dataset.take(cx, positions)).unwrap();
    for turn in 0..turns {
        let mut rng = Rng::new(seed, "law", turn);
        let (n, m) = (rng.below(12) as usize, rng.below(40) as usize);
        let both: Vec<u64> = (0..n + m).map(|_| rng.below(3 * len)).collect();
        dataset.prepare(cx, &both).prefetch();
        let whole = take(&both);
        assert_eq!(whole.num_rows(), n + m);
        let parts = [take(&both[..n]), take(&both[n..])];
        assert_eq!(whole, concat_batches(&dataset.schema(), &parts).unwrap());
        let first_epoch: Vec<_> = both.iter().map(|position| position % len).collect();
        assert_eq!(whole, take(&first_epoch));
    }
}

/// 50 rows of numbers of several types and of a word, row groups of seven; where `nulls`, `b` has none in rows 10 and 20.
fn number_columns(dir: &TempDir, nulls: bool) -> String {
    let b = (0..50).map(|i| (!nulls || i != 10 && i != 20).then_some(f64::from(i) / 4.0));
    let columns: [(&str, ArrayRef, bool); 5] = [
        ("a", Arc::new(Int8Array::from_iter_values(0..50)), false),
        (
            "word",
            Arc::new(StringArray::from_iter_values((0..50).map(|i| i.to_string()))),
            false,
        ),
        ("b", Arc::new(Float64Array::from_iter(b)), true),
        (
            "c",
            Arc::new(Float32Array::from_iter_values((0..50).map(|i| -i as f32))),
            false,
        ),
        ("id", Arc::new(Int64Array::from_iter_values(0..50)), false),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    write(dir.path().join("numbers.parquet"), &rows, small_groups());
    shown(dir, "numbers.parquet")
}

#[test]
fn columns_of_numbers_come_out_as_one_tensor() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let plain = open(&cx, &number_columns(&dir, false)).unwrap();
    let rows = plain.clone().tensor("x", &["c", "a", "b"]).unwrap();
    let names = |rows: &Parquet| {
        rows.schema()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&rows), ["x", "word", "id"]);
    let positions = [49, 0, 7, 107, 33];
    let batch = cx.block_on(rows.take(&cx, &positions)).unwrap();
    let x = tensor::floats::<2>(&batch, "x", &Device::default()).unwrap();
    let expected = positions.map(|p| (p % 50) as f32).map(|i| [-i, i, i / 4.0]);
    assert_eq!(x.into_data().try_to_vec::<f32>().unwrap(), expected.concat());
    assert_eq!(batch["id"].as_primitive::<Int64Type>().values(), &[49, 0, 7, 7, 33]);
    // It is a column as any other, under the name of one of its own, too, and part of the fingerprint.
    let x = rows.clone().columns(&["id", "x"]).unwrap();
    let again = cx.block_on(x.take(&cx, &positions)).unwrap();
    assert_eq!(
        (names(&x), &again["x"]),
        (vec!["id".to_owned(), "x".to_owned()], &batch["x"])
    );
    let column = cx.block_on(rows.column(&cx, "x")).unwrap();
    assert_eq!(&column.slice(33, 1), &batch["x"].slice(4, 1));
    let own = plain
        .clone()
        .tensor("a", &["a", "c"])
        .unwrap()
        .tensor("b", &["b", "id"])
        .unwrap();
    assert_eq!(names(&own), ["a", "word", "b"]);
    let b = tensor::floats::<2>(&cx.block_on(own.take(&cx, &[3])).unwrap(), "b", &Device::default()).unwrap();
    assert_eq!(b.into_data().try_to_vec::<f32>().unwrap(), [0.75, 3.0]);
    let print = |columns: &[&str]| plain.clone().tensor("x", columns).unwrap().describe().fingerprint();
    assert_eq!(print(&["a", "b"]), print(&["a", "b"]));
    assert_ne!(print(&["a", "b"]), print(&["b", "a"]));
    check_law(&cx, &rows, 5, 20);
}

#[test]
fn a_number_that_is_missing_is_an_error_of_its_row_alone() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let path = number_columns(&dir, true);
    let rows = open(&cx, &path).unwrap().tensor("x", &["a", "b"]).unwrap();
    assert_eq!(cx.block_on(rows.take(&cx, &[9, 11, 19, 21])).unwrap().num_rows(), 4);
    let error = cx.block_on(rows.take(&cx, &[3, 11, 70, 10])).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Data, Some(2)));
    let mut batches = rows.clone().loader(&cx).batch_size(16).blocking().unwrap();
    let error = batches.next().unwrap().unwrap_err();
    let place = format!("row 3 of row group 1 in {path} (position 10)");
    assert_eq!(
        error.to_string(),
        format!("{place}: tensor \"x\": column \"b\" is null")
    );
    refused(
        cx.block_on(rows.column(&cx, "x")),
        ErrorKind::Data,
        &["column \"b\" is null"],
    );
    assert!(cx.block_on(rows.column(&cx, "id")).is_ok());
    // Without that column there is nothing missing.
    let rows = open(&cx, &path).unwrap().tensor("x", &["a", "c"]).unwrap();
    assert_eq!(rows.loader(&cx).epochs(1).blocking().unwrap().count(), 2);
}

#[test]
fn a_tensor_of_other_columns_is_refused() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let rows = open(&cx, &number_columns(&dir, false)).unwrap();
    let tensor = |name: &str, columns: &[&str]| rows.clone().tensor(name, columns);
    refused(
        tensor("x", &["a", "word"]),
        ErrorKind::Schema,
        &["column \"word\" is Utf8View, not numbers"],
    );
    refused(
        tensor("x", &["a", "d"]),
        ErrorKind::Schema,
        &["no column \"d\"; there are a, word, b, c, id"],
    );
    refused(
        tensor("x", &["a", "b", "a"]),
        ErrorKind::Config,
        &["column \"a\" is asked for twice"],
    );
    refused(
        tensor("id", &["a", "b"]),
        ErrorKind::Config,
        &["there is another column of this name"],
    );
    refused(tensor("x", &[]), ErrorKind::Config, &["no column was asked for"]);
}

#[test]
fn reads_what_was_written() {
    let (cx, dir) = (context(), many_files());
    let dataset = open(&cx, &shown(&dir, "")).unwrap();
    assert_eq!(dataset.len().finite(), Some(100));
    let all: Vec<u64> = (0..100).collect();
    let taken = cx.block_on(dataset.take(&cx, &all)).unwrap();
    let written = rows(0..100);
    assert_eq!(ids(&taken), (0..100).collect::<Vec<_>>());
    assert_eq!(taken["vector"].as_ref(), written["vector"].as_ref());
    for i in 0..100 {
        assert_eq!(
            taken["word"].as_string_view().value(i),
            written["word"].as_string::<i32>().value(i)
        );
        let (read, was) = (taken["blob"].as_binary_view(), written["blob"].as_binary::<i32>());
        assert_eq!(read.iter().nth(i), was.iter().nth(i));
    }
}

#[test]
fn files_by_directory_pattern_and_list_are_the_same_rows() {
    let (cx, dir) = (context(), many_files());
    let whole = open(&cx, &shown(&dir, "")).unwrap();
    let names: Vec<_> = whole.files().iter().map(|file| file.path.to_string()).collect();
    let expected = ["a.parquet", "b.parquet", "c/a.parquet", "c/b.parquet", "d.parquet"];
    assert_eq!(names, expected.map(|name| shown(&dir, name)));
    let pattern = open(&cx, &shown(&dir, "**/*.parquet")).unwrap();
    let parts = [shown(&dir, "[ab].parquet"), shown(&dir, "c"), shown(&dir, "d.parquet")];
    let list = cx.block_on(Parquet::open_all(&cx, &parts)).unwrap();
    for other in [pattern, list] {
        assert_eq!(other.describe().fingerprint(), whole.describe().fingerprint());
        let some: Vec<u64> = (30..60).collect();
        let (a, b) = (cx.block_on(whole.take(&cx, &some)), cx.block_on(other.take(&cx, &some)));
        assert_eq!(a.unwrap(), b.unwrap());
    }
}

#[test]
fn a_moved_dataset_has_the_same_fingerprint_and_a_changed_one_another() {
    let (cx, one, two) = (context(), many_files(), many_files());
    let print = |dir: &TempDir| open(&cx, &shown(dir, "")).unwrap().describe().fingerprint();
    assert_eq!(print(&one), print(&two));
    write(two.path().join("b.parquet"), &rows(3..4), small_groups());
    assert_ne!(print(&one), print(&two));
}

#[test]
fn blocks_are_row_groups_and_traces_find_their_rows() {
    let (cx, dir) = (context(), many_files());
    let dataset = open(&cx, &shown(&dir, "")).unwrap();
    let blocks = dataset.blocks();
    assert_eq!(blocks.len(), 6 + 1 + 9 + 8);
    assert!(blocks.windows(2).all(|two| two[0].rows.end == two[1].rows.start));
    assert!(blocks.iter().all(|block| block.bytes > 0));
    let trace = dataset.provenance(&cx, 100 + 64);
    assert_eq!(
        trace.places[0].to_string(),
        format!("row 0 of row group 2 in {}", shown(&dir, "d.parquet"))
    );
}

#[test]
fn the_law_holds() {
    let (cx, dir) = (context(), many_files());
    check_law(&cx, &open(&cx, &shown(&dir, "")).unwrap(), 1, 60);
    check_law(
        &cx,
        &Memory::new(vec![rows(0..3), rows(0..0), rows(3..20)]).unwrap(),
        2,
        30,
    );
    check_law(&cx, &numbers(50), 3, 30);
}

#[test]
fn the_rows_depend_neither_on_threads_nor_on_memory() {
    let dir = many_files();
    let mut rng = Rng::new(5, "positions", 0);
    let batches: Vec<Vec<u64>> = (0..40).map(|_| (0..32).map(|_| rng.below(250)).collect()).collect();
    let run = |threads, memory| {
        let cx = Context::with(threads, memory).unwrap();
        let dataset = open(&cx, &shown(&dir, "")).unwrap();
        let take = |positions: &Vec<u64>| {
            dataset.prepare(&cx, positions).prefetch();
            cx.block_on(dataset.take(&cx, positions)).unwrap()
        };
        batches.iter().map(take).collect::<Vec<_>>()
    };
    let expected = run(1, 1 << 30);
    for (threads, memory) in [(4, 1 << 30), (1, 1), (4, 3000), (2, 20_000)] {
        assert_eq!(run(threads, memory), expected, "{threads} threads, {memory} bytes");
    }
}

#[test]
fn concurrent_takes_agree() {
    let (cx, dir) = (Context::with(4, 8000).unwrap(), many_files());
    let dataset = open(&cx, &shown(&dir, "")).unwrap();
    let takes = (0..50_u64).map(|i| {
        let (cx, dataset) = (cx.clone(), dataset.clone());
        cx.clone().spawn(async move {
            let positions: Vec<u64> = (0..20).map(|k| (i * 7 + k * 13) % 100).collect();
            let batch = dataset.take(&cx, &positions).await?;
            assert!(
                ids(&batch)
                    .iter()
                    .zip(&positions)
                    .all(|(&id, &position)| id as u64 == position)
            );
            Ok(())
        })
    });
    let done = cx.block_on(futures::future::try_join_all(takes.collect::<Vec<_>>()));
    done.unwrap();
}

#[test]
fn a_take_that_is_dropped_leaves_the_source_usable() {
    let (cx, dir) = (context(), many_files());
    let dataset = open(&cx, &shown(&dir, "")).unwrap();
    for position in 0..100 {
        drop(cx.spawn({
            let (cx, dataset) = (cx.clone(), dataset.clone());
            async move { dataset.take(&cx, &[position]).await }
        }));
    }
    let all: Vec<u64> = (0..100).collect();
    assert_eq!(ids(&cx.block_on(dataset.take(&cx, &all)).unwrap()).len(), 100);
}

#[test]
fn a_source_outlives_the_threads_that_it_was_opened_with() {
    let dir = many_files();
    let first = context();
    let dataset = open(&first, &shown(&dir, "")).unwrap();
    dataset.prepare(&first, &(0..100).collect::<Vec<_>>()).prefetch();
    drop(first);
    let second = context();
    let all: Vec<u64> = (0..100).rev().collect();
    assert_eq!(ids(&second.block_on(dataset.take(&second, &all)).unwrap())[0], 99);
}

#[test]
fn columns_are_projected_in_the_order_asked_for() {
    let (cx, dir) = (context(), many_files());
    let dataset = open(&cx, &shown(&dir, "")).unwrap();
    let other = dataset.clone().columns(&["word", "id"]).unwrap();
    assert_ne!(dataset.describe().fingerprint(), other.describe().fingerprint());
    let batch = cx.block_on(other.take(&cx, &[99, 0])).unwrap();
    assert_eq!(
        batch.schema().fields().iter().map(|f| f.name()).collect::<Vec<_>>(),
        ["word", "id"]
    );
    assert_eq!(ids(&batch), [99, 0]);
    let missing = dataset.clone().columns(&["id", "wrod"]);
    refused(
        missing,
        ErrorKind::Schema,
        &["\"wrod\"", "there are id, word, vector, blob", &shown(&dir, "")],
    );
    refused(dataset.clone().columns(&[]), ErrorKind::Config, &["no column"]);
    refused(
        dataset.clone().columns(&["id", "id"]),
        ErrorKind::Config,
        &["\"id\"", "twice"],
    );
    let scanned = cx.block_on(dataset.column(&cx, "wrod"));
    refused(scanned, ErrorKind::Schema, &["\"wrod\"", "there are"]);
}

#[test]
fn one_column_of_all_rows() {
    let (cx, dir) = (context(), many_files());
    let dataset = open(&cx, &shown(&dir, "")).unwrap();
    let id = cx.block_on(dataset.column(&cx, "id")).unwrap();
    assert_eq!(
        id.as_primitive::<Int32Type>().values().to_vec(),
        (0..100).collect::<Vec<_>>()
    );
    let word = cx.block_on(dataset.column(&cx, "word")).unwrap();
    assert_eq!(word.as_string_view().value(99), "a word longer than a view: 99");
    let memory = Memory::new(vec![rows(0..3), rows(3..5)]).unwrap();
    assert_eq!(cx.block_on(memory.column(&cx, "id")).unwrap().len(), 5);
    refused(
        cx.block_on(memory.column(&cx, "x")),
        ErrorKind::Schema,
        &["memory", "\"x\""],
    );
}

/// Images as Hugging Face stores them: row 2 has no image, row 3 an image without bytes.
fn hugging_face() -> RecordBatch {
    let children = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let bytes: BinaryArray = (0..6_u8).map(|i| (i != 3).then(|| vec![i; 30])).collect();
    let path = StringArray::from_iter_values((0..6).map(|i| format!("{i}.jpg")));
    let nulls = NullBuffer::from_iter((0..6).map(|i| i != 2));
    let image = StructArray::new(children.clone(), vec![Arc::new(bytes), Arc::new(path)], Some(nulls));
    let fields = vec![
        Field::new("image", DataType::Struct(children), true),
        Field::new("thumb", DataType::Binary, true),
        Field::new("label", DataType::Int64, true),
        Field::new("width", DataType::Int64, true),
    ];
    let features = r#"{"info": {"features": {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel",
        "names": ["cat", "dog"]}}}}"#;
    let schema = Schema::new(fields).with_metadata([("huggingface".to_owned(), features.to_owned())].into());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(image),
        Arc::new(BinaryArray::from_iter_values((0..6_u8).map(|i| [i]))),
        Arc::new(Int64Array::from_iter_values([0, 1, 1, 0, 1, 0])),
        Arc::new(Int64Array::from_iter_values([64; 6])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

#[test]
fn hugging_face_images_come_out_as_bytes() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    write(dir.path().join("x.parquet"), &hugging_face(), small_groups());
    let dataset = open(&cx, &shown(&dir, "x.parquet")).unwrap();
    assert_eq!(dataset.image_column().as_deref(), Some("image"));
    assert_eq!(dataset.label_column().as_deref(), Some("label"));
    assert_eq!(dataset.class_names("label").unwrap(), ["cat", "dog"]);
    assert_eq!(dataset.class_names("image"), None);
    let label = dataset.schema().field_with_name("label").unwrap().clone();
    assert_eq!(label.metadata()["millstream.classes"], r#"["cat","dog"]"#);
    let batch = cx.block_on(dataset.take(&cx, &[5, 2, 3, 1])).unwrap();
    let image = batch["image"].as_binary_view();
    assert_eq!((image.value(0), image.value(3)), (&[5_u8; 30][..], &[1_u8; 30][..]));
    assert!(image.is_null(1) && image.is_null(2));
    let scanned = cx.block_on(dataset.column(&cx, "image")).unwrap();
    assert_eq!(scanned.null_count(), 2);
}

#[test]
fn labels_and_images_are_found_by_type() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let found = |batch: &RecordBatch| {
        write(dir.path().join("x.parquet"), batch, small_groups());
        let dataset = open(&cx, &shown(&dir, "x.parquet")).unwrap();
        (
            dataset.image_column(),
            dataset.label_column(),
            dataset.label_candidates().len(),
        )
    };
    let some = |name: &str| Some(name.to_owned());
    let plain = |batch: RecordBatch| {
        let schema = Schema::clone(&batch.schema()).with_metadata(Default::default());
        RecordBatch::try_new(Arc::new(schema), batch.columns().to_vec()).unwrap()
    };
    assert_eq!(found(&plain(hugging_face())), (some("image"), some("label"), 1));
    // What tells rows apart is no class, unless there is nothing else.
    assert_eq!(found(&rows(0..9)), (some("blob"), some("word"), 1));
    assert_eq!(
        found(&rows(0..9).project(&[0, 3]).unwrap()),
        (some("blob"), some("id"), 1)
    );
    assert_eq!(found(&rows(0..9).project(&[1, 2]).unwrap()), (None, some("word"), 1));
}

#[test]
fn dictionaries_and_strings_are_the_same_labels() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let words = ["cat", "dog", "cat", "eel"];
    let coded: DictionaryArray<Int32Type> = words.into_iter().collect();
    let plain = StringArray::from_iter_values(words);
    let large = arrow::array::LargeStringArray::from_iter_values(words);
    let columns: [ArrayRef; 3] = [Arc::new(coded), Arc::new(plain), Arc::new(large)];
    for (i, column) in columns.into_iter().enumerate() {
        let batch = RecordBatch::try_from_iter_with_nullable([("label", column, i == 1)]).unwrap();
        write(dir.path().join(format!("{i}.parquet")), &batch, small_groups());
    }
    let dataset = open(&cx, &shown(&dir, "")).unwrap();
    let labels = cx.block_on(dataset.column(&cx, "label")).unwrap();
    let labels: Vec<_> = labels.as_string_view().iter().flatten().collect();
    assert_eq!(labels, words.repeat(3));
    check_law(&cx, &dataset, 4, 20);
}

#[test]
fn a_large_row_group_is_read_in_parts() {
    const ROWS: i64 = 20_000_000;
    let dir = tempfile::tempdir().unwrap();
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS));
    let batch = RecordBatch::try_from_iter([("id", column)]).unwrap();
    let one_group = || {
        WriterProperties::builder()
            .set_max_row_group_row_count(Some(ROWS as usize))
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_BINARY_PACKED)
    };
    let indexed = one_group().set_data_page_row_count_limit(100_000);
    write(dir.path().join("indexed.parquet"), &batch, indexed);
    let bare = one_group()
        .set_offset_index_disabled(true)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None);
    write(dir.path().join("bare.parquet"), &batch, bare);
    for (name, index) in [("indexed.parquet", true), ("bare.parquet", false)] {
        for memory in [1 << 30, 1 << 20] {
            let cx = Context::with(2, memory).unwrap();
            let dataset = open(&cx, &shown(&dir, name)).unwrap();
            assert_eq!((dataset.files()[0].row_groups.len(), dataset.blocks().len()), (1, 3));
            assert_eq!(dataset.files()[0].offset_index, index);
            let edge = dataset.blocks()[1].rows.start;
            let positions = [edge, edge - 1, 0, ROWS as u64 - 1, 13_333_334, 13_333_333, 77];
            let taken = cx.block_on(dataset.take(&cx, &positions)).unwrap();
            let values = taken["id"].as_primitive::<Int64Type>().values().to_vec();
            assert_eq!(values, positions.map(|position| position as i64));
            assert_eq!(dataset.provenance(&cx, edge).places[0].row, edge);
        }
    }
}

#[test]
fn paths_that_lead_nowhere() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    refused(
        open(&cx, "data/x.parquet"),
        ErrorKind::Io,
        &["data/x.parquet: no such file"],
    );
    let empty = shown(&dir, "");
    let message = format!("{empty}: no *.parquet file in this directory");
    refused(open(&cx, &empty), ErrorKind::Io, &[&message]);
    let pattern = shown(&dir, "*.parquet");
    refused(open(&cx, &pattern), ErrorKind::Io, &[&pattern, "no file matches"]);
    refused(open(&cx, "data/[.parquet"), ErrorKind::Config, &["data/[.parquet"]);
    write(dir.path().join("none.parquet"), &rows(0..0), small_groups());
    refused(
        open(&cx, &shown(&dir, "none.parquet")),
        ErrorKind::Data,
        &["none.parquet", "no rows"],
    );
    let nothing: [&str; 0] = [];
    refused(
        cx.block_on(Parquet::open_all(&cx, &nothing)),
        ErrorKind::Config,
        &["no Parquet file"],
    );
}

#[test]
fn a_file_that_vanishes_is_an_io_error_and_may_come_back() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let (here, away) = (dir.path().join("x.parquet"), dir.path().join("y"));
    write(&here, &rows(0..20), small_groups());
    let dataset = open(&cx, &shown(&dir, "x.parquet")).unwrap();
    std::fs::rename(&here, &away).unwrap();
    refused(
        cx.block_on(dataset.take(&cx, &[1])),
        ErrorKind::Io,
        &["x.parquet: no such file"],
    );
    std::fs::rename(&away, &here).unwrap();
    assert_eq!(ids(&cx.block_on(dataset.take(&cx, &[1])).unwrap()), [1]);
}

#[test]
fn files_that_disagree() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let two = |name: &'static str, column: ArrayRef| {
        write(
            dir.path().join("1.parquet"),
            &rows(0..5).project(&[0]).unwrap(),
            small_groups(),
        );
        let batch = RecordBatch::try_from_iter([(name, column)]).unwrap();
        write(dir.path().join("2.parquet"), &batch, small_groups());
        open(&cx, &shown(&dir, ""))
    };
    let (one, other) = (shown(&dir, "1.parquet"), shown(&dir, "2.parquet"));
    let rows = two("id", Arc::new(StringArray::from_iter_values(["a"]))).unwrap();
    let taken = cx.block_on(rows.take(&cx, &[0]));
    refused(taken, ErrorKind::Schema, &[&one, &other, "\"id\"", "Utf8View", "Int32"]);
    let rows = two("key", Arc::new(Int32Array::from_iter_values(0..3))).unwrap();
    let missing = rows.columns(&["ids"]);
    refused(missing, ErrorKind::Schema, &["no column \"ids\"; there are id, key"]);
}

#[test]
fn files_that_are_cut_off() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let bytes = std::fs::read(FIXTURE).unwrap();
    let path = shown(&dir, "cut.parquet");
    for length in [0, 3, 11, 12, 500, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        refused(
            open(&cx, &path),
            ErrorKind::Data,
            &[&path, "not a whole Parquet file ("],
        );
    }
    let mut long = bytes.clone();
    let at = long.len() - 6;
    long[at] = 0x7f;
    std::fs::write(&path, &long).unwrap();
    refused(
        open(&cx, &path),
        ErrorKind::Data,
        &[&path, "not a whole Parquet file (a footer of"],
    );
}

/// The fixture was written by pyarrow 26 with `write_page_checksum=True`: 24 rows in three row groups, columns `id` and
/// `word`, uncompressed; the page of `word` in row group 1 is 127 bytes from 247 on.
#[test]
fn a_page_that_does_not_match_its_checksum() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let mut bytes = std::fs::read(FIXTURE).unwrap();
    let sound = open(&cx, FIXTURE).unwrap();
    assert!(sound.files()[0].checksums);
    assert!(sound.describe().to_string().contains("all files have page checksums"));
    assert_eq!(ids(&cx.block_on(sound.take(&cx, &[23, 8])).unwrap()), [23, 8]);
    let path = shown(&dir, "bad.parquet");
    bytes[247 + 120] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let dataset = open(&cx, &path).unwrap();
    let message = format!("row group 1 of {path}: column \"word\": Parquet error: Page CRC checksum mismatch");
    for _ in 0..2 {
        refused(cx.block_on(dataset.take(&cx, &[0, 9])), ErrorKind::Data, &[&message]);
    }
    refused(cx.block_on(dataset.column(&cx, "word")), ErrorKind::Data, &[&message]);
    assert_eq!(ids(&cx.block_on(dataset.take(&cx, &[0, 17])).unwrap()), [0, 17]);
    let ids_only = dataset.columns(&["id"]).unwrap();
    assert_eq!(ids(&cx.block_on(ids_only.take(&cx, &[9])).unwrap()), [9]);
}

#[test]
fn a_file_without_checksums_says_so() {
    let (cx, dir) = (context(), many_files());
    let parts = [FIXTURE.to_owned(), FIXTURE.to_owned()];
    let checked = cx.block_on(Parquet::open_all(&cx, &parts)).unwrap();
    assert!(checked.files().iter().all(|file| file.checksums));
    let plan = open(&cx, &shown(&dir, "")).unwrap().describe().to_string();
    assert!(plan.contains("0 of 5 files have page checksums"), "{plan}");
}

/// Opens and reads everything; only the outcome "no panic, no hang" counts. Errors must name the file.
fn read_all(cx: &Context, path: &str) -> bool {
    let all = async {
        let dataset = Parquet::open(cx, path).await?;
        let len = dataset.len().finite().unwrap().min(200);
        let positions: Vec<u64> = (0..len).collect();
        dataset.take(cx, &positions).await?;
        for field in dataset.schema().fields() {
            dataset.column(cx, field.name()).await?;
        }
        Ok::<_, Error>(())
    };
    let result = cx.block_on(all);
    if let Err(error) = &result {
        assert!(error.to_string().contains(path), "{path} is not in: {error}");
        assert!(matches!(error.kind(), ErrorKind::Data | ErrorKind::Schema), "{error:?}");
    }
    result.is_ok()
}

#[test]
fn flipped_bytes_never_panic() {
    // A panic on the pool is caught and becomes an error; its report would only fill the screen.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let here = std::thread::current();
        if here.name().is_none_or(|name| !name.starts_with("millstream-")) {
            report(info);
        }
    }));
    let flips = std::env::var("FLIPS").map_or(1000, |count| count.parse().unwrap());
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let path = shown(&dir, "x.parquet");
    let snappy = small_groups().set_compression(Compression::SNAPPY);
    write(&path, &rows(0..20), snappy);
    let written = std::fs::read(&path).unwrap();
    let fixture = std::fs::read(FIXTURE).unwrap();
    let mut rng = Rng::new(flips, "flip", 0);
    for sound in [written, fixture] {
        for _ in 0..flips {
            let mut bytes = sound.clone();
            for _ in 0..1 + rng.below(2) {
                // Half of the flips go to the footer's end of the file.
                let from = if rng.chance(0.5) { bytes.len() as u64 / 2 } else { 0 };
                let at = from + rng.below(bytes.len() as u64 - from);
                bytes[at as usize] ^= 1 << rng.below(8);
            }
            std::fs::write(&path, &bytes).unwrap();
            read_all(&cx, &path);
        }
    }
}

#[test]
fn every_flipped_bit_of_a_checked_page_is_found() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let sound = std::fs::read(FIXTURE).unwrap();
    let path = shown(&dir, "x.parquet");
    // The last byte of the page of `word` in row group 1 is at 373; the body is longer than 90 bytes.
    for at in 374 - 90..374 {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bytes).unwrap();
        assert!(!read_all(&cx, &path), "byte {at}");
    }
}

#[test]
fn memory_wants_rows_of_one_schema() {
    refused(Memory::new(vec![]), ErrorKind::Config, &["at least one"]);
    refused(Memory::new(vec![rows(0..0)]), ErrorKind::Config, &["at least one row"]);
    let mixed = vec![rows(0..2), rows(2..3).project(&[0]).unwrap()];
    refused(
        Memory::new(mixed),
        ErrorKind::Schema,
        &["batch 1", "batch 0", "id Int32"],
    );
}

#[test]
fn memory_is_known_by_its_values() {
    let print = |batches| Memory::new(batches).unwrap().describe().fingerprint();
    let whole = print(vec![rows(0..30)]);
    assert_eq!(whole, print(vec![rows(0..7), rows(7..30)]));
    assert_ne!(whole, print(vec![rows(0..29), rows(30..31)]));
    assert_eq!(Memory::new(vec![rows(0..7), rows(7..30)]).unwrap().blocks().len(), 2);
}

fn number_rows(items: Vec<i32>) -> Result<RecordBatch, Error> {
    if items.contains(&1000) {
        return Err(Error::data("a thousand is too much"));
    }
    let column: ArrayRef = Arc::new(Int32Array::from(items));
    Ok(RecordBatch::try_from_iter([("id", column)])?)
}

fn number_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int32, false)]))
}

fn numbers(count: i32) -> BurnSource<i32> {
    let dataset = InMemDataset::new((0..count).collect());
    BurnSource::new(dataset, "numbers", number_schema(), number_rows).unwrap()
}

#[test]
fn a_burn_dataset_is_a_source() {
    let (cx, source) = (context(), numbers(3000));
    assert_eq!(source.blocks().len(), 3);
    let taken = cx.block_on(source.take(&cx, &[2999, 3001, 5])).unwrap();
    assert_eq!(ids(&taken), [2999, 1, 5]);
    let bad = cx.block_on(source.take(&cx, &[5, 1000]));
    assert_eq!(bad.clone().unwrap_err().index(), Some(1));
    refused(bad, ErrorKind::Data, &["numbers: item 1000: a thousand is too much"]);
    let few = numbers(900);
    assert_eq!(cx.block_on(few.column(&cx, "id")).unwrap().len(), 900);
    assert_eq!(few.provenance(&cx, 901).places[0].to_string(), "row 1 in numbers");
}

struct Faulty;

impl burn::data::dataset::Dataset<i32> for Faulty {
    fn get(&self, index: usize) -> Result<i32, DatasetError> {
        match index {
            3 => panic!("a bug in the dataset"),
            4 => Err(DatasetError::new(std::io::Error::other("the disk is gone"))),
            _ => Ok(index as i32),
        }
    }

    fn len(&self) -> usize {
        10
    }
}

#[test]
fn a_burn_datasets_failures_name_the_item() {
    let cx = context();
    let source = BurnSource::new(Faulty, "faulty", number_schema(), number_rows).unwrap();
    let panics = cx.block_on(source.take(&cx, &[1, 2, 3]));
    refused(
        panics,
        ErrorKind::Stage,
        &["faulty: item 3: panicked: a bug in the dataset"],
    );
    let fails = cx.block_on(source.take(&cx, &[4, 1]));
    refused(fails, ErrorKind::Data, &["faulty: item 4: ", "the disk is gone"]);
    let short = |_: Vec<i32>| number_rows(vec![1]);
    let source = BurnSource::new(InMemDataset::new(vec![1, 2]), "short", number_schema(), short).unwrap();
    refused(
        cx.block_on(source.take(&cx, &[0, 1])),
        ErrorKind::Config,
        &["short", "1 row of 2 items"],
    );
    let empty = InMemDataset::new(Vec::<i32>::new());
    let source = BurnSource::new(empty, "empty", number_schema(), number_rows);
    refused(source, ErrorKind::Config, &["empty", "no items"]);
}

#[test]
fn vectors_without_nulls_keep_their_values_in_slices_too() {
    let (cx, field) = (context(), Arc::new(Field::new("item", DataType::Int64, false)));
    let vectors = |from: i64, rows: i64| {
        let numbers = Int64Array::from_iter_values(from..from + rows * 2);
        let column: ArrayRef = Arc::new(FixedSizeListArray::new(Arc::clone(&field), 2, Arc::new(numbers), None));
        RecordBatch::try_from_iter([("vector", column)]).unwrap()
    };
    let memory = Memory::new(vec![vectors(0, 5).slice(2, 3), vectors(100, 4)]).unwrap();
    let taken = cx.block_on(memory.take(&cx, &[6, 0, 2, 3])).unwrap();
    let numbers = taken["vector"]
        .as_fixed_size_list()
        .values()
        .as_primitive::<Int64Type>();
    assert_eq!(numbers.values().to_vec(), [106, 107, 4, 5, 8, 9, 100, 101]);
    check_law(&cx, &memory, 6, 20);
}
