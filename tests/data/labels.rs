//! Labels: which class a value has, in one set and beside another one, and what is said of values that have none.
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, DictionaryArray, FixedSizeListArray, Float32Array,
    Float64Array, Int8Array, Int32Array, Int64Array, LargeListArray, LargeListViewArray, ListArray, ListViewArray,
    NullArray, RecordBatch, StringArray, StructArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type, Int64Type, Schema};
use common::{context, refused};
use millstream::dataset::Dataset;
use millstream::error::ErrorKind;
use millstream::mix::Target;
use millstream::rows::{AnyLabels, CLASS_NAMES, LabelKind, Labels, MultiLabels, Survey};
use millstream::source::{Memory, Parquet};
use millstream::{Context, DatasetExt, Error, Result, Stable};
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

/// A column of lists, of which some are null.
fn lists(rows: &[Option<&[i32]>]) -> ListArray {
    let row = |row: &Option<&[i32]>| row.map(|row| row.iter().copied().map(Some).collect::<Vec<_>>());
    ListArray::from_iter_primitive::<Int32Type, _, _>(rows.iter().map(row))
}

fn item(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(data_type, true))
}

fn scan_lists(cx: &Context, set: &Memory) -> Result<MultiLabels> {
    cx.block_on(MultiLabels::scan(cx, set, "label"))
}

/// A list of structs, which Hugging Face's `Sequence` stores as a struct of lists.
#[test]
fn class_names_inside_of_a_sequence_of_structs_are_used() {
    let category = lists(&[Some(&[1, 0, 1]), Some(&[]), Some(&[1])]);
    let area = lists(&[Some(&[10, 20, 30]), Some(&[]), Some(&[40])]);
    let field = |name: &str| Field::new(name, category.data_type().clone(), true);
    let columns: Vec<ArrayRef> = vec![Arc::new(area), Arc::new(category.clone())];
    let objects = StructArray::new(vec![field("area"), field("category")].into(), columns, None);
    let features = r#"{"info": {"features": {"objects": {"_type": "Sequence", "feature": {
        "area": {"dtype": "int64", "_type": "Value"}, "category": {"names": ["rbc", "wbc"], "_type": "ClassLabel"}}}}}}"#;
    let metadata = [("huggingface".to_owned(), features.to_owned())].into();
    let schema = Schema::new_with_metadata(vec![Field::new("objects", objects.data_type().clone(), true)], metadata);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(objects)]).unwrap();
    let file = tempfile::NamedTempFile::with_suffix(".parquet").unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file.reopen().unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let cx = context();
    let rows = cx.block_on(Parquet::open(&cx, file.path().to_str().unwrap())).unwrap();
    let named = rows.clone().columns(&["objects.category"]).unwrap();
    assert_eq!(
        named.class_names("objects.category"),
        Some(vec!["rbc".to_owned(), "wbc".to_owned()])
    );
    let labels = cx.block_on(AnyLabels::scan(&cx, &named, "objects.category")).unwrap();
    assert_eq!(
        (labels.names(), labels.counts()),
        (&["rbc".to_owned(), "wbc".to_owned()][..], vec![1, 2])
    );
    // Without `columns`, the error says how to come to it.
    let error = cx
        .block_on(AnyLabels::scan(&cx, &rows, "objects.category"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is inside of a struct: name it among the columns to be read (`Parquet::columns`)"),
        "{error}"
    );
    let error = rows.columns(&["category"]).unwrap_err().to_string();
    assert!(
        error.contains("; do you mean \"objects.category\", to be named"),
        "{error}"
    );
}

