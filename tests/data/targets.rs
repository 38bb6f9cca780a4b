//! What belongs to a picture moves with it: boxes, oriented boxes, keypoints, and the labels of each.

use crate::common::context;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, UInt8Type};
use millstream::error::ErrorKind;
use millstream::image::{
    Boxes, CopyPaste, Drawn, Image, IouCrop, Keypoints, Mosaic, Motion, Operation, Pixels, Subject,
};
use millstream::rng::Rng;
use millstream::rows::{BoxFormat, Transformed};
use millstream::source::Memory;
use millstream::spec::Spec;
use millstream::{Dataset, DatasetExt, Error, testing};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) type Lists = Vec<Vec<f32>>;

/// Lists of items of `width` numbers each.
pub(super) fn lists(rows: &[Vec<f32>], width: usize) -> ArrayRef {
    let values: ArrayRef = Arc::new(Float32Array::from_iter_values(rows.iter().flatten().copied()));
    let of_row = |row: &Vec<f32>| row.len() / width;
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(of_row));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let items: ArrayRef = Arc::new(FixedSizeListArray::new(item, width as i32, values, None));
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
    Arc::new(ListArray::new(item, offsets, items, None))
}

pub(super) fn numbers(rows: &[Vec<i64>]) -> ArrayRef {
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().flatten().copied()));
    let item = Arc::new(Field::new_list_field(DataType::Int64, false));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    Arc::new(ListArray::new(item, offsets, values, None))
}

/// Rows of a picture of `size` each, and these columns.
pub(super) fn rows(size: [u32; 2], columns: Vec<(&str, ArrayRef)>) -> Memory {
    let count = columns[0].1.len();
    let png = Pixels::new(size[0], size[1]).to_png().unwrap();
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(png, count)));
    let batch = RecordBatch::try_from_iter(std::iter::once(("image", pictures)).chain(columns)).unwrap();
    Memory::new(vec![batch]).unwrap()
}

pub(super) fn take(dataset: &impl Dataset, positions: &[u64]) -> RecordBatch {
    let cx = context().with_seed(5);
    cx.block_on(dataset.take(&cx, positions)).unwrap()
}

pub(super) fn floats(batch: &RecordBatch, column: &str) -> Lists {
    let lists = batch[column].as_list::<i32>();
    let of_row = |row: usize| {
        let items = lists.value(row);
        let mut leaf: ArrayRef = items;
        while let Some(list) = leaf.as_fixed_size_list_opt() {
            let (start, end) = (list.value_offset(0), list.value_offset(list.len()));
            leaf = list.values().slice(start as usize, (end - start) as usize);
        }
        leaf.as_primitive::<Float32Type>().values().to_vec()
    };
    (0..batch.num_rows()).map(of_row).collect()
}

pub(super) fn ints(batch: &RecordBatch, column: &str) -> Vec<Vec<i64>> {
    let lists = batch[column].as_list::<i32>();
    let of_row = |row: usize| lists.value(row).as_primitive::<Int64Type>().values().to_vec();
    (0..batch.num_rows()).map(of_row).collect()
}

/// A motion that is the same for every row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Fixed {
    name: String,
}

fn fixed(name: &str) -> Fixed {
    Fixed { name: name.to_owned() }
}

impl Spec for Fixed {
    const NAME: &'static str = "fixed";
}

impl Operation for Fixed {
    fn draw(&self, subject: &Subject, _: &mut Rng) -> Drawn {
        let size = subject.size();
        Drawn::Motion(match self.name.as_str() {
            "left right" => Motion::horizontal_flip(size),
            "upside down" => Motion::vertical_flip(size),
            "quarter" => Motion::rotation(size, 90.0),
            "eighth" => Motion::rotation(size, 45.0),
            "away" => Motion::affine(size, size, [1.0, 0.0, 1e4, 0.0, 1.0, 0.0]).unwrap(),
            "back" => Motion::affine(size, size, [1.0, 0.0, -1e4, 0.0, 1.0, 0.0]).unwrap(),
            _ => Motion::identity(size),
        })
    }
}

fn moved(size: [u32; 2], motions: &[&str], boxes: Boxes, columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let image = Image::sized(size[0], size[1]);
    let image = motions.iter().fold(image, |image, name| image.with(fixed(name)));
    let rows = rows(size, columns).image("image", image.boxes(boxes)).unwrap();
    take(&rows, &[0])
}

fn corners(values: &[f32]) -> (&'static str, ArrayRef) {
    ("boxes", lists(&[values.to_vec()], 4))
}

#[track_caller]
pub(super) fn near(a: &[f32], b: &[f32]) {
    assert!(
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3),
        "{a:?} {b:?}"
    );
}

#[test]
fn boxes_are_where_the_picture_is() {
    let size = [80, 60];
    let of = |motions: &[&str]| {
        let batch = moved(
            size,
            motions,
            Boxes::default(),
            vec![corners(&[10.0, 20.0, 30.0, 25.0])],
        );
        floats(&batch, "boxes").remove(0)
    };
    assert_eq!(of(&[]), [10.0, 20.0, 30.0, 25.0]);
    assert_eq!(of(&["left right"]), [50.0, 20.0, 70.0, 25.0]);
    assert_eq!(of(&["upside down"]), [10.0, 35.0, 30.0, 40.0]);
    for twice in ["left right", "upside down"] {
        assert_eq!(of(&[twice, twice]), of(&[]));
    }
    near(&of(&["quarter", "quarter"]), &of(&["left right", "upside down"]));
    // What leaves the picture and comes back is not lost: there is one motion.
    near(&of(&["away", "back"]), &of(&[]));
    // A chain has the box around the polygon of the box that was stored, not a box around boxes.
    near(&of(&["eighth", "eighth"]), &of(&["quarter"]));
}

