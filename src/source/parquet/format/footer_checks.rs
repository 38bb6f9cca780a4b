//! A footer is decoded, and what a later read would stumble over is refused.

use super::damage::damaged;
use super::thrift;
use crate::error::{Error, Result};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader};
use std::ops::Range;

/// A fixed-width value above this is a damaged footer: one batch of rows must fit in memory.
const WIDEST: i32 = 64 << 20;

/// The footer encoded in `tail`, of a file of `size` bytes.
pub(super) fn parse(tail: &[u8], size: u64) -> Result<ParquetMetaData> {
    thrift::check_lists(tail)?;
    let metadata = ParquetMetaDataReader::decode_metadata(tail).map_err(damaged)?;
    check(&metadata, size)?;
    Ok(metadata)
}

/// Refuses what a later read would stumble over: bytes outside the file, impossible counts and widths.
fn check(metadata: &ParquetMetaData, size: u64) -> Result<()> {
    for leaf in metadata.file_metadata().schema_descr().columns() {
        if leaf.type_length() > WIDEST {
            return Err(Error::data(format!(
                "column {:?}: values of {} bytes",
                leaf.name(),
                leaf.type_length()
            )));
        }
    }
    let mut rows = 0_i64;
    for (g, group) in metadata.row_groups().iter().enumerate() {
        let sum = rows.checked_add(group.num_rows()).filter(|_| group.num_rows() >= 0);
        rows = sum.ok_or_else(|| Error::data(format!("row group {g}: {} rows", group.num_rows())))?;
        for chunk in group.columns() {
            let place = || format!("row group {g}: column {:?}", chunk.column_path().string());
            chunk_range(chunk, size).map_err(|error| error.context(place()))?;
        }
    }
    Ok(())
}

/// Where a column chunk's bytes are, if that is inside a file of `size` bytes.
fn chunk_range(chunk: &ColumnChunkMetaData, size: u64) -> Result<Range<u64>> {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let (start, length) = (u64::try_from(start), u64::try_from(chunk.compressed_size()));
    let end = |(start, length): (u64, u64)| {
        start
            .checked_add(length)
            .filter(|&end| end <= size)
            .map(|end| start..end)
    };
    let range = start.ok().zip(length.ok()).and_then(end);
    let sane = range.filter(|_| chunk.uncompressed_size() >= 0 && chunk.num_values() >= 0);
    sane.ok_or_else(|| Error::data(format!("its bytes are said to be outside of the file's {size}")))
}
