//! Numbers of the objects of a picture, and lists beside its boxes, where a picture is made of several or boxes leave it.

use crate::common::{context, refusal};
use crate::targets::{floats, ints, lists, numbers, rows, take};

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int64Array, RecordBatch};
use arrow::datatypes::UInt8Type;
use millstream::error::ErrorKind;
use millstream::image::{Boxes, CopyPaste, Image, Keypoints, Mosaic};
use millstream::rows::{BoxFormat, Transformed};
use millstream::source::Memory;
use millstream::{Dataset, DatasetExt};
use std::sync::Arc;

const SIDE: usize = 40;
const BOXES: [[f32; 4]; 2] = [[4.0, 8.0, 12.0, 16.0], [24.0, 24.0, 36.0, 36.0]];

fn png(values: &[u8]) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(values).unwrap();
    png
}

/// Eight pictures of two objects each, which have the numbers `own` in the list `field`, and in the mask `mask` on top of the values `below`.
fn stored(field: &str, mask: &str, own: [u8; 2], below: &[u8]) -> Memory {
    let value = |at: usize| {
        let (x, y) = ((at % SIDE) as f32, (at / SIDE) as f32);
        let is_in = |[left, top, right, bottom]: &[f32; 4]| x >= *left && x < *right && y >= *top && y < *bottom;
        match BOXES.iter().position(is_in) {
            Some(object) => own[object],
            None => below.get(at).copied().unwrap_or(0),
        }
    };
    let values: Vec<u8> = (0..SIDE * SIDE).map(value).collect();
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(png(&values), 8)));
    let of_objects = own.map(i64::from).to_vec();
    rows(
        [SIDE as u32; 2],
        vec![
            ("objects.bbox", lists(&vec![BOXES.as_flattened().to_vec(); 8], 4)),
            (field, numbers(&vec![of_objects; 8])),
            (mask, masks),
        ],
    )
}

fn boxes(field: &str) -> Boxes {
    Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&[field])
}

fn images(field: &str, mask: &str, own: [u8; 2], below: &[u8]) -> Transformed<Memory> {
    let image = Image::new(SIDE as u32).as_u8().mask(mask).boxes(boxes(field));
    stored(field, mask, own, below).image("image", image).unwrap()
}

fn mosaic(field: &str, mask: &str) -> Mosaic {
    let mosaic = Mosaic::new().center(0.5..=0.5).window(8);
    mosaic.boxes(boxes(field)).mask(mask)
}

fn values(batch: &RecordBatch, mask: &str, row: usize) -> Vec<u8> {
    let values = batch[mask].as_fixed_size_list().value(row);
    values.as_primitive::<UInt8Type>().values().to_vec()
}

/// The values of `mask` in the middle of each box of a row.
fn in_the_middle(batch: &RecordBatch, mask: &str, row: usize) -> Vec<i64> {
    let (all, values) = (floats(batch, "objects.bbox"), values(batch, mask, row));
    let middle = |[left, top, right, bottom]: &[f32; 4]| {
        let [x, y] = [left + right, top + bottom].map(|twice| (twice / 2.0) as usize);
        i64::from(values[y * SIDE + x])
    };
    all[row].as_chunks::<4>().0.iter().map(middle).collect()
}

