//! Balances by another key than the class: two columns, bins of a number, a closure.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use common::{context, ints, refused_with};
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::mix::BatchPart;
use millstream::mix::{Balance, BalanceSpec, Target};
use millstream::rows::{DType, Expression, Key, Labels, Read};
use millstream::source::Memory;
use millstream::spec::read_toml;
use millstream::synthetic::{ByCell, CopulaSpec, GeneratorSpec, Smote, SmoteSpec};
use millstream::testing::{check_elastic, check_law, check_loader};
use millstream::{Context, Dataset, DatasetExt, Result, Stable};
use std::collections::BTreeMap;
use std::sync::Arc;

/// 120 rows: 90 cats, of which 60 by day, and 30 dogs, all by day but 3; ages 0 to 119.
fn animals() -> Memory {
    let animal = |row: i64| if row < 90 { "cat" } else { "dog" };
    let night = |row: i64| (60..93).contains(&row);
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(Int64Array::from_iter_values(0..120))),
        ("label", Arc::new(StringArray::from_iter_values((0..120).map(animal)))),
        (
            "time",
            Arc::new(StringArray::from_iter_values(
                (0..120).map(|row| if night(row) { "night" } else { "day" }),
            )),
        ),
        (
            "age",
            Arc::new(Float64Array::from_iter_values((0..120).map(|row| row as f64))),
        ),
    ];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

fn by(cx: &Context, spec: &str) -> Result<Balance<Memory>> {
    let spec: BalanceSpec = read_toml(spec)?;
    cx.block_on(animals().balance_with(cx, "label", &spec, None))
}

/// What each cell has and is given.
fn quotas(balance: &Balance<Memory>) -> Vec<(String, u64, u64)> {
    let quotas = balance.quotas().into_iter();
    quotas.map(|cell| (cell.name, cell.stored, cell.rows)).collect()
}

fn cell(name: &str, stored: u64, rows: u64) -> (String, u64, u64) {
    (name.to_owned(), stored, rows)
}

#[test]
fn each_cell_of_two_columns_has_its_share_and_the_label_stays_the_class() {
    let cx = context();
    let balance = by(&cx, "by = { product = [\"label\", \"time\"] }").unwrap();
    let all = [
        cell("cat / day", 60, 30),
        cell("cat / night", 30, 30),
        cell("dog / day", 27, 30),
        cell("dog / night", 3, 30),
    ];
    assert_eq!(quotas(&balance), all);
    let positions: Vec<u64> = (0..120).collect();
    let rows = cx.block_on(balance.take(&cx, &positions)).unwrap();
    // The label is the class number, whose names are those of the classes.
    assert_eq!(rows.schema().field(1).data_type(), &DataType::Int64);
    assert_eq!(
        rows.schema().field(1).metadata()["millstream.classes"],
        r#"["cat","dog"]"#
    );
    assert_eq!(rows.schema().fields().len(), 4);
    let mut counts = BTreeMap::new();
    for (label, time) in ints(&rows, "label")
        .into_iter()
        .zip(rows["time"].as_string::<i32>().iter())
    {
        *counts.entry((label, time.unwrap())).or_insert(0) += 1;
    }
    assert_eq!(
        counts,
        [
            ((0, "day"), 30),
            ((0, "night"), 30),
            ((1, "day"), 30),
            ((1, "night"), 30)
        ]
        .into()
    );
    // In every block of four, too.
    let balance = by(&cx, "by = { product = [\"label\", \"time\"] }\nblock = 4").unwrap();
    for block in 0..60 {
        assert_eq!(
            balance.emitted(&cx, 4 * block..4 * block + 4).unwrap(),
            [1; 4],
            "{block}"
        );
    }
    let traces: Vec<_> = (0..120)
        .map(|position| balance.provenance(&cx, position).class)
        .collect();
    assert_eq!(traces.iter().filter(|class| **class == Some(1)).count(), 60);
}

