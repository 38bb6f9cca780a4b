//! RandAugment.

use super::space::{self, RAND_AUGMENT};
use super::transform::{Chosen, all_drawn, all_in_words};
use crate::error::{Error, Result};
use crate::image::parameters::check_number;
use crate::image::{Depth, Drawn, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Runs `num_ops` transforms of one strength, each drawn from fourteen, all as likely as each other, the same one perhaps twice
/// (Cubuk et al. 2020): torchvision's `RandAugment`, with its transforms, magnitudes and defaults.
///
/// | transform | from `magnitude` 0 to `num_magnitude_bins - 1` |
/// |---|---|
/// | identity, autocontrast, equalize | one strength |
/// | shear x, shear y | 0 to 0.3, either way, about the top left corner |
/// | translate x, translate y | 0 to 150/331 of the side, in whole pixels, either way |
/// | rotate | 0 to 30 degrees, either way |
/// | brightness, color (saturation), contrast, sharpness | a factor of 1 to 0.1 or 1.9 |
/// | posterize | 8 to 4 bits |
/// | solarize | a threshold of 255 to 0 |
///
/// A transform is run on `1 - (13/14)^num_ops` of the rows at least once: 0.138 for two. Unlike in torchvision pictures are sampled
/// bilinearly, what comes from outside is black, motions side by side are one resample, and masks and boxes move with the picture.
///
/// ```
/// use millstream::image::{Image, RandAugment};
///
/// let train = Image::new(224).with(RandAugment::new().magnitude(7));
/// # train.check().unwrap();
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandAugment {
    num_ops: u32,
    magnitude: u32,
    num_magnitude_bins: u32,
}

impl RandAugment {
    /// Two transforms of magnitude 9 of 31.
    pub fn new() -> Self {
        Self {
            num_ops: 2,
            magnitude: 9,
            num_magnitude_bins: 31,
        }
    }

    /// How many transforms each row gets, in `0..=64`. Defaults to 2.
    #[must_use]
    pub fn num_ops(mut self, num_ops: u32) -> Self {
        self.num_ops = num_ops;
        self
    }

    /// How strong they are: a bin of the scale, from 0. Defaults to 9.
    #[must_use]
    pub fn magnitude(mut self, magnitude: u32) -> Self {
        self.magnitude = magnitude;
        self
    }

    /// Bins of the scale, in `2..=1000`. Defaults to 31.
    #[must_use]
    pub fn num_magnitude_bins(mut self, bins: u32) -> Self {
        self.num_magnitude_bins = bins;
        self
    }

    fn choose(&self, subject: &Subject, rng: &mut Rng) -> Vec<Chosen> {
        let size = [subject.width, subject.height];
        let one = |_| space::choose(&RAND_AUGMENT, |_| self.magnitude, self.num_magnitude_bins, size, rng);
        (0..self.num_ops).map(one).collect()
    }
}

impl Default for RandAugment {
    fn default() -> Self {
        Self::new()
    }
}

impl Spec for RandAugment {
    const NAME: &'static str = "rand_augment";

    fn check(&self) -> Result<()> {
        space::check_bins(self.num_magnitude_bins)?;
        check_number("num_ops", self.num_ops, 0..=64)?;
        match self.magnitude < self.num_magnitude_bins {
            true => Ok(()),
            false => Err(Error::config(format!(
                "magnitude is {}, but the {} bins are counted from 0",
                self.magnitude, self.num_magnitude_bins
            ))),
        }
    }
}

impl Operation for RandAugment {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        all_drawn(&self.choose(subject, rng), subject)
    }

    fn moves(&self) -> bool {
        self.num_ops > 0
    }

    fn changes_values(&self) -> bool {
        self.num_ops > 0
    }

    fn moves_changed_values(&self) -> bool {
        self.num_ops > 1
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        Some(all_in_words(&self.choose(subject, rng)))
    }

    fn is_random(&self) -> bool {
        self.num_ops > 0
    }
}
