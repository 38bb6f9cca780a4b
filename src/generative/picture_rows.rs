//! Made pictures as rows, in the layout of Hugging Face's image datasets.

use super::pictures::Pictures;
use crate::columns::picture_fields;
use crate::error::{Error, Result};
use crate::image::Pixels;
use crate::rows::CLASS_NAMES;
use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use burn::tensor::Tensor;
use std::sync::Arc;

/// Columns of pictures and labels, with the names of the training rows' ones.
pub(super) fn schema(pictures: &Pictures, classes: &[String]) -> SchemaRef {
    let names = serde_json::Value::from(classes).to_string();
    Arc::new(Schema::new(vec![
        Field::new(&pictures.column, DataType::Struct(picture_fields()), true),
        Field::new(&pictures.label, DataType::Int64, true).with_metadata([(CLASS_NAMES.to_owned(), names)].into()),
    ]))
}

/// Pictures `[n, colours, side, side]`, of levels in `0..=1`, as rows of `class`.
pub(super) fn rows(schema: &SchemaRef, levels: Tensor<4>, class: u32) -> Result<RecordBatch> {
    let [n, colours, height, width] = levels.dims();
    let values: Vec<f32> = levels.into_data().iter::<f32>().collect();
    if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
        return Err(Error::stage(format!(
            "the network made a level of {bad}: fit the generator again"
        )));
    }
    let (one, plane) = (colours * height * width, height * width);
    let png = |picture: &[f32]| {
        let level =
            |pixel: usize, colour: usize| (picture[colour * plane + pixel] * 255.0).round().clamp(0.0, 255.0) as u8;
        let mut pixels = Pixels::<u8>::with_channels(width as u32, height as u32, colours);
        for (at, to) in pixels.levels.iter_mut().enumerate() {
            *to = level(at / colours, at % colours);
        }
        Ok(pixels.to_png()?)
    };
    let files = values.chunks_exact(one).map(png).collect::<Result<Vec<Vec<u8>>>>()?;
    let files: ArrayRef = Arc::new(BinaryArray::from_iter_values(files));
    let paths: ArrayRef = Arc::new(StringArray::new_null(n));
    let pictures = StructArray::try_new(picture_fields(), vec![files, paths], None)?;
    let labels = Int64Array::from_value(class.into(), n);
    Ok(RecordBatch::try_new(
        Arc::clone(schema),
        vec![Arc::new(pictures), Arc::new(labels)],
    )?)
}
