//! Rows of large row groups come page by page where blocks are not worth reading: the same rows, for fewer bytes.
#![allow(missing_docs, reason = "tests")]

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, SchemaRef};
use millstream::dataset::{Blocks, Len, Provenance};
use millstream::loader::Batch;
use millstream::plan::Plan;
use millstream::rng::Rng;
use millstream::source::Parquet;
use millstream::{Context, Dataset, DatasetExt, Prepared};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are read are counted for the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const GROUPS: usize = 4;
/// Rows of a group, and bytes of a value: a group has 24 MiB, a page four rows.
const ROWS: usize = 384;
const BYTES: usize = 64 << 10;

fn write(folder: &Path, indexed: bool) -> PathBuf {
    write_with(folder, indexed, None)
}

/// With a dictionary of up to `dictionary` bytes; the values that come after it are stored as they are.
fn write_with(folder: &Path, indexed: bool, dictionary: Option<usize>) -> PathBuf {
    let path = folder.join("large.parquet");
    let mut values = vec![0; GROUPS * ROWS * BYTES];
    Rng::new(1, "bytes", 0).fill(&mut values);
    let value: ArrayRef = Arc::new(BinaryArray::from_iter_values(values.chunks(BYTES)));
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..(GROUPS * ROWS) as i64));
    let rows = RecordBatch::try_from_iter([("value", value), ("id", id)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(ROWS))
        .set_data_page_row_count_limit(4)
        .set_write_batch_size(4)
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(dictionary.is_some())
        .set_dictionary_page_size_limit(dictionary.unwrap_or(1))
        .set_offset_index_disabled(!indexed)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path
}

fn open(cx: &Context, path: &Path) -> Parquet {
    cx.block_on(Parquet::open(cx, path.to_str().unwrap())).unwrap()
}

/// Number and value of each row.
fn rows(batch: &RecordBatch) -> Vec<(i64, Vec<u8>)> {
    let ids = batch.column(1).as_primitive::<Int64Type>();
    let values = batch.column(0).as_binary_view();
    assert_eq!(values.null_count(), 0);
    ids.values()
        .iter()
        .copied()
        .zip(values.iter().flatten().map(<[u8]>::to_vec))
        .collect()
}

/// Bytes that this process has read; none where the system does not tell.
fn read() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/io").ok()?;
    text.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse().ok()
}

#[test]
fn the_first_batch_reads_its_pages_alone() {
    [true, false].into_iter().for_each(first_batch);
}

/// A dataset of which nothing is to be had but what begins at position 0.
#[derive(Debug)]
struct First<D>(D);

impl<D: Dataset> Dataset for First<D> {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
    fn len(&self) -> Len {
        self.0.len()
    }
    fn blocks(&self) -> Blocks {
        self.0.blocks()
    }
    fn describe(&self) -> Plan {
        self.0.describe()
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        match positions[0] {
            0 => self.0.prepare(cx, positions),
            _ => Prepared::new(std::future::pending()),
        }
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

/// The first batch of the file at `path`, and bytes that are read for it.
fn first_of(cx: &Context, path: &Path, size: u64) -> (Batch, u64) {
    let before = read();
    let loader = First(open(cx, path).shuffle()).loader(cx).batch_size(size);
    let first = loader.blocking().unwrap().next().unwrap().unwrap();
    (first, read().zip(before).map_or(0, |(after, before)| after - before))
}

/// Where there is no index, headers of pages are read at first.
fn first_batch(indexed: bool) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), indexed);
    let cx = Context::with(2, 1 << 30).unwrap();
    let (first, spent) = first_of(&cx, &path, 16);
    assert!(spent < 8 << 20, "{spent} bytes");
    let whole = cx
        .block_on(open(&cx, &path).shuffle().take(&cx, first.positions()))
        .unwrap();
    assert!(rows(&whole) == rows(first.rows()));
}

