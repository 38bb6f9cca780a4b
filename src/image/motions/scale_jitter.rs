//! Another scale and another place.

use std::ops::RangeInclusive;

use super::moved;
use super::placed::Placed;
use crate::error::Result;
use crate::image::parameters::check_range;
use crate::image::{Drawn, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Resizes the picture by a factor drawn evenly from `scale_range`. Of a larger one a part at a random place is taken, and a smaller one is put at a random
/// place. The size stays: torchvision's `ScaleJitter`, followed by `RandomCrop` with `pad_if_needed`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScaleJitter {
    #[serde(with = "crate::spec::range", alias = "scale")]
    scale_range: RangeInclusive<f32>,
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

impl ScaleJitter {
    /// `scale_range` within `0.01..=100` (torchvision: `0.1..=2.0`).
    pub fn new(scale_range: RangeInclusive<f32>) -> Self {
        Self {
            scale_range,
            padding_mode: None,
        }
    }

    fn drawn(&self, size: [u32; 2], rng: &mut Rng) -> Placed {
        let factor = f64::from(rng.range(*self.scale_range.start(), *self.scale_range.end()));
        let corner = size.map(|side| f64::from(side) * (1.0 - factor) * f64::from(rng.unit()));
        Placed { factor, corner }
    }
}

impl Default for ScaleJitter {
    fn default() -> Self {
        Self::new(0.1..=2.0)
    }
}

impl Spec for ScaleJitter {
    const NAME: &'static str = "scale_jitter";

    fn check(&self) -> Result<()> {
        check_range("scale_range", &self.scale_range, 0.01..=100.0)
    }
}

impl Operation for ScaleJitter {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let size = subject.size();
        moved(self.drawn(size, rng).motion(size), self.padding_mode)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        Some(self.drawn(subject.size(), rng).in_words())
    }

    fn moves(&self) -> bool {
        true
    }
}
