//! What a file's footer says: schema, row groups, where their bytes are. Read once, when the file is opened.

use super::{thrift, walk};
use crate::error::{Error, Result};
use crate::exec::{Context, catch};
use crate::source::parquet::io::files::Location;
use arrow::datatypes::{Field, SchemaRef};
use bytes::Bytes;
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder, ParquetMetaDataReader,
    RowGroupMetaData,
};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Bytes that are read from a file's end in one go: most footers fit, and a larger one costs a second read.
const TAIL: u64 = 16 << 10;

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
pub(in crate::source::parquet) struct Footer {
    pub(in crate::source::parquet) location: Location,
    pub(in crate::source::parquet) info: FileInfo,
    /// Hash of the footer's bytes.
    pub(in crate::source::parquet) hash: u128,
    /// The schema that the file itself states, with its metadata.
    pub(in crate::source::parquet) schema: SchemaRef,
    /// The same file, read with [`super::stored::stored`] types.
    pub(in crate::source::parquet) reader: ArrowReaderMetadata,
    /// The leaf of each column, the last one where it has several.
    leaves: HashMap<String, usize>,
}

impl Footer {
    /// As [`load`](Self::load), of a local file, on this thread, and the encoded footer; none where that does not say enough.
    pub(in crate::source::parquet) fn load_now(location: &Location) -> Result<Option<(Self, Bytes)>> {
        let failed = |error: Error| error.context(location.shown.as_ref());
        let (size, end) = location.tail_now(TAIL)?;
        let tail = match encoded(location, size, &end)? {
            Ok(tail) => tail,
            Err(range) => location.read_one_now(range)?,
        };
        let parsed = guarded(|| parse(&tail, size).map_err(|error| error.context("footer")));
        let metadata = parsed.map_err(failed)?;
        if has_large(&metadata) {
            return Ok(None);
        }
        let header = match first_header(&metadata) {
            Some(range) => match within(&range, size, &end) {
                Some(header) => Some(header),
                None => Some(location.read_one_now(range)?),
            },
            None => None,
        };
        let checksums = header.is_some_and(|header| header_has_checksum(&header));
        let footer = Self::new(location.clone(), size, &tail, metadata, checksums).map_err(failed)?;
        Ok(Some((footer, tail)))
    }

    /// The encoded footer, read again.
    pub(in crate::source::parquet) async fn encoded(&self, cx: &Context) -> Result<Bytes> {
        let (size, end) = self.location.tail(TAIL).await?;
        match encoded(&self.location, size, &end)? {
            Ok(tail) => Ok(tail),
            Err(range) => self.location.read_one(range, cx.buffers()).await,
        }
    }

    /// The footer of a local file that was opened as it was when `encoded` was its footer.
    pub(in crate::source::parquet) fn from_cached(
        location: &Location,
        encoded: &[u8],
        checksums: bool,
    ) -> Result<Self> {
        let size = location.size().unwrap_or(0);
        let metadata = guarded(|| parse(encoded, size))?;
        Self::new(location.clone(), size, encoded, metadata, checksums)
    }

    /// Reads and checks the footer of the file at `location`.
    pub(in crate::source::parquet) async fn load(cx: &Context, location: Location) -> Result<Self> {
        let shown = Arc::clone(&location.shown);
        let (size, end) = location.tail(TAIL).await?;
        let tail = match encoded(&location, size, &end)? {
            Ok(tail) => tail,
            Err(range) => location.read_one(range, cx.buffers()).await?,
        };
        let failed = |error: Error| error.context(shown.as_ref());
        let encoded = tail.clone();
        let start = move || parse(&encoded, size).map_err(|error| error.context("footer"));
        let metadata = cx.compute(move || guarded(start)).await.map_err(failed)?;
        let metadata = with_offset_index(cx, &location, size, metadata).await?;
        let header = match first_header(&metadata) {
            Some(range) => Some(location.read_one(range, cx.buffers()).await?),
            None => None,
        };
        let checksums = header.is_some_and(|header| header_has_checksum(&header));
        let footer = move || Self::new(location, size, &tail, metadata, checksums);
        cx.compute(footer).await.map_err(failed)
    }

    /// The file of `size` bytes at `location` with the encoded footer `tail`, which says `metadata`.
    fn new(location: Location, size: u64, tail: &[u8], metadata: ParquetMetaData, checksums: bool) -> Result<Self> {
        let info = info(&location.shown, size, checksums, &metadata);
        let (schema, reader) = guarded(|| readers(Arc::new(metadata)))?;
        let stored = reader.parquet_schema();
        let name = |leaf: usize| (stored.get_column_root(leaf).name().to_owned(), leaf);
        let leaves = (0..stored.num_columns()).map(name).collect();
        Ok(Self {
            location,
            info,
            hash: xxh3_128(tail),
            schema,
            reader,
            leaves,
        })
    }

