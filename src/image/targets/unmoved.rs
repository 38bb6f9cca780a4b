//! Columns of boxes and keypoints that a stage leaves as they are, although it moves their picture.

use crate::image::Crop;
use crate::image::builder::Image;
use crate::rows::{BoxFormat, KeypointNames};
use arrow::datatypes::{Field, Schema};

/// What there is to say of the columns `below` that are known to hold boxes and that `image` does not move; none where there are none.
///
/// Shares of a picture stay right where all of it is squashed to another size.
pub(in crate::image) fn unmoved_boxes(image: &Image, below: &Schema) -> Option<String> {
    let squashes = matches!(image.crop, Crop::Whole) && !image.operations.iter().any(|step| step.operation.moves());
    let is_unmoved = |name: &String, format: BoxFormat| {
        !(squashes && format.is_normalized()) && image.boxes.iter().all(|boxes| boxes.column() != name)
    };
    note(below, "boxes", |field| {
        BoxFormat::of_field(field).is_some_and(|format| is_unmoved(field.name(), format))
    })
}

/// The same of columns that are known to hold the keypoints of objects, whose coordinates are pixels.
pub(in crate::image) fn unmoved_keypoints(image: &Image, below: &Schema) -> Option<String> {
    note(below, "keypoints", |field| {
        KeypointNames::are_said_of(field) && image.keypoints.iter().all(|points| points.column != *field.name())
    })
}

fn note(below: &Schema, what: &str, is_unmoved: impl Fn(&Field) -> bool) -> Option<String> {
    let unmoved = below.fields().iter().filter(|field| is_unmoved(field));
    let columns: Vec<String> = unmoved.map(|field| format!("\"{}\"", field.name())).collect();
    (!columns.is_empty()).then(|| {
        format!(
            "the {what} in {} are not moved with the picture: name them with `Image::{what}` if they lie in it",
            columns.join(", ")
        )
    })
}
