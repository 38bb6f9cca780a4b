//! What operations that depend on the class know of a dataset.

use serde::{Deserialize, Serialize};

/// The classes of a dataset, for operations that depend on them, such as [`ByClass`](crate::image::ByClass).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Classes {
    /// The names, by class number.
    pub names: Vec<String>,
    /// Rows of each class, by class number; empty where that is not known.
    pub counts: Vec<u64>,
}

impl Classes {
    /// Classes of these names, and how many rows each has: none, or as many as there are names.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>, counts: impl Into<Vec<u64>>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            counts: counts.into(),
        }
    }
}
