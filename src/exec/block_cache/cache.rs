//! Decoded blocks of all sources, each decoded once however many ask for it, the least recently used ones dropped first.

use super::source_key::{BlockKey, HoldsBlocks, SourceKey};
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

/// Blocks `B`, and the loads `L` of those on their way.
#[derive(Debug)]
pub(crate) struct Cache<B, L: Future>(Mutex<State<B, L>>);

#[derive(Debug)]
struct State<B, L: Future> {
    ready: HashMap<BlockKey, Ready<B>>,
    /// When which block was used, oldest first. A block's last use counts; those before it are passed over.
    uses: VecDeque<(u64, BlockKey)>,
    loading: HashMap<BlockKey, Loading<L>>,
    /// Bytes of `ready`.
    bytes: u64,
    /// Counts uses, to know which is the oldest.
    clock: u64,
    /// Counts loads, to tell a cancelled one from that which came in its place.
    loads: u64,
}

#[derive(Debug)]
struct Ready<B> {
    block: Arc<B>,
    bytes: u64,
    used: u64,
}

#[derive(Debug)]
struct Loading<L: Future> {
    load: Shared<L>,
    number: u64,
    /// How many [handles](LoadHandle) there are.
    wanted: usize,
}

/// A block that is there or on its way.
pub(crate) enum Found<B, L: Future<Output = Result<Arc<B>>>> {
    Ready(Arc<B>),
    Loading(Shared<L>, LoadHandle<B, L>),
}

impl<B, L: Future<Output = Result<Arc<B>>>> Found<B, L> {
    pub(crate) async fn wait(self) -> Result<Arc<B>> {
        match self {
            Self::Ready(block) => Ok(block),
            Self::Loading(load, _handle) => load.await,
        }
    }

    /// What keeps the block on its way, without the block itself; none where it is there.
    pub(crate) fn into_handle(self) -> Option<LoadHandle<B, L>> {
        match self {
            Self::Ready(_) => None,
            Self::Loading(_, handle) => Some(handle),
        }
    }
}

impl<B, L: Future<Output = Result<Arc<B>>>> Cache<B, L> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(State {
            ready: HashMap::new(),
            uses: VecDeque::new(),
            loading: HashMap::new(),
            bytes: 0,
            clock: 0,
            loads: 0,
        }))
    }

    /// The block `index` of `source`, which `load` starts to read if nobody has it or reads it already.
    ///
    /// What `load` starts must hold the [`Ticket`], which puts the result into the cache. `load` itself, which is called
    /// under the lock, must not drop it.
    pub(crate) fn get(
        self: &Arc<Self>,
        source: &Arc<SourceKey>,
        index: usize,
        load: impl FnOnce(Ticket<B, L>) -> L,
    ) -> Found<B, L>
    where
        Self: HoldsBlocks + 'static,
    {
        let (key, mut state) = ((source.id(), index), self.lock());
        if let Some(found) = state.find(self, key) {
            return found;
        }
        source.note(self);
        state.loads += 1;
        let number = state.loads;
        let load = load(Ticket {
            cache: Arc::downgrade(self),
            source: Arc::downgrade(source),
            key,
            number,
        });
        let load = load.shared();
        let loading = Loading {
            load: load.clone(),
            number,
            wanted: 1,
        };
        state.loading.insert(key, loading);
        Found::Loading(load, LoadHandle::new(self, key, number))
    }

    /// The block `index` of `source`, which is marked as used just now; none where it is neither there nor on its way.
    pub(crate) fn find(self: &Arc<Self>, source: &SourceKey, index: usize) -> Option<Found<B, L>> {
        self.lock().find(self, (source.id(), index))
    }

    /// Blocks that are there, their bytes, and blocks that are being read.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn in_memory(&self) -> (usize, u64, usize) {
        let state = self.lock();
        (state.ready.len(), state.bytes, state.loading.len())
    }

    /// How many blocks are being read.
    pub(crate) fn loading(&self) -> usize {
        self.lock().loading.len()
    }

    /// Drops the oldest blocks until the rest has no more than `limit` bytes.
    pub(in crate::exec) fn trim(&self, limit: u64) {
        self.lock().make_room(0, limit);
    }

    fn lock(&self) -> MutexGuard<'_, State<B, L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Send + Sync, L: Future<Output = Result<Arc<B>>> + Send> HoldsBlocks for Cache<B, L> {
    fn forget(&self, source: u64) {
        let mut state = self.lock();
        let keys: Vec<BlockKey> = state.ready.keys().filter(|key| key.0 == source).copied().collect();
        let gone: Vec<_> = keys.iter().filter_map(|key| state.ready.remove(key)).collect();
        state.bytes -= gone.iter().map(|ready| ready.bytes).sum::<u64>();
        // Giving memory back takes time.
        drop(state);
        drop(gone);
    }
}

