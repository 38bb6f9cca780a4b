//! Rows that are put together with others: a mosaic as Pillow makes it, objects that are pasted by their masks, pictures of one pixel and of
//! one channel, and what a probability of 0 leaves.

use crate::common;
use crate::targets::{floats, ints, lists, near, numbers, take};
use arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::{Float32Type, UInt8Type};
use millstream::DatasetExt;
use millstream::image::{Boxes, CopyPaste, HorizontalFlip, Image, Mosaic, Operation, Pixels, VerticalFlip};
use millstream::rng::Rng;
use millstream::source::Memory;
use millstream::synthetic::{CutMix, MixUp};
use std::sync::Arc;

const WIDTH: usize = 48;
const HEIGHT: usize = 40;

/// The photo, its mirror image, it upside down, and both.
pub(super) fn photos() -> [Pixels; 4] {
    let photo = Pixels::decode(include_bytes!("../fixtures/operations/photo.png")).unwrap();
    let made = |operation: &dyn Operation, pixels: &Pixels| {
        let mut pixels = pixels.clone();
        operation.apply(&mut pixels, &mut Rng::new(1, "photos", 0));
        pixels
    };
    let (right, below) = (HorizontalFlip::new(1.0), VerticalFlip::new(1.0));
    let mirrored = made(&right, &photo);
    let both = made(&below, &mirrored);
    [photo.clone(), mirrored, made(&below, &photo), both]
}

/// Rows of these pictures with one box each, their number as its label, and these columns.
pub(super) fn stored(pictures: &[Pixels], boxes: &[Vec<f32>], more: Vec<(&str, ArrayRef)>) -> Memory {
    let files = pictures.iter().map(|pixels| pixels.to_png().unwrap());
    let files: ArrayRef = Arc::new(BinaryArray::from_iter_values(files));
    let ids: Vec<Vec<i64>> = (0..pictures.len() as i64).map(|row| vec![row]).collect();
    let columns = [("image", files), ("boxes", lists(boxes, 4)), ("ids", numbers(&ids))];
    Memory::new(vec![
        RecordBatch::try_from_iter(columns.into_iter().chain(more)).unwrap(),
    ])
    .unwrap()
}

pub(super) fn targets() -> Boxes {
    Boxes::default().label_fields(&["ids"])
}

/// The u8 values of a row's tensor.
fn tensor(batch: &RecordBatch, column: &str, row: usize) -> Vec<u8> {
    let values = batch[column].as_fixed_size_list().value(row);
    values.as_primitive::<UInt8Type>().values().to_vec()
}

/// A stage that leaves levels, or shares of white, which are f32, the default.
fn stage(as_u8: bool) -> Image {
    let image = Image::sized(WIDTH as u32, HEIGHT as u32).boxes(targets());
    match as_u8 {
        true => image.as_u8(),
        false => image.normalize([0.0; 3], [1.0; 3]),
    }
}

/// The levels of a row's tensor, of shares those between whole ones, too.
fn levels_of(batch: &RecordBatch, row: usize) -> Vec<f32> {
    let values = batch["image"].as_fixed_size_list().value(row);
    match values.as_primitive_opt::<UInt8Type>() {
        Some(levels) => levels.values().iter().map(|&level| f32::from(level)).collect(),
        None => {
            let shares = values.as_primitive::<Float32Type>().values();
            shares.iter().map(|share| share * 255.0).collect()
        }
    }
}

/// Pictures, boxes and labels.
type Rows = (Vec<Vec<u8>>, Vec<Vec<f32>>, Vec<Vec<i64>>);

/// The values alone: a stage may say something else of its columns.
fn all_of(batch: &RecordBatch) -> Rows {
    let pictures = (0..batch.num_rows()).map(|row| tensor(batch, "image", row)).collect();
    (pictures, floats(batch, "boxes"), ints(batch, "ids"))
}

/// `tests/scripts/make_drawn_operations.py`.
#[test]
fn a_mosaic_is_pillows() {
    for as_u8 in [true, false] {
        mosaic_is_pillows(as_u8);
    }
}

