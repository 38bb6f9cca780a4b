//! Masks of objects in previews of a detection.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::by_class_of_boxes::with;
use crate::common;
use crate::detect::{objects, pictures, uneven, uneven_run, write};

use arrow::array::{ArrayRef, BinaryArray};
use common::context;
use millstream::rows::BoxFormat;
use millstream::task::{Finetune, Preview};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// As `uneven_run`, with a mask beside the boxes in which the objects have the values 1, 2, ..
fn masked_run(folder: &Path) -> Finetune {
    let rows = uneven();
    let mask = |objects: &Vec<([f32; 4], i64)>| {
        let value = |at: usize| {
            let (x, y) = ((at % 96) as f32, (at / 96) as f32);
            let is_in = |[left, top, right, bottom]: [f32; 4]| x >= left && x < right && y >= top && y < bottom;
            let of = objects.iter().position(|(corners, _)| is_in(*corners));
            of.map_or(0, |object| object as u8 + 1)
        };
        let values: Vec<u8> = (0..96 * 64).map(value).collect();
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 96, 64);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&values).unwrap();
        png
    };
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values(rows.iter().map(mask)));
    let columns = vec![
        ("image", pictures(&rows)),
        ("objects", objects(&rows, BoxFormat::Xywh)),
        ("instances", masks),
    ];
    let mut run = uneven_run(folder, "out");
    run.spec.data.train = vec![write(&folder.join("masks.parquet"), columns)].into();
    run.spec.data.image = Some("image".to_owned());
    with(run, json!([{ "horizontal_flip": { "p": 1.0 } }]))
}

#[test]
fn a_preview_draws_the_masks_of_objects_where_they_have_moved() {
    let dir = tempfile::tempdir().unwrap();
    let masked = masked_run(dir.path());
    let plain = with(
        uneven_run(dir.path(), "out"),
        json!([{ "horizontal_flip": { "p": 1.0 } }]),
    );
    for unfreeze in [0, 1] {
        let sheets = [&masked, &plain].map(|run| {
            let preview = Preview::new(run.clone().unfreeze(unfreeze))
                .open(&context(), &mut |_| ())
                .unwrap();
            // Row 8 has a bright object and two dark ones.
            let steps = preview.steps(8, 1).unwrap();
            let pictures: Vec<_> = steps.steps.iter().map(|step| step.pixels.clone()).collect();
            let samples = preview.sheet(&preview.samples(1, 8).unwrap(), 96).unwrap();
            (pictures, preview.step_sheet(&steps, 320).unwrap(), samples.picture)
        });
        let [(pictures, steps, samples), (same, without, others)] = sheets;
        // What is trained on is the same; the masks alone are drawn over it.
        assert_eq!(pictures, same);
        assert_eq!(steps.dimensions(), without.dimensions());
        let differ = steps.pixels().zip(without.pixels()).filter(|(a, b)| a != b).count();
        // In each of the tiles three squares of 24 x 24 of 96 x 64 pixels, but for their lines and labels.
        let tiles = pictures.len() * 320 * 213;
        let share = differ as f64 / tiles as f64;
        assert!((0.15..0.29).contains(&share), "{share}");
        assert_ne!(samples, others);
    }
}
