//! The examples of imbalanced-learn's documentation: as many rows of each class as it prints.

use super::common::context;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use millstream::dataset::{Origin, Stable};
use millstream::mix::Target;
use millstream::rows::Labels;
use millstream::source::Parquet;
use millstream::synthetic::{
    Adasyn, AdasynSpec, BorderlineSmote, BorderlineSmoteSpec, Generator, Smote, SmoteNc, SmoteNcSpec, SmoteSpec,
};
use millstream::{Dataset, DatasetExt};
use std::collections::BTreeMap;
use std::sync::Arc;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// What tests/scripts/make_documented_counts.py has of the library: rows of each class by generator.
fn printed() -> BTreeMap<String, BTreeMap<u32, u64>> {
    let json = std::fs::read(format!("{FIXTURES}/documented_counts.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

#[test]
fn classes_are_filled_up_to_the_counts_that_imbalanced_learn_prints() {
    let cx = context().with_seed(42);
    let path = format!("{FIXTURES}/documented_counts.parquet");
    let rows: Arc<dyn Stable> = Arc::new(cx.block_on(Parquet::open(&cx, path)).unwrap());
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    assert_eq!(labels.counts(), [100, 900]);
    let names = |count: usize| (0..count).map(|at| format!("x{at}")).collect::<Vec<_>>();
    let (columns, base) = (names(20), || Arc::clone(&rows));
    let smote = SmoteSpec {
        columns: columns.clone(),
        ..SmoteSpec::default()
    };
    let borderline = BorderlineSmoteSpec {
        columns: columns.clone(),
        ..BorderlineSmoteSpec::default()
    };
    let adasyn = AdasynSpec {
        columns,
        ..AdasynSpec::default()
    };
    let mixed = SmoteNcSpec {
        columns: names(18),
        categorical_features: vec!["c18".to_owned(), "c19".to_owned()],
        ..SmoteNcSpec::default()
    };
    let smote = cx.block_on(Smote::fit(&cx, base(), &labels, smote)).unwrap();
    let borderline = cx
        .block_on(BorderlineSmote::fit(&cx, base(), &labels, borderline))
        .unwrap();
    let adasyn = cx.block_on(Adasyn::fit(&cx, base(), &labels, adasyn)).unwrap();
    let mixed = cx.block_on(SmoteNc::fit(&cx, base(), &labels, mixed)).unwrap();
    let printed = printed();

    // ADASYN rounds the share of each row of what is missing, so that it makes some rows too many.
    let missing = 800.0;
    let rounded = adasyn
        .shares(0)
        .into_iter()
        .map(|share| (share * missing).round_ties_even() as u64);
    assert_eq!(100 + rounded.sum::<u64>(), printed["adasyn"][&0]);

    // Both classes have the rows of the larger one. Ours is no rounding, but a balance, so that this holds for ADASYN, too.
    let all: [(&str, Arc<dyn Generator>); 4] = [
        ("smote", Arc::new(smote)),
        ("borderline_smote", Arc::new(borderline)),
        ("adasyn", Arc::new(adasyn)),
        ("smote_nc", Arc::new(mixed)),
    ];
    for (name, generator) in all {
        let balance = cx.block_on(base().balance(&cx, "label", Target::Uniform)).unwrap();
        let filled = balance.rows(1800).fill(generator, 1.0).unwrap();
        let positions: Vec<u64> = (0..1800).collect();
        let taken = cx.block_on(filled.take(&cx, &positions)).unwrap();
        let (mut counts, mut made) = (BTreeMap::new(), BTreeMap::new());
        for (position, &class) in (0..).zip(taken["label"].as_primitive::<Int64Type>().values()) {
            *counts.entry(class as u32).or_insert(0_u64) += 1;
            if filled.provenance(&cx, position).origin == Origin::Synthetic {
                *made.entry(class as u32).or_insert(0_u64) += 1;
            }
        }
        let mut expected = printed[name].clone();
        if name == "adasyn" {
            expected.insert(0, 900);
        }
        assert_eq!(counts, expected, "{name}");
        assert_eq!(made, BTreeMap::from([(0, 800)]), "{name}");
        if name == "smote_nc" {
            // Six rows go into one, and four of them only vote, from memory.
            let explained = filled.loader(&cx).explain();
            let words = explained.split_whitespace().collect::<Vec<_>>().join(" ");
            let part = " stored rows (2 of them read anew), where the row that it replaces is one: ";
            assert!(
                words.contains("synthetic (smote_nc): ") && words.contains(part),
                "{explained}"
            );
        }
    }
}
