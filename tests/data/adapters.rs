//! What the adapters that need no trait of the user's make of rows, by value.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, DictionaryArray, FixedSizeListArray, Float32Array,
    Float64Array, Int8Array, Int64Array, RecordBatch, StringArray, UInt8Array, UInt64Array,
};
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int8Type, Int32Type, Int64Type, Schema, UInt8Type, UInt64Type,
};
use arrow_schema::extension::Bool8;
use common::{context, fashion, ids, ints, pictures, refusal, refused, table};
use millstream::dataset::Len;
use millstream::error::ErrorKind;
use millstream::image::Image;
use millstream::rows::{CLASS_NAMES, Concat, DType, Fill, FillNull, FillValue, Filter, Labels, Read, Row};
use millstream::source::Memory;
use millstream::{Dataset, DatasetExt, Error, Result, Stable};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const COUNTS: [usize; 3] = [9, 7, 5];

/// One nullable column, in batches of two.
fn column(name: &str, array: impl Array + 'static) -> Memory {
    let rows = RecordBatch::try_from_iter_with_nullable([(name, Arc::new(array) as ArrayRef, true)]).unwrap();
    Memory::new(common::in_batches(&rows, 2)).unwrap()
}

fn take(rows: &impl Dataset, positions: &[u64]) -> Result<RecordBatch> {
    let cx = context();
    cx.block_on(rows.take(&cx, positions))
}

/// All rows of the first epoch.
fn all(rows: &impl Dataset) -> Result<RecordBatch> {
    let rows_of = rows.len().finite().unwrap();
    take(rows, &(0..rows_of).collect::<Vec<_>>())
}

fn blocks(rows: &impl Dataset) -> Vec<(u64, u64)> {
    let blocks = rows.blocks();
    blocks.iter().map(|block| (block.rows.start, block.rows.end)).collect()
}

fn places(rows: &impl Dataset, position: u64) -> Vec<u64> {
    let places = rows.provenance(&context(), position).places;
    places.iter().map(|place| place.row).collect()
}

fn whole<T>(result: Result<T>) -> Error {
    result.err().expect("an error")
}

#[test]
fn limit_takes_the_first_rows() {
    let rows = table(&COUNTS).limit(14).unwrap();
    assert_eq!(ids(&all(&rows).unwrap()), (0..14).collect::<Vec<_>>());
    assert_eq!(ids(&take(&rows, &[13, 14, 30]).unwrap()), [13, 0, 2]);
    assert_eq!(blocks(&rows), [(0, 10), (10, 14)]);
    assert_eq!(places(&rows, 15), [1]);
    assert_eq!(
        rows.describe().to_string().lines().next().unwrap(),
        "limit      rows 14"
    );
    assert_eq!(table(&COUNTS).limit(99).unwrap().len().finite(), Some(21));
    refused(
        table(&COUNTS).limit(0),
        ErrorKind::Config,
        "limit: 0 rows; a dataset has at least one",
    );
    let views = pictures(&COUNTS)
        .image("image", Image::new(8))
        .unwrap()
        .views(2)
        .unwrap();
    let views = views.limit(4).unwrap();
    assert_eq!((views.len().finite(), views.views()), (Some(8), 2));
    assert_eq!([3, 4, 7].map(|position| places(&views, position)), [[3], [0], [3]]);
}

#[test]
fn filter_keeps_rows_for_which_the_predicate_holds() {
    let cx = context();
    let third = || Filter::new("third").reads(Read::values("id", DType::I64));
    let is_third = |row: &Row<'_>| Ok(row.values::<i64>(0)?[0] % 3 == 0);
    let rows = cx.block_on(table(&COUNTS).filter(&cx, third(), is_third)).unwrap();
    assert_eq!(ids(&all(&rows).unwrap()), [0, 3, 6, 9, 12, 15, 18]);
    assert_eq!((blocks(&rows), places(&rows, 8)), (vec![(0, 4), (4, 7)], vec![3]));
    let plan = rows.describe().to_string();
    assert!(
        plan.contains("filter     name third, reads values id, i64, version 1, rows 7"),
        "{plan}"
    );
    let other = cx
        .block_on(table(&COUNTS).filter(&cx, third().version(2), is_third))
        .unwrap();
    assert_ne!(rows.describe().fingerprint(), other.describe().fingerprint());
    // A null is for the predicate to judge.
    let some = column("id", Int64Array::from(vec![Some(4), None, Some(9)]));
    let there = cx
        .block_on(some.filter(&cx, third(), |row| Ok(!row.is_null(0))))
        .unwrap();
    assert_eq!(ids(&all(&there).unwrap()), [4, 9]);
}

