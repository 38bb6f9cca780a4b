//! Decoded blocks in memory, those of all sources that are read with a context.

mod cache;
mod decoded;
mod in_use;
mod source_key;

use super::reservation::Share;
use super::task::Task;
use in_use::{BlocksInUse, Holding};
use std::sync::Arc;

pub(crate) use decoded::DecodedBlock;

/// The cache of a context.
pub(crate) type BlockCache = cache::Cache<DecodedBlock, Task<Arc<DecodedBlock>>>;

/// What tells the blocks of one opened dataset from those of others.
pub(crate) type SourceKey = source_key::SourceKey<DecodedBlock, Task<Arc<DecodedBlock>>>;

/// A block that is there or on its way.
pub(crate) type Found = cache::Found<DecodedBlock, Task<Arc<DecodedBlock>>>;

/// The wish for a block that is on its way; its read is cancelled with the last one.
pub(crate) type LoadHandle = cache::LoadHandle<DecodedBlock, Task<Arc<DecodedBlock>>>;

/// The source of a block, and its index among the blocks of that source.
pub(crate) type BlockKey = (u64, usize);

/// The cache, and which blocks takes work on.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) cache: Arc<BlockCache>,
    pub(super) in_use: BlocksInUse,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self {
            cache: Arc::new(BlockCache::new()),
            in_use: BlocksInUse::default(),
        }
    }
}

impl super::Context {
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
}
