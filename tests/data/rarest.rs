//! Balance of rows with several classes: quotas by the rarest class, and repeat factors.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, AsArray, Int64Array, ListArray, RecordBatch};
use arrow::datatypes::Int64Type;
use common::{context, ids, in_batches, ints, refused};
use millstream::error::ErrorKind;
use millstream::mix::{Balance, BalanceSpec, Schedule, Target};
use millstream::rng::Rng;
use millstream::rows::{Labels, MultiLabels};
use millstream::source::Memory;
use millstream::{Context, Dataset, DatasetExt};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `id` and `objects`, a list of classes, in batches of ten.
fn objects(rows: &[Vec<i64>]) -> Memory {
    let id = Int64Array::from_iter_values(0..rows.len() as i64);
    let lists = rows
        .iter()
        .map(|row| Some(row.iter().copied().map(Some).collect::<Vec<_>>()));
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
    let columns: [(&str, ArrayRef); 2] = [("id", Arc::new(id)), ("objects", Arc::new(lists))];
    Memory::new(in_batches(&RecordBatch::try_from_iter(columns).unwrap(), 10)).unwrap()
}

/// 120 pictures: all but the last four have class 0, some several times, 30 of them class 1, seven class 2 and two class 3 as well.
fn pictures() -> Vec<Vec<i64>> {
    let mut rng = Rng::new(5, "pictures", 0);
    let mut rows: Vec<Vec<i64>> = (0..116).map(|row| vec![0; 1 + row % 3]).collect();
    for (class, count) in [(1, 30), (2, 7), (3, 2)] {
        let mut left = count;
        while left > 0 {
            let row = &mut rows[rng.below(116) as usize];
            if !row.contains(&class) {
                row.insert(0, class);
                left -= 1;
            }
        }
    }
    rows.resize(120, Vec::new());
    rows
}

fn rarest(cx: &Context, target: Target) -> Balance<Memory> {
    cx.block_on(objects(&pictures()).balance_rarest(cx, "objects", target))
        .unwrap()
}

fn take(cx: &Context, dataset: &dyn Dataset, positions: std::ops::Range<u64>) -> RecordBatch {
    cx.block_on(dataset.take(cx, &positions.collect::<Vec<_>>())).unwrap()
}

/// How often each row comes.
fn times(ids: &[i64]) -> BTreeMap<i64, u64> {
    let mut times = BTreeMap::new();
    ids.iter().for_each(|&id| *times.entry(id).or_default() += 1);
    times
}

fn factor(row: &[i64], threshold: f64) -> f64 {
    let with = [116.0, 30.0, 7.0, 2.0];
    let factors = row
        .iter()
        .map(|&class| (threshold * 120.0 / with[class as usize]).sqrt().max(1.0));
    factors.fold(1.0, f64::max)
}

#[test]
fn a_row_counts_for_the_rarest_of_its_classes() {
    let rows = pictures();
    let labels = MultiLabels::new(
        "objects",
        ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
        rows.iter()
            .map(|row| row.iter().map(|&class| class as u32).collect::<Vec<_>>()),
    )
    .unwrap();
    assert_eq!((labels.counts(), labels.without_class()), (vec![116, 30, 7, 2], 4));
    let rarest = labels.rarest();
    assert_eq!((rarest.names().len(), rarest.column()), (5, Labels::RAREST));
    for (row, class) in rows.iter().zip(rarest.iter()) {
        assert_eq!(i64::from(class), row.iter().copied().max().unwrap_or(4), "{row:?}");
    }
    // Of equally rare classes the first, and no class for rows without one where there are none.
    let labels = MultiLabels::new("tags", vec!["a".into(), "b".into()], [vec![1, 0], vec![0, 1, 1]]).unwrap();
    assert_eq!(
        (labels.rarest().names().len(), labels.rarest().counts()),
        (2, vec![2, 0])
    );
    let twice = MultiLabels::new("tags", vec!["a".into(), "a".into()], [vec![0]]);
    refused(
        twice,
        ErrorKind::Schema,
        "column \"tags\": the class name \"a\" comes twice",
    );
    let outside = MultiLabels::new("tags", vec!["a".into()], [vec![0], vec![1]]);
    let message = "row 1: column \"tags\": label 1 is outside the 1 class names";
    refused(outside, ErrorKind::Data, message);
}

