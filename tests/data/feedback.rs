//! Shares that follow from what the trainer reports.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use common::{context, ids, refused_with, table};
use millstream::error::ErrorKind;
use millstream::loader::LoaderBuilder;
use millstream::mix::{Balance, BalanceSpec, Feedback, FeedbackSignal, FeedbackSpec, Target};
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::spec::read_toml;
use millstream::synthetic::{Smote, SmoteSpec};
use millstream::{Context, Cursor, Dataset, DatasetExt};
use std::path::Path;
use std::sync::Arc;

const COUNTS: [usize; 3] = [60, 24, 16];
const EPOCHS: u64 = 6;

fn balanced(cx: &Context, feedback: &Feedback) -> Balance<Memory> {
    let balance = cx
        .block_on(table(&COUNTS).balance(cx, "label", Target::Uniform))
        .unwrap();
    balance.block(20).feedback(feedback, &FeedbackSpec::default()).unwrap()
}

fn loader(cx: &Context, path: &Path) -> (LoaderBuilder, Feedback) {
    let feedback = Feedback::open(path).unwrap();
    let loader = balanced(cx, &feedback).loader(cx).batch_size(20).epochs(EPOCHS);
    (loader.feedback(&feedback), feedback)
}

/// What is reported of an epoch: class `epoch % 3` is missed most.
fn recalls(epoch: u64) -> [f64; 3] {
    let mut recalls = [0.9, 0.8, 0.95];
    recalls[epoch as usize % 3] = 0.1;
    recalls
}

/// The batches of a run from where `loader` stands on, each with the cursor after it; epochs are reported at their end.
fn run(loader: LoaderBuilder, feedback: &Feedback) -> Vec<(Vec<i64>, Cursor)> {
    let mut all = Vec::new();
    for batch in loader.blocking().unwrap() {
        let batch = batch.unwrap();
        let rows = batch.cursor().position();
        if rows % 100 == 0 {
            feedback.report(rows / 100 - 1, &recalls(rows / 100 - 1)).unwrap();
        }
        all.push((ids(batch.rows()), batch.cursor()));
    }
    all
}

#[test]
fn the_shares_of_an_epoch_follow_the_report_two_before() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context();
    let (loader, feedback) = loader(&cx, &folder.path().join("feedback.jsonl"));
    run(loader.clone(), &feedback);
    let counts = |epoch| loader.class_prior(epoch).unwrap().counts().to_vec();
    assert_eq!((counts(0), counts(1)), (vec![34.0, 33.0, 33.0], vec![34.0, 33.0, 33.0]));
    // 0.95, 0.25 and 0.1 of 1.3, of 100 rows.
    assert_eq!(counts(2), [73.0, 19.0, 8.0]);
    // 0.15, 0.95 and 0.1 of 1.2.
    assert_eq!(counts(3), [13.0, 79.0, 8.0]);
    let by_hand = FeedbackSpec::default().shares(&[1.0 / 3.0; 3], &recalls(0));
    assert_eq!(
        by_hand.iter().map(|share| (share * 100.0).round()).collect::<Vec<_>>(),
        counts(2)
    );
    let text = std::fs::read_to_string(folder.path().join("feedback.jsonl")).unwrap();
    assert_eq!(text.lines().next(), Some(r#"{"epoch":0,"values":[0.1,0.8,0.95]}"#));
    assert_eq!(text.lines().count() as u64, EPOCHS);
    refused_with(
        loader.class_prior(8),
        ErrorKind::Config,
        &["the shares of epoch 8 follow from the report of epoch 6"],
    );
}

#[test]
fn rows_of_a_class_come_in_passes_over_the_ends_of_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context();
    let (loader, feedback) = loader(&cx, &folder.path().join("feedback.jsonl"));
    let all: Vec<i64> = run(loader, &feedback).into_iter().flat_map(|(ids, _)| ids).collect();
    assert_eq!(all.len() as u64, EPOCHS * 100);
    let mut times = [0; 100];
    all.iter().for_each(|&id| times[id as usize] += 1);
    let classes = common::mixed(&COUNTS);
    for class in 0..3 {
        let of = (0..100).filter(|&row| classes[row] == class).map(|row| times[row]);
        let (least, most) = (of.clone().min().unwrap(), of.max().unwrap());
        assert!(most - least <= 1, "class {class}: {least} to {most} times");
    }
}

