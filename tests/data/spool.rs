//! One-pass streams on disk: written once, whole or not at all.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use common::{context, ids, in_batches, refused, rows, vectors};
use futures::{Stream, StreamExt, stream};
use millstream::error::ErrorKind;
use millstream::rng::Rng;
use millstream::source::{Parquet, spool};
use millstream::{Context, Dataset, Error, Result};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn place() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/rows.parquet").display().to_string();
    (folder, path)
}

/// What is in the file's folder besides itself.
fn beside(path: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(path).parent().unwrap()).into_iter().flatten();
    let entries = entries.map(|entry| entry.unwrap().path());
    entries.filter(|entry| entry != Path::new(path)).collect()
}

fn all(cx: &Context, dataset: &Parquet) -> RecordBatch {
    let positions: Vec<u64> = (0..dataset.len().finite().unwrap()).collect();
    cx.block_on(dataset.take(cx, &positions)).unwrap()
}

fn batches() -> Vec<Result<RecordBatch>> {
    in_batches(&rows(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), 3)
        .into_iter()
        .map(Ok)
        .collect()
}

fn open(cx: &Context, path: &str, stream: impl Stream<Item = Result<RecordBatch>>) -> Result<Parquet> {
    cx.block_on(spool(cx, path, || stream))
}

fn never() -> stream::Empty<Result<RecordBatch>> {
    panic!("the stream was asked for again")
}

#[test]
fn a_stream_is_read_once() {
    let (cx, (_folder, path)) = (context(), place());
    let first = open(&cx, &path, stream::iter(batches())).unwrap();
    let wanted = rows(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let again = cx.block_on(spool(&cx, &path, never)).unwrap();
    assert_eq!(first.describe().fingerprint(), again.describe().fingerprint());
    for dataset in [first, again] {
        let found = all(&cx, &dataset);
        assert_eq!((ids(&found), vectors(&found)), (ids(&wanted), vectors(&wanted)));
        let labels: Vec<_> = found["label"].as_string_view().iter().collect();
        assert_eq!(labels, wanted["label"].as_string::<i32>().iter().collect::<Vec<_>>());
    }
    assert_eq!(beside(&path), Vec::<PathBuf>::new());
}

/// `rows` rows of 64 KiB that cannot be compressed.
fn large(first: u64, rows: u64) -> RecordBatch {
    let bytes = (first..first + rows).map(|row| {
        let mut bytes = vec![0; 64 << 10];
        Rng::new(row, "bytes", 0).fill(&mut bytes);
        Some(bytes)
    });
    let id = Int64Array::from_iter_values((first..first + rows).map(|row| row as i64));
    let columns: [(&str, ArrayRef); 2] = [("id", Arc::new(id)), ("bytes", Arc::new(BinaryArray::from_iter(bytes)))];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn row_groups_are_bounded_whatever_the_batches_are() {
    let (cx, (_folder, path)) = (context(), place());
    // 50 MiB at once, then 50 MiB in pieces.
    let pieces = (0..80).map(|piece| Ok(large(800 + piece * 10, 10)));
    let stream = stream::iter([Ok(large(0, 800))]).chain(stream::iter(pieces));
    let dataset = open(&cx, &path, stream).unwrap();
    let groups = &dataset.files()[0].row_groups;
    assert!((6..=8).contains(&groups.len()), "{groups:?}");
    assert!(groups.iter().all(|group| group.uncompressed < 17 << 20), "{groups:?}");
    let found = cx.block_on(dataset.take(&cx, &[0, 799, 800, 1599])).unwrap();
    assert_eq!(ids(&found), [0, 799, 800, 1599]);
    let wanted = large(799, 2);
    let wanted: Vec<_> = wanted["bytes"].as_binary::<i32>().iter().collect();
    let found: Vec<_> = found["bytes"].as_binary_view().iter().skip(1).take(2).collect();
    assert!(found == wanted);
}

#[test]
fn what_fails_leaves_no_file() {
    let (cx, (_folder, path)) = (context(), place());
    let fails = |items: Vec<Result<RecordBatch>>, kind, said: &str| {
        let said = format!("spooling to {path}: {said}");
        refused(open(&cx, &path, stream::iter(items)), kind, &said);
        assert!(!Path::new(&path).exists());
        assert_eq!(beside(&path), Vec::<PathBuf>::new());
    };
    let with_last = |last| batches().into_iter().chain([last]).collect();
    fails(
        with_last(Err(Error::stage("the server hung up"))),
        ErrorKind::Stage,
        "batch 4: the server hung up",
    );
    let label: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let other = RecordBatch::try_from_iter([("label", label)]).unwrap();
    let said = "batch 4: another schema than batch 0: label Utf8 instead of id Int64, label Utf8, x FixedSizeList(4 x \
                non-null Float32)";
    fails(with_last(Ok(other)), ErrorKind::Schema, said);
    fails(Vec::new(), ErrorKind::Data, "no rows in 0 batches");
    let schema: SchemaRef = batches()[0].as_ref().unwrap().schema();
    fails(
        vec![Ok(RecordBatch::new_empty(schema))],
        ErrorKind::Data,
        "no rows in 1 batch",
    );
    let panics = stream::iter(batches()).map(|batch| match ids(batch.as_ref().unwrap())[0] {
        6 => panic!("in the stream"),
        _ => batch,
    });
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open(&cx, &path, panics)));
    assert!(caught.is_err() && beside(&path).is_empty() && !Path::new(&path).exists());
    open(&cx, &path, stream::iter(batches())).unwrap();
}

