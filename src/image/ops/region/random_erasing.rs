//! Random erasing.

use std::ops::RangeInclusive;

use super::fill::{Drawable, Fill, Painter};
use crate::error::{Error, Result};
use crate::image::geometry::crop::{Crop, Region};
use crate::image::parameters::check_p;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Fills a random box with one colour, with probability `p` (Zhong et al. 2020): torchvision's `RandomErasing`, but on
/// levels, before they are normalised.
///
/// The box is drawn as that of `random_resized_crop`: `scale` is its share of the picture's area, `ratio` its width over
/// its height; edges are rounded to whole pixels. It is black unless another colour is [given](Self::fill), or [noise](Fill::Random). Alpha stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomErasing {
    p: f32,
    #[serde(with = "crate::spec::range")]
    scale: RangeInclusive<f32>,
    #[serde(with = "crate::spec::range")]
    ratio: RangeInclusive<f32>,
    fill: Fill,
}

impl RandomErasing {
    /// `p` in `0..=1`; `scale` above 0 and up to 1 (torchvision: `0.02..=0.33`); `ratio` within `0.01..=100`
    /// (torchvision: `0.3..=3.3`).
    pub fn new(p: f32, scale: RangeInclusive<f32>, ratio: RangeInclusive<f32>) -> Self {
        Self {
            p,
            scale,
            ratio,
            fill: Fill::default(),
        }
    }

    /// Fills with a colour (red, green, blue), or with [noise](Fill::Random). Defaults to black.
    ///
    /// ```
    /// # use millstream::image::{Image, RandomErasing};
    /// let train = Image::new(224).with(RandomErasing::new(0.5, 0.02..=0.33, 0.3..=3.3).fill([124, 116, 104]));
    /// # train.check().unwrap();
    /// ```
    #[must_use]
    pub fn fill(mut self, fill: impl Into<Fill>) -> Self {
        self.fill = fill.into();
        self
    }

    fn region(&self, subject: &Subject, rng: &mut Rng) -> Region {
        let shape = Crop::Random {
            scale: self.scale.clone(),
            ratio: self.ratio.clone(),
            plain: None,
        };
        shape.choose(subject.size(), rng).region(subject.width, subject.height)
    }
}

impl Default for RandomErasing {
    fn default() -> Self {
        Self::new(0.5, 0.02..=0.33, 0.3..=3.3)
    }
}

impl Spec for RandomErasing {
    const NAME: &'static str = "random_erasing";

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
        let region = self.region(subject, rng);
        let fill = self.fill.painter(rng, Self::NAME);
        match subject.depth {
            Depth::U8 => Drawn::values(move |pixels| erase(pixels, region, fill)),
            Depth::F32 => Drawn::floats(move |pixels| erase(pixels, region, fill)),
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        Some(match rng.chance(self.p) {
            true => self.region(subject, rng).to_string(),
            false => "unchanged".to_owned(),
        })
    }
}

fn erase<L: Drawable>(pixels: &mut Pixels<L>, region: Region, mut fill: Painter) {
    let between = |from: f64, length: f64| from.round() as usize..(from + length).round() as usize;
    let (columns, rows) = (between(region.left, region.width), between(region.top, region.height));
    fill.paint(pixels, &columns, &rows);
}
