//! The byte budget: what each kind of work may hold in memory, and the permits for it.

use super::buffers::BufferPool;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Bytes, and the permits that are given out for them.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) memory: u64,
    /// Takes that work on row groups: two more than there are threads, so that these have work while some takes wait.
    pub(super) takes: Semaphore,
    /// Parts of [`cache_share`](Context::cache_share) that takes hold on to.
    pub(super) held: Arc<Semaphore>,
    /// Pages of [`read_share`](Context::read_share).
    pub(super) reads: Semaphore,
    /// Buffers of bytes that were read or picked out of what was, for others.
    pub(super) buffers: Arc<BufferPool<u8>>,
}

impl Budget {
    /// Bytes as the semaphore counts them.
    const PAGE: u64 = 4096;

    /// Parts into which the share for decoded row groups is cut, however large it is.
    pub(super) const PARTS: u32 = 1 << 20;

    /// Buffers that wait for their next use at most.
    const WAITING: usize = 8;

    pub(super) fn new(memory: u64, threads: usize) -> Self {
        Self {
            memory,
            takes: Semaphore::new(threads + 2),
            held: Arc::new(Semaphore::new(Self::PARTS as usize)),
            reads: Semaphore::new(Self::pages(read_share(memory)) as usize),
            buffers: Arc::new(BufferPool::new(Self::WAITING, (memory / 32) as usize)),
        }
    }

    pub(super) fn pages(bytes: u64) -> u32 {
        u32::try_from(bytes / Self::PAGE).unwrap_or(u32::MAX >> 3).max(1)
    }
}

/// What of the budget `memory` is for reads under way: an eighth, less what waits in spare buffers.
pub(super) fn read_share(memory: u64) -> u64 {
    memory / 32 * 3
}

/// The budget where `available` bytes are left on the machine, and why.
pub(super) fn chosen(available: Option<u64>) -> (u64, String) {
    const UNKNOWN: u64 = 1 << 30;
    const RANGE: std::ops::RangeInclusive<u64> = 64 << 20..=8 << 30;
    let Some(available) = available else {
        return (UNKNOWN, "the system does not tell what is available".to_owned());
    };
    let memory = (available / 4).clamp(*RANGE.start(), *RANGE.end());
    let why = format!(
        "a quarter of the {} MiB that are available, 64 MiB to 8 GiB",
        available >> 20
    );
    (memory, why)
}
