//! Figures by groups that are no classes.

use crate::common::context;
use crate::quality::{WIDTH, files as quality_files, real};
use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
use millstream::inspect::{GroupQuality, Quality, QualityReport};
use millstream::source::{Files, Memory};
use std::sync::Arc;

/// Groups, of a third of the rows each. The classes are every fifth row, so that each group has as many of them.
const PLACES: [&str; 3] = ["east", "north", "west"];

/// So many rows of two classes and three groups; those of the group `broken` are all at one place.
fn files(seed: u64, broken: Option<&str>, name: &str) -> Files {
    let mut rows = real(seed, 300);
    let place = |row: usize| PLACES[row % PLACES.len()];
    for (at, (values, _)) in rows.iter_mut().enumerate() {
        if broken == Some(place(at)) {
            *values = values.map(|value| 1.0 + 0.01 * value);
        }
    }
    let number = |at: usize| -> ArrayRef { Arc::new(Float32Array::from_iter_values(rows.iter().map(|row| row.0[at]))) };
    let classes = rows.iter().map(|row| ["common", "rare"][row.1 as usize]);
    let names: Vec<String> = (0..WIDTH).map(|at| format!("c{at}")).collect();
    let mut columns: Vec<(&str, ArrayRef)> = names.iter().map(String::as_str).zip((0..WIDTH).map(number)).collect();
    columns.push(("label", Arc::new(StringArray::from_iter_values(classes))));
    columns.push((
        "where",
        Arc::new(StringArray::from_iter_values((0..rows.len()).map(place))),
    ));
    let memory = Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    Files::of_source(Arc::new(memory), name)
}

#[test]
fn the_group_that_is_left_out_is_named_and_is_no_class() {
    let quality = Quality {
        label: Some("label".to_owned()),
        group: Some("where".to_owned()),
        ..Quality::default()
    };
    let judged = |broken: Option<&str>| {
        let [real, holdout] = [(1, "real"), (2, "holdout")].map(|(seed, name)| files(seed, None, name));
        let made = files(3, broken, "made");
        let report = quality.of(&context(), &real, &made, Some(&holdout), &mut |_, _| {});
        report.unwrap()
    };
    // The last of three groups: there are two classes, and neither is the third.
    let report = judged(Some("west"));
    let bias = report.section("bias").unwrap();
    assert_eq!(bias.passes, Some(false), "{bias:?}");
    assert!(
        bias.verdict.contains("worst group coverage (\"west\") is ")
            && bias.verdict.contains("; each of 3 groups is judged"),
        "{}",
        bias.verdict
    );
    let coverage = bias.figure("worst_group_coverage").unwrap();
    assert_eq!(coverage.passes, Some(false), "{coverage:?}");
    assert!(coverage.synthetic.high < coverage.control.low, "{coverage:?}");
    assert!(bias.figure("worst_class_coverage").is_some());

    let groups: Vec<_> = report.groups.iter().filter(|group| group.column == "where").collect();
    let is_worst = |group: &GroupQuality| group.worst_in.contains(&"coverage");
    for fails in [false, true] {
        let of = |group: &GroupQuality| match fails {
            true => group.fails_in.contains(&"coverage"),
            false => is_worst(group),
        };
        let named = groups.iter().map(|group| (group.name.as_str(), of(group)));
        assert_eq!(
            named.collect::<Vec<_>>(),
            [("east", false), ("north", false), ("west", true)]
        );
    }
    for group in &groups {
        assert_eq!(group.group.rows, [100, 100], "{group:?}");
        let found = group.group.compared.unwrap();
        assert_eq!(found.coverage.value < 0.5, is_worst(group), "{group:?}");
        assert!(found.control_coverage.value > 0.8, "{group:?}");
    }
    let west = groups[2].group.compared.unwrap();
    // The interval of the worst of three is that of one among three.
    assert_eq!(
        (coverage.of.as_deref(), coverage.synthetic, coverage.control.value),
        (
            Some("west"),
            west.coverage.among(3).within(0.0, 1.0),
            west.control_coverage.value
        )
    );
    // Classes have a worst one of their own, by each figure.
    let classes = report.groups.iter().filter(|group| group.column == "label");
    assert_eq!(classes.filter(|group| is_worst(group)).count(), 1);

    let fair = judged(None);
    let coverage = fair.section("bias").unwrap().figure("worst_group_coverage").unwrap();
    assert_eq!(coverage.passes, Some(true), "{coverage:?}");
}

/// A class of four synthetic rows, of which two are far off, may lose more than a large one that is plainly worse, but does not hide it.
#[test]
fn a_class_that_is_plainly_worse_fails_whatever_other_classes_are_there() {
    let judged = |rows: &[([f32; WIDTH], i64)]| -> QualityReport {
        let quality = Quality {
            label: Some("label".to_owned()),
            ..Quality::default()
        };
        let [real, holdout] =
            [(1, "real"), (2, "holdout")].map(|(seed, name)| quality_files(&real(seed, 400), false, name));
        let made = quality_files(rows, false, "made");
        let report = quality.of(&context(), &real, &made, Some(&holdout), &mut |_, _| {});
        report.unwrap()
    };
    // Of the common class two fifths of the rows are far off.
    let mut common: Vec<([f32; WIDTH], i64)> = real(3, 400).into_iter().filter(|row| row.1 == 0).collect();
    for (values, _) in common.iter_mut().step_by(5) {
        *values = values.map(|value| value + 50.0);
    }
    for (values, _) in common.iter_mut().skip(1).step_by(5) {
        *values = values.map(|value| value - 50.0);
    }
    let mut rare: Vec<([f32; WIDTH], i64)> = real(4, 60).into_iter().filter(|row| row.1 == 1).take(4).collect();
    for (values, _) in &mut rare[..2] {
        *values = values.map(|value| 50.0 + 3.0 * value);
    }
    let honest: Vec<([f32; WIDTH], i64)> = real(5, 400).into_iter().filter(|row| row.1 == 1).collect();
    for (rows, is_alone) in [
        ([common.clone(), honest].concat(), true),
        ([common, rare].concat(), false),
    ] {
        let report = judged(&rows);
        let bias = report.section("bias").unwrap();
        let precision = bias.figure("worst_class_precision").unwrap();
        assert_eq!((bias.passes, precision.passes), (Some(false), Some(false)), "{bias:?}");
        let named = precision.of.clone().unwrap();
        assert!(!is_alone || named == "common", "{bias:?}");
        assert!(
            bias.verdict
                .starts_with(&format!("fails: worst class precision (\"{named}\") is ")),
            "{}",
            bias.verdict
        );
        assert!(bias.verdict.contains("\"common\""), "{}", bias.verdict);
        let group = |name: &str| report.groups.iter().find(|group| group.name == name).unwrap();
        // The figure is that of the class that it names.
        let worst = group(&named);
        assert_eq!(precision.synthetic.value, worst.group.compared.unwrap().precision.value);
        assert!(worst.worst_in.contains(&"precision"));
        assert!(group("common").fails_in.contains(&"precision"));
    }
}