#[test]
fn filter_keeps_all_class_names() {
    let cx = context();
    let classed = cx.block_on(table(&COUNTS).classes(&cx, "label")).unwrap();
    let no_first = cx.block_on(classed.filter(&cx, Filter::new("rest").reads(Read::Class), |row| {
        Ok(row.class() != Some(0))
    }));
    let rows = no_first.unwrap();
    let labels = cx.block_on(Labels::scan(&cx, &rows, "label")).unwrap();
    assert_eq!(labels.counts(), [0, 7, 5]);
    assert_eq!(labels.names(), ["class 0", "class 1", "class 2"]);
    assert_eq!(rows.provenance(&cx, 0).class, Some(labels.class(0)));
}

#[test]
fn filter_says_what_is_wrong() {
    let cx = context();
    let filter = |read, predicate: fn(&Row<'_>) -> Result<bool>| {
        cx.block_on(table(&COUNTS).filter(&cx, Filter::new("f").reads(read), predicate))
    };
    let id = || Read::values("id", DType::I64);
    refused(
        filter(id(), |_| Ok(false)),
        ErrorKind::Config,
        "filter \"f\" keeps none of the rows, and a dataset has at least one",
    );
    refused(
        filter(Read::str("id"), |_| Ok(true)),
        ErrorKind::Schema,
        "filter \"f\": column \"id\" holds Int64, not strings",
    );
    refused(
        filter(id(), |row| match row.values::<i64>(0)?[0] {
            17 | 5 => Err(Error::data("unlucky")),
            _ => Ok(true),
        }),
        ErrorKind::Data,
        "filter \"f\": row 5 in memory: unlucky",
    );
}

#[test]
fn concat_puts_rows_behind_each_other() {
    let rows = table(&[8, 4]).concat(table(&[3])).unwrap();
    assert_eq!(ids(&all(&rows).unwrap()), (0..12).chain(0..3).collect::<Vec<_>>());
    assert_eq!(ids(&take(&rows, &[14, 0, 12, 15, 29]).unwrap()), [2, 0, 0, 0, 2]);
    assert_eq!(blocks(&rows), [(0, 10), (10, 12), (12, 15)]);
    assert_eq!((places(&rows, 11), places(&rows, 13)), (vec![11], vec![1]));
    let cx = context();
    let ids = cx.block_on(rows.column(&cx, "id")).unwrap();
    assert_eq!(ids.as_primitive::<Int64Type>().values()[10..], [10, 11, 0, 1, 2]);
}

#[test]
fn concat_keeps_views_together() {
    let viewed = |counts: &[usize]| {
        pictures(counts)
            .image("image", Image::new(8))
            .unwrap()
            .views(2)
            .unwrap()
    };
    let rows = viewed(&[3]).concat(viewed(&[2])).unwrap();
    assert_eq!((rows.len().finite(), rows.views()), (Some(10), 2));
    let found: Vec<_> = (0..10).flat_map(|position| places(&rows, position)).collect();
    assert_eq!(found, [0, 1, 2, 0, 1, 0, 1, 2, 0, 1]);
    assert_eq!(blocks(&rows), [(0, 3), (3, 5), (5, 8), (8, 10)]);
    let one = pictures(&[2]).image("image", Image::new(8)).unwrap().views(1).unwrap();
    refused(
        viewed(&[3]).concat(one),
        ErrorKind::Config,
        "concat: views of source 1: 1, of source 0: 2; give them the same number",
    );
}