fn mosaic_is_pillows(as_u8: bool) {
    let whole = vec![0.0, 0.0, WIDTH as f32, HEIGHT as f32];
    let rows = stored(&photos(), &vec![whole; 4], Vec::new());
    let images = rows.image("image", stage(as_u8)).unwrap();
    let mosaic = Mosaic::new().center(0.25..=0.25).window(4).boxes(targets());
    let batch = take(&images.mosaic("image", mosaic).unwrap(), &(0..400).collect::<Vec<_>>());
    let ids = ints(&batch, "ids");
    let row = ids
        .iter()
        .position(|ids| *ids == [0, 1, 2, 3])
        .expect("every order is drawn");
    let expected = Pixels::decode(include_bytes!("../fixtures/operations/drawn/mosaic.png")).unwrap();
    let found = levels_of(&batch, row);
    let off = (0..3 * WIDTH * HEIGHT).map(|at| {
        let (channel, place) = (at / (WIDTH * HEIGHT), at % (WIDTH * HEIGHT));
        (found[at] - f32::from(expected.levels[place * 3 + channel])).abs()
    });
    let (most, sum) = off.fold((0.0_f32, 0.0), |(most, sum), off| (off.max(most), sum + f64::from(off)));
    // Pillow rounds to levels between the passes, and at the end, where shares are not rounded.
    let mean = if as_u8 { 0.3 } else { 0.4 };
    assert!(most <= 1.01 && sum / (3.0 * 1920.0) < mean, "{as_u8}: {most} {sum}");
    let quarters = [
        [0.0, 0.0, 12.0, 10.0],
        [12.0, 0.0, 48.0, 10.0],
        [0.0, 10.0, 12.0, 40.0],
        [12.0, 10.0, 48.0, 40.0],
    ];
    near(&floats(&batch, "boxes")[row], quarters.as_flattened());
}

/// What is pasted is what has the most frequent value of the mask in the box, and nothing else.
#[test]
fn pasted_photos_are_cut_out_by_their_masks() {
    for as_u8 in [true, false] {
        pasted_photos_are_cut_out(as_u8);
    }
}

fn pasted_photos_are_cut_out(as_u8: bool) {
    let corners = |row: usize| [8 + row, 6 + row, 24 + row, 20 + row];
    let value = |row: usize, [x, y]: [usize; 2]| match (x + 3 * y + row) % 7 {
        0 | 1 => 0,
        2 => 9,
        _ => row as u8 + 1,
    };
    let mask = |row: usize| {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, WIDTH as u32, HEIGHT as u32);
        encoder.set_color(png::ColorType::Grayscale);
        let values: Vec<u8> = (0..WIDTH * HEIGHT)
            .map(|at| value(row, [at % WIDTH, at / WIDTH]))
            .collect();
        encoder.write_header().unwrap().write_image_data(&values).unwrap();
        png
    };
    let masks: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..4).map(mask)));
    let boxes: Vec<Vec<f32>> = (0..4)
        .map(|row| corners(row).map(|side| side as f32).to_vec())
        .collect();
    let photos = photos();
    let rows = stored(&photos, &boxes, vec![("mask", masks)]);
    let images = rows.image("image", stage(as_u8).mask("mask")).unwrap();
    let paste = CopyPaste::new(targets()).mask("mask").window(4).cover(1.0).most(1);
    let batch = take(
        &images.copy_paste("image", paste).unwrap(),
        &(0..40).collect::<Vec<_>>(),
    );
    let (boxes, ids) = (floats(&batch, "boxes"), ints(&batch, "ids"));
    for row in 0..40 {
        let &[own, giver] = &ids[row][..] else {
            panic!("{:?}", ids[row]);
        };
        let (own, giver) = (own as usize, giver as usize);
        assert!(own == row % 4 && giver != own, "{own} {giver}");
        let place = [boxes[row][4] as usize, boxes[row][5] as usize];
        assert_eq!(
            (boxes[row][6] as usize, boxes[row][7] as usize),
            (place[0] + 16, place[1] + 14)
        );
        let (levels, masks) = (levels_of(&batch, row), tensor(&batch, "mask", row));
        let first = corners(giver);
        for at in 0..WIDTH * HEIGHT {
            let (x, y) = (at % WIDTH, at / WIDTH);
            let inside = (place[0]..place[0] + 16).contains(&x) && (place[1]..place[1] + 14).contains(&y);
            let from = inside.then(|| [first[0] + x - place[0], first[1] + y - place[1]]);
            let from = from.filter(|&from| value(giver, from) == giver as u8 + 1);
            let (picture, from) = match from {
                Some(from) => (giver, from),
                None => (own, [x, y]),
            };
            for channel in 0..3 {
                let expected = photos[picture].levels[(from[1] * WIDTH + from[0]) * 3 + channel];
                let off = (levels[channel * WIDTH * HEIGHT + at] - f32::from(expected)).abs();
                assert!(off < 1e-3, "{as_u8}, row {row}: {x}, {y} is off by {off}");
            }
            assert_eq!(masks[at], value(picture, from), "row {row}: {x}, {y}");
        }
    }
}

/// Four pictures of one level each, `10 * (row + 1)`, with one box around all of it.
pub(super) fn levels([width, height]: [u32; 2]) -> Memory {
    let picture = |row: u8| {
        let mut pixels = Pixels::new(width, height);
        pixels.levels.fill(10 * (row + 1));
        pixels
    };
    let pictures: Vec<Pixels> = (0..4).map(picture).collect();
    stored(
        &pictures,
        &vec![vec![0.0, 0.0, width as f32, height as f32]; 4],
        Vec::new(),
    )
}

