//! Columns with places in the picture, such as keypoints, are not copied unmoved as label fields of boxes.

use crate::common::refusal;
use crate::left_unmoved::{
    ALL, KIND, MIRRORED, SIDE, boxes, corners, mirror, of_objects, plan, points, stored, stored_as,
};
use crate::targets::{floats, ints, lists, near, numbers, rows, take};

use arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, UInt8Array};
use arrow::datatypes::{DataType, Field, Schema};
use millstream::error::ErrorKind;
use millstream::image::{Boxes, CopyPaste, Image, Keypoints, Mosaic, Pixels};
use millstream::rows::{BOX_FORMAT, BoxFormat};
use millstream::source::Memory;
use millstream::synthetic::{CutMix, MixUp};
use millstream::{Dataset, DatasetExt, Result};
use std::sync::Arc;

fn mosaic(rows: impl Dataset, fields: &[&str]) -> Result<impl Dataset> {
    rows.mosaic("image", Mosaic::new().window(8).boxes(boxes(fields)))
}

fn copy_paste(rows: impl Dataset, fields: &[&str]) -> Result<impl Dataset> {
    rows.copy_paste("image", CopyPaste::new(boxes(fields)).window(8))
}

fn every_row() -> Vec<u64> {
    (0..8).collect()
}

fn shared(rows: impl Dataset + 'static) -> Arc<dyn Dataset> {
    Arc::new(rows)
}

#[test]
fn keypoints_are_no_label_field_of_a_mosaic() {
    let said =
        "\"objects.keypoints\" (keypoints) would stay as before, although a mosaic moves the boxes in \"objects.bbox\"";
    let points = || Keypoints::new("objects.keypoints");
    for image in [
        mirror(&ALL),
        mirror(&ALL).keypoints(points()),
        mirror(&KIND).keypoints(points()),
    ] {
        let images = || stored().image("image", image.clone()).unwrap();
        let error = refusal(mosaic(images(), &ALL), ErrorKind::Config, said).to_string();
        assert!(error.ends_with("take the column away with `project`"), "{error}");
        // Nor are they left behind.
        refusal(
            mosaic(images(), &KIND),
            ErrorKind::Config,
            "\"objects.keypoints\" (keypoints)",
        );
        // What the error says is a way out.
        let less = images().project(&["image", "objects.bbox", "objects.kind"]).unwrap();
        let batch = take(&mosaic(less, &KIND).unwrap(), &every_row());
        let (found, kinds) = (floats(&batch, "objects.bbox"), ints(&batch, "objects.kind"));
        assert!(
            found
                .iter()
                .zip(&kinds)
                .all(|(corners, kinds)| corners.len() == 4 * kinds.len())
        );
        assert!(kinds.iter().any(|kinds| kinds.len() > 2), "{kinds:?}");
    }
    // Stages that were told of none.
    let images = stored().image("image", mirror(&KIND)).unwrap();
    refusal(mosaic(images, &ALL), ErrorKind::Config, said);
    let images = stored().image("image", mirror(&KIND)).unwrap();
    refusal(mosaic(images, &KIND), ErrorKind::Config, said);
    // They are known by what a stage did, too, whatever they are called.
    let image = mirror(&["objects.kind", "objects.joints"]).keypoints(Keypoints::new("objects.joints"));
    let images = stored_as("objects.joints", Vec::new()).image("image", image).unwrap();
    let said = "\"objects.joints\" (keypoints) would stay as before";
    refusal(
        mosaic(images, &["objects.kind", "objects.joints"]),
        ErrorKind::Config,
        said,
    );
}

#[test]
fn keypoints_of_pasted_objects_are_not_those_of_another_picture() {
    let said = "\"objects.keypoints\" (keypoints) would stay as before, although copy_paste moves the boxes in \"objects.bbox\"";
    let moved = || mirror(&ALL).keypoints(Keypoints::new("objects.keypoints"));
    for image in [mirror(&ALL), moved()] {
        let images = stored().image("image", image).unwrap();
        let error = refusal(copy_paste(images, &ALL), ErrorKind::Config, said).to_string();
        assert!(error.contains("need not be label fields here"), "{error}");
    }
    // Those that no stage has moved are not taken for those of the row.
    for fields in [&ALL[..], &KIND] {
        let images = stored().image("image", mirror(fields)).unwrap();
        refusal(copy_paste(images, &KIND), ErrorKind::Config, said);
    }
    // Whatever the boxes are called.
    let plain = || Boxes::new("boxes", BoxFormat::Xyxy);
    let image = Image::new(SIDE).as_u8().boxes(plain().label_fields(&["keypoints"]));
    let columns = vec![("boxes", corners()), ("keypoints", points())];
    let images = rows([SIDE; 2], columns).image("image", image).unwrap();
    refusal(
        images.copy_paste("image", CopyPaste::new(plain())),
        ErrorKind::Config,
        "\"keypoints\" (keypoints) would stay as before",
    );
    // Keypoints stay those of the row, and its objects are the first of its boxes.
    let pasted = copy_paste(stored().image("image", moved()).unwrap(), &KIND).unwrap();
    let note = "what is in \"objects.keypoints\" stays as it is: nothing is added to it for what is pasted";
    assert!(plan(&pasted).contains(note), "{}", plan(&pasted));
    let batch = take(&pasted, &every_row());
    let (found, corners) = (floats(&batch, "objects.keypoints"), floats(&batch, "objects.bbox"));
    for (points, corners) in found.iter().zip(&corners) {
        near(points, &MIRRORED);
        near(&corners[..8], &[28.0, 8.0, 36.0, 16.0, 4.0, 24.0, 16.0, 36.0]);
        for (points, [left, top, right, bottom]) in points.as_chunks::<6>().0.iter().zip(corners.as_chunks::<4>().0) {
            let is_inside = |[x, y, _]: &[f32; 3]| x >= left && x <= right && y >= top && y <= bottom;
            assert!(points.as_chunks::<3>().0.iter().all(is_inside), "{points:?}");
        }
    }
    assert!(corners.iter().any(|corners| corners.len() > 8), "{corners:?}");
}

