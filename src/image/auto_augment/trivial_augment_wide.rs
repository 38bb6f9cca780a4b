//! TrivialAugmentWide.

use super::space::{self, TRIVIAL_AUGMENT_WIDE};
use super::transform::{Chosen, all_drawn, all_in_words};
use crate::error::Result;
use crate::image::{Depth, Drawn, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Runs one transform, drawn from fourteen, with a strength that is drawn, too (Mueller and Hutter 2021): torchvision's
/// `TrivialAugmentWide`, with its transforms, magnitudes and defaults. All transforms and all bins are as likely as each other.
///
/// | transform | from the weakest bin to the strongest |
/// |---|---|
/// | identity, autocontrast, equalize | one strength |
/// | shear x, shear y | 0 to 0.99, either way, about the top left corner |
/// | translate x, translate y | 0 to 32 pixels, whole ones, either way |
/// | rotate | 0 to 135 degrees, either way |
/// | brightness, color (saturation), contrast, sharpness | a factor of 1 to 0.01 or 1.99 |
/// | posterize | 8 to 2 bits |
/// | solarize | a threshold of 255 to 0 |
///
/// Unlike in torchvision pictures are sampled bilinearly, what comes from outside is black, and masks and boxes move with the picture.
///
/// ```
/// use millstream::image::{Image, TrivialAugmentWide};
///
/// let train = Image::new(224).with(TrivialAugmentWide::new());
/// # train.check().unwrap();
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrivialAugmentWide {
    num_magnitude_bins: u32,
}

impl TrivialAugmentWide {
    /// With 31 bins.
    pub fn new() -> Self {
        Self { num_magnitude_bins: 31 }
    }

    /// Bins of the scale, in `2..=1000`. Defaults to 31.
    #[must_use]
    pub fn num_magnitude_bins(mut self, bins: u32) -> Self {
        self.num_magnitude_bins = bins;
        self
    }

    fn choose(&self, subject: &Subject, rng: &mut Rng) -> Chosen {
        let (size, bins) = ([subject.width, subject.height], self.num_magnitude_bins);
        space::choose(
            &TRIVIAL_AUGMENT_WIDE,
            |rng| rng.below(bins.into()) as u32,
            bins,
            size,
            rng,
        )
    }
}

impl Default for TrivialAugmentWide {
    fn default() -> Self {
        Self::new()
    }
}

impl Spec for TrivialAugmentWide {
    const NAME: &'static str = "trivial_augment_wide";

    fn check(&self) -> Result<()> {
        space::check_bins(self.num_magnitude_bins)
    }
}

impl Operation for TrivialAugmentWide {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        all_drawn(&[self.choose(subject, rng)], subject)
    }

    fn moves(&self) -> bool {
        true
    }

    fn changes_values(&self) -> bool {
        true
    }

    // It is one transform, which does one of both.
    fn moves_changed_values(&self) -> bool {
        false
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        Some(all_in_words(&[self.choose(subject, rng)]))
    }
}
