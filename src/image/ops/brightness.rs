//! Brightness.

use super::factor;
use crate::image::{Augment, Pixels};
use crate::rng::Rng;

/// Multiplies all levels by a factor drawn evenly from `1 - factor..=1 + factor`, at least 0: `brightness` of
/// torchvision's `ColorJitter`, rounded to the nearest level.
#[derive(Clone, Debug)]
pub struct Brightness {
    factor: f32,
}

impl Brightness {
    /// `factor` is at least 0; 0 changes nothing.
    pub fn new(factor: f32) -> Self {
        Self { factor }
    }
}

impl Augment for Brightness {
    fn name(&self) -> &'static str {
        "brightness"
    }

    fn params(&self) -> Vec<(&'static str, String)> {
        vec![("factor", self.factor.to_string())]
    }

    fn check(&self) -> Result<(), String> {
        factor::check(self.factor)
    }

    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        brighten(pixels, factor::draw(self.factor, rng));
    }
}

pub(in crate::image) fn brighten(pixels: &mut Pixels, factor: f32) {
    factor::scale(pixels, 0, factor);
}
