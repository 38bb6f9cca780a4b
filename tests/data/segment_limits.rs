//! How many rows segments may emit, and of how many the classes are counted.

use crate::common::{context, refused, refused_with, table};
use millstream::DatasetExt;
use millstream::error::ErrorKind;
use millstream::mix::{SegmentsSpec, Target};
use millstream::spec::Spec;

fn spec(rows: u64, emit: u64) -> SegmentsSpec {
    SegmentsSpec {
        rows,
        emit: Some(emit),
        ..SegmentsSpec::default()
    }
}

#[test]
fn more_rows_than_are_counted_one_by_one_do_not_come() {
    let cx = context();
    let rows = || cx.block_on(table(&[60, 25, 12]).classes(&cx, "label")).unwrap();
    let most = SegmentsSpec::MOST;
    spec(most, most).check().unwrap();
    for (spec, text) in [
        (
            spec(40, u64::MAX),
            "segments: emit is 18446744073709551615, but has to be at most 9007199254740992 (2^53): rows beyond are not counted one by one",
        ),
        (
            spec(most + 1, 40),
            "segments: rows is 9007199254740993, but has to be at most 9007199254740992 (2^53): rows beyond are not counted one by one",
        ),
        // Each segment is within the limit, and all together are not.
        (
            spec(40, most),
            "segments: emit: 9007199254740992 of each 40 rows of 97 rows are 21842458192746905 in an epoch, and at most 9007199254740992 (2^53) are counted one by one: \
             let fewer come of a segment",
        ),
    ] {
        refused(rows().segments(&spec).map(drop), ErrorKind::Config, text);
    }
    let read = serde_json::from_str::<SegmentsSpec>(r#"{"emit": 18446744073709551615}"#);
    assert!(
        read.unwrap_err()
            .to_string()
            .contains("has to be at most 9007199254740992")
    );
}

#[test]
fn the_classes_of_too_many_rows_are_not_counted() {
    let cx = context();
    let rows = cx.block_on(table(&[60, 25, 12]).classes(&cx, "label")).unwrap();
    let segments = rows.segments(&spec(97, 1 << 40)).unwrap();
    let loader = segments.loader(&cx).batch_size(20);
    refused_with(
        loader.class_prior(0),
        ErrorKind::Config,
        &["class prior: epoch 0 would be 1099511627776 rows, and at most 1073741824 (2^30) are gone through"],
    );
    refused_with(
        loader.class_prior_of_steps(0..1 << 40),
        ErrorKind::Config,
        &[
            "class prior: these steps would be 21990232555520 rows",
            "ask for that of fewer steps",
        ],
    );
    let prior = loader.class_prior_of_steps(0..3).unwrap();
    assert_eq!(prior.counts().iter().sum::<f64>(), 60.0);
    // A balance is no other.
    let balanced = cx
        .block_on(table(&[60, 25, 12]).balance(&cx, "label", Target::Uniform))
        .unwrap();
    refused_with(
        balanced.rows(1 << 40).loader(&cx).class_prior(0),
        ErrorKind::Config,
        &["epoch 0 would be 1099511627776 rows"],
    );
}
