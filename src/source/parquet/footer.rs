//! What a file's footer says: schema, row groups, where their bytes are. Read once, when the file is opened.

use super::files::{Bytes, Location};
use super::{pages, walk};
use crate::context::{Context, catch};
use crate::error::{Error, Result};
use arrow::datatypes::SchemaRef;
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder, ParquetMetaDataReader,
    RowGroupMetaData,
};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Bytes that are read from a file's end in one go: most footers fit, and a larger one costs a second read.
const TAIL: u64 = 64 << 10;

/// Bytes of a row group from which on the offset index is worth reading: smaller ones are read whole in no time.
const LARGE: i64 = 16 << 20;

/// The last bytes of every Parquet file: four of length, four of magic.
const TRAILER: u64 = 8;

/// A fixed-width value above this is a damaged footer: one batch of rows must fit in memory.
const WIDEST: i32 = 64 << 20;

/// One file as `millstream inspect` shows it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileInfo {
    /// The path as it was given.
    pub path: Arc<str>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// The row groups, in order.
    pub row_groups: Vec<RowGroupInfo>,
    /// The codecs of the column chunks, without repeats.
    pub codecs: Vec<String>,
    /// Whether pages carry checksums, judged by the first page: writers give them to all pages or to none.
    pub checksums: bool,
    /// Whether there is an offset index, by which single pages can be read.
    pub offset_index: bool,
}

/// One row group of a file.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RowGroupInfo {
    /// Rows.
    pub rows: u64,
    /// Bytes on disk.
    pub compressed: u64,
    /// Bytes after decompression, still encoded.
    pub uncompressed: u64,
}

/// An opened file.
#[derive(Debug)]
pub(super) struct Footer {
    pub(super) location: Location,
    pub(super) info: FileInfo,
    /// Hash of the footer's bytes.
    pub(super) hash: u128,
    /// The schema that the file itself states, with its metadata.
    pub(super) schema: SchemaRef,
    /// The same file, read with [`super::layout::stored`] types.
    pub(super) reader: ArrowReaderMetadata,
}

impl Footer {
    /// Reads and checks the footer of the file at `location`.
    pub(super) async fn load(cx: &Context, location: Location) -> Result<Self> {
        let (size, shown) = (location.size().await?, Arc::clone(&location.shown));
        let tail = read_tail(&location, size).await?;
        let hash = xxh3_128(tail.as_ref());
        let parsed = parse(cx, tail, size)
            .await
            .map_err(|error| error.context(shown.as_ref()))?;
        let metadata = with_offset_index(cx, &location, size, parsed).await?;
        let checksums = has_checksums(&location, &metadata).await?;
        let info = info(&shown, size, checksums, &metadata);
        let built = cx.compute(move || guarded(|| readers(Arc::new(metadata)))).await;
        let (schema, reader) = built.map_err(|error| error.context(shown.as_ref()))?;
        Ok(Self {
            location,
            info,
            hash,
            schema,
            reader,
        })
    }

    /// What the file's metadata says of row group `group`.
    pub(super) fn group(&self, group: usize) -> &RowGroupMetaData {
        self.reader.metadata().row_group(group)
    }
}

/// The encoded footer.
async fn read_tail(location: &Location, size: u64) -> Result<Bytes> {
    let broken =
        |why: String| Error::data(format!("not a whole Parquet file ({why})")).context(location.shown.as_ref());
    if size < 4 + TRAILER {
        return Err(broken(format!("{size} bytes")));
    }
    let tail = location.read_one(size.saturating_sub(TAIL)..size).await?;
    let (rest, trailer) = tail.split_at(tail.len() - TRAILER as usize);
    let length = match trailer {
        [a, b, c, d, b'P', b'A', b'R', b'1'] => u64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        [.., b'P', b'A', b'R', b'E'] => return Err(broken("its footer is encrypted".into())),
        _ => return Err(broken("it does not end in PAR1: cut off, or another format".into())),
    };
    if length > size - TRAILER - 4 {
        return Err(broken(format!("a footer of {length} bytes in a file of {size}")));
    }
    match (rest.len() as u64).checked_sub(length) {
        Some(start) => Ok(tail.slice(start as usize..rest.len())),
        None => location.read_one(size - TRAILER - length..size - TRAILER).await,
    }
}

