//! Positions divided into stored rows and rows to be generated.

use super::pick::{Pick, Stored};
use crate::synthetic::SampleId;

/// What some positions need, by where it comes from.
#[derive(Debug)]
pub(super) struct Sorted {
    pub(super) stored: Vec<Stored>,
    pub(super) made: Vec<SampleId>,
    /// For each position: 0 and an index into `stored`, or 1 and an index into `made`.
    pub(super) picks: Vec<(usize, usize)>,
}

impl Sorted {
    pub(super) fn with_capacity(positions: usize) -> Self {
        Self {
            stored: Vec::with_capacity(positions),
            made: Vec::new(),
            picks: Vec::with_capacity(positions),
        }
    }

    pub(super) fn add(&mut self, pick: Pick) {
        match pick {
            Pick::Stored(row) => {
                self.picks.push((0, self.stored.len()));
                self.stored.push(row);
            }
            Pick::Made(sample) => {
                self.picks.push((1, self.made.len()));
                self.made.push(sample);
            }
        }
    }
}