#[test]
fn the_prior_is_that_of_the_classes_and_what_was_emitted_that_of_the_cells() {
    let cx = context();
    let spec = r#"
        by = { product = ["label", "time"] }
        target = { shares = { "cat / day" = 1, "cat / night" = 1, "dog / day" = 1, "dog / night" = 3 } }
    "#;
    let balance = by(&cx, spec).unwrap();
    assert_eq!(balance.emitted(&cx, 0..120).unwrap(), [20, 20, 20, 60]);
    assert_eq!(balance.emitted(&cx, 120..360).unwrap(), [40, 40, 40, 120]);
    let prior = balance.loader(&cx).class_prior(0).unwrap();
    assert_eq!(
        (prior.names(), prior.counts()),
        (&["cat".to_owned(), "dog".to_owned()][..], &[40.0, 80.0][..])
    );
}

#[test]
fn shares_by_name_are_checked() {
    let cx = context();
    let of = |shares: &str| {
        by(
            &cx,
            &format!("by = {{ product = [\"label\", \"time\"] }}\ntarget = {{ shares = {{ {shares} }} }}"),
        )
    };
    refused_with(
        of(r#""cat / day" = 1, "cat / noon" = 1"#),
        ErrorKind::Config,
        &[
            "there is no \"cat / noon\"",
            "cat / day, cat / night, dog / day, dog / night",
        ],
    );
    refused_with(
        of(r#""cat / day" = 1, "cat / night" = 1, "dog / day" = 1"#),
        ErrorKind::Config,
        &["\"dog / night\" has 3 rows and no share"],
    );
    let shares = of(r#""cat / day" = 1, "cat / night" = 1, "dog / day" = 0, "dog / night" = 2"#).unwrap();
    assert_eq!(shares.emitted(&cx, 0..120).unwrap(), [30, 30, 0, 60]);
    let error = read_toml::<BalanceSpec>("target = { shares = { a = -1 } }")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("shares: that of \"a\" is -1, but a share is a number of at least 0"),
        "{error}"
    );
}

#[test]
fn bins_of_a_number_are_those_of_numpy_digitize() {
    let cx = context();
    // numpy.digitize([0, 17, 18, 39, 40, 119], [18, 40]) == [0, 0, 1, 1, 2, 2]
    let labels = cx
        .block_on(Key::bins("age", &[18.0, 40.0]).scan(&cx, &animals()))
        .unwrap();
    assert_eq!(labels.names(), ["< 18", "18 to 40", ">= 40"]);
    assert_eq!(
        [0, 17, 18, 39, 40, 119].map(|row| labels.class(row)),
        [0, 0, 1, 1, 2, 2]
    );
    let balance = by(&cx, "by = { bins = { column = \"age\", edges = [18, 40, 200] } }").unwrap();
    let all = [
        cell("< 18", 18, 40),
        cell("18 to 40", 22, 40),
        cell("40 to 200", 80, 40),
        cell(">= 200", 0, 0),
    ];
    assert_eq!(quotas(&balance), all);
    let explained = balance.describe().to_string();
    assert!(
        explained.contains("cells without rows have the share 0: \">= 200\""),
        "{explained}"
    );
    assert!(explained.contains("the label of a row stays its class"), "{explained}");
}

#[test]
fn a_value_and_everything_else() {
    let cx = context();
    let balance = by(&cx, "by = { equals = { column = \"time\", value = \"night\" } }").unwrap();
    assert_eq!(quotas(&balance), [cell("night", 33, 60), cell("not night", 87, 60)]);
    refused_with(
        by(&cx, "by = { equals = { column = \"time\", value = \"noon\" } }"),
        ErrorKind::Config,
        &["by: ", "column \"time\" has no class \"noon\"; it has day, night"],
    );
}

#[test]
fn a_closure_and_its_name_are_a_key() {
    let cx = context();
    let old = |version| {
        Expression::new("old")
            .version(version)
            .reads(Read::values("age", DType::F32))
    };
    let cells = |version| {
        let (rows, old) = (animals(), old(version));
        let labels = Labels::compute(&cx, &rows, &old, |row| {
            Ok(if row.values::<f32>(0)?[0] >= 100.0 {
                "old"
            } else {
                "young"
            })
        });
        Arc::new(cx.block_on(labels).unwrap())
    };
    let balance = |version| {
        let spec = BalanceSpec::default();
        cx.block_on(animals().balance_cells(&cx, "label", &cells(version), &spec))
            .unwrap()
    };
    assert_eq!(quotas(&balance(1)), [cell("old", 20, 60), cell("young", 100, 60)]);
    assert_ne!(balance(1).describe().fingerprint(), balance(2).describe().fingerprint());
    let error = cx.block_on(Labels::compute(&cx, &animals(), &old(1), |row| {
        match row.values::<f32>(0)?[0] {
            7.0 => Err(millstream::Error::data("seven")),
            _ => Ok("other"),
        }
    }));
    refused_with(error, ErrorKind::Data, &["expression \"old\"", "row 7", "seven"]);
}

#[test]
fn numbers_without_a_class_are_balanced_by_bins() {
    let cx = context();
    let bins = cx.block_on(Key::bins("age", &[100.0]).scan(&cx, &animals())).unwrap();
    let balance = animals()
        .balance_cells_alone(&cx, &bins, &BalanceSpec::default())
        .unwrap();
    let rows = cx.block_on(balance.take(&cx, &(0..120).collect::<Vec<_>>())).unwrap();
    let old = rows["age"]
        .as_primitive::<arrow::datatypes::Float64Type>()
        .values()
        .iter()
        .filter(|age| **age >= 100.0)
        .count();
    assert_eq!(old, 60);
    assert_eq!(ints(&rows, "cell").iter().sum::<i64>(), 60);
    assert_eq!(rows["label"].as_string::<i32>().len(), 120);
}

#[test]
fn what_cells_do_not_allow_is_named() {
    let cx = context();
    for (spec, said) in [
        (
            "by = { bins = { column = \"age\", edges = [] } }",
            "edges are [], and have to be one number or several, ascending",
        ),
        (
            "by = { bins = { column = \"age\", edges = [2, 2] } }",
            "edges are [2.0, 2.0]",
        ),
        ("by = { product = [\"label\"] }", "a product has two keys or more"),
        (
            "by = { products = [\"label\", \"time\"] }",
            "unknown variant `products`",
        ),
        (
            "by = { bins = { column = \"time\", edges = [1] } }",
            "bins are of numbers",
        ),
        ("by = \"noon\"", "noon"),
    ] {
        let error = by(&cx, spec).unwrap_err().to_string();
        assert!(error.contains(said), "{spec}: {error}");
    }
    let nan: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None]));
    let rows = Memory::new(vec![RecordBatch::try_from_iter([("age", nan)]).unwrap()]).unwrap();
    let error = cx.block_on(Key::bins("age", &[1.0]).scan(&cx, &rows));
    refused_with(
        error,
        ErrorKind::Data,
        &["row 1", "column \"age\" is NaN, which is in no bin"],
    );
    // A generator makes rows of a class, and knows no cells.
    let rows = Arc::new(common::table(&[30, 10]));
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let smote = Arc::new(
        cx.block_on(Smote::fit(
            &cx,
            Arc::<Memory>::clone(&rows),
            &labels,
            SmoteSpec::new("x"),
        ))
        .unwrap(),
    );
    let spec = BalanceSpec {
        by: Some(Key::product([Key::column("label"), Key::bins("id", &[20.0])])),
        ..BalanceSpec::default()
    };
    let balance = cx.block_on(rows.balance_with(&cx, "label", &spec, None)).unwrap();
    refused_with(
        balance.fill(smote, 0.5),
        ErrorKind::Config,
        &["this balance is by \"label / bins of id\""],
    );
}