#[test]
fn prefetch_threads_and_memory_move_no_row() {
    let of = |threads, memory, depth| {
        let folder = tempfile::tempdir().unwrap();
        let cx = Context::with(threads, memory).unwrap();
        let (loader, feedback) = loader(&cx, &folder.path().join("feedback.jsonl"));
        let rows = run(loader.depth(depth), &feedback);
        rows.into_iter().map(|(ids, _)| ids).collect::<Vec<_>>()
    };
    let first = of(2, 1 << 28, 1);
    for (threads, memory, depth) in [(1, 1 << 22, 3), (4, 1 << 26, 40), (2, 1 << 28, 200)] {
        assert_eq!(of(threads, memory, depth), first, "{threads} {memory} {depth}");
    }
}

#[test]
fn a_run_resumes_from_one_cursor_and_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.jsonl");
    let (whole, feedback) = loader(&context(), &path);
    let all = run(whole, &feedback);
    let text = std::fs::read_to_string(&path).unwrap();
    for at in 0..all.len() - 1 {
        // The file has reports of epochs that are trained again.
        std::fs::write(&path, &text).unwrap();
        let cursor: Cursor = all[at].1.to_string().parse().unwrap();
        let (resumed, feedback) = loader(&Context::with(1, 1 << 24).unwrap(), &path);
        let rest = run(resumed.resume(&cursor).unwrap(), &feedback);
        assert_eq!(rest, all[at + 1..], "after batch {at}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "after batch {at}");
    }
    // A line that was not written whole is passed over.
    let torn = text.trim_end();
    std::fs::write(&path, torn).unwrap();
    assert_eq!(Feedback::open(&path).unwrap().reports(), EPOCHS - 1);
}

#[test]
fn a_file_that_was_changed_or_lost_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.jsonl");
    let (whole, feedback) = loader(&context(), &path);
    let all = run(whole, &feedback);
    let text = std::fs::read_to_string(&path).unwrap();
    let cursor = &all[17].1; // in epoch 3, which followed the reports of 0 and 1
    let resumed = || {
        let (resumed, _) = loader(&context(), &path);
        resumed.resume(cursor)?.build().map(drop)
    };
    assert!(resumed().is_ok());
    std::fs::write(&path, text.replacen("0.1", "0.2", 1)).unwrap();
    refused_with(
        resumed(),
        ErrorKind::Resume,
        &["the first 2 reports are not those that the run followed"],
    );
    std::fs::remove_file(&path).unwrap();
    refused_with(
        resumed(),
        ErrorKind::Resume,
        &["feedback.jsonl: the run so far followed 2 reports, and 0 are there"],
    );
    std::fs::write(&path, "{\"epoch\":1}\n").unwrap();
    refused_with(
        Feedback::open(&path),
        ErrorKind::Data,
        &["line 1 is not the report of epoch 0"],
    );
    // And a loader that is told of no file.
    std::fs::write(&path, &text).unwrap();
    let feedback = Feedback::open(&path).unwrap();
    let bare = balanced(&context(), &feedback).loader(&context()).batch_size(20);
    refused_with(
        bare.build(),
        ErrorKind::Config,
        &["give the loader the same one by `LoaderBuilder::feedback`"],
    );
}

#[test]
fn a_batch_that_no_report_decides_yet_is_an_error_until_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (loader, feedback) = loader(&context(), &folder.path().join("feedback.jsonl"));
    let mut batches = loader.blocking().unwrap();
    for _ in 0..10 {
        batches.next().unwrap().unwrap();
    }
    let error = batches.next().unwrap();
    refused_with(
        error.map(drop),
        ErrorKind::Config,
        &[
            "the shares of epoch 2 follow from the report of epoch 0, and 0 of 1 are there: call `Feedback::report` after each epoch",
        ],
    );
    feedback.report(0, &recalls(0)).unwrap();
    assert_eq!(batches.next().unwrap().unwrap().cursor().position(), 220);
}

#[test]
fn reports_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.jsonl");
    let feedback = Feedback::open(&path).unwrap();
    let balance = balanced(&context(), &feedback);
    let refused =
        |epoch, values: &[f64], text: &str| refused_with(feedback.report(epoch, values), ErrorKind::Config, &[text]);
    refused(0, &[0.5; 2], "feedback of epoch 0: 2 values for 3 classes");
    refused(
        0,
        &[0.5, 1.5, 0.1],
        "the value of class 1 is 1.5, and a recall lies in 0 to 1",
    );
    refused(1, &[0.5; 3], "the next one to be reported is epoch 0");
    feedback.report(0, &[0.5, f64::NAN, 0.5]).unwrap();
    feedback.report(0, &[0.5, f64::NAN, 0.5]).unwrap();
    // Until shares followed from it, a report may be put right.
    feedback.report(0, &[0.5, 0.25, 0.5]).unwrap();
    assert_eq!(balance.emitted(&context(), 200..300).unwrap().iter().sum::<u64>(), 100);
    refused(
        0,
        &[0.5, 0.75, 0.5],
        "it was reported with other values, which shares followed from",
    );
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "{\"epoch\":0,\"values\":[0.5,0.25,0.5]}\n"
    );
    let capped = || balanced(&context(), &Feedback::open(&path).unwrap()).cap(2);
    refused_with(
        capped(),
        ErrorKind::Config,
        &["feedback: the shares of an epoch follow from reports"],
    );
    let error = read_toml::<BalanceSpec>("feedback = { by = \"recall\", strength = -1 }")
        .unwrap_err()
        .to_string();
    assert!(error.contains("strength is -1, and has to lie in 0 to 4"), "{error}");
    let spec: BalanceSpec = read_toml("feedback = { by = \"loss\", strength = 2 }").unwrap();
    let rule = FeedbackSpec {
        by: FeedbackSignal::Loss,
        strength: 2.0,
        ..FeedbackSpec::default()
    };
    assert_eq!(spec.feedback, Some(rule));
}

