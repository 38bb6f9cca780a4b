//! Streams in order, balanced segment by segment.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use common::{context, ids, ints, refused_with, table};
use millstream::dataset::{Block, Blocks, Len, Origin, Provenance};
use millstream::error::{ErrorKind, StoredRow};
use millstream::mix::{Segments, SegmentsSpec, Target};
use millstream::plan::Plan;
use millstream::rows::Labels;
use millstream::synthetic::{Smote, SmoteSpec};
use millstream::testing::{check_elastic, check_law, check_loader};
use millstream::{Context, Cursor, Dataset, DatasetExt, Prepared, Result, Stable};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A stream without an end, that counts which rows are read: every tenth row is a dog, and of the first 50 rows none.
#[derive(Debug, Default)]
struct Stream {
    read: Mutex<BTreeMap<u64, u64>>,
    longest: AtomicU64,
}

fn stored(row: u64) -> StoredRow {
    StoredRow {
        source: "stream".into(),
        row_group: None,
        row,
    }
}

fn label(row: u64) -> &'static str {
    if row >= 50 && row % 10 == 3 { "dog" } else { "cat" }
}

impl Dataset for Stream {
    fn schema(&self) -> SchemaRef {
        rows(&[]).schema()
    }
    fn len(&self) -> Len {
        Len::Endless
    }
    fn blocks(&self) -> Blocks {
        Arc::new([Block { rows: 0..1, bytes: 0 }])
    }
    fn describe(&self) -> Plan {
        Plan::new("stream")
    }
    fn prepare(&self, _: &Context, positions: &[u64]) -> Prepared {
        let mut read = self.read.lock().unwrap();
        positions.iter().for_each(|&row| *read.entry(row).or_default() += 1);
        self.longest.fetch_max(positions.len() as u64, Ordering::Relaxed);
        let rows = rows(positions);
        Prepared::new(async move { Ok(rows) })
    }
    fn provenance(&self, _: &Context, position: u64) -> Provenance {
        Provenance {
            places: vec![stored(position)],
            ..Provenance::default()
        }
    }
}

