//! Grid dropout.

use super::fill::{Drawable, Fill, Painter};
use crate::error::{Error, Result};
use crate::image::parameters::check_range;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Fills the squares of a grid (GridMask, Chen et al. 2020): `GridDropout` of albumentations. The side of a unit is drawn evenly from shares of the
/// picture's shorter side, at least two pixels; in each, a square whose side is `ratio` of the unit's, at least one pixel and at
/// most all but one, is filled. All of them have the same place in their units, as in
/// the paper; albumentations shifts each for itself unless `random_offset` is off. Squares are black unless another colour is
/// [given](Self::fill), or [noise](Fill::Random).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GridDropout {
    ratio: f32,
    #[serde(with = "crate::spec::range")]
    unit: RangeInclusive<f32>,
    fill: Fill,
}

impl GridDropout {
    /// `ratio` above 0 and up to 1 (albumentations: 0.5); `unit` is a range of shares of the shorter side within `0..=1`
    /// (albumentations: a tenth). Its `unit_size_range` is of pixels.
    pub fn new(ratio: f32, unit: RangeInclusive<f32>) -> Self {
        Self {
            ratio,
            unit,
            fill: Fill::default(),
        }
    }

    /// Fills with a colour (red, green, blue), or with [noise](Fill::Random). Defaults to black.
    ///
    /// ```
    /// # use millstream::image::{Fill, GridDropout, Image};
    /// let train = Image::new(224).with(GridDropout::new(0.4, 0.1..=0.4).fill(Fill::Random));
    /// # train.check().unwrap();
    /// ```
    #[must_use]
    pub fn fill(mut self, fill: impl Into<Fill>) -> Self {
        self.fill = fill.into();
        self
    }

    fn grid(&self, subject: &Subject, rng: &mut Rng) -> Grid {
        let share = rng.range(*self.unit.start(), *self.unit.end());
        let shorter = subject.width.min(subject.height);
        let unit = ((shorter as f32 * share) as usize).clamp(2, (shorter as usize).max(2));
        let hole = ((unit as f32 * self.ratio) as usize).clamp(1, unit - 1);
        let mut shift = || rng.below((unit - hole + 1) as u64) as usize;
        Grid {
            unit,
            hole,
            shift: (shift(), shift()),
        }
    }
}

/// Pixels.
struct Grid {
    unit: usize,
    hole: usize,
    /// Of the first square, across and down.
    shift: (usize, usize),
}

impl Grid {
    fn paint<L: Drawable>(&self, pixels: &mut Pixels<L>, mut fill: Painter) {
        let Self { unit, hole, shift } = *self;
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        for top in (shift.1..height).step_by(unit) {
            for left in (shift.0..width).step_by(unit) {
                fill.paint(pixels, &(left..width.min(left + hole)), &(top..height.min(top + hole)));
            }
        }
    }
}

impl Default for GridDropout {
    fn default() -> Self {
        Self::new(0.5, 0.1..=0.1)
    }
}

impl Spec for GridDropout {
    const NAME: &'static str = "grid_dropout";

    fn check(&self) -> Result<()> {
        if !(self.ratio > 0.0 && self.ratio <= 1.0) {
            return Err(Error::config(format!(
                "ratio is {}, but has to lie above 0 and up to 1",
                self.ratio
            )));
        }
        check_range("unit", &self.unit, 0.0..=1.0)
    }
}

impl Operation for GridDropout {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let grid = self.grid(subject, rng);
        let fill = self.fill.painter(rng, Self::NAME);
        match subject.depth {
            Depth::U8 => Drawn::values(move |pixels| grid.paint(pixels, fill)),
            Depth::F32 => Drawn::floats(move |pixels| grid.paint(pixels, fill)),
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let Grid { unit, hole, shift } = self.grid(subject, rng);
        Some(format!("{hole} of every {unit} pixels, from {}, {}", shift.0, shift.1))
    }
}
