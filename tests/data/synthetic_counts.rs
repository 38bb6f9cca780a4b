//! What `explain()` says of how many synthetic rows come, beside those that do.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use common::{context, table};
use millstream::dataset::{Blocks, Len, Origin, Provenance};
use millstream::mix::{Balance, BatchPart, Target};
use millstream::plan::Plan;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::{Generator, Smote, SmoteSpec};
use millstream::{Context, Dataset, DatasetExt, Prepared, Stable};
use std::sync::Arc;

const EPOCHS: u64 = 12;

fn smote(cx: &Context, counts: &[usize]) -> Arc<dyn Generator> {
    let rows: Arc<dyn Stable> = Arc::new(table(counts));
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label")).unwrap());
    let spec = SmoteSpec::new("x").largest(counts[1] as u64);
    Arc::new(cx.block_on(Smote::fit(cx, rows, &labels, spec)).unwrap())
}

fn balance(cx: &Context, counts: &[usize], target: Target) -> Balance<Memory> {
    cx.block_on(table(counts).balance(cx, "label", target)).unwrap()
}

fn words(explained: &str) -> String {
    explained.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Synthetic rows of an epoch as `explain()` says them.
fn said(explained: &str) -> u64 {
    let words = words(explained);
    let (_, line) = words
        .split_once("synthetic (smote): about ")
        .unwrap_or_else(|| panic!("{explained}"));
    line.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn counts_of_epochs_that_are_looked_at_as_a_whole_are_exact() {
    let (cx, counts) = (context().with_seed(3), [900, 90, 9]);
    let smote = smote(&cx, &counts);
    let filled = |target: Target, share: f64| balance(&cx, &counts, target).fill(Arc::clone(&smote), share).unwrap();
    let parts = [BatchPart::others(0.75), BatchPart::others(0.25).synthetic()];
    let batches = |size: u64| {
        balance(&cx, &counts, Target::Uniform)
            .batches(size, &parts, Some(Arc::clone(&smote)))
            .unwrap()
    };
    for (rows, batch, expected) in [
        (filled(Target::Uniform, 0.5), 32, 283),
        (filled(Target::Uniform, 1.0), 32, 567),
        (filled(Target::Sqrt, 0.1), 32, 19),
        (filled(Target::Sqrt, 0.25), 32, 48),
        // An epoch of 1,024 rows, of which every twelfth has the same places of batches.
        (batches(32), 32, 256),
        (batches(64), 64, 256),
    ] {
        let all = EPOCHS * rows.len().finite().unwrap();
        let is_made = |&position: &u64| rows.provenance(&cx, position).origin == Origin::Synthetic;
        let made = (0..all).filter(is_made).count() as f64 / EPOCHS as f64;
        assert!((made - f64::from(expected)).abs() <= 1.0, "{made}, not {expected}");
        let explained = rows.loader(&cx).batch_size(batch).explain();
        assert_eq!(said(&explained), made.round() as u64, "{explained}");
        assert!(!words(&explained).contains("of their rows"), "{explained}");
    }
}

#[test]
fn counts_by_some_of_the_rows_say_how_far_they_may_be_off() {
    let (cx, counts) = (context().with_seed(3), [4000, 400, 40]);
    let smote = smote(&cx, &counts);
    let rows = balance(&cx, &counts, Target::Uniform).fill(smote, 0.5).unwrap();
    let quotas: u64 = rows.quotas().iter().map(|class| class.synthetic).sum();
    let explained = rows.loader(&cx).explain();
    let off = (said(&explained) as f64 / quotas as f64 - 1.0).abs();
    assert!(off < 0.03, "{quotas}: {explained}");
    assert!(
        words(&explained).contains("a mean of the first 12 epochs, by 32768 of their rows, give or take 2 %"),
        "{explained}"
    );
}

/// Rows of a balance whose synthetic ones are so rare that none is met.
#[derive(Debug)]
struct Unmet(Balance<Memory>);

impl Dataset for Unmet {
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
        self.0.prepare(cx, positions)
    }
    fn provenance(&self, _: &Context, _: u64) -> Provenance {
        Provenance::default()
    }
}

#[test]
fn rows_that_are_never_met_are_told_by_their_quotas() {
    let (cx, counts) = (context().with_seed(3), [900, 90, 9]);
    let rows = balance(&cx, &counts, Target::Uniform)
        .fill(smote(&cx, &counts), 0.5)
        .unwrap();
    let quotas: u64 = rows.quotas().iter().map(|class| class.synthetic).sum();
    let explained = Unmet(rows).loader(&cx).explain();
    let line = format!("synthetic: {quotas} rows an epoch by the quotas, and none among the 11988 rows");
    assert!(words(&explained).contains(&line), "{explained}");
}

#[test]
fn the_numbers_of_all_classes_stand_below_each_other() {
    let cx = context();
    let names = ["T-shirt/top / x", "Trouser / x"];
    let label = StringArray::from_iter_values((0..30).map(|row| names[usize::from(row % 5 == 0)]));
    let columns: [(&str, ArrayRef); 2] = [
        ("label", Arc::new(label)),
        (
            "x",
            Arc::new(Float32Array::from_iter_values((0..30).map(|row| row as f32))),
        ),
    ];
    let rows = Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    let balanced = cx.block_on(rows.balance(&cx, "label", Target::Uniform)).unwrap();
    let explained = balanced.loader(&cx).explain();
    let lines = explained.lines().filter(|line| line.contains(", each "));
    let places: Vec<usize> = lines.filter_map(|line| line.find(" -> ")).collect();
    assert!(
        matches!(*places, [first, second] if first == second),
        "{places:?}: {explained}"
    );
}
