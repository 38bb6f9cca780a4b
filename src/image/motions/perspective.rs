//! Seen from aside.

use super::moved;
use crate::error::Result;
use crate::image::parameters::{check_number, check_p};
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Draws the picture, with probability `p`, as if seen from aside: each corner moves inwards, across and down, by up to `distortion_scale` of
/// half the side. torchvision's `RandomPerspective`, whose corners fall on whole pixels. The size stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Perspective {
    distortion_scale: f32,
    p: f32,
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

impl Perspective {
    /// `distortion_scale` in `0..=0.95`, `p` in `0..=1`; torchvision's defaults are 0.5 for both. With more the corners could meet.
    pub fn new(distortion_scale: f32, p: f32) -> Self {
        Self {
            distortion_scale,
            p,
            padding_mode: None,
        }
    }

    /// Where the corners go, clockwise from the top left; none where the picture stays as it is.
    fn corners(&self, size: [u32; 2], rng: &mut Rng) -> Option<[[f64; 2]; 4]> {
        let happens = rng.chance(self.p);
        let [width, height] = size.map(f64::from);
        let mut inwards = |side: f64| f64::from(rng.unit()) * f64::from(self.distortion_scale) * side / 2.0;
        let corners = [
            [inwards(width), inwards(height)],
            [width - inwards(width), inwards(height)],
            [width - inwards(width), height - inwards(height)],
            [inwards(width), height - inwards(height)],
        ];
        happens.then_some(corners)
    }
}

impl Default for Perspective {
    fn default() -> Self {
        Self::new(0.5, 0.5)
    }
}

impl Spec for Perspective {
    const NAME: &'static str = "perspective";

    fn check(&self) -> Result<()> {
        check_number("distortion_scale", self.distortion_scale, 0.0..=0.95)?;
        check_p(self.p)
    }
}

impl Operation for Perspective {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let size = subject.size();
        let [width, height] = size.map(f64::from);
        let from = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]];
        let ends = self.corners(size, rng);
        moved(
            ends.and_then(|ends| Motion::of_points(size, size, from, ends)),
            self.padding_mode,
        )
    }

    fn moves(&self) -> bool {
        true
    }
}
