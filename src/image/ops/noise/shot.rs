//! Shot noise.

use super::alias::Alias;
use crate::error::Result;
use crate::image::parameters::check_range;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
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
/// 0.1 is ten, which is much noise, and 0.01 a hundred. In pictures of `f32` what is below 0 is black, and what is above 1 white.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShotNoise {
    #[serde(with = "crate::spec::range")]
    scale: RangeInclusive<f32>,
}

impl ShotNoise {
    /// `scale` within `0.01..=1`; albumentations' default is `0.1..=0.3`, as its `scale_range`.
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
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let scale = self.scale(rng);
        // Every level takes a draw of its own: they are made when it is its turn.
        let mut rng = std::mem::replace(rng, Rng::new(0, Self::NAME, 0));
        match subject.depth {
            Depth::U8 => {
                Drawn::values(move |pixels| pixels.change_colors(|pixels| count_photons(pixels, scale, &mut rng)))
            }
            Depth::F32 => {
                Drawn::floats(move |pixels| pixels.change_colors(|pixels| count_more_photons(pixels, scale, &mut rng)))
            }
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("white is {:.1} photons", 1.0 / self.scale(rng)))
    }
}

fn count_photons(pixels: &mut Pixels, scale: f32, rng: &mut Rng) {
    let scale = f64::from(scale);
    let alias = counts(scale);
    let levels: Vec<u8> = (0..alias.outcomes())
        .map(|count| libm::round(255.0 * share(count, scale)) as u8)
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

/// The count of a level that lies above one of 256 is the count of that one, and that of the little light that is left: the sum of two
/// Poisson counts is one whose mean is the sum.
fn count_more_photons(pixels: &mut Pixels<f32>, scale: f32, rng: &mut Rng) {
    let scale = f64::from(scale);
    let alias = counts(scale);
    let shares: Vec<f32> = (0..alias.outcomes()).map(|count| share(count, scale) as f32).collect();
    let below: Vec<f64> = (0..256).map(|level| light(f64::from(level) / 255.0)).collect();
    for level in &mut pixels.levels {
        let value = level.clamp(0.0, 1.0);
        let nearest = (value * 255.0) as usize;
        let rest = (light(f64::from(value)) - below[nearest]).max(0.0) / scale;
        let count = alias.draw(nearest, rng.next_u32()) + few(rest, rng.next_u32());
        // Beyond the last count all are white.
        *level = shares.get(count).copied().unwrap_or(1.0);
    }
}

/// The light of a level, both of which are shares.
fn light(level: f64) -> f64 {
    libm::pow(level, GAMMA)
}

/// The level of a count, as a share.
fn share(count: usize, scale: f64) -> f64 {
    libm::pow((count as f64 * scale).min(1.0), 1.0 / GAMMA)
}

/// The counts of each of 256 levels.
fn counts(scale: f64) -> Alias {
    let most = 1.0 / scale;
    // Ten deviations above the mean of white: nothing is ever cut off that 32 bits could tell from nothing.
    let counts = (most + 10.0 * most.sqrt() + 10.0) as usize;
    Alias::new(256, counts, |level, chances| {
        poisson(light(level as f64 / 255.0) / scale, chances);
    })
}

/// The Poisson count that 32 random bits draw, of a mean of about 1 at most.
fn few(mean: f64, random: u32) -> usize {
    let random = f64::from(random) / 4_294_967_296.0;
    let mut chance = libm::exp(-mean);
    let (mut sum, mut count) = (chance, 0_u32);
    // These bits never draw more.
    while random >= sum && count < 32 {
        count += 1;
        chance *= mean / f64::from(count);
        sum += chance;
    }
    count as usize
}

/// The chances of 0, 1, 2, .. under this mean.
fn poisson(mean: f64, chances: &mut [f64]) {
    let mut chance = libm::exp(-mean);
    for (count, to) in chances.iter_mut().enumerate() {
        *to = chance;
        chance *= mean / (count + 1) as f64;
    }
}
