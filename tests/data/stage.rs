//! Stages: columns in and out, draws, partners, views.

use crate::common;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
    StringArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Float32Type, Int8Type, Int64Type, UInt8Type};
use common::{context, refusal};
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::image::{Image, Pixels};
use millstream::rows::{DType, Filter, Map, Output, Read, Row};
use millstream::source::Memory;
use millstream::{Context, Dataset, DatasetExt, Result, Stable, testing};
use std::sync::Arc;

const SIDE: usize = 24;

/// A picture whose red is `x`, green `y`, blue 0, as far as levels go.
fn picture() -> Vec<u8> {
    let place = |at: usize| [(at % SIDE) as u8 * 10, (at / SIDE) as u8 * 10, 0];
    let rgb = (0..SIDE * SIDE).flat_map(place).collect();
    Pixels {
        width: SIDE as u32,
        height: SIDE as u32,
        levels: rgb,
    }
    .to_png()
    .unwrap()
}

/// A grey mask whose value is the column's number times ten.
fn mask() -> Vec<u8> {
    let rgb = (0..SIDE * SIDE).flat_map(|at| [(at % SIDE) as u8 * 10; 3]).collect();
    Pixels {
        width: SIDE as u32,
        height: SIDE as u32,
        levels: rgb,
    }
    .to_png()
    .unwrap()
}