#[test]
fn a_key_is_written_as_it_is_read() {
    for text in [
        r#""site""#,
        r#"{"bins":{"column":"age","edges":[18.0,40.5]}}"#,
        r#"{"equals":{"column":"site","value":"3"}}"#,
        r#"{"product":["label",{"bins":{"column":"age","edges":[1.0]}}]}"#,
    ] {
        let key: Key = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), text);
    }
    let number: Key = serde_json::from_str(r#"{"equals":{"column":"site","value":3}}"#).unwrap();
    assert_eq!(number, Key::equals("site", "3"));
    let target: Target = serde_json::from_str(r#"{"shares":{"a":1,"b":0.5}}"#).unwrap();
    assert_eq!(
        target,
        Target::Shares([("a".to_owned(), 1.0), ("b".to_owned(), 0.5)].into())
    );
}

/// Classes and cells of the animals, by class and time.
fn animal_cells(cx: &Context) -> (Arc<Labels>, Arc<Labels>) {
    let classes = cx.block_on(Labels::scan(cx, &animals(), "label")).unwrap();
    let key = Key::product([Key::column("label"), Key::column("time")]);
    (
        Arc::new(classes),
        Arc::new(cx.block_on(key.scan(cx, &animals())).unwrap()),
    )
}

fn by_cell(cx: &Context, spec: &dyn GeneratorSpec, cells: &Arc<Labels>) -> Result<ByCell> {
    let rows: Arc<dyn Stable> = Arc::new(animals());
    cx.block_on(ByCell::fit(cx, rows, &animal_cells(cx).0, cells, spec))
}

fn smote_of_ages() -> SmoteSpec {
    SmoteSpec {
        columns: vec!["age".to_owned()],
        ..SmoteSpec::default()
    }
}

#[test]
fn a_cell_is_filled_with_rows_made_of_its_own() {
    let cx = context().with_seed(5);
    let (_, cells) = animal_cells(&cx);
    let balance = || {
        cx.block_on(animals().balance_cells(&cx, "label", &cells, &BalanceSpec::default()))
            .unwrap()
    };
    let smote = by_cell(&cx, &smote_of_ages(), &cells).unwrap();
    let filled = balance().fill(Arc::new(smote), 1.0).unwrap();
    let made: Vec<_> = filled
        .quotas()
        .into_iter()
        .map(|cell| (cell.name, cell.rows, cell.synthetic))
        .collect();
    let expected = [
        ("cat / day", 30, 0),
        ("cat / night", 30, 0),
        ("dog / day", 30, 3),
        ("dog / night", 30, 27),
    ];
    assert_eq!(made, expected.map(|(name, rows, made)| (name.to_owned(), rows, made)));
    let positions: Vec<u64> = (0..240).collect();
    let rows = cx.block_on(filled.take(&cx, &positions)).unwrap();
    let names: Vec<String> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["id", "label", "time", "age"]);
    let (ids, labels, times) = (ints(&rows, "id"), ints(&rows, "label"), rows["time"].as_string::<i32>());
    let ages = rows["age"].as_primitive::<arrow::datatypes::Float64Type>();
    let (mut at_night, mut between) = (0, 0);
    for &position in &positions {
        let (row, trace) = (position as usize, filled.provenance(&cx, position));
        assert_eq!(trace.class, Some(labels[row] as u32));
        if trace.origin != Origin::Synthetic {
            continue;
        }
        assert_eq!(trace.generator.as_deref(), Some("smote"));
        // Both parents are dogs of the same time, and what is not interpolated is the first one's.
        let parents: Vec<u64> = trace.places.iter().map(|place| place.row).collect();
        let own = if times.value(row) == "night" { 90..93 } else { 93..120 };
        assert!(
            labels[row] == 1 && parents.iter().all(|parent| own.contains(parent)),
            "{trace:?}"
        );
        assert_eq!(ids[row] as u64, parents[0]);
        let (low, high) = (parents[0].min(parents[1]) as f64, parents[0].max(parents[1]) as f64);
        assert!((low..=high).contains(&ages.value(row)));
        at_night += usize::from(times.value(row) == "night");
        between += usize::from(ages.value(row).fract() != 0.0);
    }
    assert_eq!((at_night, between), (54, 60));
    assert_eq!(filled.emitted(&cx, 0..240).unwrap(), [60; 4]);
    cx.block_on(check_law(&cx, &filled, 1)).unwrap();
    assert_eq!(filled.loader(&cx).class_prior(0).unwrap().counts(), [60.0, 60.0]);
    let build = |cx: &Context| {
        let (_, cells) = animal_cells(cx);
        let balance = cx.block_on(animals().balance_cells(cx, "label", &cells, &BalanceSpec::default()))?;
        balance.fill(Arc::new(by_cell(cx, &smote_of_ages(), &cells)?), 1.0)
    };
    check_elastic(24, "age", build).unwrap();
    check_loader(24, 20, build).unwrap();

    // A part of every batch is synthetic rows of one cell.
    let parts = [BatchPart::others(0.75), BatchPart::of("dog / night", 0.25).synthetic()];
    let smote = Arc::new(by_cell(&cx, &smote_of_ages(), &cells).unwrap());
    let batches = balance().batches(8, &parts, Some(smote)).unwrap();
    let made = (0..80).filter(|&position| batches.provenance(&cx, position).origin == Origin::Synthetic);
    assert_eq!(made.count(), 20);
}