/// The classes of each row.
fn sets(labels: &MultiLabels) -> Vec<Vec<u32>> {
    labels.iter().map(Iterator::collect).collect()
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
    let texts = set(words(&["ant", "bee"]), None);
    let alike = ": the class names are texts in the training rows, and here are whole numbers without names: store the labels as the same texts \
                 in both, or as numbers with names (a ClassLabel) in both";
    let error = beside(&cx, &plain(&[0, 1]), &texts).unwrap_err().to_string();
    let said = "row 0 in memory: column \"label\": label 0 is outside the 2 class names (2 of 2 rows)";
    assert_eq!(error, format!("{said}{alike}"));
    let error = beside(&cx, &texts, &plain(&[0, 1])).unwrap_err().to_string();
    assert!(
        error.contains(
            "label ant is outside the 2 class names (2 of 2 rows): the classes are whole numbers without names"
        ),
        "{error}"
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
        " holds Float64: a number (regression target) has no class, and this needs one: use the column as it is for a regression, \
         or make a column of classes from it with map, by bins for example",
    );
    let lists = lists(&[Some(&[0, 2])]);
    no(
        Arc::new(lists),
        None,
        " holds List(Int32): a row has several classes (multi-label), and this needs one: make a column with one class a row from \
         it with map, the rarest one for example",
    );
    no(
        Arc::new(BinaryArray::from(vec![b"x" as &[u8]])),
        None,
        " holds Binary; labels are integers or strings, or lists of them: store text as strings",
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
        error.contains("a row has several classes (multi-label), and this needs one"),
        "{error}"
    );
    let error = labels("tabular", "y").unwrap_err().to_string();
    assert!(
        error.contains("holds Float32: a number (regression target) has no class"),
        "{error}"
    );

    let tags = cx.block_on(AnyLabels::scan(&cx, &open("hf_list"), "labels")).unwrap();
    assert_eq!(
        (tags.kind(), tags.names().join(" "), tags.counts()),
        (LabelKind::MultiLabel, "ant bee cat".to_owned(), vec![25; 3])
    );
    let AnyLabels::MultiLabel(tags) = tags else {
        panic!("lists are multi-label");
    };
    // Stored as [2, 0].
    assert_eq!(tags.classes(8).collect::<Vec<_>>(), [0, 2]);
}

#[test]
fn lists_of_any_type_are_sets_of_classes() {
    let cx = context();
    let of = |column: ArrayRef, names: &[&str], classes: &[&[u32]]| {
        let labels = scan_lists(&cx, &set(column, None)).unwrap();
        assert_eq!(labels.names(), names);
        assert_eq!(sets(&labels), classes);
        let counts: Vec<u64> = (0..names.len() as u32)
            .map(|class| classes.iter().filter(|row| row.contains(&class)).count() as u64)
            .collect();
        assert_eq!(labels.counts(), counts);
    };
    // In any order, with a class twice and with none.
    let rows = lists(&[Some(&[5, -2]), Some(&[]), Some(&[5, 5, 3, 5]), Some(&[-2])]);
    let (names, classes): (&[&str], &[&[u32]]) = (&["-2", "3", "5"], &[&[0, 2], &[], &[1, 2], &[0]]);
    of(Arc::new(rows.clone()), names, classes);
    of(Arc::new(rows.slice(1, 3)), names, &classes[1..]);
    let values = Arc::new(Int32Array::from(vec![5, -2, 5, 5, 3, 5, -2]));
    let ends = || OffsetBuffer::<i64>::from_lengths([2, 0, 4, 1]);
    of(
        Arc::new(LargeListArray::new(item(DataType::Int32), ends(), values, None)),
        names,
        classes,
    );
    // Views may lie in any order, share values and leave some out: 77 is no class.
    let values = Arc::new(Int32Array::from(vec![77, 3, 5, -2, 5]));
    let (offsets, sizes) = ([3, 0, 1, 3], [2, 0, 2, 1]);
    let view = ListViewArray::new(
        item(DataType::Int32),
        offsets.to_vec().into(),
        sizes.to_vec().into(),
        Arc::clone(&values) as ArrayRef,
        None,
    );
    of(Arc::new(view), names, classes);
    let large = LargeListViewArray::new(
        item(DataType::Int32),
        offsets.map(i64::from).to_vec().into(),
        sizes.map(i64::from).to_vec().into(),
        values,
        None,
    );
    of(Arc::new(large), names, classes);
    // As many in each row.
    let fixed = FixedSizeListArray::new(item(DataType::Utf8), 2, words(&["b", "a", "b", "b"]), None);
    of(Arc::new(fixed), &["a", "b"], &[&[0, 1], &[1]]);
    let keys: DictionaryArray<Int8Type> = DictionaryArray::new(Int8Array::from(vec![1, 0, 1]), words(&["b", "a"]));
    let ends = OffsetBuffer::<i32>::from_lengths([1, 2]);
    of(
        Arc::new(ListArray::new(
            item(keys.data_type().clone()),
            ends,
            Arc::new(keys),
            None,
        )),
        &["a", "b"],
        &[&[0], &[0, 1]],
    );
    of(Arc::new(lists(&[Some(&[]), Some(&[])])), &[], &[&[], &[]]);
    let many = (0..70_000).map(|row| Some(vec![Some(row % 300), Some(7)]));
    let labels = scan_lists(
        &cx,
        &set(
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(many)) as ArrayRef,
            None,
        ),
    );
    let labels = labels.unwrap();
    assert_eq!(labels.classes(69_999).collect::<Vec<_>>(), [7, 99]);
    assert_eq!(
        (labels.counts()[7], labels.counts()[0], labels.counts()[299]),
        (70_000, 234, 233)
    );
    assert_eq!(sets(&labels.select(&[7, 3, 300])), [vec![7], vec![3, 7], vec![0, 7]]);
}

