//! Mix, schedules and caps: proportions at every prefix, stop policies, and what is refused.
#![cfg(feature = "testing")]
#![allow(missing_docs, clippy::needless_pass_by_value, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use common::{context, ids, refused, table};
use millstream::dataset::{Len, Origin};
use millstream::error::ErrorKind;
use millstream::mix::{Balance, Mix, Schedule, StoppingStrategy, Target};
use millstream::plan::Plan;
use millstream::rng::Rng;
use millstream::rows::{Bound, DType, Draws, Out, Output, Read, Row, Stage};
use millstream::rows::{CLASS_NAMES, Labels};
use millstream::source::Memory;
use millstream::synthetic::{Smote, SmoteSpec};
use millstream::testing::{Virtual, check_law, check_loader, check_proportions};
use millstream::{Context, Dataset, DatasetExt, Result, Stable};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const STOPS: [StoppingStrategy; 4] = [
    StoppingStrategy::FirstExhausted,
    StoppingStrategy::AllExhausted,
    StoppingStrategy::CycleUntilAllExhausted,
    StoppingStrategy::CycleForever,
];

/// Rows whose `id` is 1,000,000 times `source`, and their number.
fn rows(source: i64, count: i64) -> Memory {
    let id = Int64Array::from_iter_values((0..count).map(|row| source * 1_000_000 + row));
    let all = RecordBatch::try_from_iter([("id", Arc::new(id) as ArrayRef)]).unwrap();
    Memory::new(common::in_batches(&all, 16)).unwrap()
}

fn mix(counts: &[i64], weights: &[f64], stop: StoppingStrategy) -> Mix {
    let sources = counts.iter().zip(0..).zip(weights);
    let source = |((&count, source), &weight): ((&i64, i64), &f64)| -> (Arc<dyn Dataset>, f64) {
        (Arc::new(rows(source, count).shuffle_window(2)), weight)
    };
    Mix::new(sources.map(source).collect(), stop).unwrap()
}

fn take(cx: &Context, dataset: &dyn Dataset, positions: std::ops::Range<u64>) -> Vec<i64> {
    let positions: Vec<u64> = positions.collect();
    ids(&cx.block_on(dataset.take(cx, &positions)).unwrap())
}

fn normal(weights: &[f64]) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

#[test]
fn every_prefix_is_within_one_row() {
    let mut all = vec![
        (vec![0.7, 0.2, 0.1], "7 : 2 : 1"),
        (vec![1.0, 1.0 / 3.0], "3 : 1"),
        (vec![1.0; 7], "1 : 1 : 1 : 1 : 1 : 1 : 1"),
        (vec![5.0], "1"),
        (vec![1e-3, 1.0, 1e3], "1 : 1000 : 1000000"),
        (vec![60_000.0, 50_000.0, 12_345.0], "12000 : 10000 : 2469"),
    ];
    for seed in 0..12 {
        let mut rng = Rng::new(seed, "weights", 0);
        let sources = 2 + rng.below(7);
        all.push(((0..sources).map(|_| f64::from(rng.unit()) + 1e-4).collect(), ""));
    }
    for (weights, used) in all {
        let mix = mix(&vec![10; weights.len()], &weights, StoppingStrategy::CycleForever);
        assert!(mix.describe().to_string().contains(used), "{}", mix.describe());
        let shares = mix.shares(0);
        let off = |(asked, used): (&f64, &f64)| (asked - used).abs();
        assert!(
            normal(&weights).iter().zip(&shares).map(off).all(|off| off < 1e-6),
            "{weights:?} {shares:?}"
        );
        check_proportions(0..30_000, 1, |position| mix.source(position), |_| shares.clone()).unwrap();
        // Far out, where a 32-bit float would have lost the row, against the exact product.
        for far in [(1 << 24) + 7, (1 << 33) + 12_345, 1_u64 << 50] {
            for k in far..far + 50 {
                let counts = mix.counts(k);
                assert_eq!(counts.iter().sum::<u64>(), k);
                for (&count, &share) in counts.iter().zip(&shares) {
                    assert!(
                        (count as f64 - share * k as f64).abs() <= 1.0 + k as f64 * 1e-15,
                        "{weights:?} {k}"
                    );
                }
                let mut next = mix.counts(k);
                next[mix.source(k)] += 1;
                assert_eq!(next, mix.counts(k + 1));
            }
        }
    }
}

#[test]
fn a_wrong_share_is_found() {
    let mix = mix(&[10, 10], &[0.7, 0.3], StoppingStrategy::CycleForever);
    let check = |shares: Vec<f64>| check_proportions(0..1000, 1, |position| mix.source(position), |_| shares.clone());
    let error = check(vec![0.69, 0.31]).unwrap_err().to_string();
    assert!(error.contains("rows") && error.contains("of class"), "{error}");
    assert!(check(vec![1.0]).unwrap_err().to_string().contains("which has no share"));
    check(vec![0.7, 0.3]).unwrap();
}

