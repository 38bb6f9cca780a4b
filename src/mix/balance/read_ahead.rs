//! Rows that are read before their turn, so that a block is read once for each pass over a class.
//!
//! A pass over a class goes through windows of blocks, and its next row may lie in any block of a window. Where the windows
//! of all classes do not fit into the cache of blocks, blocks would be dropped and read again for every batch. So the rows
//! of one class are picked out of all blocks of its window, block after block, and kept until their turn comes: together
//! no more than the rows of one window. Where these are too many, a window is gone through in several parts.

use super::class_sampler::ClassSampler;
use super::pick::Stored;
use crate::dataset::{Blocks, Dataset, Stable};
use crate::exec::{Context, Task};
use crate::order::BlockOrder;
use crate::prepared::Priority;
use crate::rows::ClassEncoded;
use arrow::array::RecordBatch;
use futures::future::{FutureExt, Shared, join_all};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// How much memory the rows that are read ahead may take, by class and in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ReadAheadBudget {
    /// The most rows that a part has, by class; 0 for a class whose rows are read when their turn comes.
    pub(super) most: Vec<u64>,
    /// Bytes for the rows that are read ahead.
    pub(super) room: u64,
}

impl ReadAheadBudget {
    /// Bytes that a row takes beside its own: its position.
    pub(super) const OVERHEAD: u64 = 8;

    /// Nothing is read ahead for any of `classes` classes.
    pub(super) fn none(classes: usize) -> Self {
        Self {
            most: vec![0; classes],
            ..Self::default()
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.most.iter().all(|&most| most == 0)
    }
}

/// Reads rows of the passes over the classes before their turn, in parts.
#[derive(Debug)]
pub(super) struct ReadAhead<D> {
    base: Arc<ClassEncoded<D>>,
    blocks: Blocks,
    budget: ReadAheadBudget,
    row_bytes: u64,
    parts: Arc<Mutex<Parts>>,
}

#[derive(Debug, Default)]
struct Parts {
    loads: HashMap<Key, Load>,
    /// Bytes of all of them.
    bytes: u64,
    /// Counts uses, to know which is the oldest.
    clock: u64,
}

/// Which part of which pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    seed: u64,
    class: usize,
    pass: u64,
    start: u64,
    end: u64,
}

#[derive(Debug)]
struct Load {
    part: Shared<Task<Arc<Part>>>,
    /// Set when the part is there, or failed.
    done: Arc<AtomicBool>,
    /// When it was begun: tells it from an earlier load of the same part.
    begun: u64,
    /// How many [handles](PartHandle) there are.
    wanted: usize,
    bytes: u64,
    used: u64,
    /// Rows that did not have their turn yet.
    left: u64,
}

/// The rows of a part, in the order of the base.
#[derive(Debug)]
pub(super) struct Part {
    positions: Vec<u64>,
    /// Their rows, a batch for each block, and the first row of each batch.
    pub(super) batches: Vec<RecordBatch>,
    starts: Vec<usize>,
}

impl Part {
    /// Batch and row in it of the row at `position`.
    pub(super) fn locate(&self, position: u64) -> Option<(usize, usize)> {
        let row = self.positions.binary_search(&position).ok()?;
        let batch = self.starts.partition_point(|&start| start <= row) - 1;
        Some((batch, row - self.starts[batch]))
    }
}

impl<D: Stable> ReadAhead<D> {
    /// Blocks of a part that are read at the same time.
    const BLOCKS: usize = 2;

    pub(super) fn new(base: &Arc<ClassEncoded<D>>, budget: ReadAheadBudget, row_bytes: u64) -> Self {
        Self {
            base: Arc::clone(base),
            blocks: base.blocks(),
            budget,
            row_bytes,
            parts: Arc::default(),
        }
    }

    /// Starts to read the parts that `rows` are in, as far as there is room beside those that are wanted still. What is left
    /// are the rows that are in none.
    pub(super) fn prefetch(
        &self,
        cx: &Context,
        sampler: &ClassSampler,
        rows: Vec<Stored>,
    ) -> (Vec<Stored>, Vec<PartHandle>) {
        let keys = self.keys(cx.seed(), sampler, &rows);
        let (mut last, mut handles) = (None, Vec::new());
        for &key in keys.iter().flatten() {
            if last.replace(key) != Some(key) {
                handles.extend(self.load(cx, sampler, key, false).map(|(_, handle)| handle));
            }
        }
        let left = rows.into_iter().zip(keys).filter(|(_, key)| key.is_none());
        (left.map(|(row, _)| row).collect(), handles)
    }

    /// For each of `rows` the part that it is in; none where it is to be taken from the base.
    ///
    /// A run's first batch is awaited, so it waits for no rows but its own.
    pub(super) async fn parts(
        &self,
        cx: &Context,
        sampler: &ClassSampler,
        rows: &[Stored],
        priority: Priority,
    ) -> Vec<Option<Arc<Part>>> {
        let keys = self.keys(cx.seed(), sampler, rows);
        if priority == Priority::Urgent {
            return vec![None; rows.len()];
        }
        let mut wanted: HashMap<Key, u64> = HashMap::new();
        for &key in keys.iter().flatten() {
            *wanted.entry(key).or_default() += 1;
        }
        let loads = wanted.iter().map(|(&key, &rows)| async move {
            let (load, _handle) = self.load(cx, sampler, key, true)?;
            self.taken(key, rows);
            // What is wrong with a row is told where the row is taken.
            Some((key, load.await.ok()?))
        });
        let parts: HashMap<Key, Arc<Part>> = join_all(loads).await.into_iter().flatten().collect();
        let part = |key: &Option<Key>| key.and_then(|key| parts.get(&key).cloned());
        keys.iter().map(part).collect()
    }