#[test]
fn lists_beside_others_have_the_same_classes() {
    let cx = context();
    let animals = set(Arc::new(lists(&[Some(&[2, 0]), Some(&[])])) as ArrayRef, ANIMALS);
    let known = scan_lists(&cx, &animals).unwrap();
    assert_eq!(
        (known.names().len(), known.counts(), known.without_class()),
        (3, vec![1, 0, 1], 1)
    );
    let tags = ListArray::new(
        item(DataType::Utf8),
        OffsetBuffer::<i32>::from_lengths([2, 1]),
        words(&["cat", "bee", "ant"]),
        None,
    );
    let tags = set(Arc::new(tags) as ArrayRef, None);
    let same = cx.block_on(MultiLabels::scan_as(&cx, &tags, "label", &known)).unwrap();
    assert_eq!((sets(&same), same.remark()), (vec![vec![1, 2], vec![0]], None));
    let wasp = ListArray::new(
        item(DataType::Utf8),
        OffsetBuffer::<i32>::from_lengths([1, 2]),
        words(&["ant", "bee", "wasp"]),
        None,
    );
    refused(
        cx.block_on(MultiLabels::scan_as(
            &cx,
            &set(Arc::new(wasp) as ArrayRef, None),
            "label",
            &known,
        )),
        ErrorKind::Data,
        "row 1 in memory: column \"label\": label wasp is outside the 3 class names (1 of 2 rows)",
    );

    let any = |set: &Memory| cx.block_on(AnyLabels::scan(&cx, set, "label")).unwrap();
    let (many, one) = (any(&animals), any(&set(integers(&[0, 1]), ANIMALS)));
    refused(
        cx.block_on(AnyLabels::scan_as(&cx, &set(integers(&[0]), ANIMALS), "label", &many)),
        ErrorKind::Schema,
        "column \"label\" has one class a row, but column \"label\" of the other set has lists of classes: store the labels of \
         both sets in the same way",
    );
    let again = cx.block_on(AnyLabels::scan_as(&cx, &animals, "label", &many)).unwrap();
    assert_eq!(again, many);
    assert_eq!(one.single().unwrap().iter().collect::<Vec<_>>(), [0, 1]);
    refused(
        many.single(),
        ErrorKind::Schema,
        "column \"label\": a row has several classes (multi-label), and one is needed here: make a column with one class a row \
         from it with map, the rarest one for example",
    );
    refused(
        scan_lists(&cx, &set(integers(&[0]), None)),
        ErrorKind::Schema,
        "column \"label\" holds Int64, one label a row, where a list of labels is needed: name a column of lists",
    );
}

#[test]
fn nulls_in_lists_are_named_and_counted() {
    let cx = context();
    // Below the null lies a value that is no class.
    let values = Arc::new(Int32Array::from(vec![
        Some(0),
        Some(9),
        Some(2),
        None,
        Some(1),
        Some(8),
    ]));
    let nulls = NullBuffer::from(vec![true, false, true, true, true]);
    let ends = OffsetBuffer::<i32>::from_lengths([1, 1, 2, 2, 0]);
    let holed: ArrayRef = Arc::new(ListArray::new(item(DataType::Int32), ends, values, Some(nulls)));
    let names = Some(&["ant", "bee", "cat"] as &[&str]);
    refused(
        scan_lists(&cx, &set(Arc::clone(&holed), names)),
        ErrorKind::Data,
        "row 1 in memory: column \"label\": the label is null (2 of 5 rows are null, 1 outside)",
    );
    refused(
        scan_lists(&cx, &set(holed.slice(2, 3), names)),
        ErrorKind::Data,
        "row 0 in memory: column \"label\": a label in the list is null (1 of 3 rows is null, 1 outside)",
    );
    refused(
        scan_lists(&cx, &set(holed.slice(3, 2), names)),
        ErrorKind::Data,
        "row 0 in memory: column \"label\": label 8 is outside the 3 class names (1 of 2 rows)",
    );
    let survey = |set: &Memory| cx.block_on(AnyLabels::survey(&cx, set, "label")).unwrap();
    let found = survey(&set(Arc::clone(&holed), names));
    assert_eq!(
        (
            found.kind,
            found.rows,
            found.counts,
            found.empty,
            found.nulls,
            found.outside
        ),
        (LabelKind::MultiLabel, 5, vec![1, 0, 0], 1, 2, 1)
    );
    assert!(found.error.unwrap().to_string().contains("the label is null"));
    // What lies below a null is no class, either.
    let found = survey(&set(holed, None));
    assert_eq!(
        (found.names.join(" "), found.counts),
        ("0 1 2 8".to_owned(), vec![1, 1, 0, 1])
    );
    assert_eq!(survey(&set(integers(&[3, 3]), None)).kind, LabelKind::Class);
}

