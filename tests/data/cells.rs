//! Balances by another key than the class: two columns, bins of a number, a closure.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use common::{context, ints, refused_with};
use millstream::error::ErrorKind;
use millstream::mix::{Balance, BalanceSpec, Target};
use millstream::rows::{DType, Expression, Key, Labels, Read};
use millstream::source::Memory;
use millstream::spec::read_toml;
use millstream::synthetic::Smote;
use millstream::{Context, Dataset, DatasetExt, Result};
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
        cx.block_on(Smote::fit(&cx, Arc::<Memory>::clone(&rows), &labels, "x", 5, 100))
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