#[test]
fn quotas_of_the_rarest_class_are_exact_and_the_lists_stay() {
    let cx = context().with_seed(3);
    let balance = rarest(&cx, Target::Weights(vec![4.0, 2.0, 1.0, 1.0, 0.0])).block(8);
    let rows = pictures();
    let taken = take(&cx, &balance, 0..240);
    let classes = ints(&taken, Labels::RAREST);
    for block in classes.chunks(8) {
        let count = |class: i64| block.iter().filter(|&&other| other == class).count();
        assert_eq!([0, 1, 2, 3, 4].map(count), [4, 2, 1, 1, 0]);
    }
    let lists = taken["objects"].as_list::<i32>();
    for (at, &id) in ids(&taken).iter().enumerate() {
        let list = lists.value(at);
        assert_eq!(list.as_primitive::<Int64Type>().values(), &rows[id as usize][..]);
        let provenance = balance.provenance(&cx, at as u64);
        assert_eq!(provenance.class.map(i64::from), Some(classes[at]));
        assert_eq!(rows[id as usize].iter().copied().max(), Some(classes[at]));
    }
    // What was emitted is known before a row is read.
    let prior = balance.loader(&cx).batch_size(8).class_prior(0).unwrap();
    assert_eq!(prior.names(), ["0", "1", "2", "3", "(none)"]);
    assert_eq!(prior.counts(), [60.0, 30.0, 15.0, 15.0, 0.0]);
}

#[test]
fn a_repeat_factor_is_dealt_exactly_over_epochs() {
    let cx = context().with_seed(3);
    for threshold in [0.1, 0.5, 1.0] {
        let balance = rarest(&cx, Target::RepeatFactor(threshold));
        let rows = pictures();
        let sum: f64 = rows.iter().map(|row| factor(row, threshold)).sum();
        let epoch = balance.len().finite().unwrap();
        assert_eq!(epoch, sum.round() as u64);
        let ids = ids(&take(&cx, &balance, 0..12 * epoch));
        // At the ends of blocks, inside of which rows come in random order.
        for blocks in [1, 2, 5, 12].map(|epochs| epochs * epoch / Balance::<Memory>::BLOCK) {
            let taken = blocks * Balance::<Memory>::BLOCK;
            let times = times(&ids[..taken as usize]);
            for (id, row) in (0..).zip(&rows) {
                let due = factor(row, threshold) * taken as f64 / sum;
                let came = times.get(&id).copied().unwrap_or(0) as f64;
                // Within one row of a pass over those that count for the same class, and within one of their share.
                assert!(
                    (came - due).abs() < 2.0,
                    "row {id} of {row:?} came {came} times in {taken} rows, {due} are due"
                );
            }
        }
        // A frequent class is left as it is: over twelve epochs each of its rows comes twelve times, give or take one.
        let of_all = times(&ids);
        let frequent = rows.iter().position(|row| row.iter().all(|&class| class == 0)).unwrap() as i64;
        assert!(
            (11..=13).contains(&of_all[&frequent]) && (11..=13).contains(&of_all[&119]),
            "{threshold}"
        );
    }
}

#[test]
fn fractions_are_no_chance() {
    // One picture in 25 has a bus: 2.5 times an epoch each, five times in two.
    let cx = context().with_seed(3);
    let rows: Vec<Vec<i64>> = (0..100)
        .map(|row| if row % 25 == 0 { vec![0, 1] } else { vec![0] })
        .collect();
    let balance = cx
        .block_on(objects(&rows).balance_rarest(&cx, "objects", Target::RepeatFactor(0.25)))
        .unwrap();
    assert_eq!(balance.len().finite(), Some(106));
    // Blocks that end with every second epoch.
    let balance = balance.block(53);
    let ids = ids(&take(&cx, &balance, 0..106 * 20));
    for two in ids.chunks(212) {
        let times = times(two);
        for bus in [0, 25, 50, 75] {
            assert_eq!(times[&bus], 5, "row {bus}");
        }
        assert!((0..100).filter(|row| row % 25 != 0).all(|row| times[&row] == 2));
    }
}

#[test]
fn one_class_a_row_is_repeated_likewise() {
    let cx = context();
    let rows = common::table(&[90, 9, 1]);
    let balance = cx
        .block_on(rows.balance(&cx, "label", Target::RepeatFactor(0.25)))
        .unwrap();
    // 1, sqrt(0.25 / 0.09) and sqrt(0.25 / 0.01).
    let sum = 90.0 + 9.0 * 5.0 / 3.0 + 5.0_f64;
    assert_eq!(balance.len().finite(), Some(sum as u64));
    let quotas: Vec<u64> = balance.quotas().iter().map(|quota| quota.rows).collect();
    assert_eq!(quotas, [90, 15, 5]);
}

