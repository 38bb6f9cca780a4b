//! Rows that are put together with others, against torchvision and Pillow on real photos: `tests/scripts/make_partners.py`. A case fixes what is
//! drawn, and a row is looked for that draws it.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, UInt8Type};
use millstream::image::{Boxes, CopyPaste, Image, Pixels};
use millstream::rng::Rng;
use millstream::source::Memory;
use millstream::synthetic::{CutMix, MixUp};
use millstream::{Context, Dataset, DatasetExt};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;

const WIDTH: usize = 24;
const HEIGHT: usize = 20;
const PLACES: usize = WIDTH * HEIGHT;
const SEED: u64 = 5;
/// How far the share that a row draws may lie from that of a case of CutMix, where the box is the same.
const NEAR: f64 = 8e-3;

#[derive(Deserialize)]
struct Cases {
    mixup: Blended,
    cutmix: Vec<Cut>,
}

#[derive(Deserialize)]
struct Blended {
    lambda: f64,
    labels: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Cut {
    row: u64,
    lambda: f64,
    centre: [u64; 2],
    /// Left, top, right and bottom.
    #[serde(rename = "box")]
    corners: [usize; 4],
    labels: Vec<f32>,
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/partners");
    std::fs::read(folder.join(name)).unwrap()
}

fn cases() -> Cases {
    serde_json::from_slice(&fixture("mixed.json")).unwrap()
}

fn photo(row: usize) -> Pixels {
    Pixels::decode(&fixture(&format!("photo-{row}.png"))).unwrap()
}

/// Four photos, each of a class of its own, with one box each.
fn photos() -> Memory {
    let files: ArrayRef = Arc::new(BinaryArray::from_iter_values(
        (0..4).map(|row| fixture(&format!("photo-{row}.png"))),
    ));
    let classes: ArrayRef = Arc::new(Int64Array::from_iter_values(0..4));
    let corners = Arc::new(Float32Array::from([2.0, 1.0, 20.0, 16.0].repeat(4)));
    let one = || OffsetBuffer::from_lengths([1; 4]);
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let items: ArrayRef = Arc::new(FixedSizeListArray::new(item, 4, corners, None));
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
    let boxes: ArrayRef = Arc::new(ListArray::new(item, one(), items, None));
    let item = Arc::new(Field::new_list_field(DataType::Int64, false));
    let ids: ArrayRef = Arc::new(ListArray::new(item, one(), Arc::clone(&classes), None));
    let columns = [("image", files), ("label", classes), ("boxes", boxes), ("ids", ids)];
    Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap()
}

/// A stage that leaves levels as shares of white.
fn shares() -> Image {
    Image::sized(WIDTH as u32, HEIGHT as u32).normalize([0.0; 3], [1.0; 3])
}

fn take(dataset: &impl Dataset, positions: &[u64]) -> RecordBatch {
    let cx = Context::with(1, 1 << 26).unwrap().with_seed(SEED);
    cx.block_on(dataset.take(&cx, positions)).unwrap()
}

fn floats(batch: &RecordBatch, column: &str, row: usize) -> Vec<f32> {
    let values = batch[column].as_fixed_size_list().value(row);
    values.as_primitive::<Float32Type>().values().to_vec()
}

/// The planes of a picture as shares of white.
fn planes(pixels: &Pixels) -> Vec<f32> {
    let at = |at: usize| f32::from(pixels.levels[at % PLACES * 3 + at / PLACES]) / 255.0;
    (0..3 * PLACES).map(at).collect()
}

/// The share that a row draws behind its probability: of two draws of the exponential distribution (Marsaglia and Tsang 2000), the first one's.
fn share(rng: &mut Rng) -> f64 {
    rng.chance(1.0);
    let [first, second] = [(); 2].map(|()| exponential(rng));
    first / (first + second)
}

fn exponential(rng: &mut Rng) -> f64 {
    let d = 2.0 / 3.0;
    loop {
        let x = f64::from(rng.normal());
        let v = (1.0 + x / f64::sqrt(9.0 * d)).powi(3);
        if v > 0.0 {
            let unit = ((rng.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
            if unit.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

/// The partner that torchvision gives to a row: the one before it.
fn before(row: usize) -> usize {
    (row + 3) % 4
}

#[track_caller]
fn near(found: &[f32], expected: &[f32], most: f32) {
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let off = off.fold(0.0, f32::max);
    assert!(found.len() == expected.len() && off <= most, "off by {off}");
}

/// Where the share is that of the case to 0.0001, no value differs by more, since those of two photos differ by 1 at most.
#[test]
fn mixup_is_torchvisions() {
    let images = photos().image("image", shares()).unwrap();
    let mixed = images
        .mixup("image", "label", MixUp::new(1.0).window(4).num_classes(4))
        .unwrap();
    let case = cases().mixup;
    let values = fixture("mixup.f32");
    let values: Vec<f32> = values
        .as_chunks()
        .0
        .iter()
        .map(|&four| f32::from_le_bytes(four))
        .collect();
    let draws = |&position: &u64| (share(&mut Rng::new(SEED, "mixup", position)) - case.lambda).abs() < 1e-4;
    let positions: Vec<u64> = (0..300_000).filter(draws).collect();
    let batch = take(&mixed, &positions);
    let mut seen = [0; 4];
    for (at, position) in positions.iter().enumerate() {
        let (row, labels) = (*position as usize % 4, floats(&batch, "label", at));
        // The share is the one that was drawn, whoever the partner is.
        assert!((labels[row] - case.lambda as f32).abs() < 1.1e-4, "{labels:?}");
        if labels[before(row)] > 0.0 {
            near(&labels, &case.labels[row], 1.1e-4);
            let expected = &values[row * 3 * PLACES..][..3 * PLACES];
            near(&floats(&batch, "image", at), expected, 1.1e-4);
            seen[row] += 1;
        }
    }
    assert!(seen.iter().all(|&seen| seen > 0), "{seen:?}");
}

/// What is pasted is copied, so that every value is the same; labels are shares of whole pixels.
#[test]
fn cutmix_is_torchvisions() {
    let images = photos().image("image", shares()).unwrap();
    let mixed = images
        .cutmix("image", "label", CutMix::new(1.0).window(4).num_classes(4))
        .unwrap();
    let cases = cases().cutmix;
    let mut positions = vec![Vec::new(); cases.len()];
    for position in 0..800_000 {
        let mut rng = Rng::new(SEED, "cutmix", position);
        let lambda = share(&mut rng);
        let centre = [WIDTH, HEIGHT].map(|side| rng.below(side as u64));
        for (case, positions) in cases.iter().zip(&mut positions) {
            let is_drawn = position % 4 == case.row && centre == case.centre && (lambda - case.lambda).abs() < NEAR;
            if is_drawn && positions.len() < 24 {
                positions.push(position);
            }
        }
    }
    let mut seen = 0;
    for (case, positions) in cases.iter().zip(&positions) {
        let row = case.row as usize;
        let batch = take(&mixed, positions);
        let partners = |at: &usize| floats(&batch, "label", *at)[before(row)] > 0.0;
        let Some(at) = (0..positions.len()).find(partners) else {
            continue;
        };
        near(&floats(&batch, "label", at), &case.labels, 1e-6);
        let [left, top, right, bottom] = case.corners;
        let is_cut =
            |at: usize| (left..right).contains(&(at % WIDTH)) && (top..bottom).contains(&(at % PLACES / WIDTH));
        let (own, other) = (planes(&photo(row)), planes(&photo(before(row))));
        let expected: Vec<f32> = (0..3 * PLACES)
            .map(|at| if is_cut(at) { other[at] } else { own[at] })
            .collect();
        near(&floats(&batch, "image", at), &expected, 1e-7);
        seen += 1;
    }
    // Of about seven rows that draw a case one in three has its partner.
    assert!(seen * 4 > 3 * cases.len(), "{seen} of {}", cases.len());
}

/// Pillow's masks have 256 steps, and it rounds as we do: a level in between. Shares are not rounded.
#[test]
fn pasted_objects_fade_as_pillow_pastes_them() {
    for image in [Image::sized(WIDTH as u32, HEIGHT as u32).as_u8(), shares()] {
        fade_as_pillow_pastes(image);
    }
}

fn fade_as_pillow_pastes(image: Image) {
    let boxes = || Boxes::default().label_fields(&["ids"]);
    let images = photos().image("image", image.boxes(boxes())).unwrap();
    let paste = CopyPaste::new(boxes()).window(4).cover(1.0).most(1).edge(3.0);
    let pasted = images.copy_paste("image", paste).unwrap();
    let mut seen = [0; 4];
    for first in (0..8000).step_by(400) {
        let batch = take(&pasted, &(first..first + 400).collect::<Vec<_>>());
        for at in 0..400 {
            let corners = batch["boxes"].as_list::<i32>().value(at);
            let ids = batch["ids"].as_list::<i32>().value(at);
            let ids = ids.as_primitive::<Int64Type>().values();
            let row = at % 4;
            if ids.len() != 2 || ids[1] as usize != before(row) {
                continue;
            }
            let corners = corners.as_fixed_size_list().value(1);
            if corners.as_primitive::<Float32Type>().values()[..] != [4.0, 2.0, 22.0, 17.0] {
                continue;
            }
            let values = batch["image"].as_fixed_size_list().value(at);
            let levels: Vec<f32> = match values.as_primitive_opt::<UInt8Type>() {
                Some(levels) => levels.values().iter().map(|&level| level.into()).collect(),
                None => floats(&batch, "image", at).iter().map(|share| 255.0 * share).collect(),
            };
            let expected = planes(&Pixels::decode(&fixture(&format!("pasted-{row}.png"))).unwrap());
            let off = levels.iter().zip(&expected).map(|(a, b)| (a - 255.0 * b).abs());
            let (most, sum) = off.fold((0.0_f32, 0.0), |(most, sum), off| (off.max(most), sum + off));
            let mean = sum / levels.len() as f32;
            assert!(most <= 1.02 && mean < 0.2, "row {row}: {most} {mean}");
            seen[row] += 1;
        }
    }
    assert!(seen.iter().all(|&seen| seen > 0), "{seen:?}");
}
