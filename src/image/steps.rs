//! What each step of the stage does to one row, to look at.

use super::builder::Image;
use super::codec::decode as decoding;
use super::execute::Files;
use super::geometry::area::Area;
use super::geometry::crop::Region;
use super::geometry::resize::resize;
use super::level::Depth;
#[cfg(feature = "train")]
use super::mask::Mask;
use super::operation::Subject;
use super::targets::StoredBoxes;
use super::{DecoderScratch, ImageError, Pixels};
use crate::rng::Rng;
use fast_image_resize::Resizer;
use std::cell::Cell;

/// A picture after a step of the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageStep {
    /// `original`; then the crop's name, or `resize` where there is none; then those of the operations: `rotate`, `gaussian_blur#2`.
    pub name: String,
    /// What the step drew for this row, in words: `factor 1.130`. None where the operation does not say.
    pub drawn: Option<String>,
    /// The picture, of 8 bits whatever the stage's [`Depth`] is: the original with its longer side as long as that of the stage's size; the others are of the size that the step
    /// leaves.
    pub pixels: Pixels,
}

impl Image {
    /// One row from step to step: the original, the crop (or the resize alone), and the picture after each operation in turn. The
    /// last one is what [`apply`](Self::apply) normalises for the same `rng`, which gives one number of 64 bits.
    ///
    /// Each step runs all steps before it again: this is for looking at a row, not for a loop over many. The row has no boxes here, so that a
    /// [random IoU crop](Self::random_iou_crop) takes the whole picture.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    ///
    /// ```
    /// use millstream::image::{Image, Pixels};
    /// use millstream::rng::Rng;
    ///
    /// let photo = Pixels::new(40, 30).to_png()?;
    /// let stage = Image::new(20).horizontal_flip(1.0).brightness(0.2);
    /// let steps = stage.steps(&photo, &mut Rng::new(0, "image", 7))?;
    /// let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    /// assert_eq!(names, ["original", "resize", "horizontal_flip", "brightness"]);
    /// assert_eq!((steps[0].pixels.width, steps[0].pixels.height), (20, 15));
    /// assert_eq!(steps[2].drawn.as_deref(), Some("mirrored"));
    /// assert_eq!(steps[3].pixels, stage.preview(&photo, &mut Rng::new(0, "image", 7))?);
    /// # Ok::<(), millstream::image::ImageError>(())
    /// ```
    pub fn steps(&self, encoded: &[u8], rng: &mut Rng) -> Result<Vec<ImageStep>, ImageError> {
        self.steps_of(encoded, None, rng)
    }

    /// As [`steps`](Self::steps), of a row with these boxes, for a crop that looks at them.
    pub(crate) fn steps_of(
        &self,
        encoded: &[u8],
        boxes: Option<StoredBoxes<'_>>,
        rng: &mut Rng,
    ) -> Result<Vec<ImageStep>, ImageError> {
        self.check()?;
        let files = Files {
            picture: encoded,
            class: self.row_class,
            boxes,
            ..Files::default()
        };
        let key = rng.next_u64();
        let (original, (width, height)) = self.original(encoded)?;
        let crop = self.crop.name();
        let region = self.chosen(key, boxes);
        let mut steps = vec![
            ImageStep {
                name: "original".to_owned(),
                drawn: Some(format!("{width} x {height}")),
                pixels: original,
            },
            ImageStep {
                name: crop.unwrap_or("resize").to_owned(),
                drawn: Some(match crop {
                    Some(_) => region.region(width, height).to_string(),
                    None => format!("to {}", self.size.in_words()),
                }),
                pixels: self.after(0, files, key)?,
            },
        ];
        for (at, step) in self.operations.iter().enumerate() {
            let subject = Subject::of(&steps[at + 1].pixels)
                .of_class(self.row_class)
                .of_depth(self.depth);
            steps.push(ImageStep {
                name: step.name(),
                drawn: step.operation.in_words(&subject, &mut step.rng(key)),
                pixels: self.after(at + 1, files, key)?,
            });
        }
        Ok(steps)
    }

    /// The `mask` of a row, a value for each pixel of the stage's [size](Self::size), where it is moved with the picture that [`steps`](Self::steps)
    /// ends with for the same `rng`.
    #[cfg(feature = "train")]
    pub(crate) fn moved_mask(
        &self,
        (encoded, mask): (&[u8], &[u8]),
        boxes: Option<StoredBoxes<'_>>,
        rng: &mut Rng,
    ) -> Result<Vec<u8>, ImageError> {
        let files = Files {
            picture: encoded,
            masks: &[mask],
            class: self.row_class,
            boxes,
        };
        let values = |masks: &[Mask]| masks.first().map(|mask| mask.values.clone()).unwrap_or_default();
        let key = rng.next_u64();
        let done = match self.depth {
            Depth::U8 => self.draw_all(files, key, |_: &Pixels, masks, _| values(masks)),
            Depth::F32 => self.draw_all(files, key, |_: &Pixels<f32>, masks, _| values(masks)),
        };
        done.map_err(|fault| fault.error)
    }

    /// The picture after so many operations, resampled as if they were all: each step is as sharp as the end.
    fn after(&self, operations: usize, files: Files<'_>, key: u64) -> Result<Pixels, ImageError> {
        // Streams are named after the operations before a step, so the draws of those that stay are the same.
        let mut stage = self.clone();
        stage.operations.truncate(operations);
        let done = match self.depth {
            Depth::U8 => stage.draw_any(files, key, |pixels: &Pixels, _, _| pixels.clone()),
            Depth::F32 => stage.draw_any(files, key, |pixels: &Pixels<f32>, _, _| pixels.into()),
        };
        done.map_err(|fault| fault.error)
    }

    /// The whole picture, its longer side as long as the stage's size, and its width and height as they are stored.
    fn original(&self, encoded: &[u8]) -> Result<(Pixels, (u32, u32)), ImageError> {
        let (whole, mut decoded, mut resized) = (Cell::new((0, 0)), Pixels::default(), Pixels::default());
        let longest = self.size().into_iter().max().unwrap_or(1);
        let side = |length: u32, (width, height): (u32, u32)| {
            let longer = u64::from(width.max(height).max(1));
            (u64::from(length) * u64::from(longest) / longer).max(1) as u32
        };
        let all = |width, height| {
            whole.set((width, height));
            Area {
                region: Region::whole(width, height),
                size: [width, height].map(|length| side(length, (width, height))),
                by_eighths: false,
            }
        };
        let with = (self.decoder, &self.reading, self.channels);
        let scratch = &mut DecoderScratch::default();
        let region = decoding::decode_for(encoded, with, self.interpolation, all, scratch, &mut decoded)?;
        let (width, height) = whole.get();
        resized.reshape(
            side(width, (width, height)),
            side(height, (width, height)),
            self.channels,
        );
        resize(&mut Resizer::new(), self.interpolation, &decoded, region, &mut resized)?;
        Ok((resized, (width, height)))
    }
}