#[test]
fn formats_in_and_out_are_those_that_are_asked_for() {
    let size = [80, 40];
    let stored = [20.0, 10.0, 40.0, 30.0];
    for from in BoxFormat::ALL {
        for to in BoxFormat::ALL {
            let values = from.from_xyxy(stored, (80, 40));
            let boxes = Boxes::new("boxes", from).output(to);
            let batch = moved(size, &["left right"], boxes, vec![corners(&values)]);
            near(
                &floats(&batch, "boxes")[0],
                &to.from_xyxy([40.0, 10.0, 60.0, 30.0], (80, 40)),
            );
        }
    }
    // Pixels of the output, whatever the picture's size was.
    let image = Image::sized(20, 20).boxes(Boxes::default());
    let rows = rows(size, vec![corners(&stored)]).image("image", image).unwrap();
    near(&floats(&take(&rows, &[0]), "boxes")[0], &[5.0, 5.0, 10.0, 15.0]);
}

#[test]
fn what_leaves_the_picture_is_clipped_or_left_out_with_all_that_belongs_to_it() {
    // A quarter of 80 x 60: the middle 40 x 30 pixels.
    let shown = |boxes: Boxes| {
        let values = [
            [30.0, 20.0, 50.0, 40.0],  // all inside
            [0.0, 0.0, 25.0, 20.0],    // 5 x 5 of 25 x 20 pixels inside
            [0.0, 0.0, 20.0, 15.0],    // touches the corner
            [50.0, 20.0, 61.0, 21.0],  // one pixel high
            [5.0, 5.0, 5.0, 9.0],      // no width
            [0.0, f32::NAN, 9.0, 9.0], // no number
        ];
        let columns = vec![
            corners(values.as_flattened()),
            ("classes", numbers(&[vec![3, 1, 4, 1, 5, 9]])),
            ("areas", lists(&[vec![0.5, 1.5, 2.5, 3.5, 4.5, 5.5]], 1)),
        ];
        let image = Image::sized(40, 30).center_crop(0.5);
        let image = image.boxes(boxes.label_fields(&["classes", "areas"]));
        let rows = rows([80, 60], columns).image("image", image).unwrap();
        let batch = take(&rows, &[0]);
        (
            floats(&batch, "boxes").remove(0),
            ints(&batch, "classes").remove(0),
            floats(&batch, "areas").remove(0),
        )
    };
    let (first, second, fourth) = ([10.0, 5.0, 30.0, 25.0], [0.0, 0.0, 5.0, 5.0], [30.0, 5.0, 40.0, 6.0]);
    let all = ([first, second, fourth].concat(), vec![3, 1, 1], vec![0.5, 1.5, 3.5]);
    assert_eq!(shown(Boxes::default()), all);
    let but_second = ([first, fourth].concat(), vec![3, 1], vec![0.5, 3.5]);
    assert_eq!(shown(Boxes::default().min_visibility(0.06)), but_second);
    assert_eq!(shown(Boxes::default().min_visibility(0.05)), all);
    assert_eq!(shown(Boxes::default().min_width(6.0)), but_second);
    let but_fourth = ([first, second].concat(), vec![3, 1], vec![0.5, 1.5]);
    assert_eq!(shown(Boxes::default().min_height(2.0)), but_fourth);
    assert_eq!(shown(Boxes::default().min_area(11.0)), but_fourth);
    assert_eq!(shown(Boxes::default().sanitize(1.0, 1.0)), all);
    assert_eq!(shown(Boxes::default().sanitize(1.5, 1.0)), but_fourth);
}

#[test]
fn oriented_boxes_turn_with_the_picture() {
    let values = [40.0, 30.0, 20.0, 10.0, 15.0];
    let of = |motions: &[&str]| {
        let column = ("obb", lists(&[values.to_vec()], 5));
        floats(&moved([80, 60], motions, Boxes::oriented("obb"), vec![column]), "obb").remove(0)
    };
    near(&of(&[]), &values);
    near(&of(&["eighth"]), &[40.0, 30.0, 20.0, 10.0, 60.0]);
    near(&of(&["left right"]), &[40.0, 30.0, 20.0, 10.0, 165.0]);
    near(&of(&["left right", "left right"]), &values);
}

#[test]
fn left_and_right_change_places_in_a_mirror() {
    let size = [80, 60];
    // Two objects of three points: nose, left eye, right eye.
    let objects = [
        [10.0, 10.0, 2.0, 12.0, 8.0, 2.0, 8.0, 8.0, 1.0],
        [0.0, 0.0, 0.0, 70.0, 50.0, 2.0, 90.0, 50.0, 2.0],
    ];
    let object = |points: &[f32]| points.to_vec();
    let values: ArrayRef = Arc::new(Float32Array::from_iter_values(objects.iter().flatten().copied()));
    let mut items = values;
    for width in [3, 3] {
        let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
        items = Arc::new(FixedSizeListArray::new(item, width, items, None));
    }
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
    let keypoints: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([2]), items, None));
    let columns = |boxes: &[f32]| {
        vec![
            corners(boxes),
            ("points", Arc::clone(&keypoints)),
            ("hands", numbers(&[vec![1, 2]])),
        ]
    };
    let image = |motion: &str| {
        Image::sized(80, 60)
            .with(fixed(motion))
            .boxes(Boxes::default().label_fields(&["points", "hands"]))
            .keypoints(Keypoints::new("points").mirror_pairs(&[[1, 2]]))
            .mirror_labels("hands", &[[1, 2]])
    };
    let both = [0.0, 0.0, 20.0, 20.0, 60.0, 40.0, 80.0, 60.0];
    let run = |boxes: &[f32], motion: &str| {
        let rows = rows(size, columns(boxes)).image("image", image(motion)).unwrap();
        let batch = take(&rows, &[0]);
        (floats(&batch, "points").remove(0), ints(&batch, "hands").remove(0))
    };
    let (points, hands) = run(&both, "left right");
    near(
        &points,
        &[
            object(&[70.0, 10.0, 2.0, 72.0, 8.0, 1.0, 68.0, 8.0, 2.0]),
            // What is not labelled stays, and what is outside is not labelled.
            object(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 50.0, 2.0]),
        ]
        .concat(),
    );
    assert_eq!(hands, [2, 1]);
    assert_eq!(run(&both, "").1, [1, 2]);
    // Points go with their box.
    let (points, hands) = run(&[-9.0, 0.0, -1.0, 5.0, 60.0, 40.0, 80.0, 60.0], "");
    near(&points, &[0.0, 0.0, 0.0, 70.0, 50.0, 2.0, 0.0, 0.0, 0.0]);
    assert_eq!(hands, [2]);
}

