//! The byte budget of a context, and its division into shares.

use super::buffers::BufferPool;
use super::reservation::Share;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// All bytes that a context may have in use, and the shares that they are reserved from.
///
/// # Who may wait for whom
///
/// A take waits for its place among the takes, then for the bytes of its blocks, then for reads. A read holds bytes of `reads`
/// and waits for nothing else. So a holder waits for what stands further down in this list alone, and what stands last
/// comes to its end by itself: there is no deadlock. Bytes that last as long as a dataset (`rows`, and what is borrowed of `blocks`)
/// are never waited for, and leave room for one take, which is let in alone.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) memory: u64,
    /// Takes that work on blocks: two more than there are threads, so that these have work while some takes wait.
    pub(super) takes: Arc<Share>,
    /// Bytes of the decoded blocks that takes work on: half. What is not borrowed of it is the size of the cache, too.
    pub(super) blocks: Arc<Share>,
    /// Bytes that reads under way hold, stored and decoded: an eighth, less what waits in spare buffers.
    pub(super) reads: Arc<Share>,
    /// Bytes of rows that balances hold in memory: a quarter.
    pub(super) rows: Arc<Share>,
    /// Buffers of bytes that were read or picked out of what was, for others: a thirty-second.
    pub(super) buffers: Arc<BufferPool<u8>>,
    turns: AtomicU64,
}

impl Budget {
    /// Buffers that wait for their next use at most.
    const WAITING: usize = 8;

    pub(super) fn new(memory: u64, threads: usize) -> Self {
        Self {
            memory,
            takes: Share::new(threads as u64 + 2),
            blocks: Share::new(blocks_share(memory)),
            reads: Share::new(reads_share(memory)),
            rows: Share::new(rows_share(memory)),
            buffers: Arc::new(BufferPool::new(Self::WAITING, (memory / 32) as usize)),
            turns: AtomicU64::new(0),
        }
    }

    /// The turn of a request that comes now, behind all before.
    pub(super) fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }
}

/// What of the budget `memory` is for decoded blocks: half.
pub(super) fn blocks_share(memory: u64) -> u64 {
    memory / 2
}

/// What of the budget `memory` is for reads under way: an eighth, less what waits in spare buffers.
pub(super) fn reads_share(memory: u64) -> u64 {
    memory / 32 * 3
}

/// What of the budget `memory` is for rows that are held in memory: a quarter.
pub(super) fn rows_share(memory: u64) -> u64 {
    memory / 4
}

/// What of the budget `memory` is for batches that are ready or being made: an eighth.
pub(super) fn batches_share(memory: u64) -> u64 {
    memory / 8
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_add_up_to_the_budget() {
        const MIB: u64 = 1 << 20;
        let budget = Budget::new(64 * MIB, 2);
        let shares = [&budget.blocks, &budget.rows, &budget.reads].map(|share| share.left());
        assert_eq!(shares, [32 * MIB, 16 * MIB, 6 * MIB]);
        let (batches, buffers) = (batches_share(64 * MIB), 2 * MIB);
        assert_eq!(batches, 8 * MIB);
        assert_eq!(shares.iter().sum::<u64>() + batches + buffers, budget.memory);
        assert_eq!(budget.takes.left(), 4);
        assert_eq!([budget.turn(), budget.turn(), budget.turn()], [0, 1, 2]);
    }
}
