//! Figures by groups that are no classes.

use crate::common::context;
use crate::quality::{WIDTH, real};
use arrow::array::{ArrayRef, Float32Array, RecordBatch, StringArray};
use millstream::inspect::Quality;
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
        bias.verdict.contains("worst group coverage is ")
            && bias
                .verdict
                .ends_with("the group furthest behind real rows is \"west\""),
        "{}",
        bias.verdict
    );
    let coverage = bias.figure("worst_group_coverage").unwrap();
    assert_eq!(coverage.passes, Some(false), "{coverage:?}");
    assert!(coverage.synthetic.high < coverage.control.low, "{coverage:?}");
    assert!(bias.figure("worst_class_coverage").is_some());

    let groups: Vec<_> = report.groups.iter().filter(|group| group.column == "where").collect();
    let named = groups.iter().map(|group| (group.name.as_str(), group.is_worst));
    assert_eq!(
        named.collect::<Vec<_>>(),
        [("east", false), ("north", false), ("west", true)]
    );
    for group in &groups {
        assert_eq!(group.group.rows, [100, 100], "{group:?}");
        let found = group.group.compared.unwrap();
        assert_eq!(found.coverage.value < 0.5, group.is_worst, "{group:?}");
        assert!(found.control_coverage.value > 0.8, "{group:?}");
    }
    let west = groups[2].group.compared.unwrap();
    assert_eq!(
        (coverage.synthetic, coverage.control),
        (west.coverage, west.control_coverage)
    );
    // Classes have a worst one of their own.
    let classes = report.groups.iter().filter(|group| group.column == "label");
    assert_eq!(classes.filter(|group| group.is_worst).count(), 1);

    let fair = judged(None);
    let coverage = fair.section("bias").unwrap().figure("worst_group_coverage").unwrap();
    assert_eq!(coverage.passes, Some(true), "{coverage:?}");
}