fn pictures(rows: usize) -> Memory {
    let column = |bytes: Vec<u8>| Arc::new(BinaryArray::from_iter_values(vec![bytes; rows])) as ArrayRef;
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
    let columns = [
        ("id", id),
        ("left", column(picture())),
        ("right", column(picture())),
        ("mask", column(mask())),
    ];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

fn take(cx: &Context, dataset: &dyn Dataset, positions: &[u64]) -> RecordBatch {
    cx.block_on(dataset.take(cx, positions)).unwrap()
}

fn u8s(rows: &RecordBatch, column: &str, row: usize) -> Vec<u8> {
    let list = rows[column].as_fixed_size_list().value(row);
    list.as_primitive::<UInt8Type>().values().to_vec()
}

#[test]
fn an_image_and_its_mask_are_moved_by_one_draw() {
    let cx = context().with_seed(3);
    let image = Image::new(SIDE as u32)
        .random_resized_crop(0.3..=0.9, 0.8..=1.25)
        .horizontal_flip(0.5)
        .brightness(0.3)
        .as_u8()
        .mask("mask");
    let plain = Image::new(SIDE as u32)
        .random_resized_crop(0.3..=0.9, 0.8..=1.25)
        .horizontal_flip(0.5)
        .as_u8()
        .mask("mask");
    let rows = pictures(40).image("left", plain).unwrap();
    let taken = take(&cx, &rows, &(0..40).collect::<Vec<_>>());
    let mut turned = 0;
    for row in 0..40 {
        let (picture, mask) = (u8s(&taken, "left", row), u8s(&taken, "mask", row));
        assert_eq!(mask.len(), SIDE * SIDE);
        // Red is the mask, but for what lies between two pixels.
        let apart = picture[..SIDE * SIDE]
            .iter()
            .zip(&mask)
            .map(|(a, b)| a.abs_diff(*b))
            .max()
            .unwrap();
        assert!(apart <= 10, "row {row}: {apart} levels");
        assert!(
            mask.iter().all(|value| value % 10 == 0),
            "no value that the mask does not have"
        );
        turned += usize::from(mask[0] > mask[SIDE - 1]);
    }
    assert!((8..32).contains(&turned), "{turned} of 40 are mirrored");
    // Brightness changes the picture alone.
    let bright = take(&cx, &pictures(40).image("left", image).unwrap(), &[0, 1, 2]);
    for row in 0..3 {
        assert_eq!(u8s(&bright, "mask", row), u8s(&taken, "mask", row));
        assert_ne!(u8s(&bright, "left", row), u8s(&taken, "left", row));
    }
}

#[test]
fn a_turned_mask_is_the_turned_picture() {
    let cx = context().with_seed(5);
    let image = Image::new(SIDE as u32).rotate(30.0).as_u8().mask("mask");
    let taken = take(&cx, &pictures(6).image("left", image).unwrap(), &[0, 1, 2, 3, 4, 5]);
    for row in 0..6 {
        let (picture, mask) = (u8s(&taken, "left", row), u8s(&taken, "mask", row));
        let near = picture[..SIDE * SIDE]
            .iter()
            .zip(&mask)
            .filter(|(a, b)| a.abs_diff(**b) <= 10);
        // All but edges, where a picture fades to black.
        assert!(near.count() > SIDE * SIDE * 9 / 10, "row {row}");
    }
}

#[test]
fn a_mask_of_another_size_is_an_error_of_its_row() {
    let cx = context();
    let small = Pixels::new(5, 7).to_png().unwrap();
    let column = |bytes: Vec<u8>| Arc::new(BinaryArray::from_iter_values([bytes])) as ArrayRef;
    let rows = RecordBatch::try_from_iter([("image", column(picture())), ("mask", column(small))]).unwrap();
    let rows = Memory::new(vec![rows])
        .unwrap()
        .image("image", Image::new(8).mask("mask"))
        .unwrap();
    let error = cx.block_on(rows.take(&cx, &[0])).unwrap_err();
    assert_eq!((error.kind(), error.index()), (ErrorKind::Data, Some(0)));
    assert!(
        error.to_string().contains("5 x 7 pixels, its picture 24 x 24"),
        "{error}"
    );
}

#[test]
fn two_image_columns_draw_for_themselves() {
    let cx = context().with_seed(1);
    let image = || Image::new(16).random_resized_crop(0.3..=1.0, 1.0..=1.0);
    let both = pictures(8)
        .image("left", image())
        .unwrap()
        .image("right", image())
        .unwrap();
    let plan = both.describe();
    assert_eq!((plan.name(), plan.shared_name()), ("image#2", None));
    let taken = take(&cx, &both, &(0..8).collect::<Vec<_>>());
    let values = |column: &str| {
        taken[column]
            .as_fixed_size_list()
            .values()
            .as_primitive::<Float32Type>()
            .values()
            .to_vec()
    };
    assert_ne!(values("left"), values("right"));
    // The first draws as it does alone.
    let alone = take(
        &cx,
        &pictures(8).image("left", image()).unwrap(),
        &(0..8).collect::<Vec<_>>(),
    );
    assert_eq!(alone["left"].to_data(), taken["left"].to_data());
    // Views pin both.
    let views = pictures(8)
        .image("left", image())
        .unwrap()
        .image("right", image())
        .unwrap()
        .views(3)
        .unwrap();
    assert_eq!(views.views(), 3);
    let (first, again) = (take(&cx, &views, &[8, 17]), take(&cx, &views, &[8 + 24, 17 + 24]));
    assert_eq!(first, again);
    cx.block_on(testing::check_stable(&cx, &views, 2)).unwrap();
}

#[test]
fn views_nest() {
    let cx = context().with_seed(4);
    let crop = || Image::new(8).random_resized_crop(0.3..=1.0, 1.0..=1.0);
    let inner = pictures(5).image("left", crop()).unwrap().views(2).unwrap();
    let outer = inner.image("right", crop()).unwrap().views(3).unwrap();
    assert_eq!((outer.views(), outer.len().finite()), (6, Some(30)));
    cx.block_on(testing::check_stable(&cx, &outer, 1)).unwrap();
    // Position v * 5 + r is view v of row r; of 0 neither column is augmented.
    let ids = |positions: &[u64]| {
        take(&cx, &outer, positions)["id"]
            .as_primitive::<Int64Type>()
            .values()
            .to_vec()
    };
    assert_eq!(ids(&[3, 8, 13, 18, 23, 28]), [3; 6]);
    let origin = |position| outer.provenance(&cx, position).origin;
    assert_eq!(
        [0, 5, 10, 15].map(origin),
        [Origin::Real, Origin::Augmented, Origin::Augmented, Origin::Augmented]
    );
    let plain = pictures(5)
        .image("left", Image::new(8))
        .unwrap()
        .image("right", Image::new(8))
        .unwrap();
    let (view, plain) = (take(&cx, &outer, &[2]), take(&cx, &plain, &[2]));
    assert_eq!(
        (view["left"].to_data(), view["right"].to_data()),
        (plain["left"].to_data(), plain["right"].to_data())
    );
}

fn words() -> Memory {
    let word: ArrayRef = Arc::new(StringArray::from(vec![Some("a bb"), Some(""), Some("ccc"), None]));
    let x: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0, 4.0]));
    Memory::new(vec![RecordBatch::try_from_iter([("word", word), ("x", x)]).unwrap()]).unwrap()
}

