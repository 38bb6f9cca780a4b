//! The units that are read: row groups, and parts of large ones.

use super::projection::Projection;
use crate::source::parquet::format::footer::Footer;
use arrow::datatypes::DataType;
use parquet::basic::Type as Physical;
use parquet::file::metadata::ColumnChunkMetaData;
use std::ops::Range;
use std::sync::Arc;

/// A row group that is larger than this in memory is read in parts. Fixed, so that no machine reads other blocks.
const BLOCK_BYTES: u64 = 64 << 20;

/// Rows of one decoded batch at most, and bytes of its fixed-width columns: what a damaged count can make us reserve.
const BATCH_ROWS: u64 = 64 << 10;

/// Bytes of a decoded batch, where that is no fewer than [`FEW_ROWS`]: what was decoded is still in the processor's cache when
/// it is turned into rows.
const BATCH_BYTES: u64 = 384 << 10;

/// Rows of one decoded batch at least, where there are so many.
const FEW_ROWS: u64 = 256;

/// Parts of one row group at most: 4 TiB of them. More is a damaged count.
const MOST_PARTS: u64 = 64 << 10;

/// Bytes of a string or binary value beside its own.
const VIEW: usize = 16;

/// Rows of one row group that are read together.
#[derive(Clone, Debug)]
pub(in crate::source::parquet) struct Unit {
    /// Index of the file.
    pub(in crate::source::parquet) file: usize,
    /// Index of the row group in the file.
    pub(in crate::source::parquet) group: usize,
    /// Rows inside the row group.
    pub(in crate::source::parquet) rows: Range<u64>,
    /// Estimated bytes in memory.
    pub(in crate::source::parquet) bytes: u64,
    /// Bytes that are read for it.
    pub(in crate::source::parquet) stored: u64,
}

impl Unit {
    /// Bytes that reading it takes: the stored ones and the decoded ones.
    pub(in crate::source::parquet) fn cost(&self) -> u64 {
        self.bytes.saturating_add(self.stored)
    }
}

impl Projection {
    /// The row groups of `files`, the large ones cut into parts of equal size; empty ones are left out.
    pub(in crate::source::parquet) fn units(&self, files: &[Arc<Footer>]) -> Vec<Unit> {
        let mut units = Vec::new();
        for (file, footer) in files.iter().enumerate() {
            let (leaves, more) = (self.leaves(footer), self.extra_row_bytes(footer));
            for group in 0..footer.info.row_groups.len() {
                let rows = footer.info.row_groups[group].rows;
                let columns = footer.group(group).columns();
                let more = more.saturating_mul(rows);
                let bytes: u64 = leaves
                    .iter()
                    .fold(more, |sum: u64, &leaf| sum.saturating_add(in_memory(&columns[leaf])));
                let whole: u64 = leaves
                    .iter()
                    .fold(0, |sum: u64, &leaf| sum.saturating_add(columns[leaf].byte_range().1));
                split_rows(rows, bytes, |part, bytes| {
                    // Where nobody knows where the pages of a part are, all are read.
                    let stored = match footer.reader.metadata().offset_index() {
                        Some(_) => share(whole, part.end - part.start, rows),
                        None => whole,
                    };
                    units.push(Unit {
                        file,
                        group,
                        rows: part,
                        bytes,
                        stored,
                    });
                });
            }
        }
        units
    }

    /// Bytes of a row that `file` does not have: of columns that come out wider than they are stored, or are not stored.
    fn extra_row_bytes(&self, file: &Footer) -> u64 {
        if self.all.kinds.len() == 1 && self.all.keys.is_empty() {
            return 0;
        }
        let width = |data_type: &DataType| data_type.primitive_width().unwrap_or(VIEW) as u64;
        let fields = self.schema.fields().iter();
        let own = fields.map(|field| match self.stored_field(file, field.name()) {
            _ if self.tensor(field.name()).is_some() => 0,
            None => width(field.data_type()),
            Some(stored) if stored.data_type() == field.data_type() => 0,
            Some(stored) => width(field.data_type()).saturating_sub(width(stored.data_type())),
        });
        own.sum()
    }

    /// Rows that are decoded into one batch.
    pub(in crate::source::parquet) fn batch_rows(&self, file: &Footer, unit: &Unit) -> usize {
        let (stored, rows) = (file.reader.parquet_schema(), unit.rows.end - unit.rows.start);
        let width = |leaf: usize| stored.column(leaf).type_length().max(16) as u64;
        let width: u64 = self.leaves(file).into_iter().map(width).sum();
        let row = (unit.bytes / rows.max(1)).max(1);
        let most = rows.min(BATCH_ROWS).min(BLOCK_BYTES / width.max(1));
        most.min((BATCH_BYTES / row).max(FEW_ROWS)).max(1) as usize
    }
}

/// Cuts `rows` into parts of at most [`BLOCK_BYTES`] (and at least one row).
fn split_rows(rows: u64, bytes: u64, mut part: impl FnMut(Range<u64>, u64)) {
    if rows == 0 {
        return;
    }
    let parts = bytes.div_ceil(BLOCK_BYTES).clamp(1, rows.min(MOST_PARTS));
    let step = rows.div_ceil(parts);
    let mut start = 0;
    while start < rows {
        let end = rows.min(start.saturating_add(step));
        part(start..end, share(bytes, end - start, rows));
        start = end;
    }
}

/// What `part` of `rows` rows have of `bytes`.
fn share(bytes: u64, part: u64, rows: u64) -> u64 {
    (u128::from(bytes) * u128::from(part) / u128::from(rows)) as u64
}

/// Bytes of a column chunk once it is decoded: exact for numbers, an estimate for strings and binary values.
fn in_memory(chunk: &ColumnChunkMetaData) -> u64 {
    let values = chunk.num_values().max(0) as u64;
    match chunk.column_type() {
        Physical::BOOLEAN => values / 8,
        Physical::INT32 | Physical::FLOAT => values.saturating_mul(4),
        Physical::INT64 | Physical::DOUBLE | Physical::INT96 => values.saturating_mul(8),
        Physical::FIXED_LEN_BYTE_ARRAY => values.saturating_mul(chunk.column_descr().type_length().max(0) as u64),
        Physical::BYTE_ARRAY => values
            .saturating_mul(16)
            .saturating_add(chunk.uncompressed_size().max(0) as u64),
    }
}
