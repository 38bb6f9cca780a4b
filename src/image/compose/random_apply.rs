//! Operations with a probability.

use super::operations::Operations;
use crate::error::Result;
use crate::image::operation::{Composite, Drawn, Operation, Subject};
use crate::image::parameters::check_p;
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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

    /// The key of its operations, and which of them are run.
    fn choose(&self, rng: &mut Rng) -> (u64, Vec<usize>) {
        let key = rng.next_u64();
        let chosen = if rng.chance(self.p) {
            0..self.operations.len()
        } else {
            0..0
        };
        (key, chosen.collect())
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

impl Operation for RandomApply {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (key, chosen) = self.choose(rng);
        self.operations.draw(&chosen, subject, key)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let (key, chosen) = self.choose(rng);
        Some(self.operations.in_words(&chosen, subject, key))
    }

    fn is_random(&self) -> bool {
        self.p < 1.0 || self.operations.are_random()
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

impl Composite for RandomApply {
    fn lists(&self) -> Vec<(&'static str, &[Arc<dyn Operation>])> {
        vec![("operations", self.operations.as_slice())]
    }

    fn with_lists(&self, lists: Vec<Vec<Arc<dyn Operation>>>) -> Arc<dyn Operation> {
        let operations = lists.into_iter().next().unwrap_or_default().into();
        Arc::new(Self { operations, ..*self })
    }

    fn share(&self, _: usize, _: usize) -> Option<f64> {
        Some(self.p.into())
    }

    fn is_sequence(&self) -> bool {
        self.p >= 1.0
    }
}
