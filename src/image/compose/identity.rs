//! Nothing.

use crate::image::drawn::Drawn;
use crate::image::level::Depth;
use crate::image::operation::{Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Leaves the picture as it is: one choice among others, as torchvision's `Identity` and albumentations' `NoOp`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {}

impl Identity {
    /// Without parameters.
    pub fn new() -> Self {
        Self {}
    }
}

impl Spec for Identity {
    const NAME: &'static str = "identity";
}

impl Operation for Identity {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Nothing
    }

    fn changes_values(&self) -> bool {
        false
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn is_random(&self) -> bool {
        false
    }
}