#[test]
fn synthetic_rows_keep_to_their_share_of_every_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context();
    let rows = Arc::new(table(&COUNTS));
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let smote = Arc::new(
        cx.block_on(Smote::fit(
            &cx,
            Arc::<Memory>::clone(&rows),
            &labels,
            SmoteSpec::new("x").largest(60),
        ))
        .unwrap(),
    );
    let feedback = Feedback::open(folder.path().join("feedback.jsonl")).unwrap();
    (0..4).for_each(|epoch| feedback.report(epoch, &recalls(epoch)).unwrap());
    let balance = cx.block_on(rows.balance(&cx, "label", Target::Uniform)).unwrap();
    let balance = balance
        .fill(smote, 0.5)
        .unwrap()
        .feedback(&feedback, &FeedbackSpec::default())
        .unwrap();
    let made = |epoch: u64| -> Vec<usize> {
        let traces: Vec<_> = (epoch * 100..(epoch + 1) * 100)
            .map(|at| balance.provenance(&cx, at))
            .collect();
        (0..3)
            .map(|class| {
                traces
                    .iter()
                    .filter(|row| row.class == Some(class) && row.generator.is_some())
                    .count()
            })
            .collect()
    };
    // Half of what goes beyond 60, 24 and 16 rows, of 34, 33 and 33; of 73, 19 and 8; of 12, 80 and 8 of a cycle of 192.
    assert_eq!(
        (made(0), made(2), made(3)),
        (vec![0, 4, 8], vec![6, 0, 0], vec![0, 28, 0])
    );
}

/// What later epochs have is not known, so that what is counted is said to be of the first.
#[test]
fn explain_counts_the_first_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let cx = context();
    let rows = Arc::new(table(&COUNTS));
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let smote = cx.block_on(Smote::fit(
        &cx,
        Arc::<Memory>::clone(&rows),
        &labels,
        SmoteSpec::new("x"),
    ));
    let feedback = Feedback::open(folder.path().join("feedback.jsonl")).unwrap();
    let balance = cx.block_on(rows.balance(&cx, "label", Target::Uniform)).unwrap();
    let filled = balance.fill(Arc::new(smote.unwrap()), 1.0).unwrap();
    let filled = filled.feedback(&feedback, &FeedbackSpec::default()).unwrap();
    let explained = filled.loader(&cx).batch_size(20).feedback(&feedback).explain();
    let words = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        " an epoch, each made of 2.0 stored rows",
        "; in the first epoch; what later ones have follows from reports",
    ] {
        assert!(words.contains(part), "{explained}");
    }
    assert!(
        words.contains("rows that are stored -> rows of the first epoch:"),
        "{explained}"
    );
}

/// Each rank has a file of its own, with the reports of all of them together.
#[test]
fn ranks_follow_the_same_reports_and_a_run_goes_on_in_another_world() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (whole, feedback) = loader(&context(), &path("whole.jsonl"));
    let all = run(whole, &feedback);
    let text = std::fs::read(path("whole.jsonl")).unwrap();
    // After seven batches of one rank there are three.
    let cursor = &all[6].1;
    let mut pieces = vec![Vec::new(); all.len() - 7];
    for rank in 0..3 {
        std::fs::write(path("rank.jsonl"), &text).unwrap();
        let (part, feedback) = loader(&context(), &path("rank.jsonl"));
        let part = run(part.shard(rank, 3).resume(cursor).unwrap(), &feedback);
        for (piece, (ids, _)) in pieces.iter_mut().zip(part) {
            piece.extend(ids);
        }
    }
    let expected: Vec<Vec<i64>> = all[7..].iter().map(|(ids, _)| ids.clone()).collect();
    assert_eq!(pieces, expected);
}
