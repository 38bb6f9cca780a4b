//! Columns of every kind as tensors, by value.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::builder::{ListBuilder, StringBuilder};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, FixedSizeListArray, Float32Array, Float64Array, Int8Array,
    Int32Array, Int64Array, LargeListArray, LargeListViewArray, ListArray, ListViewArray, RecordBatch, StructArray,
    UInt8Array, UInt16Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Int32Type, Int64Type, Schema, UInt8Type, UInt32Type};
use arrow_schema::extension::{
    Bool8, EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY, FixedShapeTensor, VariableShapeTensor,
};
use burn::tensor::{Bool, BoolStore, DType, Device, Float, Int, Tensor, TensorData, bf16, f16};
use common::{refusal, refused};
use millstream::error::ErrorKind;
use millstream::rows::CLASS_NAMES;
use millstream::sink::tensor::{self, Padding};
use std::sync::Arc;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn one(column: impl Array + 'static) -> RecordBatch {
    batch(vec![("c", Arc::new(column))])
}

/// One column under `field`.
fn under(field: Field, column: ArrayRef) -> RecordBatch {
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column]).unwrap()
}

fn data<const D: usize, K: tensor::Kind>(tensor: Tensor<D, K>) -> TensorData {
    tensor.into_data()
}

fn longs<const D: usize>(tensor: Tensor<D, Int>) -> Vec<i64> {
    tensor.into_data().iter::<i64>().collect()
}

fn flags<const D: usize>(tensor: Tensor<D, Bool>) -> Vec<bool> {
    tensor.into_data().iter::<bool>().collect()
}

/// Lists of `width` values each.
fn fixed(values: ArrayRef, width: i32) -> FixedSizeListArray {
    let item = Arc::new(Field::new_list_field(values.data_type().clone(), false));
    FixedSizeListArray::new(item, width, values, None)
}

#[test]
fn bytes_stay_bytes_and_become_whatever_is_asked_for() {
    let device = Device::flex();
    // Two pictures of [3, 1, 2].
    let field = Field::new(
        "c",
        fixed(Arc::new(UInt8Array::from(vec![0; 6])), 6).data_type().clone(),
        false,
    )
    .with_extension_type(FixedShapeTensor::try_new(DataType::UInt8, [3, 1, 2], None, None).unwrap());
    let pixels: Vec<u8> = vec![0, 1, 127, 128, 254, 255, 9, 8, 7, 6, 5, 4];
    let rows = under(field, Arc::new(fixed(Arc::new(UInt8Array::from(pixels.clone())), 6)));
    let kept = tensor::ints_nd::<4>(&rows, "c", (&device, DType::U8)).unwrap();
    assert_eq!((kept.dims(), kept.dtype()), ([2, 3, 1, 2], DType::U8));
    let stored = rows["c"]
        .as_fixed_size_list()
        .values()
        .as_primitive::<UInt8Type>()
        .values()
        .as_ptr();
    let float = kept.clone().float().div_scalar(255.0);
    let kept = data(kept);
    assert_eq!(kept.as_bytes(), pixels);
    assert_eq!(kept.as_bytes().as_ptr(), stored, "the bytes are not copied");
    let expected: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
    assert_eq!(data(float).as_slice::<f32>().unwrap(), expected);
    let float = data(tensor::floats::<4>(&rows, "c", &device).unwrap());
    assert_eq!(
        float.as_slice::<f32>().unwrap(),
        Vec::from_iter(pixels.iter().map(|&pixel| f32::from(pixel)))
    );
    let ints = tensor::ints_nd::<4>(&rows, "c", &device).unwrap();
    assert_eq!(ints.dtype(), DType::I32);
    assert_eq!(
        longs(ints),
        Vec::from_iter(pixels.iter().map(|&pixel| i64::from(pixel)))
    );
    let part = tensor::ints_nd::<4>(&rows.slice(1, 1), "c", (&device, DType::U8)).unwrap();
    assert_eq!(data(part).as_bytes(), [9, 8, 7, 6, 5, 4]);
}

