//! Levels that are equally frequent.

use super::tables::map_by_counts;
use crate::error::Result;
use crate::image::parameters::{check_p, is_chance};
use crate::image::{Depth, Drawn, Level, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Makes the levels of each channel about equally frequent, with probability `p`: torchvision's `RandomEqualize`, with the values of
/// Pillow's `ImageOps.equalize`. Pictures of `f32` are brought to 256 levels first, and keep no more of them, as in torchvision.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Equalize {
    p: f32,
}

impl Equalize {
    /// `p` in `0..=1`; torchvision's default is 0.5.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Default for Equalize {
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Spec for Equalize {
    const NAME: &'static str = "equalize";

    fn check(&self) -> Result<()> {
        check_p(self.p)
    }
}

impl Operation for Equalize {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        match rng.chance(self.p) {
            true => Drawn::of_depth(subject.depth, flatten, flatten_floats),
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
        let done = if rng.chance(self.p) { "equalized" } else { "unchanged" };
        Some(done.to_owned())
    }
}

pub(in crate::image) fn flatten(pixels: &mut Pixels) {
    map_by_counts(pixels, flattened);
}

/// As levels of 8 bits, all of which are shares of the same width: torchvision's `to_dtype(torch.uint8, scale=True)`.
pub(in crate::image) fn flatten_floats(pixels: &mut Pixels<f32>) {
    pixels.change_colors(|pixels| {
        let mut levels = Pixels::<u8>::default();
        levels.convert(&*pixels, |share: f32| (share * 255.999) as u8);
        flatten(&mut levels);
        pixels.convert(&levels, f32::of);
    });
}

/// What becomes of each level of a channel with these counts.
fn flattened(counts: &[u32; 256]) -> [u8; 256] {
    let all: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let last = counts.iter().rfind(|&&count| count > 0).copied().unwrap_or(0);
    let step = (all - u64::from(last)) / 255;
    if step == 0 {
        return std::array::from_fn(|level| level as u8);
    }
    let mut below = step / 2;
    counts.map(|count| {
        let level = (below / step).min(255) as u8;
        below += u64::from(count);
        level
    })
}
