//! The rows at some positions, out of blocks that are cached, or that are read for them.

use super::block_index::{RowInBlock, distinct};
use super::open::Parquet;
use super::single_pages::SinglePages;
use crate::columns::{compact, gather};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::exec::block_cache::{BlockKey, DecodedBlock};
use crate::prepared::Priority;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::try_join_all;
use std::collections::HashMap;
use std::sync::Arc;

impl Parquet {
    /// The rows at `at`, whose `turn` it is among all that are asked for.
    pub(super) async fn take_at(
        &self,
        cx: &Context,
        turn: u64,
        at: &[RowInBlock],
        priority: Priority,
    ) -> Result<RecordBatch> {
        self.projection.check_columns()?;
        let (blocks, limit) = (distinct(at), cx.take_share());
        let sizes = self.sizes(&blocks.0);
        let bytes = sizes.iter().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes));
        let fit = sizes.len() == 1 || bytes <= limit;
        let largest = sizes.iter().map(|(_, bytes)| *bytes).max();
        let _take = cx.taking(turn).await;
        // In rounds, other blocks come and go.
        let (_held, _bytes) = match fit {
            true => (Some(cx.hold_blocks(turn, &sizes).await), None),
            false => {
                let round = limit.max(largest.unwrap_or(0));
                (None, Some(cx.reserve_blocks(turn, round).await))
            }
        };
        let single_pages = match priority == Priority::Urgent || !fit {
            true => self.single_pages(cx, at),
            false => SinglePages::default(),
        };
        let rounds = if fit {
            Vec::new()
        } else {
            self.rounds(at, limit, &single_pages)
        };
        let rows = match rounds.iter().all(|&round| round == 0) {
            true => self.take_together(cx, turn, at, blocks, &single_pages).await?,
            false => self.take_in_rounds(cx, turn, at, &rounds, &single_pages).await?,
        };
        self.projection.check(&rows)?;
        Ok(rows)
    }

    /// The rows at `at`, whose blocks may be in memory at the same time: those of `wanted`, under the index in `slots`.
    async fn take_together(
        &self,
        cx: &Context,
        turn: u64,
        at: &[RowInBlock],
        (wanted, slots): (Vec<usize>, Vec<usize>),
        single_pages: &SinglePages,
    ) -> Result<RecordBatch> {
        let load = |&block: &usize| self.part(cx, turn, single_pages, block, at);
        let loads: Vec<_> = wanted.iter().map(load).collect();
        let blocks: Vec<Arc<DecodedBlock>> = try_join_all(loads).await?;
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
        turn: u64,
        at: &[RowInBlock],
        rounds: &[usize],
        single_pages: &SinglePages,
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
            let wanted = distinct(&rows);
            parts.push(self.take_together(cx, turn, &rows, wanted, single_pages).await?);
        }
        let schema = self.schema();
        cx.compute(move || gather(&schema, &parts.iter().collect::<Vec<_>>(), &places))
            .await
    }

    /// Each of `blocks` with its bytes.
    fn sizes(&self, blocks: &[usize]) -> Vec<(BlockKey, u64)> {
        let size = |&block: &usize| ((self.key.id(), block), self.units[block].bytes);
        blocks.iter().map(size).collect()
    }

    /// The round in which each row is taken, so that the blocks of a round stay below `limit` bytes if more than one.
    fn rounds(&self, at: &[RowInBlock], limit: u64, single_pages: &SinglePages) -> Vec<usize> {
        let (mut round, mut bytes, mut of) = (0, 0_u64, HashMap::new());
        let mut assign = |block: usize| {
            let more = single_pages.bytes(block).unwrap_or(self.units[block].bytes);
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
fn pick(schema: &SchemaRef, blocks: &[Arc<DecodedBlock>], slots: &[usize], rows: &[u64]) -> Result<RecordBatch> {
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