const COUNTS: [i64; 3] = [100, 50, 10];
const WEIGHTS: [f64; 3] = [0.5, 0.3, 0.2];

/// The sources in the order in which they come for ever.
fn forever() -> impl Iterator<Item = usize> {
    let mix = mix(&COUNTS, &WEIGHTS, StoppingStrategy::CycleForever);
    (0..).map(move |position| mix.source(position))
}

/// Where an epoch ends: before the row with which the sources that `all` or one of have run out.
fn ends(all: bool) -> u64 {
    let (mut given, mut out) = ([0; 3], [false; 3]);
    for (position, source) in (0..).zip(forever()) {
        out[source] |= given[source] == COUNTS[source];
        if (all && out == [true; 3]) || (!all && out.contains(&true)) {
            return position;
        }
        given[source] += 1;
    }
    unreachable!()
}

#[test]
fn epochs_have_the_lengths_that_the_policies_say() {
    let len = |stop| mix(&COUNTS, &WEIGHTS, stop).len();
    let finite = |stop| len(stop).finite().unwrap();
    assert_eq!(finite(StoppingStrategy::FirstExhausted), ends(false));
    assert_eq!(finite(StoppingStrategy::CycleUntilAllExhausted), ends(true));
    assert_eq!(finite(StoppingStrategy::AllExhausted), 160);
    assert_eq!(len(StoppingStrategy::CycleForever), Len::Endless);
    // Source 2 has 10 rows and a fifth of all; source 0 has 100 and half of all.
    assert!((50..=54).contains(&ends(false)) && (198..=202).contains(&ends(true)));
    assert_eq!(finite(StoppingStrategy::FirstExhausted), 53);
    assert_eq!(finite(StoppingStrategy::CycleUntilAllExhausted), 200);
}

#[test]
fn first_exhausted_gives_each_row_once_an_epoch() {
    let (cx, mix) = (
        context().with_seed(5),
        mix(&COUNTS, &WEIGHTS, StoppingStrategy::FirstExhausted),
    );
    let rows = mix.len().finite().unwrap();
    let mut orders = BTreeSet::new();
    for epoch in 0..4 {
        let ids = take(&cx, &mix, epoch * rows..(epoch + 1) * rows);
        assert_eq!(
            ids.iter().collect::<BTreeSet<_>>().len(),
            ids.len(),
            "a row twice in epoch {epoch}"
        );
        assert_eq!(
            ids.iter().filter(|id| **id >= 2_000_000).count(),
            10,
            "all of the source that ran out"
        );
        orders.insert(ids);
    }
    assert_eq!(orders.len(), 4, "every epoch has its own order");
}

#[test]
fn all_exhausted_gives_every_row_once_and_renormalises() {
    let (cx, mix) = (
        context().with_seed(5),
        mix(&COUNTS, &WEIGHTS, StoppingStrategy::AllExhausted),
    );
    for epoch in 0..3 {
        let mut all = take(&cx, &mix, epoch * 160..(epoch + 1) * 160);
        all.sort_unstable();
        let expected = COUNTS
            .iter()
            .zip(0..)
            .flat_map(|(&count, source)| (0..count).map(move |row| source * 1_000_000 + row));
        assert_eq!(all, expected.collect::<Vec<_>>());
    }
    // In each phase the sources that are left keep to their own weights.
    let (mut given, mut start, mut phases) = ([0; 3], 0, Vec::new());
    for position in 0..160 {
        let source = mix.source(position);
        given[source] += 1;
        if given[source] == COUNTS[source] {
            phases.push((start..position + 1, source));
            start = position + 1;
        }
    }
    let mut left = WEIGHTS;
    for (phase, gone) in &phases {
        let shares = normal(&left);
        check_proportions(phase.clone(), 1, |position| mix.source(position), |_| shares.clone()).unwrap();
        left[*gone] = 0.0;
    }
    assert_eq!(phases.iter().map(|(_, gone)| *gone).collect::<Vec<_>>(), [2, 1, 0]);
    assert_eq!(start, 160);
}

