//! What each motion does to boxes, oriented boxes and points is what it does to masks of them.

use crate::targets::{floats, ints, lists, many, numbers, rows, take};
use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::UInt8Type;
use millstream::DatasetExt;
use millstream::image::{
    Affine, Boxes, Drawn, Image, IouCrop, Keypoints, Motion, Operation, Pixels, RandomCrop, ScaleJitter, Subject,
};
use millstream::rng::Rng;
use millstream::source::Memory;
use millstream::spec::Spec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The stored pictures.
const SIZE: [u32; 2] = [80, 60];

/// A stage that moves, and by how many pixels a mask and a box of it may differ.
type Moving = (&'static str, Image, f32);

/// Those that leave an even picture's angles as they are.
fn even() -> Vec<Moving> {
    let stage = || Image::sized(160, 120);
    vec![
        ("flips", stage().horizontal_flip(0.5).vertical_flip(0.5), 1.1),
        ("rotate", stage().rotate(180.0), 1.6),
        ("zoom out", stage().zoom_out(1.0..=2.0, 1.0), 1.1),
        ("scale jitter", stage().with(ScaleJitter::new(0.5..=1.5)), 1.1),
        ("letterbox", Image::sized(150, 160).letterbox([9; 3]), 1.1),
        ("pad", stage().pad([25, 10, 15, 20]).resize([160, 120]), 1.1),
        ("random crop", stage().with(RandomCrop::new().padding(20)), 1.1),
        ("center crop", stage().center_crop(0.8), 1.1),
    ]
}

fn moving() -> Vec<Moving> {
    let stage = || Image::sized(160, 120);
    let affine = Affine::new(20.0).translate([0.1; 2]).scale(0.7..=1.2).shear([8.0; 2]);
    let mut all = even();
    all.extend([
        ("iou crop", stage().random_iou_crop(IouCrop::default()), 1.1),
        ("squashed and transposed", Image::new(160).transpose(1.0), 1.1),
        ("shear", stage().shear([15.0, 10.0]), 2.2),
        ("affine", stage().with(affine.clone()), 2.2),
        ("perspective", stage().perspective(0.4, 1.0), 2.2),
        ("elastic", stage().elastic_transform(60.0, 8.0), 2.6),
        // Two resamples, of which each has a nearest pixel of its own.
        (
            "affine and perspective",
            stage().with(affine).brightness(0.2).perspective(0.3, 1.0),
            3.4,
        ),
    ]);
    all
}

/// A mask of 1 where `inside` is true of a pixel's centre.
fn mask(inside: impl Fn([f32; 2]) -> bool) -> Vec<u8> {
    let [width, height] = SIZE;
    let value = |at: u32| u8::from(inside([(at % width) as f32 + 0.5, (at / width) as f32 + 0.5]));
    let values: Vec<u8> = (0..width * height).map(value).collect();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&values).unwrap();
    png
}

/// The centres of a row's pixels that its mask shows; none where some are at the edge, beyond which there may be more.
fn shown(batch: &RecordBatch, row: usize, [width, height]: [u32; 2]) -> Option<Vec<[f32; 2]>> {
    let mask = batch["mask"].as_fixed_size_list().value(row);
    let mask = mask.as_primitive::<UInt8Type>().values();
    let (width, height) = (width as usize, height as usize);
    let places = (0..width * height).filter(|&at| mask[at] == 1);
    let places: Vec<[usize; 2]> = places.map(|at| [at % width, at / width]).collect();
    let edge = |[x, y]: &[usize; 2]| [0, width - 1].contains(x) || [0, height - 1].contains(y);
    let is_whole = !places.is_empty() && !places.iter().any(edge);
    is_whole.then(|| places.iter().map(|place| place.map(|at| at as f32 + 0.5)).collect())
}

fn with_masks(name: &'static str, values: &[Vec<f32>], width: usize, masks: impl Iterator<Item = Vec<u8>>) -> Memory {
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values(masks));
    rows(SIZE, vec![(name, lists(values, width)), ("mask", masks)])
}