fn rows(positions: &[u64]) -> RecordBatch {
    let columns: [(&str, ArrayRef); 2] = [
        (
            "id",
            Arc::new(Int64Array::from_iter_values(positions.iter().map(|&row| row as i64))),
        ),
        (
            "label",
            Arc::new(StringArray::from_iter_values(positions.iter().map(|&row| label(row)))),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn spec(rows: u64, emit: Option<u64>) -> SegmentsSpec {
    SegmentsSpec {
        rows,
        emit,
        classes: ["cat", "dog"].map(str::to_owned).to_vec(),
        ..SegmentsSpec::default()
    }
}

#[test]
fn every_segment_is_balanced_on_its_own() {
    let cx = context();
    let segments = Stream::default().segments(&spec(100, Some(40))).unwrap();
    let taken = cx.block_on(segments.take(&cx, &(0..200).collect::<Vec<_>>())).unwrap();
    let (labels, ids) = (ints(&taken, "label"), ids(&taken));
    for segment in 0..5 {
        let rows = segment * 40..(segment + 1) * 40;
        assert_eq!(
            labels[rows.clone()].iter().sum::<i64>(),
            20,
            "dogs of segment {segment}"
        );
        let range = (segment * 100) as i64..(segment * 100 + 100) as i64;
        assert!(
            ids[rows.clone()].iter().all(|id| range.contains(id)),
            "segment {segment}"
        );
        // Twenty cats of many, each once; the dogs of the segment twice each (of the first, four times).
        let mut times = BTreeMap::new();
        ids[rows].iter().for_each(|id| *times.entry(*id).or_insert(0) += 1);
        let of = |name: &str| {
            times
                .iter()
                .filter(|(id, _)| label(**id as u64) == name)
                .map(|(_, times)| *times)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("cat"), [1; 20]);
        assert_eq!(of("dog"), if segment == 0 { vec![4; 5] } else { vec![2; 10] });
    }
}

#[test]
fn a_class_without_rows_in_a_segment_has_no_share_there() {
    let cx = context();
    let segments = |target| {
        Stream::default()
            .segments(&SegmentsSpec {
                target,
                ..spec(50, None)
            })
            .unwrap()
    };
    let dogs = |target, segment: u64| {
        let segments: Segments<Stream> = segments(target);
        let taken = cx
            .block_on(segments.take(&cx, &(segment * 50..segment * 50 + 50).collect::<Vec<_>>()))
            .unwrap();
        ints(&taken, "label").iter().sum::<i64>()
    };
    assert_eq!((dogs(Target::Uniform, 0), dogs(Target::Uniform, 1)), (0, 25));
    let one_in_five = || Target::Weights(vec![0.8, 0.2]);
    assert_eq!((dogs(one_in_five(), 0), dogs(one_in_five(), 3)), (0, 10));
    let only_dogs = Target::Weights(vec![0.0, 1.0]);
    let error = cx.block_on(segments(only_dogs).take(&cx, &[7]));
    refused_with(
        error,
        ErrorKind::Data,
        &[
            "segment of rows 0 to 49",
            "none of its rows is of a class that has a share",
        ],
    );
}

#[test]
fn a_run_reads_each_row_once_and_a_resume_its_own_segment() {
    let cx = context();
    let stream = Arc::new(Stream::default());
    let segments = Arc::clone(&stream).segments(&spec(100, Some(60))).unwrap();
    let all: Vec<(Vec<i64>, Cursor)> = segments
        .loader(&cx)
        .batch_size(25)
        .blocking()
        .unwrap()
        .take(24)
        .map(|batch| {
            let batch = batch.unwrap();
            (ids(batch.rows()), batch.cursor())
        })
        .collect();
    let read = stream.read.lock().unwrap().clone();
    assert!(read.values().all(|&times| times == 1), "{read:?}");
    assert!((0..1000).all(|row| read.contains_key(&row)));
    for at in [0, 5, 13] {
        let again = Arc::new(Stream::default());
        let loader = Arc::clone(&again)
            .segments(&spec(100, Some(60)))
            .unwrap()
            .loader(&cx)
            .batch_size(25)
            .depth(1);
        let mut rest = loader.resume(&all[at].1).unwrap().blocking().unwrap();
        assert_eq!(ids(rest.next().unwrap().unwrap().rows()), all[at + 1].0);
        let first = (25 * (at as u64 + 1)) / 60 * 100;
        assert_eq!(
            again.read.lock().unwrap().keys().next(),
            Some(&first),
            "after batch {at}"
        );
    }
}

#[test]
fn where_a_row_comes_from_is_known_without_taking_it() {
    let cx = context();
    let segments = Stream::default().segments(&spec(100, Some(40))).unwrap();
    let positions: Vec<u64> = (80..120).collect();
    let traces: Vec<Provenance> = positions
        .iter()
        .map(|&position| segments.provenance(&cx, position))
        .collect();
    let fresh = Stream::default().segments(&spec(100, Some(40))).unwrap();
    let taken = cx.block_on(fresh.take(&cx, &positions)).unwrap();
    for (trace, (id, label)) in traces.iter().zip(ids(&taken).into_iter().zip(ints(&taken, "label"))) {
        assert_eq!(trace.places, [stored(id as u64)]);
        assert_eq!(trace.class, Some(label as u32));
    }
    let prior = fresh.loader(&cx).batch_size(20).class_prior_of_steps(2..6).unwrap();
    assert_eq!(
        (prior.names(), prior.counts()),
        (&["cat".to_owned(), "dog".to_owned()][..], &[40.0, 40.0][..])
    );
}

#[test]
fn a_segment_that_takes_too_much_memory_is_refused() {
    let cx = context();
    let small = SegmentsSpec {
        most_bytes: 10_000,
        ..spec(100_000, None)
    };
    let stream = Arc::new(Stream::default());
    let error = cx.block_on(Arc::clone(&stream).segments(&small).unwrap().take(&cx, &[0]));
    refused_with(
        error,
        ErrorKind::Budget,
        &["segment of rows 0 to 99999", "and a segment may take 10000"],
    );
    // Found out long before all of it was read.
    assert!(stream.read.lock().unwrap().len() <= 1024);
    let unnamed = SegmentsSpec {
        classes: Vec::new(),
        ..spec(10, None)
    };
    refused_with(
        Stream::default().segments(&unnamed),
        ErrorKind::Config,
        &["has no class names, and a stream cannot be scanned"],
    );
    let repeated = SegmentsSpec {
        target: Target::RepeatFactor(0.1),
        ..spec(10, None)
    };
    refused_with(
        Stream::default().segments(&repeated),
        ErrorKind::Config,
        &["a repeat factor makes segments of different lengths"],
    );
}

fn of_table(cx: &Context) -> Result<Segments<impl Dataset + use<>>> {
    let classed = cx.block_on(table(&[60, 25, 12]).classes(cx, "label"))?;
    classed.segments(&SegmentsSpec {
        rows: 30,
        emit: Some(20),
        ..SegmentsSpec::default()
    })
}

#[test]
fn a_stream_with_an_end_has_a_shorter_last_segment() {
    let cx = context();
    let segments = of_table(&cx).unwrap();
    // 97 rows: three segments of 30, and 7 of which 4 come.
    assert_eq!(segments.len().finite(), Some(64));
    let taken = cx.block_on(segments.take(&cx, &(0..128).collect::<Vec<_>>())).unwrap();
    let ids = ids(&taken);
    assert!(ids[60..64].iter().all(|&id| id >= 90) && ids[124..128].iter().all(|&id| id >= 90));
    assert_ne!(ids[..64], ids[64..]);
}

#[test]
fn the_law_resumes_and_worlds_hold() {
    let cx = context();
    cx.block_on(check_law(&cx, &of_table(&cx).unwrap(), 1)).unwrap();
    let stream = Stream::default().segments(&spec(50, Some(30))).unwrap();
    cx.block_on(check_law(&cx, &stream, 2)).unwrap();
    check_loader(5, 150, of_table).unwrap();
    check_elastic(3, "id", of_table).unwrap();
}

/// Segments of a table that give each class more than it has, filled up by SMOTE.
fn filled(cx: &Context) -> Result<Segments<impl Dataset + use<>>> {
    let rows: Arc<dyn Stable> = Arc::new(table(&[60, 25, 12]));
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label"))?);
    let smote = cx.block_on(Smote::fit(cx, Arc::clone(&rows), &labels, SmoteSpec::new("x")))?;
    let classed = cx.block_on(rows.classes(cx, "label"))?;
    let spec = SegmentsSpec {
        rows: 30,
        emit: Some(40),
        ..SegmentsSpec::default()
    };
    classed.segments(&spec)?.fill(Arc::new(smote), 0.7)
}

#[test]
fn the_law_resumes_and_worlds_hold_of_filled_segments() {
    let cx = context();
    let segments = filled(&cx).unwrap();
    let rows = segments.len().finite().unwrap();
    // Three of 40 rows, and 7 of which 9 come.
    assert_eq!(rows, 129);
    for epoch in 0..2 {
        let mut positions = epoch * rows..(epoch + 1) * rows;
        let is_made = |position| segments.provenance(&cx, position).origin == Origin::Synthetic;
        assert!(positions.any(is_made), "epoch {epoch} has no synthetic row");
    }
    cx.block_on(check_law(&cx, &segments, 1)).unwrap();
    check_loader(5, 150, filled).unwrap();
    // Vectors, since a made row has the id of a parent.
    check_elastic(3, "x", filled).unwrap();
}

#[test]
fn synthetic_rows_fill_what_a_segment_lacks() {
    let cx = context();
    let rows = Arc::new(cx.block_on(table(&[60, 25, 12]).classes(&cx, "label")).unwrap());
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let spec = SmoteSpec {
        k: 3,
        ..SmoteSpec::new("x").largest(30)
    };
    let smote = Arc::new(
        cx.block_on(Smote::fit(
            &cx,
            Arc::<millstream::rows::ClassEncoded<millstream::source::Memory>>::clone(&rows),
            &labels,
            spec,
        ))
        .unwrap(),
    );
    let segments = rows
        .segments(&SegmentsSpec {
            rows: 97,
            emit: Some(120),
            ..SegmentsSpec::default()
        })
        .unwrap();
    let segments = segments.fill(smote, 0.5).unwrap();
    let made = |positions: std::ops::Range<u64>| -> Vec<usize> {
        let traces: Vec<_> = positions.map(|position| segments.provenance(&cx, position)).collect();
        (0..3)
            .map(|class| {
                traces
                    .iter()
                    .filter(|row| row.class == Some(class) && row.generator.is_some())
                    .count()
            })
            .collect()
    };
    // Of 40 each, half of what goes beyond 60, 25 and 12.
    assert_eq!(made(0..120), [0, 7, 14]);
    // Other rows in the next segment.
    let vectors = |positions: std::ops::Range<u64>| {
        let taken = cx.block_on(segments.take(&cx, &positions.collect::<Vec<_>>())).unwrap();
        common::vectors(&taken)
    };
    assert_ne!(vectors(0..120), vectors(120..240));
}

/// Rows of 16 KiB each.
#[derive(Debug)]
struct Wide;

impl Wide {
    const BYTES: usize = 16 << 10;

    fn rows(positions: &[u64]) -> RecordBatch {
        let data = BinaryArray::from_iter_values(positions.iter().map(|&row| vec![row as u8; Self::BYTES]));
        let label = StringArray::from_iter_values(positions.iter().map(|&row| label(row)));
        let columns: [(&str, ArrayRef); 2] = [("data", Arc::new(data)), ("label", Arc::new(label))];
        RecordBatch::try_from_iter(columns).unwrap()
    }
}

impl Dataset for Wide {
    fn schema(&self) -> SchemaRef {
        Self::rows(&[]).schema()
    }
    fn len(&self) -> Len {
        Len::Endless
    }
    fn blocks(&self) -> Blocks {
        Arc::new([Block {
            rows: 0..1,
            bytes: Self::BYTES as u64,
        }])
    }
    fn describe(&self) -> Plan {
        Plan::new("wide")
    }
    fn prepare(&self, _: &Context, positions: &[u64]) -> Prepared {
        let rows = Self::rows(positions);
        Prepared::new(async move { Ok(rows) })
    }
    fn provenance(&self, _: &Context, _: u64) -> Provenance {
        Provenance::default()
    }
}

#[test]
fn a_stream_states_a_bound_inside_of_its_budget() {
    const MIB: u64 = 1 << 20;
    for memory in [64, 256, 1024] {
        let cx = Context::with(1, memory * MIB).unwrap();
        let loader = Wide.segments(&spec(64, None)).unwrap().loader(&cx).batch_size(32);
        let bound = loader.memory_bound();
        assert!(bound <= memory * MIB, "{memory} MiB: {}", loader.explain());
        assert!(loader.blocking().unwrap().take(6).all(|batch| batch.is_ok()));
    }
    // What is beside segments, which is 16 MiB and more, has no room in less.
    let cx = Context::with(1, 16 * MIB).unwrap();
    let loader = Wide.segments(&spec(64, None)).unwrap().loader(&cx).batch_size(32);
    let explained = loader.explain();
    let (_, least) = explained
        .split_once("no more than the budget where that is at least ")
        .unwrap();
    let least: u64 = least.split(' ').next().unwrap().parse().unwrap();
    let bound = |memory: u64| {
        let cx = Context::with(1, memory * MIB).unwrap();
        let segments = Wide.segments(&spec(64, None)).unwrap();
        segments.loader(&cx).batch_size(32).memory_bound()
    };
    assert!(
        bound(least) <= least * MIB && bound(least - 1) > (least - 1) * MIB,
        "{least}"
    );
}

#[test]
fn a_segment_without_room_in_the_budget_is_refused_with_the_least_that_works() {
    const MIB: u64 = 1 << 20;
    let take = |memory: u64| {
        let cx = Context::with(1, memory * MIB).unwrap();
        let segments = Wide.segments(&spec(512, None)).unwrap();
        cx.block_on(segments.take(&cx, &[0]))
    };
    // 8 MiB, of which six parts are in memory at a time.
    let error = take(64).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget);
    let text = error.to_string();
    for part in [
        "segment of rows 0 to 511",
        "its first 256 rows take ",
        "and the budget of 64 MiB has 2097152 for a segment: take fewer rows a segment",
    ] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    let (_, least) = text.split_once("or a budget of at least ").unwrap();
    let least: u64 = least.split(' ').next().unwrap().parse().unwrap();
    assert!((146..=300).contains(&least), "{text}");
    assert_eq!(take(least).unwrap().num_rows(), 1);
    assert!(take(least - 8).is_err());
}
