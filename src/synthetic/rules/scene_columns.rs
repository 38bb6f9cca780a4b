//! The columns of scenes, in the layout of Hugging Face's detection datasets.

use super::keypoints::SceneKeypoints;
use super::scene::{Scene, Seen};
use crate::columns::picture_fields;
use crate::error::Result;
use crate::rows::CLASS_NAMES;
use crate::synthetic::SampleId;
use arrow::array::{
    ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The name of what a mask has where no object is.
const BACKGROUND: &str = "background";

/// The rows of `schema`.
pub(super) fn batch(
    schema: &SchemaRef,
    keypoints: Option<SceneKeypoints>,
    scenes: &[Scene],
    samples: &[SampleId],
) -> Result<RecordBatch> {
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values(scenes.iter().map(|scene| &scene.image)));
    let paths: ArrayRef = Arc::new(StringArray::new_null(scenes.len()));
    let offsets = OffsetBuffer::from_lengths(scenes.iter().map(|scene| scene.objects.len()));
    let seen: Vec<Seen> = scenes.iter().flat_map(|scene| scene.objects.iter().cloned()).collect();
    let boxes = Float32Array::from_iter_values(seen.iter().flat_map(|seen| seen.bbox));
    let boxes = FixedSizeListArray::try_new(item(DataType::Float32), 4, Arc::new(boxes), None)?;
    let mut values: Vec<ArrayRef> = vec![
        Arc::new(boxes),
        Arc::new(Int64Array::from_iter_values(
            seen.iter().map(|seen| i64::from(seen.class)),
        )),
        Arc::new(Int64Array::from_iter_values(seen.iter().map(|seen| seen.area))),
    ];
    if let Some(keypoints) = keypoints {
        let numbers = seen.iter().flat_map(|seen| seen.keypoints.iter().flatten().copied());
        let numbers = Arc::new(Float32Array::from_iter_values(numbers));
        let points = Arc::new(FixedSizeListArray::try_new(item(DataType::Float32), 3, numbers, None)?);
        let (of, count) = (item(point()), keypoints.count() as i32);
        values.push(Arc::new(FixedSizeListArray::try_new(of, count, points, None)?));
    }
    let list = |values: ArrayRef| {
        let list = ListArray::try_new(item(values.data_type().clone()), offsets.clone(), values, None)?;
        Ok(Arc::new(list) as ArrayRef)
    };
    let objects = values.into_iter().map(list).collect::<Result<Vec<_>>>()?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StructArray::try_new(picture_fields(), vec![pictures, paths], None)?),
        Arc::new(BinaryArray::from_iter_values(scenes.iter().map(|scene| &scene.mask))),
        Arc::new(StructArray::try_new(objects_fields(keypoints), objects, None)?),
        Arc::new(Int64Array::from_iter_values(
            samples.iter().map(|sample| i64::from(sample.class)),
        )),
    ];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn item(of: DataType) -> Arc<Field> {
    Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, of, true))
}

/// Left, top, and whether it is seen.
fn point() -> DataType {
    DataType::FixedSizeList(item(DataType::Float32), 3)
}

fn objects_fields(keypoints: Option<SceneKeypoints>) -> Fields {
    let list = |of: DataType| DataType::List(item(of));
    let mut fields = vec![
        Field::new("bbox", list(DataType::FixedSizeList(item(DataType::Float32), 4)), true),
        Field::new("category", list(DataType::Int64), true),
        Field::new("area", list(DataType::Int64), true),
    ];
    if let Some(keypoints) = keypoints {
        let points = DataType::FixedSizeList(item(point()), keypoints.count() as i32);
        fields.push(Field::new("keypoints", list(points), true));
    }
    Fields::from(fields)
}

/// The columns, and what Hugging Face's `datasets` calls them.
pub(super) fn schema(names: &[String], keypoints: Option<SceneKeypoints>) -> SchemaRef {
    let value = |dtype: &str| json!({"dtype": dtype, "_type": "Value"});
    let label = json!({"names": names, "_type": "ClassLabel"});
    let sequence = |length: usize, of: Value| json!({"_type": "Sequence", "length": length, "feature": of});
    let mut objects = json!({
        "bbox": sequence(4, value("float32")),
        "category": label,
        "area": value("int64"),
    });
    if let Some(keypoints) = keypoints {
        objects["keypoints"] = sequence(keypoints.count(), sequence(3, value("float32")));
    }
    let features = json!({
        "image": {"_type": "Image"},
        "mask": value("binary"),
        "objects": {"_type": "Sequence", "length": -1, "feature": objects},
        "label": label,
    });
    let metadata = HashMap::from([(
        "huggingface".to_owned(),
        json!({"info": {"features": features}}).to_string(),
    )]);
    let in_mask = [BACKGROUND].into_iter().chain(names.iter().map(String::as_str));
    let in_mask = Value::from(in_mask.collect::<Vec<_>>()).to_string();
    let fields = vec![
        Field::new("image", DataType::Struct(picture_fields()), true),
        Field::new("mask", DataType::Binary, true).with_metadata([(CLASS_NAMES.to_owned(), in_mask)].into()),
        Field::new("objects", DataType::Struct(objects_fields(keypoints)), true),
        Field::new("label", DataType::Int64, true),
    ];
    Arc::new(Schema::new_with_metadata(fields, metadata))
}
