//! How many batches are made ahead, where nobody says: it changes no row.

/// Takes ahead at least.
pub(super) const LEAST: usize = 4;

/// Bytes of small batches that are taken together.
const TOGETHER: u64 = 1 << 20;

/// Batches of `bytes` that are taken together: waking threads costs more than copying a few rows.
pub(super) fn together(bytes: u64) -> usize {
    (TOGETHER / bytes.max(1)).clamp(1, 64) as usize
}

/// Batches of `bytes` ahead when a run begins: as many takes as may work on blocks at a time, which is two more than there
/// are threads.
pub(super) fn first(threads: usize, bytes: u64) -> usize {
    (threads + 2).max(LEAST) * together(bytes)
}

/// Batches ahead at most, where the run began with `first`.
pub(super) fn most(first: usize) -> usize {
    4 * first
}

/// Whether one take more pays: the trainer waits for one, and of the `others` that come after it most are `ready`, so that
/// threads have nothing to do.
pub(super) fn pays(ready: usize, others: usize) -> bool {
    others > 0 && 2 * ready > others
}
