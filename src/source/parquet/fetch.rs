//! The blocks of rows: where they are, and how they, or single pages of them, come into memory.

use super::block_index::{RowInBlock, distinct};
use super::decode::block as decode;
use super::open::Parquet;
use super::single_pages::{SinglePages, ascending};
use crate::error::{ErrorKind, Result};
use crate::exec::Context;
use crate::exec::block_cache::{DecodedBlock, Found, LoadHandle};
use std::sync::Arc;

impl Parquet {
    /// Where the rows at `positions` are.
    pub(super) fn locate(&self, positions: &[u64]) -> Vec<RowInBlock> {
        // First position of the epoch that the last one is in: a division costs more than all that follows.
        let mut first = 0;
        let place = |&position: &u64| {
            if position.wrapping_sub(first) >= self.rows.get() {
                first = position / self.rows * self.rows.get();
            }
            let row = position - first;
            let block = self.index.find(&self.blocks, row);
            (block, row - self.blocks[block].rows.start)
        };
        positions.iter().map(place).collect()
    }

    /// The block `index`, from the cache or on its way.
    pub(super) fn fetch(&self, cx: &Context, turn: u64, index: usize) -> Found {
        cx.block_cache().get(&self.key, index, |ticket| {
            let (inner, unit, projection) = (cx.clone(), self.units[index].clone(), Arc::clone(&self.projection));
            let file = Arc::clone(&self.files[unit.file]);
            cx.spawn(async move {
                let _bytes = inner.reading(turn, unit.cost()).await;
                let decoded = Arc::new(decode::block(&inner, &file, &projection, &unit).await?);
                ticket.keep(&decoded, decoded.bytes, inner.blocks_left());
                Ok(decoded)
            })
        })
    }

    /// Starts to read the blocks of `at` that are not cached: as many as the pool has threads, and one more, those of all
    /// sources together. Dropping what is returned cancels the reads that nobody else wants.
    ///
    /// Marks those that are there as used, soonest last, so that room is made at the cost of other blocks, and reads no
    /// more than fit beside them: what does not is left to those who wait for rows.
    pub(super) fn prefetch(&self, cx: &Context, turn: u64, at: &[RowInBlock]) -> Vec<LoadHandle> {
        // A quarter is left for blocks that turn out larger than their footer says.
        let (cache, limit) = (cx.block_cache(), cx.blocks_left() / 4 * 3);
        let (soon, _) = distinct(at);
        let (mut missing, mut bytes, mut loads) = (Vec::new(), 0_u64, Vec::new());
        for block in soon.into_iter().rev() {
            match cache.find(&self.key, block) {
                Some(found) => {
                    bytes = bytes.saturating_add(self.units[block].bytes);
                    loads.extend(found.into_handle());
                }
                None => missing.push(block),
            }
        }
        while cache.loading() <= cx.threads()
            && let Some(block) = missing.pop()
        {
            bytes = bytes.saturating_add(self.units[block].bytes);
            if bytes > limit {
                break;
            }
            loads.extend(self.fetch(cx, turn, block).into_handle());
        }
        loads
    }

    /// The block `block`, or those of its rows that are in `at` alone where `single_pages` says so.
    ///
    /// Of a damaged block, rows whose own pages are sound are to be had, so that it makes no difference how they are read.
    pub(super) async fn part(
        &self,
        cx: &Context,
        turn: u64,
        single_pages: &SinglePages,
        block: usize,
        at: &[RowInBlock],
    ) -> Result<Arc<DecodedBlock>> {
        if let Some(rows) = single_pages.rows(block)
            && let Ok(some) = self.some_rows(cx, turn, block, Arc::clone(rows)).await
        {
            return Ok(some);
        }
        match self.fetch(cx, turn, block).wait().await {
            Err(error) if error.kind() != ErrorKind::Io && self.is_indexed(block) => {
                let rows = at.iter().filter(|row| row.0 == block).map(|row| row.1);
                let some = self.some_rows(cx, turn, block, ascending(rows.collect())).await;
                some.map_err(|_| error)
            }
            whole => whole,
        }
    }

    /// Reads the ascending `rows` of `block`.
    async fn some_rows(&self, cx: &Context, turn: u64, block: usize, rows: Arc<[u64]>) -> Result<Arc<DecodedBlock>> {
        let (unit, inner, projection) = (self.units[block].clone(), cx.clone(), Arc::clone(&self.projection));
        let stored = self.page_bytes(block, &rows).unwrap_or(unit.stored);
        let file = Arc::clone(&self.files[unit.file]);
        let task = cx.spawn(async move {
            let _bytes = inner.reading(turn, stored.saturating_mul(2)).await;
            decode::some_rows(&inner, &file, &projection, &unit, rows).await
        });
        task.await.map(Arc::new)
    }
}
