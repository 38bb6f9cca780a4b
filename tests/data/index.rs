//! A start after the first one reads what earlier scans found, and gives the same rows.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use millstream::dataset::{Blocks, Len, Provenance};
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::source::Parquet;
use millstream::{Context, Dataset, DatasetExt, Prepared, Result, Stable};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

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
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let taken = Arc::clone(&self.taken);
        self.rows.prepare(cx, positions).and_then(|rows| async move {
            taken.fetch_add(rows.num_rows() as u64, Ordering::SeqCst);
            Ok(rows)
        })
    }
    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.rows.provenance(cx, position)
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

/// 70 files of ten rows, which are many enough for their footers to be kept.
fn many(folder: &Path) {
    for file in 0..70 {
        let id: ArrayRef = Arc::new(Int64Array::from_iter_values(file * 10..(file + 1) * 10));
        write(&folder.join(format!("{file:02}.parquet")), id);
    }
}

/// Until the files' last change is so long ago that a second one would show.
fn settle() {
    std::thread::sleep(Duration::from_secs(3));
}

fn write(path: &Path, id: ArrayRef) {
    let rows = RecordBatch::try_from_iter([("id", id)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

fn ids(folder: &Path, index: Option<&Path>) -> Result<Vec<i64>> {
    let cx = common::context();
    let cx = index.map_or(cx.clone(), |index| cx.with_index(index));
    let rows = cx.block_on(Parquet::open(&cx, folder.to_str().unwrap()))?;
    let all: Vec<u64> = (0..rows.len().finite().unwrap()).collect();
    Ok(common::ids(&cx.block_on(rows.take(&cx, &all))?))
}

/// Spoils the footer of the file at `path`, whose time of modification becomes `modified`.
fn spoil(path: &Path, modified: SystemTime) {
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() = b'?';
    std::fs::write(path, bytes).unwrap();
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
}

#[test]
fn footers_are_kept_for_files_that_are_the_same() {
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    many(folder.path());
    settle();
    let with = |index: &Path| ids(folder.path(), Some(index));
    let expected: Vec<i64> = (0..700).collect();
    assert_eq!(with(index.path()).unwrap(), expected);
    assert_eq!(with(index.path()).unwrap(), expected);
    let kept = only(index.path());
    let whole = std::fs::read(&kept).unwrap();
    let file = folder.path().join("33.parquet");
    let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
    // A footer is read again where the file may be another one, whatever its time of modification says.
    for modified in [modified, modified + Duration::from_secs(1)] {
        spoil(&file, modified);
        let error = with(index.path()).unwrap_err().to_string();
        assert!(error.contains("33.parquet: not a whole Parquet file"), "{error}");
        assert!(std::fs::read(&kept).unwrap() == whole);
    }
    // Then it is kept again, beside those that are the same still.
    write(&file, Arc::new(Int64Array::from_iter_values(1000..1011)));
    settle();
    let mut changed = expected;
    changed.splice(330..340, 1000..1011);
    assert_eq!(with(index.path()).unwrap(), changed);
    let whole = std::fs::read(&kept).unwrap();
    assert_eq!(with(index.path()).unwrap(), changed);
    assert!(std::fs::read(&kept).unwrap() == whole);
}

/// The only file in `folder`.
fn only(folder: &Path) -> std::path::PathBuf {
    let kept: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    kept[0].as_ref().unwrap().path()
}

#[test]
fn damaged_footers_are_made_anew() {
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    many(folder.path());
    settle();
    let expected = ids(folder.path(), Some(index.path())).unwrap();
    let kept = only(index.path());
    let whole = std::fs::read(&kept).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 4;
    for damaged in [flipped.as_slice(), &whole[..whole.len() - 1], &whole[..9], &[]] {
        std::fs::write(&kept, damaged).unwrap();
        assert_eq!(ids(folder.path(), Some(index.path())).unwrap(), expected);
        assert!(std::fs::read(&kept).unwrap() == whole, "it is whole again");
    }
}

#[test]
fn few_footers_are_not_kept() {
    let index = tempfile::tempdir().unwrap();
    let cx = common::context().with_index(index.path());
    cx.block_on(Parquet::open(&cx, common::FASHION)).unwrap();
    assert_eq!(std::fs::read_dir(index.path()).unwrap().count(), 0);
}

/// Overwrites the labels of the file at `path` in its place: its size and times of modification stay.
fn correct(path: &Path, was: &[i64], is: &[i64]) {
    let bytes = |labels: &[i64]| labels.iter().flat_map(|label| label.to_le_bytes()).collect::<Vec<_>>();
    let modified = std::fs::metadata(path).unwrap().modified().unwrap();
    let (mut file, was, is) = (std::fs::read(path).unwrap(), bytes(was), bytes(is));
    let at = file.windows(was.len()).position(|window| window == was).unwrap();
    file[at..at + is.len()].copy_from_slice(&is);
    std::fs::write(path, file).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(modified).unwrap();
}

#[test]
fn labels_corrected_in_their_place_are_scanned_again() {
    let (folder, index) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.parquet");
    let was: Vec<i64> = (0..40).map(|row| row % 3).collect();
    let is: Vec<i64> = (0..40).map(|row| row % 2).collect();
    let rows = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(was.clone())) as ArrayRef)]).unwrap();
    let plain = parquet::file::properties::WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), rows.schema(), Some(plain)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let open = |path: &Path| {
        let cx = common::context().with_index(index.path());
        let rows = cx.block_on(Parquet::open(&cx, path.to_str().unwrap())).unwrap();
        let classed = cx.block_on(rows.clone().classes(&cx, "id")).unwrap();
        let labels: Vec<i64> = classed.labels().single().unwrap().iter().map(i64::from).collect();
        (
            rows.describe().fingerprint(),
            classed.describe().fingerprint(),
            labels,
            classed,
        )
    };
    settle();
    let (stored, first, labels, classed) = open(&path);
    assert_eq!(labels, was);
    let cursor = classed.loader(&common::context()).build().unwrap().cursor();
    assert_eq!(open(&path).2, was);
    correct(&path, &was, &is);
    let (same, other, labels, classed) = open(&path);
    assert_eq!(labels, is);
    assert_eq!(stored, same, "the footer is the same");
    assert_ne!(first, other);
    let refused = classed
        .loader(&common::context())
        .resume(&cursor)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("classes."), "{refused}");
    // A copy is the same data, wherever it lies and whenever it was written.
    correct(&path, &is, &was);
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(&path, copy.join("a.parquet")).unwrap();
    let (_, again, labels, classed) = open(&copy.join("a.parquet"));
    assert_eq!((first, labels), (again, was));
    let _resumed = classed.loader(&common::context()).resume(&cursor).unwrap();
}
