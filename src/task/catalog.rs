//! The tasks of this crate by name.

use super::classify::Classify;
use super::definition::Task;
use super::detect::Detect;
use super::multilabel::MultiLabel;
use super::regress::Regress;
use super::segment::Segment;
use crate::spec::{Catalog, Kind, Named, Spec, read};
use std::sync::Arc;

/// A task that is written and read under its name: `{ regress = { loss = "mse" } }`.
pub type NamedTask = Named<dyn Task>;

impl<T: Task> From<T> for NamedTask {
    fn from(task: T) -> Self {
        Self::new(Arc::new(task))
    }
}

impl Kind for dyn Task {
    fn catalog() -> Catalog<Self> {
        tasks()
    }
}

/// The tasks of this crate, by name.
pub fn tasks() -> Catalog<dyn Task> {
    Catalog::new("task")
        .task::<Classify>()
        .task::<MultiLabel>()
        .task::<Regress>()
        .task::<Detect>()
        .task::<Segment>()
}

impl Catalog<dyn Task> {
    /// With the task `T`, one of a user's own.
    #[must_use]
    pub fn task<T: Task + Spec>(self) -> Self {
        self.with::<T>(|from| Ok(Box::new(read::<T, _>(from)?)))
    }
}
