//! Upside down.

use crate::error::Result;
use crate::image::parameters::check_p;
use crate::image::{Drawn, Motion, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Exchanges top and bottom with probability `p`: torchvision's `RandomVerticalFlip`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerticalFlip {
    p: f32,
}

impl VerticalFlip {
    /// `p` in `0..=1`.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Default for VerticalFlip {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Spec for VerticalFlip {
    const NAME: &'static str = "vertical_flip";

    fn check(&self) -> Result<()> {
        check_p(self.p)
    }
}

impl Operation for VerticalFlip {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        match rng.chance(self.p) {
            true => Drawn::Motion(Motion::vertical_flip(subject.size())),
            false => Drawn::Nothing,
        }
    }

    fn moves(&self) -> bool {
        true
    }
}
