//! An operation of a stage.

use super::compose::inside::{ClassNeeds, class_needs};
use super::compose::operations::numbered;
use super::operation::Operation;
use crate::rng::Rng;
use std::sync::Arc;

/// An operation and how many of its name come before it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) nth: u64,
    pub(super) operation: Arc<dyn Operation>,
    /// What it has to know of the class of a row.
    pub(super) needs: ClassNeeds,
}

impl Step {
    pub(super) fn new(operation: Arc<dyn Operation>, before: &[Self]) -> Self {
        let last = before
            .iter()
            .rev()
            .find(|step| step.operation.name() == operation.name());
        Self {
            nth: last.map_or(0, |step| step.nth + 1),
            needs: class_needs(&*operation),
            operation,
        }
    }

    /// The same step of another operation, of the same name.
    pub(super) fn replace(&mut self, operation: Arc<dyn Operation>) {
        self.needs = class_needs(&*operation);
        self.operation = operation;
    }

    /// What it draws from, in the row of key `key`.
    pub(super) fn rng(&self, key: u64) -> Rng {
        Rng::new(key, self.operation.name(), self.nth)
    }

    /// Its name in plans: `gaussian_blur`, and then `gaussian_blur#2`.
    pub(super) fn name(&self) -> String {
        numbered(self.operation.name(), self.nth)
    }
}
