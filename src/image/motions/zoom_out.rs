//! A smaller picture somewhere on a larger ground.

use std::ops::RangeInclusive;

use super::{checked, moved};
use crate::error::Result;
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
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
    padding: Option<Padding>,
}

impl ZoomOut {
    /// `side_range` within `1..=100` (torchvision: `1.0..=4.0`), `p` in `0..=1`.
    pub fn new(side_range: RangeInclusive<f32>, p: f32) -> Self {
        Self {
            side_range,
            p,
            padding: None,
        }
    }

    /// What is beyond the picture, in place of what operations before it say, or black.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = Some(padding);
        self
    }

    /// By which factor the picture is scaled, and to where its corner moves.
    fn drawn(&self, size: [u32; 2], rng: &mut Rng) -> Option<(f64, [f64; 2])> {
        let happens = rng.chance(self.p);
        let factor = 1.0 / f64::from(rng.range(*self.side_range.start(), *self.side_range.end()));
        let place = size.map(|side| f64::from(side) * (1.0 - factor) * f64::from(rng.unit()));
        happens.then_some((factor, place))
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
        checked::range("side_range", &self.side_range, 1.0..=100.0)?;
        checked::probability(self.p)
    }
}

impl Operation for ZoomOut {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let size = subject.size();
        let motion = self.drawn(size, rng).and_then(|(factor, [x, y])| {
            let matrix = [factor, 0.0, x, 0.0, factor, y];
            Motion::affine(size, size, matrix)
        });
        moved(motion, self.padding)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        Some(match self.drawn(subject.size(), rng) {
            Some((factor, [x, y])) => format!("factor {factor:.3} from {x:.1}, {y:.1}"),
            None => "unchanged".to_owned(),
        })
    }

    fn moves(&self) -> bool {
        true
    }
}
