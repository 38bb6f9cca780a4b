//! The rows at some positions, out of blocks that are cached, or that are read for them.

use super::cache::blocks::Found;
use super::cache::places::{InBlock, distinct};
use super::format::sparse::Sparse;
use super::io::read::{self, Decoded};
use super::open::Parquet;
use crate::columns::{compact, gather};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::{Context, Task};
use crate::prepared::Priority;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::try_join_all;
use std::collections::HashMap;
use std::sync::Arc;

impl Parquet {
    /// Where the rows at `positions` are.
    pub(super) fn locate(&self, positions: &[u64]) -> Vec<InBlock> {
        // First position of the epoch that the last one is in: a division costs more than all that follows.
        let mut first = 0;
        let place = |&position: &u64| {
            if position.wrapping_sub(first) >= self.rows.get() {
                first = position / self.rows * self.rows.get();
            }
            let row = position - first;
            let block = self.finder.find(&self.blocks, row);
            (block, row - self.blocks[block].rows.start)
        };
        positions.iter().map(place).collect()
    }

    /// The block `index`, from the cache or on its way.
    pub(super) fn fetch(&self, cx: &Context, index: usize) -> Found<Decoded, Task<Arc<Decoded>>> {
        self.cache.get(index, |ticket| {
            let (inner, unit, layout) = (cx.clone(), self.units[index].clone(), Arc::clone(&self.layout));
            let file = Arc::clone(&self.files[unit.file]);
            cx.spawn(async move {
                let _permit = inner.reading(unit.cost()).await;
                let decoded = Arc::new(read::block(&inner, &file, &layout, &unit).await?);
                ticket.keep(&decoded, decoded.bytes, inner.cache_share());
                Ok(decoded)
            })
        })
    }

    /// Starts to read the blocks of `at` that are not cached: as many as the pool has threads, and one more.
    ///
    /// Marks those that are there as used, soonest last, so that room is made at the cost of other blocks, and reads no
    /// more than fit beside them: what does not is left to those who wait for rows.
    pub(super) fn prefetch(&self, cx: &Context, at: &[InBlock]) {
        // A quarter is left for blocks that turn out larger than their footer says.
        let limit = cx.cache_share() / 4 * 3;
        let (soon, _) = distinct(at);
        let (mut missing, mut bytes) = (Vec::new(), 0_u64);
        for block in soon.into_iter().rev() {
            match self.cache.touch(block) {
                true => bytes = bytes.saturating_add(self.units[block].bytes),
                false => missing.push(block),
            }
        }
        while self.cache.loading() <= cx.threads()
            && let Some(block) = missing.pop()
        {
            bytes = bytes.saturating_add(self.units[block].bytes);
            if bytes > limit {
                return;
            }
            drop(self.fetch(cx, block));
        }
    }