#[test]
fn a_closure_writes_columns_of_every_kind() {
    let cx = context();
    let map = Map::new("letters")
        .reads(Read::str("word"))
        .reads(Read::values("x", DType::F32))
        .writes(Output::ragged("letters", DType::I64, [], 10))
        .writes(Output::ragged("pairs", DType::U8, [2], 10))
        .writes(Output::fixed("long", DType::Bool, []))
        .writes(Output::fixed("x", DType::F32, [2, 1]));
    let rows = words().map(map, |row, draws, out| {
        assert!(draws.rng().is_none(), "it did not say that it draws");
        let word = row.str(0)?;
        out.ragged::<i64>(0).extend(word.bytes().map(i64::from));
        out.ragged::<u8>(1).extend(word.bytes().flat_map(|byte| [byte, 1]));
        out.fixed::<u8>(2)[0] = u8::from(word.len() > 3);
        let x = row.values::<f32>(1)?[0];
        out.fixed::<f32>(3).copy_from_slice(&[x, -x]);
        Ok(())
    });
    let rows = rows.unwrap();
    let taken = take(&cx, &rows, &[2, 0, 1]);
    let letters = taken["letters"].as_list::<i32>();
    assert_eq!(letters.value(0).as_primitive::<Int64Type>().values(), &[99, 99, 99]);
    assert_eq!((letters.value_length(1), letters.value_length(2)), (4, 0));
    let pairs = taken["pairs"].as_list::<i32>().value(0);
    assert_eq!(
        pairs.as_fixed_size_list().values().as_primitive::<UInt8Type>().values(),
        &[99, 1, 99, 1, 99, 1]
    );
    assert_eq!(taken["long"].as_primitive::<Int8Type>().values(), &[0, 1, 0]);
    let x = taken["x"].as_fixed_size_list();
    assert_eq!(
        x.values().as_primitive::<Float32Type>().values(),
        &[3.0, -3.0, 1.0, -1.0, 2.0, -2.0]
    );
    let names: Vec<_> = taken
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(names, ["word", "x", "letters", "pairs", "long"]);
    let error = cx.block_on(rows.take(&cx, &[0, 3])).unwrap_err();
    assert_eq!(
        (error.to_string(), error.index()),
        ("letters \"word\": the value is null; `is_null` says so before it is read, and `fill_null` puts another in its place".to_owned(), Some(1))
    );
}

/// A cursor of other types or shapes is one of another pipeline.
#[test]
fn what_a_closure_reads_and_writes_is_hashed() {
    let plan = |read: Read, output: Output| {
        let rows = words().map(Map::new("m").reads(read).writes(output), |_, _, _| Ok(()));
        rows.unwrap().describe()
    };
    let (x, y) = (|| Read::values("x", DType::F32), || Output::fixed("y", DType::F32, [2]));
    let others = [
        plan(x(), y()),
        plan(Read::values("x", DType::I64), y()),
        plan(x(), Output::fixed("y", DType::F32, [3])),
        plan(x(), Output::fixed("y", DType::U8, [2])),
        plan(x(), Output::ragged("y", DType::F32, [4], 10)),
        plan(x(), Output::ragged("y", DType::F32, [4], 11)),
    ];
    let prints: std::collections::BTreeSet<_> = others.iter().map(|plan| plan.fingerprint()).collect();
    assert_eq!(prints.len(), others.len());
    assert!(
        others[4]
            .settings()
            .contains(&"m.writes=dtype f32, name y, shape ragged at_most 10, inner [4]".to_owned())
    );
    assert!(others[0].settings().contains(&"m.reads=values x, f32".to_owned()));
}

#[test]
fn a_closure_keeps_the_law() {
    let cx = context();
    let map = Map::new("double")
        .reads(Read::values("x", DType::F32))
        .writes(Output::fixed("x", DType::F32, []));
    let rows = words().select(vec![0, 1, 2]).unwrap().map(map, |row, _, out| {
        out.fixed::<f32>(0)[0] = 2.0 * row.values::<f32>(0)?[0];
        Ok(())
    });
    let views = rows.unwrap().views(1).unwrap();
    cx.block_on(testing::check_stable(&cx, &views, 1)).unwrap();
    assert_eq!(
        take(&cx, &views, &[2])["x"].as_primitive::<Float32Type>().values(),
        &[6.0]
    );
}

