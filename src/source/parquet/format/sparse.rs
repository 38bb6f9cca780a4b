//! A few rows of a block by the pages that hold them, where the block itself is not at hand and not worth reading.
//!
//! Where a file has an offset index, a row is had by reading one page of each column. That pays twice: for a run's first
//! batch, which waits for rows from each block of a window, and for a window that does not fit into the cache, whose blocks
//! would be read anew for every batch.

use super::dictionaries;
use super::footer::Footer;
use super::layout::{Layout, Unit};
use crate::error::{ErrorKind, Result};
use crate::exec::Context;
use crate::source::parquet::cache::places::InBlock;
use crate::source::parquet::io::read;
use crate::source::parquet::io::read::Decoded;
use crate::source::parquet::open::Parquet;
use parquet::file::page_index::offset_index::PageLocation;
use std::collections::HashMap;
use std::sync::Arc;

/// The rows that a take has by their pages, ascending, and their bytes in memory, by the block that they are in.
#[derive(Debug, Default)]
pub(in crate::source::parquet) struct Sparse(HashMap<usize, (Arc<[u64]>, u64)>);

impl Sparse {
    /// Bytes in memory of the rows of `block`, if they are had by their pages.
    pub(in crate::source::parquet) fn bytes(&self, block: usize) -> Option<u64> {
        self.0.get(&block).map(|(_, bytes)| *bytes)
    }
}

impl Parquet {
    /// Those of `at` whose blocks are neither in memory nor on their way, and that are in few pages.
    pub(in crate::source::parquet) fn sparse(&self, at: &[InBlock]) -> Sparse {
        let mut rows: HashMap<usize, Vec<u64>> = HashMap::new();
        for &(block, row) in at.iter().filter(|row| self.is_indexed(row.0)) {
            rows.entry(block).or_default().push(row);
        }
        let own = |(block, rows): (usize, Vec<u64>)| {
            let (unit, rows) = (&self.units[block], ascending(rows));
            let few = self.pages(block, &rows)? < unit.stored / 10 * 9;
            let bytes = unit.bytes / (unit.rows.end - unit.rows.start).max(1) * rows.len() as u64;
            (few && !self.cache.touch(block)).then_some((block, (rows, bytes)))
        };
        Sparse(rows.into_iter().filter_map(own).collect())
    }

    /// The block `block`, or those of its rows that are in `at` alone where `sparse` says so.
    ///
    /// Of a damaged block, rows whose own pages are sound are to be had, so that it makes no difference how they are read.
    pub(in crate::source::parquet) async fn part(
        &self,
        cx: &Context,
        sparse: &Sparse,
        block: usize,
        at: &[InBlock],
    ) -> Result<Arc<Decoded>> {
        if let Some((rows, _)) = sparse.0.get(&block)
            && let Ok(some) = self.some(cx, block, Arc::clone(rows)).await
        {
            return Ok(some);
        }
        match self.fetch(cx, block).wait().await {
            Err(error) if error.kind() != ErrorKind::Io && self.is_indexed(block) => {
                let rows = at.iter().filter(|row| row.0 == block).map(|row| row.1);
                let some = self.some(cx, block, ascending(rows.collect())).await;
                some.map_err(|_| error)
            }
            whole => whole,
        }
    }

    /// Reads the ascending `rows` of `block`.
    async fn some(&self, cx: &Context, block: usize, rows: Arc<[u64]>) -> Result<Arc<Decoded>> {
        let (unit, inner, layout) = (self.units[block].clone(), cx.clone(), Arc::clone(&self.layout));
        let stored = self.pages(block, &rows).unwrap_or(unit.stored);
        let file = Arc::clone(&self.files[unit.file]);
        let task = cx.spawn(async move {
            let _permit = inner.reading(stored.saturating_mul(2)).await;
            read::some(&inner, &file, &layout, &unit, rows).await
        });
        task.await.map(Arc::new)
    }

    /// Whether it is known where the pages of `block` are.
    fn is_indexed(&self, block: usize) -> bool {
        self.files[self.units[block].file]
            .reader
            .metadata()
            .offset_index()
            .is_some()
    }

    /// Stored bytes of the pages that hold the ascending `rows` of `block`; none where nobody knows.
    fn pages(&self, block: usize, rows: &[u64]) -> Option<u64> {
        let unit = &self.units[block];
        pages(&self.files[unit.file], &self.layout, unit, rows)
    }
}

fn ascending(mut rows: Vec<u64>) -> Arc<[u64]> {
    rows.sort_unstable();
    rows.dedup();
    rows.into()
}

fn pages(file: &Footer, layout: &Layout, unit: &Unit, rows: &[u64]) -> Option<u64> {
    let index = file.reader.metadata().offset_index()?.get(unit.group)?;
    let column = |leaf: usize| {
        let pages = index.get(leaf)?.page_locations();
        let dictionary = dictionaries::dictionary(file, unit.group, leaf).map_or(0, |own| own.end - own.start);
        let rows = rows.iter().map(|row| unit.rows.start + row);
        Some(dictionary + of_rows(pages, rows))
    };
    layout
        .leaves(file)
        .into_iter()
        .try_fold(0_u64, |sum, leaf| Some(sum.saturating_add(column(leaf)?)))
}

/// Bytes of the pages that hold the ascending `rows`.
fn of_rows(pages: &[PageLocation], rows: impl Iterator<Item = u64>) -> u64 {
    let (mut bytes, mut last) = (0_u64, None);
    for row in rows {
        let page = pages
            .partition_point(|page| page.first_row_index <= row as i64)
            .saturating_sub(1);
        if last.replace(page) != Some(page) {
            bytes = bytes.saturating_add(pages[page].compressed_page_size.max(0) as u64);
        }
    }
    bytes
}
