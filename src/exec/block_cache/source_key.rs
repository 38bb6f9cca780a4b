//! What tells the blocks of one source from those of others.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, Weak};
// The tests of the cache run under a deterministic scheduler, which has a lock of its own.
#[cfg(test)]
use shuttle::sync::Mutex;
#[cfg(not(test))]
use std::sync::Mutex;

/// The source of a block, and its index among the blocks of that source.
pub(crate) type BlockKey = (u64, usize);

/// What has blocks of sources: a cache.
pub(crate) trait HoldsBlocks: Send + Sync {
    /// Drops the blocks of a source that is no more.
    fn forget(&self, source: u64);
}

/// The key of one opened dataset. With it, its blocks leave the caches that they are in.
pub(crate) struct SourceKey {
    id: u64,
    /// The caches that it has blocks in: one for each context that it was read with.
    caches: Mutex<Vec<Weak<dyn HoldsBlocks>>>,
}

impl SourceKey {
    /// A key that no other dataset of this process has.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            caches: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Notes that blocks of this source come into `cache`.
    pub(super) fn note(&self, cache: &Arc<impl HoldsBlocks + 'static>) {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Arc::as_ptr(cache).cast::<()>();
        if !caches.iter().any(|known| known.as_ptr().cast::<()>() == own) {
            caches.retain(|known| known.strong_count() > 0);
            let cache: Arc<dyn HoldsBlocks> = Arc::clone(cache) as _;
            caches.push(Arc::downgrade(&cache));
        }
    }
}

impl Drop for SourceKey {
    fn drop(&mut self) {
        let caches = self.caches.get_mut().unwrap_or_else(PoisonError::into_inner);
        for cache in caches.iter().filter_map(Weak::upgrade) {
            cache.forget(self.id);
        }
    }
}

impl fmt::Debug for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourceKey").field(&self.id).finish()
    }
}
