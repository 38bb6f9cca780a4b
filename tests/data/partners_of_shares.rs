//! Rows that are put together with others as f32, what a stage leaves by default: values between levels, and beyond 0 and 1. What they are of
//! levels is in `partners_of_photos`.

use crate::partners_of_photos::{levels, photos, stored, targets};
use crate::targets::{floats, ints, take};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float32Type, UInt8Type};
use millstream::image::{CopyPaste, Image, Mosaic, Pixels};
use millstream::source::Memory;
use millstream::{Dataset, DatasetExt};
use std::sync::Arc;

const WIDTH: usize = 48;
const HEIGHT: usize = 40;
/// Left, top, right and bottom of the box of each photo.
const CORNERS: [usize; 4] = [6, 5, 30, 25];
const MEAN: [f32; 4] = [0.4, 0.5, 0.3, 0.2];
const STD: [f32; 4] = [0.2, 0.05, 0.3, 0.1];

/// What a stage leaves of pixels.
#[derive(Clone, Copy, Debug)]
enum Values {
    Levels,
    /// Of white.
    Shares,
    /// By [`MEAN`] and [`STD`].
    Normalized,
}

impl Values {
    fn of(self, size: [u32; 2], channels: usize) -> Image {
        let image = Image::sized(size[0], size[1]).channels(channels).boxes(targets());
        let (mean, std) = match self {
            Self::Levels => return image.as_u8(),
            Self::Shares => ([0.0; 4], [1.0; 4]),
            Self::Normalized => (MEAN, STD),
        };
        let three = |[red, green, blue, _]: [f32; 4]| [red, green, blue];
        match channels {
            1 => image.normalize([mean[0]], [std[0]]),
            4 => image.normalize(mean, std),
            _ => image.normalize(three(mean), three(std)),
        }
    }
}

/// Rows of the photos, of four channels with an alpha of their own.
fn rows(channels: usize) -> Memory {
    let with_alpha = |(row, photo): (usize, Pixels)| {
        if channels != 4 {
            return photo;
        }
        let alpha = |at: usize| ((7 * at + 50 * row) % 256) as u8;
        let pixels = photo.levels.chunks_exact(3).enumerate();
        let levels = pixels.flat_map(|(at, pixel)| [pixel[0], pixel[1], pixel[2], alpha(at)]);
        Pixels {
            width: photo.width,
            height: photo.height,
            levels: levels.collect(),
        }
    };
    let pictures: Vec<Pixels> = photos().into_iter().enumerate().map(with_alpha).collect();
    stored(
        &pictures,
        &vec![CORNERS.map(|side| side as f32).to_vec(); 4],
        Vec::new(),
    )
}

/// The values of a row's picture, levels as shares of white.
fn values(batch: &RecordBatch, row: usize) -> Vec<f32> {
    let values = batch["image"].as_fixed_size_list().value(row);
    match values.as_primitive_opt::<UInt8Type>() {
        Some(levels) => levels.values().iter().map(|&level| f32::from(level) / 255.0).collect(),
        None => values.as_primitive::<Float32Type>().values().to_vec(),
    }
}

/// Makes rows of pictures into others.
type Put = fn(Arc<dyn Dataset>) -> Arc<dyn Dataset>;

/// Rows are the same for all that a stage may leave, but for rounding; gives how many values lie between levels, and how many of those that are
/// normalised lie beyond 0 and 1.
fn compared(what: &str, stored: impl Fn() -> Memory, size: [u32; 2], channels: usize, put: Put) -> [usize; 2] {
    let count = 24;
    let [levels, shares, normalized] = [Values::Levels, Values::Shares, Values::Normalized].map(|values| {
        let images = stored().image("image", values.of(size, channels)).unwrap();
        take(&put(Arc::new(images)), &(0..count as u64).collect::<Vec<_>>())
    });
    for other in [&shares, &normalized] {
        assert_eq!(floats(other, "boxes"), floats(&levels, "boxes"), "{what}");
        assert_eq!(ints(other, "ids"), ints(&levels, "ids"), "{what}");
    }
    let (mut between, mut beyond) = (0, 0);
    for row in 0..count {
        let all = [&levels, &shares, &normalized].map(|batch| values(batch, row));
        assert!(all.iter().all(|own| own.len() == all[0].len()), "{what}");
        let places = all[0].len() / channels;
        for at in 0..all[0].len() {
            let [level, share, number] = [0, 1, 2].map(|of: usize| all[of][at]);
            let off = 255.0 * (share - level).abs();
            assert!(off <= 0.51, "{what}, row {row}: value {at} is off by {off} levels");
            let expected = (share - MEAN[at / places]) / STD[at / places];
            assert!(
                (number - expected).abs() < 1e-4,
                "{what}, row {row}: value {at} is {number}, not {expected}"
            );
            between += usize::from(off > 0.01);
            beyond += usize::from(!(0.0..=1.0).contains(&number));
        }
    }
    [between, beyond]
}