#[test]
fn concat_needs_the_same_columns_and_classes() {
    let id = |array: ArrayRef| Memory::new(vec![RecordBatch::try_from_iter([("id", array)]).unwrap()]).unwrap();
    let long = || id(Arc::new(Int64Array::from(vec![1])));
    refused(
        long().concat(id(Arc::new(UInt8Array::from(vec![1])))),
        ErrorKind::Schema,
        "concat: column \"id\" of source 1 is UInt8, of source 0 Int64",
    );
    refused(
        long().concat(table(&[2])),
        ErrorKind::Schema,
        "concat: source 1 has a column \"label\", source 0 has not",
    );
    let cx = context();
    let classed = |counts: &[usize]| cx.block_on(table(counts).classes(&cx, "label")).unwrap();
    let error = whole(classed(&[2, 2]).concat(classed(&[2])));
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("label"), "{error}");
    assert!(classed(&[2, 2]).concat(classed(&[1, 3])).is_ok());
    refused(Concat::new(vec![]), ErrorKind::Config, "concat: no sources");
    // A null in one of them makes the column nullable, and an error says which source it is of.
    let texts = |texts: Vec<&str>| {
        column("n", StringArray::from(texts))
            .cast("n", &DataType::Int64)
            .unwrap()
    };
    let rows = texts(vec!["1", "2"]).concat(texts(vec!["3", "x"])).unwrap();
    let error = whole(take(&rows, &[1, 3]));
    assert_eq!(error.index(), Some(1));
    assert!(
        error.to_string().starts_with("source 1: cast: column \"n\": \"x\""),
        "{error}"
    );
}

#[test]
fn zip_puts_columns_side_by_side() {
    let right = column("age", Int64Array::from_iter_values((0..21).map(|row| 100 + row)));
    let rows = table(&COUNTS).zip(right).unwrap();
    let names: Vec<String> = rows
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["id", "label", "x", "age"]);
    let taken = take(&rows, &[20, 3, 21]).unwrap();
    assert_eq!(
        (ids(&taken), ints(&taken, "age")),
        (vec![20, 3, 0], vec![120, 103, 100])
    );
    assert_eq!(places(&rows, 7), [7, 7]);
    refused(
        table(&COUNTS).zip(table(&COUNTS).project(&["x"]).unwrap()),
        ErrorKind::Schema,
        "zip: both datasets have a column \"x\": leave it out of one of them with `project`",
    );
    refused(
        table(&COUNTS).zip(column("age", Int64Array::from(vec![1]))),
        ErrorKind::Config,
        "zip: the left dataset has 21 rows, the right one 1 row: they need as many rows and views",
    );
}

#[test]
fn zip_has_the_blocks_of_the_larger_side_and_the_bytes_of_both() {
    let cx = context();
    let images = fashion(&cx);
    let bytes = |blocks: &[millstream::dataset::Block]| blocks.iter().map(|block| block.bytes).sum::<u64>();
    let labels = fashion(&cx).columns(&["label"]).unwrap();
    let expected = (blocks(&images), bytes(&images.blocks()) + bytes(&labels.blocks()));
    let rows = labels.zip(images.project(&["image"]).unwrap()).unwrap();
    assert_eq!(blocks(&rows), expected.0);
    let (found, most) = (bytes(&rows.blocks()), expected.1);
    assert!(
        found <= most && found + rows.blocks().len() as u64 >= most,
        "{found} of {most}"
    );
}

#[test]
fn project_keeps_columns_in_order() {
    let rows = table(&COUNTS).project(&["x", "id"]).unwrap();
    let taken = take(&rows, &[5, 2]).unwrap();
    assert_eq!((taken.num_columns(), taken.schema().field(0).name().as_str()), (2, "x"));
    assert_eq!(
        (ids(&taken), common::vectors(&taken)),
        (vec![5, 2], {
            common::vectors(&take(&table(&COUNTS), &[5, 2]).unwrap())
        })
    );
    let cx = context();
    refused(
        cx.block_on(rows.column(&cx, "label")),
        ErrorKind::Schema,
        "no column \"label\"; there are \"x\", \"id\"",
    );
    let project = |columns: &[&str]| table(&COUNTS).project(columns);
    refused(
        project(&[]),
        ErrorKind::Config,
        "project: no columns: name at least one",
    );
    refused(
        project(&["x", "x"]),
        ErrorKind::Config,
        "project: column \"x\" is named twice",
    );
    refused(
        project(&["y"]),
        ErrorKind::Schema,
        "project: no column \"y\"; there are \"id\", \"label\", \"x\"",
    );
}

#[allow(clippy::needless_pass_by_value, reason = "types are written where they are used")]
fn cast(array: impl Array + 'static, to: &DataType) -> Result<ArrayRef> {
    Ok(Arc::clone(all(&column("c", array).cast("c", to)?)?.column(0)))
}

