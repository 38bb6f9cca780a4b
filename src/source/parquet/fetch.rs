//! The blocks of rows: where they are, and how they, or single pages of them, come into memory.

use super::block_index::{RowInBlock, distinct};
use super::cache::blocks::Found;
use super::decode::block as decode;
use super::decode::decoded::Decoded;
use super::open::Parquet;
use super::single_pages::{SinglePages, ascending};
use crate::error::{ErrorKind, Result};
use crate::exec::{Context, Task};
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
    pub(super) fn fetch(&self, cx: &Context, index: usize) -> Found<Decoded, Task<Arc<Decoded>>> {
        self.cache.get(index, |ticket| {
            let (inner, unit, projection) = (cx.clone(), self.units[index].clone(), Arc::clone(&self.projection));
            let file = Arc::clone(&self.files[unit.file]);
            cx.spawn(async move {
                let _permit = inner.reading(unit.cost()).await;
                let decoded = Arc::new(decode::block(&inner, &file, &projection, &unit).await?);
                ticket.keep(&decoded, decoded.bytes, inner.cache_share());
                Ok(decoded)
            })
        })
    }

    /// Starts to read the blocks of `at` that are not cached: as many as the pool has threads, and one more.
    ///
    /// Marks those that are there as used, soonest last, so that room is made at the cost of other blocks, and reads no
    /// more than fit beside them: what does not is left to those who wait for rows.
    pub(super) fn prefetch(&self, cx: &Context, at: &[RowInBlock]) {
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

    /// The block `block`, or those of its rows that are in `at` alone where `single_pages` says so.
    ///
    /// Of a damaged block, rows whose own pages are sound are to be had, so that it makes no difference how they are read.
    pub(super) async fn part(
        &self,
        cx: &Context,
        single_pages: &SinglePages,
        block: usize,
        at: &[RowInBlock],
    ) -> Result<Arc<Decoded>> {
        if let Some(rows) = single_pages.rows(block)
            && let Ok(some) = self.some_rows(cx, block, Arc::clone(rows)).await
        {
            return Ok(some);
        }
        match self.fetch(cx, block).wait().await {
            Err(error) if error.kind() != ErrorKind::Io && self.is_indexed(block) => {
                let rows = at.iter().filter(|row| row.0 == block).map(|row| row.1);
                let some = self.some_rows(cx, block, ascending(rows.collect())).await;
                some.map_err(|_| error)
            }
            whole => whole,
        }
    }

    /// Reads the ascending `rows` of `block`.
    async fn some_rows(&self, cx: &Context, block: usize, rows: Arc<[u64]>) -> Result<Arc<Decoded>> {
        let (unit, inner, projection) = (self.units[block].clone(), cx.clone(), Arc::clone(&self.projection));
        let stored = self.page_bytes(block, &rows).unwrap_or(unit.stored);
        let file = Arc::clone(&self.files[unit.file]);
        let task = cx.spawn(async move {
            let _permit = inner.reading(stored.saturating_mul(2)).await;
            decode::some_rows(&inner, &file, &projection, &unit, rows).await
        });
        task.await.map(Arc::new)
    }
}