#[test]
fn cycling_sources_go_through_all_their_rows_before_they_start_over() {
    let cx = context().with_seed(5);
    for stop in [StoppingStrategy::CycleUntilAllExhausted, StoppingStrategy::CycleForever] {
        let mix = mix(&COUNTS, &WEIGHTS, stop);
        let rows = mix.len().finite().unwrap_or(1000);
        for epoch in 0..2 {
            let mut seen: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
            for id in take(&cx, &mix, epoch * rows..(epoch + 1) * rows) {
                seen.entry(id / 1_000_000).or_default().push(id);
            }
            for (source, ids) in &seen {
                let count = COUNTS[*source as usize] as usize;
                assert!(ids.len() >= count);
                // CycleForever does not begin anew at the thousandth row, but 500, 300 and 200 are whole epochs.
                for pass in ids.chunks(count) {
                    assert_eq!(
                        pass.iter().collect::<BTreeSet<_>>().len(),
                        pass.len(),
                        "{stop}, source {source}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_make_epochs_of_a_mix_without_an_end() {
    let cx = context().with_seed(5);
    let endless = mix(&COUNTS, &WEIGHTS, StoppingStrategy::CycleForever);
    let some = mix(&COUNTS, &WEIGHTS, StoppingStrategy::CycleForever).rows(77).unwrap();
    assert_eq!(some.len().finite(), Some(77));
    assert_eq!(take(&cx, &endless, 0..300), take(&cx, &some, 0..300));
    let batches = some.loader(&cx).batch_size(16).epochs(2).blocking().unwrap();
    assert_eq!(
        batches.map(|batch| batch.unwrap().rows().num_rows()).sum::<usize>(),
        154
    );
}

#[test]
fn sources_draw_apart_and_may_be_mixes() {
    let cx = context().with_seed(5);
    let twins = || -> Vec<(Arc<dyn Dataset>, f64)> {
        (0..2)
            .map(|_| (Arc::new(rows(0, 64).shuffle()) as Arc<dyn Dataset>, 1.0))
            .collect()
    };
    let mix = Mix::new(twins(), StoppingStrategy::FirstExhausted).unwrap();
    let both = take(&cx, &mix, 0..128);
    let of = |source| {
        (0..128)
            .filter(|&at| mix.source(at) == source)
            .map(|at| both[at as usize])
            .collect::<Vec<_>>()
    };
    assert_ne!(of(0), of(1), "two shuffles of equal rows");
    assert_eq!(mix.describe().shared_name(), None);
    let inner: Arc<dyn Dataset> = Arc::new(mix);
    let outer = Mix::new(
        vec![(Arc::clone(&inner), 1.0), (inner, 2.0)],
        StoppingStrategy::AllExhausted,
    )
    .unwrap();
    assert_eq!(outer.describe().shared_name(), None);
    outer.loader(&cx).build().unwrap();
    let twice: Arc<dyn Dataset> = Arc::new(rows(0, 64).shuffle().shuffle());
    let mix = Mix::new(vec![(twice, 1.0)], StoppingStrategy::FirstExhausted).unwrap();
    assert_eq!(mix.describe().shared_name().as_deref(), Some("shuffle"));
    let above = Mix::new(twins(), StoppingStrategy::FirstExhausted).unwrap().shuffle();
    assert_eq!(
        above.describe().shared_name(),
        None,
        "the one above draws under the run's seed"
    );
}

/// Weights that change over the first 50,000 rows.
fn scheduled() -> Mix {
    let weights = [
        Schedule::constant(0.8),
        Schedule::constant(0.2).ramp(5_000..50_000, 0.7),
        Schedule::constant(0.0).step(1_000, 0.1).off(40_000),
    ];
    let sources = weights.into_iter().zip([1000, 700, 30]).zip(0..);
    let sources = sources.map(|((weight, count), source)| {
        (
            Arc::new(rows(source, count).shuffle_window(2)) as Arc<dyn Dataset>,
            weight,
        )
    });
    Mix::new(sources.collect(), StoppingStrategy::CycleForever).unwrap()
}

#[test]
fn scheduled_weights_hold_at_every_prefix() {
    let mix = scheduled();
    check_proportions(
        0..80_000,
        1,
        |position| mix.source(position),
        |position| mix.shares(position),
    )
    .unwrap();
    let of = |rows: std::ops::Range<u64>, source| rows.filter(|&row| mix.source(row) == source).count();
    assert_eq!((of(0..1000, 2), of(40_000..80_000, 2)), (0, 0), "off is off");
    assert_eq!(of(0..1000, 0), 800);
    let given = of(50_000..80_000, 0) as f64;
    assert!((given - 0.8 / 1.5 * 30_000.0).abs() <= 1.0, "{given}");
    // The stairs keep to the ramp that was asked for.
    let mut asked = 0.0;
    for row in 0..60_000 {
        let x = ((row as f64 - 5_000.0) / 45_000.0).clamp(0.0, 1.0);
        let third = if (1_000..40_000).contains(&row) { 0.1 } else { 0.0 };
        asked += 0.8 / (0.8 + 0.2 + 0.5 * x + third);
        let given = mix.counts(row + 1)[0] as f64;
        assert!((given - asked).abs() < 3.0, "row {row}: {given}, asked for {asked}");
    }
    let text = mix.describe().to_string();
    assert!(text.contains("weight 1 0.2, to 0.7 over rows 5000..50000"), "{text}");
    assert!(
        text.contains("weight 2 0, 0.1 from row 1000, 0 from row 40000"),
        "{text}"
    );
    assert!(text.contains("from row 50000 on 8 : 7 : 0"), "{text}");
}

#[test]
fn a_resumed_loader_goes_on_in_proportion() {
    for stop in STOPS {
        check_loader(3, 120, |_| Ok(mix(&COUNTS, &WEIGHTS, stop))).unwrap();
    }
    check_loader(3, 90, |_| Ok(scheduled())).unwrap();
    let cx = context().with_seed(5);
    let whole = take(&cx, &scheduled(), 0..12_000);
    let first: Vec<i64> = {
        let mut loader = scheduled().loader(&cx).batch_size(512).blocking().unwrap();
        let mut seen: Vec<i64> = Vec::new();
        for _ in 0..12 {
            seen.extend(ids(loader.next().unwrap().unwrap().rows()));
        }
        let cursor = loader.loader().cursor();
        let rest = scheduled()
            .loader(&cx)
            .batch_size(100)
            .resume(&cursor)
            .unwrap()
            .blocking()
            .unwrap();
        rest.take(50).for_each(|batch| seen.extend(ids(batch.unwrap().rows())));
        seen
    };
    assert_eq!(first[..11_000], whole[..11_000]);
}

#[test]
fn mixes_that_make_no_sense_are_named() {
    let two = |a: f64, b: f64| {
        let source = |source| Arc::new(rows(source, 10)) as Arc<dyn Dataset>;
        Mix::new(vec![(source(0), a), (source(1), b)], StoppingStrategy::AllExhausted)
    };
    for (bad, said) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let text = format!("mix: source 1 cannot have the weight {said}; a weight is a number above 0");
        refused(two(1.0, bad), ErrorKind::Config, &text);
    }
    refused(
        Mix::new(Vec::<(Arc<dyn Dataset>, f64)>::new(), StoppingStrategy::AllExhausted),
        ErrorKind::Config,
        "mix: no sources",
    );
    let mixed = |weights: [Schedule; 2], stop| {
        let source = |source| Arc::new(rows(source, 10)) as Arc<dyn Dataset>;
        let [a, b] = weights;
        Mix::new(vec![(source(0), a), (source(1), b)], stop)
    };
    let off = |row| Schedule::constant(1.0).off(row);
    refused(
        mixed([off(100), off(200)], StoppingStrategy::CycleForever),
        ErrorKind::Config,
        "mix: from row 200 on the weights of all sources are 0",
    );
    refused(
        mixed([Schedule::constant(1.0), off(200)], StoppingStrategy::FirstExhausted),
        ErrorKind::Config,
        "mix: the weight of source 1 changes over the rows, so that epochs under \"first exhausted\" would differ in \
         length; use CycleForever, and rows() for epochs",
    );
    refused(
        mixed(
            [Schedule::constant(1.0), off(200).step(100, 1.0)],
            StoppingStrategy::CycleForever,
        ),
        ErrorKind::Config,
        "mix: schedule: the change at row 100 begins before the last one ends, at row 200",
    );
    refused(
        two(1.0, 1.0).unwrap().rows(10),
        ErrorKind::Config,
        "mix: under \"all exhausted\" an epoch has its own length; rows() is for CycleForever",
    );
}

#[test]
fn schemas_that_differ_are_named() {
    let of = |columns: Vec<(&str, ArrayRef)>| -> Arc<dyn Dataset> {
        Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap())
    };
    let long = || -> ArrayRef { Arc::new(Int64Array::from(vec![1, 2])) };
    let short = || -> ArrayRef { Arc::new(Int32Array::from(vec![1, 2])) };
    let check = |other: Vec<(&str, ArrayRef)>, text: &str| {
        let sources = vec![(of(vec![("a", long()), ("b", short())]), 1.0), (of(other), 1.0)];
        refused(
            Mix::new(sources, StoppingStrategy::AllExhausted),
            ErrorKind::Schema,
            text,
        );
    };
    check(vec![("a", long())], "mix: source 1 has no column \"b\", source 0 has");
    check(
        vec![("a", long()), ("b", long())],
        "mix: column \"b\" of source 1 is Int64, of source 0 Int32",
    );
    check(
        vec![("b", short()), ("a", long())],
        "mix: column \"a\" is number 1 in source 1, number 0 in source 0",
    );
    check(
        vec![("a", long()), ("b", short()), ("c", long())],
        "mix: source 1 has a column \"c\", source 0 has not",
    );
    let named = |names: &str| -> Arc<dyn Dataset> {
        let field = Field::new("label", DataType::Int64, false);
        let field = field.with_metadata([(CLASS_NAMES.to_owned(), names.to_owned())].into());
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![long()]).unwrap();
        Arc::new(Memory::new(vec![batch]).unwrap())
    };
    refused(
        Mix::new(
            vec![(named("[\"cat\"]"), 1.0), (named("[\"dog\"]"), 1.0)],
            StoppingStrategy::AllExhausted,
        ),
        ErrorKind::Schema,
        "mix: column \"label\" of source 1 says millstream.classes [\"dog\"], of source 0 [\"cat\"]",
    );
}

#[test]
fn an_error_names_the_row_of_its_source() {
    #[derive(Debug)]
    struct Bad;
    impl Stage for Bad {
        fn describe(&self) -> Plan {
            Plan::new("bad")
        }
        fn bind(&self, _: &Schema) -> Result<Bound> {
            let run = |row: &Row<'_>, _: Draws<'_>, out: &mut Out<'_>| {
                let encoded = row.bytes(0)?;
                out.fixed::<f32>(0)[0] = f32::from(encoded[0]);
                match encoded[0] {
                    7 => Err(millstream::Error::data("seven")),
                    _ => Ok(()),
                }
            };
            Ok(Bound::new(run)
                .reads(Read::bytes("x"))
                .writes(Output::fixed("x", DType::F32, [1])))
        }
    }
    let bytes = |from: u8| -> Arc<dyn Dataset> {
        let column = arrow::array::BinaryArray::from_iter_values((from..from + 9).map(|byte| [byte]));
        let batch = RecordBatch::try_from_iter([("x", Arc::new(column) as ArrayRef)]).unwrap();
        Arc::new(Memory::new(vec![batch]).unwrap().stage(Bad).unwrap())
    };
    let mix = Mix::new(vec![(bytes(100), 2.0), (bytes(5), 1.0)], StoppingStrategy::AllExhausted).unwrap();
    let bad = (0..18).filter(|&position| mix.source(position) == 1).nth(2).unwrap();
    let cx = context();
    let mut loader = mix.loader(&cx).batch_size(18).blocking().unwrap();
    let error = loader.next().unwrap().unwrap_err().to_string();
    assert_eq!(error, format!("row 2 in memory (position {bad}): bad \"x\": seven"));
}

const CLASSES: [usize; 4] = [600, 250, 100, 50];

fn natural(cx: &Context) -> Balance<Memory> {
    cx.block_on(table(&CLASSES).balance(cx, "label", Target::Power(1.0)))
        .unwrap()
}

fn class_at(cx: &Context, dataset: &dyn Dataset) -> impl Fn(u64) -> usize {
    move |position| dataset.provenance(cx, position).class.unwrap() as usize
}

#[test]
fn a_target_becomes_another_within_a_row_at_every_block() {
    let cx = context().with_seed(3);
    let ramp = Schedule::constant(0.0).ramp(1_000..9_000, 1.0);
    let dataset = natural(&cx).block(50).toward(Target::Uniform, ramp).unwrap();
    let (natural, uniform) = ([0.6, 0.25, 0.1, 0.05], [0.25; 4]);
    let classes: Vec<usize> = (0..14_000).map(class_at(&cx, &dataset)).collect();
    let of = |from: usize, to: usize, class| classes[from..to].iter().filter(|&&at| at == class).count();
    assert_eq!([0, 1, 2, 3].map(|class| of(0, 1000, class)), CLASSES);
    for block in (9_000..14_000).step_by(100) {
        assert_eq!(
            [0, 1, 2, 3].map(|class| of(block, block + 100, class)),
            [25; 4],
            "block at {block}"
        );
    }
    let mut asked = [0.0; 4];
    for row in 0..14_000 {
        let x = ((row as f64 - 1_000.0) / 8_000.0).clamp(0.0, 1.0);
        for class in 0..4 {
            asked[class] += (1.0 - x) * natural[class] + x * uniform[class];
            if (row + 1) % 50 == 0 {
                let given = of(0, row + 1, class) as f64;
                // Inside a piece the share stands still while the ramp goes on: at most 1024^2 / 8 * slope rows apart.
                let slope = (uniform[class] - natural[class]).abs() / 8_000.0;
                let apart = 2.0 + 1024.0 * 1024.0 / 8.0 * slope;
                assert!(
                    (given - asked[class]).abs() <= apart,
                    "class {class} at {row}: {given}, {}",
                    asked[class]
                );
            }
        }
    }
    let text = dataset.describe().to_string();
    assert!(
        text.contains("toward share changes rows end 9000, start 1000, to 1, first 0, target uniform"),
        "{text}"
    );
    assert!(text.contains("until row 9000"), "{text}");
    cx.block_on(check_law(&cx, &dataset, 1)).unwrap();
}

fn smote(cx: &Context) -> Arc<Smote> {
    let rows: Arc<dyn Stable> = Arc::new(table(&CLASSES));
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label")).unwrap());
    Arc::new(cx.block_on(Smote::fit(cx, rows, &labels, SmoteSpec::new("x"))).unwrap())
}

#[test]
fn a_synthetic_share_warms_up_and_goes_off() {
    let cx = context().with_seed(3);
    let share = Schedule::constant(0.0).ramp(2_000..6_000, 0.8).off(10_000);
    let uniform = cx
        .block_on(table(&CLASSES).balance(&cx, "label", Target::Uniform))
        .unwrap();
    let dataset = uniform.fill(smote(&cx), share.clone()).unwrap();
    let traces: Vec<_> = (0..13_000).map(|position| dataset.provenance(&cx, position)).collect();
    let made = |from: usize, to: usize, class: u32| {
        let rows = traces[from..to].iter().filter(|trace| trace.class == Some(class));
        rows.filter(|trace| trace.origin == Origin::Synthetic).count() as f64
    };
    // Bends are moved down to a multiple of the block of 64.
    for class in 0..4 {
        assert_eq!(
            (made(0, 1984, class), made(9984, 13_000, class)),
            (0.0, 0.0),
            "before and after"
        );
        // Of 250 an epoch 0, 150 and 200 go beyond what is stored.
        let beyond = [0.0, 0.0, 150.0, 200.0][class as usize] / 1000.0;
        let level = made(6_016, 9_984, class);
        assert!((level - 3_968.0 * beyond * 0.8).abs() <= 3.0, "class {class}: {level}");
        for (from, to, mean) in [(1_984, 3_968, 0.2), (3_968, 5_952, 0.6)] {
            let ramp = made(from, to, class);
            assert!((ramp - 1_984.0 * beyond * mean).abs() <= 4.0, "class {class}: {ramp}");
        }
    }
    // Stored rows come in passes, whatever the share is.
    let mut seen: BTreeMap<(Option<u32>, u64), BTreeSet<u64>> = BTreeMap::new();
    for trace in traces.iter().filter(|trace| trace.origin == Origin::Real) {
        assert!(
            seen.entry((trace.class, trace.occurrence))
                .or_default()
                .insert(trace.places[0].row),
            "twice in a pass"
        );
    }
    // 203 blocks of 64, each with 16 rows of every class.
    for class in 0..4 {
        let of = traces[..12_992].iter().filter(|trace| trace.class == Some(class));
        assert_eq!(of.count(), 3248);
    }
    cx.block_on(check_law(&cx, &dataset, 1)).unwrap();
    check_loader(3, 90, |cx| {
        let uniform = cx.block_on(table(&CLASSES).balance(cx, "label", Target::Uniform))?;
        uniform.fill(smote(cx), share.clone())
    })
    .unwrap();
}

/// The most often that a stored row comes in one epoch, and the rows of each class.
fn most(cx: &Context, dataset: &dyn Dataset, epoch: u64) -> (usize, [u64; 4]) {
    let rows = dataset.len().finite().unwrap();
    let (mut times, mut classes) = (BTreeMap::new(), [0; 4]);
    for position in epoch * rows..(epoch + 1) * rows {
        let trace = dataset.provenance(cx, position);
        classes[trace.class.unwrap() as usize] += 1;
        if trace.origin == Origin::Real {
            *times.entry(trace.places[0].row).or_insert(0) += 1;
        }
    }
    (times.values().copied().max().unwrap(), classes)
}

#[test]
fn no_row_comes_more_often_than_the_cap() {
    let cx = context().with_seed(3);
    let uniform = || {
        cx.block_on(table(&CLASSES).balance(&cx, "label", Target::Uniform))
            .unwrap()
    };
    assert_eq!(most(&cx, &uniform(), 0), (5, [250; 4]));
    for (times, expected) in [
        (1, [425, 250, 100, 50]),
        (2, [350, 350, 200, 100]),
        (3, [283, 283, 283, 150]),
        (9, [250; 4]),
    ] {
        let dataset = uniform().cap(times).unwrap();
        for epoch in 0..4 {
            let (most, classes) = most(&cx, &dataset, epoch);
            assert!(most as u64 <= times, "{most} times, the cap is {times}");
            let near = classes
                .iter()
                .zip(expected)
                .all(|(&is, wanted)| is.abs_diff(wanted) <= 1);
            assert!(near || times == 1, "cap {times}: {classes:?}");
        }
        cx.block_on(check_law(&cx, &dataset, 1)).unwrap();
    }
    // Under 1 the largest class takes what the others lack, which it has; 1,000 rows are all rows once.
    assert_eq!(most(&cx, &uniform().cap(1).unwrap(), 2), (1, [600, 250, 100, 50]));
    let longer = uniform().rows(5_000).cap(2).unwrap();
    assert_eq!(
        longer.len().finite(),
        Some(2000),
        "every class is full, so the epoch is shorter"
    );
    assert_eq!(most(&cx, &longer, 1), (2, [1200, 500, 200, 100]));
    let text = longer.describe().to_string();
    assert!(
        text.contains("cap 2") && text.contains("2000 rows an epoch, not 5000"),
        "{text}"
    );
    let text = uniform().cap(2).unwrap().describe().to_string();
    assert!(
        text.contains("cap 2: class 0 250 -> 350, class 1 250 -> 350, class 2 250 -> 200, class 3 250 -> 100"),
        "{text}"
    );
    assert!(
        uniform()
            .cap(9)
            .unwrap()
            .describe()
            .to_string()
            .contains("cap 9: changes nothing")
    );
    let filled = uniform().fill(smote(&cx), 0.5).unwrap().cap(2).unwrap();
    for epoch in 0..3 {
        let (most, classes) = most(&cx, &filled, epoch);
        assert!(most <= 2 && classes.iter().sum::<u64>() == 1000, "{most} {classes:?}");
        // 50 rows twice, and half of the 100 that go beyond 50.
        assert_eq!(classes[3], 150, "{classes:?}");
    }
}

#[test]
fn schedules_and_caps_that_make_no_sense_are_named() {
    let cx = context();
    let ramp = |to| Schedule::constant(0.0).ramp(0..100, to);
    let config = |result: Result<Balance<Memory>>, text: &str| refused(result, ErrorKind::Config, text);
    let text = "cap: a row that may come 0 times never comes; the least is 1";
    config(natural(&cx).cap(0), text);
    let text = "toward: the share of the second target is 1.5, not in 0 to 1";
    config(natural(&cx).toward(Target::Uniform, ramp(1.5)), text);
    let text = "fill: the synthetic share is -0.5, not in 0 to 1";
    config(natural(&cx).fill(smote(&cx), ramp(-0.5)), text);
    config(
        natural(&cx).toward(Target::Weights(vec![1.0]), ramp(1.0)),
        "1 weights for 4 classes",
    );
    let text = "cap: epochs differ where a schedule changes them, so nothing can be capped";
    config(natural(&cx).cap(2).unwrap().toward(Target::Uniform, ramp(1.0)), text);
    config(natural(&cx).fill(smote(&cx), ramp(1.0)).unwrap().cap(2), text);
    let text = "schedule: a ramp over 9..5 ends before it begins";
    #[allow(clippy::reversed_empty_ranges, reason = "that is the mistake")]
    let backwards = Schedule::constant(0.0).ramp(9..5, 1.0);
    config(natural(&cx).toward(Target::Uniform, backwards), text);
}

#[test]
fn a_constant_schedule_changes_nothing() {
    let cx = context().with_seed(3);
    let uniform = || {
        cx.block_on(table(&CLASSES).balance(&cx, "label", Target::Uniform))
            .unwrap()
    };
    let (plain, constant) = (
        uniform().fill(smote(&cx), 0.5).unwrap(),
        uniform().fill(smote(&cx), Schedule::constant(0.5)).unwrap(),
    );
    assert_eq!(plain.describe().fingerprint(), constant.describe().fingerprint());
    assert_eq!(take(&cx, &plain, 0..500), take(&cx, &constant, 0..500));
}

#[test]
fn rows_beyond_two_to_the_32_come_once() {
    let cx = context().with_seed(9);
    let (large, small) = ((1_u64 << 33) + 5, (1_u64 << 24) + 3);
    let source = |rows| Arc::new(Virtual::new(rows, 4).unwrap().shuffle()) as Arc<dyn Dataset>;
    let mix = Mix::new(
        vec![(source(large), 0.9), (source(small), 0.1)],
        StoppingStrategy::CycleUntilAllExhausted,
    )
    .unwrap();
    let rows = mix.len().finite().unwrap();
    assert!(rows.abs_diff(large / 9 * 10) < 20, "{rows}");
    let mut seen = BTreeSet::new();
    let mut odd = 0;
    for start in [0, 1 << 24, 1 << 32, (1 << 33) - 100, rows - 3_000] {
        let ids = take(&cx, &mix, start..start + 3_000);
        for (position, &id) in (start..).zip(&ids) {
            if mix.source(position) == 0 {
                assert!((0..large as i64).contains(&id) && seen.insert(id), "{id} at {position}");
                odd += id % 2;
            }
        }
    }
    // A 32-bit float holds no odd number above 2^24.
    assert!(
        (5_800..7_700).contains(&odd) && seen.iter().filter(|id| **id > 1 << 32).count() > 3_000,
        "{odd}"
    );
    let again = take(&cx, &mix, 0..3_000);
    assert_ne!(
        again,
        take(&cx, &mix, rows..rows + 3_000),
        "the next epoch has another order"
    );
}

#[test]
fn a_balance_of_more_than_two_to_the_24_rows() {
    let cx = context().with_seed(9);
    let rows = (1 << 24) + 1000;
    let dataset = Virtual::new(rows, 8).unwrap();
    let dataset = cx.block_on(dataset.balance(&cx, "label", Target::Uniform)).unwrap();
    let quotas = dataset.quotas();
    assert_eq!(quotas.iter().map(|class| class.stored).sum::<u64>(), rows);
    assert!(
        quotas.iter().all(|class| class.rows.abs_diff(rows / 8) <= 1),
        "{quotas:?}"
    );
    let mut seen = BTreeSet::new();
    for start in [0, (1 << 23) + 64, rows - 6_400] {
        check_proportions(
            start / 64 * 64..start / 64 * 64 + 6_400,
            64,
            class_at(&cx, &dataset),
            |_| vec![0.125; 8],
        )
        .unwrap();
        for position in start..start + 2_000 {
            let trace = dataset.provenance(&cx, position);
            if trace.class == Some(0) {
                assert!(
                    seen.insert(trace.places[0].row),
                    "a row of half the data twice in an epoch"
                );
            }
        }
    }
}

#[test]
fn a_run_resumes_beyond_two_to_the_33() {
    let cx = Context::with(2, 1 << 26).unwrap().with_seed(4);
    let source = |rows| Arc::new(Virtual::new(rows, 3).unwrap().shuffle()) as Arc<dyn Dataset>;
    let weights = vec![(source(1 << 33), 0.8), (source(1 << 20), 0.2)];
    let mix: Arc<dyn Dataset> = Arc::new(Mix::new(weights, StoppingStrategy::CycleForever).unwrap());
    let open = || Arc::clone(&mix).loader(&cx);
    let mut far = open().batch_size(17).skip((1 << 33) / 17).blocking().unwrap();
    let cursor = far.next().unwrap().unwrap().cursor().to_string().parse().unwrap();
    let mut resumed = open().batch_size(50).resume(&cursor).unwrap().blocking().unwrap();
    let batch = resumed.next().unwrap().unwrap();
    let start = (1 << 33) / 17 * 17 + 17;
    assert!(start > 1 << 33);
    let positions: Vec<u64> = (start..start + 50).collect();
    assert_eq!(batch.positions(), positions);
    assert_eq!(batch.rows(), &cx.block_on(mix.take(&cx, &positions)).unwrap());
    assert_eq!(batch.cursor().position(), start + 50);
}

/// Shares of `n^(1/T)` over all sources, as multilingual training samples its languages.
#[test]
fn a_temperature_weighs_by_size() {
    let sources = || -> Vec<Arc<dyn Dataset>> {
        let counts = [900, 100, 16].into_iter().zip(0..);
        counts
            .map(|(count, source)| Arc::new(rows(source, count).shuffle_window(2)) as _)
            .collect()
    };
    for (temperature, weights) in [
        (1.0, [900.0, 100.0, 16.0]),
        (2.0, [30.0, 10.0, 4.0]),
        (5.0, [3.898_060, 2.511_886, 1.741_101]),
        (1e9, [1.0, 1.0, 1.0]),
    ] {
        let mix = Mix::by_size(sources(), temperature, StoppingStrategy::AllExhausted).unwrap();
        for (share, expected) in mix.shares(0).iter().zip(normal(&weights)) {
            assert!(
                (share - expected).abs() < 2e-6,
                "{temperature}: {share}, not {expected}"
            );
        }
    }
    // It is the mix of these weights, and it is printed.
    let by_size = Mix::by_size(sources(), 2.0, StoppingStrategy::CycleUntilAllExhausted).unwrap();
    let by_weights = mix(
        &[900, 100, 16],
        &[30.0, 10.0, 4.0],
        StoppingStrategy::CycleUntilAllExhausted,
    );
    let cx = context();
    assert_eq!(take(&cx, &by_size, 0..500), take(&cx, &by_weights, 0..500));
    let plan = by_size.describe().to_string();
    assert!(
        plan.contains("temperature 2") && plan.contains("in the proportion 15 : 5 : 2"),
        "{plan}"
    );
    for (temperature, said) in [
        (0.0, "mix: temperature is 0, and has to be a number above 0"),
        (f64::NAN, "mix: temperature is NaN, and has to be a number above 0"),
    ] {
        let error = Mix::by_size(sources(), temperature, StoppingStrategy::CycleForever);
        refused(error, ErrorKind::Config, said);
    }
    let endless = vec![Arc::new(mix(&[9], &[1.0], StoppingStrategy::CycleForever)) as Arc<dyn Dataset>];
    let error = Mix::by_size(endless, 2.0, StoppingStrategy::CycleForever);
    common::refusal(error, ErrorKind::Config, "source 0 has no end");
}
