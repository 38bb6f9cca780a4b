//! Brightness, contrast, saturation, hue and the order of channels, each with a probability.

use super::channel_permutation::{self, permute};
use super::hue::turn_hue;
use super::recolor::Recolored;
use crate::error::Result;
use crate::image::parameters::{check_p, check_range};
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The distortions of SSD (Liu et al. 2016): brightness, contrast, saturation, hue and the order of channels, each with probability `p`;
/// contrast comes before saturation and hue, or after them. torchvision's `RandomPhotometricDistort`. The ranges are of factors, and
/// of the share of the colour circle by which hue turns.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhotometricDistort {
    #[serde(with = "crate::spec::range")]
    brightness: RangeInclusive<f32>,
    #[serde(with = "crate::spec::range")]
    contrast: RangeInclusive<f32>,
    #[serde(with = "crate::spec::range")]
    saturation: RangeInclusive<f32>,
    #[serde(with = "crate::spec::range")]
    hue: RangeInclusive<f32>,
    p: f32,
}

impl PhotometricDistort {
    /// With torchvision's ranges, and `p` in `0..=1`; torchvision's default is 0.5.
    pub fn new(p: f32) -> Self {
        Self {
            brightness: 0.875..=1.125,
            contrast: 0.5..=1.5,
            saturation: 0.5..=1.5,
            hue: -0.05..=0.05,
            p,
        }
    }

    /// The range of factors of brightness, at least 0. Defaults to `0.875..=1.125`.
    #[must_use]
    pub fn brightness(mut self, factors: RangeInclusive<f32>) -> Self {
        self.brightness = factors;
        self
    }

    /// The range of factors of contrast, at least 0. Defaults to `0.5..=1.5`.
    #[must_use]
    pub fn contrast(mut self, factors: RangeInclusive<f32>) -> Self {
        self.contrast = factors;
        self
    }

    /// The range of factors of saturation, at least 0. Defaults to `0.5..=1.5`.
    #[must_use]
    pub fn saturation(mut self, factors: RangeInclusive<f32>) -> Self {
        self.saturation = factors;
        self
    }

    /// The range of turns of hue, within `-0.5..=0.5` of the circle. Defaults to `-0.05..=0.05`.
    #[must_use]
    pub fn hue(mut self, turns: RangeInclusive<f32>) -> Self {
        self.hue = turns;
        self
    }
}

impl Default for PhotometricDistort {
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Spec for PhotometricDistort {
    const NAME: &'static str = "photometric_distort";

    fn check(&self) -> Result<()> {
        check_range("brightness", &self.brightness, 0.0..=f32::MAX)?;
        check_range("contrast", &self.contrast, 0.0..=f32::MAX)?;
        check_range("saturation", &self.saturation, 0.0..=f32::MAX)?;
        check_range("hue", &self.hue, -0.5..=0.5)?;
        check_p(self.p)
    }
}

/// One change.
#[derive(Clone, Copy, Debug)]
enum Change {
    Brightness(f32),
    Contrast(f32),
    Saturation(f32),
    Hue(f32),
    Channels([usize; 3]),
}

impl Change {
    fn apply<L: Recolored>(self, pixels: &mut Pixels<L>) {
        match self {
            Self::Brightness(factor) => L::brighten(pixels, factor),
            Self::Contrast(factor) => L::stretch(pixels, factor),
            Self::Saturation(factor) => L::saturate(pixels, factor),
            Self::Hue(turn) => turn_hue(pixels, turn),
            Self::Channels(order) => permute(pixels, order),
        }
    }

    fn in_words(self) -> String {
        match self {
            Self::Brightness(factor) => format!("brightness {factor:.3}"),
            Self::Contrast(factor) => format!("contrast {factor:.3}"),
            Self::Saturation(factor) => format!("saturation {factor:.3}"),
            Self::Hue(turn) => format!("hue {turn:+.3}"),
            Self::Channels(order) => channel_permutation::in_words(order),
        }
    }
}

impl PhotometricDistort {
    /// What happens, in order. Always takes the same draws, so that none depends on another.
    fn changes(&self, rng: &mut Rng) -> Vec<Change> {
        let mut drawn = |range: &RangeInclusive<f32>| {
            let happens = rng.chance(self.p);
            let factor = rng.range(*range.start(), *range.end());
            happens.then_some(factor)
        };
        let brightness = drawn(&self.brightness).map(Change::Brightness);
        let contrast = drawn(&self.contrast).map(Change::Contrast);
        let saturation = drawn(&self.saturation).map(Change::Saturation);
        let hue = drawn(&self.hue).map(Change::Hue);
        let (before, after) = match rng.chance(0.5) {
            true => (contrast, None),
            false => (None, contrast),
        };
        let permuted = rng.chance(self.p);
        let order = channel_permutation::draw(rng);
        let channels = permuted.then_some(Change::Channels(order));
        [brightness, before, saturation, hue, after, channels]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl Operation for PhotometricDistort {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let changes = self.changes(rng);
        if changes.is_empty() {
            return Drawn::Nothing;
        }
        match subject.depth {
            Depth::U8 => Drawn::values(move |pixels| changes.into_iter().for_each(|change| change.apply(pixels))),
            Depth::F32 => Drawn::floats(move |pixels| changes.into_iter().for_each(|change| change.apply(pixels))),
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        let changes: Vec<String> = self.changes(rng).into_iter().map(Change::in_words).collect();
        Some(match changes.is_empty() {
            true => "unchanged".to_owned(),
            false => changes.join(", "),
        })
    }
}