#[test]
fn cast_keeps_every_value() {
    let found = cast(
        Int64Array::from(vec![Some(-3), None, Some(1 << 53)]),
        &DataType::Float64,
    )
    .unwrap();
    assert_eq!(
        found.as_ref(),
        &Float64Array::from(vec![Some(-3.0), None, Some(9_007_199_254_740_992.0)]) as &dyn Array
    );
    let found = cast(Float64Array::from(vec![Some(2.0), None]), &DataType::UInt8).unwrap();
    assert_eq!(
        found.as_primitive::<UInt8Type>(),
        &UInt8Array::from(vec![Some(2), None])
    );
    let found = cast(Float64Array::from(vec![0.1]), &DataType::Float32).unwrap();
    assert_eq!(found.as_primitive::<Float32Type>().values(), &[0.1]);
    let found = cast(
        StringArray::from(vec![Some("-7"), None, Some("2.5e1")]),
        &DataType::Int32,
    )
    .unwrap();
    assert_eq!(
        found.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(),
        [Some(-7), None, Some(25)]
    );
    let found = cast(StringArray::from(vec!["True", "0"]), &DataType::Boolean).unwrap();
    assert_eq!(found.as_boolean(), &BooleanArray::from(vec![true, false]));
    let found = cast(UInt64Array::from(vec![u64::MAX]), &DataType::Utf8).unwrap();
    assert_eq!(found.as_string::<i32>().value(0), "18446744073709551615");
    let words: DictionaryArray<Int32Type> = vec![Some("1.5"), None, Some("1.5")].into_iter().collect();
    let found = cast(words, &DataType::Float64).unwrap();
    assert_eq!(
        found.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(),
        [Some(1.5), None, Some(1.5)]
    );
}

#[test]
fn cast_refuses_what_is_not_the_same() {
    for (array, to, said) in [
        (
            Arc::new(Int64Array::from(vec![Some(1), None, Some(300)])) as ArrayRef,
            DataType::UInt8,
            "300 does not fit into u8: cast to a wider type",
        ),
        (
            Arc::new(Float64Array::from(vec![1.0, 2.0, 2.5])),
            DataType::Int64,
            "2.5 is no whole number",
        ),
        (
            Arc::new(Int64Array::from(vec![0, 0, (1 << 24) + 1])),
            DataType::Float32,
            "16777217 is a whole number that no f32 is equal to",
        ),
        (
            Arc::new(Int64Array::from(vec![0, 1, 2])),
            DataType::Boolean,
            "2 is neither 0 nor 1",
        ),
        (
            Arc::new(StringArray::from(vec!["1", "2", " 3"])),
            DataType::Int64,
            "\" 3\" is no number",
        ),
        (
            Arc::new(StringArray::from(vec!["1", "2", "16777217"])),
            DataType::Float32,
            "\"16777217\" is a whole number that no f32 is equal to",
        ),
        (
            Arc::new(StringArray::from(vec!["1", "2", "1e999"])),
            DataType::Float64,
            "\"1e999\" is beyond the largest f64",
        ),
    ] {
        let error = whole(cast(array, &to));
        assert_eq!(error.to_string(), format!("cast: column \"c\": {}", said));
        assert_eq!((error.kind(), error.index()), (ErrorKind::Data, Some(2)));
    }
    let wrong = table(&COUNTS).cast("x", &DataType::Int64);
    let error = whole(wrong).to_string();
    assert!(
        error.starts_with("cast: column \"x\" holds FixedSizeList")
            && error.ends_with(", not numbers, booleans or strings"),
        "{error}"
    );
    let error = whole(table(&COUNTS).cast("id", &DataType::Date32)).to_string();
    assert!(error.contains("Date32 is none of the types there are"), "{error}");
    let cx = context();
    let rows = column("c", StringArray::from(vec!["1", "2", "x"]))
        .cast("c", &DataType::Int8)
        .unwrap();
    refused(
        cx.block_on(rows.column(&cx, "c")),
        ErrorKind::Data,
        "row 2 in memory: cast: column \"c\": \"x\" is no number",
    );
}

#[test]
fn cast_keeps_class_names_of_whole_numbers_alone() {
    let cx = context();
    let classed = || cx.block_on(table(&COUNTS).classes(&cx, "label")).unwrap();
    let names = |to| {
        let rows = classed().cast("label", &to).unwrap();
        rows.schema()
            .field_with_name("label")
            .unwrap()
            .metadata()
            .contains_key(CLASS_NAMES)
    };
    assert!(names(DataType::UInt8));
    assert!(!names(DataType::Utf8) && !names(DataType::Float32));
}

