//! Coarse dropout.

use super::fill::{Drawable, Fill, Painter};
use crate::error::Result;
use crate::image::parameters::check_range;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::ops::{Range, RangeInclusive};

/// Fills several boxes with one colour (DeVries and Taylor 2017): `CoarseDropout` of albumentations. How many there are is drawn evenly from
/// `holes`; each has a height and a width that are drawn evenly from shares of the picture's, cut to whole pixels and at least one, and
/// lies anywhere inside. Boxes may overlap. They are black unless another colour is [given](Self::fill), or [noise](Fill::Random).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoarseDropout {
    #[serde(with = "crate::spec::range")]
    holes: RangeInclusive<u32>,
    #[serde(with = "crate::spec::range")]
    height: RangeInclusive<f32>,
    #[serde(with = "crate::spec::range")]
    width: RangeInclusive<f32>,
    fill: Fill,
}

impl CoarseDropout {
    /// `holes` within `0..=256` (albumentations: `1..=2`); `height` and `width` are shares within `0..=1` (albumentations: `0.1..=0.2`).
    /// They are its `num_holes_range`, `hole_height_range` and `hole_width_range`.
    pub fn new(holes: RangeInclusive<u32>, height: RangeInclusive<f32>, width: RangeInclusive<f32>) -> Self {
        Self {
            holes,
            height,
            width,
            fill: Fill::default(),
        }
    }

    /// Fills with a colour (red, green, blue), or with [noise](Fill::Random). Defaults to black.
    ///
    /// ```
    /// # use millstream::image::{CoarseDropout, Fill, Image};
    /// let train = Image::new(224).with(CoarseDropout::new(1..=8, 0.05..=0.15, 0.05..=0.15).fill(Fill::Random));
    /// # train.check().unwrap();
    /// ```
    #[must_use]
    pub fn fill(mut self, fill: impl Into<Fill>) -> Self {
        self.fill = fill.into();
        self
    }

    /// Columns and rows of each box.
    fn boxes(&self, subject: &Subject, rng: &mut Rng) -> Vec<(Range<usize>, Range<usize>)> {
        let more = u64::from(self.holes.end() - self.holes.start());
        let count = self.holes.start() + rng.below(more + 1) as u32;
        let mut side = |length: u32, shares: &RangeInclusive<f32>| {
            let share = rng.range(*shares.start(), *shares.end());
            let side = ((length as f32 * share) as u32).clamp(1, length.max(1));
            let from = rng.below(u64::from(length.max(1) - side) + 1) as usize;
            from..from + side as usize
        };
        (0..count)
            .map(|_| {
                let rows = side(subject.height, &self.height);
                (side(subject.width, &self.width), rows)
            })
            .collect()
    }
}

impl Default for CoarseDropout {
    fn default() -> Self {
        Self::new(1..=2, 0.1..=0.2, 0.1..=0.2)
    }
}

impl Spec for CoarseDropout {
    const NAME: &'static str = "coarse_dropout";

    fn check(&self) -> Result<()> {
        check_range("holes", &self.holes, 0..=256)?;
        check_range("height", &self.height, 0.0..=1.0)?;
        check_range("width", &self.width, 0.0..=1.0)
    }
}

impl Operation for CoarseDropout {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let boxes = self.boxes(subject, rng);
        if boxes.is_empty() {
            return Drawn::Nothing;
        }
        let fill = self.fill.painter(rng, Self::NAME);
        match subject.depth {
            Depth::U8 => Drawn::values(move |pixels| paint(pixels, &boxes, fill)),
            Depth::F32 => Drawn::floats(move |pixels| paint(pixels, &boxes, fill)),
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let boxes = self.boxes(subject, rng);
        let word = |(columns, rows): &(Range<usize>, Range<usize>)| {
            format!(
                "{} x {} at {}, {}",
                columns.len(),
                rows.len(),
                columns.start,
                rows.start
            )
        };
        Some(match boxes.is_empty() {
            true => "unchanged".to_owned(),
            false => boxes.iter().map(word).collect::<Vec<_>>().join("; "),
        })
    }
}

fn paint<L: Drawable>(pixels: &mut Pixels<L>, boxes: &[(Range<usize>, Range<usize>)], mut fill: Painter) {
    boxes
        .iter()
        .for_each(|(columns, rows)| fill.paint(pixels, columns, rows));
}
