//! The class prior: what a loader says that it will emit is what it emits.
#![cfg(feature = "testing")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, AsArray, Int64Array, ListArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Int64Type};
use common::{context, refused, refused_with, table};
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::loader::{Batch, ClassPrior, LastBatch, LoaderBuilder, OnError};
use millstream::mix::{
    BalanceSpec, BatchPart, Feedback, FeedbackSpec, Mix, Schedule, SegmentsSpec, StoppingStrategy, Target,
};
use millstream::rows::{DType, Key, Labels, Map, Output, Read};
use millstream::source::Memory;
use millstream::synthetic::{ByCell, CutMix, MixUp, Smote, SmoteSpec};
use millstream::{Context, Dataset, DatasetExt, Error, Stable};
use std::sync::Arc;

const COUNTS: [usize; 4] = [61, 25, 9, 3];

/// The mass of each class in the label column of a batch.
fn add(counts: &mut [f64], batch: &RecordBatch) {
    let label = &batch["label"];
    if *label.data_type() == DataType::Int64 {
        let classes = label.as_primitive::<Int64Type>().values();
        classes.iter().for_each(|&class| counts[class as usize] += 1.0);
        return;
    }
    let list = label.as_fixed_size_list();
    for row in 0..list.len() {
        let shares = list.value(row);
        let shares = shares.as_primitive::<Float32Type>().values();
        counts
            .iter_mut()
            .zip(shares)
            .for_each(|(count, &share)| *count += f64::from(share));
    }
}

/// Counts the rows of the global batches of the first `epochs` epochs. `told` has each batch of a run before the next one is asked for.
fn batches(
    loader: &LoaderBuilder,
    epochs: u64,
    (classes, world): (usize, u64),
    told: &dyn Fn(&Batch),
) -> Vec<Vec<f64>> {
    let ranks = (0..world).map(|rank| {
        let part = loader.clone().epochs(epochs).shard(rank, world).blocking().unwrap();
        let rows = part.map(|batch| {
            let batch = batch.unwrap();
            told(&batch);
            batch.rows().clone()
        });
        rows.collect::<Vec<_>>()
    });
    let ranks: Vec<_> = ranks.collect();
    let counted = |step: usize| {
        let mut counts = vec![0.0; classes];
        ranks.iter().for_each(|rank| add(&mut counts, &rank[step]));
        counts
    };
    (0..ranks[0].len()).map(counted).collect()
}

fn sum(steps: &[Vec<f64>]) -> Vec<f64> {
    (0..steps[0].len())
        .map(|class| steps.iter().map(|step| step[class]).sum())
        .collect()
}

/// Checks the prior of each of three epochs, of all of them, and of some steps against what is counted. `exact` to the row, or to
/// what sums of f32 are worth.
#[track_caller]
fn check(loader: &LoaderBuilder, classes: usize, exact: bool) {
    check_told(loader, classes, exact, &|_| ());
}

/// As [`check`], where each run tells `told` of its batches, as a trainer would.
#[track_caller]
fn check_told(loader: &LoaderBuilder, classes: usize, exact: bool, told: &dyn Fn(&Batch)) {
    let same = |prior: Result<ClassPrior, Error>, counted: &[Vec<f64>]| {
        let (prior, counted) = (prior.unwrap(), sum(counted));
        let near = |(a, b): (&f64, &f64)| if exact { a == b } else { (a - b).abs() < 1e-4 };
        assert!(prior.counts().iter().zip(&counted).all(near), "{prior:?} {counted:?}");
        assert_eq!(prior.names().len(), classes);
    };
    for world in [1, 3] {
        let steps = batches(loader, 3, (classes, world), told);
        let of_epoch = steps.len() / 3;
        assert_eq!(steps.len() % 3, 0);
        let sharded = loader.clone().shard(world - 1, world);
        for epoch in 0..3 {
            let counted = &steps[epoch * of_epoch..(epoch + 1) * of_epoch];
            same(sharded.class_prior(epoch as u64), counted);
        }
        let some = of_epoch - 1..2 * of_epoch + 1;
        same(
            sharded.class_prior_of_steps(some.start as u64..some.end as u64),
            &steps[some],
        );
        same(sharded.class_prior_of_steps(0..1), &steps[..1]);
        same(sharded.class_prior_of_steps(0..steps.len() as u64), &steps);
    }
}