#[test]
fn it_is_explained_and_its_spec_makes_it_again() {
    let cx = context();
    let balance = rarest(&cx, Target::RepeatFactor(0.5));
    let plan = balance.describe().to_string();
    for part in [
        "a row counts for the rarest of its classes",
        "repeat factor 1.414",
        "repeat factor 5.477",
        "one that is due 2.5 times an epoch comes five times in two",
    ] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    let spec = balance.spec();
    assert_eq!(spec.rows, None);
    assert_eq!(serde_json::to_string(&spec.target).unwrap(), r#"{"repeat_factor":0.5}"#);
    let rows = objects(&pictures());
    let labels = cx.block_on(MultiLabels::scan(&cx, &rows, "objects")).unwrap();
    let again = rows.balance_rarest_with(&cx, &labels, &spec, None).unwrap();
    assert_eq!(again.describe().settings(), balance.describe().settings());
    assert_eq!(take(&cx, &again, 0..300), take(&cx, &balance, 0..300));
    // What else a balance can be stays possible.
    let spec = BalanceSpec {
        target: Target::RepeatFactor(0.5),
        rows: Some(64),
        block: 16,
        ..BalanceSpec::default()
    };
    let shorter = objects(&pictures())
        .balance_rarest_with(&cx, &labels, &spec, None)
        .unwrap();
    assert_eq!((shorter.len().finite(), shorter.spec()), (Some(64), spec));
    let ramp = Schedule::constant(0.0).ramp(0..640, 1.0);
    assert!(
        rarest(&cx, Target::Power(1.0))
            .toward(Target::RepeatFactor(0.5), ramp)
            .is_ok()
    );
    assert!(rarest(&cx, Target::Uniform).cap(2).is_ok());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let cx = context();
    let of = |target| cx.block_on(objects(&pictures()).balance_rarest(&cx, "objects", target));
    for bad in [0.0, -1.0, 1.5, f64::NAN] {
        let message = format!("repeat_factor is {bad}, but has to be above 0 and at most 1");
        assert!(
            of(Target::RepeatFactor(bad))
                .unwrap_err()
                .to_string()
                .ends_with(&message),
            "{bad}"
        );
    }
    let error = of(Target::Weights(vec![1.0; 4])).unwrap_err().to_string();
    assert!(error.contains("4 weights for 5 classes"), "{error}");
    refused(
        rarest(&cx, Target::RepeatFactor(0.5)).cap(2),
        ErrorKind::Config,
        "cap: a repeat factor says how often a row comes: leave the cap out, or take a lower factor",
    );
    let again = cx.block_on(objects(&pictures()).balance_rarest(&cx, "id", Target::Uniform));
    assert!(
        again
            .unwrap_err()
            .to_string()
            .contains("where a list of labels is needed")
    );
    let rows = objects(&pictures());
    let labels = cx.block_on(MultiLabels::scan(&cx, &rows, "objects")).unwrap();
    let fewer = labels.select(&[0, 1, 2]);
    let error = rows
        .balance_rarest_with(&cx, &fewer, &BalanceSpec::default(), None)
        .unwrap_err();
    assert_eq!(error.to_string(), "3 labels for a dataset of 120 rows");
    let id: ArrayRef = Arc::new(Int64Array::from(vec![0; 120]));
    let taken = Memory::new(vec![RecordBatch::try_from_iter([(Labels::RAREST, id)]).unwrap()]).unwrap();
    let error = taken
        .balance_rarest_with(&cx, &labels, &BalanceSpec::default(), None)
        .unwrap_err();
    assert!(
        error.to_string().contains("there is a column \"rarest_class\" already"),
        "{error}"
    );
}

#[test]
fn a_row_without_a_balance_knows_its_rarest_class() {
    let cx = context();
    let rows = pictures();
    let labels = cx.block_on(MultiLabels::scan(&cx, &objects(&rows), "objects")).unwrap();
    let known = objects(&rows).rarest_class(&labels).unwrap();
    let of: Vec<u32> = labels.rarest().iter().collect();
    let taken = take(&cx, &known, 0..120);
    assert_eq!(
        ints(&taken, Labels::RAREST),
        of.iter().map(|&class| class.into()).collect::<Vec<i64>>()
    );
    for (row, &class) in of.iter().enumerate() {
        assert_eq!(known.provenance(&cx, row as u64).class, Some(class));
    }
    let counts = |class: u32| of.iter().filter(|&&own| own == class).count() as u64;
    let classes = millstream::image::Classes::of_rarest(&labels);
    assert_eq!(classes.names, ["0", "1", "2", "3", "(none)"]);
    assert_eq!(classes.counts, [116, 30, 7, 2, 120]);
    assert_eq!(classes.rarest, (0..5).map(counts).collect::<Vec<_>>());
    // A balance has the column already.
    let again = known.rarest_class(&labels).map(drop);
    assert!(
        again
            .unwrap_err()
            .to_string()
            .contains("there is a column \"rarest_class\" already")
    );
}