#[test]
fn points_outside_are_dropped_or_marked() {
    let column = |width: usize, values: &[f32]| {
        vec![
            ("points", lists(&[values.to_vec()], width)),
            ("names", numbers(&[vec![7, 8, 9]])),
        ]
    };
    let run = |keypoints: Keypoints, columns| {
        let image = Image::sized(40, 30)
            .center_crop(0.5)
            .keypoints(keypoints.label_fields(&["names"]));
        let batch = take(&rows([80, 60], columns).image("image", image).unwrap(), &[0]);
        (floats(&batch, "points").remove(0), ints(&batch, "names").remove(0))
    };
    let two = [21.0, 16.0, 5.0, 5.0, 59.0, 44.0];
    let points = || Keypoints::new("points");
    assert_eq!(run(points(), column(2, &two)), (vec![1.0, 1.0, 39.0, 29.0], vec![7, 9]));
    let kept = (vec![1.0, 1.0, -15.0, -10.0, 39.0, 29.0], vec![7, 8, 9]);
    assert_eq!(run(points().keep_outside(), column(2, &two)), kept);
    let three = [21.0, 16.0, 2.0, 5.0, 5.0, 1.0, 0.0, 0.0, 0.0];
    let marked = (vec![1.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], vec![7, 8, 9]);
    assert_eq!(run(points().keep_outside(), column(3, &three)), marked);
    assert_eq!(
        run(points(), column(3, &three)),
        (vec![1.0, 1.0, 2.0, 0.0, 0.0, 0.0], vec![7, 9])
    );
    let shares = [0.5, 0.5, 0.0, 0.0, 0.3, 0.3];
    let (found, names) = run(points().normalized(), column(2, &shares));
    near(&found, &[0.5, 0.5, 0.1, 0.1]);
    assert_eq!(names, [7, 9]);
}

/// 40 rows of boxes, of which the first has none and the second a thousand.
pub(super) fn many() -> Vec<Vec<f32>> {
    let row = |row: u64| {
        let mut rng = Rng::new(9, "boxes", row);
        let count = match row {
            0 => 0,
            1 => 1000,
            _ => rng.below(9),
        };
        let mut one = |_| {
            let (x, y) = (rng.range(-5.0, 70.0), rng.range(-5.0, 50.0));
            [x, y, x + rng.range(0.5, 30.0), y + rng.range(0.5, 30.0)]
        };
        (0..count).flat_map(&mut one).collect()
    };
    (0..40).map(row).collect()
}

fn augmented(boxes: Boxes) -> Transformed<Memory> {
    let values = many();
    let ids: Vec<Vec<i64>> = values.iter().map(|row| (0..row.len() as i64 / 4).collect()).collect();
    let image = Image::sized(48, 40)
        .random_resized_crop(0.3..=1.0, 0.7..=1.4)
        .horizontal_flip(0.5)
        .rotate(30.0)
        .brightness(0.2)
        .boxes(boxes.label_fields(&["ids"]));
    rows([80, 60], vec![("boxes", lists(&values, 4)), ("ids", numbers(&ids))])
        .image("image", image)
        .unwrap()
}

#[test]
fn ragged_targets_keep_the_law() {
    let cx = context().with_seed(11);
    cx.block_on(testing::check_law(&cx, &augmented(Boxes::default()), 1))
        .unwrap();
    let crop = Image::new(32)
        .random_iou_crop(IouCrop::default())
        .boxes(Boxes::default());
    let iou = rows([80, 60], vec![("boxes", lists(&many(), 4))])
        .image("image", crop)
        .unwrap();
    cx.block_on(testing::check_law(&cx, &iou, 1)).unwrap();
    testing::check_loader(11, 90, |_| Ok(augmented(Boxes::default()).shuffle())).unwrap();
}

fn mosaic(boxes: &Boxes) -> impl Dataset {
    augmented(boxes.clone())
        .mosaic(
            "image",
            Mosaic::new()
                .p(0.7)
                .window(8)
                .boxes(boxes.clone().label_fields(&["ids"])),
        )
        .unwrap()
}

