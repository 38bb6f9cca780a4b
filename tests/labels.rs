//! Labels: which class a value has, in one set and beside another one, and what is said of values that have none.
#![allow(missing_docs, reason = "tests")]

mod common;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int8Array, Int64Array, ListArray, NullArray, RecordBatch,
    StringArray, UInt64Array,
};
use arrow::datatypes::{Field, Int8Type, Int32Type, Schema};
use common::{context, refused};
use millstream::error::ErrorKind;
use millstream::rows::{CLASS_NAMES, Labels, Survey};
use millstream::source::{Memory, Parquet};
use millstream::{Context, Error, Result};
use std::sync::Arc;

/// Rows with the labels `values`, and these class names beside them.
fn set(values: impl Into<ArrayRef>, names: Option<&[&str]>) -> Memory {
    let column: ArrayRef = values.into();
    let names = names.map(|names| (CLASS_NAMES.to_owned(), serde_json::to_string(names).unwrap()));
    let field = Field::new("label", column.data_type().clone(), true);
    let field = field.with_metadata(names.into_iter().collect());
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]);
    Memory::new(vec![batch.unwrap()]).unwrap()
}

fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn words(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn scan(cx: &Context, set: &Memory) -> Result<Labels> {
    cx.block_on(Labels::scan(cx, set, "label"))
}

/// The classes of `set` as those of `other`.
fn beside(cx: &Context, set: &Memory, other: &Memory) -> Result<(Vec<u32>, bool)> {
    let labels = cx.block_on(Labels::scan_as(cx, set, "label", &scan(cx, other)?))?;
    Ok((labels.iter().collect(), labels.remark().is_some()))
}

const ANIMALS: Option<&[&str]> = Some(&["ant", "bee", "cat"]);
const STARS: Option<&[&str]> = Some(&["1", "2", "3"]);

#[test]
fn values_of_any_type_are_classes() {
    let cx = context();
    let top = u64::MAX;
    let keys = Int8Array::from(vec![1, 0, 1]);
    let words_by_key: DictionaryArray<Int8Type> = DictionaryArray::new(keys.clone(), words(&["b", "a"]));
    let numbers_by_key: DictionaryArray<Int8Type> = DictionaryArray::new(keys, integers(&[7, -7]));
    let of = |column: ArrayRef, names: &[&str], classes: &[u32]| {
        let labels = scan(&cx, &set(column, None)).unwrap();
        assert_eq!(
            (labels.names(), labels.iter().collect::<Vec<_>>()),
            (
                &names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>()[..],
                classes.to_vec()
            )
        );
    };
    of(integers(&[5, -2, 5]), &["-2", "5"], &[1, 0, 1]);
    of(Arc::new(Int8Array::from(vec![3, 1])), &["1", "3"], &[1, 0]);
    of(Arc::new(BooleanArray::from(vec![true, false])), &["0", "1"], &[1, 0]);
    of(words(&["b", "a"]), &["a", "b"], &[1, 0]);
    of(Arc::new(words_by_key), &["a", "b"], &[0, 1, 0]);
    of(Arc::new(numbers_by_key), &["-7", "7"], &[0, 1, 0]);
    // Above 2^63 as well, each a class of its own.
    of(
        Arc::new(UInt64Array::from(vec![top, 1 << 63, top, 3])),
        &["3", "9223372036854775808", "18446744073709551615"],
        &[2, 1, 2, 0],
    );
}

#[test]
fn the_same_stored_values_are_the_same_classes() {
    let cx = context();
    let named = |values: &[i64], names| set(integers(values), names);
    let plain = |values: &[i64]| set(integers(values), None);
    let text = |values: &[&str]| set(words(values), None);
    let ok = |set: &Memory, other: &Memory, classes: &[u32], remark: bool| {
        assert_eq!(beside(&cx, set, other).unwrap(), (classes.to_vec(), remark));
    };
    // Names beside names, by name.
    ok(
        &named(&[0, 2], Some(&["cat", "x", "ant"])),
        &named(&[0, 1], ANIMALS),
        &[2, 0],
        false,
    );
    ok(
        &named(&[0, 1], Some(&["3", "2"])),
        &named(&[0, 1], STARS),
        &[2, 1],
        false,
    );
    // Plain integers beside names, both ways: the stored value.
    ok(&plain(&[1, 2]), &named(&[0, 1], ANIMALS), &[1, 2], false);
    ok(&named(&[1, 2], ANIMALS), &plain(&[0, 1, 2]), &[1, 2], false);
    ok(&named(&[2], ANIMALS), &plain(&[2, 5]), &[0], false);
    // Plain beside plain, also of other widths and as strings.
    ok(&plain(&[5]), &plain(&[3, 5]), &[1], false);
    ok(
        &set(Arc::new(Int8Array::from(vec![5])) as ArrayRef, None),
        &plain(&[3, 5]),
        &[1],
        false,
    );
    ok(&text(&["5"]), &plain(&[3, 5]), &[1], false);
    ok(&plain(&[5]), &text(&["3", "5"]), &[1], false);
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    ok(&set(flags, None), &plain(&[0, 1]), &[1], false);
    // Strings are names.
    ok(&text(&["cat", "ant"]), &named(&[0], ANIMALS), &[2, 0], false);
    ok(&named(&[2, 0], ANIMALS), &text(&["ant", "bee", "cat"]), &[2, 0], false);
    ok(&text(&["1"]), &named(&[0], STARS), &[0], false);
    ok(&named(&[0], STARS), &text(&["1", "2", "3"]), &[0], false);
    // Names that are numbers: the reading that fits, and it is said.
    ok(&plain(&[0, 1, 2]), &named(&[0, 1], STARS), &[0, 1, 2], true);
    ok(&plain(&[1, 2, 3]), &named(&[0, 1], STARS), &[0, 1, 2], true);
    ok(&named(&[0, 1, 2], STARS), &plain(&[1, 2, 3]), &[0, 1, 2], true);
    ok(&named(&[0, 1, 2], STARS), &plain(&[0, 1, 2]), &[0, 1, 2], true);
    // Both readings are the same.
    ok(&plain(&[0, 1]), &named(&[0], Some(&["0", "1"])), &[0, 1], false);
}

#[test]
fn two_readings_are_refused() {
    let cx = context();
    let (named, plain) = (set(integers(&[0, 1, 2]), STARS), set(integers(&[1, 2]), None));
    let said = |value: &str, stored: &str, name: &str| {
        format!(
            "column \"label\": one set has class names that are numbers, the other one plain integers, and {value} may be the \
             stored value of class \"{stored}\" or mean class \"{name}\": store the same class names in both, or the names as \
             strings"
        )
    };
    refused(beside(&cx, &plain, &named), ErrorKind::Schema, &said("1", "2", "1"));
    let (named, plain) = (set(integers(&[1]), STARS), set(integers(&[1, 2, 3]), None));
    refused(beside(&cx, &named, &plain), ErrorKind::Schema, &said("1", "1", "2"));
    let flags = set(Arc::new(BooleanArray::from(vec![true])) as ArrayRef, None);
    for (set, other) in [(&flags, &named), (&named, &flags)] {
        let error = beside(&cx, set, other).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("booleans here and integers with class names there"),
            "{error}"
        );
    }
}

