//! Every row once an epoch, from Parquet files of every awkward shape through shuffle, ranks and loader.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use common::{context, ids, table};
use millstream::dataset::{Blocks, Len, Provenance};
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::source::{Memory, Parquet};
use millstream::testing::check_once;
use millstream::{Context, Dataset, DatasetExt, Prepared, Result, Stable};
use parquet::data_type::Int64Type;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Rows of each row group of each file: empty files, empty row groups, files and row groups of one row, ragged ones.
const FILES: [&[i64]; 9] = [&[13, 1, 29], &[], &[1], &[0], &[7, 0, 5], &[1], &[0, 3, 0], &[31], &[]];
const ROWS: u64 = 91;

/// Writes row groups of `groups` rows, whose ids go on from `first`. Arrow's writer leaves empty ones out, this one does
/// not.
fn write(path: &Path, groups: &[i64], first: &mut i64) {
    let schema = parse_message_type("message rows { required int64 id; required int64 label; }").unwrap();
    let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), Arc::new(schema), Arc::default()).unwrap();
    for &rows in groups {
        let ids: Vec<i64> = (*first..*first + rows).collect();
        let labels: Vec<i64> = ids.iter().map(|id| i64::from(id % 9 == 0)).collect();
        let mut group = writer.next_row_group().unwrap();
        for values in [ids, labels] {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        *first += rows;
    }
    let written = writer.close().unwrap();
    let counts: Vec<i64> = written.row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(counts, groups);
}

fn folder() -> TempDir {
    let (dir, mut first) = (tempfile::tempdir().unwrap(), 0);
    for (i, groups) in FILES.iter().enumerate() {
        write(&dir.path().join(format!("part-{i}.parquet")), groups, &mut first);
    }
    assert_eq!(first as u64, ROWS);
    dir
}

fn open(cx: &Context, dir: &TempDir) -> Result<Parquet> {
    cx.block_on(Parquet::open(cx, dir.path().display().to_string()))
}

#[test]
fn every_stored_row_is_there() {
    let (cx, dir) = (context(), folder());
    let rows = open(&cx, &dir).unwrap();
    assert_eq!(rows.len(), Len::Finite(ROWS.try_into().unwrap()));
    let all: Vec<u64> = (0..ROWS).collect();
    let found = ids(&cx.block_on(rows.take(&cx, &all)).unwrap());
    assert_eq!(found, (0..ROWS as i64).collect::<Vec<_>>());
}

#[test]
fn every_row_comes_once_an_epoch() {
    let dir = folder();
    check_once(1, "id", ROWS, |cx| open(cx, &dir)).unwrap();
    for window in [1, 2, 5, 16] {
        check_once(2, "id", ROWS, |cx| Ok(open(cx, &dir)?.shuffle_window(window))).unwrap();
    }
    let odd: Vec<u64> = (0..ROWS).filter(|row| row % 2 == 1).collect();
    check_once(3, "id", odd.len() as u64, |cx| {
        Ok(open(cx, &dir)?.select(odd.clone())?.shuffle())
    })
    .unwrap();
    check_once(4, "id", 1, |cx| Ok(open(cx, &dir)?.select(vec![42])?.shuffle())).unwrap();
    check_once(5, "id", 64, |_| Ok(table(&[40, 15, 9]).shuffle_window(3))).unwrap();
}

/// With the shares that the classes have, a balanced epoch is a shuffled one.
#[test]
fn every_row_comes_once_where_balance_changes_nothing() {
    let dir = folder();
    check_once(6, "id", ROWS, |cx| {
        cx.block_on(open(cx, &dir)?.balance(cx, "label", Target::Power(1.0)))
    })
    .unwrap();
}

#[test]
fn files_without_a_row_are_refused_together() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    write(&dir.path().join("a.parquet"), &[], &mut 0);
    write(&dir.path().join("b.parquet"), &[0], &mut 0);
    let error = open(&cx, &dir).unwrap_err().to_string();
    assert!(error.contains("no rows in 2 file(s)"), "{error}");
}

/// Leaves out a row, or gives one twice, in the second epoch.
#[derive(Debug)]
struct Wrong(Memory, bool);

impl Dataset for Wrong {
    fn schema(&self) -> arrow::datatypes::SchemaRef {
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
        let wrong = |&position: &u64| if self.1 && position == 50 { 51 } else { position };
        let positions: Vec<u64> = positions.iter().map(wrong).collect();
        self.0.prepare(cx, &positions)
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let check = |wrong, rows| check_once(7, "id", rows, |_| Ok(Wrong(table(&[20, 10]), wrong)));
    check(false, 30).unwrap();
    let error = check(true, 30).unwrap_err().to_string();
    assert!(error.contains("epoch 1 has id 21 (position 51) twice"), "{error}");
    let error = check(false, 31).unwrap_err().to_string();
    assert!(error.contains("epoch"), "{error}");
}

#[test]
fn the_source_has_a_column_of_every_row() {
    let (cx, dir) = (context(), folder());
    let column = cx.block_on(open(&cx, &dir).unwrap().column(&cx, "id")).unwrap();
    assert_eq!(column.len() as u64, ROWS);
}
