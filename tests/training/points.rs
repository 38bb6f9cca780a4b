//! Keypoints beside boxes: a preview draws them where they have moved, and a run says that it does not learn them.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common::context;

use image::RgbImage;
use millstream::dataset::Origin;
use millstream::image::{Crop, Pixels};
use millstream::import::{Import, ImportSpec};
use millstream::report::picture::{DrawnObject, Tile, draw_objects};
use millstream::task::{Finetune, Preview};
use serde_json::json;
use std::path::Path;

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// The box of the one object on each picture of 96 x 64 pixels, and two of its three keypoints: one is not labelled.
const CORNERS: [f64; 4] = [10.0, 10.0, 34.0, 34.0];
const POINTS: [[f64; 2]; 2] = [[15.0, 20.0], [30.0, 25.0]];

/// 16 imported pictures.
fn data(folder: &Path) -> String {
    let (root, out) = (folder.join("in"), folder.join("out"));
    std::fs::create_dir_all(&root).unwrap();
    for at in 0..16 {
        let mut pixels = Pixels::new(96, 64);
        pixels.levels.fill(40 + 10 * at);
        std::fs::write(root.join(format!("{at}.png")), pixels.to_png().unwrap()).unwrap();
    }
    let images = (0..16).map(|at| json!({"id": at, "file_name": format!("{at}.png"), "width": 96, "height": 64}));
    let object = |at: i64| {
        let points = [15, 20, 2, 0, 0, 0, 30, 25, 1];
        json!({"id": at, "image_id": at, "category_id": 1, "bbox": [10, 10, 24, 24], "keypoints": points})
    };
    let text = json!({
        "images": images.collect::<Vec<_>>(),
        "categories": [{"id": 1, "name": "cat", "keypoints": ["left_ear", "tail", "right_ear"], "skeleton": [[1, 3], [1, 2]]}],
        "annotations": (0..16).map(object).collect::<Vec<_>>()
    });
    std::fs::write(root.join("instances_train.json"), text.to_string()).unwrap();
    let cx = context();
    let import = Import::open(&cx, &[root.display().to_string()], ImportSpec::default()).unwrap();
    import.run(&cx, &out, &mut |_, _| ()).unwrap();
    out.display().to_string()
}

/// `pixels`, 320 wide, with the object, mirrored or not.
fn drawn(pixels: &Pixels, mirrored: bool) -> RgbImage {
    let tile = Tile {
        rgb: pixels.levels.clone(),
        width: pixels.width,
        height: pixels.height,
        origin: Origin::Real,
    };
    let tile = tile.scaled(320).unwrap();
    let scale = [f64::from(tile.width) / 96.0, f64::from(tile.height) / 64.0];
    let mut scaled = Pixels::new(tile.width, tile.height);
    scaled.levels = tile.rgb;
    let across = |x: f64| if mirrored { 96.0 - x } else { x };
    let [left, top, right, bottom] = CORNERS;
    let (from, to) = (across(left), across(right));
    let corners = [from.min(to), top, from.max(to), bottom];
    let points = POINTS.map(|[x, y]| Some([across(x) * scale[0], y * scale[1]]));
    let objects = [
        DrawnObject {
            label: "cat".to_owned(),
            corners: Some(std::array::from_fn(|side| corners[side] * scale[side % 2])),
            ..DrawnObject::default()
        },
        DrawnObject {
            // Left and right change places.
            keypoints: match mirrored {
                true => vec![points[1], None, points[0]],
                false => vec![points[0], None, points[1]],
            },
            skeleton: &[(0, 2)],
            ..DrawnObject::default()
        },
    ];
    draw_objects(&scaled, &objects).unwrap()
}

/// Whether `tile` is a part of `sheet`, pixel by pixel.
fn has(sheet: &RgbImage, tile: &RgbImage) -> bool {
    let (width, height) = tile.dimensions();
    let line = |image: &RgbImage, x: u32, y: u32| {
        let from = 3 * (y * image.width() + x) as usize;
        image.as_raw()[from..from + 3 * width as usize].to_vec()
    };
    sheet.enumerate_pixels().any(|(x, y, pixel)| {
        pixel == tile.get_pixel(0, 0)
            && x + width <= sheet.width()
            && y + height <= sheet.height()
            && (0..height).all(|row| line(sheet, x, y + row) == line(tile, 0, row))
    })
}

#[test]
fn a_preview_draws_keypoints_where_the_stage_has_moved_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = Finetune::default()
        .train([data(dir.path())])
        .backbone(BACKBONE)
        .size(96)
        .height(64)
        .views(2)
        .batch_size(4)
        .crop(Crop::Whole)
        .out(dir.path().join("unused"));
    run.spec.data.held_out = 0.25;
    run.spec.augment.operations = serde_json::from_value(json!([{ "horizontal_flip": { "p": 1.0 } }])).unwrap();
    let notes = run.datasets(&context()).unwrap().notes;
    let said = "the keypoints in \"objects\" move with their pictures, and are not learnt; where one is mirrored, left_ear and right_ear change places";
    assert!(notes.iter().any(|note| note.contains(said)), "{notes:?}");
    for unfreeze in [0, 1] {
        let preview = Preview::new(run.clone().unfreeze(unfreeze));
        let preview = preview.open(&context(), &mut |_| ()).unwrap();
        let samples = preview.samples(1, 2).unwrap();
        let sheet = preview.sheet(&samples, 320).unwrap();
        let mut mirrored = 0;
        for sample in &samples.groups[0].samples {
            let pixels = preview.pictures(sample).unwrap().remove(0);
            let is_mirrored = sample.provenance.origin != Origin::Real;
            mirrored += usize::from(is_mirrored);
            assert!(has(&sheet.picture, &drawn(&pixels, is_mirrored)), "{sample:?}");
        }
        assert!(mirrored > 0, "some are augmented");
    }
}