fn smote(cx: &Context) -> Arc<Smote> {
    let rows: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label")).unwrap());
    Arc::new(cx.block_on(Smote::fit(cx, rows, &labels, SmoteSpec::new("x"))).unwrap())
}

#[test]
fn stored_rows_in_any_order_count_as_they_are() {
    let cx = context().with_seed(4);
    for last in [LastBatch::Keep, LastBatch::Drop, LastBatch::Pad] {
        let rows = cx.block_on(table(&COUNTS).classes(&cx, "label")).unwrap();
        let loader = rows.shuffle().loader(&cx).batch_size(16).last_batch(last).seed(4);
        check(&loader, 4, true);
        if last == LastBatch::Keep {
            let prior = loader.class_prior(7).unwrap();
            assert_eq!(prior.counts(), COUNTS.map(|count| count as f64));
            assert_eq!(prior.shares()[1], 25.0 / 98.0);
            assert_eq!(prior.names()[3], "class 3");
        }
    }
}

#[test]
fn a_balance_counts_to_the_row() {
    let cx = context().with_seed(4);
    for target in [
        Target::Uniform,
        Target::Sqrt,
        Target::Power(0.2),
        Target::Weights(vec![0.0, 1.0, 2.0, 4.0]),
    ] {
        let balanced = cx
            .block_on(table(&COUNTS).balance(&cx, "label", target))
            .unwrap()
            .rows(250);
        check(&balanced.loader(&cx).batch_size(32), 4, true);
    }
    let capped = cx
        .block_on(table(&COUNTS).balance(&cx, "label", Target::Uniform))
        .unwrap();
    check(&capped.cap(2).unwrap().loader(&cx).batch_size(32), 4, true);
}

#[test]
fn schedules_and_synthetic_rows_count() {
    let cx = context().with_seed(4);
    let balanced = || {
        cx.block_on(table(&COUNTS).balance(&cx, "label", Target::Power(1.0)))
            .unwrap()
    };
    let toward = balanced()
        .toward(Target::Uniform, Schedule::constant(0.0).ramp(40..200, 1.0))
        .unwrap();
    let loader = toward.loader(&cx).batch_size(20);
    check(&loader, 4, true);
    let (first, third) = (loader.class_prior(0).unwrap(), loader.class_prior(2).unwrap());
    assert!(
        first.counts()[3] < 16.0 && third.counts()[3] > 20.0,
        "{first:?} {third:?}"
    );
    let filled = cx
        .block_on(table(&COUNTS).balance(&cx, "label", Target::Uniform))
        .unwrap();
    check(
        &filled.fill(smote(&cx), 0.6).unwrap().loader(&cx).batch_size(20),
        4,
        true,
    );
    let ramped = balanced().toward(Target::Uniform, 0.7).unwrap();
    let ramped = ramped
        .fill(smote(&cx), Schedule::constant(0.0).ramp(10..250, 1.0))
        .unwrap();
    check(&ramped.loader(&cx).batch_size(20), 4, true);
}

/// Checks that rows of an epoch are synthetic, without which the prior of a filled balance is that of another.
#[track_caller]
fn has_made_rows(cx: &Context, filled: &dyn Dataset) {
    let rows = filled.len().finite().unwrap();
    let is_made = |position| filled.provenance(cx, position).origin == Origin::Synthetic;
    assert!((0..rows).any(is_made), "no row is synthetic");
}

