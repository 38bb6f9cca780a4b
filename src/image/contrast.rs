//! Contrast.

use super::{Augment, Pixels};
use crate::rng::Rng;

/// Moves all levels away from the image's mean grey, or towards it, by a factor drawn evenly from
/// `1 - factor..=1 + factor`, at least 0: `contrast` of torchvision's `ColorJitter`, rounded to the nearest level.
#[derive(Clone, Debug)]
pub struct Contrast {
    factor: f32,
}

impl Contrast {
    /// `factor` is at least 0; 0 changes nothing.
    pub fn new(factor: f32) -> Self {
        Self { factor }
    }
}

impl Augment for Contrast {
    fn name(&self) -> &'static str {
        "contrast"
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
        let mean = mean_grey(pixels);
        pixels.map(&std::array::from_fn(|level| {
            (mean + factor * (level as f32 - mean) + 0.5) as u8
        }));
    }
}

/// The mean luma (ITU-R 601 weights, as Pillow's `convert("L")`), a whole level as in Pillow's `ImageEnhance`.
fn mean_grey(pixels: &Pixels) -> f32 {
    let luma = |p: &[u8]| 19_595 * u32::from(p[0]) + 38_470 * u32::from(p[1]) + 7_471 * u32::from(p[2]);
    let sum: u64 = pixels
        .rgb
        .chunks_exact(3)
        .map(|p| u64::from((luma(p) + 32_768) >> 16))
        .sum();
    let count = (pixels.rgb.len() as u64 / 3).max(1);
    ((sum + count / 2) / count) as f32
}
