//! Columns that say where something is in a picture.

use crate::columns::list_item;
use crate::rows::ObjectLayout;
use arrow::datatypes::{Field, Schema};

/// Whether a column has boxes, keypoints or outlines of pictures: objects in any of Hugging Face's layouts, or lists of numbers by such a name.
pub(super) fn holds_places(schema: &Schema, field: &Field) -> bool {
    const NAMES: [&str; 6] = ["bbox", "box", "keypoint", "landmark", "polygon", "segmentation"];
    let name = field.name().to_lowercase();
    let is_list = list_item(field.data_type()).is_some();
    ObjectLayout::of(schema, field.name()).is_ok() || is_list && NAMES.iter().any(|known| name.contains(known))
}