#[test]
fn floats_have_the_type_that_is_asked_for() {
    let device = Device::flex();
    let rows = one(Float64Array::from(vec![0.1, -3.0, 1e-30]));
    let of = |dtype| data(tensor::floats::<1>(&rows, "c", (&device, dtype)).unwrap());
    assert_eq!(of(DType::F64).as_slice::<f64>().unwrap(), [0.1, -3.0, 1e-30]);
    assert_eq!(of(DType::F32).as_slice::<f32>().unwrap(), [0.1, -3.0, 1e-30]);
    assert_eq!(
        of(DType::F16).as_slice::<f16>().unwrap(),
        [0.1, -3.0, 0.0].map(f16::from_f64)
    );
    assert_eq!(
        of(DType::BF16).as_slice::<bf16>().unwrap(),
        [0.1, -3.0, 1e-30].map(bf16::from_f64)
    );
    refused(
        tensor::floats::<1>(&one(Float32Array::from(vec![1.0, 1e5])), "c", (&device, DType::F16)),
        ErrorKind::Data,
        "column \"c\": 100000.0 in row 1 of the batch is beyond the largest f16",
    );
    refused(
        tensor::floats::<1>(&one(UInt16Array::from(vec![256, 257])), "c", (&device, DType::BF16)),
        ErrorKind::Data,
        "column \"c\": 257 in row 1 of the batch is a whole number that no bf16 is equal to",
    );
    refused(
        tensor::floats::<1>(&rows, "c", (&device, DType::I32)),
        ErrorKind::Config,
        "a tensor of floats cannot have values of type I32",
    );
    refused(
        tensor::bools::<1>(&rows, "c", (&device, DType::Bool(BoolStore::U32))),
        ErrorKind::Config,
        "the device has no tensors of Bool(U32): leave the type out for the device's own, or ask for another",
    );
}

#[test]
fn integers_have_the_type_that_is_asked_for() {
    let device = Device::flex();
    let rows = one(Int64Array::from(vec![-1, 1 << 40]));
    let kept = data(tensor::ints_nd::<1>(&rows, "c", (&device, DType::I64)).unwrap());
    assert_eq!(kept.as_slice::<i64>().unwrap(), [-1, 1 << 40]);
    let stored = rows["c"].as_primitive::<Int64Type>().values().as_ptr();
    assert_eq!(kept.as_bytes().as_ptr(), stored.cast());
    refused(
        tensor::ints(&rows, "c", (&device, DType::U32)),
        ErrorKind::Data,
        "column \"c\": -1 in row 0 of the batch does not fit into u32: ask for another type, as in `(&device, DType::I64)`",
    );
}

#[test]
fn booleans_come_from_bits_bytes_and_numbers() {
    let device = Device::flex();
    let of = |rows: &RecordBatch| flags(tensor::bools::<1>(rows, "c", &device).unwrap());
    let bits = one(BooleanArray::from(vec![true, false, true, true]));
    assert_eq!(
        (of(&bits), of(&bits.slice(1, 2))),
        (vec![true, false, true, true], vec![false, true])
    );
    assert_eq!(of(&one(Int64Array::from(vec![1, 0]))), [true, false]);
    assert_eq!(of(&one(Float32Array::from(vec![0.0, 1.0]))), [false, true]);
    // A mask of [2] a row, a byte for each: every byte but 0 is true.
    let item = Arc::new(Field::new_list_field(DataType::Int8, false).with_extension_type(Bool8));
    let masks = |bytes: Vec<i8>| {
        let list = FixedSizeListArray::new(Arc::clone(&item), 2, Arc::new(Int8Array::from(bytes)), None);
        under(Field::new("c", list.data_type().clone(), false), Arc::new(list))
    };
    let clean = masks(vec![0, 1, 1, 1]);
    let tensor = data(tensor::bools::<2>(&clean, "c", &device).unwrap());
    assert_eq!(tensor.as_slice::<bool>().unwrap(), [false, true, true, true]);
    let stored = clean["c"]
        .as_fixed_size_list()
        .values()
        .as_primitive::<arrow::datatypes::Int8Type>()
        .values();
    assert_eq!(tensor.as_bytes().as_ptr(), stored.as_ptr().cast());
    let other = masks(vec![0, -1, 7, 0]);
    assert_eq!(
        flags(tensor::bools::<2>(&other, "c", &device).unwrap()),
        [false, true, true, false]
    );
    assert_eq!(longs(tensor::ints_nd::<2>(&other, "c", &device).unwrap()), [0, 1, 1, 0]);
    refused(
        tensor::bools::<1>(&one(Int8Array::from(vec![1, 7])), "c", &device),
        ErrorKind::Data,
        "column \"c\": 7 in row 1 of the batch is neither 0 nor 1",
    );
}

