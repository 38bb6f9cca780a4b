//! Decoded blocks, each decoded once however many ask for it, the least recently used ones dropped first.

use crate::error::Result;
use futures::FutureExt;
use futures::future::Shared;
// The tests of this file run under a deterministic scheduler, which has a lock of its own.
#[cfg(test)]
use shuttle::sync::{Mutex, MutexGuard};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, Weak};
#[cfg(not(test))]
use std::sync::{Mutex, MutexGuard};

/// Blocks `B` by their index, and the loads `L` of those on their way.
#[derive(Debug)]
pub(in crate::source::parquet) struct Cache<B, L: Future>(Mutex<State<B, L>>);

#[derive(Debug)]
struct State<B, L: Future> {
    ready: HashMap<usize, Ready<B>>,
    /// When which block was used, oldest first. A block's last use counts; those before it are passed over.
    uses: VecDeque<(u64, usize)>,
    loading: HashMap<usize, Shared<L>>,
    /// Bytes of `ready`.
    bytes: u64,
    /// Counts uses, to know which is the oldest.
    clock: u64,
}

#[derive(Debug)]
struct Ready<B> {
    block: Arc<B>,
    bytes: u64,
    used: u64,
}

/// A block that is there or on its way.
pub(in crate::source::parquet) enum Found<B, L: Future> {
    Ready(Arc<B>),
    Loading(Shared<L>),
}

impl<B, L: Future<Output = Result<Arc<B>>>> Found<B, L> {
    pub(in crate::source::parquet) async fn wait(self) -> Result<Arc<B>> {
        match self {
            Self::Ready(block) => Ok(block),
            Self::Loading(load) => load.await,
        }
    }
}

impl<B, L: Future<Output = Result<Arc<B>>>> Cache<B, L> {
    pub(in crate::source::parquet) fn new() -> Self {
        Self(Mutex::new(State {
            ready: HashMap::new(),
            uses: VecDeque::new(),
            loading: HashMap::new(),
            bytes: 0,
            clock: 0,
        }))
    }

    /// The block `index`, which `load` starts to read if nobody has it or reads it already.
    ///
    /// What `load` starts must hold the [`Ticket`], which puts the result into the cache. `load` itself, which is called
    /// under the lock, must not drop it.
    pub(in crate::source::parquet) fn get(
        self: &Arc<Self>,
        index: usize,
        load: impl FnOnce(Ticket<B, L>) -> L,
    ) -> Found<B, L> {
        let mut state = self.lock();
        if let Some(block) = state.touch(index) {
            return Found::Ready(block);
        }
        let loading = state.loading.entry(index).or_insert_with(|| {
            load(Ticket {
                cache: Arc::downgrade(self),
                index,
            })
            .shared()
        });
        Found::Loading(loading.clone())
    }

    /// Marks the block as used just now; false where it is neither there nor on its way.
    pub(in crate::source::parquet) fn touch(&self, index: usize) -> bool {
        let mut state = self.lock();
        state.touch(index).is_some() || state.loading.contains_key(&index)
    }

    /// How many blocks are being read.
    pub(in crate::source::parquet) fn loading(&self) -> usize {
        self.lock().loading.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<B, L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B, L: Future> State<B, L> {
    fn touch(&mut self, index: usize) -> Option<Arc<B>> {
        self.clock += 1;
        let ready = self.ready.get_mut(&index)?;
        ready.used = self.clock;
        let block = Arc::clone(&ready.block);
        self.note(index);
        Some(block)
    }

    /// Notes that the block was used just now. Uses that do not count any more are dropped before there are many.
    fn note(&mut self, index: usize) {
        self.uses.push_back((self.clock, index));
        if self.uses.len() > 4 * self.ready.len() + 64 {
            let ready = &self.ready;
            self.uses
                .retain(|(used, index)| ready.get(index).is_some_and(|ready| ready.used == *used));
        }
    }

    fn insert(&mut self, index: usize, block: Arc<B>, bytes: u64, limit: u64) {
        if bytes > limit {
            return;
        }
        while self.bytes + bytes > limit && self.evict() {}
        self.clock += 1;
        self.bytes += bytes;
        let used = self.clock;
        self.ready.insert(index, Ready { block, bytes, used });
        self.note(index);
    }

    fn evict(&mut self) -> bool {
        while let Some((used, index)) = self.uses.pop_front() {
            if let Entry::Occupied(ready) = self.ready.entry(index)
                && ready.get().used == used
            {
                self.bytes -= ready.remove().bytes;
                return true;
            }
        }
        false
    }
}

/// The right to put one block into the cache. Dropping it, done or not, ends the load, so that a failed or stopped one
/// is started anew by the next who asks.
#[derive(Debug)]
pub(in crate::source::parquet) struct Ticket<B, L: Future<Output = Result<Arc<B>>>> {
    cache: Weak<Cache<B, L>>,
    index: usize,
}

impl<B, L: Future<Output = Result<Arc<B>>>> Ticket<B, L> {
    /// Keeps `block` of `bytes` bytes, unless it alone is larger than `limit`; the oldest blocks make room.
    pub(in crate::source::parquet) fn keep(self, block: &Arc<B>, bytes: u64, limit: u64) {
        if let Some(cache) = self.cache.upgrade() {
            cache.lock().insert(self.index, Arc::clone(block), bytes, limit);
        }
    }
}

impl<B, L: Future<Output = Result<Arc<B>>>> Drop for Ticket<B, L> {
    fn drop(&mut self) {
        if let Some(cache) = self.cache.upgrade() {
            // Dropped outside of the lock: it may be the last handle to a task.
            let load = cache.lock().loading.remove(&self.index);
            drop(load);
        }
    }
}

#[cfg(test)]
mod schedules;
