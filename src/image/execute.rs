//! The image stage at work on one row.

use super::builder::Image;
use super::drawing::{Drawing, Scratch, Staged};
use super::geometry::area::Area;
use super::geometry::crop::Chosen;
use super::geometry::resample::Resample;
use super::geometry::resampled_motions::ResampledMotions;
use super::level::Depth;
use super::mask::Mask;
use super::ops::normalize::Normalize;
use super::segments::Segments;
use super::targets::StoredBoxes;
use super::{ImageError, Pixels};
use crate::rng::Rng;
use std::cell::RefCell;
use std::ops::{Add, Div};
use std::time::{Duration, Instant};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// What the parts of the stage took for a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) decode: Duration,
    pub(crate) resize: Duration,
    pub(crate) augment: Duration,
    pub(crate) normalize: Duration,
}

impl Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            decode: self.decode + other.decode,
            resize: self.resize + other.resize,
            augment: self.augment + other.augment,
            normalize: self.normalize + other.normalize,
        }
    }
}

impl Div<u32> for Spent {
    type Output = Self;

    fn div(self, by: u32) -> Self {
        Self {
            decode: self.decode / by,
            resize: self.resize / by,
            augment: self.augment / by,
            normalize: self.normalize / by,
        }
    }
}

/// What belongs to a row and is moved with its picture.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Files<'a> {
    pub(super) picture: &'a [u8],
    pub(super) masks: &'a [&'a [u8]],
    /// The class of the row, where it is known.
    pub(super) class: Option<u32>,
    /// The row's boxes, for a crop that looks at them.
    pub(super) boxes: Option<StoredBoxes<'a>>,
}

/// What is wrong, and with which mask, or none where it is the picture.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: ImageError,
    pub(super) mask: Option<usize>,
}

impl From<ImageError> for Fault {
    fn from(error: ImageError) -> Self {
        Self { error, mask: None }
    }
}

impl Image {
    /// The whole stage for one row: `encoded` to `out`, the row's `[channels, height, width]` slot.
    ///
    /// `rng` is the row's generator and gives one number of 64 bits.
    ///
    /// # Errors
    ///
    /// What is wrong with the image; [`ImageError::Config`] where the stage fails its [`check`](Self::check) or `out` has
    /// not `channels * height * width` places. `out` is not written then.
    pub fn apply(&self, encoded: &[u8], rng: &mut Rng, out: &mut [f32]) -> Result<(), ImageError> {
        let expected = self.channels * self.size.pixels();
        if out.len() != expected {
            return Err(ImageError::Config(format!(
                "the slot has {} places, not {expected}",
                out.len()
            )));
        }
        match self.depth {
            Depth::U8 => self.draw(encoded, rng, |pixels| self.normalizer().write(pixels, out)),
            Depth::F32 => self.draw(encoded, rng, |pixels| self.normalizer().write_floats(pixels, out)),
        }
    }