#[test]
fn labels_without_a_class_are_named_and_counted() {
    let cx = context();
    let plain = |values: &[i64]| set(integers(values), None);
    let bad = |set: &Memory, other: &Memory, text: &str| {
        refused(
            beside(&cx, set, other),
            ErrorKind::Data,
            &format!("row 1 in memory: column \"label\": {text}"),
        );
    };
    let animals = set(integers(&[0]), ANIMALS);
    bad(
        &plain(&[0, 3, 4]),
        &animals,
        "label 3 is outside the 3 class names (2 of 3 rows)",
    );
    bad(
        &set(words(&["ant", "a\tb\u{1b}"]), None),
        &animals,
        r#"label "a\tb\u{1b}" is outside the 3 class names (1 of 2 rows)"#,
    );
    let named = set(integers(&[0, 1]), Some(&["ant", "wasp"]));
    bad(
        &named,
        &animals,
        "label wasp is outside the 3 class names (1 of 2 rows)",
    );
    // 7 is neither a stored value nor a name.
    let stars = set(integers(&[0]), STARS);
    bad(
        &plain(&[0, 7]),
        &stars,
        "label 7 is outside the 3 class names (1 of 2 rows)",
    );
    let holed: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), None, Some(9), None]));
    refused(
        scan(&cx, &set(Arc::clone(&holed), ANIMALS)),
        ErrorKind::Data,
        "row 1 in memory: column \"label\": the label is null (2 of 4 rows are null, 1 outside)",
    );
    refused(
        scan(&cx, &set(Arc::new(NullArray::new(2)) as ArrayRef, None)),
        ErrorKind::Data,
        "row 0 in memory: column \"label\": the label is null (2 of 2 rows)",
    );
    let survey = cx.block_on(Labels::survey(&cx, &set(holed, ANIMALS), "label")).unwrap();
    let Survey {
        rows,
        names,
        counts,
        nulls,
        outside,
        error,
        ..
    } = survey;
    assert_eq!(
        (rows, names, counts),
        (4, ["ant", "bee", "cat"].map(str::to_owned).to_vec(), vec![1, 0, 0])
    );
    assert_eq!((nulls, outside), (2, 1));
    assert!(error.is_some_and(|error: Error| error.to_string().contains("the label is null")));
    let whole = cx.block_on(Labels::survey(&cx, &plain(&[4, 4, 2]), "label")).unwrap();
    assert_eq!((whole.counts, whole.error.is_none()), (vec![1, 2], true));
}