#[test]
fn boxes_agree_with_masks_of_them_for_each_motion() {
    let values: Vec<Vec<f32>> = (0..30)
        .map(|row| {
            let mut rng = Rng::new(4, "mask", row);
            let [x, y] = [rng.below(50) as f32, rng.below(40) as f32];
            vec![x, y, x + 12.0 + rng.below(16) as f32, y + 10.0 + rng.below(9) as f32]
        })
        .collect();
    let of = |corners: &Vec<f32>| {
        mask(|[x, y]| (corners[0]..corners[2]).contains(&x) && (corners[1]..corners[3]).contains(&y))
    };
    let stored = with_masks("boxes", &values, 4, values.iter().map(of));
    for (name, stage, most) in moving() {
        let size = stage.size();
        let image = stage.mask("mask").boxes(Boxes::default());
        let batch = take(
            &stored.clone().image("image", image).unwrap(),
            &(0..90).collect::<Vec<_>>(),
        );
        let mut seen = 0;
        for (row, corners) in floats(&batch, "boxes").iter().enumerate() {
            let Some(inside) = shown(&batch, row, size) else {
                continue;
            };
            seen += 1;
            assert_eq!(
                corners.len(),
                4,
                "{name}, row {row}: the mask is seen, and the box is not"
            );
            let least = |axis: usize| {
                inside
                    .iter()
                    .map(|place| place[axis] - 0.5)
                    .fold(f32::INFINITY, f32::min)
            };
            let greatest = |axis: usize| inside.iter().map(|place| place[axis] + 0.5).fold(0.0, f32::max);
            let found = [least(0), least(1), greatest(0), greatest(1)];
            assert!(
                found.iter().zip(corners).all(|(a, b)| (a - b).abs() <= most),
                "{name}, row {row}: {found:?} {corners:?}"
            );
        }
        assert!(seen > 10, "{name}: {seen}");
    }
}

#[test]
fn oriented_boxes_agree_with_masks_of_them() {
    let values: Vec<Vec<f32>> = (0..30)
        .map(|row| {
            let mut rng = Rng::new(4, "oriented", row);
            let [x, y] = [rng.range(20.0, 60.0), rng.range(20.0, 40.0)];
            vec![
                x,
                y,
                rng.range(14.0, 24.0),
                rng.range(8.0, 13.0),
                rng.range(-180.0, 180.0),
            ]
        })
        .collect();
    // How deep a place lies inside; degrees are counter-clockwise, and y points downwards.
    let depth = |oriented: &[f32], [x, y]: [f32; 2]| {
        let (sin, cos) = oriented[4].to_radians().sin_cos();
        let (dx, dy) = (x - oriented[0], y - oriented[1]);
        let (along, across) = (dx * cos - dy * sin, dx * sin + dy * cos);
        (oriented[2] / 2.0 - along.abs()).min(oriented[3] / 2.0 - across.abs())
    };
    let of = |oriented: &Vec<f32>| mask(|place| depth(oriented, place) >= 0.0);
    let stored = with_masks("oriented", &values, 5, values.iter().map(of));
    for (name, stage, _) in even() {
        let size = stage.size();
        let image = stage.mask("mask").boxes(Boxes::oriented("oriented"));
        let batch = take(
            &stored.clone().image("image", image).unwrap(),
            &(0..90).collect::<Vec<_>>(),
        );
        let mut seen = 0;
        for (row, oriented) in floats(&batch, "oriented").iter().enumerate() {
            let Some(inside) = shown(&batch, row, size) else {
                continue;
            };
            seen += 1;
            assert_eq!(oriented.len(), 5, "{name}, row {row}");
            // A pixel of the stored mask has sides of up to three of the output's.
            let off = 2.3;
            let out = inside.iter().find(|place| depth(oriented, **place) < -off);
            assert_eq!(out, None, "{name}, row {row}: {oriented:?}");
            let places = (0..size[0] * size[1]).map(|at| [at % size[0], at / size[0]].map(|at| at as f32 + 0.5));
            let deep = places.filter(|place| depth(oriented, *place) > off).collect::<Vec<_>>();
            assert!(!deep.is_empty() || oriented[3] < 2.0 * off + 2.0, "{name}, row {row}");
            let inside: BTreeSet<_> = inside.iter().map(|place| place.map(|at| at as u32)).collect();
            let missing = deep.iter().find(|place| !inside.contains(&place.map(|at| at as u32)));
            assert_eq!(missing, None, "{name}, row {row}: {oriented:?}");
        }
        assert!(seen > 10, "{name}: {seen}");
    }
}

