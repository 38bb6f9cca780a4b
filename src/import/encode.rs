//! A row group as it lies in a file: its pages, each with a checksum, which the `parquet` crate's writer does not give them.
//!
//! The crate encodes the row group into memory. A page's header is a Thrift structure; the checksum is its fourth field, so it goes in between
//! the sizes and the part that is of the page's kind, and what comes after it moves.

use super::row_groups::RowGroup;
use crate::error::{Error, Result};
use crate::source::spool::unwritten;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use flate2::Crc;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use std::sync::Arc;

/// Bytes of a page of pictures or numbers, about: single rows are had by reading their pages.
const PAGE: usize = 256 << 10;

/// The columns of a row group, encoded.
pub(super) struct EncodedRowGroup {
    columns: Vec<(Bytes, ColumnCloseResult)>,
}

/// How files with the columns `schema` are written.
pub(super) fn properties(schema: &Schema) -> WriterPropertiesBuilder {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_max_row_group_row_count(None);
    for field in schema.fields() {
        for path in stored_plain(field, &[]) {
            let path = ColumnPath::new(path);
            properties = properties
                .set_column_compression(path.clone(), Compression::UNCOMPRESSED)
                .set_column_data_page_size_limit(path.clone(), PAGE)
                .set_column_dictionary_enabled(path, false);
        }
    }
    properties
}

/// The paths of the columns in `field` that compression gains nothing in: binary and floating-point values.
fn stored_plain(field: &Field, above: &[String]) -> Vec<Vec<String>> {
    let path = [above, &[field.name().clone()]].concat();
    match field.data_type() {
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => vec![path],
        float if float.is_floating() => vec![path],
        DataType::Struct(fields) => fields.iter().flat_map(|field| stored_plain(field, &path)).collect(),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            stored_plain(item, &[path, vec!["list".to_owned()]].concat())
        }
        _ => Vec::new(),
    }
}

impl EncodedRowGroup {
    /// The rows of `group`.
    pub(super) fn of(schema: &SchemaRef, group: &RowGroup) -> Result<Self> {
        // Pages end where a batch ends, so the bytes of a file would depend on the batches that its rows came in.
        let rows = concat_batches(schema, &group.parts)?;
        let of_a_page = PAGE as u64 * rows.num_rows() as u64 / group.bytes.max(1);
        let properties = properties(schema)
            .set_write_batch_size(of_a_page.clamp(1, 1024) as usize)
            .build();
        let mut encoded = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut encoded, Arc::clone(schema), Some(properties)).map_err(unwritten)?;
        writer.write(&rows).map_err(unwritten)?;
        let metadata = writer.close().map_err(unwritten)?;
        drop(rows);
        let index = metadata.offset_index().and_then(|groups| groups.first());
        let (Some(group), Some(index)) = (metadata.row_groups().first(), index) else {
            return Err(Error::data("a row group was encoded without an index of its pages"));
        };
        let columns = group.columns().iter().zip(index);
        let columns = columns.map(|(column, index)| checked(&encoded, column, index, group.num_rows()));
        Ok(Self {
            columns: columns.collect::<Result<_>>()?,
        })
    }

    /// The columns, in their order.
    pub(super) fn into_columns(self) -> Vec<(Bytes, ColumnCloseResult)> {
        self.columns
    }
}

/// The pages of a column of a file that is `encoded`, each with a checksum, and what there is to say of them, places counted from the first.
fn checked(
    encoded: &[u8],
    column: &ColumnChunkMetaData,
    index: &OffsetIndexMetaData,
    rows: i64,
) -> Result<(Bytes, ColumnCloseResult)> {
    let unknown = || Error::data("a page was encoded in a way that is not known here");
    let mut out = Vec::with_capacity(column.compressed_size().max(0) as usize + 16 * (index.page_locations.len() + 1));
    let mut add = |start: i64, end: i64| {
        let page = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        let page = page
            .and_then(|(start, end)| encoded.get(start..end))
            .ok_or_else(unknown)?;
        let at = out.len();
        with_checksum(page, &mut out).ok_or_else(unknown)?;
        Ok::<_, Error>((at as i64, out.len() as i64))
    };
    let dictionary = column.dictionary_page_offset();
    if let Some(start) = dictionary {
        add(start, column.data_page_offset())?;
    }
    let mut index = index.clone();
    for page in &mut index.page_locations {
        let (start, end) = add(page.offset, page.offset + i64::from(page.compressed_page_size))?;
        page.offset = start;
        page.compressed_page_size = i32::try_from(end - start).map_err(|_| unknown())?;
    }
    let added = out.len() as i64 - column.compressed_size();
    let data = index.page_locations.first().map_or(0, |page| page.offset);
    let metadata = column
        .clone()
        .into_builder()
        .set_total_compressed_size(out.len() as i64)
        .set_total_uncompressed_size(column.uncompressed_size() + added)
        .set_data_page_offset(data)
        .set_dictionary_page_offset(dictionary.map(|_| 0))
        .build()
        .map_err(unwritten)?;
    let close = ColumnCloseResult {
        bytes_written: out.len() as u64,
        rows_written: rows.max(0) as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: Some(index),
    };
    Ok((out.into(), close))
}

/// Adds `page`, a header and what it is the header of, to `out`, with a checksum in its header; none where it has one or is no page.
fn with_checksum(page: &[u8], out: &mut Vec<u8>) -> Option<()> {
    // Three numbers: the page's type and its sizes without and with compression. A field is its distance from the one before, and its type.
    const NUMBER: u8 = 0x15;
    const STRUCT: u8 = 12;
    let (mut rest, mut last) = (page, 0);
    for _ in 0..3 {
        let (&NUMBER, after) = rest.split_first()? else {
            return None;
        };
        rest = after;
        last = varint(&mut rest)?;
    }
    // Sizes are stored doubled, since numbers may be negative.
    let body = page.get(page.len().checked_sub(usize::try_from(last >> 1).ok()?)?..)?;
    let (&next, kind) = rest.split_first()?;
    if next & 15 != STRUCT || next >> 4 < 2 {
        return None;
    }
    let mut crc = Crc::new();
    crc.update(body);
    let sum = crc.sum() as i32;
    out.extend(&page[..page.len() - rest.len()]);
    out.push(NUMBER);
    push_varint(out, ((sum << 1) ^ (sum >> 31)) as u32);
    out.push(next - 0x10);
    out.extend(kind);
    Some(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn push_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_goes_in_behind_the_sizes() {
        // A data page of type 0 with 3 bytes: its own part is the fifth field, a structure.
        let page = [
            0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x2c, 0x15, 0x06, 0x00, 0x00, b'a', b'b', b'c',
        ];
        let mut out = Vec::new();
        with_checksum(&page, &mut out).expect("a page");
        // The CRC-32 of "abc" is 0x352441c2.
        let sum = [0x84, 0x87, 0xa2, 0xd2, 0x06];
        let expected = [&page[..6], &[0x15], &sum, &[0x1c], &page[7..]].concat();
        assert_eq!(out, expected);
        assert_eq!(varint(&mut &sum[..]), Some(u64::from(0x3524_41c2_u32) << 1));
        assert!(with_checksum(&out, &mut Vec::new()).is_none(), "it has one");
        assert!(with_checksum(&page[..5], &mut Vec::new()).is_none());
    }
}