    /// The rows at `at`.
    pub(super) async fn take_at(&self, cx: &Context, at: &[InBlock], priority: Priority) -> Result<RecordBatch> {
        self.layout.check_columns()?;
        let (blocks, limit) = (distinct(at), cx.take_share());
        let sizes = self.sizes(&blocks.0);
        let bytes = sizes.iter().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes));
        let fit = sizes.len() == 1 || bytes <= limit;
        let largest = sizes.iter().map(|(_, bytes)| *bytes).max();
        let _permit = cx.taking().await;
        // In rounds, other blocks come and go.
        let (_held, _share) = match fit {
            true => (Some(self.held.hold(cx, &sizes).await), None),
            false => (None, cx.holding(cx.parts(limit.max(largest.unwrap_or(0))).into()).await),
        };
        let sparse = match priority == Priority::Urgent || !fit {
            true => self.sparse(at),
            false => Sparse::default(),
        };
        let rounds = if fit {
            Vec::new()
        } else {
            self.rounds(at, limit, &sparse)
        };
        let rows = match rounds.iter().all(|&round| round == 0) {
            true => self.take_together(cx, at, blocks, &sparse).await?,
            false => self.take_in_rounds(cx, at, &rounds, &sparse).await?,
        };
        self.layout.check(&rows)?;
        Ok(rows)
    }

    /// The rows at `at`, whose blocks may be in memory at the same time: those of `wanted`, under the index in `slots`.
    async fn take_together(
        &self,
        cx: &Context,
        at: &[InBlock],
        (wanted, slots): (Vec<usize>, Vec<usize>),
        sparse: &Sparse,
    ) -> Result<RecordBatch> {
        let load = |&block: &usize| self.part(cx, sparse, block, at);
        let loads: Vec<_> = wanted.iter().map(load).collect();
        let blocks: Vec<Arc<Decoded>> = try_join_all(loads).await?;
        let (schema, rows) = (self.schema(), at.iter().map(|&(_, row)| row).collect::<Vec<_>>());
        // Strings and binary values would hold on to whole row groups.
        let spare = Arc::clone(cx.buffers());
        let name = Arc::clone(&self.name);
        let pick = move || {
            let picked = pick(&schema, &blocks, &slots, &rows).and_then(|rows| compact(&rows, &spare));
            picked.map_err(|error| error.context(name.as_ref()))
        };
        cx.compute_sized(self.row_bytes.saturating_mul(at.len() as u64), pick)
            .await
    }

    /// The rows at `at` where their blocks do not fit in memory at the same time: some blocks after the others, and the
    /// rows copied out of them.
    async fn take_in_rounds(
        &self,
        cx: &Context,
        at: &[InBlock],
        rounds: &[usize],
        sparse: &Sparse,
    ) -> Result<RecordBatch> {
        let count = rounds.iter().max().map_or(0, |last| last + 1);
        let mut places = vec![(0, 0); at.len()];
        let mut parts = Vec::with_capacity(count);
        for round in 0..count {
            let mine: Vec<usize> = (0..at.len()).filter(|&i| rounds[i] == round).collect();
            for (row, &i) in mine.iter().enumerate() {
                places[i] = (round, row);
            }
            let rows: Vec<_> = mine.iter().map(|&i| at[i]).collect();
            parts.push(self.take_together(cx, &rows, distinct(&rows), sparse).await?);
        }
        let schema = self.schema();
        cx.compute(move || gather(&schema, &parts.iter().collect::<Vec<_>>(), &places))
            .await
    }

    /// Each of `blocks` with its bytes.
    fn sizes(&self, blocks: &[usize]) -> Vec<(usize, u64)> {
        blocks.iter().map(|&block| (block, self.units[block].bytes)).collect()
    }

    /// The round in which each row is taken, so that the blocks of a round stay below `limit` bytes if more than one.
    fn rounds(&self, at: &[InBlock], limit: u64, sparse: &Sparse) -> Vec<usize> {
        let (mut round, mut bytes, mut of) = (0, 0_u64, HashMap::new());
        let mut assign = |block: usize| {
            let more = sparse.bytes(block).unwrap_or(self.units[block].bytes);
            if bytes > 0 && bytes.saturating_add(more) > limit {
                (round, bytes) = (round + 1, 0);
            }
            bytes = bytes.saturating_add(more);
            round
        };
        at.iter()
            .map(|&(block, _)| *of.entry(block).or_insert_with(|| assign(block)))
            .collect()
    }
}

/// The rows `rows` of the blocks `blocks[slot]`.
fn pick(schema: &SchemaRef, blocks: &[Arc<Decoded>], slots: &[usize], rows: &[u64]) -> Result<RecordBatch> {
    let (mut batches, mut first) = (Vec::new(), Vec::with_capacity(blocks.len()));
    for block in blocks {
        first.push(batches.len());
        batches.extend(&block.batches);
    }
    let place = |(&slot, &row): (&usize, &u64)| {
        let (batch, row) = blocks[slot].locate(row);
        (first[slot] + batch, row)
    };
    let at: Vec<_> = slots.iter().zip(rows).map(place).collect();
    gather(schema, &batches, &at)
}