#[test]
fn dimensions_that_are_stored_in_another_order_are_put_in_theirs() {
    let device = Device::flex();
    let list = fixed(Arc::new(Int32Array::from_iter_values(0..12)), 6);
    // As the format has it: of the shape [100, 200, 500] and this permutation, the tensor has the shape [500, 100, 200].
    let field = Field::new("c", list.data_type().clone(), false).with_metadata(
        [
            (EXTENSION_TYPE_NAME_KEY, "arrow.fixed_shape_tensor"),
            (
                EXTENSION_TYPE_METADATA_KEY,
                r#"{"shape":[1,2,3],"permutation":[2,0,1]}"#,
            ),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
    );
    let rows = under(field, Arc::new(list));
    let tensor = tensor::ints_nd::<4>(&rows, "c", &device).unwrap();
    assert_eq!(tensor.dims(), [2, 3, 1, 2]);
    // numpy: `np.arange(12).reshape(2, 1, 2, 3).transpose(0, 3, 1, 2).ravel()`.
    assert_eq!(longs(tensor), [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
}

#[test]
fn columns_stack_side_by_side() {
    let device = Device::flex();
    let rows = batch(vec![
        ("age", Arc::new(Int64Array::from(vec![3, 4])) as ArrayRef),
        ("member", Arc::new(BooleanArray::from(vec![true, false]))),
        (
            "x",
            Arc::new(fixed(Arc::new(Float64Array::from(vec![0.5, 1.5, 2.5, 3.5])), 2)),
        ),
        ("hole", Arc::new(Float64Array::from(vec![Some(1.0), None]))),
    ]);
    let stacked = tensor::column_stack(&rows, &["member", "x", "age"], &device).unwrap();
    assert_eq!(stacked.dims(), [2, 4]);
    assert_eq!(
        data(stacked).as_slice::<f32>().unwrap(),
        [1.0, 0.5, 1.5, 3.0, 0.0, 2.5, 3.5, 4.0]
    );
    refused(
        tensor::column_stack(&rows, &["age", "hole"], &device),
        ErrorKind::Data,
        "column \"hole\": row 1 of the batch is null, and 1 of 2 values are",
    );
    refused(
        tensor::column_stack(&rows, &[], &device),
        ErrorKind::Config,
        "column_stack: no columns; name at least one",
    );
}

/// Rows of 3, 0, 1 and 2 tokens, behind one that is cut off.
fn tokens() -> [ArrayRef; 4] {
    let lists = || [vec![9; 5], vec![1, 2, 3], vec![], vec![4], vec![5, 6]].map(|row| Some(row.into_iter().map(Some)));
    let all: [ArrayRef; 4] = [
        Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>(lists())),
        Arc::new(LargeListArray::from_iter_primitive::<Int64Type, _, _>(lists().map(
            |row| row.map(|row| row.map(|value| value.map(i64::from)).collect::<Vec<_>>()),
        ))),
        Arc::new(ListViewArray::from_iter_primitive::<UInt32Type, _, _>(lists())),
        Arc::new(LargeListViewArray::from_iter_primitive::<UInt32Type, _, _>(lists())),
    ];
    all.map(|array| array.slice(1, 4))
}

#[test]
fn lists_of_every_kind_are_padded() {
    let device = Device::flex();
    for lists in tokens() {
        let rows = batch(vec![("c", lists)]);
        let padded = |padding: Padding| {
            let (values, mask) = tensor::padded::<2, Int>(&rows, "c", padding, &device).unwrap();
            assert_eq!(values.dims(), mask.dims());
            (values.dims()[1], longs(values), flags(mask))
        };
        let (t, f) = (true, false);
        let longest = padded(Padding::new(-1));
        assert_eq!(longest.0, 3, "{:?}", rows.schema());
        assert_eq!(longest.1, [1, 2, 3, -1, -1, -1, 4, -1, -1, 5, 6, -1]);
        assert_eq!(longest.2, [t, t, t, f, f, f, t, f, f, t, t, f]);
        let left = padded(Padding::new(-1).left().multiple_of(4));
        assert_eq!(left.1, [-1, 1, 2, 3, -1, -1, -1, -1, -1, -1, -1, 4, -1, -1, 5, 6]);
        assert_eq!(left.2, [f, t, t, t, f, f, f, f, f, f, f, t, f, f, t, t]);
        let cut = padded(Padding::new(0).length(2).truncate(2));
        assert_eq!(
            (cut.1, cut.2),
            (vec![1, 2, 0, 0, 4, 0, 5, 6], vec![t, t, f, f, t, f, t, t])
        );
        assert_eq!(padded(Padding::new(0).truncate(1)).1, [1, 0, 4, 5]);
        assert_eq!(
            padded(Padding::new(0).length(4)).1,
            [1, 2, 3, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5, 6, 0, 0]
        );
        let long = tensor::padded::<2, Int>(&rows, "c", Padding::new(0).length(2), &device);
        refused(
            long,
            ErrorKind::Data,
            "column \"c\": row 0 of the batch has 3 values, and 2 is the fixed length: allow more, or cut it with \
             `Padding::truncate`",
        );
        let (floats, _) = tensor::padded::<2, Float>(&rows, "c", 0.5, &device).unwrap();
        assert_eq!(
            data(floats).as_slice::<f32>().unwrap()[..6],
            [1.0, 2.0, 3.0, 0.5, 0.5, 0.5]
        );
        // Each row by itself.
        let alone: Vec<_> = tensor::ragged::<1, Int>(&rows, "c", &device).unwrap();
        assert_eq!(
            alone.into_iter().map(longs).collect::<Vec<_>>(),
            [vec![1, 2, 3], vec![], vec![4], vec![5, 6]]
        );
    }
}

#[test]
fn a_padding_has_to_be_a_value_of_the_tensor() {
    let device = Device::flex();
    let [lists, ..] = tokens();
    let rows = batch(vec![("c", lists)]);
    refused(
        tensor::padded::<2, Int>(&rows, "c", 0.5, &device),
        ErrorKind::Config,
        "column \"c\": the padding 0.5 is no whole number",
    );
    refused(
        tensor::padded::<2, Int>(&rows, "c", -1, (&device, DType::U8)),
        ErrorKind::Config,
        "column \"c\": the padding -1 does not fit into u8: ask for another type, as in `(&device, DType::I64)`",
    );
    refused(
        tensor::padded::<3, Int>(&rows, "c", 0, &device),
        ErrorKind::Schema,
        "column \"c\" makes a tensor of shape [4, 3], not one of 3 dimensions",
    );
}

#[test]
fn rows_that_are_all_empty_have_no_length() {
    let device = Device::flex();
    let empty = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![]), Some(Vec::<Option<i32>>::new())]);
    let (values, mask) = tensor::padded::<2, Int>(&one(empty.clone()), "c", 0, &device).unwrap();
    assert_eq!((values.dims(), mask.dims()), ([2, 0], [2, 0]));
    let (values, mask) = tensor::padded::<2, Int>(&one(empty), "c", Padding::new(7).length(1), &device).unwrap();
    assert_eq!((longs(values), flags(mask)), (vec![7, 7], vec![false, false]));
}