/// By cells, by parts of every batch, by feedback and by segments, each filled up by a generator.
#[test]
fn synthetic_rows_of_every_kind_of_balance_count() {
    let cx = context().with_seed(4);
    let balanced = || {
        cx.block_on(table(&COUNTS).balance(&cx, "label", Target::Uniform))
            .unwrap()
    };

    let rows: Arc<dyn Stable> = Arc::new(table(&COUNTS));
    let classes = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let key = Key::product([Key::column("label"), Key::bins("id", &[50.0])]);
    let cells = Arc::new(cx.block_on(key.scan(&cx, &rows)).unwrap());
    let spec = SmoteSpec::new("x");
    let by_cell = cx
        .block_on(ByCell::fit(&cx, Arc::clone(&rows), &classes, &cells, &spec))
        .unwrap();
    let balance = cx
        .block_on(table(&COUNTS).balance_cells(&cx, "label", &cells, &BalanceSpec::default()))
        .unwrap();
    let by_cells = balance.fill(Arc::new(by_cell), 0.6).unwrap();
    has_made_rows(&cx, &by_cells);
    check(&by_cells.loader(&cx).batch_size(20), 4, true);

    let parts = [
        BatchPart::of("class 0", 0.5),
        BatchPart::others(0.25),
        BatchPart::others(0.25).synthetic(),
    ];
    let batches = balanced().batches(20, &parts, Some(smote(&cx))).unwrap();
    has_made_rows(&cx, &batches);
    check(&batches.loader(&cx).batch_size(20), 4, true);

    let classed = cx.block_on(table(&COUNTS).classes(&cx, "label")).unwrap();
    let spec = SegmentsSpec {
        rows: 30,
        emit: Some(40),
        ..SegmentsSpec::default()
    };
    let segments = classed.segments(&spec).unwrap().fill(smote(&cx), 0.6).unwrap();
    has_made_rows(&cx, &segments);
    check(&segments.loader(&cx).batch_size(20), 4, true);

    let folder = tempfile::tempdir().unwrap();
    let feedback = Feedback::open(folder.path().join("feedback.jsonl")).unwrap();
    let follows = balanced().rows(100).fill(smote(&cx), 0.6).unwrap();
    let follows = follows.feedback(&feedback, &FeedbackSpec::default()).unwrap();
    has_made_rows(&cx, &follows);
    let loader = follows.loader(&cx).batch_size(20).feedback(&feedback);
    check_told(&loader, 4, true, &|batch| {
        let rows = batch.cursor().position();
        if rows % 100 == 0 {
            feedback.report(rows / 100 - 1, &[0.9, 0.4, 0.7, 0.2]).unwrap();
        }
    });
    // The shares have followed.
    let [first, third] = [0, 2].map(|epoch| loader.class_prior(epoch).unwrap().counts().to_vec());
    assert!(first[3] == 25.0 && third[3] > 40.0, "{first:?} {third:?}");
}

#[test]
fn mixes_subsets_and_replaced_rows_count() {
    let cx = context().with_seed(4);
    let classes = |counts: &[usize]| cx.block_on(table(counts).classes(&cx, "label")).unwrap();
    let source = |counts: &[usize]| -> Arc<dyn Dataset> { Arc::new(classes(counts).shuffle()) };
    for stop in [StoppingStrategy::FirstExhausted, StoppingStrategy::AllExhausted] {
        let mix = Mix::new(vec![(source(&COUNTS), 2.0), (source(&[4, 4, 4, 40]), 1.0)], stop).unwrap();
        check(&mix.loader(&cx).batch_size(10), 4, true);
    }
    let endless = Mix::new(
        vec![
            (source(&COUNTS), Schedule::constant(1.0)),
            (source(&[4, 4, 4, 40]), Schedule::constant(0.0).ramp(0..100, 1.0)),
        ],
        StoppingStrategy::CycleForever,
    );
    let loader = endless.unwrap().loader(&cx).batch_size(10);
    let mut counts = vec![0.0; 4];
    for batch in loader.clone().blocking().unwrap().skip(5).take(9) {
        add(&mut counts, batch.unwrap().rows());
    }
    assert_eq!(loader.class_prior_of_steps(5..14).unwrap().counts(), counts);
    let text = "class prior: the dataset has no end, so it has no epochs; ask for that of some steps";
    refused(loader.class_prior(0), ErrorKind::Config, text);

    let part = classes(&COUNTS)
        .select((0..98).filter(|row| row % 3 == 0).collect())
        .unwrap();
    check(&part.shuffle().loader(&cx).batch_size(8), 4, true);

    let broken = Map::new("broken")
        .reads(Read::values("id", DType::I64))
        .writes(Output::fixed("twice", DType::I64, []));
    let broken = classes(&COUNTS).map(broken, |row, _, out| {
        let id = row.values::<i64>(0)?[0];
        out.fixed::<i64>(0)[0] = 2 * id;
        (id % 7 != 0).then_some(()).ok_or_else(|| Error::data("every seventh"))
    });
    let loader = broken
        .unwrap()
        .loader(&cx)
        .batch_size(8)
        .on_error(OnError::Replace { at_most: 50 });
    check(&loader, 4, true);
}

#[test]
fn soft_labels_count_with_their_shares() {
    let cx = context().with_seed(4);
    let rows = || cx.block_on(table(&COUNTS).balance(&cx, "label", Target::Sqrt)).unwrap();
    let mixed = rows().mixup("x", "label", MixUp::new(0.4).p(0.8)).unwrap();
    check(&mixed.loader(&cx).batch_size(20), 4, false);
    let twice = rows().mixup("x", "label", MixUp::new(0.4)).unwrap();
    let twice = twice.mix_twice();
    check(&twice.loader(&cx).batch_size(20), 4, false);
}

