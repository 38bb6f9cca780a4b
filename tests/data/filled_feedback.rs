//! Shares that follow from reports, in a balance that is filled up by a generator.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use crate::common::{context, table, vectors};
use arrow::datatypes::SchemaRef;
use millstream::dataset::{Blocks, Len, Origin, Provenance};
use millstream::loader::LoaderBuilder;
use millstream::mix::{Balance, Feedback, FeedbackSpec, Target};
use millstream::plan::Plan;
use millstream::rows::Labels;
use millstream::synthetic::{Smote, SmoteSpec};
use millstream::testing::{check_elastic, check_law, check_loader};
use millstream::{Context, Cursor, Dataset, DatasetExt, Prepared, Result, Stable};
use std::path::Path;
use std::sync::Arc;

/// 100 rows of an epoch.
const COUNTS: [usize; 3] = [60, 24, 16];
const EPOCHS: u64 = 5;

/// What is reported of an epoch: class `epoch % 3` is missed most.
fn recalls(epoch: u64) -> [f64; 3] {
    let mut recalls = [0.9, 0.8, 0.95];
    recalls[epoch as usize % 3] = 0.1;
    recalls
}

fn filled(cx: &Context, feedback: &Feedback) -> Result<Balance<Arc<dyn Stable>>> {
    let rows: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label"))?);
    let smote = cx.block_on(Smote::fit(cx, Arc::clone(&rows), &labels, SmoteSpec::new("x")))?;
    let balance = cx.block_on(rows.balance(cx, "label", Target::Uniform))?;
    let balance = balance.fill(Arc::new(smote), 0.5)?;
    balance.feedback(feedback, &FeedbackSpec::default())
}

/// A file with the reports of more epochs than a check looks at.
fn reported(path: &Path) -> Feedback {
    let feedback = Feedback::open(path).unwrap();
    (0..8).for_each(|epoch| feedback.report(epoch, &recalls(epoch)).unwrap());
    feedback
}

/// The rows of a balance whose reports are all there, under a plan of their own: a loader over a balance that says it follows feedback would take the reports out and wait
/// for new ones.
#[derive(Debug)]
struct Reported(Balance<Arc<dyn Stable>>);

impl Dataset for Reported {
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
        Plan::new("reported")
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.0.prepare(cx, positions)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.0.provenance(cx, position)
    }
}

#[test]
fn the_law_resumes_and_worlds_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.jsonl");
    let (cx, feedback) = (context(), reported(&path));
    let balance = filled(&cx, &feedback).unwrap();
    let made = |epoch: u64| {
        let traces = (epoch * 100..(epoch + 1) * 100).map(|position| balance.provenance(&cx, position));
        traces.filter(|trace| trace.origin == Origin::Synthetic).count()
    };
    // Half of what goes beyond 60, 24 and 16 rows: of 34, 33 and 33, and of about 12, 80 and 8.
    assert!(made(0) > 8 && made(3) > 20, "{} {}", made(0), made(3));
    cx.block_on(check_law(&cx, &balance, 1)).unwrap();
    let open = |cx: &Context| -> Result<Reported> { Ok(Reported(filled(cx, &Feedback::open(&path)?)?)) };
    check_loader(5, 150, open).unwrap();
    // Vectors, since a made row has the id of a parent.
    check_elastic(3, "x", open).unwrap();
}

fn loader(cx: &Context, path: &Path) -> (LoaderBuilder, Feedback) {
    let feedback = Feedback::open(path).unwrap();
    let loader = filled(cx, &feedback).unwrap().loader(cx);
    (loader.batch_size(20).epochs(EPOCHS).feedback(&feedback), feedback)
}

/// The vectors of the batches of a run from where `loader` stands on, each with the cursor after it; epochs are reported at their end.
fn run(loader: LoaderBuilder, feedback: &Feedback) -> Vec<(Vec<Vec<f32>>, Cursor)> {
    let mut all = Vec::new();
    for batch in loader.blocking().unwrap() {
        let batch = batch.unwrap();
        let rows = batch.cursor().position();
        if rows % 100 == 0 {
            feedback.report(rows / 100 - 1, &recalls(rows / 100 - 1)).unwrap();
        }
        all.push((vectors(batch.rows()), batch.cursor()));
    }
    all
}

#[test]
fn a_run_resumes_with_the_same_synthetic_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feedback.jsonl");
    let (whole, feedback) = loader(&context(), &path);
    let all = run(whole, &feedback);
    assert_eq!(all.len() as u64, EPOCHS * 5);
    let text = std::fs::read_to_string(&path).unwrap();
    for at in (0..all.len() - 1).step_by(3) {
        std::fs::write(&path, &text).unwrap();
        let cursor: Cursor = all[at].1.to_string().parse().unwrap();
        let (resumed, feedback) = loader(&Context::with(1, 1 << 24).unwrap(), &path);
        let rest = run(resumed.resume(&cursor).unwrap(), &feedback);
        assert_eq!(rest, all[at + 1..], "after batch {at}");
    }
}