#[test]
fn points_agree_with_dots_on_masks() {
    let values: Vec<Vec<f32>> = (0..30)
        .map(|row| {
            let mut rng = Rng::new(4, "points", row);
            vec![8.5 + rng.below(64) as f32, 8.5 + rng.below(44) as f32]
        })
        .collect();
    // A square of five pixels to a side.
    let of = |point: &Vec<f32>| mask(|place| (0..2).all(|axis| (place[axis] - point[axis]).abs() < 2.6));
    let stored = with_masks("points", &values, 2, values.iter().map(of));
    for (name, stage, most) in moving() {
        // It looks at boxes, of which there are none.
        if name == "iou crop" {
            continue;
        }
        let size = stage.size();
        let image = stage.mask("mask").keypoints(Keypoints::new("points"));
        let batch = take(
            &stored.clone().image("image", image).unwrap(),
            &(0..90).collect::<Vec<_>>(),
        );
        let mut seen = 0;
        for (row, point) in floats(&batch, "points").iter().enumerate() {
            let Some(inside) = shown(&batch, row, size) else {
                continue;
            };
            seen += 1;
            assert_eq!(
                point.len(),
                2,
                "{name}, row {row}: the dot is seen, and the point is not"
            );
            for axis in 0..2 {
                let middle = inside.iter().map(|place| place[axis]).sum::<f32>() / inside.len() as f32;
                assert!(
                    (middle - point[axis]).abs() <= most,
                    "{name}, row {row}: {middle} {point:?}"
                );
            }
        }
        assert!(seen > 10, "{name}: {seen}");
    }
}

/// The homography of a case of the fixture.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OfCase {
    from: [u32; 2],
    to: [u32; 2],
    matrix: [f64; 9],
}

impl Spec for OfCase {
    const NAME: &'static str = "of_case";
}

impl Operation for OfCase {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Motion(Motion::homography(self.from, self.to, self.matrix).unwrap())
    }

    fn resized(&self, _: [u32; 2]) -> Option<[u32; 2]> {
        Some(self.to)
    }
}

/// `tests/scripts/make_moved_boxes.py`.
#[test]
fn points_are_where_albumentations_has_them() {
    let text = include_str!("../fixtures/moved_points.json");
    let expected: serde_json::Value = serde_json::from_str(text).unwrap();
    let points = |value: &serde_json::Value| serde_json::from_value::<Vec<[f32; 2]>>(value.clone()).unwrap();
    let stored = points(&expected["points"]).as_flattened().to_vec();
    let numbered: Vec<i64> = (0..stored.len() as i64 / 2).collect();
    let columns = vec![("points", lists(&[stored], 2)), ("ids", numbers(&[numbered]))];
    let stored = rows(SIZE, columns);
    let cases = expected["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let to: [u32; 2] = serde_json::from_value(case["to"].clone()).unwrap();
        let motion = OfCase {
            from: SIZE,
            to,
            matrix: serde_json::from_value(case["matrix"].clone()).unwrap(),
        };
        // What it leaves is made as large as the stage says, by one resample with it.
        let image = Image::sized(SIZE[0], SIZE[1]).with(motion).resize(SIZE);
        let image = image.keypoints(Keypoints::new("points").label_fields(&["ids"]));
        let batch = take(&stored.clone().image("image", image).unwrap(), &[0]);
        let ids: Vec<i64> = serde_json::from_value(case["ids"].clone()).unwrap();
        assert_eq!(ints(&batch, "ids")[0], ids, "{}", case["name"]);
        let scale = [0, 1].map(|axis| SIZE[axis] as f32 / to[axis] as f32);
        let moved = points(&case["points"]);
        let moved = moved.iter().flat_map(|[x, y]| [x * scale[0], y * scale[1]]);
        let found = &floats(&batch, "points")[0];
        let far = found.iter().zip(moved).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(found.len() == 2 * ids.len() && far < 0.02, "{}: {far}", case["name"]);
    }
}

