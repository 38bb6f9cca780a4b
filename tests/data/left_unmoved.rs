//! An image stage says which keypoints and masks it leaves as they are, although it moves their picture.

use crate::targets::{floats, lists, near, numbers, rows, take};

use arrow::array::{ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Field;
use millstream::image::{Boxes, Image, Keypoints, Pixels};
use millstream::rows::BoxFormat;
use millstream::source::Memory;
use millstream::{Dataset, DatasetExt};
use std::sync::Arc;

pub(super) const SIDE: u32 = 40;
const BOXES: [[f32; 4]; 2] = [[4.0, 8.0, 12.0, 16.0], [24.0, 24.0, 36.0, 36.0]];
/// Two points of each object: x, y and visibility.
const POINTS: [f32; 12] = [5.0, 9.0, 2.0, 11.0, 15.0, 2.0, 25.0, 25.0, 2.0, 35.0, 35.0, 1.0];
/// The same where left and right are exchanged.
pub(super) const MIRRORED: [f32; 12] = [35.0, 9.0, 2.0, 29.0, 15.0, 2.0, 15.0, 25.0, 2.0, 5.0, 35.0, 1.0];

/// Eight rows of two items each, which have this shape.
pub(super) fn of_objects(values: ArrayRef, shape: &[i32]) -> ArrayRef {
    let mut items = values;
    for &length in shape.iter().rev() {
        let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
        items = Arc::new(FixedSizeListArray::new(item, length, items, None));
    }
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
    Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([2; 8]), items, None))
}

pub(super) fn points() -> ArrayRef {
    of_objects(Arc::new(Float32Array::from(POINTS.repeat(8))), &[2, 3])
}

pub(super) fn corners() -> ArrayRef {
    lists(&vec![BOXES.as_flattened().to_vec(); 8], 4)
}

/// Eight pictures with two objects each, whose keypoints are in `column`, and with these columns besides.
pub(super) fn stored_as(column: &str, more: Vec<(&str, ArrayRef)>) -> Memory {
    let columns = vec![
        ("objects.bbox", corners()),
        ("objects.kind", numbers(&vec![vec![3, 7]; 8])),
        (column, points()),
    ];
    rows([SIDE; 2], columns.into_iter().chain(more).collect())
}

pub(super) fn stored() -> Memory {
    stored_as("objects.keypoints", Vec::new())
}

pub(super) fn boxes(fields: &[&str]) -> Boxes {
    Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(fields)
}

pub(super) const ALL: [&str; 2] = ["objects.kind", "objects.keypoints"];
pub(super) const KIND: [&str; 1] = ["objects.kind"];

/// A stage that mirrors all pictures.
pub(super) fn mirror(fields: &[&str]) -> Image {
    Image::new(SIDE).as_u8().horizontal_flip(1.0).boxes(boxes(fields))
}

/// The plan in one line.
pub(super) fn plan(rows: &impl Dataset) -> String {
    let plan = rows.describe().to_string();
    plan.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn keypoints_and_masks_that_a_stage_leaves_behind_are_said() {
    let note = "the keypoints in \"objects.keypoints\" are not moved with the picture: name them with `Image::keypoints` if they lie in it";
    for fields in [&ALL[..], &KIND] {
        let left = stored().image("image", mirror(fields)).unwrap();
        assert!(plan(&left).contains(note), "{}", plan(&left));
        // It is right: they stay as they were.
        near(&floats(&take(&left, &[0]), "objects.keypoints")[0], &POINTS);
        let moved = mirror(fields).keypoints(Keypoints::new("objects.keypoints"));
        let moved = stored().image("image", moved).unwrap();
        assert!(!plan(&moved).contains("not moved with the picture"), "{}", plan(&moved));
        near(&floats(&take(&moved, &[0]), "objects.keypoints")[0], &MIRRORED);
    }
    // A number of keypoints has no place.
    let counts = rows([SIDE; 2], vec![("keypoints", numbers(&vec![vec![17, 4]; 8]))]);
    let counts = counts.image("image", Image::new(SIDE)).unwrap();
    assert!(
        !plan(&counts).contains("not moved with the picture"),
        "{}",
        plan(&counts)
    );
    // Masks, as an import writes them.
    let mask = Pixels::new(SIDE, SIDE).to_png().unwrap();
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(mask, 8)));
    let with_masks = || rows([SIDE; 2], vec![("instances", Arc::clone(&masks))]);
    let note =
        "the masks in \"instances\" are not moved with the picture: name them with `Image::mask` if they lie in it";
    let left = with_masks().image("image", Image::new(SIDE)).unwrap();
    assert!(plan(&left).contains(note), "{}", plan(&left));
    let moved = with_masks().image("image", Image::new(SIDE).mask("instances")).unwrap();
    assert!(!plan(&moved).contains("not moved with the picture"), "{}", plan(&moved));
}