#[test]
fn rows_without_parents_are_of_their_cell_as_well() {
    let cx = context().with_seed(5);
    let (_, cells) = animal_cells(&cx);
    let copula = by_cell(&cx, &CopulaSpec::default(), &cells).unwrap();
    let balance = cx
        .block_on(animals().balance_cells(&cx, "label", &cells, &BalanceSpec::default()))
        .unwrap();
    let filled = balance.fill(Arc::new(copula), 1.0).unwrap();
    let rows = cx.block_on(filled.take(&cx, &(0..120).collect::<Vec<_>>())).unwrap();
    let times = rows["time"].as_string::<i32>();
    let of_night = ints(&rows, "label").into_iter().zip(times.iter());
    assert_eq!(of_night.filter(|cell| *cell == (1, Some("night"))).count(), 30);
    let ages = rows["age"].as_primitive::<arrow::datatypes::Float64Type>();
    for position in 0..120 {
        let trace = filled.provenance(&cx, position);
        let (row, own) = (
            position as usize,
            if trace.class == Some(0) { 0.0..90.0 } else { 90.0..120.0 },
        );
        assert!(own.contains(&ages.value(row)), "{trace:?}");
        if trace.origin == Origin::Synthetic && times.value(row) == "night" {
            assert!((90.0..=92.0).contains(&ages.value(row)), "{}", ages.value(row));
        }
    }
}

