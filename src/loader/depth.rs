//! How many batches are made ahead, where nobody says: it changes no row.

/// Batches ahead at least.
pub(super) const LEAST: usize = 4;

/// Batches ahead when a run begins: as many as may work on blocks at a time, which is two more than there are threads.
pub(super) fn first(threads: usize) -> usize {
    (threads + 2).max(LEAST)
}

/// Batches ahead at most, where the run began with `first`.
pub(super) fn most(first: usize) -> usize {
    4 * first
}

/// Whether one more pays: the trainer waits for a batch, and of the `others` that come after it most are `ready`, so that
/// threads have nothing to do.
pub(super) fn pays(ready: usize, others: usize) -> bool {
    others > 0 && 2 * ready > others
}
