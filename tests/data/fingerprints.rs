//! Where rows differ, fingerprints do.

use crate::common;

use arrow::array::{Array, ArrayRef, FixedSizeListArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use common::{context, ids, in_batches, numbers, pictures};
use millstream::error::ErrorKind;
use millstream::image::{Drawn, Image, Operation, Subject};
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::registry::Registry;
use millstream::rng::Rng;
use millstream::rows::{Concat, MixUp};
use millstream::source::{BurnSource, Memory};
use millstream::spec::{Describe, Spec};
use millstream::{Dataset, DatasetExt, Stable};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

fn print(dataset: &dyn Dataset) -> String {
    dataset.describe().fingerprint()
}

/// 300 rows in batches of `rows`.
fn memory(rows: usize) -> Memory {
    let id = Int64Array::from_iter_values(0..300);
    let label = Int64Array::from_iter_values((0..300).map(|row| row % 3));
    let columns = [("id", Arc::new(id) as ArrayRef), ("label", Arc::new(label))];
    Memory::new(in_batches(&RecordBatch::try_from_iter(columns).unwrap(), rows)).unwrap()
}

#[test]
fn an_order_is_that_of_its_blocks() {
    let cx = context();
    // The rows are the same one by one, and so is the fingerprint.
    assert_eq!(print(&memory(10)), print(&memory(50)));
    let shuffled = |rows| memory(rows).shuffle_window(4);
    assert_ne!(print(&shuffled(10)), print(&shuffled(50)));
    assert_eq!(print(&shuffled(10)), print(&shuffled(10)));
    let balanced = |rows| {
        cx.block_on(memory(rows).balance(&cx, "label", Target::Uniform))
            .unwrap()
    };
    assert_ne!(print(&balanced(10)), print(&balanced(50)));
    // What stands between hands the blocks on.
    let limited = |rows| memory(rows).limit(200).unwrap().shuffle();
    assert_ne!(print(&limited(10)), print(&limited(50)));

    let mut loader = shuffled(10).loader(&cx).seed(7).batch_size(100).blocking().unwrap();
    let first = loader.next().unwrap().unwrap();
    let resumed = shuffled(50).loader(&cx).seed(7).batch_size(100).resume(&first.cursor());
    let error = common::refusal(resumed, ErrorKind::Resume, "shuffle.blocks was 30 (");
    assert!(error.to_string().contains("), is 6 ("), "{error}");
    // In the same batches the epoch goes on, each row once.
    let rest = shuffled(10).loader(&cx).seed(7).batch_size(100).epochs(1);
    let rest = rest.resume(&first.cursor()).unwrap().blocking().unwrap();
    let mut seen = ids(first.rows());
    rest.for_each(|batch| seen.extend(ids(batch.unwrap().rows())));
    seen.sort_unstable();
    assert_eq!(seen, (0..300).collect::<Vec<i64>>());
}

#[test]
fn a_tree_is_no_list() {
    let views = || -> Arc<dyn Stable> {
        let image = Image::new(8).random_resized_crop(0.3..=1.0, 0.8..=1.2);
        Arc::new(pictures(&[4, 4]).image("image", image).unwrap().views(2).unwrap())
    };
    let concat = |sources| -> Arc<dyn Stable> { Arc::new(Concat::new(sources).unwrap()) };
    let (a, b) = (
        concat(vec![concat(vec![views(), views()]), views()]),
        concat(vec![concat(vec![views()]), views(), views()]),
    );
    let cx = context();
    let all: Vec<u64> = (0..48).collect();
    let rows = |dataset: &Arc<dyn Stable>| cx.block_on(dataset.take(&cx, &all)).unwrap();
    assert_ne!(rows(&a), rows(&b));
    assert_ne!(print(&a), print(&b));
    // A line break in a parameter makes no other node of it.
    let (a, b) = (
        Plan::new("a").param("x", "1\na.y=2"),
        Plan::new("a").param("x", "1").param("y", "2"),
    );
    assert_ne!(a.fingerprint(), b.fingerprint());
}

fn one(field: Field, column: ArrayRef) -> Memory {
    Memory::new(vec![
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap(),
    ])
    .unwrap()
}

fn metadata(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    pairs.collect()
}

#[test]
fn metadata_that_decides_rows_is_hashed() {
    let tensor = |written: &str| {
        let column = numbers(6);
        let of = metadata(&[
            ("ARROW:extension:name", "arrow.fixed_shape_tensor"),
            ("ARROW:extension:metadata", written),
        ]);
        let field = Field::new("x", column.data_type().clone(), false).with_metadata(of);
        print(&one(field, column))
    };
    let plain = tensor(r#"{"shape":[2,2]}"#);
    assert_eq!(plain, tensor(r#"{"shape":[2,2]}"#));
    assert_ne!(plain, tensor(r#"{"shape":[1,4]}"#));
    assert_ne!(plain, tensor(r#"{"shape":[2,2],"permutation":[1,0]}"#));
    // Of what a list holds, too.
    let bools = |of: &[(&str, &str)]| {
        let item = Arc::new(Field::new_list_field(DataType::Int64, false).with_metadata(metadata(of)));
        let values = Arc::new(Int64Array::from(vec![0, 1]));
        let column = FixedSizeListArray::new(item, 2, values, None);
        print(&one(
            Field::new("x", column.data_type().clone(), false),
            Arc::new(column),
        ))
    };
    assert_ne!(bools(&[]), bools(&[("ARROW:extension:name", "arrow.bool8")]));
}

fn labelled(names: &str) -> Memory {
    let of = metadata(&[(millstream::rows::CLASS_NAMES, names)]);
    let label = Field::new("label", DataType::Int64, false).with_metadata(of);
    let x = numbers(6);
    let schema = Schema::new(vec![label, Field::new("x", x.data_type().clone(), false)]);
    let label = Int64Array::from(vec![0, 1, 0, 1, 0, 1]);
    Memory::new(vec![
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(label), x]).unwrap(),
    ])
    .unwrap()
}

#[test]
fn class_names_are_hashed_one_by_one() {
    let cx = context();
    let mixed = |names| labelled(names).mixup("x", "label", MixUp::new(0.2)).unwrap();
    let (two, three) = (mixed(r#"["a","b"]"#), mixed(r#"["a","b","c"]"#));
    assert_ne!(two.schema(), three.schema());
    assert_ne!(print(&two), print(&three));
    // Three classes each, with a bar in one name or the other.
    let classes = |names| cx.block_on(labelled(names).classes(&cx, "label")).unwrap().describe();
    let last = |plan: Plan| {
        plan.settings()
            .into_iter()
            .find(|line| line.starts_with("classes.classes"))
    };
    let (a, b) = (classes(r#"["a | b","c"]"#), classes(r#"["a","b | c"]"#));
    assert_ne!(a.fingerprint(), b.fingerprint());
    assert_eq!(last(a).unwrap(), r#"classes.classes=["a | b", "c"]"#);
    assert_eq!(last(b).unwrap(), r#"classes.classes=["a", "b | c"]"#);
}

#[test]
fn schemas_that_are_said_have_their_metadata() {
    let schema = |names: &str| {
        let of = metadata(&[(millstream::rows::CLASS_NAMES, names)]);
        Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, false).with_metadata(of),
        ]))
    };
    let burn = |names| {
        let items = burn::data::dataset::InMemDataset::new(vec![0_i64, 1]);
        let said = schema(names);
        let to_rows = move |items: Vec<i64>| {
            Ok(RecordBatch::try_new(
                Arc::clone(&said),
                vec![Arc::new(Int64Array::from(items))],
            )?)
        };
        print(&BurnSource::new(items, "numbers", schema(names), to_rows).unwrap())
    };
    assert_ne!(burn(r#"["a","b"]"#), burn(r#"["a","c"]"#));
    let mapped = |names| print(&memory(10).map_batch("same", schema(names), Ok));
    assert_ne!(mapped(r#"["a","b"]"#), mapped(r#"["a","c"]"#));
}

/// Has the name of an operation of this crate, and does something else.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Rotate {
    degrees: f32,
}

impl Spec for Rotate {
    const NAME: &'static str = "rotate";
}

impl Operation for Rotate {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Nothing
    }
}

#[test]
fn two_kinds_of_one_name_are_refused() {
    let text = r#"{"size": 8, "operations": [{"rotate": {"degrees": 10}}]}"#;
    let registry = Registry::new().operation::<Rotate>();
    let error = registry
        .reading(|| serde_json::from_str::<Image>(text))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with(
            "operations[0]: two operations are called \"rotate\", and fingerprints could not tell them apart: give the one that \
             was registered another Spec::NAME"
        ) || error.starts_with("two operations are called \"rotate\""),
        "{error}"
    );
    // The built-in one twice is one.
    let registry = Registry::new().operation::<millstream::image::Rotate>();
    let read = registry.reading(|| serde_json::from_str::<Image>(text)).unwrap();
    assert_eq!(
        read.plan().fingerprint(),
        Image::new(8).rotate(10.0).plan().fingerprint()
    );
    let error = Image::new(8)
        .with(Rotate { degrees: 10.0 })
        .check()
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("rotate: an operation of this crate is called so"),
        "{error}"
    );
}

#[test]
fn the_version_of_a_stage_is_hashed() {
    let spec = Image::new(8).description();
    assert_eq!(spec.version, 1);
    let raised = millstream::spec::Description {
        version: 2,
        ..spec.clone()
    };
    let of = |spec| Plan::new("image").param("decoders", 1).part("", spec).fingerprint();
    assert_ne!(of(&spec), of(&raised));
}
