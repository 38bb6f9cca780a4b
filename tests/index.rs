//! A start after the first one reads what earlier scans found, and gives the same rows.
#![allow(missing_docs, reason = "tests")]

mod common;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use millstream::dataset::{Blocks, Len, Trace};
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::source::Parquet;
use millstream::{Context, Dataset, DatasetExt, Result, Stable};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what is asked of the source below.
#[derive(Debug)]
struct Counted {
    rows: Parquet,
    taken: Arc<AtomicU64>,
    scans: Arc<AtomicU64>,
}

impl Dataset for Counted {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }
    fn len(&self) -> Len {
        self.rows.len()
    }
    fn blocks(&self) -> Blocks {
        self.rows.blocks()
    }
    fn describe(&self) -> Plan {
        self.rows.describe()
    }
    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        self.rows.hint(cx, upcoming);
    }
    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        self.taken.fetch_add(positions.len() as u64, Ordering::SeqCst);
        self.rows.take(cx, positions)
    }
    fn trace(&self, cx: &Context, position: u64) -> Trace {
        self.rows.trace(cx, position)
    }
}

impl Stable for Counted {
    fn views(&self) -> u64 {
        1
    }
    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        self.scans.fetch_add(1, Ordering::SeqCst);
        self.rows.column(cx, name)
    }
}

/// The fourth batch of 32 rows, the rows that were taken from the source until then, and the scans of a column.
fn start(index: Option<&Path>, seed: u64) -> (RecordBatch, u64, u64) {
    let cx = common::context().with_seed(seed);
    let cx = index.map_or(cx.clone(), |index| cx.with_index(index));
    let (taken, scans) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let rows = Counted {
        rows: common::fashion(&cx),
        taken: Arc::clone(&taken),
        scans: Arc::clone(&scans),
    };
    let rows = cx.block_on(rows.balance(&cx, "label", Target::Uniform)).unwrap();
    let batch = cx.block_on(rows.take(&cx, &Vec::from_iter(96..128))).unwrap();
    (batch, taken.load(Ordering::SeqCst), scans.load(Ordering::SeqCst))
}

#[test]
fn the_second_start_scans_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("a/b");
    let (expected, plain, scans) = start(None, 7);
    assert!(
        plain > 100 && scans == 1,
        "rare rows are held: {plain} rows, {scans} scans"
    );
    assert_eq!(start(Some(&index), 7), (expected.clone(), plain, 1), "the first start");
    let (batch, taken, scans) = start(Some(&index), 7);
    assert_eq!((batch, scans), (expected, 0));
    assert!(taken < 32, "{taken} rows for a batch of 32");
    // Another run's rows are its own.
    assert_eq!(start(Some(&index), 8).0, start(None, 8).0);
}

#[test]
fn a_damaged_index_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (expected, plain, _) = start(Some(folder.path()), 7);
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 2);
    for file in files {
        let whole = std::fs::read(&file).unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        for damaged in [flipped.as_slice(), &whole[..whole.len() - 1], &whole[..9], &[]] {
            std::fs::write(&file, damaged).unwrap();
            let (batch, taken, scans) = start(Some(folder.path()), 7);
            assert_eq!(batch, expected);
            assert!(scans == 1 || taken == plain, "{scans} scans, {taken} rows");
            assert!(std::fs::read(&file).unwrap() == whole, "it is whole again");
        }
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
