//! Another size.

use crate::error::Result;
use crate::image::parameters::check_number;
use crate::image::{Drawn, Motion, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Brings each row's picture to `size`, squashed where its sides' ratio is another one: torchvision's `Resize`, `[width, height]` where that has
/// `[height, width]`. Together with the stage's own resize it is one resample. What follows has to bring the picture back to the stage's
/// size: `resize` to 256 pixels and a `random_crop` of 224 in a stage of 224.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resize {
    size: [u32; 2],
}

impl Resize {
    /// `[width, height]`, each in `1..=8192` pixels.
    pub fn new(size: [u32; 2]) -> Self {
        Self { size }
    }
}

impl Default for Resize {
    fn default() -> Self {
        Self { size: [256; 2] }
    }
}

impl Spec for Resize {
    const NAME: &'static str = "resize";

    fn check(&self) -> Result<()> {
        let side = |side: u32| check_number("size", side, 1..=8192);
        self.size.into_iter().try_for_each(side)
    }
}

impl Operation for Resize {
    fn draw(&self, subject: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Motion(Motion::resize(subject.size(), self.size))
    }

    fn is_random(&self) -> bool {
        false
    }

    fn in_words(&self, _: &Subject, _: &mut Rng) -> Option<String> {
        Some(format!("to {} x {}", self.size[0], self.size[1]))
    }

    fn moves(&self) -> bool {
        true
    }

    fn resized(&self, _: [u32; 2]) -> Option<[u32; 2]> {
        Some(self.size)
    }
}
