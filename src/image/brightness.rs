//! Brightness.

use super::{Augment, Pixels};
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
        match self.factor {
            0.0..=f32::MAX => Ok(()),
            factor => Err(format!("factor is {factor}, but has to be at least 0")),
        }
    }

    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        let factor = rng.range((1.0 - self.factor).max(0.0), 1.0 + self.factor);
        pixels.map(&std::array::from_fn(|level| (level as f32 * factor + 0.5) as u8));
    }
}