#[test]
fn what_a_stage_does_wrong_is_named() {
    let cx = context();
    let reads = || Map::new("m").reads(Read::values("x", DType::F32));
    let failed = |map: Map, closure: fn(&mut millstream::rows::Out<'_>)| {
        let rows = words().map(map, move |_, _, out| {
            closure(out);
            Ok(())
        });
        cx.block_on(rows.unwrap().take(&cx, &[1])).unwrap_err().to_string()
    };
    let ragged = |inner: &[usize], at_most| reads().writes(Output::ragged("y", DType::I64, inner, at_most));
    let error = failed(ragged(&[], 2), |out| out.ragged::<i64>(0).extend([1, 2, 3]));
    assert_eq!(
        error,
        "m: output \"y\": 3 items, more than the 2 that are allowed: raise `at_most` of the column"
    );
    let error = failed(ragged(&[2], 2), |out| out.ragged::<i64>(0).extend([1, 2, 3]));
    assert_eq!(error, "m: output \"y\": 3 numbers, not whole items of 2");
    let error = failed(ragged(&[], 2), |out| out.fixed::<f32>(0).fill(0.0));
    assert!(
        error.starts_with("m \"x\": panicked: output 0 is none of fixed f32"),
        "{error}"
    );
    let missing = words().map(Map::new("m").reads(Read::str("wrod")), |_, _, _| Ok(()));
    assert!(
        missing
            .unwrap_err()
            .to_string()
            .contains("no column \"wrod\"; there are \"word\", \"x\"")
    );
    let typed = words().map(Map::new("m").reads(Read::bytes("x")), |_, _, _| Ok(()));
    assert_eq!(typed.unwrap_err().kind(), ErrorKind::Schema);
}

#[test]
fn numbers_are_cast_where_no_value_changes() {
    let cx = context();
    let x: ArrayRef = Arc::new(Int64Array::from(vec![
        Some(1),
        Some(1 << 24),
        Some((1 << 24) + 1),
        None,
    ]));
    let rows = Memory::new(vec![RecordBatch::try_from_iter([("x", x)]).unwrap()]).unwrap();
    let map = Map::new("m")
        .reads(Read::values("x", DType::F32))
        .writes(Output::fixed("y", DType::F32, []));
    let rows = rows.map(map, |row, _, out| {
        out.fixed::<f32>(0)[0] = match row.is_null(0) {
            true => -1.0,
            false => row.values::<f32>(0)?[0],
        };
        Ok(())
    });
    let rows = rows.unwrap();
    let taken = take(&cx, &rows, &[1, 3, 0]);
    assert_eq!(
        taken["y"].as_primitive::<Float32Type>().values(),
        &[16_777_216.0, -1.0, 1.0]
    );
    let error = cx.block_on(rows.take(&cx, &[0, 2])).unwrap_err();
    assert_eq!(error.index(), Some(1));
    assert!(
        error
            .to_string()
            .contains("16777217 in row 1 of the batch is a whole number that no f32 is equal to"),
        "{error}"
    );
}

#[test]
fn the_class_is_at_hand() {
    let cx = context();
    let rows = cx.block_on(common::table(&[3, 2]).classes(&cx, "label")).unwrap();
    let map = Map::new("m")
        .reads(Read::Class)
        .writes(Output::fixed("class", DType::I64, []));
    let rows = rows.map(map, |row, _, out| {
        out.fixed::<i64>(0)[0] = row.class().map_or(-1, i64::from);
        Ok(())
    });
    let taken = take(&cx, &rows.unwrap(), &[0, 4, 1, 3]);
    assert_eq!(taken["class"].data_type(), &DataType::Int64);
    assert_eq!(
        taken["class"].as_primitive::<Int64Type>().values(),
        taken["label"].as_primitive::<Int64Type>().values()
    );
}