    /// The parts of `rows`, of those classes that are read in parts.
    fn keys(&self, seed: u64, sampler: &ClassSampler, rows: &[Stored]) -> Vec<Option<Key>> {
        let mut orders: HashMap<(usize, u64), Arc<BlockOrder>> = HashMap::new();
        let key = |row: &Stored| {
            let (class, pass, most) = (row.class, row.pass, self.budget.most[row.class]);
            if most == 0 {
                return None;
            }
            let order = orders
                .entry((class, pass))
                .or_insert_with(|| sampler.order(seed, class, pass));
            let window = order.window(row.at);
            let rows = window.end - window.start;
            let part = rows.div_ceil(rows.div_ceil(most));
            let start = row.at - (row.at - window.start) % part;
            let end = window.end.min(start + part);
            Some(Key {
                seed,
                class,
                pass,
                start,
                end,
            })
        };
        rows.iter().map(key).collect()
    }

    /// The part `key`, there or on its way. If it has to be read, the oldest others make room where `needed`, and where they
    /// do not it is left.
    fn load(
        &self,
        cx: &Context,
        sampler: &ClassSampler,
        key: Key,
        needed: bool,
    ) -> Option<(Shared<Task<Arc<Part>>>, PartHandle)> {
        let bytes = (key.end - key.start) * (self.row_bytes + ReadAheadBudget::OVERHEAD);
        let mut parts = self.lock();
        parts.clock += 1;
        let used = parts.clock;
        if let Some(load) = parts.loads.get_mut(&key) {
            load.used = used;
            load.wanted += 1;
            return Some((load.part.clone(), self.handle(key, load.begun)));
        }
        while needed && parts.bytes + bytes > self.budget.room && parts.evict() {}
        if parts.bytes + bytes > self.budget.room {
            return None;
        }
        let done = Arc::new(AtomicBool::new(false));
        let part = self.read(cx, sampler, key, Arc::clone(&done)).shared();
        let load = Load {
            part: part.clone(),
            done,
            begun: used,
            wanted: 1,
            bytes,
            used,
            left: key.end - key.start,
        };
        parts.bytes += bytes;
        parts.loads.insert(key, load);
        Some((part, self.handle(key, used)))
    }

    fn handle(&self, key: Key, begun: u64) -> PartHandle {
        let parts = Arc::downgrade(&self.parts);
        PartHandle { parts, key, begun }
    }

    fn read(&self, cx: &Context, sampler: &ClassSampler, key: Key, done: Arc<AtomicBool>) -> Task<Arc<Part>> {
        let order = sampler.order(key.seed, key.class, key.pass);
        let mut positions = sampler.positions(&order, key.class, key.pass, key.start..key.end);
        let (base, blocks) = (Arc::clone(&self.base), Arc::clone(&self.blocks));
        // Where single pages are cheaper to read than a block, they are.
        let inner = cx.clone();
        let part = async move {
            positions.sort_unstable();
            let block = |position: &u64| blocks.partition_point(|block| block.rows.end <= *position);
            let pieces: Vec<&[u64]> = positions.chunk_by(|a, b| block(a) == block(b)).collect();
            let takes: Vec<_> = pieces
                .into_iter()
                .map(|piece| base.prepare(&inner, piece).rows_with(Priority::Urgent))
                .collect();
            let batches: Vec<RecordBatch> = stream::iter(takes).buffered(Self::BLOCKS).try_collect().await?;
            let mut rows = 0;
            let start = |batch: &RecordBatch| {
                rows += batch.num_rows();
                rows - batch.num_rows()
            };
            let starts = batches.iter().map(start).collect();
            Ok(Arc::new(Part {
                positions,
                batches,
                starts,
            }))
        };
        cx.spawn(async move {
            let part = part.await;
            done.store(true, Ordering::Relaxed);
            part
        })
    }

    /// Notes that `rows` rows of the part had their turn. One that is done with makes room.
    fn taken(&self, key: Key, rows: u64) {
        let mut parts = self.lock();
        if let Some(load) = parts.loads.get_mut(&key) {
            load.left = load.left.saturating_sub(rows);
            if load.left == 0 {
                parts.remove(&key);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Parts> {
        lock(&self.parts)
    }
}

fn lock(parts: &Mutex<Parts>) -> MutexGuard<'_, Parts> {
    parts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The wish for a part. The read of a part that is not there yet is cancelled with the last one.
#[derive(Debug)]
pub(super) struct PartHandle {
    parts: Weak<Mutex<Parts>>,
    key: Key,
    begun: u64,
}

impl Drop for PartHandle {
    fn drop(&mut self) {
        let Some(parts) = self.parts.upgrade() else { return };
        let mut parts = lock(&parts);
        let load = parts.loads.get_mut(&self.key).filter(|load| load.begun == self.begun);
        let unwanted = load.is_some_and(|load| {
            load.wanted -= 1;
            load.wanted == 0 && !load.done.load(Ordering::Relaxed)
        });
        if unwanted {
            parts.remove(&self.key);
        }
    }
}

impl Parts {
    fn evict(&mut self) -> bool {
        let oldest = self.loads.iter().min_by_key(|(_, load)| load.used);
        let oldest = oldest.map(|(&key, _)| key);
        oldest.is_some_and(|key| self.remove(&key))
    }

    fn remove(&mut self, key: &Key) -> bool {
        let load = self.loads.remove(key);
        self.bytes -= load.as_ref().map_or(0, |load| load.bytes);
        load.is_some()
    }
}
