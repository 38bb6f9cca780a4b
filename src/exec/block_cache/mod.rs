//! Decoded blocks in memory, those of all sources that are read with a context.

mod cache;
mod decoded;
mod in_use;
mod source_key;

use super::task::Task;
use in_use::BlocksInUse;
use std::sync::Arc;

pub(crate) use decoded::DecodedBlock;
pub(crate) use in_use::Holding;
pub(crate) use source_key::{BlockKey, SourceKey};

/// The cache of a context.
pub(crate) type BlockCache = cache::Cache<DecodedBlock, Task<Arc<DecodedBlock>>>;

/// A block that is there or on its way.
pub(crate) type Found = cache::Found<DecodedBlock, Task<Arc<DecodedBlock>>>;

/// The wish for a block that is on its way; its read is cancelled with the last one.
pub(crate) type LoadHandle = cache::LoadHandle<DecodedBlock, Task<Arc<DecodedBlock>>>;

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
