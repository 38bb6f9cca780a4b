//! What was worked out for a hint, kept for the take that follows it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Positions that were hinted lately, and what was found for them, so that the take need not work it out again.
#[derive(Debug)]
pub(crate) struct Hinted<T>(Mutex<VecDeque<Found<T>>>);

#[derive(Debug)]
struct Found<T> {
    seed: u64,
    positions: Vec<u64>,
    found: T,
}

impl<T> Default for Hinted<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Hinted<T> {
    /// As many as loaders run ahead; what is older is worked out again.
    const KEPT: usize = 64;

    /// Keeps what was `found` for `positions` in the run of `seed`.
    pub(crate) fn keep(&self, seed: u64, positions: &[u64], found: T) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(Found {
            seed,
            positions: positions.to_vec(),
            found,
        });
        if kept.len() > Self::KEPT {
            kept.pop_front();
        }
    }

    /// What was kept for `positions`, which is taken out.
    pub(crate) fn take(&self, seed: u64, positions: &[u64]) -> Option<T> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |known: &Found<T>| known.seed == seed && known.positions == positions;
        let at = kept.iter().position(known)?;
        kept.remove(at).map(|known| known.found)
    }
}
