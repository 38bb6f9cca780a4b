//! Where the pages of large row groups are, in files that do not say it: from one page's header to the next.
//!
//! Without an offset index nobody can read a part of a row group, and writers leave it out unless they are told otherwise,
//! while they put a million rows into a group. Headers are a few dozen bytes for each page of about a mebibyte.

use super::page_header::PageHeader;
use crate::error::Result;
use crate::exec::waiting;
use crate::source::io::location::Location;
use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use std::ops::Range;

/// Bytes of a header: most are shorter, and some hold statistics with values of the column.
const HEADER: u64 = 512;

/// Pages of a column chunk at most: in a file of many more it would take long, and pages are not worth reading singly.
const MOST: usize = 16 << 10;

/// `metadata` with an offset index, where one can be had.
///
/// Headers count values, not rows, so lists have one only where all are of one size. What is not understood, or damaged, has
/// none: who reads it says what is wrong.
///
/// Of local files only: elsewhere each page would cost a request.
pub(super) async fn with_scanned_index(location: &Location, metadata: ParquetMetaData) -> Result<ParquetMetaData> {
    let location = location.clone();
    match location.is_local() {
        true => waiting(move || scanned(&location, metadata)).await?,
        false => Ok(metadata),
    }
}

fn scanned(location: &Location, metadata: ParquetMetaData) -> Result<ParquetMetaData> {
    let Some(widths) = widths(&metadata) else {
        return Ok(metadata);
    };
    let scans = |group| PageScan::over(group, &widths);
    let Some(mut groups) = metadata.row_groups().iter().map(scans).collect::<Option<Vec<_>>>() else {
        return Ok(metadata);
    };
    for _ in 0..MOST {
        let mut scanning: Vec<_> = groups
            .iter_mut()
            .flatten()
            .filter(|scan| scan.rows < scan.all)
            .collect();
        if scanning.is_empty() {
            let index = groups
                .into_iter()
                .map(|scans| scans.into_iter().map(PageScan::index).collect());
            let index = Some(index.collect());
            return Ok(metadata.into_builder().set_offset_index(index).build());
        }
        let ranges: Vec<_> = scanning.iter().map(|scan| scan.header()).collect();
        let headers = location.read_now(&ranges)?;
        let mut steps = scanning.iter_mut().zip(&headers);
        if !steps.all(|(scan, header)| scan.step(header).is_some()) {
            break;
        }
    }
    Ok(metadata)
}

/// Values of a row of each leaf; none where that is not the same for all rows.
fn widths(metadata: &ParquetMetaData) -> Option<Vec<u64>> {
    let file = metadata.file_metadata();
    let stored = file.schema_descr();
    let is_list = |leaf: usize| stored.column(leaf).max_rep_level() > 0;
    let leaves = 0..stored.num_columns();
    if !leaves.clone().any(is_list) {
        return Some(vec![1; stored.num_columns()]);
    }
    let schema = parquet_to_arrow_schema(stored, file.key_value_metadata()).ok()?;
    let width = |leaf: usize| match schema.field(stored.get_column_root_idx(leaf)).data_type() {
        DataType::FixedSizeList(item, size) if item.data_type().is_primitive() => u64::try_from(*size).ok(),
        _ => (!is_list(leaf)).then_some(1),
    };
    leaves.map(width).collect()
}

/// The way through the pages of a column chunk.
struct PageScan {
    at: u64,
    end: u64,
    /// Values of a row.
    width: u64,
    /// Rows so far, and of the row group.
    rows: u64,
    all: u64,
    pages: OffsetIndexBuilder,
}

impl PageScan {
    /// Over all column chunks of `group`; none where a list is missing or of another size.
    fn over(group: &RowGroupMetaData, widths: &[u64]) -> Option<Vec<Self>> {
        let rows = u64::try_from(group.num_rows()).ok()?;
        let scan = |(chunk, &width): (&ColumnChunkMetaData, &u64)| {
            let (start, length) = chunk.byte_range();
            let values = i64::try_from(rows.checked_mul(width)?).ok()?;
            (chunk.num_values() == values).then(|| Self {
                at: start,
                end: start.saturating_add(length),
                width,
                rows: 0,
                all: rows,
                pages: OffsetIndexBuilder::new(),
            })
        };
        group.columns().iter().zip(widths).map(scan).collect()
    }

    /// Where the next header is.
    fn header(&self) -> Range<u64> {
        self.at..self.end.min(self.at + HEADER)
    }

    /// Goes on over the page that begins with `bytes`; none where it is not a page as it should be.
    fn step(&mut self, bytes: &Bytes) -> Option<()> {
        let (header, length) = PageHeader::read(bytes)?;
        let size = length as u64 + header.compressed;
        let next = self.at.checked_add(size).filter(|&next| next <= self.end)?;
        if header.is_data() {
            let own = header.values / self.width.max(1);
            (own > 0 && header.values % self.width.max(1) == 0).then_some(())?;
            self.pages
                .append_offset_and_size(self.at as i64, i32::try_from(size).ok()?);
            self.pages.append_row_count(own as i64);
            self.rows = self.rows.checked_add(own).filter(|&rows| rows <= self.all)?;
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
