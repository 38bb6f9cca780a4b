//! Which row a row is mixed with.

use crate::dataset::Len;
use crate::rng::{Permutation, Rng, stream};
use std::collections::HashMap;

/// An epoch in windows of `size` positions, the last one shorter.
///
/// In each window a random cycle leads from every row to its partner, through all rows: each is the partner of exactly one
/// other, and none is its own (in a window of one row alone it is).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub(crate) len: Len,
    pub(crate) size: u64,
}

impl Windows {
    /// The partner of each of `positions`, under the name that draws.
    pub(crate) fn partners(&self, seed: u64, name: &str, positions: &[u64]) -> Vec<u64> {
        self.successors(seed, name, positions, 1)
            .into_iter()
            .flatten()
            .collect()
    }

    /// The next `count` rows of the cycle after each of `positions`: others than the row itself and each another one, while the window has as many.
    pub(crate) fn successors(&self, seed: u64, name: &str, positions: &[u64], count: usize) -> Vec<Vec<u64>> {
        let mut known = HashMap::new();
        let after = |&position: &u64| {
            let (epoch, row) = self.len.split(position);
            let (window, within) = (row / self.size, row % self.size);
            let start = position - within;
            let next = known.entry(start).or_insert_with(|| {
                let rows = self.rows(start, row - within);
                cycle(rows, &mut Rng::new(seed, name, stream(&[epoch, window])))
            });
            let mut at = within;
            let one = |_| {
                at = next[at as usize];
                start + at
            };
            (0..count).map(one).collect()
        };
        positions.iter().map(after).collect()
    }

    /// Rows of the window that begins at position `start`, which is row `row` of its epoch.
    fn rows(&self, start: u64, row: u64) -> u64 {
        let left = self.len.finite().map_or(u64::MAX, |len| len - row);
        self.size.min(left).min((u64::MAX - start).saturating_add(1))
    }
}

/// Each row's successor in a random cycle through `0..rows`.
fn cycle(rows: u64, rng: &mut Rng) -> Vec<u64> {
    let (order, mut next) = (Permutation::new(rows, rng), vec![0; rows as usize]);
    for at in 0..rows {
        next[order.get(at) as usize] = order.get((at + 1) % rows);
    }
    next
}
