//! Rows that cannot be made: replaced, written down, and the same ones whatever happens in between.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::Float32Type;
use arrow::datatypes::Schema;
use common::{context, refused};
use millstream::error::ErrorKind;
use millstream::loader::{LoaderBuilder, OnError};
use millstream::plan::Plan;
use millstream::rows::{Bound, DType, Draws, Out, Output, Read, Row, Stage};
use millstream::source::Memory;
use millstream::{Batch, Context, Cursor, DatasetExt, Error, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const ROWS: usize = 200;

/// Gives the row's number, and fails or panics where the bytes say so.
#[derive(Debug)]
struct Number;

impl Stage for Number {
    fn describe(&self) -> Plan {
        Plan::new("number")
    }
    fn bind(&self, _: &Schema) -> Result<Bound> {
        let run = |row: &Row<'_>, _: Draws<'_>, out: &mut Out<'_>| {
            let text = std::str::from_utf8(row.bytes(0)?).unwrap();
            assert!(text != "panic", "a bug in the stage");
            out.fixed::<f32>(0)[0] = text
                .parse()
                .map_err(|_| Error::data(format!("{text:?} is no number")))?;
            Ok(())
        };
        Ok(Bound::new(run)
            .reads(Read::bytes("word"))
            .writes(Output::fixed("word", DType::F32, [1])))
    }
}

/// Rows of two classes, one in ten of the second; `bad` rows cannot be made.
fn rows(bad: impl Fn(usize) -> Option<&'static str>) -> Memory {
    let word = |row: usize| bad(row).map_or_else(|| row.to_string(), str::to_owned);
    let words: Vec<String> = (0..ROWS).map(word).collect();
    let word: ArrayRef = Arc::new(BinaryArray::from_iter_values(&words));
    let label: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| class(row) as i64)));
    let all = RecordBatch::try_from_iter([("word", word), ("label", label)]).unwrap();
    Memory::new(common::in_batches(&all, 10)).unwrap()
}

fn class(row: usize) -> usize {
    usize::from(row.is_multiple_of(10))
}

fn bad(row: usize) -> Option<&'static str> {
    match row {
        30 | 31 | 33 | 150 => Some("damaged"),
        77 => Some("panic"),
        _ => None,
    }
}

fn loader(cx: &Context, batch: u64) -> LoaderBuilder {
    let rows = cx.block_on(rows(bad).classes(cx, "label")).unwrap();
    let rows = rows.shuffle_window(3).stage(Number).unwrap();
    let replace = OnError::Replace { at_most: 5 };
    rows.loader(cx).batch_size(batch).seed(3).epochs(2).on_error(replace)
}

fn batches(builder: LoaderBuilder) -> Vec<Batch> {
    builder.blocking().unwrap().collect::<Result<_>>().unwrap()
}

