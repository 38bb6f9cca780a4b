//! Shot noise.

use super::alias::Alias;
use crate::error::Result;
use crate::image::parameters::check_range;
use crate::image::{Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The exponent between levels and light, as in albumentations.
const GAMMA: f64 = 2.2;
/// Levels whose noise is drawn at once.
const BLOCK: usize = 1024;

/// The noise of counted photons: albumentations' `ShotNoise`. Each level becomes light (to the power of 2.2), that a Poisson count of
/// mean `light / scale`, and the count a level again. `scale` is drawn evenly from its range: white is `1 / scale` photons, so that
/// 0.1 is ten, which is much noise, and 0.01 a hundred.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShotNoise {
    #[serde(with = "crate::spec::range")]
    scale: RangeInclusive<f32>,
}

impl ShotNoise {
    /// `scale` within `0.01..=1`; albumentations' default is `0.1..=0.3`.
    pub fn new(scale: RangeInclusive<f32>) -> Self {
        Self { scale }
    }

    fn scale(&self, rng: &mut Rng) -> f32 {
        rng.range(*self.scale.start(), *self.scale.end())
    }
}

impl Default for ShotNoise {
    fn default() -> Self {
        Self::new(0.1..=0.3)
    }
}

impl Spec for ShotNoise {
    const NAME: &'static str = "shot_noise";

    fn check(&self) -> Result<()> {
        check_range("scale", &self.scale, 0.01..=1.0)
    }
}

impl Operation for ShotNoise {
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        let scale = self.scale(rng);
        // Every level takes a draw of its own: they are made when it is its turn.
        let mut rng = std::mem::replace(rng, Rng::new(0, Self::NAME, 0));
        Drawn::values(move |pixels| pixels.change_colors(|pixels| count_photons(pixels, scale, &mut rng)))
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("white is {:.1} photons", 1.0 / self.scale(rng)))
    }
}

fn count_photons(pixels: &mut Pixels, scale: f32, rng: &mut Rng) {
    let scale = f64::from(scale);
    let most = 1.0 / scale;
    // Ten deviations above the mean of white: nothing is ever cut off that 32 bits could tell from nothing.
    let counts = (most + 10.0 * most.sqrt() + 10.0) as usize;
    let light = |level: usize| libm::pow(level as f64 / 255.0, GAMMA);
    let alias = Alias::new(256, counts, |level, chances| poisson(light(level) / scale, chances));
    let levels: Vec<u8> = (0..alias.outcomes())
        .map(|count| libm::round(255.0 * libm::pow((count as f64 * scale).min(1.0), 1.0 / GAMMA)) as u8)
        .collect();
    let mut bytes = [0; 4 * BLOCK];
    for block in pixels.levels.chunks_mut(BLOCK) {
        let bytes = &mut bytes[..4 * block.len()];
        rng.fill(bytes);
        for (level, bits) in block.iter_mut().zip(bytes.as_chunks().0) {
            *level = levels[alias.draw(usize::from(*level), u32::from_le_bytes(*bits))];
        }
    }
}

/// The chances of 0, 1, 2, .. under this mean.
fn poisson(mean: f64, chances: &mut [f64]) {
    let mut chance = libm::exp(-mean);
    for (count, to) in chances.iter_mut().enumerate() {
        *to = chance;
        chance *= mean / (count + 1) as f64;
    }
}
