//! Grey pictures.

use super::floats;
use crate::error::Result;
use crate::image::parameters::{check_p, is_chance};
use crate::image::pixels::luma;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};

/// Takes the colour out of a picture with probability `p`: torchvision's `RandomGrayscale`. Each pixel becomes its luma of ITU-R 601,
/// rounded as Pillow's `convert("L")`, in all three channels. With `p` of 1 it is torchvision's `Grayscale(3)`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grayscale {
    p: f32,
}

impl Grayscale {
    /// `p` in `0..=1`; torchvision's default is 0.1.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Default for Grayscale {
    fn default() -> Self {
        Self::new(0.1)
    }
}

impl Spec for Grayscale {
    const NAME: &'static str = "grayscale";

    fn check(&self) -> Result<()> {
        check_p(self.p)
    }
}

impl Operation for Grayscale {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        match rng.chance(self.p) {
            true => Drawn::of_depth(subject.depth, desaturate, floats::desaturate),
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
        let done = if rng.chance(self.p) { "grey" } else { "unchanged" };
        Some(done.to_owned())
    }
}

pub(in crate::image) fn desaturate(pixels: &mut Pixels) {
    if pixels.channels() > 1 {
        pixels.change_colors(|pixels| wide(Grey(pixels.levels.as_chunks_mut().0)));
    }
}

/// Pixels whose luma is worked out before it is written.
const BLOCK: usize = 256;

struct Grey<'a>(&'a mut [[u8; 3]]);

impl NullaryFnOnce for Grey<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut planes = [[0_u8; BLOCK]; 3];
        for pixels in self.0.chunks_mut(BLOCK) {
            for (to, &pixel) in planes[0].iter_mut().zip(&*pixels) {
                *to = luma(pixel) as u8;
            }
            // Three planes, which vectors weave into pixels; for one of them alone the compiler finds none.
            (planes[1], planes[2]) = (planes[0], planes[0]);
            for (at, pixel) in pixels.iter_mut().enumerate() {
                *pixel = [planes[0][at], planes[1][at], planes[2][at]];
            }
        }
    }
}
