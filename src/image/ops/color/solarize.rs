//! Bright levels inverted.

use crate::error::{Error, Result};
use crate::image::parameters::{check_p, is_chance};
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Level, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};

/// Inverts the levels from `threshold` on, with probability `p`: torchvision's `RandomSolarize`. In pictures of `f32` the
/// threshold is a share of 255, and 256 inverts none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Solarize {
    threshold: u16,
    p: f32,
}

impl Solarize {
    /// `threshold` in `0..=256`: 0 inverts all levels, and 256 none; `p` in `0..=1`, torchvision's default is 0.5.
    pub fn new(threshold: u16, p: f32) -> Self {
        Self { threshold, p }
    }
}

/// albumentations' threshold of half the range: torchvision has no default.
impl Default for Solarize {
    fn default() -> Self {
        Self::new(128, 0.5)
    }
}

impl Spec for Solarize {
    const NAME: &'static str = "solarize";

    fn check(&self) -> Result<()> {
        match self.threshold {
            0..=256 => check_p(self.p),
            threshold => Err(Error::config(format!(
                "threshold is {threshold}, but has to lie in 0..=256 (levels)"
            ))),
        }
    }
}

impl Operation for Solarize {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let threshold = self.threshold;
        match rng.chance(self.p) {
            true => Drawn::of_depth(
                subject.depth,
                move |pixels| solarize(pixels, threshold),
                move |pixels| solarize(pixels, threshold),
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
            true => format!("from level {} on", self.threshold),
            false => "unchanged".to_owned(),
        })
    }
}

fn solarize<L: Level>(pixels: &mut Pixels<L>, threshold: u16) {
    if let Ok(threshold) = u8::try_from(threshold) {
        invert_from(pixels, L::of(threshold));
    }
}

pub(in crate::image) fn invert_from<L: Level>(pixels: &mut Pixels<L>, threshold: L) {
    pixels.change_colors(|pixels| wide(Above(&mut pixels.levels, threshold)));
}

struct Above<'a, L>(&'a mut [L], L);

impl<L: Level> NullaryFnOnce for Above<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(levels, threshold) = self;
        for level in levels {
            *level = if *level >= threshold { level.inverted() } else { *level };
        }
    }
}
