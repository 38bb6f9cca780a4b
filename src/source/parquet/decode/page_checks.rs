//! What footers and page headers claim, checked before a decoder reserves memory for it.

use super::delta_lengths;
use crate::error::{Error, Result};
use crate::source::parquet::format::page_header::PageHeader;
use bytes::Bytes;
use parquet::basic::{Compression, Type as Physical};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use std::io::{self, Read};
use std::ops::Range;

/// Pages of this many bytes are read however little memory a context has: one page cannot be read in parts.
pub(super) const MIN_PAGE_LIMIT: u64 = 256 << 20;

/// Bytes that the pages of a row group may hold beyond what the footer says.
const SLACK: u64 = 64 << 20;

/// Deflate cannot make more of a byte.
const DEFLATE_RATIO: u64 = 1032;

/// Checks the headers of all pages in `bytes`, which are the `ranges` of `group` that are about to be decoded.
///
/// # Errors
///
/// `Budget` where the largest pages of the columns do not fit into `memory` together; `Data` where pages hold more than
/// the footer says, or decompress to more than they say.
pub(super) fn check(group: &RowGroupMetaData, ranges: &[Range<u64>], bytes: &[Bytes], memory: u64) -> Result<()> {
    let (limit, mut largest, mut held, mut said) = (memory.max(MIN_PAGE_LIMIT), 0_u64, 0_u64, 0_u64);
    for chunk in group.columns() {
        let (start, length) = chunk.byte_range();
        let own = |range: &Range<u64>| range.start >= start && range.start < start + length;
        let mut pages = Pages::default();
        for (_, part) in ranges.iter().zip(bytes).filter(|(range, _)| own(range)) {
            let place = || format!("column {:?}", chunk.column_path().string());
            pages.add(chunk, part, limit).map_err(|error| error.context(place()))?;
        }
        largest = largest.saturating_add(pages.largest);
        held = held.saturating_add(pages.bytes);
        said = said.saturating_add(chunk.uncompressed_size().max(0) as u64);
    }
    if largest > limit {
        return Err(Error::budget(format!(
            "its largest pages are {largest} bytes when decompressed, but the context has {memory} bytes of memory: \
             give it more, or write the file with smaller pages"
        )));
    }
    match held > said.saturating_add(SLACK) {
        true => Err(Error::data(format!(
            "its pages are said to hold {held} bytes, but the footer says {said}"
        ))),
        false => Ok(()),
    }
}

/// What the pages of one column claim.
#[derive(Default)]
struct Pages {
    values: u64,
    /// Bytes once decompressed, of all pages and of the largest.
    bytes: u64,
    largest: u64,
}

impl Pages {
    /// Adds the pages in `part`, all bytes of which have to be pages up to the last value of `chunk`.
    fn add(&mut self, chunk: &ColumnChunkMetaData, part: &Bytes, limit: u64) -> Result<()> {
        let (mut rest, values): (&[u8], _) = (part, chunk.num_values().max(0) as u64);
        while !rest.is_empty() {
            let broken = |what: &str| Error::data(format!("page header at byte {}: {what}", part.len() - rest.len()));
            let page = PageHeader::read(rest)
                .ok_or("it cannot be read")
                .and_then(|(header, length)| {
                    let body = rest[length..].get(..header.compressed as usize);
                    Ok((header, length, body.ok_or("the page is longer than its column")?))
                });
            let (header, length, body) = match page {
                Ok(page) => page,
                Err(_) if self.values >= values => return Ok(()),
                Err(what) => return Err(broken(what)),
            };
            let bytes = match chunk.compression() {
                Compression::UNCOMPRESSED => body.len() as u64,
                _ => header.uncompressed,
            };
            if header.is_dictionary() && header.values > most_entries(chunk, bytes) {
                let entries = header.values;
                return Err(broken(&format!("{entries} entries in a dictionary of {bytes} bytes")));
            }
            if header.uncompressed <= limit && !inflates_as_said(&header, chunk.compression(), body, limit) {
                return Err(broken(&format!(
                    "the page is not the {} bytes that it says when decompressed",
                    header.uncompressed
                )));
            }
            let whole = &rest[..length + body.len()];
            if header.has_lengths() && header.uncompressed <= limit && !delta_lengths::fit(chunk, part.slice_ref(whole))
            {
                return Err(broken("the page has more lengths than values"));
            }
            self.values += if header.is_dictionary() { 0 } else { header.values };
            self.bytes = self.bytes.saturating_add(header.uncompressed);
            self.largest = self.largest.max(header.uncompressed);
            rest = &rest[whole.len()..];
        }
        Ok(())
    }
}

/// Entries that fit into a dictionary page of `bytes`.
fn most_entries(chunk: &ColumnChunkMetaData, bytes: u64) -> u64 {
    let width = match chunk.column_type() {
        Physical::BOOLEAN => 1,
        Physical::INT64 | Physical::DOUBLE => 8,
        Physical::INT96 => 12,
        Physical::FIXED_LEN_BYTE_ARRAY => chunk.column_descr().type_length().max(1) as u64,
        // A byte array has four bytes of length.
        Physical::INT32 | Physical::FLOAT | Physical::BYTE_ARRAY => 4,
    };
    bytes / width
}

/// Whether `body` is no larger than its `header` says, for the codecs whose decoders go on to the end of their input
/// whatever they are told. The others stop by themselves.
///
/// Decompresses where the body may turn out to be more than `limit`: Brotli always, Deflate where it is large.
fn inflates_as_said(header: &PageHeader, codec: Compression, body: &[u8], limit: u64) -> bool {
    let Some(packed) = body.get(header.levels as usize..).filter(|_| !header.is_uncompressed) else {
        return true;
    };
    let size = header.uncompressed.saturating_sub(header.levels);
    match codec {
        Compression::GZIP(_) if packed.len() as u64 * DEFLATE_RATIO > limit => {
            is_within(flate2::bufread::MultiGzDecoder::new(packed), size)
        }
        Compression::BROTLI(_) => is_within(brotli::Decompressor::new(packed, 64 << 10), size),
        _ => true,
    }
}

/// Whether there are at most `size` bytes, or as many of them as can be decoded.
fn is_within(inflated: impl Read, size: u64) -> bool {
    match io::copy(&mut inflated.take(size + 1), &mut io::sink()) {
        Ok(bytes) => bytes <= size,
        // The decoder says better what is wrong.
        Err(_) => true,
    }
}