fn fit(array: impl Array + 'static, fill: Fill) -> Result<FillValue> {
    let cx = context();
    let rows = column("c", array);
    Ok(cx.block_on(FillNull::fit(&cx, &rows, "c", fill))?.value().clone())
}

/// The expected values are those of scikit-learn's `SimpleImputer`.
#[test]
fn fill_values_are_those_of_simple_imputer() {
    let floats = || {
        Float64Array::from(vec![
            Some(1.0),
            None,
            Some(7.0),
            Some(2.0),
            Some(f64::NAN),
            Some(7.0),
            Some(2.0),
        ])
    };
    assert_eq!(fit(floats(), Fill::Mean).unwrap(), FillValue::Float(3.8));
    assert_eq!(fit(floats(), Fill::Median).unwrap(), FillValue::Float(2.0));
    assert_eq!(fit(floats(), Fill::MostFrequent).unwrap(), FillValue::Float(2.0));
    let even = Float32Array::from(vec![Some(4.0), Some(1.0), None, Some(3.0), Some(10.0)]);
    assert_eq!(fit(even, Fill::Median).unwrap(), FillValue::Float(3.5));
    let whole = || Int64Array::from(vec![Some(5), Some(3), None, Some(3), Some(5), Some(9)]);
    assert_eq!(fit(whole(), Fill::Mean).unwrap(), FillValue::Int(5));
    assert_eq!(fit(whole(), Fill::Median).unwrap(), FillValue::Int(5));
    assert_eq!(fit(whole(), Fill::MostFrequent).unwrap(), FillValue::Int(3));
    let words = StringArray::from(vec![Some("b"), None, Some("a"), Some("b"), Some("a"), Some("c")]);
    assert_eq!(fit(words, Fill::MostFrequent).unwrap(), FillValue::Str("a".to_owned()));
    let bits = BooleanArray::from(vec![Some(true), None, Some(true), Some(false)]);
    assert_eq!(fit(bits, Fill::MostFrequent).unwrap(), FillValue::Bool(true));
}

#[test]
fn fill_null_fills_other_rows_with_the_fitted_value() {
    let cx = context();
    let train = column(
        "c",
        Float32Array::from(vec![Some(20.0), None, Some(30.0), Some(f32::NAN)]),
    );
    let fitted = cx.block_on(FillNull::fit(&cx, &train, "c", Fill::Mean)).unwrap();
    let valid = column("c", Float32Array::from(vec![None, Some(90.0)]))
        .fill_null_with(&fitted)
        .unwrap();
    assert_eq!(
        all(&valid).unwrap()["c"].as_primitive::<Float32Type>().values(),
        &[25.0, 90.0]
    );
    let train = cx.block_on(train.fill_null(&cx, "c", Fill::Mean)).unwrap();
    assert_eq!(
        all(&train).unwrap()["c"].as_primitive::<Float32Type>().values(),
        &[20.0, 25.0, 30.0, 25.0]
    );
    assert!(!train.schema().field(0).is_nullable());
    assert_eq!(cx.block_on(train.column(&cx, "c")).unwrap().null_count(), 0);
    let plan = train.describe();
    assert_eq!(
        plan.to_string().lines().next().unwrap(),
        "fill_null  column c, value 25"
    );
    let other = column(
        "c",
        Float32Array::from(vec![Some(20.0), None, Some(30.0), Some(f32::NAN)]),
    );
    let other = other.fill_null_with(&FillNull::new("c", 26.0)).unwrap();
    assert_ne!(plan.fingerprint(), other.describe().fingerprint());
    let words = column("c", StringArray::from(vec![None, Some("b")])).fill_null_with(&FillNull::new("c", "none"));
    let words = all(&words.unwrap()).unwrap();
    assert_eq!(
        words["c"].as_string::<i32>().iter().collect::<Vec<_>>(),
        [Some("none"), Some("b")]
    );
}