#[test]
fn partners_keep_the_law() {
    let cx = context().with_seed(11);
    let boxes = Boxes::default();
    cx.block_on(testing::check_law(&cx, &mosaic(&boxes), 1)).unwrap();
    let pasting = || {
        CopyPaste::new(boxes.clone().label_fields(&["ids"]))
            .classes("ids", &[0, 1, 2])
            .window(8)
    };
    let paste = augmented(boxes.clone()).copy_paste("image", pasting()).unwrap();
    cx.block_on(testing::check_law(&cx, &paste, 1)).unwrap();
    let from = || Arc::new(augmented(boxes.clone()));
    let other = augmented(boxes.clone())
        .copy_paste_from("image", pasting(), from())
        .unwrap();
    cx.block_on(testing::check_law(&cx, &other, 1)).unwrap();
    testing::check_loader(11, 90, |_| Ok(mosaic(&boxes))).unwrap();
}

/// Pictures of one level each, 40 x 40, with one box.
fn levels(count: usize) -> Memory {
    let png = |row: usize| {
        let mut pixels = Pixels::new(40, 40);
        pixels.levels.fill(10 * (row as u8 + 1));
        pixels.to_png().unwrap()
    };
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..count).map(png)));
    let values: Vec<Vec<f32>> = (0..count).map(|_| vec![10.0, 10.0, 30.0, 30.0]).collect();
    let ids: Vec<Vec<i64>> = (0..count as i64).map(|row| vec![row]).collect();
    let columns = [
        ("image", pictures),
        ("boxes", lists(&values, 4)),
        ("ids", numbers(&ids)),
    ];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

/// The levels of a picture of u8.
fn plane(batch: &RecordBatch, row: usize) -> Vec<u8> {
    let picture = batch["image"].as_fixed_size_list().value(row);
    picture.as_primitive::<UInt8Type>().values()[..1600].to_vec()
}

#[test]
fn a_mosaic_has_four_rows_and_their_boxes() {
    let boxes = Boxes::default().label_fields(&["ids"]);
    let images = levels(8)
        .image("image", Image::new(40).as_u8().boxes(boxes.clone()))
        .unwrap();
    let mosaic = Mosaic::new().center(0.25..=0.25).window(8).boxes(boxes);
    let rows = images.mosaic("image", mosaic).unwrap();
    assert!(rows.describe().to_string().contains("4 rows"), "{}", rows.describe());
    let batch = take(&rows, &[0, 3]);
    for (row, own) in [(0, 0), (1, 3)] {
        let (plane, boxes, ids) = (
            plane(&batch, row),
            &floats(&batch, "boxes")[row],
            &ints(&batch, "ids")[row],
        );
        let at = |x: usize, y: usize| i64::from(plane[y * 40 + x] / 10) - 1;
        let quarters = [at(5, 5), at(25, 5), at(5, 25), at(25, 25)];
        assert_eq!(quarters[0], own);
        assert_eq!(*ids, quarters, "a box of each, in the order of the quarters");
        assert!(
            (0..4).all(|a| (0..a).all(|b| quarters[a] != quarters[b])),
            "four rows: {quarters:?}"
        );
        // The picture above to the left is made small by a quarter. To its right is one of 30 x 10 pixels, which shows the
        // lower third of a picture made small by three quarters, and so on.
        let expected = [
            [2.5, 2.5, 7.5, 7.5],
            [17.5, 0.0, 32.5, 2.5],
            [0.0, 17.5, 2.5, 32.5],
            [17.5, 17.5, 32.5, 32.5],
        ];
        near(boxes, expected.as_flattened());
    }
}

#[test]
fn pasted_objects_have_their_boxes() {
    let boxes = Boxes::default().label_fields(&["ids"]);
    let images = || {
        levels(8)
            .image(
                "image",
                Image::new(40).as_u8().boxes(Boxes::default().label_fields(&["ids"])),
            )
            .unwrap()
    };
    let pasting = || CopyPaste::new(boxes.clone()).window(8).cover(0.5).edge(0.0);
    let rows = images().copy_paste("image", pasting()).unwrap();
    let batch = take(&rows, &(0..64).collect::<Vec<_>>());
    let mut pasted = 0;
    for row in 0..64 {
        let (plane, boxes, ids) = (
            plane(&batch, row),
            &floats(&batch, "boxes")[row],
            &ints(&batch, "ids")[row],
        );
        let own = row as i64 % 8;
        assert_eq!((ids[0], &boxes[..4]), (own, &[10.0, 10.0, 30.0, 30.0][..]));
        assert!(ids.len() <= 2);
        let Some(&other) = ids.get(1) else { continue };
        pasted += 1;
        assert_ne!(other, own);
        let corners: Vec<usize> = boxes[4..].iter().map(|&side| side as usize).collect();
        assert_eq!((corners[2] - corners[0], corners[3] - corners[1]), (20, 20));
        for (at, level) in plane.iter().enumerate() {
            let (x, y) = (at % 40, at / 40);
            let inside = (corners[0]..corners[2]).contains(&x) && (corners[1]..corners[3]).contains(&y);
            assert_eq!(i64::from(*level), 10 * (1 + if inside { other } else { own }));
        }
        let covered = |side: usize| 20 - corners[side].abs_diff(10);
        assert!(covered(0) * covered(1) <= 200);
    }
    assert!(pasted > 40, "{pasted}");
    // Objects of chosen classes alone, of another dataset.
    let from: Arc<dyn Dataset> = Arc::new(images());
    let rows = images()
        .copy_paste_from("image", pasting().classes("ids", &[5]), from)
        .unwrap();
    let batch = take(&rows, &(0..64).collect::<Vec<_>>());
    let all = ints(&batch, "ids");
    let added: Vec<i64> = all.iter().flat_map(|ids| ids[1..].to_vec()).collect();
    assert!(!added.is_empty() && added.iter().all(|id| *id == 5), "{added:?}");
    let error = images()
        .copy_paste("image", pasting().classes("boxes", &[1]))
        .unwrap_err();
    assert!(error.to_string().contains("no label field of whole numbers"), "{error}");
}