#[test]
fn nulls_in_lists_are_named_with_their_row() {
    let device = Device::flex();
    let rows = [
        Some(vec![Some(1), Some(2)]),
        Some(vec![]),
        None,
        Some(vec![Some(3), None]),
    ];
    let lists = one(ListArray::from_iter_primitive::<Int32Type, _, _>(rows));
    refused(
        tensor::padded::<2, Int>(&lists, "c", 0, &device),
        ErrorKind::Data,
        "column \"c\": row 2 of the batch is null, and 1 of 4 are",
    );
    let last = lists.slice(3, 1);
    let error = tensor::ragged::<1, Int>(&last, "c", &device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column \"c\": a value in row 0 of the batch is null, and 1 of 2 values are"
    );
    assert_eq!(error.index(), Some(0));
    let rows = [
        Some(vec![Some(1), Some(300)]),
        Some(vec![]),
        Some(vec![Some(3), Some(301)]),
    ];
    let lists = one(ListArray::from_iter_primitive::<Int32Type, _, _>(rows));
    let error = tensor::padded::<2, Int>(&lists.slice(1, 2), "c", 0, (&device, DType::U8)).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("column \"c\": 301 in row 1 of the batch does not fit into u8"),
        "{error}"
    );
    assert_eq!(error.index(), Some(1));
    let words = one(arrow::array::StringArray::from(vec!["a"]));
    refused(
        tensor::padded::<2, Int>(&words, "c", 0, &device),
        ErrorKind::Schema,
        "column \"c\" holds Utf8, neither lists of numbers nor tensors",
    );
}

/// Rows of 1, 0 and 2 boxes of four floats.
fn boxes() -> ArrayRef {
    let four = fixed(Arc::new(Float32Array::from_iter_values((0..12).map(|i| i as f32))), 4);
    let item = Arc::new(Field::new_list_field(four.data_type().clone(), false));
    let offsets = OffsetBuffer::from_lengths([1, 0, 2]);
    Arc::new(ListArray::new(item, offsets, Arc::new(four), None))
}