fn numbers(batches: &[Batch]) -> Vec<usize> {
    let of = |batch: &Batch| {
        let list = batch.rows()["word"].as_fixed_size_list().clone();
        let values = list.values().as_primitive::<Float32Type>().values().to_vec();
        values.into_iter().map(|value| value as usize)
    };
    batches.iter().flat_map(of).collect()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_bad_row_is_replaced_by_one_of_its_class_and_nothing_else_changes() {
    let cx = context();
    let clean = {
        let rows = cx.block_on(rows(|_| None).classes(&cx, "label")).unwrap();
        let rows = rows.shuffle_window(3).stage(Number).unwrap();
        numbers(&batches(rows.loader(&cx).batch_size(16).seed(3).epochs(2)))
    };
    let all = batches(loader(&cx, 16));
    let (mut changed, got) = (0, numbers(&all));
    assert_eq!(got.len(), 2 * ROWS);
    for (&was, &is) in clean.iter().zip(&got) {
        assert_eq!(bad(is), None);
        match bad(was) {
            None => assert_eq!(was, is),
            Some(_) => {
                changed += 1;
                assert_eq!(class(was), class(is), "{was} was replaced by {is}");
            }
        }
    }
    assert_eq!(changed, 10);
    assert_eq!(all.iter().map(|batch| batch.replaced().len()).sum::<usize>(), 10);
    assert_eq!(all.last().unwrap().cursor().replaced(), 10);
    // Labels and provenance are those of the rows that came.
    for batch in &all {
        let labels = common::ints(batch.rows(), "label");
        let rows = numbers(std::slice::from_ref(batch));
        for ((trace, label), row) in batch.provenance().iter().zip(labels).zip(rows) {
            assert_eq!((trace.places[0].row, label), (row as u64, class(row) as i64));
        }
    }
}

#[test]
fn the_same_seed_replaces_with_the_same_rows() {
    let cx = context();
    let whole = numbers(&batches(loader(&cx, 16)));
    for (threads, memory, depth, batch) in [(1, 1, 1, 7), (4, 1 << 20, 9, 50), (2, 1 << 28, 3, 1)] {
        let cx = Context::with(threads, memory).unwrap();
        assert_eq!(numbers(&batches(loader(&cx, batch).depth(depth))), whole);
    }
    // Ranks and resumes.
    let of = |rank| batches(loader(&cx, 16).shard(rank, 2));
    let parts = of(0).into_iter().zip(of(1)).flat_map(|(a, b)| [a, b]);
    assert_eq!(numbers(&parts.collect::<Vec<_>>()), whole);
    for batch in batches(loader(&cx, 16)) {
        let cursor: Cursor = batch.cursor().to_string().parse().unwrap();
        let rest = batches(loader(&cx, 16).resume(&cursor).unwrap());
        assert_eq!(numbers(&rest), whole[cursor.position() as usize..]);
        let last = rest.last().map_or(cursor, Batch::cursor);
        assert_eq!(last.replaced(), 10);
    }
}

#[test]
fn the_quarantine_names_each_row_once_with_reason_and_command() {
    let cx = context();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quarantine.jsonl");
    let run = |cursor: Option<&Cursor>, take: usize| {
        let builder = loader(&cx, 16).quarantine(&path, "");
        let builder = cursor.map_or(builder.clone(), |cursor| builder.resume(cursor).unwrap());
        let batches: Result<Vec<_>> = builder.blocking().unwrap().take(take).collect();
        batches.unwrap()
    };
    run(None, usize::MAX);
    let expected = lines(&path);
    assert_eq!(expected.len(), 10);
    let mut rows = BTreeSet::new();
    for line in &expected {
        let position = line["position"].as_u64().unwrap();
        let reason = line["reason"].as_str().unwrap();
        let place = format!(" in memory (position {position}): number \"word\": ");
        let (row, why) = reason.split_once(&place).unwrap();
        let row: usize = row.strip_prefix("row ").unwrap().parse().unwrap();
        match bad(row) {
            Some("panic") => assert_eq!(why, "panicked: a bug in the stage"),
            _ => assert_eq!(why, "\"damaged\" is no number"),
        }
        assert_eq!(line["replay"], format!("dataset.take(&cx.with_seed(3), &[{position}])"));
        rows.insert(row);
        // What the command says is what fails.
        let rows = cx.block_on(self::rows(bad).classes(&cx, "label")).unwrap();
        let rows = rows.shuffle_window(3).stage(Number).unwrap();
        let again = cx.block_on(millstream::Dataset::take(&rows, &cx.with_seed(3), &[position]));
        assert!(again.unwrap_err().to_string().ends_with(why));
    }
    assert_eq!(rows, BTreeSet::from([30, 31, 33, 77, 150]));
    // A run that is broken off and goes on from an earlier place leaves the same lines.
    let some = run(None, 20);
    assert_ne!(lines(&path), expected);
    std::fs::write(&path, [std::fs::read(&path).unwrap(), b"{\"at\":3".to_vec()].concat()).unwrap();
    run(Some(&some[11].cursor()), usize::MAX);
    assert_eq!(lines(&path), expected);
}

#[test]
fn a_file_that_no_run_wrote_is_refused_and_stays() {
    let cx = context();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for text in [
        "notes\n",
        "notes",
        "PAR1\0\0",
        "{\"at\":3}\nnotes\n",
        "{\"at\":3}\nPAR1",
        "{\"position\":3}\n",
    ] {
        std::fs::write(&path, text).unwrap();
        for builder in [loader(&cx, 16).quarantine(&path, ""), loader(&cx, 16).journal(&path)] {
            let error = builder.blocking().map(drop).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{text:?}");
            let line = text.lines().count();
            assert!(
                error
                    .to_string()
                    .contains(&format!("line {line} is none that a run wrote")),
                "{error}"
            );
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
    for torn in ["", "{", "{\"at\"", "{\"at\":", "{\"at\":3"] {
        std::fs::write(&path, torn).unwrap();
        loader(&cx, 16).quarantine(&path, "").blocking().map(drop).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "", "{torn:?}");
    }
}

#[test]
fn a_chain_of_substitutes_ends() {
    let cx = context();
    // Nine rows in ten of the first class are bad.
    let bad = |row: usize| (class(row) == 0 && row % 10 != 1).then_some("damaged");
    let run = |at_most| {
        let rows = cx.block_on(rows(bad).classes(&cx, "label")).unwrap();
        let rows = rows.stage(Number).unwrap().loader(&cx).batch_size(10).epochs(1);
        let all: Result<Vec<Batch>> = rows
            .on_error(OnError::Replace { at_most })
            .blocking()
            .unwrap()
            .collect();
        all.map(|all| numbers(&all))
    };
    let error = run(2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let text = error.to_string();
    assert!(
        text.contains(": 2 substitutes failed too: row ") && text.ends_with("is no number"),
        "{text}"
    );
    let got = run(1000).unwrap();
    assert!(got.iter().all(|&row| bad(row).is_none()));
    // Without another row of its class.
    let word: ArrayRef = Arc::new(BinaryArray::from_iter_values(["damaged"]));
    let rows = Memory::new(vec![RecordBatch::try_from_iter([("word", word)]).unwrap()]).unwrap();
    let rows = rows
        .stage(Number)
        .unwrap()
        .loader(&cx)
        .on_error(OnError::Replace { at_most: 3 });
    let error = rows.blocking().unwrap().next().unwrap();
    refused(
        error,
        ErrorKind::Data,
        "no other row of its class was found: row 0 in memory (position 0): number \"word\": \"damaged\" is no number",
    );
}

#[test]
fn batches_are_skipped_and_the_journal_says_so() {
    let cx = context();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run/journal.jsonl");
    let build = || loader(&cx, 16).journal(&path);
    let whole = batches(loader(&cx, 16));
    let mut some = build().blocking().unwrap();
    let at = some.by_ref().take(5).last().unwrap().unwrap().cursor();
    let skipped = build().resume(&at).unwrap().skip(3);
    let rest = batches(skipped.clone());
    assert_eq!(numbers(&rest), numbers(&whole[8..]));
    let cursor: Cursor = rest[0].cursor().to_string().parse().unwrap();
    assert_eq!(cursor.skipped().to_vec(), vec![80..128]);
    let mut counted = loader(&cx, 16).resume(&cursor).unwrap().blocking().unwrap();
    assert_eq!(counted.loader().emitted().values().sum::<u64>(), 6 * 16);
    assert_eq!(
        numbers(&counted.by_ref().collect::<Result<Vec<_>>>().unwrap()),
        numbers(&whole[9..])
    );
    let events = lines(&path);
    let events: Vec<_> = events
        .iter()
        .map(|line| (line["event"].as_str().unwrap(), line["at"].as_u64()))
        .collect();
    assert_eq!(events, [("start", Some(0)), ("resume", Some(80)), ("skip", Some(80))]);
    assert_eq!(lines(&path)[2]["to"], 128);
    // The same again takes the place of what was written.
    batches(skipped);
    assert_eq!(lines(&path).len(), 3);
    // Past an epoch's short batch, and past the run's end.
    let end = loader(&cx, 16).skip(13).build().unwrap().cursor();
    assert_eq!(end.position(), 200);
    assert_eq!(batches(loader(&cx, 16).skip(1000)).len(), 0);
    // Neighbours are one range; there is room for four.
    let mut cursor = loader(&cx, 1).skip(2).build().unwrap().cursor();
    cursor = loader(&cx, 1)
        .resume(&cursor)
        .unwrap()
        .skip(2)
        .build()
        .unwrap()
        .cursor();
    assert_eq!(cursor.skipped().to_vec(), vec![0..4]);
    for _ in 0..4 {
        let mut loader = loader(&cx, 1).resume(&cursor).unwrap().skip(1).blocking().unwrap();
        cursor = loader.next().unwrap().unwrap().cursor();
    }
    assert!(cursor.to_string().len() < 1024);
    refused(
        loader(&cx, 1).resume(&cursor).unwrap().skip(1).build(),
        ErrorKind::Config,
        "skip: a run can leave out 4 ranges of batches, not more",
    );
}
