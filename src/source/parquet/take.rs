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

    /// The rows at `at`, whose blocks may be in memory at the same time: those of `wanted`, under the index in `slots`.
    pub(super) async fn take_together(
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
    pub(super) async fn take_in_rounds(
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
    pub(super) fn sizes(&self, blocks: &[usize]) -> Vec<(usize, u64)> {
        blocks.iter().map(|&block| (block, self.units[block].bytes)).collect()
    }

    /// The round in which each row is taken, so that the blocks of a round stay below `limit` bytes if more than one.
    pub(super) fn rounds(&self, at: &[InBlock], limit: u64, sparse: &Sparse) -> Vec<usize> {
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