impl<B, L: Future<Output = Result<Arc<B>>>> State<B, L> {
    fn find(&mut self, cache: &Arc<Cache<B, L>>, key: BlockKey) -> Option<Found<B, L>> {
        if let Some(block) = self.touch(key) {
            return Some(Found::Ready(block));
        }
        let loading = self.loading.get_mut(&key)?;
        loading.wanted += 1;
        let handle = LoadHandle::new(cache, key, loading.number);
        Some(Found::Loading(loading.load.clone(), handle))
    }

    fn touch(&mut self, key: BlockKey) -> Option<Arc<B>> {
        self.clock += 1;
        let ready = self.ready.get_mut(&key)?;
        ready.used = self.clock;
        let block = Arc::clone(&ready.block);
        self.note(key);
        Some(block)
    }

    /// Notes that the block was used just now. Uses that do not count any more are dropped before there are many.
    fn note(&mut self, key: BlockKey) {
        self.uses.push_back((self.clock, key));
        if self.uses.len() > 4 * self.ready.len() + 64 {
            let ready = &self.ready;
            self.uses
                .retain(|(used, key)| ready.get(key).is_some_and(|ready| ready.used == *used));
        }
    }

    fn insert(&mut self, key: BlockKey, block: Arc<B>, bytes: u64, limit: u64) {
        // After a cancelled load, another one may have brought it.
        if bytes > limit || self.ready.contains_key(&key) {
            return;
        }
        self.make_room(bytes, limit);
        self.clock += 1;
        self.bytes += bytes;
        let used = self.clock;
        self.ready.insert(key, Ready { block, bytes, used });
        self.note(key);
    }

    fn make_room(&mut self, bytes: u64, limit: u64) {
        while self.bytes + bytes > limit && self.evict() {}
    }

    fn evict(&mut self) -> bool {
        while let Some((used, key)) = self.uses.pop_front() {
            if let Entry::Occupied(ready) = self.ready.entry(key)
                && ready.get().used == used
            {
                self.bytes -= ready.remove().bytes;
                return true;
            }
        }
        false
    }

    /// The load `number` of `key`, which is no longer under way.
    fn end(&mut self, key: BlockKey, number: u64) -> Option<Shared<L>> {
        match self.loading.entry(key) {
            Entry::Occupied(loading) if loading.get().number == number => Some(loading.remove().load),
            _ => None,
        }
    }
}

/// The right to put one block into the cache. Dropping it, done or not, ends the load, so that a failed or stopped one
/// is started anew by the next who asks.
#[derive(Debug)]
pub(crate) struct Ticket<B, L: Future<Output = Result<Arc<B>>>> {
    cache: Weak<Cache<B, L>>,
    source: Weak<SourceKey>,
    key: BlockKey,
    number: u64,
}

impl<B, L: Future<Output = Result<Arc<B>>>> Ticket<B, L> {
    /// Keeps `block` of `bytes` bytes, unless it alone is larger than `limit` or its source is no more; the oldest blocks
    /// make room.
    pub(crate) fn keep(self, block: &Arc<B>, bytes: u64, limit: u64) {
        // Held beyond the lock: with the last handle to it the source makes the cache forget its blocks.
        let source = self.source.upgrade();
        if let Some(cache) = self.cache.upgrade().filter(|_| source.is_some()) {
            cache.lock().insert(self.key, Arc::clone(block), bytes, limit);
        }
    }
}

impl<B, L: Future<Output = Result<Arc<B>>>> Drop for Ticket<B, L> {
    fn drop(&mut self) {
        if let Some(cache) = self.cache.upgrade() {
            // Dropped outside of the lock: it may be the last handle to a task.
            let load = cache.lock().end(self.key, self.number);
            drop(load);
        }
    }
}

/// The wish for a block that is on its way. Its read is cancelled with the last one.
///
/// It does not hold the block, so that a request ahead holds no bytes when it is there.
#[derive(Debug)]
pub(crate) struct LoadHandle<B, L: Future<Output = Result<Arc<B>>>> {
    cache: Weak<Cache<B, L>>,
    key: BlockKey,
    number: u64,
}

impl<B, L: Future<Output = Result<Arc<B>>>> LoadHandle<B, L> {
    fn new(cache: &Arc<Cache<B, L>>, key: BlockKey, number: u64) -> Self {
        let cache = Arc::downgrade(cache);
        Self { cache, key, number }
    }
}

impl<B, L: Future<Output = Result<Arc<B>>>> Drop for LoadHandle<B, L> {
    fn drop(&mut self) {
        let Some(cache) = self.cache.upgrade() else { return };
        let mut state = cache.lock();
        let loading = state
            .loading
            .get_mut(&self.key)
            .filter(|loading| loading.number == self.number);
        let last = loading.is_some_and(|loading| {
            loading.wanted -= 1;
            loading.wanted == 0
        });
        let load = if last { state.end(self.key, self.number) } else { None };
        // Dropped outside of the lock: it may be the last handle to a task.
        drop(state);
        drop(load);
    }
}

#[cfg(test)]
mod schedules;
