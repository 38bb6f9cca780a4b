//! Gamma.

use super::floats;
use crate::error::Result;
use crate::image::parameters::check_range;
use crate::image::{Depth, Drawn, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Raises levels, as shares of white, to a power drawn evenly from `gamma`: torchvision's `adjust_gamma`, drawn as albumentations'
/// `RandomGamma` draws it (whose limits are percentages), and rounded to the nearest level. Above 1 shadows become darker, below 1
/// lighter; black and white stay.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gamma {
    #[serde(with = "crate::spec::range")]
    gamma: RangeInclusive<f32>,
}

impl Gamma {
    /// `gamma` within `0.01..=100`; albumentations' default is `0.8..=1.2`.
    pub fn new(gamma: RangeInclusive<f32>) -> Self {
        Self { gamma }
    }

    fn gamma(&self, rng: &mut Rng) -> f32 {
        rng.range(*self.gamma.start(), *self.gamma.end())
    }
}

impl Default for Gamma {
    fn default() -> Self {
        Self::new(0.8..=1.2)
    }
}

impl Spec for Gamma {
    const NAME: &'static str = "gamma";

    fn check(&self) -> Result<()> {
        check_range("gamma", &self.gamma, 0.01..=100.0)
    }
}

impl Operation for Gamma {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let gamma = self.gamma(rng);
        Drawn::of_depth(
            subject.depth,
            move |pixels| raise(pixels, gamma),
            move |pixels| floats::raise(pixels, gamma),
        )
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        self.gamma.start() < self.gamma.end()
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("gamma {:.3}", self.gamma(rng)))
    }
}

pub(in crate::image) fn raise(pixels: &mut Pixels, gamma: f32) {
    let share = |level: usize| libm::pow(level as f64 / 255.0, f64::from(gamma));
    let table = std::array::from_fn(|level| libm::round(255.0 * share(level)) as u8);
    pixels.change_colors(|pixels| pixels.map(&table));
}