#[test]
fn boxes_stay_inside_for_each_motion() {
    let values = many();
    let ids: Vec<Vec<i64>> = values.iter().map(|row| (0..row.len() as i64 / 4).collect()).collect();
    let stored = rows(SIZE, vec![("boxes", lists(&values, 4)), ("ids", numbers(&ids))]);
    for (name, stage, _) in moving() {
        let size = stage.size();
        let image = stage.boxes(Boxes::default().label_fields(&["ids"]));
        let batch = take(
            &stored.clone().image("image", image).unwrap(),
            &(0..80).collect::<Vec<_>>(),
        );
        let [width, height] = size.map(|side| side as f32);
        let mut kept = 0;
        for (boxes, ids) in floats(&batch, "boxes").iter().zip(&ints(&batch, "ids")) {
            assert_eq!(boxes.len(), 4 * ids.len(), "{name}");
            assert!(ids.is_sorted(), "{name}");
            kept += ids.len();
            for corners in boxes.chunks(4) {
                let across = 0.0 <= corners[0] && corners[0] < corners[2] && corners[2] <= width;
                let down = 0.0 <= corners[1] && corners[1] < corners[3] && corners[3] <= height;
                assert!(across && down, "{name}: {corners:?}");
            }
        }
        assert!(kept > 200, "{name}: {kept}");
    }
}

/// The part is of whole pixels, and as large as the output: it is one of the photo's windows.
#[test]
fn an_iou_crop_is_a_window_of_the_photo_and_of_its_boxes() {
    let photo = include_bytes!("../fixtures/operations/photo.png");
    let pixels = Pixels::decode(photo).unwrap();
    // No centre lies on an edge of a window.
    let stored = vec![2.0, 3.0, 14.5, 13.5, 20.0, 10.5, 41.5, 30.0, 30.0, 22.0, 47.0, 39.5];
    let count = 40;
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(photo, count)));
    let columns = [
        ("image", pictures),
        ("boxes", lists(&vec![stored.clone(); count], 4)),
        ("ids", numbers(&vec![vec![0, 1, 2]; count])),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let crop = IouCrop {
        min_scale: 0.5,
        max_scale: 0.5,
        sampler_options: vec![0.0],
        ..IouCrop::default()
    };
    let image = Image::sized(24, 20).random_iou_crop(crop).as_u8();
    let image = image.boxes(Boxes::default().label_fields(&["ids"]));
    let stage = Memory::new(vec![batch]).unwrap().image("image", image).unwrap();
    let batch = take(&stage, &(0..count as u64).collect::<Vec<_>>());
    let (boxes, ids) = (floats(&batch, "boxes"), ints(&batch, "ids"));
    let mut windows = BTreeSet::new();
    for row in 0..count {
        let planes = batch["image"].as_fixed_size_list().value(row);
        let planes = planes.as_primitive::<UInt8Type>().values();
        let is_at = |&[left, top]: &[usize; 2]| {
            (0..3 * 24 * 20).all(|at| {
                let (channel, x, y) = (at / 480, at % 24, at / 24 % 20);
                planes[at] == pixels.levels[((top + y) * 48 + left + x) * 3 + channel]
            })
        };
        let all = (0..=20).flat_map(|top| (0..=24).map(move |left| [left, top]));
        let found: Vec<[usize; 2]> = all.filter(is_at).collect();
        assert_eq!(found.len(), 1, "row {row}");
        let [left, top] = found[0].map(|side| side as f32);
        let (mut expected, mut kept) = (Vec::new(), Vec::new());
        for (id, corners) in stored.chunks(4).enumerate() {
            let centre = [
                (corners[0] + corners[2]) / 2.0 - left,
                (corners[1] + corners[3]) / 2.0 - top,
            ];
            if 0.0 < centre[0] && centre[0] < 24.0 && 0.0 < centre[1] && centre[1] < 20.0 {
                kept.push(id as i64);
                expected.extend([corners[0] - left, corners[2] - left].map(|x| x.clamp(0.0, 24.0)));
                expected.extend([corners[1] - top, corners[3] - top].map(|y| y.clamp(0.0, 20.0)));
            }
        }
        // Left, right, top, bottom, as they were put there.
        let found: Vec<f32> = boxes[row].chunks(4).flat_map(|c| [c[0], c[2], c[1], c[3]]).collect();
        assert_eq!((&ids[row], found.len()), (&kept, expected.len()), "row {row}");
        assert!(
            found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3),
            "{found:?} {expected:?}"
        );
        assert!(!kept.is_empty(), "it has the centre of a box");
        windows.insert([left as u32, top as u32]);
    }
    assert!(windows.len() > 20, "{}", windows.len());
}
