//! The tasks of this crate by name, and how one is written and read under its name.

use super::classify::Classify;
use super::definition::Task;
use super::multilabel::MultiLabel;
use super::regress::Regress;
use crate::spec::{Catalog, Spec, checked};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cell::RefCell;
use std::sync::Arc;

/// A task that is written and read under its name: `{ regress = { loss = "mse" } }`.
#[derive(Clone, Debug)]
pub struct NamedTask(pub Arc<dyn Task>);

impl<T: Task> From<T> for NamedTask {
    fn from(task: T) -> Self {
        Self(Arc::new(task))
    }
}

impl Serialize for NamedTask {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.description().tagged().serialize(to)
    }
}

impl<'de> Deserialize<'de> for NamedTask {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let known = KNOWN.with_borrow(Clone::clone).unwrap_or_else(tasks);
        Ok(Self(Arc::from(known.read(from)?)))
    }
}

thread_local! {
    /// The tasks that are known while something is read; those of this crate where nothing else was said.
    static KNOWN: RefCell<Option<Catalog<dyn Task>>> = const { RefCell::new(None) };
}

/// Runs `read`, in which the tasks of `catalog` are known.
pub(crate) fn reading_with<T>(catalog: &Catalog<dyn Task>, read: impl FnOnce() -> T) -> T {
    let before = KNOWN.replace(Some(catalog.clone()));
    let result = read();
    KNOWN.set(before);
    result
}

/// The tasks of this crate, by name.
pub fn tasks() -> Catalog<dyn Task> {
    Catalog::new("task")
        .task::<Classify>()
        .task::<MultiLabel>()
        .task::<Regress>()
}

impl Catalog<dyn Task> {
    /// With the task `T`, one of a user's own.
    #[must_use]
    pub fn task<T: Task + Spec>(self) -> Self {
        self.with(T::NAME, |from| Ok(Box::new(checked::<T>(from)?)))
    }
}
