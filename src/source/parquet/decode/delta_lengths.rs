//! Delta-encoded lengths: how many there are stands in the compressed part of a page, and the decoder reserves memory
//! for as many before it reads them.

use crate::source::parquet::format::thrift::Thrift;
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use std::sync::Arc;

/// Whether `page` (header and body) has no more lengths than values. True where it cannot be read: the decoder says
/// better what is wrong.
///
/// Decompresses the page, which is decompressed once more when it is decoded.
pub(super) fn fit(chunk: &ColumnChunkMetaData, page: Bytes) -> bool {
    let alone = chunk.clone().into_builder();
    let alone = alone
        .set_data_page_offset(0)
        .set_dictionary_page_offset(None)
        .set_total_compressed_size(page.len() as i64)
        .build();
    let read = alone.and_then(|alone| SerializedPageReader::new(Arc::new(page), &alone, 0, None)?.get_next_page());
    match read {
        Ok(Some(page)) => lengths_fit(chunk, &page).unwrap_or(true),
        _ => true,
    }
}

fn lengths_fit(chunk: &ColumnChunkMetaData, page: &Page) -> Option<bool> {
    let mut lists = Thrift(values_of(chunk, page)?);
    let first = count(&mut lists)?;
    if first.values > u64::from(page.num_values()) {
        return Some(false);
    }
    if page.encoding() == Encoding::DELTA_BYTE_ARRAY {
        first.pass(&mut lists)?;
        return Some(count(&mut lists)?.values <= u64::from(page.num_values()));
    }
    Some(true)
}

/// What follows the levels.
fn values_of<'a>(chunk: &ColumnChunkMetaData, page: &'a Page) -> Option<&'a [u8]> {
    match page {
        Page::DataPage { buf, .. } => {
            let column = chunk.column_descr();
            let mut rest: &[u8] = buf;
            for levels in [column.max_rep_level(), column.max_def_level()] {
                if levels > 0 {
                    let length = u32::from_le_bytes(*rest.first_chunk()?);
                    rest = rest[4..].get(length as usize..)?;
                }
            }
            Some(rest)
        }
        Page::DataPageV2 {
            buf,
            def_levels_byte_len,
            rep_levels_byte_len,
            ..
        } => buf.get(*def_levels_byte_len as usize + *rep_levels_byte_len as usize..),
        Page::DictionaryPage { .. } => None,
    }
}

/// The header of a list of deltas.
struct Deltas {
    block: u64,
    minis: u64,
    values: u64,
}

fn count(list: &mut Thrift<'_>) -> Option<Deltas> {
    let out = Deltas {
        block: list.varint()?,
        minis: list.varint()?,
        values: list.varint()?,
    };
    list.varint()?;
    Some(out)
}

impl Deltas {
    /// Goes past the blocks of deltas.
    fn pass(&self, list: &mut Thrift<'_>) -> Option<()> {
        let per_mini = self.block.checked_div(self.minis).filter(|&values| values > 0)?;
        let mut left = self.values.saturating_sub(1);
        while left > 0 {
            list.varint()?;
            let widths = list.0.get(..self.minis as usize)?;
            list.pass(self.minis)?;
            for &width in widths.iter().take(left.div_ceil(per_mini) as usize) {
                list.pass(per_mini.checked_mul(u64::from(width))? / 8)?;
                left = left.saturating_sub(per_mini);
            }
        }
        Some(())
    }
}
