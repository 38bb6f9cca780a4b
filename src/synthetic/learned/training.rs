//! The rows that a generator is fitted on.

use crate::dataset::Stable;
use crate::exec::Context;
use crate::rows::Labels;
use std::sync::Arc;

/// What a generator is fitted on: training rows alone, in an order that does not change, and the class of each.
#[derive(Clone, Debug)]
pub struct Training {
    /// Threads and memory, and the seed of all draws of the fit.
    pub cx: Context,
    /// The rows, the label column among them.
    pub rows: Arc<dyn Stable>,
    /// Their classes.
    pub labels: Arc<Labels>,
}