    /// The leaf of the column `name`, the last one where it has several, and what the column comes out as.
    pub(in crate::source::parquet) fn leaf(&self, name: &str) -> Option<(usize, &Field)> {
        Some((*self.leaves.get(name)?, self.root(name)?))
    }

    /// The column `name` as it comes out of this file.
    pub(in crate::source::parquet) fn root(&self, name: &str) -> Option<&Field> {
        let leaf = *self.leaves.get(name)?;
        let root = self.reader.parquet_schema().get_column_root_idx(leaf);
        Some(self.reader.schema().field(root))
    }

    /// What the file's metadata says of row group `group`.
    pub(in crate::source::parquet) fn group(&self, group: usize) -> &RowGroupMetaData {
        self.reader.metadata().row_group(group)
    }
}

/// The encoded footer of a file of `size` bytes that ends in `end`, or where it is.
fn encoded(location: &Location, size: u64, end: &Bytes) -> Result<Result<Bytes, Range<u64>>> {
    let broken =
        |why: String| Error::data(format!("not a whole Parquet file ({why})")).context(location.shown.as_ref());
    if size < 4 + TRAILER {
        return Err(broken(format!("{size} bytes")));
    }
    let trailer = &end[end.len() - TRAILER as usize..];
    let length = match trailer {
        [a, b, c, d, b'P', b'A', b'R', b'1'] => u64::from(u32::from_le_bytes([*a, *b, *c, *d])),
        [.., b'P', b'A', b'R', b'E'] => {
            let message = "the footer is encrypted, which is not read; write a copy that is not encrypted";
            return Err(Error::data(message).context(location.shown.as_ref()));
        }
        _ => return Err(broken("it does not end in PAR1: cut off, or another format".into())),
    };
    if length > size - TRAILER - 4 {
        return Err(broken(format!("a footer of {length} bytes in a file of {size}")));
    }
    let range = size - TRAILER - length..size - TRAILER;
    Ok(within(&range, size, end).ok_or(range))
}

/// The bytes `range` of a file of `size` bytes that ends in `end`, if they are in there.
fn within(range: &Range<u64>, size: u64, end: &Bytes) -> Option<Bytes> {
    let first = size - end.len() as u64;
    let at = range.start.checked_sub(first)?..range.end.checked_sub(first)?;
    (at.end <= end.len() as u64).then(|| end.slice(at.start as usize..at.end as usize))
}

fn parse(tail: &[u8], size: u64) -> Result<ParquetMetaData> {
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

fn has_large(metadata: &ParquetMetaData) -> bool {
    let large = |group: &RowGroupMetaData| group.total_byte_size() > LARGE;
    metadata.row_groups().iter().any(large)
}

/// Loads the offset index where row groups are so large that a few rows, or parts of them, are better read by their pages.
async fn with_offset_index(
    cx: &Context,
    location: &Location,
    size: u64,
    metadata: ParquetMetaData,
) -> Result<ParquetMetaData> {
    if !has_large(&metadata) {
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
        let bytes = location.read(&ranges, cx.buffers()).await?;
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
            thrift::check_lists(bytes.get(at).unwrap_or_default())?;
        }
    }
    Ok(())
}

/// `ranges`, if all of them are inside a file of `size` bytes.
pub(in crate::source::parquet) fn inside(ranges: Vec<Range<u64>>, size: u64) -> Result<Vec<Range<u64>>> {
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
    let stored = super::stored::stored(own.schema());
    let options = ArrowReaderOptions::new().with_schema(stored);
    let reader = ArrowReaderMetadata::try_new(metadata, options).map_err(damaged)?;
    Ok((Arc::clone(own.schema()), reader))
}

/// Where the first page's header is, or as much of it as tells whether it carries a checksum.
fn first_header(metadata: &ParquetMetaData) -> Option<Range<u64>> {
    let first = metadata.row_groups().iter().find(|group| group.num_rows() > 0);
    let (start, length) = first?.columns().first()?.byte_range();
    Some(start..start + length.min(32))
}

/// Whether a page carries a checksum, the fourth field of its header (Thrift, compact protocol): type, two sizes, then the optional checksum, all 32-bit integers.
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
pub(in crate::source::parquet) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let panicked = |error: Error| match error.kind() {
        crate::error::ErrorKind::Stage => Error::data(format!("the decoder {error}")),
        _ => error,
    };
    catch(work).map_err(panicked)
}

/// What the Parquet decoder complains about.
pub(in crate::source::parquet) fn damaged(source: ParquetError) -> Error {
    let text = source.to_string();
    let message = text.strip_prefix("Parquet error: ").unwrap_or(&text);
    Error::data(message).with_source(source)
}