/// `map` on rows of the column `x`, reading it as numbers and writing "y", an i64.
fn reading(
    x: ArrayRef,
    dtype: DType,
    of: impl Fn(&Row<'_>) -> Result<f32> + Send + Sync + 'static,
) -> Result<Vec<f32>> {
    let len = x.len() as u64;
    let rows = RecordBatch::try_from_iter_with_nullable([("x", x, true)]).unwrap();
    let map = Map::new("read").reads(Read::values("x", dtype));
    let map = map.writes(Output::fixed("y", DType::F32, []));
    let rows = Memory::new(vec![rows])?.map(map, move |row, _, out| {
        out.fixed::<f32>(0)[0] = of(row)?;
        Ok(())
    })?;
    let cx = context();
    let taken = cx.block_on(rows.take(&cx, &Vec::from_iter(0..len)))?;
    Ok(taken["y"].as_primitive::<Float32Type>().values().to_vec())
}

#[test]
fn a_null_inside_nested_lists_is_a_null() {
    let pairs = FixedSizeListArray::new(
        Arc::new(Field::new_list_field(DataType::Float32, false)),
        2,
        Arc::new(Float32Array::from(vec![1.0, 2.0, 9.0, 9.0, 3.0, 4.0])),
        Some(NullBuffer::from(vec![true, false, true])),
    );
    let item = Arc::new(Field::new_list_field(pairs.data_type().clone(), true));
    let lists = ListArray::new(item, OffsetBuffer::from_lengths([2, 1]), Arc::new(pairs), None);
    let lists: ArrayRef = Arc::new(lists);
    let sum = |row: &Row<'_>| Ok(row.values::<f32>(0)?.iter().sum::<f32>());
    refusal(
        reading(Arc::clone(&lists), DType::F32, sum),
        ErrorKind::Data,
        "read \"x\": the value is null; `is_null` says so before it is read, and `fill_null` puts another in its place",
    );
    assert_eq!(reading(lists.slice(1, 1), DType::F32, sum).unwrap(), [7.0]);
    // The row is there, and a value in it is not.
    let or = move |row: &Row<'_>| {
        if row.is_null(0) {
            Ok(-1.0)
        } else {
            sum(row).or(Ok(-2.0))
        }
    };
    assert_eq!(reading(lists, DType::F32, or).unwrap(), [-2.0, 7.0]);
}

#[test]
fn a_value_below_a_null_has_no_meaning() {
    let or = |row: &Row<'_>| {
        if row.is_null(0) {
            Ok(-1.0)
        } else {
            Ok(row.values::<f32>(0)?[0])
        }
    };
    let values = vec![1, (1 << 60) + 1, 3];
    let below: ArrayRef = Arc::new(Int64Array::new(
        values.clone().into(),
        Some(vec![true, false, true].into()),
    ));
    assert_eq!(reading(below, DType::F32, or).unwrap(), [1.0, -1.0, 3.0]);
    let there: ArrayRef = Arc::new(Int64Array::new(values.into(), Some(vec![false, true, true].into())));
    refusal(
        reading(there, DType::F32, or),
        ErrorKind::Data,
        "1152921504606846977 in row 1 of the batch is a whole number that",
    );
}

#[test]
fn an_output_that_is_not_written_is_zero() {
    let (cx, len) = (context(), 1 << 19);
    let map = Map::new("some").reads(Read::values("id", DType::I64));
    let map = map.writes(Output::fixed("y", DType::I64, [len]));
    let rows = pictures(2).map(map, |row, _, out| {
        if row.values::<i64>(0)?[0] == 0 {
            out.fixed::<i64>(0).fill(77);
        }
        Ok(())
    });
    let rows = rows.unwrap();
    for _ in 0..3 {
        let first = take(&cx, &rows, &[0]);
        assert_eq!(
            first["y"]
                .as_fixed_size_list()
                .values()
                .as_primitive::<Int64Type>()
                .value(len - 1),
            77
        );
        drop(first);
        let second = take(&cx, &rows, &[1]);
        let values = second["y"].as_fixed_size_list().values();
        assert!(
            values
                .as_primitive::<Int64Type>()
                .values()
                .iter()
                .all(|value| *value == 0)
        );
    }
}

