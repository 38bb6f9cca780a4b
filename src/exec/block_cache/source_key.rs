//! What tells the blocks of one source from those of others.

use super::cache::Cache;
use crate::error::Result;
#[cfg(test)]
use shuttle::sync::Mutex;
#[cfg(not(test))]
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, Weak};

/// The key of one opened dataset. With it, its blocks leave the caches that they are in.
#[derive(Debug)]
pub(crate) struct SourceKey<B, L: Future<Output = Result<Arc<B>>>> {
    id: u64,
    /// The caches that it has blocks in: one for each context that it was read with.
    caches: Mutex<Vec<Weak<Cache<B, L>>>>,
}

impl<B, L: Future<Output = Result<Arc<B>>>> SourceKey<B, L> {
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
    pub(super) fn note(&self, cache: &Arc<Cache<B, L>>) {
        let mut caches = self.caches.lock().unwrap_or_else(PoisonError::into_inner);
        if !caches
            .iter()
            .any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(cache)))
        {
            caches.retain(|known| known.strong_count() > 0);
            caches.push(Arc::downgrade(cache));
        }
    }
}

impl<B, L: Future<Output = Result<Arc<B>>>> Drop for SourceKey<B, L> {
    fn drop(&mut self) {
        let caches = self.caches.get_mut().unwrap_or_else(PoisonError::into_inner);
        for cache in caches.iter().filter_map(Weak::upgrade) {
            cache.forget(self.id);
        }
    }
}
