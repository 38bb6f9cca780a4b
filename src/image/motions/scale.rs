//! Larger or smaller about the centre.

use std::ops::RangeInclusive;

use super::moved;
use crate::error::Result;
use crate::image::parameters::check_range;
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Enlarges the picture about its centre by a factor drawn evenly from `scale`; below 1 it becomes smaller, and what is beside it is
/// seen. The size stays. It is the `scale` of torchvision's `RandomAffine`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scale {
    #[serde(with = "crate::spec::range")]
    scale: RangeInclusive<f32>,
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

impl Scale {
    /// `scale` within `0.01..=100`. Defaults to `0.9..=1.1`, as in albumentations' `ShiftScaleRotate`.
    pub fn new(scale: RangeInclusive<f32>) -> Self {
        Self {
            scale,
            padding_mode: None,
        }
    }

    fn factor(&self, rng: &mut Rng) -> f32 {
        rng.range(*self.scale.start(), *self.scale.end())
    }
}

impl Default for Scale {
    fn default() -> Self {
        Self::new(0.9..=1.1)
    }
}

impl Spec for Scale {
    const NAME: &'static str = "scale";

    fn check(&self) -> Result<()> {
        check_range("scale", &self.scale, 0.01..=100.0)
    }
}

impl Operation for Scale {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let factor = f64::from(self.factor(rng));
        let motion = Motion::about_centre(subject.size(), [factor, 0.0, 0.0, factor], [0.0; 2]);
        moved(Some(motion), self.padding_mode)
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("factor {:.3}", self.factor(rng)))
    }

    fn moves(&self) -> bool {
        true
    }
}