#[test]
fn boxes_are_padded_or_given_row_by_row() {
    let device = Device::flex();
    let rows = batch(vec![("c", boxes())]);
    let (values, mask) = tensor::padded::<3, Float>(&rows, "c", -1.0, &device).unwrap();
    assert_eq!(values.dims(), [3, 2, 4]);
    let none = [-1.0; 4];
    let expected = [
        &[0.0, 1.0, 2.0, 3.0][..],
        &none,
        &none,
        &none,
        &[4.0, 5.0, 6.0, 7.0],
        &[8.0, 9.0, 10.0, 11.0],
    ];
    assert_eq!(data(values).as_slice::<f32>().unwrap(), expected.concat());
    assert_eq!(flags(mask), [true, false, false, false, true, true]);
    let last = rows.slice(1, 2);
    let mut alone = tensor::ragged::<2, Float>(&last, "c", &device).unwrap();
    assert_eq!(Vec::from_iter(alone.iter().map(Tensor::dims)), [[0, 4], [2, 4]]);
    let stored = rows["c"]
        .as_list::<i32>()
        .values()
        .as_fixed_size_list()
        .values()
        .as_primitive::<Float32Type>();
    let second = data(alone.remove(1));
    assert_eq!(
        second.as_slice::<f32>().unwrap(),
        Vec::from_iter((4..12).map(|i| i as f32))
    );
    assert_eq!(
        second.as_bytes().as_ptr(),
        stored.values()[4..].as_ptr().cast(),
        "not copied"
    );
}

#[test]
fn lists_of_one_length_and_tensor_columns_need_no_padding() {
    let device = Device::flex();
    let rows = one(fixed(Arc::new(Int32Array::from_iter_values(0..6)), 3));
    let (values, mask) = tensor::padded::<2, Int>(&rows, "c", 9, &device).unwrap();
    assert_eq!((longs(values), flags(mask)), ((0..6).collect(), vec![true; 6]));
    let list = fixed(Arc::new(Int32Array::from_iter_values(0..12)), 6);
    let field = Field::new("c", list.data_type().clone(), false)
        .with_extension_type(FixedShapeTensor::try_new(DataType::Int32, [3, 2], None, None).unwrap());
    let rows = under(field, Arc::new(list)).slice(1, 1);
    let (values, mask) = tensor::padded::<3, Int>(&rows, "c", Padding::new(-1).length(4), &device).unwrap();
    assert_eq!((values.dims(), flags(mask)), ([1, 4, 2], vec![true, true, true, false]));
    assert_eq!(longs(values), [6, 7, 8, 9, 10, 11, -1, -1]);
}

