//! What a file's footer says: schema, row groups, where their bytes are. Read once, when the file is opened.

use super::damage::{damaged, guarded};
use super::footer_checks::parse;
use super::info::{FileInfo, info};
use super::made_by::MadeBy;
use super::offset_index::{has_large, with_offset_index};
use super::page_header::PageHeader;
use super::view_types::with_view_types;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::fields::HUGGING_FACE;
use crate::source::io::location::Location;
use arrow::datatypes::{Field, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{FooterTail, ParquetMetaData, RowGroupMetaData};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Bytes that are read from a file's end in one go: most footers fit, and a larger one costs a second read.
const TAIL: u64 = 16 << 10;

/// The last bytes of every Parquet file: four of length, four of magic.
const TRAILER: u64 = 8;

/// An opened file.
#[derive(Debug)]
pub(in crate::source::parquet) struct Footer {
    pub(in crate::source::parquet) location: Location,
    pub(in crate::source::parquet) info: FileInfo,
    /// Hash of the footer's bytes.
    pub(in crate::source::parquet) hash: u128,
    /// The schema that the file itself states, with its metadata.
    pub(in crate::source::parquet) schema: SchemaRef,
    /// The same file, read with [view types](with_view_types).
    pub(in crate::source::parquet) reader: ArrowReaderMetadata,
    /// What made rows of it, where it says that.
    pub(in crate::source::parquet) made_by: Option<Arc<MadeBy>>,
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
        let checksums = header.is_some_and(|header| PageHeader::has_checksum(&header));
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
        let checksums = header.is_some_and(|header| PageHeader::has_checksum(&header));
        let footer = move || Self::new(location, size, &tail, metadata, checksums);
        cx.compute(footer).await.map_err(failed)
    }

    /// The file of `size` bytes at `location` with the encoded footer `tail`, which says `metadata`.
    fn new(location: Location, size: u64, tail: &[u8], metadata: ParquetMetaData, checksums: bool) -> Result<Self> {
        let info = info(&location.shown, size, checksums, &metadata);
        let (mut schema, reader) = guarded(|| readers(Arc::new(metadata)))?;
        // What the file says itself is right.
        if let Some(features) = location
            .features
            .as_ref()
            .filter(|_| !schema.metadata().contains_key(HUGGING_FACE))
        {
            let mut metadata = schema.metadata().clone();
            metadata.insert(HUGGING_FACE.to_owned(), features.to_string());
            schema = Arc::new(schema.as_ref().clone().with_metadata(metadata));
        }
        let stored = reader.parquet_schema();
        let name = |leaf: usize| (stored.get_column_root(leaf).name().to_owned(), leaf);
        let leaves = (0..stored.num_columns()).map(name).collect();
        let made_by = MadeBy::read(&schema, reader.metadata())?;
        Ok(Self {
            location,
            info,
            hash: xxh3_128(tail),
            schema,
            reader,
            made_by,
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
    let tail = end.last_chunk().and_then(|tail| FooterTail::try_new(tail).ok());
    let tail = tail.ok_or_else(|| broken("it does not end in PAR1: cut off, or another format".into()))?;
    if tail.is_encrypted_footer() {
        let message = "the footer is encrypted, which is not read; write a copy that is not encrypted";
        return Err(Error::data(message).context(location.shown.as_ref()));
    }
    let length = tail.metadata_length() as u64;
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

fn readers(metadata: Arc<ParquetMetaData>) -> Result<(SchemaRef, ArrowReaderMetadata)> {
    let own = ArrowReaderMetadata::try_new(Arc::clone(&metadata), ArrowReaderOptions::new()).map_err(damaged)?;
    let stored = with_view_types(own.schema());
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
