//! Operations one after the other, as one.

use super::operations::Operations;
use crate::error::Result;
use crate::image::operation::{Composite, Drawn, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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

    fn all(&self) -> Vec<usize> {
        (0..self.operations.len()).collect()
    }
}

impl Spec for Sequential {
    const NAME: &'static str = "sequential";

    fn check(&self) -> Result<()> {
        self.operations.check("operations")
    }
}

impl Operation for Sequential {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        self.operations.draw(&self.all(), subject, rng.next_u64())
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        Some(self.operations.in_words(&self.all(), subject, rng.next_u64()))
    }

    fn is_random(&self) -> bool {
        self.operations.are_random()
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

impl Composite for Sequential {
    fn lists(&self) -> Vec<(&'static str, &[Arc<dyn Operation>])> {
        vec![("operations", self.operations.as_slice())]
    }

    fn with_lists(&self, lists: Vec<Vec<Arc<dyn Operation>>>) -> Arc<dyn Operation> {
        let operations = lists.into_iter().next().unwrap_or_default().into();
        Arc::new(Self { operations })
    }

    fn share(&self, _: usize, _: usize) -> Option<f64> {
        Some(1.0)
    }

    fn is_sequence(&self) -> bool {
        true
    }
}
