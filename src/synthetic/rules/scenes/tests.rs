//! Scenes of squares.

use super::super::scene::Seen;
use super::*;
use crate::image::Pixels;
use crate::rows::Labels;
use crate::source::Memory;
use arrow::array::{AsArray, BinaryArray, StringArray};
use arrow::datatypes::{Float32Type, Int64Type};

/// Squares of 10 pixels, `counts[c]` of class `c`.
fn scenes(cx: &Context, counts: &[usize], spec: ScenesSpec) -> Scenes {
    let mut picture = Pixels::new(16, 16);
    for (at, pixel) in picture.levels.chunks_exact_mut(3).enumerate() {
        if (3..13).contains(&(at % 16)) && (3..13).contains(&(at / 16)) {
            pixel.fill(200);
        }
    }
    scenes_of(cx, &picture, counts, spec)
}

/// Scenes of the objects in so many rows of each class, all with the same picture.
fn scenes_of(cx: &Context, picture: &Pixels, counts: &[usize], spec: ScenesSpec) -> Scenes {
    let png = picture.to_png().unwrap();
    let names: Vec<String> = counts
        .iter()
        .zip(0..)
        .flat_map(|(&n, c)| vec![format!("class {c}"); n])
        .collect();
    let columns: [(&str, ArrayRef); 2] = [
        (
            "image",
            Arc::new(BinaryArray::from_iter_values(names.iter().map(|_| &png))),
        ),
        ("label", Arc::new(StringArray::from(names))),
    ];
    let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap());
    let labels = cx.block_on(Labels::scan(cx, &rows, "label")).unwrap();
    Scenes::new(rows, &Arc::new(labels), spec).unwrap()
}

fn one(cx: &Context, scenes: &Scenes, class: u32, index: u64) -> (Pixels, Vec<Seen>) {
    let batch = cx.block_on(scenes.generate(cx, &[SampleId { class, index }])).unwrap();
    let mask = Pixels::decode(batch["mask"].as_binary::<i32>().value(0)).unwrap();
    let objects = batch["objects"].as_struct();
    let lists = |name: &str| objects.column_by_name(name).unwrap().as_list::<i32>().value(0);
    let boxes = lists("bbox")
        .as_fixed_size_list()
        .values()
        .as_primitive::<Float32Type>()
        .clone();
    let classes = lists("category").as_primitive::<Int64Type>().clone();
    let areas = lists("area").as_primitive::<Int64Type>().clone();
    let seen = (0..classes.len()).map(|at| Seen {
        class: classes.value(at) as u32,
        bbox: std::array::from_fn(|side| boxes.value(at * 4 + side)),
        area: areas.value(at),
        keypoints: Vec::new(),
    });
    (mask, seen.collect())
}

#[test]
fn boxes_and_areas_are_those_of_the_mask() {
    let cx = Context::with(1, 1 << 26).unwrap();
    let lone = scenes(
        &cx,
        &[5, 5],
        ScenesSpec {
            objects: 1,
            ..ScenesSpec::default()
        },
    );
    for index in 0..40 {
        let (mask, seen) = one(&cx, &lone, 1, index);
        let shown: Vec<usize> = (0..160 * 120).filter(|at| mask.levels[at * 3] == 2).collect();
        let (xs, ys) = (shown.iter().map(|at| at % 160), shown.iter().map(|at| at / 160));
        let (left, top) = (xs.clone().min().unwrap(), ys.clone().min().unwrap());
        let (right, bottom) = (xs.max().unwrap() + 1, ys.max().unwrap() + 1);
        let bbox = [left, top, right - left, bottom - top].map(|side| side as f32);
        assert_eq!(
            seen,
            [Seen {
                class: 1,
                bbox,
                area: shown.len() as i64,
                keypoints: Vec::new(),
            }]
        );
        // A square of ten pixels, .8 to 2 times as large, of which .7 at least is seen.
        assert!(
            (0.7 * 64.0 - 8.0..=441.0).contains(&(shown.len() as f32)),
            "{}",
            shown.len()
        );
    }
}

