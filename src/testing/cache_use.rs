//! What is in a context's cache of decoded blocks.

use crate::exec::Context;

/// What a context's cache of decoded blocks holds, of all sources together; made by [`cache_use`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Blocks in memory.
    pub blocks: usize,
    /// Bytes of these blocks.
    pub bytes: u64,
    /// Blocks that are being read.
    pub loading: usize,
}

/// What the cache of `cx` holds now: at most half of the context's memory.
///
/// Reads that were cancelled do not count, so a dropped [`Prepared`](crate::Prepared) leaves nothing under way.
pub fn cache_use(cx: &Context) -> CacheUse {
    let (blocks, bytes, loading) = cx.block_cache().in_memory();
    CacheUse { blocks, bytes, loading }
}