#[test]
fn boxes_stay_inside_and_have_their_ids() {
    let stage = augmented(Boxes::default());
    let batch = take(&stage, &(0..120).collect::<Vec<_>>());
    let (boxes, ids) = (floats(&batch, "boxes"), ints(&batch, "ids"));
    assert!(boxes[0].is_empty() && boxes[1].len() > 800);
    let mut kept = 0;
    for (boxes, ids) in boxes.iter().zip(&ids) {
        assert_eq!(boxes.len(), 4 * ids.len());
        assert!(ids.is_sorted());
        kept += ids.len();
        for corners in boxes.chunks(4) {
            assert!(
                0.0 <= corners[0] && corners[0] < corners[2] && corners[2] <= 48.0,
                "{corners:?}"
            );
            assert!(
                0.0 <= corners[1] && corners[1] < corners[3] && corners[3] <= 40.0,
                "{corners:?}"
            );
        }
    }
    let all: usize = 3 * many().iter().map(|row| row.len() / 4).sum::<usize>();
    assert!(kept < all && kept * 2 > all, "{kept} of {all}");
}

/// A white box on black.
fn drawn(corners: [u32; 4]) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, 80, 60);
    encoder.set_color(png::ColorType::Grayscale);
    let inside = |at: u32| {
        let (x, y) = (at % 80, at / 80);
        (corners[0]..corners[2]).contains(&x) && (corners[1]..corners[3]).contains(&y)
    };
    let values: Vec<u8> = (0..80 * 60).map(|at| u8::from(inside(at))).collect();
    encoder.write_header().unwrap().write_image_data(&values).unwrap();
    png
}

#[test]
fn boxes_agree_with_masks_of_them() {
    let all: Vec<[u32; 4]> = (0..30)
        .map(|row| {
            let mut rng = Rng::new(4, "mask", row);
            let [x, y] = [rng.below(50) as u32, rng.below(40) as u32];
            [x, y, x + 12 + rng.below(16) as u32, y + 10 + rng.below(9) as u32]
        })
        .collect();
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values(all.iter().map(|corners| drawn(*corners))));
    let values: Vec<Vec<f32>> = all
        .iter()
        .map(|corners| corners.map(|value| value as f32).to_vec())
        .collect();
    let rows = rows([80, 60], vec![("boxes", lists(&values, 4)), ("mask", masks)]);
    let image = Image::sized(160, 120)
        .horizontal_flip(0.5)
        .rotate(25.0)
        .mask("mask")
        .boxes(Boxes::default());
    let rows = rows.image("image", image).unwrap();
    let batch = take(&rows, &(0..90).collect::<Vec<_>>());
    let (boxes, mut seen) = (floats(&batch, "boxes"), 0);
    for (row, corners) in boxes.iter().enumerate() {
        let mask = batch["mask"].as_fixed_size_list().value(row);
        let mask = mask.as_primitive::<UInt8Type>().values().clone();
        let inside: Vec<usize> = (0..160 * 120).filter(|&at| mask[at] == 1).collect();
        // A polygon with a corner cut off has a box of its own.
        let edge = |at: usize| [0, 159].contains(&(at % 160)) || [0, 119].contains(&(at / 160));
        if inside.is_empty() || inside.iter().any(|&at| edge(at)) {
            continue;
        }
        seen += 1;
        let xs = || inside.iter().map(|at| at % 160);
        let ys = || inside.iter().map(|at| at / 160);
        let found = [
            xs().min(),
            ys().min(),
            xs().max().map(|x| x + 1),
            ys().max().map(|y| y + 1),
        ]
        .map(|side| side.unwrap() as f32);
        // To a pixel and a half: the nearest pixel, and a corner that is sharper than one.
        assert!(
            found.iter().zip(corners).all(|(a, b)| (a - b).abs() <= 1.6),
            "{found:?} {corners:?}"
        );
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn boxes_lose_what_their_picture_has_lost() {
    // The colour change parts the crop from the scale, so that what lies beside the crop is black when the picture is made smaller.
    let all: Vec<[u32; 4]> = (0..6_u32)
        .flat_map(|x| (0..5).map(move |y| [12 * x + 2, 12 * y + 2, 12 * x + 10, 12 * y + 10]))
        .collect();
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values(all.iter().map(|corners| drawn(*corners))));
    let values: Vec<Vec<f32>> = (all.iter())
        .map(|corners| corners.map(|value| value as f32).to_vec())
        .collect();
    let centres: Vec<Vec<f32>> = (values.iter())
        .map(|corners| vec![corners[0] + 4.0, corners[1] + 4.0])
        .collect();
    let made = |image: Image| {
        let columns = vec![
            ("boxes", lists(&values, 4)),
            ("points", lists(&centres, 2)),
            ("mask", Arc::clone(&masks)),
        ];
        let image = image
            .mask("mask")
            .boxes(Boxes::default())
            .keypoints(Keypoints::new("points"));
        let rows = rows([80, 60], columns).image("image", image).unwrap();
        take(&rows, &(0..all.len() as u64).collect::<Vec<_>>())
    };
    let crop = || Image::sized(160, 120).center_crop(0.5);
    let (mut cut, mut gone) = (0, 0);
    let batch = made(crop().brightness(0.2).scale(0.5..=0.5));
    let (boxes, points) = (floats(&batch, "boxes"), floats(&batch, "points"));
    for (row, corners) in boxes.iter().enumerate() {
        let mask = batch["mask"].as_fixed_size_list().value(row);
        let mask = mask.as_primitive::<UInt8Type>().values();
        let places = (0..160 * 120_usize).filter(|&at| mask[at] == 1);
        let inside: Vec<[f32; 2]> = places.map(|at| [(at % 160) as f32, (at / 160) as f32]).collect();
        let side = |axis: usize, least: bool| match least {
            true => inside.iter().map(|place| place[axis]).fold(f32::INFINITY, f32::min),
            false => inside.iter().map(|place| place[axis] + 1.0).fold(0.0, f32::max),
        };
        if inside.is_empty() {
            assert!(corners.is_empty(), "row {row}: {corners:?}");
            assert!(points[row].is_empty(), "row {row}: {:?}", points[row]);
            gone += 1;
            continue;
        }
        near(corners, &[side(0, true), side(1, true), side(0, false), side(1, false)]);
        cut += usize::from(corners[2] - corners[0] < 15.0);
    }
    assert_eq!((cut, gone), (3, 18));
    // Without it the photo beside the crop is seen, and nothing is lost.
    let together = floats(&made(crop().scale(0.5..=0.5).brightness(0.2)), "boxes");
    assert!(together.iter().all(|corners| corners.len() == 4));
}

