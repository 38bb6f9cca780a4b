//! What comes at a position of a balanced dataset.

use crate::synthetic::SampleId;

/// What comes at a position, as others may know it.
#[cfg(feature = "train")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picked {
    /// The row at this position of the dataset that is balanced.
    Stored(u64),
    /// One that the generator makes.
    Synthetic(SampleId),
}

/// What comes at a position.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pick {
    Stored(Stored),
    Made(SampleId),
}

/// A stored row and its turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    /// Position of the base.
    pub(super) position: u64,
    pub(super) class: usize,
    /// How many passes over the class came before, and where in this one it comes.
    pub(super) pass: u64,
    pub(super) at: u64,
}