#[test]
fn what_belongs_to_keypoints_goes_with_the_boxes() {
    let more = || vec![("objects.track", numbers(&vec![vec![11, 12]; 8]))];
    let points = Keypoints::new("objects.keypoints").label_fields(&["objects.track"]);
    let image = mirror(&ALL).keypoints(points);
    let images = stored_as("objects.keypoints", more()).image("image", image).unwrap();
    let pasted = copy_paste(images, &["objects.kind", "objects.track"]).unwrap();
    let batch = take(&pasted, &every_row());
    let (kinds, tracks) = (ints(&batch, "objects.kind"), ints(&batch, "objects.track"));
    for (kinds, tracks) in kinds.iter().zip(&tracks) {
        let of_kind: Vec<i64> = kinds.iter().map(|kind| if *kind == 3 { 11 } else { 12 }).collect();
        assert_eq!(*tracks, of_kind);
    }
    assert!(tracks.iter().any(|tracks| tracks.len() > 2), "{tracks:?}");
}

#[test]
fn other_boxes_and_masks_are_no_label_fields_of_a_picture_of_several() {
    let fields = ["objects.kind", "objects.other"];
    let refused = |images: &dyn Fn() -> Arc<dyn Dataset>, kind: &str| {
        let said = format!("\"objects.other\" ({kind}) would stay as before, although");
        refusal(mosaic(images(), &fields), ErrorKind::Config, &said);
        refusal(copy_paste(images(), &fields), ErrorKind::Config, &said);
    };
    let with = |other: ArrayRef, image: Image| {
        let columns = vec![
            ("objects.bbox", corners()),
            ("objects.kind", numbers(&vec![vec![3, 7]; 8])),
            ("objects.other", other),
        ];
        rows([SIDE; 2], columns).image("image", image).unwrap()
    };
    // Boxes that a stage has moved, oriented ones among them.
    let turned = [8.0, 12.0, 6.0, 4.0, 10.0, 30.0, 30.0, 8.0, 6.0, 20.0];
    let oriented = || mirror(&KIND).boxes(Boxes::oriented("objects.other"));
    refused(
        &|| shared(with(lists(&vec![turned.to_vec(); 8], 5), oriented())),
        "boxes",
    );
    let second = || mirror(&KIND).boxes(Boxes::new("objects.other", BoxFormat::Xyxy));
    refused(&|| shared(with(corners(), second())), "boxes");
    // Those that say so of themselves, which the image stage does not move.
    let said = || {
        let columns = [
            ("objects.bbox", corners()),
            ("objects.kind", numbers(&vec![vec![3, 7]; 8])),
        ];
        let batch = RecordBatch::try_from_iter(columns.into_iter().chain([("objects.other", corners())])).unwrap();
        let png = Pixels::new(SIDE, SIDE).to_png().unwrap();
        let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(png, 8)));
        let own = batch.schema().field(2).clone();
        let own = own.with_metadata([(BOX_FORMAT.to_owned(), "xyxy".to_owned())].into());
        let schema = Arc::new(Schema::new(vec![
            Field::new("image", DataType::Binary, false),
            batch.schema().field(0).clone(),
            batch.schema().field(1).clone(),
            own,
        ]));
        let columns = [pictures].into_iter().chain(batch.columns().iter().cloned()).collect();
        let rows = Memory::new(vec![RecordBatch::try_new(schema, columns).unwrap()]).unwrap();
        rows.image("image", mirror(&fields)).unwrap()
    };
    let note = "the boxes in \"objects.other\" are not moved with the picture: name them with `Image::boxes`";
    assert!(plan(&said()).contains(note), "{}", plan(&said()));
    refused(&|| shared(said()), "boxes");
    // A mask for each object, of the size of the picture.
    let masks = || {
        let values: ArrayRef = Arc::new(UInt8Array::from(vec![0; 8 * 2 * (SIDE * SIDE) as usize]));
        of_objects(values, &[SIDE as i32; 2])
    };
    refused(&|| shared(with(masks(), mirror(&fields))), "mask");
}

#[test]
fn a_blended_picture_has_a_note_of_keypoints_that_no_stage_has_moved() {
    let images = || {
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..8));
        let columns = vec![("keypoints", points()), ("id", ids)];
        rows([SIDE; 2], columns).image("image", Image::new(SIDE)).unwrap()
    };
    let note = "what is in \"keypoints\" stays that of the row alone";
    let mixed = images().mixup("image", "id", MixUp::new(1.0).num_classes(8)).unwrap();
    assert!(plan(&mixed).contains(note), "{}", plan(&mixed));
    let mixed = images().cutmix("image", "id", CutMix::new(1.0).num_classes(8)).unwrap();
    assert!(plan(&mixed).contains(note), "{}", plan(&mixed));
    let mixed = images().mosaic("image", Mosaic::new()).unwrap();
    let note = "what is in \"keypoints\" is not moved with the picture: if it lies there, name it, or take keypoints";
    assert!(plan(&mixed).contains(note), "{}", plan(&mixed));
}