#[test]
fn an_iou_crop_keeps_boxes_whose_centre_it_shows() {
    let values = many();
    let crop = IouCrop {
        sampler_options: vec![0.3],
        ..IouCrop::default()
    };
    let image = Image::new(32)
        .random_iou_crop(crop)
        .boxes(Boxes::default().sanitize(1.0, 1.0));
    let stage = rows([80, 60], vec![("boxes", lists(&values, 4))])
        .image("image", image)
        .unwrap();
    let batch = take(&stage, &(2..40).collect::<Vec<_>>());
    let (mut fewer, mut none) = (0, 0);
    for (boxes, stored) in floats(&batch, "boxes").iter().zip(&values[2..]) {
        none += usize::from(boxes.is_empty() && !stored.is_empty());
        fewer += usize::from(boxes.len() < stored.len());
    }
    assert!(none == 0 && fewer > 10, "{none} {fewer}");
    let without = Image::new(32).random_iou_crop(IouCrop::default());
    let error = rows([80, 60], vec![corners(&[])]).image("image", without).unwrap_err();
    assert!(
        error.to_string().contains("name their column, or take another crop"),
        "{error}"
    );
}

/// A picture of 80 x 60 with a square of 8 x 8 of a colour of its own in each of its boxes.
fn squares() -> (Vec<u8>, Vec<f32>) {
    let mut pixels = Pixels::new(80, 60);
    let mut boxes = Vec::new();
    for at in 0..12_usize {
        let (left, top) = (6 + 20 * (at % 4), 6 + 18 * (at / 4));
        for (x, y) in (0..64).map(|at| (left + at % 8, top + at / 8)) {
            pixels.levels[3 * (80 * y + x)..][..3].copy_from_slice(&colour(at));
        }
        boxes.extend([left, top, left + 8, top + 8].map(|side| side as f32));
    }
    (pixels.to_png().unwrap(), boxes)
}

fn colour(at: usize) -> [u8; 3] {
    [60 + 60 * (at % 4) as u8, 60 + 60 * (at / 4) as u8, 255]
}

#[test]
fn what_a_motion_behind_an_iou_crop_shows_has_its_box() {
    let (png, stored) = squares();
    let count = 60_usize;
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(png, count)));
    let columns = [
        ("image", pictures),
        ("boxes", lists(&vec![stored.clone(); count], 4)),
        ("ids", numbers(&vec![(0..12).collect(); count])),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let crop = IouCrop {
        min_scale: 0.4,
        max_scale: 0.6,
        sampler_options: vec![0.0],
        ..IouCrop::default()
    };
    let made = |image: Image| {
        let boxes = Boxes::default().sanitize(1.0, 1.0).label_fields(&["ids"]);
        let stage = Memory::new(vec![batch.clone()])
            .unwrap()
            .image("image", image.boxes(boxes));
        take(&stage.unwrap(), &(0..count as u64).collect::<Vec<_>>())
    };
    let (mut beyond, mut before) = (0, 0);
    // Of half the size, the photo beside the part is seen.
    let plain = made(Image::new(96).random_iou_crop(crop.clone()).as_u8());
    let wider = made(Image::new(96).random_iou_crop(crop).scale(0.5..=0.5).as_u8());
    let kept = ints(&plain, "ids");
    for (row, (ids, boxes)) in ints(&wider, "ids").into_iter().zip(floats(&wider, "boxes")).enumerate() {
        let levels = wider["image"].as_fixed_size_list().value(row);
        let levels = levels.as_primitive::<UInt8Type>().values();
        // Where each colour is seen, of a picture that blends at edges.
        let is_near = |id: usize, place: usize| {
            let differs = |channel: usize| levels[channel * 96 * 96 + place].abs_diff(colour(id)[channel]);
            (0..3).all(|channel| differs(channel) < 8)
        };
        for id in 0..12 {
            let seen: Vec<[usize; 2]> = (0..96 * 96)
                .filter(|&place| is_near(id, place))
                .map(|place| [place % 96, place / 96])
                .collect();
            let inside = |[x, y]: &[usize; 2]| (8..88).contains(x) && (8..88).contains(y);
            let whole = seen.len() > 8 && seen.iter().all(inside);
            let found = ids.iter().position(|own| *own == id as i64);
            if whole {
                let at = found.unwrap_or_else(|| panic!("row {row}: object {id} is seen, and has no box"));
                let [left, top, right, bottom] = std::array::from_fn(|side| boxes[4 * at + side]);
                let middle = [0, 1]
                    .map(|axis| seen.iter().map(|place| place[axis] as f32 + 0.5).sum::<f32>() / seen.len() as f32);
                let centre = [(left + right) / 2.0, (top + bottom) / 2.0];
                assert!(
                    middle.iter().zip(centre).all(|(a, b)| (a - b).abs() < 1.5),
                    "row {row}, object {id}: {middle:?} {centre:?}"
                );
                beyond += usize::from(!kept[row].contains(&(id as i64)));
                before += usize::from(kept[row].contains(&(id as i64)));
            } else if seen.is_empty() {
                assert!(found.is_none(), "row {row}: object {id} is not seen, and has a box");
            }
        }
    }
    assert!(beyond > 50 && before > 50, "{beyond} {before}");
}

