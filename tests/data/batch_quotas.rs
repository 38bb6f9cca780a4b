//! Exact quotas in every batch, by class and origin.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use common::{context, ids, ints, refused_with, table};
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::loader::{Batch, LoaderBuilder};
use millstream::mix::{Balance, BalanceSpec, BatchPart, BatchSpec, Schedule, Target};
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::spec::read_toml;
use millstream::synthetic::{Generator, Smote, SmoteSpec};
use millstream::{Context, Cursor, Dataset, DatasetExt, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const COUNTS: [usize; 3] = [70, 20, 9];

fn smote(cx: &Context) -> Arc<dyn Generator> {
    let rows = Arc::new(table(&COUNTS));
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label")).unwrap());
    Arc::new(
        cx.block_on(Smote::fit(cx, rows, &labels, SmoteSpec::new("x").largest(30)))
            .unwrap(),
    )
}

/// Half of class 0, a quarter of the other classes' stored rows, a quarter synthetic ones of them.
fn parts() -> [BatchPart; 3] {
    [
        BatchPart::of("class 0", 0.5),
        BatchPart::others(0.25),
        BatchPart::others(0.25).synthetic(),
    ]
}

fn balanced(cx: &Context, size: u64, parts: &[BatchPart]) -> Result<Balance<Memory>> {
    let balance = cx.block_on(table(&COUNTS).balance(cx, "label", Target::Uniform))?;
    balance.batches(size, parts, Some(smote(cx)))
}

/// Rows of each class and origin.
fn counts(batch: &Batch) -> BTreeMap<(u32, Origin), usize> {
    let mut counts = BTreeMap::new();
    for (trace, label) in batch.provenance().iter().zip(ints(batch.rows(), "label")) {
        assert_eq!(trace.class.map(i64::from), Some(label));
        *counts.entry((trace.class.unwrap(), trace.origin)).or_insert(0) += 1;
    }
    counts
}

fn loader(cx: &Context, size: u64) -> LoaderBuilder {
    balanced(cx, size, &parts()).unwrap().loader(cx).batch_size(size)
}

#[test]
fn every_batch_has_exactly_its_parts() {
    let cx = context().with_seed(4);
    for batch in loader(&cx, 16).blocking().unwrap().take(40) {
        let counts = counts(&batch.unwrap());
        let expected = [
            ((0, Origin::Real), 8),
            ((1, Origin::Real), 2),
            ((1, Origin::Synthetic), 2),
            ((2, Origin::Real), 2),
            ((2, Origin::Synthetic), 2),
        ];
        assert_eq!(counts, expected.into());
    }
}

#[test]
fn what_does_not_divide_is_rounded_and_exact_over_the_batches() {
    let cx = context();
    let mut sums: BTreeMap<(u32, Origin), usize> = BTreeMap::new();
    for (at, batch) in (1..).zip(loader(&cx, 10).blocking().unwrap().take(60)) {
        let counts = counts(&batch.unwrap());
        let of = |origin| {
            counts
                .iter()
                .filter(|((class, own), _)| *class > 0 && *own == origin)
                .map(|(_, rows)| rows)
                .sum()
        };
        let (real, synthetic): (usize, usize) = (of(Origin::Real), of(Origin::Synthetic));
        assert_eq!(counts[&(0, Origin::Real)], 5);
        assert!([2, 3].contains(&real) && real + synthetic == 5, "{real} {synthetic}");
        counts
            .into_iter()
            .for_each(|(of, rows)| *sums.entry(of).or_default() += rows);
        if at % 2 == 0 {
            let all: usize = (1..3)
                .map(|class| sums.get(&(class, Origin::Synthetic)).copied().unwrap_or(0))
                .sum();
            assert_eq!(all, at * 5 / 2);
        }
    }
    assert_eq!(sums.values().copied().collect::<Vec<_>>(), [300, 75, 75, 75, 75]);
}

#[test]
fn rows_of_a_class_come_in_passes_and_synthetic_ones_are_all_others() {
    let cx = context().with_seed(9);
    let balance = balanced(&cx, 16, &parts()).unwrap();
    let rows = cx
        .block_on(balance.take(&cx, &(0..16 * 18).collect::<Vec<_>>()))
        .unwrap();
    let traces: Vec<_> = (0..16 * 18).map(|position| balance.provenance(&cx, position)).collect();
    let mut stored: BTreeMap<(i64, u64), BTreeSet<i64>> = BTreeMap::new();
    for (trace, (label, id)) in traces.iter().zip(ints(&rows, "label").into_iter().zip(ids(&rows))) {
        if trace.origin == Origin::Real {
            let is_new = stored.entry((label, trace.occurrence)).or_default().insert(id);
            assert!(is_new, "row {id} comes twice in pass {}", trace.occurrence);
        }
    }
    // Two of class 2's nine rows a batch: four passes in 18 batches, each of all nine.
    for pass in 0..4 {
        assert_eq!(stored[&(2, pass)].len(), 9);
    }
    assert_eq!(stored.get(&(2, 4)), None);
    let parents: BTreeSet<_> = traces
        .iter()
        .filter(|trace| trace.origin == Origin::Synthetic)
        .map(|trace| format!("{:?}", trace.places))
        .collect();
    assert!(parents.len() > 40, "{}", parents.len());
}

#[test]
fn the_prior_counts_what_comes_of_every_class() {
    let cx = context();
    // An epoch of 99 rows is rounded up to seven batches.
    let prior = loader(&cx, 16).class_prior(0).unwrap();
    assert_eq!(prior.counts(), [56.0, 28.0, 28.0]);
    let prior = loader(&cx, 16).class_prior_of_steps(3..5).unwrap();
    assert_eq!(prior.counts(), [16.0, 8.0, 8.0]);
    let quotas = balanced(&cx, 16, &parts()).unwrap().quotas();
    let quotas: Vec<_> = quotas.iter().map(|class| (class.rows, class.synthetic)).collect();
    assert_eq!(quotas, [(56, 0), (28, 14), (28, 14)]);
}

#[test]
fn ranks_have_their_share_of_each_part_and_the_global_batch_is_the_same() {
    let cx = context().with_seed(5);
    let whole: Vec<Vec<i64>> = loader(&cx, 16)
        .blocking()
        .unwrap()
        .take(8)
        .map(|batch| ids(batch.unwrap().rows()))
        .collect();
    for world in [2, 4] {
        let mut pieces = vec![Vec::new(); 8];
        for rank in 0..world {
            let batches = loader(&cx, 16).shard(rank, world).blocking().unwrap().take(8);
            for (at, batch) in batches.enumerate() {
                let batch = batch.unwrap();
                let counts = counts(&batch);
                assert_eq!(counts[&(0, Origin::Real)] as u64, 8 / world, "rank {rank} of {world}");
                let synthetic: usize = counts
                    .iter()
                    .filter(|((_, origin), _)| *origin == Origin::Synthetic)
                    .map(|(_, rows)| rows)
                    .sum();
                assert_eq!(synthetic as u64, 4 / world);
                pieces[at].extend(ids(batch.rows()));
            }
        }
        assert_eq!(pieces, whole, "{world}");
    }
}

#[test]
fn a_run_goes_on_in_the_middle_of_an_epoch_and_of_a_batch_of_its_loader() {
    let cx = context().with_seed(6);
    let all: Vec<(Vec<i64>, Cursor)> = loader(&cx, 10)
        .blocking()
        .unwrap()
        .take(14)
        .map(|batch| {
            let batch = batch.unwrap();
            (ids(batch.rows()), batch.cursor())
        })
        .collect();
    for at in [0, 3, 8, 12] {
        let cursor: Cursor = all[at].1.to_string().parse().unwrap();
        let rest: Vec<Vec<i64>> = loader(&Context::with(1, 1 << 26).unwrap().with_seed(6), 10)
            .resume(&cursor)
            .unwrap()
            .blocking()
            .unwrap()
            .take(13 - at)
            .map(|batch| ids(batch.unwrap().rows()))
            .collect();
        let expected: Vec<Vec<i64>> = all[at + 1..].iter().map(|(ids, _)| ids.clone()).collect();
        assert_eq!(rest, expected, "after batch {at}");
    }
}

#[test]
fn a_recipe_says_it_in_one_line() {
    let cx = context();
    let spec: BalanceSpec = read_toml(
        r#"batch = { size = 16, parts = [{ class = "class 0", share = 0.5 }, { share = 0.25 }, { origin = "synthetic", share = 0.25 }] }"#,
    )
    .unwrap();
    let parts = parts().to_vec();
    assert_eq!(
        spec.batch,
        Some(BatchSpec {
            size: 16,
            parts: parts.clone()
        })
    );
    let by_spec = cx
        .block_on(table(&COUNTS).balance_with(&cx, "label", &spec, Some(smote(&cx))))
        .unwrap();
    let by_code = balanced(&cx, 16, &parts).unwrap();
    assert_eq!(by_spec.spec(), by_code.spec());
    assert_eq!(by_spec.describe().fingerprint(), by_code.describe().fingerprint());
    let explained = by_code.describe().to_string();
    for line in [
        "of each batch of 16 rows, over rounds of 1 batch:",
        "8 stored rows of class 0",
        "4 synthetic rows of all classes that can be made",
    ] {
        assert!(explained.contains(line), "{line}: {explained}");
    }
}

#[test]
fn what_a_batch_cannot_hold_is_refused() {
    let cx = context();
    let of = |size, parts: &[BatchPart]| balanced(&cx, size, parts).map(drop);
    let refused = |result: Result<()>, text: &str| refused_with(result, ErrorKind::Config, &["batch: ", text]);
    refused(
        of(8, &[BatchPart::of("class 2", 0.05), BatchPart::others(0.95)]),
        "a batch of 8 rows cannot hold stored rows of class 2, of which it would have 0.40: take batches of at least 20 rows",
    );
    refused(of(8, &[]), "there are no parts, and a batch is made of at least one");
    refused(
        of(8, &[BatchPart::others(0.5)]),
        "the shares of the parts sum to 0.5, and have to sum to 1",
    );
    refused(
        of(8, &[BatchPart::others(0.5), BatchPart::others(0.5)]),
        "two parts are of stored rows of all classes",
    );
    refused(
        of(8, &[BatchPart::of("class 3", 1.0)]),
        "there is no class \"class 3\" (do you mean \"class 0\"?); the classes are class 0, class 1, class 2",
    );
    // The generator was fitted to classes of at most 30 rows.
    refused(
        of(8, &[BatchPart::of("class 0", 0.5).synthetic(), BatchPart::others(0.5)]),
        "a part of each batch is of the class \"class 0\", and the generator cannot make any",
    );
    let plain = || {
        cx.block_on(table(&COUNTS).balance(&cx, "label", Target::Uniform))
            .unwrap()
    };
    refused_with(
        plain().batches(8, &[BatchPart::others(1.0).synthetic()], None),
        ErrorKind::Config,
        &["synthetic rows of all classes that can be made need a generator"],
    );
    refused_with(
        plain().cap(2).unwrap().batches(8, &[BatchPart::others(1.0)], None),
        ErrorKind::Config,
        &["the parts of a batch stay as they are"],
    );
    let ramp = Schedule::constant(0.0).ramp(0..100, 1.0);
    refused_with(
        balanced(&cx, 16, &parts()).unwrap().toward(Target::Sqrt, ramp),
        ErrorKind::Config,
        &["leave the schedule or the cap out"],
    );
    let other = balanced(&cx, 16, &parts()).unwrap().loader(&cx).batch_size(24).build();
    refused_with(
        other,
        ErrorKind::Config,
        &["the balance has exact parts of batches of 16 rows, and the loader's have 24: give both the same size"],
    );
    assert!(
        balanced(&cx, 16, &parts())
            .unwrap()
            .loader(&cx)
            .batch_size(48)
            .build()
            .is_ok()
    );
}

#[test]
fn explain_says_what_synthetic_rows_read() {
    let cx = context();
    let explained = loader(&cx, 16).explain();
    // A quarter of 112 rows, of two parents each.
    let line = "synthetic (smote): about 28 rows an epoch, each made of 2.0 stored rows, where the row that it replaces is one: 56 rows read an epoch in place of 28";
    let words: String = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(line), "{explained}");
    assert!(words.contains(&format!("{line}; a row takes about ")), "{explained}");
    assert!(
        words.contains("; a mean of the first 12 epochs") && !words.contains("of their rows"),
        "{explained}"
    );
    let real = table(&COUNTS).loader(&cx).explain();
    assert!(!real.contains("synthetic ("), "{real}");
}
