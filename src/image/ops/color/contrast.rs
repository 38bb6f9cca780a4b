//! Contrast.

use pulp::NullaryFnOnce;

use super::{factor, floats};
use crate::error::Result;
use crate::image::pixels::luma;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Moves all levels away from the image's mean grey, or towards it, by a factor drawn evenly from
/// `1 - factor..=1 + factor`, at least 0: `contrast` of torchvision's `ColorJitter`, rounded to the nearest level.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contrast {
    factor: f32,
}

impl Contrast {
    /// `factor` is at least 0; 0 changes nothing. Defaults to 0.2, as in albumentations' `ColorJitter`.
    pub fn new(factor: f32) -> Self {
        Self { factor }
    }
}

impl Default for Contrast {
    fn default() -> Self {
        Self { factor: 0.2 }
    }
}

impl Spec for Contrast {
    const NAME: &'static str = "contrast";

    fn check(&self) -> Result<()> {
        factor::check(self.factor)
    }
}

impl Operation for Contrast {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let factor = factor::draw(self.factor, rng);
        Drawn::of_depth(
            subject.depth,
            move |pixels| stretch(pixels, factor),
            move |pixels| floats::stretch(pixels, factor),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("factor {:.3}", factor::draw(self.factor, rng)))
    }
}

pub(in crate::image) fn stretch(pixels: &mut Pixels, factor: f32) {
    pixels.change_colors(|pixels| {
        let (sum, count) = match pixels.channels() {
            1 => (
                pixels.levels.iter().map(|&level| u64::from(level)).sum(),
                pixels.levels.len(),
            ),
            _ => {
                let (all, _) = pixels.levels.as_chunks();
                (wide(Greys(all)), all.len())
            }
        };
        let count = (count as u64).max(1);
        // A whole level, as in Pillow's `ImageEnhance`.
        let mean = (sum + count / 2) / count;
        factor::scale(pixels, mean as u8, factor);
    });
}

/// The sum of luma.
struct Greys<'a>(&'a [[u8; 3]]);

impl NullaryFnOnce for Greys<'_> {
    type Output = u64;

    #[inline(always)]
    fn call(self) -> u64 {
        // In parts, so that sums of 32 bits do.
        let part = |pixels: &[[u8; 3]]| u64::from(pixels.iter().map(|&pixel| luma(pixel)).sum::<u32>());
        self.0.chunks(1 << 16).map(part).sum()
    }
}
