//! Mirror images.

use super::{Augment, Pixels};
use crate::rng::Rng;

/// Mirrors left and right with probability `p`: torchvision's `RandomHorizontalFlip`.
#[derive(Clone, Debug)]
pub struct HorizontalFlip {
    p: f32,
}

impl HorizontalFlip {
    /// `p` in `0..=1`.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Augment for HorizontalFlip {
    fn name(&self) -> &'static str {
        "horizontal_flip"
    }

    fn params(&self) -> Vec<(&'static str, String)> {
        vec![("p", self.p.to_string())]
    }

    fn check(&self) -> Result<(), String> {
        match self.p {
            0.0..=1.0 => Ok(()),
            p => Err(format!("p is {p}, but a probability lies in 0..=1")),
        }
    }

    fn apply(&self, pixels: &mut Pixels, rng: &mut Rng) {
        if rng.chance(self.p) {
            pixels.redraw(mirror);
        }
    }
}

fn mirror(old: &Pixels, new: &mut [u8]) {
    let stride = old.stride();
    for (from, to) in old.rgb.chunks_exact(stride).zip(new.chunks_exact_mut(stride)) {
        for (from, to) in from.chunks_exact(3).zip(to.chunks_exact_mut(3).rev()) {
            to.copy_from_slice(from);
        }
    }
}
