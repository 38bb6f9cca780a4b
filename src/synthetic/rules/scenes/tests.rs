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