#[test]
fn a_damaged_file_is_not_written_over() {
    let (cx, (_folder, path)) = (context(), place());
    open(&cx, &path, stream::iter(batches())).unwrap();
    let half = fs::read(&path).unwrap();
    fs::write(&path, &half[..half.len() / 2]).unwrap();
    let error = cx.block_on(spool(&cx, &path, never)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    let folder = Path::new(&path).parent().unwrap().display().to_string();
    let said = format!("{folder}: this is a folder, and has to be a file");
    refused(cx.block_on(spool(&cx, &folder, never)), ErrorKind::Config, &said);
}

#[test]
fn the_first_whole_file_stays() {
    let (cx, (_folder, path)) = (context(), place());
    let (inner, mine) = (Cell::new(false), in_batches(&rows(&[0; 4]), 2));
    let theirs = async {
        inner.set(true);
        spool(&cx, &path, || stream::iter(batches())).await.unwrap();
        Ok(mine[1].clone())
    };
    let stream = stream::iter([Ok(mine[0].clone())]).chain(stream::once(theirs));
    let dataset = open(&cx, &path, stream).unwrap();
    assert!(inner.get());
    assert_eq!(all(&cx, &dataset).num_rows(), 10);
    assert_eq!(beside(&path), Vec::<PathBuf>::new());
}

const CHILD: &str = "MILLSTREAM_TEST_SPOOL";

/// Spools 24 MiB, says so, and hangs.
fn hang(path: &str) {
    let cx = context();
    let pieces = (0..24).map(|piece| Ok(large(piece * 16, 16)));
    let waits = stream::once(async {
        fs::write(format!("{path}.marker"), b"").unwrap();
        std::future::pending().await
    });
    let _ = open(&cx, path, stream::iter(pieces).chain(waits));
}

#[test]
fn a_killed_run_leaves_nothing_that_counts() {
    if let Ok(path) = std::env::var(CHILD) {
        return hang(&path);
    }
    let (cx, (_folder, path)) = (context(), place());
    let marker = PathBuf::from(format!("{path}.marker"));
    let run_into_a_hang = || {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "spool::a_killed_run_leaves_nothing_that_counts"]);
        let child = child.env(CHILD, &path).spawn().unwrap();
        let started = Instant::now();
        while !marker.exists() {
            assert!(started.elapsed() < Duration::from_secs(60), "the child never got there");
            std::thread::sleep(Duration::from_millis(20));
        }
        fs::remove_file(&marker).unwrap();
        child
    };
    let left = || {
        let left = beside(&path);
        assert_eq!(left.len(), 1, "{left:?}");
        let name = left[0].file_name().unwrap().to_string_lossy();
        assert!(
            name.starts_with(".millstream-rows.parquet-") && name.ends_with(".tmp"),
            "{name}"
        );
        assert!(fs::metadata(&left[0]).unwrap().len() > 15 << 20);
    };
    let mut child = run_into_a_hang();
    child.kill().unwrap();
    child.wait().unwrap();
    left();
    assert!(!Path::new(&path).exists());
    let dataset = open(&cx, &path, stream::iter(batches())).unwrap();
    assert_eq!(all(&cx, &dataset).num_rows(), 10);
    assert_eq!(beside(&path), Vec::<PathBuf>::new());
    // One that still runs keeps its file, and the whole file is there beside it.
    fs::remove_file(&path).unwrap();
    let mut child = run_into_a_hang();
    open(&cx, &path, stream::iter(batches())).unwrap();
    left();
    child.kill().unwrap();
    child.wait().unwrap();
    cx.block_on(spool(&cx, &path, never)).unwrap();
    assert_eq!(beside(&path), Vec::<PathBuf>::new());
}
