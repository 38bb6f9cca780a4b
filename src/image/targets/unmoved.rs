//! Columns of boxes that a stage leaves as they are, although it moves their picture.

use crate::image::Crop;
use crate::image::builder::Image;
use crate::rows::BoxFormat;
use arrow::datatypes::Schema;

/// What there is to say of the columns `below` that are known to hold boxes and that `image` does not move; none where there are none.
///
/// Shares of a picture stay right where all of it is squashed to another size.
pub(in crate::image) fn unmoved_boxes(image: &Image, below: &Schema) -> Option<String> {
    let squashes = matches!(image.crop, Crop::Whole) && !image.operations.iter().any(|step| step.operation.moves());
    let is_unmoved = |name: &String, format: BoxFormat| {
        !(squashes && format.is_normalized()) && image.boxes.iter().all(|boxes| boxes.column() != name)
    };
    let columns: Vec<String> = below
        .fields()
        .iter()
        .filter(|field| BoxFormat::of_field(field).is_some_and(|format| is_unmoved(field.name(), format)))
        .map(|field| format!("\"{}\"", field.name()))
        .collect();
    (!columns.is_empty()).then(|| {
        format!(
            "the boxes in {} are not moved with the picture: name them with `Image::boxes` if they lie in it",
            columns.join(", ")
        )
    })
}