#[test]
fn outputs_that_make_no_sense_are_refused() {
    let with = |outputs: Vec<Output>| {
        let map = outputs.into_iter().fold(Map::new("m"), Map::writes);
        pictures(1).map(map, |_, _, _| Ok(()))
    };
    let y = |shape: &[usize]| Output::fixed("y", DType::I64, shape);
    let said = "m: two of its outputs are called \"y\"";
    refusal(
        with(vec![y(&[]), Output::fixed("z", DType::I64, []), y(&[2])]),
        ErrorKind::Config,
        said,
    );
    let said = "m: output \"y\": a tensor of shape [4294967296, 4294967296] is too large for one row";
    refusal(with(vec![y(&[1 << 32, 1 << 32])]), ErrorKind::Config, said);
    let said = "m: output \"y\" has the shape [3, 0], and each dimension is at least 1";
    refusal(with(vec![y(&[3, 0])]), ErrorKind::Config, said);
    refusal(
        with(vec![Output::ragged("y", DType::I64, [3, 0], 9)]),
        ErrorKind::Config,
        said,
    );

    let written = |value: u8| {
        let map = Map::new("m").writes(Output::fixed("y", DType::Bool, [2]));
        let map = map
            .reads(Read::values("id", DType::I64))
            .writes(Output::ragged("z", DType::Bool, [], 5));
        let rows = pictures(3).map(map, move |row, _, out| {
            let is_last = row.values::<i64>(0)?[0] == 2;
            out.fixed::<u8>(0)[1] = if is_last { value } else { 1 };
            out.ragged::<u8>(1).push(if is_last { value / 200 } else { 1 });
            Ok(())
        });
        let cx = context();
        cx.block_on(rows?.take(&cx, &[0, 1, 2]))
    };
    let bits = written(1).unwrap();
    assert_eq!(
        bits["y"]
            .as_fixed_size_list()
            .values()
            .as_primitive::<Int8Type>()
            .values(),
        &[0, 1, 0, 1, 0, 1]
    );
    let error = refusal(written(7), ErrorKind::Data, "m: output \"y\": 7 is neither 0 nor 1");
    assert_eq!(error.index(), Some(2));
}

#[test]
fn lists_in_lists_are_refused_before_a_row_is_read() {
    let inner = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)])]);
    let item = Arc::new(Field::new_list_field(inner.data_type().clone(), true));
    let lists: ArrayRef = Arc::new(ListArray::new(
        item,
        OffsetBuffer::from_lengths([1]),
        Arc::new(inner),
        None,
    ));
    let rows = Memory::new(vec![RecordBatch::try_from_iter([("x", lists)]).unwrap()]).unwrap();
    let bound = rows.map(Map::new("m").reads(Read::values("x", DType::I64)), |_, _, _| Ok(()));
    let error = refusal(bound, ErrorKind::Schema, "not numbers, tensors or lists of them");
    assert!(error.to_string().starts_with("m: column \"x\" holds "), "{error}");
}

#[test]
fn an_error_names_the_column_at_fault() {
    let cx = context();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let city: ArrayRef = Arc::new(StringArray::from(vec![Some("Bonn"), None]));
    let rows = || {
        let columns = [("id", Arc::clone(&id), true), ("city", Arc::clone(&city), true)];
        Memory::new(vec![RecordBatch::try_from_iter_with_nullable(columns).unwrap()]).unwrap()
    };
    let both = Map::new("both")
        .reads(Read::values("id", DType::I64))
        .reads(Read::str("city"));
    let mapped = rows().map(both, |row, _, _| row.values::<i64>(0).and(row.str(1)).map(|_| ()));
    let error = refusal(
        cx.block_on(mapped.unwrap().take(&cx, &[0, 1])),
        ErrorKind::Data,
        "both \"city\": the value is null; `is_null` says so before it is read, and `fill_null` puts another in its place",
    );
    assert_eq!(error.index(), Some(1));
    let by = Filter::new("long")
        .reads(Read::values("id", DType::I64))
        .reads(Read::str("city"));
    let filtered = cx.block_on(rows().filter(&cx, by, |row| Ok(row.str(1)?.len() > 2)));
    refusal(
        filtered,
        ErrorKind::Data,
        "row 1 in memory: column \"city\": the value is null; `is_null` says so before it is read, and `fill_null` puts another in its place",
    );

    let column = |bytes: Vec<u8>| Arc::new(BinaryArray::from_vec(vec![&bytes])) as ArrayRef;
    let with = |second: Vec<u8>| {
        let columns = [
            ("photo", column(picture())),
            ("mask", column(mask())),
            ("second", column(second)),
        ];
        let rows = Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
        let rows = rows.image("photo", Image::new(8).mask("mask").mask("second")).unwrap();
        cx.block_on(rows.take(&cx, &[0]))
    };
    refusal(
        with(b"\x89PNG\r\n\x1a\nno".to_vec()),
        ErrorKind::Data,
        "image \"second\": corrupt PNG data",
    );
    let small = Pixels::new(5, 7).to_png().unwrap();
    refusal(
        with(small),
        ErrorKind::Data,
        "image \"second\": the mask has 5 x 7 pixels, its picture 24 x 24",
    );
    refusal(
        with(b"BM".to_vec()),
        ErrorKind::Data,
        "a mask of another format, which is no PNG of grey or palette",
    );
    let twice = pictures(1).image("left", Image::new(8).mask("mask").mask("mask"));
    refusal(twice, ErrorKind::Config, "two of its outputs are called \"mask\"");
}