/// A writer gives a large dictionary up: rows behind its pages do not need it.
#[test]
fn a_dictionary_is_read_where_a_page_needs_it() {
    const DICTIONARY: u64 = 6 << 20;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for indexed in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = write_with(folder.path(), indexed, Some(DICTIONARY as usize));
        let all: Vec<u64> = (0..(GROUPS * ROWS) as u64).collect();
        let roomy = Context::with(2, 1 << 30).unwrap();
        let whole = rows(&roomy.block_on(open(&roomy, &path).take(&roomy, &all)).unwrap());
        // Two groups that do not fit, so that single pages are read: behind the dictionary, in it, and both.
        let cx = Context::with(2, 64 << 20).unwrap();
        let last = ROWS as u64 - 1;
        for (some, needed) in [
            ([last, 2 * ROWS as u64 - 1], 0),
            ([0, ROWS as u64 + 1], 2),
            ([last, ROWS as u64], 1),
        ] {
            let (source, before) = (open(&cx, &path), read());
            let taken = cx.block_on(source.take(&cx, &some)).unwrap();
            assert!(rows(&taken) == some.map(|row| whole[row as usize].clone()), "{some:?}");
            if let Some((after, before)) = read().zip(before) {
                let dictionaries = (after - before) / DICTIONARY;
                assert_eq!(dictionaries, needed, "{some:?}: {} bytes", after - before);
            }
        }
    }
}

#[test]
fn a_window_beyond_the_budget_has_the_same_rows() {
    [true, false].into_iter().for_each(beyond_the_budget);
}

fn beyond_the_budget(indexed: bool) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), indexed);
    let some = |memory: u64| {
        let cx = Context::with(2, memory).unwrap();
        let batches = open(&cx, &path)
            .shuffle()
            .loader(&cx)
            .batch_size(16)
            .blocking()
            .unwrap();
        batches
            .take(12)
            .flat_map(|batch| rows(batch.unwrap().rows()))
            .collect::<Vec<_>>()
    };
    let before = read();
    let little = some(8 << 20);
    let spent = read().zip(before).map(|(after, before)| after - before);
    // Whole groups would be 24 MiB each, four of them a batch.
    assert!(spent.is_none_or(|bytes| bytes < 200 << 20), "{spent:?} bytes");
    assert!(little == some(1 << 30));
}

#[test]
fn a_damaged_page_costs_the_same_rows_however_they_are_read() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), true);
    // The header of the first page.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4..12].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let bad = |memory: u64, batch: usize| -> Vec<u64> {
        let cx = Context::with(2, memory).unwrap();
        let data = open(&cx, &path);
        let positions: Vec<u64> = (0..24).collect();
        let fails = |some: &&[u64]| cx.block_on(data.take(&cx, some)).is_err();
        positions.chunks(batch).filter(fails).flatten().copied().collect()
    };
    assert_eq!(bad(1 << 30, 1), [0, 1, 2, 3]);
    assert_eq!(bad(8 << 20, 1), [0, 1, 2, 3]);
    assert_eq!(bad(1 << 30, 4), [0, 1, 2, 3]);
}

/// Rows of a hundred numbers, as `pyarrow` writes them: a list column without an offset index, many pages to a group.
#[test]
fn lists_of_one_size_are_read_by_their_pages() {
    const ROWS: usize = 60_000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lists.parquet");
    let numbers = Float32Array::from_iter_values((0..ROWS * 100).map(|i| i as f32));
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let lists: ArrayRef = Arc::new(FixedSizeListArray::try_new(item, 100, Arc::new(numbers), None).unwrap());
    let rows = RecordBatch::try_from_iter_with_nullable([("x", lists, true)]).unwrap();
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_offset_index_disabled(true)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_data_page_row_count_limit(500)
        .set_write_batch_size(500)
        .build();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let cx = Context::with(2, 1 << 30).unwrap();
    let (first, spent) = first_of(&cx, &path, 8);
    assert!(spent < 4 << 20, "{spent} bytes");
    let batches = open(&cx, &path).shuffle().loader(&cx).batch_size(8).blocking().unwrap();
    let all = |batch: &RecordBatch| -> Vec<f32> {
        let values = batch.column(0).as_fixed_size_list().values();
        values.as_primitive::<Float32Type>().values().to_vec()
    };
    let mut seen = Vec::new();
    for batch in batches.take(ROWS / 8) {
        seen.extend(all(batch.unwrap().rows()));
    }
    assert!(seen.starts_with(&all(first.rows())));
    assert!(
        seen.chunks(100)
            .all(|row| row.windows(2).all(|pair| pair[1] == pair[0] + 1.0))
    );
    seen.sort_by(f32::total_cmp);
    assert!(seen.into_iter().eq((0..ROWS * 100).map(|i| i as f32)));
}