#[test]
fn partners_are_put_together_at_any_size_and_in_one_channel() {
    for size in [[1, 1], [1, 5], [5, 1], [2, 1], [3, 3], [1, 257]] {
        for channels in [1, 3, 4] {
            let image = Image::sized(size[0], size[1])
                .channels(channels)
                .as_u8()
                .boxes(targets());
            let images = || levels(size).image("image", image.clone()).unwrap();
            let count = channels * (size[0] * size[1]) as usize;
            let colours = count / channels * channels.min(3);

            let mosaic = Mosaic::new().center(0.3..=0.7).window(4).boxes(targets());
            let batch = take(&images().mosaic("image", mosaic).unwrap(), &(0..40).collect::<Vec<_>>());
            for row in 0..40 {
                let (planes, ids) = (tensor(&batch, "image", row), &ints(&batch, "ids")[row]);
                let what = format!("{size:?} x {channels}, row {row}");
                assert_eq!(planes.len(), count, "{what}");
                assert_eq!(
                    i64::from(planes[0]),
                    10 * (ids[0] + 1),
                    "{what}: the row itself is above to the left"
                );
                assert_eq!(ids[0], row as i64 % 4, "{what}");
                // Whoever is seen has a box, and who has one is seen.
                let mut seen: Vec<i64> = planes[..colours]
                    .iter()
                    .map(|&level| i64::from(level) / 10 - 1)
                    .collect();
                seen.sort_unstable();
                seen.dedup();
                let mut boxed = ids.clone();
                boxed.sort_unstable();
                assert_eq!(seen, boxed, "{what}");
                assert!(planes[colours..].iter().all(|&alpha| alpha == 255), "{what}");
                for corners in floats(&batch, "boxes")[row].chunks(4) {
                    let inside = |axis: usize| {
                        let end = size[axis] as f32;
                        0.0 <= corners[axis] && corners[axis] < corners[axis + 2] && corners[axis + 2] <= end
                    };
                    assert!(inside(0) && inside(1), "{what}: {corners:?}");
                }
            }

            let paste = || CopyPaste::new(targets()).window(4).edge(0.0);
            let batch = take(
                &images().copy_paste("image", paste().cover(1.0)).unwrap(),
                &(0..8).collect::<Vec<_>>(),
            );
            for row in 0..8 {
                let (planes, ids) = (tensor(&batch, "image", row), &ints(&batch, "ids")[row]);
                assert_eq!((ids.len(), ids[0]), (2, row as i64 % 4), "{size:?} x {channels}");
                let level = 10 * (ids[1] as u8 + 1);
                assert!(
                    planes[..colours].iter().all(|&found| found == level),
                    "{size:?} x {channels}"
                );
            }
            // Where all of the only box would be covered, nothing is pasted.
            let batch = take(&images().copy_paste("image", paste()).unwrap(), &[0, 1, 2, 3]);
            assert_eq!(
                all_of(&batch),
                all_of(&take(&images(), &[0, 1, 2, 3])),
                "{size:?} x {channels}"
            );
        }
    }
}

#[test]
fn a_probability_of_nothing_leaves_rows_as_they_are() {
    let boxes = vec![vec![4.0, 5.0, 20.0, 30.0]; 4];
    let images = || {
        let image = Image::sized(48, 40).as_u8().boxes(targets());
        stored(&photos(), &boxes, Vec::new()).image("image", image).unwrap()
    };
    let all: Vec<u64> = (0..12).collect();
    let below = all_of(&take(&images(), &all));
    let mosaic = images().mosaic("image", Mosaic::new().p(0.0).boxes(targets())).unwrap();
    assert_eq!(all_of(&take(&mosaic, &all)), below);
    let paste = images().copy_paste("image", CopyPaste::new(targets()).p(0.0)).unwrap();
    assert_eq!(all_of(&take(&paste, &all)), below);
    let nothing = images().copy_paste("image", CopyPaste::new(targets()).most(0)).unwrap();
    assert_eq!(all_of(&take(&nothing, &all)), below);

    let floats = |batch: &RecordBatch, column: &str| {
        batch[column]
            .as_fixed_size_list()
            .values()
            .as_primitive::<Float32Type>()
            .values()
            .to_vec()
    };
    let images = || common::pictures(&[4, 3]).image("image", Image::new(16)).unwrap();
    let positions: Vec<u64> = (0..7).collect();
    let below = take(&images(), &positions);
    let one_hot: Vec<f32> = common::ints(&below, "label")
        .iter()
        .flat_map(|&class| [1 - class, class])
        .map(|share| share as f32)
        .collect();
    let mixup = images()
        .mixup("image", "label", MixUp::new(1.0).p(0.0).num_classes(2))
        .unwrap();
    let cutmix = images()
        .cutmix("image", "label", CutMix::new(1.0).p(0.0).num_classes(2))
        .unwrap();
    for batch in [take(&mixup, &positions), take(&cutmix, &positions)] {
        assert_eq!(floats(&batch, "image"), floats(&below, "image"));
        assert_eq!(floats(&batch, "label"), one_hot);
    }
}
