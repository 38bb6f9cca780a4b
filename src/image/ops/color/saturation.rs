//! Saturation.

use pulp::NullaryFnOnce;

use super::factor::{self, Weight};
use super::floats;
use crate::error::Result;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Moves every pixel away from its own grey, or towards it, by a factor drawn evenly from `1 - factor..=1 + factor`, at
/// least 0: `saturation` of torchvision's `ColorJitter`, rounded to the nearest level. Grey is the luma of ITU-R 601 with
/// weights of 8 bits, a whole level; the factor has 15 bits, and ends at 128.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Saturation {
    factor: f32,
}

impl Saturation {
    /// `factor` is at least 0; 0 changes nothing, and from 1 on a picture may lose all its colour. Defaults to 0.2, as in albumentations' `ColorJitter`.
    pub fn new(factor: f32) -> Self {
        Self { factor }
    }
}

impl Default for Saturation {
    fn default() -> Self {
        Self { factor: 0.2 }
    }
}

impl Spec for Saturation {
    const NAME: &'static str = "saturation";

    fn check(&self) -> Result<()> {
        factor::check(self.factor)
    }
}

impl Operation for Saturation {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let factor = factor::draw(self.factor, rng);
        Drawn::of_depth(
            subject.depth,
            move |pixels| saturate(pixels, factor),
            move |pixels| floats::saturate(pixels, factor),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("factor {:.3}", factor::draw(self.factor, rng)))
    }
}

pub(in crate::image) fn saturate(pixels: &mut Pixels, factor: f32) {
    // Luma has no colour.
    if pixels.channels() > 1 {
        pixels.change_colors(|pixels| wide(Saturate(pixels.levels.as_chunks_mut().0, Weight::new(factor))));
    }
}

struct Saturate<'a>(&'a mut [[u8; 3]], Weight);

impl NullaryFnOnce for Saturate<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(pixels, weight) = self;
        for pixel in pixels {
            let grey = grey(*pixel);
            for level in pixel {
                let moved = grey + weight.of(i16::from(*level) - grey);
                *level = moved.clamp(0, 255) as u8;
            }
        }
    }
}

/// The luma of a pixel, with weights of 8 bits, so that 16 hold their sum.
#[inline(always)]
fn grey([red, green, blue]: [u8; 3]) -> i16 {
    ((77 * u16::from(red) + 150 * u16::from(green) + 29 * u16::from(blue) + 128) >> 8) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::pixels::luma;

    #[test]
    fn grey_is_the_luma_to_a_level() {
        assert!((0..=255).all(|level: u8| grey([level; 3]) == i16::from(level)));
        for at in 0..1 << 15 {
            let pixel = [at & 31, at >> 5 & 31, at >> 10].map(|part: u32| (part * 255 / 31) as u8);
            assert!((i32::from(grey(pixel)) - luma(pixel) as i32).abs() <= 1, "{pixel:?}");
        }
    }
}