fn in_mosaics(images: Arc<dyn Dataset>) -> Arc<dyn Dataset> {
    let mosaic = Mosaic::new().window(4).boxes(targets());
    Arc::new(images.mosaic("image", mosaic).unwrap())
}

fn with_pasted(images: Arc<dyn Dataset>) -> Arc<dyn Dataset> {
    let paste = CopyPaste::new(targets()).window(4).cover(1.0).most(1).edge(4.0);
    Arc::new(images.copy_paste("image", paste).unwrap())
}

const PUTS: [(&str, Put); 2] = [("mosaic", in_mosaics), ("copy_paste", with_pasted)];

#[test]
fn photos_are_put_together_between_levels_and_beyond_0_and_1() {
    for (name, put) in PUTS {
        for channels in [1, 3, 4] {
            let what = format!("{name} of {channels} channels");
            let [between, beyond] = compared(&what, || rows(channels), [WIDTH as u32, HEIGHT as u32], channels, put);
            assert!(between > 1000 && beyond > 1000, "{what}: {between} {beyond}");
        }
    }
}

#[test]
fn shares_are_put_together_at_any_size() {
    for (name, put) in PUTS {
        for size in [[1, 1], [1, 5], [5, 1], [2, 1], [3, 3], [1, 257], [67, 2]] {
            for channels in [1, 3, 4] {
                let what = format!("{name} of {size:?} x {channels}");
                compared(&what, || levels(size), size, channels, put);
            }
        }
    }
}

/// Not a sum of what was there and a difference, which rounds.
#[test]
fn pasted_pixels_are_those_of_the_partner_to_the_last_bit() {
    for channels in [1, 3, 4] {
        let stage = Values::Normalized.of([WIDTH as u32, HEIGHT as u32], channels);
        let images = || rows(channels).image("image", stage.clone()).unwrap();
        let plain = take(&images(), &[0, 1, 2, 3]);
        let paste = CopyPaste::new(targets()).window(4).cover(1.0).most(1).edge(0.0);
        let batch = take(
            &images().copy_paste("image", paste).unwrap(),
            &(0..24).collect::<Vec<_>>(),
        );
        let (boxes, ids) = (floats(&batch, "boxes"), ints(&batch, "ids"));
        for row in 0..24 {
            assert_eq!((ids[row].len(), ids[row][0]), (2, row as i64 % 4), "{channels}");
            let (own, other) = (values(&plain, row % 4), values(&plain, ids[row][1] as usize));
            let [left, top] = [4, 5].map(|side: usize| boxes[row][side] as usize);
            let [width, height] = [CORNERS[2] - CORNERS[0], CORNERS[3] - CORNERS[1]];
            for (at, found) in values(&batch, row).into_iter().enumerate() {
                let (plane, x, y) = (at / (WIDTH * HEIGHT), at % WIDTH, at / WIDTH % HEIGHT);
                let is_pasted = (left..left + width).contains(&x) && (top..top + height).contains(&y);
                let expected = match is_pasted {
                    true => other[(plane * HEIGHT + y - top + CORNERS[1]) * WIDTH + x - left + CORNERS[0]],
                    false => own[at],
                };
                assert_eq!(
                    found.to_bits(),
                    expected.to_bits(),
                    "{channels}, row {row}: {found} at {x}, {y}, not {expected}"
                );
            }
        }
    }
}
