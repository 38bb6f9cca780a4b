//! Fewer bits a channel.

use super::floats;
use crate::error::Result;
use crate::image::parameters::{check_number, check_p, is_chance};
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};

/// Keeps the upper `bits` bits of each level and clears the others, with probability `p`: torchvision's `RandomPosterize`.
///
/// Pictures of `f32` are cut down to multiples of `1 / 2^bits`, the greatest of which lies below 1, as in torchvision: white becomes
/// darker, with 8 bits by 1/256.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Posterize {
    bits: u8,
    p: f32,
}

impl Posterize {
    /// `bits` in `0..=8`, of which 8 change nothing in pictures of 8 bits; `p` in `0..=1`, torchvision's default is 0.5.
    pub fn new(bits: u8, p: f32) -> Self {
        Self { bits, p }
    }
}

/// albumentations' 4 bits: torchvision has no default.
impl Default for Posterize {
    fn default() -> Self {
        Self::new(4, 0.5)
    }
}

impl Spec for Posterize {
    const NAME: &'static str = "posterize";

    fn check(&self) -> Result<()> {
        check_number("bits", self.bits, 0..=8)?;
        check_p(self.p)
    }
}

impl Operation for Posterize {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let bits = self.bits;
        match rng.chance(self.p) {
            true => Drawn::of_depth(
                subject.depth,
                move |pixels| posterize(pixels, bits),
                move |pixels| floats::posterize(pixels, bits),
            ),
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
        Some(match rng.chance(self.p) {
            true => format!("{} bits", self.bits),
            false => "unchanged".to_owned(),
        })
    }
}

/// Keeps `bits` bits, 8 at most.
pub(in crate::image) fn posterize(pixels: &mut Pixels, bits: u8) {
    let mask = (0xff00_u16 >> bits.min(8)) as u8;
    pixels.change_colors(|pixels| wide(Mask(&mut pixels.levels, mask)));
}

struct Mask<'a>(&'a mut [u8], u8);

impl NullaryFnOnce for Mask<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(levels, mask) = self;
        levels.iter_mut().for_each(|level| *level &= mask);
    }
}
