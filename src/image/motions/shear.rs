//! Sides leant over.

use super::affine::linear;
use super::moved;
use crate::error::Result;
use crate::image::parameters::check_number;
use crate::image::{Drawn, Motion, Operation, Padding, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Leans the picture's sides over, about its centre, by up to `degrees` either way: the first number leans vertical lines, the second
/// one horizontal lines. The size stays. It is the `shear` of torchvision's `RandomAffine`, of which a pair is the range for vertical lines alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shear {
    degrees: [f32; 2],
    #[serde(alias = "padding")]
    pub(super) padding_mode: Option<Padding>,
}

impl Shear {
    /// Of vertical lines, and of horizontal ones, each in `0..=80`. Defaults to 10 of both.
    pub fn new(degrees: [f32; 2]) -> Self {
        Self {
            degrees,
            padding_mode: None,
        }
    }

    fn angles(&self, rng: &mut Rng) -> [f32; 2] {
        self.degrees.map(|most| rng.range(-most, most))
    }
}

impl Default for Shear {
    fn default() -> Self {
        Self::new([10.0; 2])
    }
}

impl Spec for Shear {
    const NAME: &'static str = "shear";

    fn check(&self) -> Result<()> {
        let check = |most| check_number("degrees", most, 0.0..=80.0);
        self.degrees.into_iter().try_for_each(check)
    }
}

impl Operation for Shear {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let matrix = linear(0.0, 1.0, self.angles(rng));
        moved(
            Some(Motion::about_centre(subject.size(), matrix, [0.0; 2])),
            self.padding_mode,
        )
    }

    fn in_words(&self, _: &Subject, rng: &mut Rng) -> Option<String> {
        let [x, y] = self.angles(rng);
        Some(format!("{x:.2}, {y:.2} degrees"))
    }

    fn moves(&self) -> bool {
        true
    }
}
