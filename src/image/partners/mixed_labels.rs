//! MixUp and CutMix as operations of a run.

use crate::image::drawn::Drawn;
use crate::image::operation::{Operation, Subject};
use crate::rng::Rng;
use crate::rows::{CutMix, MixUp};
use std::any::Any;

/// In the `operations` of a [run](crate::task::AugmentOptions) alone, where it comes last: `{ mixup = { alpha = 0.2 } }`. It mixes the pictures of a
/// classification where stages of the network train on new ones, and its labels. An image stage has one row at a time and refuses it.
impl Operation for MixUp {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Nothing
    }

    fn with_partners(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// In the `operations` of a [run](crate::task::AugmentOptions) alone, where it comes last: `{ cutmix = { p = 0.5 } }`. It mixes the pictures of a
/// classification where stages of the network train on new ones, and its labels. An image stage has one row at a time and refuses it.
impl Operation for CutMix {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Nothing
    }

    fn with_partners(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