/// Tensors of `shapes` whose values count up from 0.
fn tensors(shapes: &[[i32; 2]], metadata: &str) -> RecordBatch {
    let lengths = shapes.iter().map(|shape| (shape[0] * shape[1]) as usize);
    let offsets = OffsetBuffer::from_lengths(lengths);
    let count = offsets.last().copied().unwrap();
    let item = Arc::new(Field::new_list_field(DataType::Int64, false));
    let data = ListArray::new(
        item,
        offsets,
        Arc::new(Int64Array::from_iter_values(0..i64::from(count))),
        None,
    );
    let shape = fixed(
        Arc::new(Int32Array::from_iter_values(shapes.iter().flatten().copied())),
        2,
    );
    let fields = Fields::from(vec![
        Field::new("data", data.data_type().clone(), false),
        Field::new("shape", shape.data_type().clone(), false),
    ]);
    let column = StructArray::new(fields, vec![Arc::new(data), Arc::new(shape)], None);
    let field = Field::new("c", column.data_type().clone(), false).with_metadata(
        [
            (EXTENSION_TYPE_NAME_KEY, "arrow.variable_shape_tensor"),
            (EXTENSION_TYPE_METADATA_KEY, metadata),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
    );
    under(field, Arc::new(column))
}

#[test]
fn tensors_that_differ_in_shape_are_read() {
    let device = Device::flex();
    let rows = tensors(&[[1, 2], [0, 2], [2, 2]], r#"{"uniform_shape":[null,2]}"#);
    rows.schema()
        .field(0)
        .try_extension_type::<VariableShapeTensor>()
        .unwrap();
    let (values, mask) = tensor::padded::<3, Int>(&rows, "c", 9, &device).unwrap();
    assert_eq!(
        (values.dims(), longs(values)),
        ([3, 2, 2], vec![0, 1, 9, 9, 9, 9, 9, 9, 2, 3, 4, 5])
    );
    assert_eq!(flags(mask), [true, false, false, false, true, true]);
    let any = tensors(&[[1, 2], [3, 1]], "{}");
    let alone = tensor::ragged::<2, Int>(&any, "c", &device).unwrap();
    assert_eq!(Vec::from_iter(alone.iter().map(Tensor::dims)), [[1, 2], [3, 1]]);
    assert_eq!(longs(alone[1].clone()), [2, 3, 4]);
    let second = tensor::ragged::<2, Int>(&any.slice(1, 1), "c", &device).unwrap();
    assert_eq!(longs(second[0].clone()), [2, 3, 4]);
    refused(
        tensor::padded::<3, Int>(&any, "c", 0, &device),
        ErrorKind::Data,
        "column \"c\": row 1 of the batch has the shape [3, 1], row 0 [1, 2]; only the first dimension is padded, and `ragged` \
         gives rows one by one",
    );
    let turned = tensors(&[[2, 3]], r#"{"permutation":[1,0]}"#);
    let alone = tensor::ragged::<2, Int>(&turned, "c", &device).unwrap();
    assert_eq!(
        (alone[0].dims(), longs(alone[0].clone())),
        ([3, 2], vec![0, 3, 1, 4, 2, 5])
    );
    assert_eq!(
        tensor::padded::<3, Int>(&turned, "c", 0, &device).unwrap_err().kind(),
        ErrorKind::Schema
    );
    // A shape that is not that of the values.
    let whole = rows["c"].as_struct();
    let shape: ArrayRef = Arc::new(fixed(Arc::new(Int32Array::from(vec![1, 2, 0, 2, 2, 3])), 2));
    let wrong = StructArray::new(whole.fields().clone(), vec![Arc::clone(whole.column(0)), shape], None);
    let wrong = under(rows.schema().field(0).clone(), Arc::new(wrong));
    refused(
        tensor::ragged::<2, Int>(&wrong, "c", &device),
        ErrorKind::Data,
        "column \"c\": row 2 of the batch has 4 values and the shape [2, 3]",
    );
}

#[test]
fn classes_become_multi_hot_and_one_hot() {
    let device = Device::flex();
    let lists = [Some(vec![Some(2), Some(0), Some(2)]), Some(vec![]), Some(vec![Some(1)])];
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(lists);
    let rows = one(lists.clone());
    let expected = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let hot = tensor::multi_hot::<Float>(&rows, "c", 3, &device).unwrap();
    assert_eq!(
        (hot.dims(), data(hot).as_slice::<f32>().unwrap().to_vec()),
        ([3, 3], expected.to_vec())
    );
    let hot = tensor::multi_hot::<Int>(&rows, "c", 3, &device).unwrap();
    assert_eq!(longs(hot), expected.map(|share| share as i64));
    let hot = tensor::multi_hot::<Bool>(&rows, "c", 3, &device).unwrap();
    assert_eq!(flags(hot), expected.map(|share| share == 1.0));
    refused(
        tensor::multi_hot::<Int>(&rows, "c", 2, &device),
        ErrorKind::Data,
        "column \"c\": 2 in row 0 of the batch is outside the 2 classes",
    );
    let error = tensor::multi_hot::<Int>(&rows.slice(2, 1), "c", 1, &device).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column \"c\": 1 in row 0 of the batch is outside the 1 classes"
    );
    refused(
        tensor::multi_hot::<Int>(&rows, "c", None, &device),
        ErrorKind::Config,
        "column \"c\" does not say how many classes there are: give the number",
    );
    let names = [(CLASS_NAMES.to_owned(), r#"["a","b","c","d"]"#.to_owned())];
    let field = Field::new("c", lists.data_type().clone(), true).with_metadata(names.clone().into());
    let hot = tensor::multi_hot::<Int>(&under(field, Arc::new(lists.clone())), "c", None, &device).unwrap();
    assert_eq!(hot.dims(), [3, 4]);
    let item = Arc::new(Field::new_list_field(DataType::Int64, true).with_metadata(names.into()));
    let (_, offsets, values, _) = lists.into_parts();
    let named = ListArray::new(item, offsets, values, None);
    assert_eq!(
        tensor::multi_hot::<Int>(&one(named), "c", None, &device)
            .unwrap()
            .dims(),
        [3, 4]
    );
    let plain = one(UInt8Array::from(vec![1, 0]));
    assert_eq!(
        longs(tensor::multi_hot::<Int>(&plain, "c", 2, &device).unwrap()),
        [0, 1, 1, 0]
    );
    let pairs = one(fixed(Arc::new(Int32Array::from(vec![0, 1, 1, 1])), 2));
    assert_eq!(
        longs(tensor::multi_hot::<Int>(&pairs, "c", 2, &device).unwrap()),
        [1, 1, 0, 1]
    );
    let negative = one(Int8Array::from(vec![0, -1]));
    refused(
        tensor::multi_hot::<Int>(&negative, "c", 2, &device),
        ErrorKind::Data,
        "column \"c\": -1 in row 1 of the batch is outside the 2 classes",
    );
    refused(
        tensor::multi_hot::<Int>(
            &one(fixed(Arc::new(Float32Array::from(vec![0.0, 1.0])), 2)),
            "c",
            2,
            &device,
        ),
        ErrorKind::Schema,
        "column \"c\" holds Float32, and class numbers are integers",
    );
    let holed = Int64Array::new(vec![0, 1].into(), Some(NullBuffer::from(vec![true, false])));
    assert_eq!(
        tensor::multi_hot::<Int>(&one(holed), "c", 2, &device)
            .unwrap_err()
            .index(),
        Some(1)
    );
}

#[test]
fn dictionaries_of_numbers_in_lists_are_seen_through() {
    let device = Device::flex();
    let words: DictionaryArray<Int32Type> =
        DictionaryArray::new(vec![1, 0, 1].into(), Arc::new(Int64Array::from(vec![7, 9])));
    let item = Arc::new(Field::new_list_field(words.data_type().clone(), false));
    let lists = ListArray::new(item, OffsetBuffer::from_lengths([1, 2]), Arc::new(words), None);
    let (values, _) = tensor::padded::<2, Int>(&one(lists), "c", 0, &device).unwrap();
    assert_eq!(longs(values), [9, 0, 7, 9]);
    let decimals = cast(
        &(Arc::new(Int64Array::from(vec![3, 4])) as ArrayRef),
        &DataType::Decimal128(10, 2),
    )
    .unwrap();
    assert_eq!(
        longs(tensor::ints(&batch(vec![("c", decimals)]), "c", &device).unwrap()),
        [3, 4]
    );
}

fn lists_of(rows: Vec<Vec<i64>>) -> RecordBatch {
    let rows = rows
        .into_iter()
        .map(|row| Some(row.into_iter().map(Some).collect::<Vec<_>>()));
    one(ListArray::from_iter_primitive::<Int64Type, _, _>(rows))
}

#[test]
fn lists_that_all_have_one_length_are_dense() {
    let device = Device::flex();
    let rows = lists_of(vec![vec![9, 9], vec![1, 2], vec![3, 4]]).slice(1, 2);
    assert_eq!(
        data(tensor::floats::<2>(&rows, "c", &device).unwrap()),
        TensorData::from([[1.0_f32, 2.0], [3.0, 4.0]])
    );
    assert_eq!(longs(tensor::ints_nd::<2>(&rows, "c", &device).unwrap()), [1, 2, 3, 4]);
    assert_eq!(
        tensor::floats::<2>(&rows.slice(0, 0), "c", &device).unwrap().dims(),
        [0, 0]
    );
    assert_eq!(
        tensor::floats::<2>(&lists_of(vec![vec![], vec![]]), "c", &device)
            .unwrap()
            .dims(),
        [2, 0]
    );
    let ragged = lists_of(vec![vec![1, 2], vec![3, 4], vec![5]]);
    let said = "column \"c\": a list in row 2 of the batch has 1 values, the first one 2: `padded` makes them";
    assert_eq!(
        refusal(tensor::floats::<2>(&ragged, "c", &device), ErrorKind::Data, said).index(),
        Some(2)
    );
    // Two boxes a row; the second row's second one is cut short.
    let nest = |lengths: [usize; 4]| {
        let values: ArrayRef = Arc::new(Float32Array::from_iter_values(
            (0..lengths.iter().sum()).map(|at| at as f32),
        ));
        let item = Arc::new(Field::new_list_field(DataType::Float32, false));
        let boxes = ListArray::new(item, OffsetBuffer::from_lengths(lengths), values, None);
        let item = Arc::new(Field::new_list_field(boxes.data_type().clone(), false));
        one(ListArray::new(
            item,
            OffsetBuffer::from_lengths([2, 2]),
            Arc::new(boxes),
            None,
        ))
    };
    let boxes = tensor::floats::<3>(&nest([2; 4]), "c", &device).unwrap();
    assert_eq!(
        data(boxes),
        TensorData::from([[[0.0_f32, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]])
    );
    let said = "a list in row 1 of the batch has 1 values, the first one 2";
    let error = refusal(
        tensor::floats::<3>(&nest([2, 2, 2, 1]), "c", &device),
        ErrorKind::Data,
        said,
    );
    assert_eq!(error.index(), Some(1));
    let holed = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)]), None]);
    let said = "a list in row 1 of the batch is null";
    refusal(tensor::floats::<2>(&one(holed), "c", &device), ErrorKind::Data, said);
}

