//! Inverted colours.

use crate::error::Result;
use crate::image::parameters::{check_p, is_chance};
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Level, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};

/// Inverts all levels, `255 - level`, with probability `p`: torchvision's `RandomInvert`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Invert {
    p: f32,
}

impl Invert {
    /// `p` in `0..=1`; torchvision's default is 0.5.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Default for Invert {
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Spec for Invert {
    const NAME: &'static str = "invert";

    fn check(&self) -> Result<()> {
        check_p(self.p)
    }
}

impl Operation for Invert {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        match rng.chance(self.p) {
            true => Drawn::of_depth(subject.depth, invert, invert),
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
        let done = if rng.chance(self.p) { "inverted" } else { "unchanged" };
        Some(done.to_owned())
    }
}

pub(in crate::image) fn invert<L: Level>(pixels: &mut Pixels<L>) {
    pixels.change_colors(|pixels| wide(InvertAll(&mut pixels.levels)));
}

struct InvertAll<'a, L>(&'a mut [L]);

impl<L: Level> NullaryFnOnce for InvertAll<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.0.iter_mut().for_each(|level| *level = level.inverted());
    }
}