async fn parse(cx: &Context, tail: Bytes, size: u64) -> Result<ParquetMetaData> {
    let work = move || {
        pages::check_lists(&tail)?;
        let metadata = ParquetMetaDataReader::decode_metadata(&tail).map_err(damaged)?;
        check(&metadata, size)?;
        Ok(metadata)
    };
    let parsed = cx.compute(move || guarded(work)).await;
    parsed.map_err(|error| error.context("footer"))
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

/// Loads the offset index where row groups are so large that a few rows, or parts of them, are better read by their pages.
async fn with_offset_index(
    cx: &Context,
    location: &Location,
    size: u64,
    metadata: ParquetMetaData,
) -> Result<ParquetMetaData> {
    let large = |group: &RowGroupMetaData| group.total_byte_size() > LARGE;
    if !metadata.row_groups().iter().any(large) {
        return Ok(metadata);
    }
    let failed = |error: Error| error.context("offset index").context(location.shown.as_ref());
    let places = index_places(&metadata);
    let start = move || {
        let decoder = ParquetMetaDataPushDecoder::try_new_with_metadata(size, metadata).map_err(damaged)?;
        let mut decoder = decoder.with_offset_index_policy(PageIndexPolicy::Optional);
        let step = decoder.try_decode().map_err(damaged)?;
        Ok((decoder, step))
    };
    let (mut decoder, mut step) = cx.compute(move || guarded(start)).await.map_err(failed)?;
    loop {
        let ranges = match step {
            DecodeResult::Data(metadata) if metadata.offset_index().is_none() => {
                return walk::with_pages(location, metadata).await;
            }
            DecodeResult::Data(metadata) => return Ok(metadata),
            DecodeResult::Finished => return Err(failed(Error::data("ended early"))),
            DecodeResult::NeedsData(ranges) => inside(ranges, size).map_err(failed)?,
        };
        let bytes = location.read(&ranges).await?;
        let places = Arc::clone(&places);
        let next = move || {
            check_indexes(&places, &ranges, &bytes)?;
            decoder.push_ranges(ranges, bytes).map_err(damaged)?;
            let step = decoder.try_decode().map_err(damaged)?;
            Ok((decoder, step))
        };
        (decoder, step) = cx.compute(move || guarded(next)).await.map_err(failed)?;
    }
}

/// Where the offset indexes of the column chunks are said to be.
fn index_places(metadata: &ParquetMetaData) -> Arc<[Range<u64>]> {
    let chunks = metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let place = |chunk: &ColumnChunkMetaData| {
        let start = u64::try_from(chunk.offset_index_offset()?).ok()?;
        let length = u64::try_from(chunk.offset_index_length()?).ok()?;
        Some(start..start.checked_add(length)?)
    };
    chunks.filter_map(place).collect()
}

/// Checks the lists of the indexes at `places` that lie in `bytes`, which are the file's `ranges`.
fn check_indexes(places: &[Range<u64>], ranges: &[Range<u64>], bytes: &[Bytes]) -> Result<()> {
    for (range, bytes) in ranges.iter().zip(bytes) {
        let inside = |place: &&Range<u64>| range.start <= place.start && place.end <= range.end;
        for place in places.iter().filter(inside) {
            let at = (place.start - range.start) as usize..(place.end - range.start) as usize;
            pages::check_lists(bytes.get(at).unwrap_or_default())?;
        }
    }
    Ok(())
}

/// `ranges`, if all of them are inside a file of `size` bytes.
pub(super) fn inside(ranges: Vec<Range<u64>>, size: u64) -> Result<Vec<Range<u64>>> {
    match ranges.iter().find(|range| range.start > range.end || range.end > size) {
        None => Ok(ranges),
        Some(range) => Err(Error::data(format!(
            "bytes {} to {} are wanted of a file of {size}",
            range.start, range.end
        ))),
    }
}

fn readers(metadata: Arc<ParquetMetaData>) -> Result<(SchemaRef, ArrowReaderMetadata)> {
    let own = ArrowReaderMetadata::try_new(Arc::clone(&metadata), ArrowReaderOptions::new()).map_err(damaged)?;
    let stored = super::layout::stored(own.schema());
    let options = ArrowReaderOptions::new().with_schema(stored);
    let reader = ArrowReaderMetadata::try_new(metadata, options).map_err(damaged)?;
    Ok((Arc::clone(own.schema()), reader))
}

/// Whether the first page carries a checksum: the fourth field of its header.
async fn has_checksums(location: &Location, metadata: &ParquetMetaData) -> Result<bool> {
    let first = metadata.row_groups().iter().find(|group| group.num_rows() > 0);
    let Some(chunk) = first.and_then(|group| group.columns().first()) else {
        return Ok(false);
    };
    let (start, length) = chunk.byte_range();
    let header = location.read_one(start..start + length.min(32)).await?;
    Ok(header_has_checksum(&header))
}

/// Reads a page header (Thrift, compact protocol): type, two sizes, then the optional checksum, all 32-bit integers.
fn header_has_checksum(header: &[u8]) -> bool {
    const NEXT_FIELD_I32: u8 = 0x15;
    let mut bytes = header.iter();
    for _ in 0..3 {
        if bytes.next() != Some(&NEXT_FIELD_I32) || !bytes.any(|byte| byte & 0x80 == 0) {
            return false;
        }
    }
    bytes.next() == Some(&NEXT_FIELD_I32)
}

fn info(path: &Arc<str>, bytes: u64, checksums: bool, metadata: &ParquetMetaData) -> FileInfo {
    let chunks = || metadata.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let codecs: BTreeSet<_> = chunks().map(|chunk| chunk.compression().to_string()).collect();
    let row_groups: Vec<_> = metadata.row_groups().iter().map(group_info).collect();
    FileInfo {
        path: Arc::clone(path),
        bytes,
        rows: row_groups.iter().map(|group| group.rows).sum(),
        row_groups,
        codecs: codecs.into_iter().collect(),
        checksums,
        offset_index: chunks()
            .next()
            .is_some_and(|chunk| chunk.offset_index_offset().is_some()),
    }
}

fn group_info(group: &RowGroupMetaData) -> RowGroupInfo {
    let sum = |size: fn(&ColumnChunkMetaData) -> i64| {
        group
            .columns()
            .iter()
            .fold(0_u64, |sum, chunk| sum.saturating_add(size(chunk).max(0) as u64))
    };
    RowGroupInfo {
        rows: group.num_rows().max(0) as u64,
        compressed: sum(ColumnChunkMetaData::compressed_size),
        uncompressed: sum(ColumnChunkMetaData::uncompressed_size),
    }
}

/// Runs a decoder over bytes that may be damaged: its panic is a `Data` error too.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let panicked = |error: Error| match error.kind() {
        crate::error::ErrorKind::Stage => Error::data(format!("the decoder {error}")),
        _ => error,
    };
    catch(work).map_err(panicked)
}

/// What the Parquet decoder complains about.
pub(super) fn damaged(source: ParquetError) -> Error {
    let text = source.to_string();
    let message = text.strip_prefix("Parquet error: ").unwrap_or(&text);
    Error::data(message).with_source(source)
}
