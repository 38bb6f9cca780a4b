//! Columns of boxes, keypoints and masks that a stage leaves as they are, although it moves their picture.

use crate::image::Crop;
use crate::image::builder::Image;
use crate::rows::{BoxFormat, KeypointNames, find_instances};
use arrow::datatypes::{Field, Schema};

/// What there is to say of the columns `below` that are known to hold boxes and that `image` does not move; none where there are none.
///
/// Shares of a picture stay right where all of it is squashed to another size.
pub(in crate::image) fn unmoved_boxes(image: &Image, below: &Schema) -> Option<String> {
    let squashes = matches!(image.crop, Crop::Whole) && !image.operations.iter().any(|step| step.operation.moves());
    let is_unmoved = |name: &String, format: BoxFormat| {
        !(squashes && format.is_normalized()) && image.boxes.iter().all(|boxes| boxes.column() != name)
    };
    note(below, ["boxes", "boxes"], |field| {
        BoxFormat::of_field(field).is_some_and(|format| is_unmoved(field.name(), format))
    })
}

/// The same of columns that are known to hold keypoints, whose coordinates are pixels: by what is said of them, or by their name. As label fields of boxes alone
/// they stay or go with these, and are not moved.
pub(in crate::image) fn unmoved_keypoints(image: &Image, below: &Schema) -> Option<String> {
    note(below, ["keypoints", "keypoints"], |field| {
        KeypointNames::are_known_in(field) && image.keypoints.iter().all(|points| points.column != *field.name())
    })
}

/// The same of the masks that an import writes beside boxes. The pictures themselves are in `picture`.
pub(in crate::image) fn unmoved_masks(image: &Image, picture: &str, below: &Schema) -> Option<String> {
    let own = find_instances(below).filter(|own| *own != picture && image.masks.iter().all(|mask| mask != own));
    note(below, ["masks", "mask"], |field| own == Some(field.name().as_str()))
}

/// What there is to say of the columns of `what` that `is_unmoved` picks; `method` of [`Image`] names them.
fn note(below: &Schema, [what, method]: [&str; 2], is_unmoved: impl Fn(&Field) -> bool) -> Option<String> {
    let unmoved = below.fields().iter().filter(|field| is_unmoved(field));
    let columns: Vec<String> = unmoved.map(|field| format!("\"{}\"", field.name())).collect();
    (!columns.is_empty()).then(|| {
        format!(
            "the {what} in {} are not moved with the picture: name them with `Image::{method}` if they lie in it",
            columns.join(", ")
        )
    })
}
