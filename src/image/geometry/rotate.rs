//! Rotation about the centre.

use crate::error::{Error, Result};
use crate::image::{Drawn, Motion, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Turns the image about its centre by an angle drawn evenly from `-degrees..=degrees`, counter-clockwise where it is
/// positive: torchvision's `RandomRotation` with bilinear interpolation. The size stays; corners that come from outside
/// are black.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    degrees: f32,
}

impl Rotate {
    /// `degrees` in `0..=180`.
    pub fn new(degrees: f32) -> Self {
        Self { degrees }
    }

    fn angle(&self, rng: &mut Rng) -> f32 {
        rng.range(-self.degrees, self.degrees)
    }
}

impl Default for Rotate {
    fn default() -> Self {
        Self { degrees: 0.0 }
    }
}

impl Spec for Rotate {
    const NAME: &'static str = "rotate";
    const VERSION: u32 = 2;

    fn check(&self) -> Result<()> {
        match self.degrees {
            0.0..=180.0 => Ok(()),
            degrees => Err(Error::config(format!(
                "degrees is {degrees}, but has to lie in 0..=180"
            ))),
        }
    }
}

impl Operation for Rotate {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        Drawn::Motion(Motion::rotation(subject.size(), f64::from(self.angle(rng))))
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        Some(format!("{:.2} degrees", self.angle(rng)))
    }
}
