//! Random erasing.

use std::ops::{Range, RangeInclusive};

use super::fill::Fill;
use crate::error::{Error, Result};
use crate::image::geometry::crop::Crop;
use crate::image::parameters::check_p;
use crate::image::{Depth, Drawn, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Boxes that are drawn for a row, as in torchvision: where none of them fits, nothing is erased.
const ATTEMPTS: usize = 10;

/// Fills a random box with one colour, with probability `p` (Zhong et al. 2020): torchvision's `RandomErasing`, but on
/// levels, before they are normalised.
///
/// `scale` is the box's share of the picture's area, drawn evenly; `ratio` its **height over its width**, as in torchvision and unlike that of
/// `random_resized_crop`, of which the logarithm is drawn evenly. Both sides are rounded to whole pixels and have to be less than the
/// picture's; where ten boxes in a row are not, nothing is erased. The place is drawn evenly from all that show the whole box. It is black unless
/// another colour is [given](Self::value), or [noise](Fill::Random). Alpha stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomErasing {
    p: f32,
    #[serde(with = "crate::spec::range")]
    scale: RangeInclusive<f32>,
    #[serde(with = "crate::spec::range")]
    ratio: RangeInclusive<f32>,
    #[serde(alias = "fill")]
    value: Fill,
}

impl RandomErasing {
    /// `p` in `0..=1`; `scale` above 0 and up to 1 (torchvision: `0.02..=0.33`); `ratio`, height over width, within
    /// `0.01..=100` (torchvision: `0.3..=3.3`).
    pub fn new(p: f32, scale: RangeInclusive<f32>, ratio: RangeInclusive<f32>) -> Self {
        Self {
            p,
            scale,
            ratio,
            value: Fill::default(),
        }
    }

    /// Fills with a colour (red, green, blue), or with [noise](Fill::Random). Defaults to black.
    ///
    /// ```
    /// # use millstream::image::{Image, RandomErasing};
    /// let train = Image::new(224).with(RandomErasing::new(0.5, 0.02..=0.33, 0.3..=3.3).value([124, 116, 104]));
    /// # train.check().unwrap();
    /// ```
    #[must_use]
    pub fn value(mut self, value: impl Into<Fill>) -> Self {
        self.value = value.into();
        self
    }

    /// Columns and rows of the box; none where no attempt is smaller than the picture.
    fn erased(&self, subject: &Subject, rng: &mut Rng) -> Option<[Range<usize>; 2]> {
        let within = |low: f64, high: f64, rng: &mut Rng| low + (high - low) * f64::from(rng.unit());
        let [least, most] = [self.scale.start(), self.scale.end()].map(|share| f64::from(*share));
        let [flattest, highest] = [self.ratio.start(), self.ratio.end()].map(|ratio| libm::log(f64::from(*ratio)));
        let sides = subject.size().map(f64::from);
        for _ in 0..ATTEMPTS {
            let area = sides[0] * sides[1] * within(least, most, rng);
            let ratio = libm::exp(within(flattest, highest, rng));
            // As Python rounds.
            let [width, height] = [area / ratio, area * ratio].map(|square| square.sqrt().round_ties_even());
            if width < sides[0] && height < sides[1] {
                let place = |side: f64, of: f64, rng: &mut Rng| {
                    let from = rng.below((of - side) as u64 + 1) as usize;
                    from..from + side as usize
                };
                return Some([place(width, sides[0], rng), place(height, sides[1], rng)]);
            }
        }
        None
    }
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self::new(0.5, 0.02..=0.33, 0.3..=3.3)
    }
}

impl Spec for RandomErasing {
    const NAME: &'static str = "random_erasing";
    const VERSION: u32 = 2;

    fn check(&self) -> Result<()> {
        check_p(self.p)?;
        Crop::check(&self.scale, &self.ratio).map_err(Error::config)
    }
}

impl Operation for RandomErasing {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        if !rng.chance(self.p) {
            return Drawn::Nothing;
        }
        let Some([columns, rows]) = self.erased(subject, rng) else {
            return Drawn::Nothing;
        };
        let mut fill = self.value.painter(rng, Self::NAME);
        match subject.depth {
            Depth::U8 => Drawn::values(move |pixels| fill.paint(pixels, &columns, &rows)),
            Depth::F32 => Drawn::floats(move |pixels| fill.paint(pixels, &columns, &rows)),
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let erased = match rng.chance(self.p) {
            true => self.erased(subject, rng),
            false => None,
        };
        Some(match erased {
            Some([columns, rows]) => format!(
                "{} x {} at {}, {}",
                columns.len(),
                rows.len(),
                columns.start,
                rows.start
            ),
            None => "unchanged".to_owned(),
        })
    }
}