#[test]
fn what_mixes_pictures_is_refused_where_something_belongs_to_them() {
    let mixed = || Image::new(8).with(millstream::image::AugMix::new());
    let inside = || {
        let mix = millstream::image::AugMix::new();
        Image::new(8).with(millstream::image::RandomApply::new(0.5, mix))
    };
    assert!(mixed().check().is_ok());
    for (image, what) in [
        (mixed().boxes(Boxes::default()), "boxes"),
        (inside().boxes(Boxes::default()), "boxes"),
        (mixed().boxes(Boxes::oriented("turned")), "boxes"),
        (mixed().keypoints(Keypoints::new("points")), "keypoints"),
        (mixed().mask("mask"), "masks"),
    ] {
        let error = image.check().unwrap_err().to_string();
        let said =
            format!("aug_mix: it mixes pictures that were moved in different ways, so {what} would lie elsewhere");
        assert!(error.starts_with(&said), "{error}");
    }
    let error = rows([8, 8], vec![corners(&[1.0, 1.0, 2.0, 2.0])]).image("image", mixed().boxes(Boxes::default()));
    assert!(error.unwrap_err().to_string().contains("so boxes would lie elsewhere"));
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |image: Image, kind: ErrorKind, part: &str| {
        let columns = vec![corners(&[1.0, 1.0, 2.0, 2.0]), ("classes", numbers(&[vec![1, 2]]))];
        let made = rows([8, 8], columns).image("image", image);
        let error: Error = match made {
            Err(error) => error,
            Ok(rows) => {
                let cx = context();
                cx.block_on(rows.take(&cx, &[0])).unwrap_err()
            }
        };
        assert!(error.kind() == kind && error.to_string().contains(part), "{error}");
    };
    let boxes = || Boxes::default();
    refused(
        Image::new(8).boxes(boxes().min_visibility(2.0)),
        ErrorKind::Config,
        "min_visibility is 2",
    );
    refused(
        Image::new(8).boxes(boxes().label_fields(&["boxes"])),
        ErrorKind::Config,
        "both the boxes and a label field",
    );
    refused(
        Image::new(8).boxes(Boxes::new("none", BoxFormat::Xyxy)),
        ErrorKind::Schema,
        "no column \"none\"",
    );
    refused(
        Image::new(8).boxes(Boxes::oriented("boxes")),
        ErrorKind::Schema,
        "a box has 5 numbers",
    );
    refused(
        Image::new(8).boxes(boxes()).boxes(boxes()),
        ErrorKind::Config,
        "named twice",
    );
    refused(
        Image::new(8).boxes(boxes().label_fields(&["classes"])),
        ErrorKind::Data,
        "has 2 items in this row, and there are 1 boxes",
    );
    refused(
        Image::new(8).boxes(Boxes::new("classes", BoxFormat::Xyxy)),
        ErrorKind::Schema,
        "a box has 4 numbers",
    );
    refused(
        Image::new(8).boxes(boxes()).mirror_labels("boxes", &[[1, 2]]),
        ErrorKind::Config,
        "neither a mask nor a label field",
    );
    refused(
        Image::new(8).keypoints(Keypoints::new("boxes")),
        ErrorKind::Schema,
        "items of shape [4]",
    );
    let json = serde_json::to_string(&Image::new(8).boxes(boxes().min_area(4.0).label_fields(&["classes"]))).unwrap();
    let read: Image = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert_eq!(
        read.plan().fingerprint(),
        Image::new(8)
            .boxes(boxes().min_area(4.0).label_fields(&["classes"]))
            .plan()
            .fingerprint()
    );
    assert_ne!(
        read.plan().fingerprint(),
        Image::new(8).boxes(boxes()).plan().fingerprint()
    );
}

/// Pictures of 40 x 40 with two objects each on a ground of level 10 * row: a diamond in the box [4, 6, 14, 16] of class 0, and a square in [20, 20, 28, 28] of
/// class 1 that hides a part of a ring. In the mask the diamond has the value 2, the square 7 and the ring 3.
fn masked(count: usize) -> Memory {
    let inside = |x: usize, y: usize| {
        let diamond = (x as i32 - 9).abs() + (y as i32 - 11).abs() <= 4;
        let square = (20..28).contains(&x) && (20..28).contains(&y);
        let ring = (20..28).contains(&x) && (18..22).contains(&y);
        match (square, diamond, ring) {
            (true, ..) => 7,
            (_, true, _) => 2,
            (_, _, true) => 3,
            _ => 0,
        }
    };
    let values: Vec<u8> = (0..1600).map(|at| inside(at % 40, at / 40)).collect();
    let mask = {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, 40, 40);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(&values).unwrap();
        png
    };
    let picture = |row: usize| {
        let mut pixels = Pixels::new(40, 40);
        for (pixel, value) in pixels.levels.chunks_exact_mut(3).zip(&values) {
            pixel.fill(10 * row as u8 + value);
        }
        pixels.to_png().unwrap()
    };
    let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..count).map(picture)));
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values(vec![mask; count]));
    let boxes = lists(&vec![vec![4.0, 6.0, 14.0, 16.0, 20.0, 20.0, 28.0, 28.0]; count], 4);
    let classes = numbers(&vec![vec![0, 1]; count]);
    let names = [(
        millstream::rows::CLASS_NAMES.to_owned(),
        r#"["diamond","square"]"#.to_owned(),
    )];
    let classes_field = Field::new("kind", classes.data_type().clone(), false).with_metadata(names.into());
    let fields = [("image", &pictures), ("mask", &masks), ("boxes", &boxes)];
    let fields = fields.map(|(name, column)| Field::new(name, column.data_type().clone(), false));
    let schema = arrow::datatypes::Schema::new(fields.into_iter().chain([classes_field]).collect::<Vec<_>>());
    let rows = RecordBatch::try_new(Arc::new(schema), vec![pictures, masks, boxes, classes]).unwrap();
    Memory::new(vec![rows]).unwrap()
}