#[test]
fn flags_are_no_lists_of_class_numbers() {
    let cx = context();
    let flags = |rows: &[Option<&[i32]>]| set(Arc::new(lists(rows)) as ArrayRef, None);
    let text = |width: usize| {
        format!(
            "column \"label\": every list has {width} numbers, each 0 or 1, which are flags (multi-hot) and no class numbers: \
             store the numbers of the classes, or use the column as it is"
        )
    };
    refused(
        scan_lists(&cx, &flags(&[Some(&[0, 1, 1]), Some(&[1, 0, 0])])),
        ErrorKind::Schema,
        &text(3),
    );
    let numbers = Arc::new(Int8Array::from(vec![1, 0, 0, 1]));
    let one_hot = FixedSizeListArray::new(item(DataType::Int8), 2, numbers, None);
    refused(
        scan_lists(&cx, &set(Arc::new(one_hot) as ArrayRef, None)),
        ErrorKind::Schema,
        &text(2),
    );
    // Lists of other lengths, other numbers, or declared class names are what they say.
    let list = |values: &[i32]| Some(values.iter().copied().map(Some).collect::<Vec<_>>());
    for (one, other) in [
        (list(&[0, 1]), list(&[1])),
        (list(&[0, 1]), list(&[])),
        (list(&[0, 1]), list(&[1, 2])),
        (list(&[0]), list(&[1])),
    ] {
        let rows = ListArray::from_iter_primitive::<Int32Type, _, _>([one, other]);
        let rows = set(Arc::new(rows) as ArrayRef, None);
        assert_eq!(scan_lists(&cx, &rows).unwrap().len(), 2);
    }
    let named = set(
        Arc::new(lists(&[Some(&[0, 1]), Some(&[1, 0])])) as ArrayRef,
        Some(&["ant", "bee"]),
    );
    assert_eq!(scan_lists(&cx, &named).unwrap().counts(), [2, 2]);
    let no = |values: ArrayRef| {
        let data_type = values.data_type().clone();
        let rows = ListArray::new(item(data_type.clone()), OffsetBuffer::from_lengths([2]), values, None);
        refused(
            scan_lists(&cx, &set(Arc::new(rows) as ArrayRef, None)),
            ErrorKind::Schema,
            &format!(
                "column \"label\" holds List({data_type}); a list of labels holds integers or strings; probabilities and \
                 multi-hot rows are no lists of classes, but numbers to be read as they are"
            ),
        );
    };
    no(Arc::new(BooleanArray::from(vec![true, false])));
    no(Arc::new(Float32Array::from(vec![0.5, 0.5])));
}

#[test]
fn a_list_column_becomes_lists_of_class_numbers() {
    let cx = context();
    let tags = ListArray::new(
        item(DataType::Utf8),
        OffsetBuffer::<i32>::from_lengths([3, 0, 1]),
        words(&["sky", "sea", "sky", "sky"]),
        None,
    );
    let rows = set(Arc::new(tags) as ArrayRef, None);
    let rows = cx.block_on(rows.classes(&cx, "label")).unwrap();
    let schema = rows.schema();
    let field = schema.field(0);
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, false)));
    assert_eq!((field.data_type(), field.is_nullable()), (&list, false));
    assert_eq!(field.metadata()[CLASS_NAMES], r#"["sea","sky"]"#);
    let taken = cx.block_on(rows.take(&cx, &[2, 0, 1, 3])).unwrap();
    let found: Vec<Vec<i64>> = (0..4)
        .map(|row| {
            taken["label"]
                .as_list::<i32>()
                .value(row)
                .as_primitive::<Int64Type>()
                .values()
                .to_vec()
        })
        .collect();
    assert_eq!(found, [vec![1], vec![0, 1], vec![], vec![0, 1]]);
    let column = cx.block_on(rows.column(&cx, "label")).unwrap();
    assert_eq!(column.as_list::<i32>().value_offsets(), [0, 2, 2, 3]);
    assert_eq!(rows.provenance(&cx, 0).class, None);
    // They are labels again, of the same classes; and known labels encode another set.
    let again = cx.block_on(MultiLabels::scan(&cx, &rows, "label")).unwrap();
    let AnyLabels::MultiLabel(labels) = rows.labels() else {
        panic!("lists are multi-label");
    };
    assert_eq!((sets(&again), again.names()), (sets(labels), labels.names()));
    let other = set(integers(&[0, 0, 0]), None).with_labels(labels).unwrap();
    assert_eq!(other.schema(), rows.schema());
    let explained = rows.describe().to_string();
    assert!(
        explained.contains("column label, of a row a list, classes [\"sea\", \"sky\"], labels "),
        "{explained}"
    );
}

