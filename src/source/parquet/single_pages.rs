//! A few rows of a block by the pages that hold them, where the block itself is not at hand and not worth reading.
//!
//! Where a file has an offset index, a row is had by reading one page of each column. That pays twice: for a run's first
//! batch, which waits for rows from each block of a window, and for a window that does not fit into the cache, whose blocks
//! would be read anew for every batch.

use super::block_index::RowInBlock;
use super::decode::page_ranges;
use super::open::Parquet;
use crate::exec::Context;
use std::collections::HashMap;
use std::sync::Arc;

/// The rows that a take has by their pages, ascending, and their bytes in memory, by the block that they are in.
#[derive(Debug, Default)]
pub(super) struct SinglePages(HashMap<usize, (Arc<[u64]>, u64)>);

impl SinglePages {
    /// The rows of `block` that are had by their pages.
    pub(super) fn rows(&self, block: usize) -> Option<&Arc<[u64]>> {
        self.0.get(&block).map(|(rows, _)| rows)
    }

    /// Bytes in memory of the rows of `block`, if they are had by their pages.
    pub(super) fn bytes(&self, block: usize) -> Option<u64> {
        self.0.get(&block).map(|(_, bytes)| *bytes)
    }
}

impl Parquet {
    /// Those of `at` whose blocks are neither in memory nor on their way, and that are in few pages.
    pub(super) fn single_pages(&self, cx: &Context, at: &[RowInBlock]) -> SinglePages {
        let mut rows: HashMap<usize, Vec<u64>> = HashMap::new();
        for &(block, row) in at.iter().filter(|row| self.is_indexed(row.0)) {
            rows.entry(block).or_default().push(row);
        }
        let own = |(block, rows): (usize, Vec<u64>)| {
            let (unit, rows) = (&self.units[block], ascending(rows));
            let few = self.page_bytes(block, &rows)? < unit.stored / 10 * 9;
            let bytes = unit.bytes / (unit.rows.end - unit.rows.start).max(1) * rows.len() as u64;
            (few && cx.block_cache().find(&self.key, block).is_none()).then_some((block, (rows, bytes)))
        };
        SinglePages(rows.into_iter().filter_map(own).collect())
    }

    /// Whether it is known where the pages of `block` are.
    pub(super) fn is_indexed(&self, block: usize) -> bool {
        self.files[self.units[block].file]
            .reader
            .metadata()
            .offset_index()
            .is_some()
    }

    /// Stored bytes of the pages that hold the ascending `rows` of `block`; none where nobody knows.
    pub(super) fn page_bytes(&self, block: usize, rows: &[u64]) -> Option<u64> {
        let unit = &self.units[block];
        page_ranges::bytes_of_rows(&self.files[unit.file], &self.projection, unit, rows)
    }
}

/// `rows` in order, each once.
pub(super) fn ascending(mut rows: Vec<u64>) -> Arc<[u64]> {
    rows.sort_unstable();
    rows.dedup();
    rows.into()
}
