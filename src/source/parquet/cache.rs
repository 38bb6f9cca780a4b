//! Decoded blocks, each decoded once however many ask for it, the least recently used ones dropped first.

use super::read::Decoded;
use crate::context::Task;
use crate::error::Result;
use futures::FutureExt;
use futures::future::Shared;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Load = Shared<Task<Arc<Decoded>>>;

/// Decoded blocks by their index.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ready: HashMap<usize, Ready>,
    loading: HashMap<usize, Load>,
    /// Bytes of `ready`.
    bytes: u64,
    /// Counts uses, to know which is the oldest.
    clock: u64,
}

#[derive(Debug)]
struct Ready {
    decoded: Arc<Decoded>,
    used: u64,
}

/// A block that is there or on its way.
pub(super) enum Found {
    Ready(Arc<Decoded>),
    Loading(Load),
}

impl Found {
    pub(super) async fn wait(self) -> Result<Arc<Decoded>> {
        match self {
            Self::Ready(decoded) => Ok(decoded),
            Self::Loading(load) => load.await,
        }
    }
}

impl Cache {
    /// The block `index`, which `load` starts to read if nobody has it or reads it already.
    ///
    /// What `load` starts must hold the [`Ticket`], which puts the result into the cache.
    pub(super) fn get(self: &Arc<Self>, index: usize, load: impl FnOnce(Ticket) -> Task<Arc<Decoded>>) -> Found {
        let mut state = self.lock();
        if let Some(decoded) = state.touch(index) {
            return Found::Ready(decoded);
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
    pub(super) fn touch(&self, index: usize) -> bool {
        let mut state = self.lock();
        state.touch(index).is_some() || state.loading.contains_key(&index)
    }

    /// How many blocks are being read.
    pub(super) fn loading(&self) -> usize {
        self.lock().loading.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn touch(&mut self, index: usize) -> Option<Arc<Decoded>> {
        self.clock += 1;
        let ready = self.ready.get_mut(&index)?;
        ready.used = self.clock;
        Some(Arc::clone(&ready.decoded))
    }

    fn insert(&mut self, index: usize, decoded: Arc<Decoded>, limit: u64) {
        if decoded.bytes > limit {
            return;
        }
        while self.bytes + decoded.bytes > limit && self.evict() {}
        self.clock += 1;
        self.bytes += decoded.bytes;
        let used = self.clock;
        self.ready.insert(index, Ready { decoded, used });
    }

    fn evict(&mut self) -> bool {
        let oldest = self
            .ready
            .iter()
            .min_by_key(|(_, ready)| ready.used)
            .map(|(&index, _)| index);
        let dropped = oldest.and_then(|index| self.ready.remove(&index));
        self.bytes -= dropped.as_ref().map_or(0, |ready| ready.decoded.bytes);
        dropped.is_some()
    }
}

/// The right to put one block into the cache. Dropping it, done or not, ends the load, so that a failed or stopped one
/// is started anew by the next who asks.
#[derive(Debug)]
pub(super) struct Ticket {
    cache: std::sync::Weak<Cache>,
    index: usize,
}

impl Ticket {
    /// Keeps `decoded`, unless it alone is larger than `limit` bytes; the oldest blocks make room.
    pub(super) fn keep(self, decoded: &Arc<Decoded>, limit: u64) {
        if let Some(cache) = self.cache.upgrade() {
            cache.lock().insert(self.index, Arc::clone(decoded), limit);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(cache) = self.cache.upgrade() {
            // Dropped outside of the lock: it may be the last handle to a task.
            let load = cache.lock().loading.remove(&self.index);
            drop(load);
        }
    }
}
