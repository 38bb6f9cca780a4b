//! Operations one after the other, as one.

use super::choose::Choose;
use super::operations::Operations;
use crate::error::Result;
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Runs all of its operations in their order: albumentations' `Sequential`, torchvision's `Compose`. It is one choice of
/// [`OneOf`](crate::image::OneOf), say; a stage runs its operations in order by itself.
///
/// Each is run on every row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sequential {
    operations: Operations,
}

impl Sequential {
    /// At least one operation.
    pub fn new(operations: impl Into<Operations>) -> Self {
        Self {
            operations: operations.into(),
        }
    }
}

impl Spec for Sequential {
    const NAME: &'static str = "sequential";

    fn check(&self) -> Result<()> {
        self.operations.check("operations")
    }
}

impl Choose for Sequential {
    fn operations(&self) -> &Operations {
        &self.operations
    }

    fn with_operations(self, operations: Operations) -> Self {
        Self { operations }
    }

    fn choose(&self, _: &mut Rng) -> Vec<usize> {
        (0..self.operations.len()).collect()
    }

    fn share_of(&self, _: usize) -> f64 {
        1.0
    }

    fn chooses_at_random(&self) -> bool {
        self.operations.are_random()
    }

    fn runs_all_in_order(&self) -> bool {
        true
    }
}
