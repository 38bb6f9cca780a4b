//! Saturation.

use pulp::NullaryFnOnce;

use super::factor;
use crate::error::Result;
use crate::image::wide::wide;
use crate::image::{Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Moves every pixel away from its own grey, or towards it, by a factor drawn evenly from `1 - factor..=1 + factor`, at
/// least 0: `saturation` of torchvision's `ColorJitter`, rounded to the nearest level. Grey is the luma of ITU-R 601 with
/// weights of 8 bits, a whole level; the factor has 15 bits, and ends at 128.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saturation {
    factor: f32,
}

impl Saturation {
    /// `factor` is at least 0; 0 changes nothing, and from 1 on a picture may lose all its colour.
    pub fn new(factor: f32) -> Self {
        Self { factor }
    }
}

impl Default for Saturation {
    fn default() -> Self {
        Self { factor: 0.0 }
    }
}

impl Spec for Saturation {
    const NAME: &'static str = "saturation";

    fn check(&self) -> Result<()> {
        factor::check(self.factor)
    }
}

impl Operation for Saturation {
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        let factor = factor::draw(self.factor, rng);
        Drawn::values(move |pixels| saturate(pixels, factor))
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("factor {:.3}", factor::draw(self.factor, rng)))
    }
}

pub(in crate::image) fn saturate(pixels: &mut Pixels, factor: f32) {
    let (all, _) = pixels.rgb.as_chunks_mut();
    wide(Saturate(all, Weight::new(factor)));
}

/// A factor as `share / 32768 * 2^bits`, for distances of 16 bits. 128 turns the least distance into half the range.
#[derive(Clone, Copy)]
struct Weight {
    bits: u32,
    share: i16,
}

impl Weight {
    fn new(factor: f32) -> Self {
        let factor = factor.min(127.99);
        let bits = (0..7).find(|&bits| factor < (1 << bits) as f32).unwrap_or(7);
        let share = factor * (32_768 >> bits) as f32;
        Self {
            bits,
            share: (share + 0.5) as i16,
        }
    }

    #[inline(always)]
    fn of(self, away: i16) -> i16 {
        let product = i32::from(away << self.bits) * i32::from(self.share);
        (((product >> 14) + 1) >> 1) as i16
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

    #[test]
    fn weights_are_factors() {
        for factor in [0.0, 0.3, 0.99999, 1.0, 1.25, 1.999999, 2.0, 7.7, 63.0, 127.0] {
            for away in -255..=255 {
                let exact = f32::from(away) * factor;
                let found = f32::from(Weight::new(factor).of(away));
                assert!(
                    (found - exact).abs() <= 0.5 + exact.abs() / 10_000.0,
                    "{away} * {factor}: {found}"
                );
            }
        }
        let whole = |factor: f32, away| Weight::new(factor).of(away);
        assert!((-255..=255).all(|away| whole(1.0, away) == away && whole(0.0, away) == 0));
        assert!(whole(f32::MAX, 2) >= 255 && whole(f32::MAX, -2) <= -255);
    }
}