#[test]
fn more_views_than_can_be_listed_are_refused() {
    for views in [0, 65_537, 1 << 40, u64::MAX] {
        let rows = pictures(2).image("left", Image::new(8)).unwrap().views(views);
        refusal(
            rows,
            ErrorKind::Config,
            &format!("views: views is {views}, but has to lie in 1..=65536"),
        );
    }
    let rows = pictures(2).image("left", Image::new(8)).unwrap().views(65_536).unwrap();
    assert_eq!((rows.len().finite(), rows.blocks().len()), (Some(131_072), 65_536));
}

#[test]
fn two_pictures_are_moved_by_one_draw() {
    let cx = context().with_seed(4);
    let both = ["left", "right"]
        .into_iter()
        .fold(Map::new("stereo").random(), |map, column| {
            map.reads(Read::bytes(column))
                .writes(Output::fixed(column, DType::F32, [3, SIDE, SIDE]))
        });
    let image = Image::new(SIDE as u32)
        .random_resized_crop(0.3..=0.9, 0.8..=1.25)
        .horizontal_flip(0.5);
    let rows = pictures(8).map(both, move |row, draws, out| {
        for side in 0..2 {
            let mut rng = draws.rng().expect("there are no views");
            image.apply(row.bytes(side)?, &mut rng, out.fixed::<f32>(side))?;
        }
        Ok(())
    });
    let taken = take(&cx, &rows.unwrap(), &Vec::from_iter(0..8));
    let (left, right) = (taken["left"].as_fixed_size_list(), taken["right"].as_fixed_size_list());
    for row in 0..8 {
        assert_eq!(&left.value(row), &right.value(row));
        assert_ne!(
            &left.value(row),
            &left.value((row + 1) % 8),
            "each row draws for itself"
        );
    }
}

#[test]
fn a_column_that_is_read_as_something_else_is_named() {
    let cx = context();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let rows = || Memory::new(vec![RecordBatch::try_from_iter([("id", Arc::clone(&id))]).unwrap()]).unwrap();
    let map = || Map::new("wrong").reads(Read::values("id", DType::I64));
    let said = "column 0 (\"id\") is read as i64: take it by `values::<i64>(0)`, not by ";
    let error = |mapped: Result<_>| -> String {
        let mapped: std::sync::Arc<dyn Dataset> = mapped.unwrap();
        let error = cx.block_on(mapped.take(&cx, &[0, 1])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    let numbers = rows().map(map(), |row, _, _| row.values::<f32>(0).map(|_| ()));
    let numbers = error(numbers.map(|rows| Arc::new(rows) as Arc<dyn Dataset>));
    assert!(numbers.ends_with(&format!("{said}`values::<f32>(0)`")), "{numbers}");
    let text = rows().map(map(), |row, _, _| row.str(0).map(|_| ()));
    let text = error(text.map(|rows| Arc::new(rows) as Arc<dyn Dataset>));
    assert!(text.ends_with(&format!("{said}`str(0)`")), "{text}");
    let bytes = rows().map(map(), |row, _, _| row.bytes(0).map(|_| ()));
    let bytes = error(bytes.map(|rows| Arc::new(rows) as Arc<dyn Dataset>));
    assert!(bytes.ends_with(&format!("{said}`bytes(0)`")), "{bytes}");
}
