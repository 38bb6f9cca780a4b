//! Moved aside.

use super::moved;
use crate::error::Result;
use crate::image::parameters::check_number;
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Moves the picture aside by up to these shares of its width and its height, either way, to whole pixels: the `translate` of torchvision's
/// `RandomAffine`. The size stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Translate {
    #[serde(alias = "shares")]
    translate: [f32; 2],
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

impl Translate {
    /// Shares of width and height, each in `0..=1`. Defaults to 0.0625 of both, as in albumentations' `ShiftScaleRotate`.
    pub fn new(translate: [f32; 2]) -> Self {
        Self {
            translate,
            padding_mode: None,
        }
    }
}

impl Default for Translate {
    fn default() -> Self {
        Self::new([0.0625; 2])
    }
}

impl Spec for Translate {
    const NAME: &'static str = "translate";

    fn check(&self) -> Result<()> {
        let check = |share| check_number("translate", share, 0.0..=1.0);
        self.translate.into_iter().try_for_each(check)
    }
}

/// Whole pixels to the right and down, of a picture of `size`.
pub(super) fn shift(shares: [f32; 2], size: [u32; 2], rng: &mut Rng) -> [f64; 2] {
    [0, 1].map(|axis| {
        let most = f64::from(shares[axis]) * f64::from(size[axis]);
        libm::round(f64::from(rng.range(-1.0, 1.0)) * most)
    })
}

impl Operation for Translate {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let size = subject.size();
        let motion = Motion::about_centre(size, [1.0, 0.0, 0.0, 1.0], shift(self.translate, size, rng));
        moved(Some(motion), self.padding_mode)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let [x, y] = shift(self.translate, subject.size(), rng);
        Some(format!("{x}, {y} pixels"))
    }

    fn moves(&self) -> bool {
        true
    }
}