/// The levels of the first channel and the mask of a row.
fn planes(batch: &RecordBatch, row: usize) -> (Vec<u8>, Vec<u8>) {
    let mask = batch["mask"].as_fixed_size_list().value(row);
    (plane(batch, row), mask.as_primitive::<UInt8Type>().values().to_vec())
}

#[test]
fn pasted_objects_are_cut_out_by_their_mask() {
    let boxes = || Boxes::default().label_fields(&["kind"]);
    let images = || {
        masked(8)
            .image("image", Image::new(40).as_u8().mask("mask").boxes(boxes()))
            .unwrap()
    };
    let plain = take(&images(), &(0..8).collect::<Vec<_>>());
    let pasting = |name: &str| {
        CopyPaste::new(boxes())
            .class_names("kind", &[name])
            .mask("mask")
            .window(8)
            .cover(1.0)
    };
    for (name, class, value, size) in [("diamond", 0, 2, [10, 10]), ("square", 1, 7, [8, 8])] {
        let rows = images().copy_paste("image", pasting(name)).unwrap();
        let batch = take(&rows, &(0..40).collect::<Vec<_>>());
        let (lists, kinds) = (floats(&batch, "boxes"), ints(&batch, "kind"));
        for row in 0..40 {
            let own = row % 8;
            assert_eq!(kinds[row], [0, 1, class], "{name}");
            let corners: Vec<usize> = lists[row][8..].iter().map(|&side| side as usize).collect();
            assert_eq!([corners[2] - corners[0], corners[3] - corners[1]], size);
            let (found, mask) = planes(&batch, row);
            let (before, before_mask) = planes(&plain, own);
            let [left, top] = if class == 0 { [4, 6] } else { [20, 20] };
            // The partner is known by the level of what it gave.
            let mut giver = None;
            for at in 0..1600 {
                let (x, y) = (at % 40, at / 40);
                let inside = (corners[0]..corners[2]).contains(&x) && (corners[1]..corners[3]).contains(&y);
                let from = inside.then(|| (y - corners[1] + top) * 40 + x - corners[0] + left);
                match from.filter(|&from| before_mask[from] == value) {
                    Some(_) => {
                        assert_eq!(mask[at], value);
                        let level = (found[at] - value) / 10;
                        assert_eq!(found[at], 10 * level + value);
                        assert_eq!(*giver.get_or_insert(level), level);
                    }
                    None => assert_eq!((found[at], mask[at]), (before[at], before_mask[at]), "{name} {x} {y}"),
                }
            }
            assert_ne!(giver.map(usize::from), Some(own));
        }
        let cx = context().with_seed(3);
        cx.block_on(testing::check_law(&cx, &rows, 1)).unwrap();
    }
    let unknown = images().copy_paste("image", pasting("circle")).unwrap_err();
    let said = "classes: \"circle\" is none of the classes \"diamond\", \"square\"";
    assert!(unknown.to_string().ends_with(said), "{unknown}");
    let misspelt = images().copy_paste("image", pasting("diamont")).unwrap_err();
    let said = "classes: \"diamont\" is none of the classes: do you mean \"diamond\"?";
    assert!(misspelt.to_string().ends_with(said), "{misspelt}");
}

#[test]
fn a_box_without_a_mask_fades_out_over_its_edge() {
    let boxes = || Boxes::default().label_fields(&["ids"]);
    let images = levels(8).image("image", Image::new(40).as_u8().boxes(boxes())).unwrap();
    let pasting = CopyPaste::new(boxes()).window(8).cover(1.0).edge(4.0);
    let rows = images.copy_paste("image", pasting).unwrap();
    let batch = take(&rows, &(0..16).collect::<Vec<_>>());
    for row in 0..16 {
        let (plane, ids) = (plane(&batch, row), &ints(&batch, "ids")[row]);
        let [own, other] = [0, 1].map(|at| 10.0 * (1 + ids[at]) as f32);
        let corners: Vec<usize> = floats(&batch, "boxes")[row][4..]
            .iter()
            .map(|&side| side as usize)
            .collect();
        for (at, level) in plane.iter().enumerate() {
            let depth = |at: usize, from: usize, to: usize| match (from..to).contains(&at) {
                true => (at as f32 + 0.5 - from as f32).min(to as f32 - at as f32 - 0.5),
                false => 0.0,
            };
            let depth = depth(at % 40, corners[0], corners[2]).min(depth(at / 40, corners[1], corners[3]));
            let alpha = (depth / 4.0).min(1.0);
            let expected = own + (other - own) * alpha;
            assert!(
                (f32::from(*level) - expected).abs() <= 0.5,
                "{row} {at}: {level} {expected}"
            );
        }
    }
}
