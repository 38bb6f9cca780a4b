//! Where the pages of large row groups are, in files that do not say it: from one page's header to the next.
//!
//! Without an offset index nobody can read a part of a row group, and writers leave it out unless they are told otherwise,
//! while they put a million rows into a group. Headers are a few dozen bytes for each page of about a mebibyte.

use super::files::{Bytes, Location};
use super::pages::Header;
use crate::error::Result;
use parquet::file::metadata::{OffsetIndexBuilder, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use std::ops::Range;

/// Bytes of a header: most are shorter, and some hold statistics with values of the column.
const HEADER: u64 = 512;

/// Pages of a column chunk at most: in a file of many more it would take long, and pages are not worth reading singly.
const MOST: usize = 16 << 10;

/// `metadata` with an offset index, where one can be had.
///
/// Lists have none, because their headers count values, not rows. What is not understood, or damaged, has none either: who
/// reads it says what is wrong.
pub(super) async fn with_pages(location: &Location, metadata: ParquetMetaData) -> Result<ParquetMetaData> {
    let columns = metadata.file_metadata().schema_descr().columns();
    let mut groups: Vec<Vec<Walk>> = metadata.row_groups().iter().map(Walk::over).collect();
    if columns.iter().any(|column| column.max_rep_level() > 0) {
        return Ok(metadata);
    }
    for _ in 0..MOST {
        let mut walking: Vec<_> = groups
            .iter_mut()
            .flatten()
            .filter(|walk| walk.rows < walk.all)
            .collect();
        if walking.is_empty() {
            let index = groups
                .into_iter()
                .map(|walks| walks.into_iter().map(Walk::index).collect());
            let index = Some(index.collect());
            return Ok(metadata.into_builder().set_offset_index(index).build());
        }
        let ranges: Vec<_> = walking.iter().map(|walk| walk.header()).collect();
        let headers = location.read(&ranges).await?;
        let mut steps = walking.iter_mut().zip(&headers);
        if !steps.all(|(walk, header)| walk.step(header).is_some()) {
            break;
        }
    }
    Ok(metadata)
}

/// The way through the pages of a column chunk.
struct Walk {
    at: u64,
    end: u64,
    /// Rows so far, and of the row group.
    rows: u64,
    all: u64,
    pages: OffsetIndexBuilder,
}

impl Walk {
    fn over(group: &RowGroupMetaData) -> Vec<Self> {
        let walk = |(start, length): (u64, u64)| Self {
            at: start,
            end: start.saturating_add(length),
            rows: 0,
            all: group.num_rows().max(0) as u64,
            pages: OffsetIndexBuilder::new(),
        };
        group.columns().iter().map(|chunk| walk(chunk.byte_range())).collect()
    }

    /// Where the next header is.
    fn header(&self) -> Range<u64> {
        self.at..self.end.min(self.at + HEADER)
    }

    /// Goes on over the page that begins with `bytes`; none where it is not a page as it should be.
    fn step(&mut self, bytes: &Bytes) -> Option<()> {
        let (header, length) = Header::read(bytes)?;
        let size = length as u64 + header.compressed;
        let next = self.at.checked_add(size).filter(|&next| next <= self.end)?;
        if header.is_data() {
            let rows = self.rows.checked_add(header.values).filter(|&rows| rows <= self.all)?;
            (header.values > 0).then_some(())?;
            self.pages
                .append_offset_and_size(self.at as i64, i32::try_from(size).ok()?);
            self.pages.append_row_count(header.values as i64);
            self.rows = rows;
        } else if !header.is_dictionary() || self.rows > 0 {
            return None;
        }
        self.at = next;
        Some(())
    }

    fn index(self) -> OffsetIndexMetaData {
        self.pages.build()
    }
}
