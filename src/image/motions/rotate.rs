//! Rotation about the centre.

use super::moved;
use crate::error::Result;
use crate::image::parameters::check_number;
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Turns the image about its centre by an angle drawn evenly from `-degrees..=degrees`, counter-clockwise where it is
/// positive: torchvision's `RandomRotation` with bilinear interpolation, without `expand`. The size stays. Corners show what the photo has beside
/// the crop; beyond the photo it is black, or what [`padding_mode`](Self::padding_mode) says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotate {
    degrees: f32,
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

impl Rotate {
    /// `degrees` in `0..=180`. Defaults to 10, as in a run that names no operations.
    pub fn new(degrees: f32) -> Self {
        Self {
            degrees,
            padding_mode: None,
        }
    }

    fn angle(&self, rng: &mut Rng) -> f32 {
        rng.range(-self.degrees, self.degrees)
    }
}

impl Default for Rotate {
    fn default() -> Self {
        Self::new(10.0)
    }
}

impl Spec for Rotate {
    const NAME: &'static str = "rotate";
    const VERSION: u32 = 2;

    fn check(&self) -> Result<()> {
        check_number("degrees", self.degrees, 0.0..=180.0)
    }
}

impl Operation for Rotate {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let motion = Motion::rotation(subject.size(), f64::from(self.angle(rng)));
        moved(Some(motion), self.padding_mode)
    }

    fn moves(&self) -> bool {
        true
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("{:.2} degrees", self.angle(rng)))
    }
}