#[test]
fn generators_of_other_cells_are_refused() {
    let cx = context();
    let (classes, cells) = animal_cells(&cx);
    let times = Arc::new(cx.block_on(Key::column("time").scan(&cx, &animals())).unwrap());
    refused_with(
        by_cell(&cx, &smote_of_ages(), &times),
        ErrorKind::Config,
        &[
            "\"night\" has rows of \"cat\" and of \"dog\"",
            "make the cells those of \"label\" and what they are now",
        ],
    );
    let rows: Arc<dyn Stable> = Arc::new(animals());
    let of_classes = || {
        Arc::new(
            cx.block_on(Smote::fit(&cx, Arc::clone(&rows), &classes, smote_of_ages()))
                .unwrap(),
        )
    };
    let of_cells = || Arc::new(by_cell(&cx, &smote_of_ages(), &cells).unwrap());
    let balance = |cells: &Arc<Labels>| {
        cx.block_on(animals().balance_cells(&cx, "label", cells, &BalanceSpec::default()))
            .unwrap()
    };
    refused_with(
        balance(&cells).fill(of_classes(), 0.5),
        ErrorKind::Config,
        &["smote makes rows of classes, and this balance is by \"label / time\": fit it by these cells (`ByCell`)"],
    );
    refused_with(
        balance(&times).fill(of_cells(), 0.5),
        ErrorKind::Config,
        &["by_cell makes rows of other cells of \"label / time\" than those of \"time\""],
    );
    let by_class = cx.block_on(animals().balance(&cx, "label", Target::Uniform)).unwrap();
    refused_with(
        by_class.fill(of_cells(), 0.5),
        ErrorKind::Config,
        &["makes rows of the cells of \"label / time\", and this balance is by \"label\""],
    );
    let alone = animals()
        .balance_cells_alone(&cx, &cells, &BalanceSpec::default())
        .unwrap();
    refused_with(
        alone.fill(of_cells(), 0.5),
        ErrorKind::Config,
        &["the rows have no classes"],
    );
}