/// A second mixing, of rows with soft labels already, under a name of its own.
trait MixTwice: Dataset + Sized {
    fn mix_twice(self) -> millstream::synthetic::Mixed<millstream::rows::Transformed<Self>> {
        let square = Map::new("square")
            .reads(Read::values("x", DType::F32))
            .writes(Output::fixed("x", DType::F32, [2, 2]));
        let square = self.map(square, |row, _, out| {
            out.fixed::<f32>(0).copy_from_slice(row.values::<f32>(0)?);
            Ok(())
        });
        square.unwrap().cutmix("x", "label", CutMix::new(1.0)).unwrap()
    }
}

impl<D: Dataset> MixTwice for D {}

#[test]
fn what_cannot_be_known_is_refused_with_a_way_out() {
    let cx = context();
    let text = "class prior: nothing below knows the classes of the rows: use `classes(cx, \"label\")`, `with_labels` or `balance` \
                below the shuffle";
    refused(table(&COUNTS).loader(&cx).class_prior(0), ErrorKind::Config, text);
    let classes = || cx.block_on(table(&COUNTS).classes(&cx, "label")).unwrap();
    let text = "class prior: column \"label\" is gone or a stage wrote other values into it, so its classes are not what comes: \
                keep the column, or count the rows";
    let gone = classes().project(&["x"]).unwrap().loader(&cx).class_prior(0);
    refused(gone, ErrorKind::Config, text);
    let other = Map::new("other")
        .reads(Read::values("id", DType::I64))
        .writes(Output::fixed("label", DType::I64, []));
    let other = classes().map(other, |row, _, out| {
        out.fixed::<i64>(0)[0] = row.values::<i64>(0)?[0] % 2;
        Ok(())
    });
    refused(other.unwrap().loader(&cx).class_prior(0), ErrorKind::Config, text);
    let no_steps = classes().loader(&cx).class_prior_of_steps(3..3);
    refused(no_steps, ErrorKind::Config, "class prior: there are no steps in 3..3");

    let lists = [Some(vec![Some(0), Some(2)]), Some(vec![]), Some(vec![Some(1)])];
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
    let id = Int64Array::from_iter_values(0..3);
    let rows: [(&str, Arc<dyn Array>); 2] = [("id", Arc::new(id)), ("label", Arc::new(lists))];
    let rows = Memory::new(vec![RecordBatch::try_from_iter(rows).unwrap()]).unwrap();
    let several = cx
        .block_on(rows.classes(&cx, "label"))
        .unwrap()
        .loader(&cx)
        .class_prior(0);
    refused_with(
        several,
        ErrorKind::Config,
        &["position 0", "multi-label", "use `classes` there"],
    );
    refused(
        ClassPrior::new(vec!["a".to_owned()], vec![-1.0]),
        ErrorKind::Config,
        "class prior: class \"a\" cannot have -1 rows",
    );
}

/// A list of classes is encoded, one class is made of it, and that is balanced.
#[test]
fn the_prior_of_a_balance_over_lists_is_that_of_what_is_balanced() {
    let cx = context();
    let lists = (0..40).map(|row| {
        Some(if row % 4 == 0 {
            vec![Some(0), Some(1)]
        } else {
            vec![Some(0)]
        })
    });
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
    let rows: [(&str, Arc<dyn Array>); 1] = [("tags", Arc::new(lists))];
    let rows = Memory::new(vec![RecordBatch::try_from_iter(rows).unwrap()]).unwrap();
    let rows = cx.block_on(rows.classes(&cx, "tags")).unwrap();
    let rarest = Map::new("rarest")
        .reads(Read::values("tags", DType::I64))
        .writes(Output::fixed("rarest", DType::I64, []));
    let rows = rows.map(rarest, |row, _, out| {
        out.fixed::<i64>(0)[0] = row.values::<i64>(0)?.iter().copied().max().unwrap_or(0);
        Ok(())
    });
    let balanced = cx
        .block_on(rows.unwrap().views(1).unwrap().balance(&cx, "rarest", Target::Uniform))
        .unwrap();
    let prior = balanced.loader(&cx).class_prior(0).unwrap();
    assert_eq!(prior.names(), ["0", "1"]);
    assert_eq!(prior.counts(), [20.0, 20.0]);
}