    /// The picture of one row before it is normalised: what [`apply`](Self::apply) would write, to look at. One of `f32` is rounded to 256
    /// levels.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub fn preview(&self, encoded: &[u8], rng: &mut Rng) -> Result<Pixels, ImageError> {
        match self.depth {
            Depth::U8 => self.draw(encoded, rng, Pixels::clone),
            Depth::F32 => self.draw(encoded, rng, |pixels: &Pixels<f32>| pixels.into()),
        }
    }

    /// As [`apply`](Self::apply), and how long each part took.
    pub(crate) fn measured(&self, encoded: &[u8], rng: &mut Rng, out: &mut [f32]) -> Result<Spent, ImageError> {
        self.check()?;
        self.check_class(self.row_class)?;
        let (key, mut scratch, mut spent) = (rng.next_u64(), SCRATCH.take(), Spent::default());
        let files = Files {
            picture: encoded,
            class: self.row_class,
            ..Files::default()
        };
        let done = match self.depth {
            Depth::U8 => self.fill::<u8>(files, key, &mut scratch, &mut spent),
            Depth::F32 => self.fill::<f32>(files, key, &mut scratch, &mut spent),
        };
        done.map_err(|fault| fault.error)?;
        let begun = Instant::now();
        match self.depth {
            Depth::U8 => self.normalizer().write(&scratch.levels.drawn, out),
            Depth::F32 => self.normalizer().write_floats(&scratch.floats.drawn, out),
        }
        spent.normalize = begun.elapsed();
        SCRATCH.replace(scratch);
        Ok(spent)
    }

    fn normalizer(&self) -> Normalize<'_> {
        let (mean, std) = self.normalization();
        Normalize::new(mean, std)
    }

    fn draw<L: Staged, T>(
        &self,
        encoded: &[u8],
        rng: &mut Rng,
        finish: impl FnOnce(&Pixels<L>) -> T,
    ) -> Result<T, ImageError> {
        let files = Files {
            picture: encoded,
            class: self.row_class,
            ..Files::default()
        };
        self.draw_all(files, rng.next_u64(), |pixels, _, _| finish(pixels))
            .map_err(|fault| fault.error)
    }

    /// What `finish` makes of the picture, its masks, and the motions from the picture as it is stored, as the row of key `key` draws them.
    pub(super) fn draw_all<L: Staged, T>(
        &self,
        files: Files<'_>,
        key: u64,
        finish: impl FnOnce(&Pixels<L>, &[Mask], &ResampledMotions) -> T,
    ) -> Result<T, Fault> {
        self.check()?;
        self.draw_any(files, key, |pixels, masks, motions| {
            let size = [pixels.width, pixels.height];
            if size != self.size() {
                let [[a, b], [c, d]] = [size, self.size()];
                let mistake = format!("the operations leave a picture of {a} x {b} pixels, but size is {c} x {d}");
                return Err(ImageError::Config(mistake).into());
            }
            Ok(finish(pixels, masks, motions))
        })?
    }

    /// As [`draw_all`](Self::draw_all), of any size.
    pub(super) fn draw_any<L: Staged, T>(
        &self,
        files: Files<'_>,
        key: u64,
        finish: impl FnOnce(&Pixels<L>, &[Mask], &ResampledMotions) -> T,
    ) -> Result<T, Fault> {
        self.check_class(files.class)?;
        // Taken out, not borrowed: an operation may run a stage of its own.
        let mut scratch = SCRATCH.take();
        let result = self
            .fill::<L>(files, key, &mut scratch, &mut Spent::default())
            .map(|(masks, motions)| finish(&L::drawing(&mut scratch).drawn, &masks, &motions));
        scratch.trim();
        SCRATCH.replace(scratch);
        result
    }

    /// Writes the picture as [`as_u8`](Image::as_u8) or normalised, whichever the stage is.
    pub(super) fn write_levels(pixels: &Pixels, out: &mut [u8]) {
        let places = pixels.width as usize * pixels.height as usize;
        for (channel, plane) in out.chunks_exact_mut(places).enumerate() {
            // A loop for each number of channels, of which the compiler makes vectors.
            match pixels.channels() {
                1 => plane.copy_from_slice(&pixels.levels),
                4 => take(pixels.levels.as_chunks::<4>().0, channel, plane),
                _ => take(pixels.levels.as_chunks::<3>().0, channel, plane),
            }
        }
    }

    pub(super) fn write_normalized(&self, pixels: &Pixels, out: &mut [f32]) {
        self.normalizer().write(pixels, out);
    }

    pub(super) fn write_floats(&self, pixels: &Pixels<f32>, out: &mut [f32]) {
        self.normalizer().write_floats(pixels, out);
    }

    fn fill<L: Staged>(
        &self,
        files: Files<'_>,
        key: u64,
        scratch: &mut Scratch,
        spent: &mut Spent,
    ) -> Result<(Vec<Mask>, ResampledMotions), Fault> {
        let chosen = self.chosen(key, files.boxes);
        let begun = Instant::now();
        let mut plan = None;
        let part = |width, height| {
            let frame = chosen.frame(width, height);
            let drawn = Segments::draw(self, &frame, key, files.class).map(|segments| {
                let resample = Resample::new(&frame, &segments.first);
                (segments, resample)
            });
            let area = drawn
                .as_ref()
                .map_or(Area::whole(1, 1), |(_, resample)| resample.area());
            plan = Some(([width, height], drawn));
            area
        };
        let region = L::decode(files.picture, self, part, scratch)?;
        let Drawing { decoded, drawn, warp } = L::drawing(scratch);
        let (size, plan) = plan.ok_or_else(|| ImageError::Config("the decoder told no size".to_owned()))?;
        let (segments, resample) = plan?;
        let done = Instant::now();
        spent.decode = done - begun;
        resample.draw(self.interpolation, (&*decoded, region), warp, drawn)?;
        let begun = Instant::now();
        spent.resize = begun - done;
        let mut masks = files
            .masks
            .iter()
            .enumerate()
            .map(|(at, mask)| {
                let made = self.mask_of(mask, size, &resample);
                made.map_err(|error| Fault { error, mask: Some(at) })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let motions = segments.finish(self, drawn, &mut masks)?;
        spent.augment = begun.elapsed();
        Ok((masks, motions))
    }

    /// The crop of the row of key `key`, which has these boxes.
    pub(super) fn chosen(&self, key: u64, boxes: Option<StoredBoxes<'_>>) -> Chosen {
        let mut rng = Rng::new(key, self.crop.name().unwrap_or_default(), 0);
        let mut chosen = self.crop.choose(self.size(), &mut rng);
        if let Some((format, boxes)) = boxes {
            chosen.of_boxes(format, boxes);
        }
        chosen
    }

    fn mask_of(&self, encoded: &[u8], size: [u32; 2], resample: &Resample) -> Result<Mask, ImageError> {
        let mask = Mask::decode(encoded, self.reading.max_pixels)?;
        if [mask.width, mask.height] != size {
            return Err(ImageError::MaskSize {
                mask: (mask.width, mask.height),
                picture: (size[0], size[1]),
            });
        }
        Ok(resample.mask(mask, self.fill_mask))
    }
}

fn take<const N: usize>(pixels: &[[u8; N]], channel: usize, plane: &mut [u8]) {
    for (level, pixel) in plane.iter_mut().zip(pixels) {
        *level = pixel[channel];
    }
}
