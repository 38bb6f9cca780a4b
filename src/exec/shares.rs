//! What each kind of work may have in memory.

use super::Context;
use super::block_cache::{BlockCache, BlockKey, Holding};
use super::budget::{batches_share, blocks_share, rows_share};
use super::buffers::BufferPool;
use super::reservation::{Reservation, Share};
use std::sync::Arc;

impl Context {
    /// The cache of decoded blocks. It has at most [`blocks_left`](Self::blocks_left) bytes.
    pub(crate) fn block_cache(&self) -> &Arc<BlockCache> {
        &self.blocks().cache
    }

    /// Drops the oldest blocks of the cache, until it has no more than what is [left](Self::blocks_left) for it.
    pub(crate) fn trim_cache(&self) {
        self.block_cache().trim(self.blocks_left());
    }

    /// Waits until `blocks`, each with its bytes, may be in memory beside what other takes hold. Who has the result may wait
    /// for reads, but for no other take.
    pub(crate) async fn hold_blocks(&self, turn: u64, blocks: &[(BlockKey, u64)]) -> Holding {
        let share: &Arc<Share> = &self.budget().blocks;
        self.blocks().in_use.hold(share, turn, blocks).await
    }

    /// Bytes for decoded blocks, those that takes work on among them: half of the budget.
    pub(crate) fn blocks_share(&self) -> u64 {
        blocks_share(self.memory())
    }

    /// What is left of [`blocks_share`](Self::blocks_share) beside what is borrowed for rows that are read ahead.
    pub(crate) fn blocks_left(&self) -> u64 {
        self.budget().blocks.left()
    }

    /// Bytes that one take may ask of decoded blocks at a time, so that two can work side by side.
    pub(crate) fn take_share(&self) -> u64 {
        self.blocks_left() / 2
    }

    /// Bytes for rows that are held in memory: a quarter of the budget.
    pub(crate) fn rows_share(&self) -> u64 {
        rows_share(self.memory())
    }

    /// Bytes for batches that are ready or being made: an eighth of the budget.
    pub(crate) fn batches_share(&self) -> u64 {
        batches_share(self.memory())
    }

    /// The place of rows that are asked for now among all that are, in which they are served.
    pub(crate) fn turn(&self) -> u64 {
        self.budget().turn()
    }

    /// Waits until one take more may work on blocks.
    pub(crate) async fn taking(&self, turn: u64) -> Reservation {
        self.budget().takes.reserve(turn, 1).await
    }

    /// Waits until `bytes` of blocks, whichever they are, may be in memory beside those of other takes. Who has them may wait
    /// for reads, but for no other take.
    pub(crate) async fn reserve_blocks(&self, turn: u64, bytes: u64) -> Reservation {
        self.budget().blocks.reserve(turn, bytes).await
    }

    /// Waits until `bytes` may be read and decoded beside what others read; more than the whole share waits for all of it. Who
    /// has them waits for nobody.
    pub(crate) async fn reading(&self, turn: u64, bytes: u64) -> Reservation {
        self.budget().reads.reserve(turn, bytes).await
    }

    /// All that is left of the share for rows that are held in memory.
    pub(crate) fn reserve_rows(&self) -> Reservation {
        self.budget().rows.reserve_lasting(|left| left)
    }

    /// `bytes` of the share for rows that are held in memory, or what is left of it, for what is held in any case.
    pub(crate) fn hold_rows(&self, bytes: u64) -> Reservation {
        self.budget().rows.reserve_lasting(|_| bytes)
    }

    /// Half of what is left of the share for decoded blocks, for another use. What the cache has is cut by
    /// [`trim_cache`](Self::trim_cache).
    pub(crate) fn borrow_blocks(&self) -> Reservation {
        self.budget().blocks.reserve_lasting(|left| left / 2)
    }

    /// Large buffers for bytes, of which no more than a thirty-second of the budget waits for use.
    pub(crate) fn buffers(&self) -> &Arc<BufferPool<u8>> {
        &self.budget().buffers
    }
}
