//! Rows become columns.

use crate::error::Result;
use crate::image::parameters::check_p;
use crate::image::{Drawn, Motion, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Exchanges rows and columns with probability `p`: albumentations' `Transpose` (torchvision has none). With the flips it makes all eight
/// ways in which a square can lie.
///
/// Width and height are exchanged with them, so a picture that is no square is refused unless `p` is 0 or 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Transpose {
    p: f32,
}

impl Transpose {
    /// `p` in `0..=1`.
    pub fn new(p: f32) -> Self {
        Self { p }
    }
}

impl Default for Transpose {
    fn default() -> Self {
        Self { p: 0.5 }
    }
}

impl Spec for Transpose {
    const NAME: &'static str = "transpose";

    fn check(&self) -> Result<()> {
        check_p(self.p)
    }
}

impl Operation for Transpose {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        match rng.chance(self.p) {
            true => Drawn::Motion(Motion::transpose(subject.size())),
            false => Drawn::Nothing,
        }
    }

    fn moves(&self) -> bool {
        true
    }

    fn resized(&self, [width, height]: [u32; 2]) -> Option<[u32; 2]> {
        if width == height || self.p == 0.0 {
            return Some([width, height]);
        }
        (self.p == 1.0).then_some([height, width])
    }
}