#[test]
fn tensors_that_no_memory_holds_are_refused() {
    let device = Device::flex();
    let rows = lists_of(vec![vec![1, 2, 3], vec![], vec![4]]);
    let pad = |padding: Padding| tensor::padded::<2, Int>(&rows, "c", padding, &device);
    let said = "column \"c\": a tensor of shape [3, 4611686018427387904] does not fit into memory";
    refusal(pad(Padding::new(0).length(1 << 62)), ErrorKind::Config, said);
    refusal(
        pad(Padding::new(0).multiple_of((1 << 63) + 2)),
        ErrorKind::Config,
        "does not fit into memory",
    );
    refusal(
        pad(Padding::new(0).multiple_of(usize::MAX)),
        ErrorKind::Config,
        "does not fit into memory",
    );
    refusal(
        pad(Padding::new(0).length(1 << 50)),
        ErrorKind::Config,
        "does not fit into memory",
    );
    let said = "a tensor of shape [3, 4611686018427387904] does not fit into memory";
    refusal(
        tensor::multi_hot::<Int>(&rows, "c", 1 << 62, &device),
        ErrorKind::Config,
        said,
    );
}

#[test]
fn no_rows_have_the_shape_of_the_column() {
    let device = Device::flex();
    let four = fixed(Arc::new(Int64Array::from(vec![1, 2, 3, 4])), 4);
    let item = Arc::new(Field::new_list_field(four.data_type().clone(), false));
    let boxes = one(ListArray::new(
        item,
        OffsetBuffer::from_lengths([1]),
        Arc::new(four),
        None,
    ));
    assert_eq!(
        tensor::padded::<3, Int>(&boxes, "c", 0, &device).unwrap().0.dims(),
        [1, 1, 4]
    );
    assert_eq!(
        tensor::padded::<3, Int>(&boxes.slice(0, 0), "c", 0, &device)
            .unwrap()
            .0
            .dims(),
        [0, 0, 4]
    );
    let uniform = tensors(&[[2, 3]], r#"{"uniform_shape":[null,3]}"#).slice(0, 0);
    let column = uniform.schema().field(0).name().clone();
    assert_eq!(
        tensor::padded::<3, Float>(&uniform, &column, 0, &device)
            .unwrap()
            .0
            .dims(),
        [0, 0, 3]
    );
}

#[test]
fn flags_and_names_are_no_class_numbers() {
    let device = Device::flex();
    let flags = lists_of(vec![vec![0, 1, 0], vec![1, 1, 0]]);
    let said = "column \"c\": every list has 3 numbers, each 0 or 1, which are flags (multi-hot) and no class numbers";
    refusal(
        tensor::multi_hot::<Int>(&flags, "c", 3, &device),
        ErrorKind::Schema,
        said,
    );
    assert_eq!(
        longs(tensor::ints_nd::<2>(&flags, "c", &device).unwrap()),
        [0, 1, 0, 1, 1, 0]
    );
    // Class numbers 0 and 1: in lists of other lengths, and where two flags could be either.
    let some = lists_of(vec![vec![0, 1, 0], vec![1]]);
    assert_eq!(
        longs(tensor::multi_hot::<Int>(&some, "c", 3, &device).unwrap()),
        [1, 1, 0, 0, 1, 0]
    );
    let each = lists_of(vec![vec![0, 1], vec![1, 0]]);
    assert_eq!(
        longs(tensor::multi_hot::<Int>(&each, "c", 2, &device).unwrap()),
        [1, 1, 1, 1]
    );
    let mut words = ListBuilder::new(StringBuilder::new());
    words.values().append_value("cat");
    words.append(true);
    let said = "not class numbers; `classes` makes them";
    refusal(
        tensor::multi_hot::<Int>(&one(words.finish()), "c", 3, &device),
        ErrorKind::Schema,
        said,
    );
}
