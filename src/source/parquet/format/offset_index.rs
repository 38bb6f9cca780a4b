//! Where the pages of large row groups are: by the file's offset index, or by the headers of the pages.

use super::damage::{damaged, guarded};
use super::{scanned_index, thrift};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::io::location::Location;
use crate::source::io::ranges::inside;
use bytes::Bytes;
use parquet::DecodeResult;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder, RowGroupMetaData,
};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a row group from which on the offset index is worth reading: smaller ones are read whole in no time.
const LARGE: i64 = 16 << 20;

/// Whether there is a row group for which the offset index is worth reading.
pub(super) fn has_large(metadata: &ParquetMetaData) -> bool {
    let large = |group: &RowGroupMetaData| group.total_byte_size() > LARGE;
    metadata.row_groups().iter().any(large)
}

/// Loads the offset index where row groups are so large that a few rows, or parts of them, are better read by their pages.
pub(super) async fn with_offset_index(
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
                return scanned_index::with_scanned_index(location, metadata).await;
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
