//! Levels over the full range.

use super::floats;
use super::tables::map_by_counts;
use crate::error::Result;
use crate::image::parameters::{check_p, is_chance};
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Stretches the levels of each channel over the full range, from its least level to its greatest, with probability `p`: torchvision's
/// `RandomAutocontrast`, with the values of Pillow's `ImageOps.autocontrast`. A channel of one level stays as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Autocontrast {
    p: f32,
}

impl Autocontrast {
    /// `p` in `0..=1`; torchvision's default is 0.5.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Default for Autocontrast {
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Spec for Autocontrast {
    const NAME: &'static str = "autocontrast";

    fn check(&self) -> Result<()> {
        check_p(self.p)
    }
}

impl Operation for Autocontrast {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        match rng.chance(self.p) {
            true => Drawn::of_depth(subject.depth, stretch_levels, floats::stretch_levels),
            false => Drawn::Nothing,
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        is_chance(self.p)
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        let done = if rng.chance(self.p) { "stretched" } else { "unchanged" };
        Some(done.to_owned())
    }
}

pub(in crate::image) fn stretch_levels(pixels: &mut Pixels) {
    map_by_counts(pixels, stretched);
}

/// What becomes of each level of a channel with these counts.
fn stretched(counts: &[u32; 256]) -> [u8; 256] {
    let is_there = |&level: &usize| counts[level] > 0;
    let least = (0..256).find(is_there).unwrap_or(0);
    let greatest = (0..256).rfind(is_there).unwrap_or(0);
    if greatest <= least {
        return std::array::from_fn(|level| level as u8);
    }
    // Pillow's arithmetic, with its rounding.
    let scale = 255.0 / (greatest - least) as f64;
    let offset = -(least as f64) * scale;
    std::array::from_fn(|level| (level as f64 * scale + offset) as u8)
}
