//! The copula beside numpy's and scipy's numbers (`tests/scripts/make_copula.py`).

use super::super::normal::{cdf, quantile};
use super::columns::Kind;
use super::{CopulaModel, CopulaSpec};
use crate::dataset;
use crate::exec::Context;
use crate::rows::Labels;
use crate::source::Memory;
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct Reference {
    rows: Rows,
    prior_rows: f64,
    frequency: Vec<String>,
    uniform: Vec<f64>,
    draws: Vec<Vec<f64>>,
    quantile: Vec<(f64, f64)>,
    cdf: Vec<(f64, f64)>,
    classes: Vec<Class>,
}

#[derive(Deserialize)]
struct Rows {
    label: Vec<String>,
    income: Vec<f64>,
    visits: Vec<i64>,
    colour: Vec<String>,
    age: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Class {
    name: String,
    correlations: Vec<f64>,
    income: Vec<f64>,
    made: Vec<Vec<f64>>,
}

fn reference() -> Reference {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/copula.json"));
    serde_json::from_str(text).unwrap()
}

fn model(reference: &Reference) -> CopulaModel {
    let rows = &reference.rows;
    let columns: [(&str, ArrayRef, bool); 5] = [
        ("label", Arc::new(StringArray::from(rows.label.clone())), false),
        ("income", Arc::new(Float64Array::from(rows.income.clone())), false),
        ("visits", Arc::new(Int64Array::from(rows.visits.clone())), false),
        ("colour", Arc::new(StringArray::from(rows.colour.clone())), false),
        ("age", Arc::new(Float64Array::from(rows.age.clone())), true),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let rows: Arc<dyn dataset::Stable> = Arc::new(Memory::new(vec![rows]).unwrap());
    let cx = Context::with(2, 1 << 26).unwrap();
    let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap());
    let spec = CopulaSpec {
        prior_rows: Some(reference.prior_rows),
        ..CopulaSpec::default()
    };
    cx.block_on(CopulaModel::fit(&cx, rows, &labels, spec)).unwrap()
}

fn near(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * b.abs().max(1.0)
}

#[test]
fn the_normal_distribution_is_scipys() {
    let reference = reference();
    for (p, expected) in reference.quantile {
        assert!(near(quantile(p), expected, 1e-14), "{p}: {}", quantile(p));
    }
    for (x, expected) in reference.cdf {
        assert!((cdf(x) - expected).abs() <= 1e-12 * expected, "{x}: {}", cdf(x));
    }
    assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
}

#[test]
fn marginals_correlations_and_rows_are_numpys() {
    let reference = reference();
    let model = model(&reference);
    let Kind::Category { values } = &model.columns[2].kind else {
        panic!("{:?}", model.columns[2]);
    };
    let values: Vec<&str> = values.iter().map(|value| value.as_deref().unwrap()).collect();
    assert_eq!(values, reference.frequency);
    assert_eq!(
        model.columns[1].kind,
        Kind::Number {
            whole: true,
            decimals: None,
            null: None
        }
    );
    assert_eq!(
        model.columns[3].kind,
        Kind::Number {
            whole: false,
            decimals: Some(1),
            null: Some(4)
        }
    );
    for expected in &reference.classes {
        let found = model.classes.iter().find(|class| class.name == expected.name).unwrap();
        for (&u, &value) in reference.uniform.iter().zip(&expected.income) {
            assert!(near(found.marginals[0].value(u), value, 1e-12), "{u}: {value}");
        }
        // The factor times itself gives the correlations.
        let at = |row: usize, column: usize| found.factor[row * (row + 1) / 2 + column];
        let mut all = expected.correlations.iter();
        for row in 0..5 {
            for column in 0..=row {
                let product: f64 = (0..=column).map(|k| at(row, k) * at(column, k)).sum();
                let expected = *all.next().unwrap();
                assert!(
                    near(product, expected, 1e-12),
                    "{row}, {column}: {product}, not {expected}"
                );
            }
        }
        for (draws, expected) in reference.draws.iter().zip(&expected.made) {
            let made = found.of_draws(draws);
            for (made, expected) in made.iter().zip(expected) {
                assert!(near(*made, *expected, 1e-10), "{made}, not {expected}");
            }
        }
    }
}

#[test]
fn a_model_is_read_as_it_was_written() {
    let model = model(&reference());
    let text = serde_json::to_string(&model).unwrap();
    let read: CopulaModel = serde_json::from_str(&text).unwrap();
    assert_eq!(read, model);
    assert_eq!(read.fingerprint(), model.fingerprint());
}