#[test]
fn columns_that_hold_no_labels_say_why() {
    let cx = context();
    let no = |column: ArrayRef, names, text: &str| {
        refused(
            scan(&cx, &set(column, names)),
            ErrorKind::Schema,
            &format!("column \"label\"{text}"),
        );
    };
    no(
        Arc::new(Float64Array::from(vec![1.0])),
        None,
        " holds Float64; labels are integers or strings: cast whole numbers to an integer type, and sort others into classes",
    );
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(0), Some(2)])]);
    no(
        Arc::new(lists),
        None,
        " holds List(Int32); several labels a row (multi-label) are not supported: store one label a row",
    );
    no(integers(&[0]), Some(&["a", "b", "a"]), ": two class names are \"a\"");
}

fn table(name: &str) -> String {
    format!("{}/tests/cases/tables/{name}.parquet", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn files_of_others_are_read_or_refused() {
    let cx = context();
    let open = |name: &str| cx.block_on(Parquet::open(&cx, table(name))).unwrap();
    let labels = |name: &str, column: &str| cx.block_on(Labels::scan(&cx, &open(name), column));
    let stars = labels("stars_train", "label").unwrap();
    let beside = cx.block_on(Labels::scan_as(&cx, &open("stars_valid"), "label", &stars));
    let error = beside.unwrap_err().to_string();
    assert!(
        error.contains("1 may be the stored value of class \"2\" or mean class \"1\""),
        "{error}"
    );

    let large = labels("label_u64", "label").unwrap();
    assert_eq!(
        (large.counts(), large.names()[0].as_str()),
        (vec![20; 3], "9223372036854775813")
    );
    let unused = labels("unused_class", "label").unwrap();
    assert_eq!(
        (unused.counts(), unused.names()[3].as_str()),
        (vec![20, 20, 20, 0], "yellow")
    );
    let error = labels("hf_list", "labels").unwrap_err().to_string();
    assert!(
        error.contains("several labels a row (multi-label) are not supported"),
        "{error}"
    );
    let error = labels("tabular", "y").unwrap_err().to_string();
    assert!(
        error.contains("holds Float32; labels are integers or strings"),
        "{error}"
    );
}