#[test]
#[cfg(feature = "testing")]
fn rows_with_lists_of_classes_keep_the_law() {
    let cx = context().with_seed(3);
    let rows = (0..500).map(|row| Some((0..row % 4).map(move |at| Some((row * 7 + at) % 11))));
    let rows = set(
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows)) as ArrayRef,
        None,
    );
    let rows = cx.block_on(rows.classes(&cx, "label")).unwrap();
    cx.block_on(millstream::testing::check_law(&cx, &rows, 1)).unwrap();
    cx.block_on(millstream::testing::check_law(&cx, &rows.shuffle(), 2))
        .unwrap();
}

#[test]
fn the_type_says_what_labels_are() {
    let of = |data_type: DataType| LabelKind::of(&Field::new("y", data_type, true));
    for class in [
        DataType::Int8,
        DataType::UInt64,
        DataType::Boolean,
        DataType::Utf8View,
        DataType::Null,
    ] {
        assert_eq!(of(class.clone()).unwrap(), LabelKind::Class);
        let list = of(DataType::List(item(class.clone())));
        assert_eq!(list.ok(), (class != DataType::Boolean).then_some(LabelKind::MultiLabel));
    }
    for number in [
        DataType::Float16,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(9, 2),
    ] {
        assert_eq!(of(number).unwrap(), LabelKind::Number);
    }
    for other in [
        DataType::Date32,
        DataType::Binary,
        DataType::List(item(DataType::List(item(DataType::Int8)))),
    ] {
        assert_eq!(of(other).unwrap_err().kind(), ErrorKind::Schema);
    }
    let cx = context();
    let prices = set(Arc::new(Float64Array::from(vec![1.5, 2.0])) as ArrayRef, None);
    refused(
        cx.block_on(prices.classes(&cx, "label")),
        ErrorKind::Schema,
        "column \"label\" holds Float64: a number (regression target) has no class, and this needs one: use the column as it is \
         for a regression, or make a column of classes from it with map, by bins for example",
    );
}

#[test]
fn a_split_follows_the_kind_of_labels() {
    let cx = context();
    let one = set(integers(&(0..100).map(|row| row % 4).collect::<Vec<_>>()), None);
    let one = cx.block_on(AnyLabels::scan(&cx, &one, "label")).unwrap();
    let split = one.split(0.2, 7);
    assert_eq!(
        split,
        millstream::order::stratified(one.single().unwrap().iter(), 0.2, 7)
    );
    assert_eq!(one.single().unwrap().select(&split.held_out).counts(), [5; 4]);
    // Each class in half of the rows, each pair of classes in a quarter.
    let tags: Vec<Vec<i32>> = (0..100)
        .map(|row| (0..2).filter(|class| row >> class & 1 == 1).collect())
        .collect();
    let tags: Vec<Option<&[i32]>> = tags.iter().map(|row| Some(&row[..])).collect();
    let many = set(Arc::new(lists(&tags)) as ArrayRef, None);
    let many = cx.block_on(AnyLabels::scan(&cx, &many, "label")).unwrap();
    let split = many.split(0.2, 7);
    let AnyLabels::MultiLabel(many) = many else {
        panic!("lists are multi-label");
    };
    let held = many.select(&split.held_out);
    assert_eq!((held.len(), held.counts()), (20, vec![10, 10]));
    assert_eq!(split.train.len(), 80);
}

#[test]
fn labels_that_are_given_twice_are_explained_once() {
    let cx = context();
    let rows = || Memory::new(common::in_batches(&common::rows(&[0, 0, 1]), 10)).unwrap();
    let encoded = cx.block_on(rows().classes(&cx, "label")).unwrap();
    let twice = cx.block_on(encoded.balance(&cx, "label", Target::Uniform)).unwrap();
    let text = twice.describe().to_string();
    let lines = text
        .lines()
        .filter(|line| line.trim_start().starts_with("classes    column"));
    assert_eq!(lines.count(), 1, "{text}");
}
