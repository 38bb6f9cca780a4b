//! Operations with a probability.

use super::choose::Choose;
use super::operations::Operations;
use crate::error::Result;
use crate::image::parameters::check_p;
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Runs all of its operations in their order with probability `p`, and else none: torchvision's `RandomApply`, albumentations' `p`.
///
/// Each is run on a share `p` of the rows. An operation that has a `p` of its own has both: [`HorizontalFlip`](crate::image::HorizontalFlip)
/// with 0.5 inside of a `RandomApply` with 0.4 mirrors 0.2 of the rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomApply {
    p: f32,
    operations: Operations,
}

impl RandomApply {
    /// `p` in `0..=1` (torchvision: 0.5); at least one operation.
    pub fn new(p: f32, operations: impl Into<Operations>) -> Self {
        Self {
            p,
            operations: operations.into(),
        }
    }
}

impl Default for RandomApply {
    fn default() -> Self {
        Self::new(0.5, Operations::new())
    }
}

impl Spec for RandomApply {
    const NAME: &'static str = "random_apply";

    fn check(&self) -> Result<()> {
        check_p(self.p)?;
        self.operations.check("operations")
    }
}

impl Choose for RandomApply {
    fn operations(&self) -> &Operations {
        &self.operations
    }

    fn with_operations(self, operations: Operations) -> Self {
        Self { operations, ..self }
    }

    fn choose(&self, rng: &mut Rng) -> Vec<usize> {
        let runs = rng.chance(self.p);
        (0..self.operations.len()).filter(|_| runs).collect()
    }

    fn share_of(&self, _: usize) -> f64 {
        self.p.into()
    }

    fn chooses_at_random(&self) -> bool {
        self.p < 1.0 || self.operations.are_random()
    }

    fn runs_all_in_order(&self) -> bool {
        self.p >= 1.0
    }
}
