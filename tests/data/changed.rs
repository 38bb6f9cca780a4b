//! Files that change under a run, and between a run and its resume.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use millstream::error::ErrorKind;
use millstream::source::Parquet;
use millstream::{Context, DatasetExt, Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fs;
use std::path::Path;

/// `count` numbers from `first` on, in row groups of 10.
fn write(path: &Path, first: i64, count: i64) {
    let id: ArrayRef = std::sync::Arc::new(Int64Array::from_iter_values(first..first + count));
    let rows = RecordBatch::try_from_iter([("id", id)]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(10))
        .build();
    let file = fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

fn open(cx: &Context, folder: &Path) -> Parquet {
    cx.block_on(Parquet::open(cx, folder.to_str().unwrap())).unwrap()
}

/// What comes of a run over two files when `change` happens to the second one after three batches: how many rows were
/// right, and the error.
fn run(change: impl Fn(&Path)) -> (usize, Option<Error>) {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    write(&a, 0, 300);
    write(&b, 300, 300);
    // No memory: row groups are read when they are needed.
    let cx = Context::with(2, 1).unwrap();
    let mut loader = open(&cx, folder.path())
        .loader(&cx)
        .batch_size(10)
        .depth(1)
        .blocking()
        .unwrap();
    let (mut next, mut error) = (0, None);
    for batch in 0..60 {
        if batch == 3 {
            change(&b);
        }
        match loader.next().unwrap() {
            Ok(batch) => {
                let ids = common::ids(batch.rows());
                assert_eq!(ids, Vec::from_iter(next..next + 10), "a wrong row");
                next += 10;
            }
            Err(failed) => {
                error = Some(failed);
                break;
            }
        }
    }
    (next as usize, error)
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error_and_no_wrong_row() {
    assert_eq!(run(|_| ()).0, 600);
    let later = || std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    type Change = Box<dyn Fn(&Path)>;
    let changes: [(&str, &str, Change); 6] = [
        #[cfg(unix)]
        (
            "overwritten, and its time set back",
            "changed while it was in use",
            Box::new(move |b| {
                let modified = fs::metadata(b).unwrap().modified().unwrap();
                write(b, 900, 300);
                let file = fs::File::options().write(true).open(b).unwrap();
                file.set_modified(modified).unwrap();
            }),
        ),
        (
            "overwritten with as many rows",
            "changed while it was in use",
            Box::new(move |b| {
                write(b, 900, 300);
                fs::File::options()
                    .write(true)
                    .open(b)
                    .unwrap()
                    .set_modified(later())
                    .unwrap();
            }),
        ),
        (
            "overwritten with more",
            "changed while it was in use: it had",
            Box::new(|b| write(b, 900, 400)),
        ),
        (
            "cut",
            "changed while it was in use: it had",
            Box::new(|b| {
                let half = fs::metadata(b).unwrap().len() / 2;
                fs::File::options().write(true).open(b).unwrap().set_len(half).unwrap();
            }),
        ),
        (
            "replaced",
            "changed while it was in use",
            Box::new(|b| {
                let other = b.with_file_name("other.tmp");
                write(&other, 900, 300);
                fs::rename(other, b).unwrap();
            }),
        ),
        ("removed", "no such file", Box::new(|b| fs::remove_file(b).unwrap())),
    ];
    // A new link or other rights are no change of contents.
    #[cfg(unix)]
    assert_eq!(run(|b| fs::hard_link(b, b.with_file_name("link.tmp")).unwrap()).0, 600);
    for (what, said, change) in changes {
        let (rows, error) = run(change);
        assert_eq!(rows, 300, "{what}: the first file is whole");
        let error = error.expect(what);
        assert_eq!(error.kind(), ErrorKind::Io, "{what}: {error}");
        let text = error.to_string();
        assert!(text.contains("b.parquet") && text.contains(said), "{what}: {text}");
    }
}

#[test]
fn a_cursor_of_other_files_is_refused_with_what_differs() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.parquet"), folder.path().join("b.parquet"));
    write(&a, 0, 300);
    write(&b, 300, 300);
    let loader = |threads, memory| {
        let cx = Context::with(threads, memory).unwrap();
        open(&cx, folder.path()).shuffle().loader(&cx).seed(1)
    };
    let mut first = loader(2, 1 << 20).batch_size(50).blocking()?;
    first.next().unwrap()?;
    let cursor = first.loader().cursor();
    let expected = common::ids(first.next().unwrap()?.rows());
    // What decides no row may be another.
    let mut again = loader(1, 1).batch_size(10).depth(7).resume(&cursor)?.blocking()?;
    assert_eq!(common::ids(again.next().unwrap()?.rows()), expected[..10]);
    let differs = |said: &[&str]| {
        let text = loader(2, 1 << 20).resume(&cursor).unwrap_err().to_string();
        assert!(said.iter().all(|said| text.contains(said)), "{text}");
    };
    write(&b, 300, 310);
    differs(&["parquet.rows was 600, is 610"]);
    // As many rows and bytes, other values: the footer's checksum differs by its statistics.
    write(&b, 900, 300);
    differs(&["parquet.files was", "is"]);
    fs::remove_file(&b).unwrap();
    differs(&["parquet.rows was 600, is 300"]);
    write(&b, 300, 300);
    let _same = loader(2, 1 << 20).resume(&cursor)?;
    Ok(())
}
