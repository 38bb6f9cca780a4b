//! Cells of a product of columns, and what they are called.

use crate::common::{context, refused_with};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use millstream::DatasetExt;
use millstream::error::ErrorKind;
use millstream::mix::{BalanceSpec, Target};
use millstream::rows::{Key, Labels};
use millstream::source::Memory;
use std::sync::Arc;

fn rows(sites: [&str; 2]) -> Memory {
    let labels: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..120).map(|row| ["a / b", "a"][row % 2]),
    ));
    let sites: ArrayRef = Arc::new(StringArray::from_iter_values((0..120).map(|row| sites[row / 60])));
    let rows = RecordBatch::try_from_iter([("label", labels), ("site", sites)]).unwrap();
    Memory::new(vec![rows]).unwrap()
}

#[test]
fn two_cells_of_one_name_are_refused() {
    let cx = context();
    let key = Key::product([Key::column("label"), Key::column("site")]);
    let said = [
        "product: two cells would both be called \"a / b / c\": \"a\" of column \"label\" with \"b / c\" of column \"site\", and \"a / b\" of column \"label\" with \
         \"c\" of column \"site\"",
        "rename values of one of these columns, so that \" / \" is in none of them",
    ];
    let alike = rows(["c", "b / c"]);
    refused_with(cx.block_on(key.scan(&cx, &alike)), ErrorKind::Config, &said);
    let spec = BalanceSpec {
        target: Target::Shares([("a / b / c".to_owned(), 1.0)].into()),
        by: Some(key.clone()),
        ..BalanceSpec::default()
    };
    refused_with(
        cx.block_on(alike.balance_with(&cx, "label", &spec, None)),
        ErrorKind::Config,
        &said,
    );
    // Names that only look so are fine.
    let cells = cx.block_on(key.scan(&cx, &rows(["c", "d"]))).unwrap();
    assert_eq!(cells.names(), ["a / c", "a / d", "a / b / c", "a / b / d"]);
}

#[test]
fn the_cells_of_three_columns_are_told_in_their_order() {
    let of = |column: &str, names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Labels::new(column, names, [0, 0]).unwrap()
    };
    let parts = [
        of("one", &["x", "x / y"]),
        of("two", &["y / z", "z"]),
        of("three", &["1", "2"]),
    ];
    let parts: Vec<&Labels> = parts.iter().collect();
    refused_with(
        Labels::product(&parts),
        ErrorKind::Config,
        &[
            "\"x\" of column \"one\" with \"y / z\" of column \"two\" with \"1\" of column \"three\", and \"x / y\" of column \"one\" with \"z\" of column \"two\"",
        ],
    );
}
