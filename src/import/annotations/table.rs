//! Annotated pictures as rows in the layout of Hugging Face's detection datasets.

use crate::error::Result;
use crate::rows::KeypointNames;
use crate::source::HUGGING_FACE;
use arrow::array::{
    ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// A picture and what is on it.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) path: PathBuf,
    /// Its path as the annotations have it.
    pub(super) name: String,
    pub(super) id: i64,
    /// Width and height that the annotations say.
    pub(super) said: Option<[i64; 2]>,
    /// Those of the upright picture in the file, or said ones where it cannot be read.
    pub(super) size: [i64; 2],
    pub(super) objects: Vec<Object>,
}

/// An object, as COCO has it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Object {
    pub(super) id: i64,
    /// Left, top, width and height in pixels.
    pub(super) bbox: [f32; 4],
    pub(super) category: i64,
    pub(super) area: f32,
    pub(super) crowd: bool,
    pub(super) polygons: Vec<Vec<f32>>,
    /// Compressed run lengths, of what is no polygon; else empty.
    pub(super) run_lengths: String,
    /// The width and height that these are said to cover, where they are said.
    pub(super) covers: Option<[i64; 2]>,
    /// x, y and visibility of each keypoint; empty where none is labelled.
    pub(super) keypoints: Vec<f32>,
    /// Pascal VOC's flags, where they are said.
    pub(super) difficult: Option<bool>,
    pub(super) truncated: Option<bool>,
}

/// Which fields objects have beside those that all have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside {
    outlines: bool,
    difficult: bool,
    truncated: bool,
    /// Numbers of an object's keypoints.
    keypoints: Option<usize>,
}

impl Beside {
    /// Those of the objects on any of `pictures`.
    pub(super) fn of<'a>(pictures: impl Iterator<Item = &'a Picture>) -> Self {
        let mut beside = Self::default();
        for object in pictures.flat_map(|picture| &picture.objects) {
            beside.outlines |= !object.polygons.is_empty() || !object.run_lengths.is_empty();
            beside.difficult |= object.difficult.is_some();
            beside.truncated |= object.truncated.is_some();
            beside.keypoints = beside
                .keypoints
                .or((!object.keypoints.is_empty()).then_some(object.keypoints.len()));
        }
        beside
    }
}

/// The rows of `pictures`, whose classes have these names, with the fields of objects that are `beside` the usual ones; the metadata says what is known of
/// their `keypoints`.
pub(super) fn table(
    pictures: &[Picture],
    names: &[String],
    (beside, keypoints): (Beside, Option<&KeypointNames>),
) -> Result<RecordBatch> {
    let objects = || pictures.iter().flat_map(|picture| &picture.objects);
    let lengths = || OffsetBuffer::from_lengths(pictures.iter().map(|picture| picture.objects.len()));
    let list = |items: ArrayRef| -> Result<ArrayRef> { of_lengths(lengths(), items) };
    let boxes: ArrayRef = Arc::new(Float32Array::from_iter_values(objects().flat_map(|object| object.bbox)));
    let item = Arc::new(Field::new_list_field(DataType::Float32, true));
    let boxes: ArrayRef = Arc::new(FixedSizeListArray::try_new(item, 4, boxes, None)?);
    let number = |of: fn(&Object) -> i64| Arc::new(Int64Array::from_iter_values(objects().map(of))) as ArrayRef;
    let flag = |of: fn(&Object) -> bool| {
        let flags = objects().map(|object| Some(of(object)));
        Arc::new(flags.collect::<BooleanArray>()) as ArrayRef
    };
    let mut fields = vec![
        ("id", list(number(|object| object.id))?),
        ("bbox", list(boxes)?),
        ("category", list(number(|object| object.category))?),
        (
            "area",
            list(Arc::new(Float32Array::from_iter_values(
                objects().map(|object| object.area),
            )))?,
        ),
        ("iscrowd", list(flag(|object| object.crowd))?),
    ];
    let value = |dtype: &str| json!({"dtype": dtype, "_type": "Value"});
    let many = |item: serde_json::Value| json!({"feature": item, "length": -1, "_type": "Sequence"});
    let mut said = json!({
        "id": value("int64"),
        "bbox": {"feature": value("float32"), "length": 4, "_type": "Sequence"},
        "category": {"names": names, "_type": "ClassLabel"},
        "area": value("float32"),
        "iscrowd": value("bool"),
    });
    if beside.difficult {
        fields.push(("difficult", list(flag(|object| object.difficult == Some(true)))?));
        said["difficult"] = value("bool");
    }
    if beside.truncated {
        fields.push(("truncated", list(flag(|object| object.truncated == Some(true)))?));
        said["truncated"] = value("bool");
    }
    if let Some((many, length)) = beside
        .keypoints
        .and_then(|many| Some((many, i32::try_from(many).ok()?)))
    {
        let numbers =
            objects().flat_map(|object| (0..many).map(move |at| object.keypoints.get(at).copied().unwrap_or(0.0)));
        let numbers: ArrayRef = Arc::new(Float32Array::from_iter_values(numbers));
        let item = Arc::new(Field::new_list_field(DataType::Float32, true));
        let points: ArrayRef = Arc::new(FixedSizeListArray::try_new(item, length, numbers, None)?);
        fields.push(("keypoints", list(points)?));
        said["keypoints"] = json!({"feature": value("float32"), "length": many, "_type": "Sequence"});
    }
    if beside.outlines {
        let polygons = || objects().flat_map(|object| &object.polygons);
        let points: ArrayRef = Arc::new(Float32Array::from_iter_values(polygons().flatten().copied()));
        let polygons = of_lengths(OffsetBuffer::from_lengths(polygons().map(Vec::len)), points)?;
        let of_objects = OffsetBuffer::from_lengths(objects().map(|object| object.polygons.len()));
        fields.push(("segmentation", list(of_lengths(of_objects, polygons)?)?));
        let texts = StringArray::from(objects().map(|object| object.run_lengths.as_str()).collect::<Vec<_>>());
        fields.push(("rle", list(Arc::new(texts))?));
        said["segmentation"] = many(many(value("float32")));
        said["rle"] = value("string");
    }
    let inner: Fields = fields
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = fields.into_iter().map(|(_, array)| array).collect();
    let objects: ArrayRef = Arc::new(StructArray::try_new(inner, arrays, None)?);
    let of = |of: fn(&Picture) -> i64| Arc::new(Int64Array::from_iter_values(pictures.iter().map(of))) as ArrayRef;
    let names = StringArray::from_iter_values(pictures.iter().map(|picture| &picture.name));
    let columns: [(&str, ArrayRef); 5] = [
        ("file_name", Arc::new(names)),
        ("image_id", of(|picture| picture.id)),
        ("width", of(|picture| picture.size[0])),
        ("height", of(|picture| picture.size[1])),
        ("objects", objects),
    ];
    let features = json!({"info": {"features": {"image": {"_type": "Image"}, "objects": many(said)}}});
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let known = keypoints.filter(|_| beside.keypoints.is_some());
    let known = known.map(|known| known.file_metadata("objects"));
    let metadata = [(HUGGING_FACE.to_owned(), features.to_string())]
        .into_iter()
        .chain(known)
        .collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    Ok(RecordBatch::try_new(schema, arrays)?)
}

fn of_lengths(offsets: OffsetBuffer<i32>, items: ArrayRef) -> Result<ArrayRef> {
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(item, offsets, items, None)?))
}