#[test]
fn fill_null_refuses_what_does_not_fit() {
    let ints = || Int64Array::from(vec![Some(1), Some(2), None]);
    refused(
        fit(ints(), Fill::Mean),
        ErrorKind::Config,
        "fill_null: column \"c\" holds Int64, and its mean is 1.5: `cast` it to Float64 first, or fill with another value",
    );
    refused(
        fit(ints(), Fill::Value("x".into())),
        ErrorKind::Config,
        "fill_null: column \"c\" holds Int64, into which the value \"x\" does not go: choose another, or `cast` the column first",
    );
    assert!(fit(ints(), Fill::Value(1.5.into())).is_err() && fit(ints(), Fill::Value(4.0.into())).is_ok());
    refused(
        fit(Float64Array::from(vec![None, None, Some(f64::NAN)]), Fill::Median),
        ErrorKind::Data,
        "fill_null: column \"c\": all 3 values are null, so there is none to fit",
    );
    refused(
        fit(StringArray::from(vec!["a"]), Fill::Mean),
        ErrorKind::Schema,
        "fill_null: column \"c\" holds Utf8, which has no mean or median: it takes integers or floats",
    );
    let nan = column("c", ints()).fill_null_with(&FillNull::new("c", f64::NAN));
    refused(nan, ErrorKind::Config, "fill_null: value NaN is not a finite number");
}

fn doubled(rows: &RecordBatch, by: i64) -> Result<RecordBatch> {
    let ids = rows["id"]
        .as_primitive::<Int64Type>()
        .unary::<_, Int64Type>(|id| 2 * id + by);
    Ok(RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)])?)
}

#[test]
fn map_batch_runs_whole_batches() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let schema = table(&COUNTS).project(&["id"]).unwrap().schema();
    let rows = table(&COUNTS).map_batch("double", Arc::clone(&schema), move |rows| {
        counted.fetch_add(1, Ordering::SeqCst);
        doubled(&rows, 0)
    });
    assert_eq!(ids(&take(&rows, &[3]).unwrap()), [6]);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "one row has no halves");
    assert_eq!(ids(&take(&rows, &[5, 0, 20]).unwrap()), [10, 0, 40]);
    assert_eq!(calls.load(Ordering::SeqCst), 4, "the whole and two halves");
    assert_eq!(ids(&take(&rows, &[1, 2]).unwrap()), [2, 4]);
    assert_eq!(calls.load(Ordering::SeqCst), 5);
    let cx = context();
    let column = cx.block_on(rows.column(&cx, "id")).unwrap();
    assert_eq!((column.len(), column.as_primitive::<Int64Type>().value(20)), (21, 40));
    let again = table(&COUNTS).map_batch("double", schema, |rows| doubled(&rows, 0));
    assert_eq!(rows.describe(), again.describe());
    assert_ne!(rows.describe().fingerprint(), again.version(2).describe().fingerprint());
    assert!(matches!(rows.len(), Len::Finite(rows) if rows.get() == 21));
}

#[test]
fn map_batch_refuses_rows_that_depend_on_others() {
    let schema = || table(&COUNTS).project(&["id"]).unwrap().schema();
    let of_length = table(&COUNTS).map_batch("odd", schema(), |rows| doubled(&rows, rows.num_rows() as i64 / 3));
    for _ in 0..2 {
        refused(
            take(&of_length, &[0, 1, 2, 3]),
            ErrorKind::Config,
            "odd: row 0 of a batch of 4 comes out otherwise when the batch is run in two halves, but a row must depend on itself \
             alone: write it for one row, with `map`",
        );
    }
    let short = table(&COUNTS).map_batch("short", schema(), |rows| doubled(&rows.slice(1, 1), 0));
    refused(
        take(&short, &[0, 1, 2]),
        ErrorKind::Config,
        "short: 1 row came of 3, but each row must give one: leave rows out with `filter`",
    );
    let other = table(&COUNTS).map_batch("other", table(&COUNTS).schema(), |rows| doubled(&rows, 0));
    let error = whole(take(&other, &[0]));
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(
        error
            .to_string()
            .starts_with("other: the columns are id Int64, but it was said that they are id Int64, label Utf8"),
        "{error}"
    );
}

