//! Brightness.

use super::{factor, floats};
use crate::error::Result;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Multiplies all levels by a factor drawn evenly from `1 - factor..=1 + factor`, at least 0: `brightness` of
/// torchvision's `ColorJitter`, rounded to the nearest level.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brightness {
    factor: f32,
}

impl Brightness {
    /// `factor` is at least 0; 0 changes nothing. Defaults to 0.2, as in albumentations' `ColorJitter`.
    pub fn new(factor: f32) -> Self {
        Self { factor }
    }
}

impl Default for Brightness {
    fn default() -> Self {
        Self { factor: 0.2 }
    }
}

impl Spec for Brightness {
    const NAME: &'static str = "brightness";

    fn check(&self) -> Result<()> {
        factor::check(self.factor)
    }
}

impl Operation for Brightness {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let factor = factor::draw(self.factor, rng);
        Drawn::of_depth(
            subject.depth,
            move |pixels| brighten(pixels, factor),
            move |pixels| floats::brighten(pixels, factor),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("factor {:.3}", factor::draw(self.factor, rng)))
    }
}

pub(in crate::image) fn brighten(pixels: &mut Pixels, factor: f32) {
    pixels.change_colors(|pixels| factor::scale(pixels, 0, factor));
}