#[test]
fn others_are_as_frequent_and_no_object_is_hidden_by_more_than_is_allowed() {
    let cx = Context::with(1, 1 << 26).unwrap();
    let fixed = ScenesSpec {
        objects: 12,
        scale: 2.0..=2.0,
        occlusion: 0.2,
        ..ScenesSpec::default()
    };
    let many = scenes(&cx, &[30, 3, 10], fixed);
    let mut found = [0; 3];
    for index in 0..60 {
        let (_, seen) = one(&cx, &many, 2, index);
        assert_eq!(seen[0].class, 2);
        // 20 x 20 pixels, more or less one at each edge.
        assert!(seen.iter().all(|seen| seen.area >= 280), "{seen:?}");
        seen.iter().for_each(|seen| found[seen.class as usize] += 1);
    }
    assert!(found[0] > 60 && found[1] == 0 && found[2] > 60, "{found:?}");
}

#[test]
fn every_scene_has_an_object_of_its_class_however_large_the_objects_are() {
    let cx = Context::with(1, 1 << 26).unwrap();
    let mut picture = Pixels::new(231, 199);
    picture.levels.fill(200);
    let large = scenes_of(&cx, &picture, &[4, 4], ScenesSpec::default());
    for index in 0..24 {
        let class = (index % 2) as u32;
        let (mask, seen) = one(&cx, &large, class, index);
        assert_eq!(seen[0].class, class, "{index}: {seen:?}");
        let shown = mask
            .levels
            .chunks_exact(3)
            .any(|pixel| u32::from(pixel[0]) == class + 1);
        assert!(shown, "{index}");
        // Three quarters of the height are 90 of 120 pixels, and 104 in width; .7 of it are seen at least.
        let [.., width, height] = seen[0].bbox;
        assert!(width <= 106.0 && height <= 91.0, "{index}: {seen:?}");
        assert!(seen[0].area >= 6300, "{index}: {seen:?}");
    }
    // As large as the scene, and nothing may lie outside: it is there as it is.
    let exact = ScenesSpec {
        width: 231,
        height: 199,
        scale: 1.0..=1.0,
        occlusion: 0.0,
        ..ScenesSpec::default()
    };
    let (_, seen) = one(&cx, &scenes_of(&cx, &picture, &[1], exact), 0, 0);
    assert_eq!(seen[0].bbox, [0.0, 0.0, 231.0, 199.0]);
}

#[test]
fn a_picture_without_an_object_is_an_error_that_names_its_row() {
    let cx = Context::with(1, 1 << 26).unwrap();
    let dark = scenes_of(&cx, &Pixels::new(16, 16), &[1], ScenesSpec::default());
    let made = cx.block_on(dark.generate(&cx, &[SampleId { class: 0, index: 3 }]));
    let error = made.unwrap_err();
    assert_eq!((error.kind(), error.index()), (crate::error::ErrorKind::Data, Some(0)));
    let said = error.to_string();
    assert!(said.contains("training row 0 covers no pixel"), "{said}");
}

#[test]
fn wrong_parameters_are_named() {
    let wrong = |spec: ScenesSpec| Spec::check(&spec).unwrap_err().to_string();
    let base = ScenesSpec::default;
    assert_eq!(
        wrong(ScenesSpec { width: 8, ..base() }),
        "width is 8, but has to lie in 16..=4096"
    );
    assert_eq!(
        wrong(ScenesSpec { objects: 0, ..base() }),
        "objects is 0, but has to lie in 1..=255"
    );
    assert_eq!(
        wrong(ScenesSpec {
            light: 0.5..=1.5,
            ..base()
        }),
        "light is 0.5..=1.5, but has to be a range within 0..=1"
    );
}
