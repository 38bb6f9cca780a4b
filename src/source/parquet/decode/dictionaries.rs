//! Large dictionaries, read only where a page needs them.
//!
//! A writer gives a dictionary up when it has grown large, and stores the values that come after as they are: of photos that is
//! most of a row group behind a dictionary of several megabytes. A part of the row group would read it for nothing.

use super::page_ranges::dictionary;
use crate::error::{Error, Result};
use crate::source::parquet::format::damage::damaged;
use crate::source::parquet::format::footer::Footer;
use crate::source::parquet::format::page_header::PageHeader;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataBuilder};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a dictionary from which on it pays to look at the pages first, which may cost one read more.
const LARGE: u64 = 64 << 10;

/// The large dictionaries of row group `group` among the `wanted` bytes, with the column chunk that each is of.
pub(super) fn large(file: &Footer, group: usize, wanted: &[Range<u64>]) -> Vec<(usize, Range<u64>)> {
    let own = |leaf: usize| {
        let own = dictionary(file, group, leaf)?;
        (own.end - own.start >= LARGE && wanted.contains(&own)).then_some((leaf, own))
    };
    (0..file.group(group).columns().len()).filter_map(own).collect()
}

/// Whether a page of `chunk` in `bytes`, which are the file's `ranges`, may need the dictionary.
pub(super) fn is_needed(chunk: &ColumnChunkMetaData, ranges: &[Range<u64>], bytes: &[Bytes]) -> bool {
    let (start, length) = chunk.byte_range();
    let own = |range: &Range<u64>| range.start >= start && range.start < start.saturating_add(length);
    let parts = ranges.iter().zip(bytes).filter(|(range, _)| own(range));
    parts.into_iter().any(|(_, part)| needs_dictionary(part))
}

/// The metadata of row group `group` alone, in which the column chunks `bare` have no dictionary.
pub(super) fn without(file: &Footer, group: usize, bare: &[usize]) -> Result<ArrowReaderMetadata> {
    let (metadata, own) = (file.reader.metadata(), file.group(group));
    let mut columns = own.columns().to_vec();
    for &leaf in bare {
        let Some(dictionary) = dictionary(file, group, leaf) else {
            continue;
        };
        let chunk = columns[leaf].clone();
        let rest = chunk.byte_range().1.checked_sub(dictionary.end - dictionary.start);
        let rest = rest.ok_or_else(|| Error::data("the first page is said to be behind its column"))?;
        columns[leaf] = chunk
            .into_builder()
            .set_dictionary_page_offset(None)
            .set_data_page_offset(dictionary.end as i64)
            .set_total_compressed_size(rest as i64)
            .build()
            .map_err(damaged)?;
    }
    let only = own.clone().into_builder().set_column_metadata(columns).build();
    let index = metadata.offset_index().and_then(|index| index.get(group));
    let index = index.ok_or_else(|| Error::data("the pages of a part are not known"))?;
    let metadata = ParquetMetaDataBuilder::new(metadata.file_metadata().clone())
        .set_row_groups(vec![only.map_err(damaged)?])
        .set_offset_index(Some(vec![index.clone()]))
        .build();
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(file.reader.schema()));
    ArrowReaderMetadata::try_new(Arc::new(metadata), options).map_err(damaged)
}

/// Whether a page in `bytes` is encoded by a dictionary, or cannot be read: who decodes it says what is wrong.
fn needs_dictionary(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let page = PageHeader::read(rest).filter(|(header, _)| header.is_data() && !header.is_by_dictionary());
        let after =
            page.and_then(|(header, length)| rest.get(length..)?.get(usize::try_from(header.compressed).ok()?..));
        let Some(after) = after else { return true };
        rest = after;
    }
    false
}
