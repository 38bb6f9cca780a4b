//! Mirror images.

use crate::error::Result;
use crate::image::parameters::check_p;
use crate::image::{Drawn, Motion, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Mirrors left and right with probability `p`: torchvision's `RandomHorizontalFlip`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HorizontalFlip {
    p: f32,
}

impl HorizontalFlip {
    /// `p` in `0..=1`; torchvision's default is 0.5.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Default for HorizontalFlip {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Spec for HorizontalFlip {
    const NAME: &'static str = "horizontal_flip";

    fn check(&self) -> Result<()> {
        check_p(self.p)
    }
}

impl Operation for HorizontalFlip {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        match rng.chance(self.p) {
            true => Drawn::Motion(Motion::horizontal_flip(subject.size())),
            false => Drawn::Nothing,
        }
    }

    fn moves(&self) -> bool {
        true
    }
}
