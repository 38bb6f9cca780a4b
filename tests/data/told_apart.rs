//! Values that f64 does not tell apart, where rows are compared: quality and gates refuse them.

use crate::common::{context, refused_with};
use arrow::array::{
    ArrayRef, Decimal128Array, Float32Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
    UInt64Array,
};
use millstream::Result;
use millstream::error::ErrorKind;
use millstream::inspect::{Quality, QualityReport};
use millstream::rows::Labels;
use millstream::source::{Files, Memory};
use millstream::synthetic::{Gate, GateSpec};
use std::sync::Arc;

const ROWS: i64 = 120;

/// Rows of `user`, a number and a class.
fn rows(user: ArrayRef) -> Memory {
    let x: ArrayRef = Arc::new(Float32Array::from_iter_values(
        (0..ROWS).map(|row| (row * row % 97) as f32 / 7.0),
    ));
    let kind = |row: i64| if row % 2 == 0 { "a" } else { "b" };
    let kind: ArrayRef = Arc::new(StringArray::from_iter_values((0..ROWS).map(kind)));
    Memory::new(vec![
        RecordBatch::try_from_iter([("user", user), ("x", x), ("kind", kind)]).unwrap(),
    ])
    .unwrap()
}

/// What is said of three sets of rows, whose users are `of` of different numbers.
fn compared(quality: &Quality, of: impl Fn(Vec<i64>) -> ArrayRef) -> Result<QualityReport> {
    let [real, made, holdout] = [("real", 0), ("made", 1), ("holdout", 2)].map(|(name, set)| {
        let users = (0..ROWS).map(|row| 3 * row + set).collect();
        Files::of_source(Arc::new(rows(of(users))), name)
    });
    quality.of(&context(), &real, &made, Some(&holdout), &mut |_, _| {})
}

fn large(values: Vec<i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(
        values.into_iter().map(|value| (1 << 62) + value),
    ))
}

#[test]
fn whole_numbers_beyond_2_to_the_53_are_not_compared() {
    let unsigned = |values: Vec<i64>| -> ArrayRef {
        Arc::new(UInt64Array::from_iter_values(
            values.into_iter().map(|value| u64::MAX - value as u64),
        ))
    };
    let decimals = |values: Vec<i64>| -> ArrayRef {
        let decimals =
            Decimal128Array::from_iter_values(values.into_iter().map(|value| 10_i128.pow(20) + i128::from(value)));
        Arc::new(decimals.with_precision_and_scale(38, 0).unwrap())
    };
    let said = [
        "row 0",
        "column \"user\" holds ",
        "whole numbers beyond 2^53 are not told apart: leave the column out, or store it as text",
    ];
    let quality = Quality::default();
    refused_with(compared(&quality, large), ErrorKind::Data, &said);
    refused_with(compared(&quality, unsigned), ErrorKind::Data, &said);
    refused_with(compared(&quality, decimals), ErrorKind::Data, &said);
    // As categories they are compared by their digits.
    let named = Quality {
        categories: vec!["user".to_owned()],
        ..Quality::default()
    };
    let report = compared(&named, large).unwrap();
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("\"user\" (360 different values tell rows apart)")),
        "{:?}",
        report.notes
    );
    // Up to there they are numbers as others.
    let small = |values: Vec<i64>| -> ArrayRef { Arc::new(Int64Array::from(values)) };
    let report = compared(&quality, small).unwrap();
    assert_eq!(
        report
            .section("privacy")
            .unwrap()
            .figure("exact_copies")
            .unwrap()
            .synthetic
            .value,
        0.0
    );
}

#[test]
fn times_are_compared_where_none_is_mistaken_for_another() {
    let now = 1_700_000_000_000_000_000;
    let times = |step: i64| {
        move |values: Vec<i64>| -> ArrayRef {
            let times = values.into_iter().map(|value| now + step * value);
            Arc::new(TimestampNanosecondArray::from_iter_values(times))
        }
    };
    let quality = Quality::default();
    let report = compared(&quality, times(1_000_000_001)).unwrap();
    assert_eq!(
        report
            .section("privacy")
            .unwrap()
            .figure("exact_copies")
            .unwrap()
            .synthetic
            .value,
        0.0
    );
    refused_with(
        compared(&quality, times(1)),
        ErrorKind::Data,
        &["are not told apart: store the column in a coarser unit, such as microseconds, or leave it out"],
    );
}

#[test]
fn a_gate_refuses_them_too() {
    let (cx, rows) = (context(), rows(large((0..ROWS).collect())));
    let labels = cx.block_on(Labels::scan(&cx, &rows, "kind")).unwrap();
    refused_with(
        cx.block_on(Gate::fit(&cx, &rows, &labels, GateSpec::new(["user", "x"]))),
        ErrorKind::Data,
        &["column \"user\" holds 4611686018427387904, and whole numbers beyond 2^53 are not told apart"],
    );
    cx.block_on(Gate::fit(&cx, &rows, &labels, GateSpec::new(["x"])))
        .unwrap();
}

#[test]
fn a_class_that_no_real_row_has_is_said_to_be_none() {
    let of = |name: &str, kinds: [&str; 3]| {
        let kind = (0..ROWS).map(|row| kinds[row as usize % 3]);
        let kind: ArrayRef = Arc::new(StringArray::from_iter_values(kind));
        let x: ArrayRef = Arc::new(Float32Array::from_iter_values((0..ROWS).map(|row| (row % 11) as f32)));
        let rows = RecordBatch::try_from_iter([("x", x), ("kind", kind)]).unwrap();
        Files::of_source(Arc::new(Memory::new(vec![rows]).unwrap()), name)
    };
    let quality = Quality {
        label: Some("kind".to_owned()),
        ..Quality::default()
    };
    let (real, other) = (of("real", ["a", "b", "a"]), of("other", ["a", "b", "o"]));
    for (made, holdout) in [(&other, &real), (&real, &other)] {
        refused_with(
            quality.of(&context(), &real, made, Some(holdout), &mut |_, _| {}),
            ErrorKind::Data,
            &[
                "label o is outside the 2 class names (40 of 120 rows)",
                "no real row is of this class: add real rows of it, leave its rows out here, or correct the label",
            ],
        );
    }
}
