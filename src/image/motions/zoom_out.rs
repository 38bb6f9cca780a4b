//! A smaller picture somewhere on a larger ground.

use std::ops::RangeInclusive;

use super::moved;
use super::placed::Placed;
use crate::error::Result;
use crate::image::parameters::{check_p, check_range};
use crate::image::{Drawn, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Puts the picture, with probability `p`, at a random place of a ground whose sides are longer by a factor drawn evenly from `side_range`, and brings
/// that back to the picture's size: torchvision's `RandomZoomOut`, followed by a resize.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ZoomOut {
    #[serde(with = "crate::spec::range")]
    side_range: RangeInclusive<f32>,
    p: f32,
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

impl ZoomOut {
    /// `side_range` within `1..=100` (torchvision: `1.0..=4.0`), `p` in `0..=1`.
    pub fn new(side_range: RangeInclusive<f32>, p: f32) -> Self {
        Self {
            side_range,
            p,
            padding_mode: None,
        }
    }

    fn drawn(&self, size: [u32; 2], rng: &mut Rng) -> Option<Placed> {
        let happens = rng.chance(self.p);
        let factor = 1.0 / f64::from(rng.range(*self.side_range.start(), *self.side_range.end()));
        let corner = size.map(|side| f64::from(side) * (1.0 - factor) * f64::from(rng.unit()));
        happens.then_some(Placed { factor, corner })
    }
}

impl Default for ZoomOut {
    fn default() -> Self {
        Self::new(1.0..=4.0, 0.5)
    }
}

impl Spec for ZoomOut {
    const NAME: &'static str = "zoom_out";

    fn check(&self) -> Result<()> {
        check_range("side_range", &self.side_range, 1.0..=100.0)?;
        check_p(self.p)
    }
}

impl Operation for ZoomOut {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let size = subject.size();
        let motion = self.drawn(size, rng).and_then(|placed| placed.motion(size));
        moved(motion, self.padding_mode)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let drawn = self.drawn(subject.size(), rng);
        Some(drawn.map_or_else(|| "unchanged".to_owned(), |placed| placed.in_words()))
    }

    fn moves(&self) -> bool {
        true
    }
}