#[test]
fn each_object_of_a_mosaic_keeps_a_number_of_its_own() {
    let all: Vec<u64> = (0..8).collect();
    let (field, mask) = ("objects.instances", "instances");
    let batch = take(
        &images(field, mask, [1, 2], &[])
            .mosaic("image", mosaic(field, mask))
            .unwrap(),
        &all,
    );
    for row in 0..8 {
        let found = &ints(&batch, field)[row];
        assert_eq!(*found, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(in_the_middle(&batch, mask, row), *found);
    }
    // Columns that are called otherwise hold classes, where nothing else is said.
    let (field, mask) = ("objects.kind", "mask");
    let batch = take(
        &images(field, mask, [1, 2], &[])
            .mosaic("image", mosaic(field, mask))
            .unwrap(),
        &all,
    );
    assert_eq!(ints(&batch, field)[0], [1, 2, 1, 2, 1, 2, 1, 2]);
    assert!(values(&batch, mask, 0).iter().all(|value| *value <= 2));
    let said = mosaic(field, mask).instances(&[field, mask]);
    let batch = take(&images(field, mask, [3, 2], &[]).mosaic("image", said).unwrap(), &all);
    assert_eq!(ints(&batch, field)[0], [3, 2, 6, 5, 9, 8, 12, 11]);
    assert_eq!(in_the_middle(&batch, mask, 0), ints(&batch, field)[0]);
    let other = mosaic(field, mask).instances(&["objects.bbox"]);
    let said = "instances: \"objects.bbox\" is neither a mask of those that are named nor a label field";
    refusal(
        images(field, mask, [1, 2], &[]).mosaic("image", other),
        ErrorKind::Config,
        said,
    );
}

#[test]
fn numbers_that_a_mask_does_not_hold_are_refused() {
    let (field, mask) = ("objects.instances", "instances");
    let rows = images(field, mask, [1, 90], &[])
        .mosaic("image", mosaic(field, mask))
        .unwrap();
    let cx = context().with_seed(5);
    let error = cx.block_on(rows.take(&cx, &[0])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    let error = error.to_string();
    let said = "column \"instances\" numbers the objects of each picture, and of the pictures that are put together here one would have the number 270";
    assert!(error.contains(said) && error.contains("holds up to 255"), "{error}");
}

#[test]
fn pasted_objects_have_numbers_of_their_own() {
    let all: Vec<u64> = (0..40).collect();
    let paste = |field: &str, mask: &str| {
        let paste = CopyPaste::new(boxes(field)).mask(mask);
        paste.window(8).cover(0.0).most(2)
    };
    let (field, mask) = ("objects.instances", "instances");
    let rows = images(field, mask, [1, 4], &[]).copy_paste("image", paste(field, mask));
    let batch = take(&rows.unwrap(), &all);
    let mut pasted = 0;
    for row in 0..40 {
        let found = &ints(&batch, field)[row];
        assert_eq!(*found, [1, 4, 2, 3][..found.len()]);
        assert_eq!(in_the_middle(&batch, mask, row), *found);
        pasted += found.len() - 2;
    }
    assert!(pasted > 20, "{pasted}");
    // Classes stay what they are.
    let (field, mask) = ("objects.kind", "mask");
    let rows = images(field, mask, [1, 4], &[]).copy_paste("image", paste(field, mask));
    let batch = take(&rows.unwrap(), &all);
    let kinds = ints(&batch, field).concat();
    assert!(kinds.iter().all(|kind| [1, 4].contains(kind)), "{kinds:?}");
    assert!(values(&batch, mask, 0).iter().all(|value| [0, 1, 4].contains(value)));
    // Where every number is taken, nothing is pasted.
    let (field, mask) = ("objects.instances", "instances");
    let every: Vec<u8> = (1..=255).collect();
    let rows = images(field, mask, [1, 4], &every).copy_paste("image", paste(field, mask));
    let batch = take(&rows.unwrap(), &all);
    assert!(ints(&batch, field).iter().all(|found| *found == [1, 4]));
}

/// Eight pictures with a box each, an area beside it, and what belongs to the row.
fn street(corners: [f32; 4]) -> Memory {
    let areas: ArrayRef = numbers(&vec![vec![64]; 8]);
    rows(
        [SIDE as u32; 2],
        vec![
            ("objects.bbox", lists(&vec![corners.to_vec(); 8], 4)),
            ("objects.kind", numbers(&vec![vec![1]; 8])),
            ("objects.area", areas),
            ("objects.id", Arc::new(Int64Array::from_iter_values(0..8))),
            ("tags", numbers(&vec![vec![1, 2, 3]; 8])),
        ],
    )
}

#[test]
fn lists_beside_boxes_are_named_where_boxes_come_and_go() {
    let config = ErrorKind::Config;
    let image = || Image::new(SIDE as u32).as_u8().boxes(boxes("objects.kind"));
    let street = || street([4.0, 8.0, 12.0, 16.0]);
    let cropped = || image().random_resized_crop(0.3..=1.0, 0.7..=1.4);
    let said = "what is in \"objects.area\" would stay as it is, and no longer belong to the boxes in \"objects.bbox\"";
    for cut in [cropped(), image().rotate(10.0)] {
        let error = refusal(street().image("image", cut), config, said).to_string();
        assert!(
            error.contains("`Boxes::label_fields`") && error.contains("`project`"),
            "{error}"
        );
    }
    let limited = Image::new(8).boxes(boxes("objects.kind").min_area(2.0));
    refusal(street().image("image", limited), config, said);
    // What cannot leave the picture keeps all lists right.
    let flipped = || street().image("image", image().horizontal_flip(0.5)).unwrap();
    take(&flipped(), &[0, 1]);
    refusal(
        flipped().mosaic("image", Mosaic::new().boxes(boxes("objects.kind"))),
        config,
        said,
    );
    refusal(
        flipped().copy_paste("image", CopyPaste::new(boxes("objects.kind"))),
        config,
        said,
    );
    // Named, or away. A value of the row, and a list of another name, belong to nobody else.
    let named = || boxes("objects.kind").label_fields(&["objects.area"]);
    let image = Image::new(SIDE as u32).as_u8().rotate(10.0).boxes(named());
    let rows = street().image("image", image).unwrap();
    assert!(rows.mosaic("image", Mosaic::new().boxes(named())).is_ok());
    let kept = ["image", "objects.bbox", "objects.kind", "objects.id", "tags"];
    assert!(street().project(&kept).unwrap().image("image", cropped()).is_ok());
}

#[test]
fn a_box_that_is_left_out_all_the_same_is_an_error_beside_lists_without_a_name() {
    let image = Image::new(SIDE as u32).boxes(boxes("objects.kind"));
    let rows = street([50.0, 8.0, 60.0, 16.0]).image("image", image).unwrap();
    let cx = context();
    let error = cx.block_on(rows.take(&cx, &[0])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    assert!(
        error.to_string().contains("\"objects.area\"") && error.to_string().contains("a box of this row is left out"),
        "{error}"
    );
}

#[test]
fn lists_beside_points_are_named_where_points_leave_the_picture() {
    let stored = || {
        rows(
            [SIDE as u32; 2],
            vec![
                ("marks.xy", lists(&vec![vec![3.0, 4.0, 30.0, 20.0]; 8], 2)),
                ("marks.kind", numbers(&vec![vec![1, 2]; 8])),
            ],
        )
    };
    let turned = |points: Keypoints| Image::new(SIDE as u32).rotate(10.0).keypoints(points);
    let points = || Keypoints::new("marks.xy");
    let said = "what is in \"marks.kind\" would stay as it is, and no longer belong to the keypoints in \"marks.xy\"";
    refusal(stored().image("image", turned(points())), ErrorKind::Config, said);
    assert!(stored().image("image", turned(points().keep_outside())).is_ok());
    assert!(
        stored()
            .image("image", turned(points().label_fields(&["marks.kind"])))
            .is_ok()
    );
    let flipped = Image::new(SIDE as u32).horizontal_flip(1.0).keypoints(points());
    assert!(stored().image("image", flipped).is_ok());
}