#[test]
fn cast_reads_every_digit() {
    let decimal = |value: i128, scale: i8| {
        let array = Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale);
        array.unwrap()
    };
    let text = |text: &str| StringArray::from(vec![text]);
    let long = cast(text("9007199254740993.0"), &DataType::Int64).unwrap();
    assert_eq!(long.as_primitive::<Int64Type>().values(), &[9_007_199_254_740_993]);
    let near = cast(text("1.00000005960464477540"), &DataType::Float32).unwrap();
    assert_eq!(near.as_primitive::<Float32Type>().values(), &[1.000_000_1]);
    let large = cast(text("1e23"), &DataType::Float64).unwrap();
    assert_eq!(large.as_primitive::<Float64Type>().values(), &[1e23]);
    refusal(
        cast(text("16777217.0"), &DataType::Float32),
        ErrorKind::Data,
        "is a whole number that no f32 is equal to",
    );
    refusal(
        cast(text("0.99999999999999999999"), &DataType::Int64),
        ErrorKind::Data,
        "is no whole number",
    );
    let half = decimal(90_071_992_547_409_935, 1);
    let error = refusal(
        cast(half, &DataType::Int64),
        ErrorKind::Data,
        "9007199254740993.5 is no whole number",
    );
    // Its place says which row it is.
    assert!(!error.to_string().contains("of the batch"), "{error}");
    refusal(
        cast(Int64Array::from(vec![i64::MIN]), &DataType::Float16),
        ErrorKind::Data,
        "that no f16 is equal to",
    );
}

#[test]
fn fill_values_beyond_63_bits_are_exact() {
    let high = (1_u64 << 63) + 1;
    let values = UInt64Array::from(vec![Some(high), Some(high), Some(high + 2), None]);
    assert_eq!(fit(values.clone(), Fill::MostFrequent).unwrap(), FillValue::UInt(high));
    assert_eq!(fit(values, Fill::Median).unwrap(), FillValue::UInt(high));
    let two = UInt64Array::from(vec![Some(high), Some(high + 2), None]);
    assert_eq!(fit(two.clone(), Fill::Mean).unwrap(), FillValue::UInt(high + 1));
    let small = UInt64Array::from(vec![Some(5), None]);
    assert_eq!(fit(small, Fill::Mean).unwrap(), FillValue::Int(5));
    // As it is written, too.
    let spec: FillNull = serde_json::from_str(&format!(r#"{{"column":"x","value":{high}}}"#)).unwrap();
    let filled = all(&column("x", two).fill_null_with(&spec).unwrap()).unwrap();
    assert_eq!(
        filled["x"].as_primitive::<UInt64Type>().values(),
        &[high, high + 2, high]
    );
    // Sums that floats would round.
    let long = Int64Array::from(vec![i64::MAX, i64::MAX - 2]);
    assert_eq!(fit(long, Fill::Mean).unwrap(), FillValue::Int(i64::MAX - 1));
}

#[test]
fn a_byte_of_a_boolean_is_0_or_1() {
    let field = Field::new("x", DataType::Int8, true).with_extension_type(Bool8);
    let array: ArrayRef = Arc::new(Int8Array::from(vec![Some(7), Some(0), None]));
    let rows = || {
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        Memory::new(vec![RecordBatch::try_new(schema, vec![Arc::clone(&array)]).unwrap()]).unwrap()
    };
    let filled = |value: FillValue| rows().fill_null_with(&FillNull::new("x", value));
    for (to, expected) in [(DataType::Int8, [1, 0]), (DataType::Int64, [1, 0])] {
        let taken = all(&rows().cast("x", &to).unwrap()).unwrap();
        let wide = arrow::compute::cast(&taken["x"], &DataType::Int64).unwrap();
        assert_eq!(wide.as_primitive::<Int64Type>().values()[..2], expected, "{to}");
    }
    refusal(
        filled(7.into()),
        ErrorKind::Config,
        "into which the value 7 does not go",
    );
    let with = all(&filled(true.into()).unwrap()).unwrap();
    assert_eq!(with["x"].as_primitive::<Int8Type>().value(2), 1);
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let field = || Field::new("y", DataType::Int64, false);
    let array: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let rows = RecordBatch::try_new(
        Arc::new(Schema::new(vec![field(), field()])),
        vec![Arc::clone(&array), array],
    );
    let rows = Memory::new(vec![rows.unwrap()]);
    refusal(rows, ErrorKind::Schema, "memory: two columns are called \"y\"");
}

#[test]
fn lists_of_no_values_are_taken() {
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let values = Arc::new(Float32Array::from(Vec::<f32>::new()));
    let none = FixedSizeListArray::try_new_with_length(item, 0, values, None, 3).unwrap();
    let taken = take(&column("x", none), &[0, 2, 3]).unwrap();
    assert_eq!(taken["x"].len(), 3);
}
