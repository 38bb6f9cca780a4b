//! Fetches and decodes one block, on the CPU pool: its bytes, too, where they are in memory, else on a thread that may wait.

use super::decoder::{Step, decoded, start, step};
use super::{dictionaries, encrypted, page_checks, page_ranges, plain_numbers};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::exec::block_cache::DecodedBlock;
use crate::source::io::ranges::inside;
use crate::source::parquet::format::damage::{damaged, guarded};
use crate::source::parquet::format::footer::Footer;
use crate::source::parquet::schema::projection::Projection;
use crate::source::parquet::schema::units::Unit;
use arrow::array::RecordBatch;
use bytes::Bytes;
use std::ops::Range;
use std::sync::Arc;

/// Reads `unit` of `file`.
///
/// An error names row group and file, and the column where one column is to blame.
pub(in crate::source::parquet) async fn block(
    cx: &Context,
    file: &Arc<Footer>,
    projection: &Arc<Projection>,
    unit: &Unit,
) -> Result<DecodedBlock> {
    let mut result = all(cx, file, projection, unit).await;
    if let Err(error) = &result
        && error.kind() != ErrorKind::Io
        && let Some(found) = blame(cx, file, projection, unit).await
    {
        result = Err(found);
    }
    let place = || format!("row group {} of {}", unit.group, file.location.shown);
    result.map_err(|error| match error.kind() {
        ErrorKind::Io => error,
        _ => error.context(place()),
    })
}

/// Reads the rows `picked` of `unit`, ascending, and cuts them loose from the pages that hold them.
pub(in crate::source::parquet) async fn some_rows(
    cx: &Context,
    file: &Arc<Footer>,
    projection: &Arc<Projection>,
    unit: &Unit,
    picked: Arc<[u64]>,
) -> Result<DecodedBlock> {
    rows(cx, file, projection, unit, Some(picked)).await
}

/// The error of the first column that cannot be read alone.
async fn blame(cx: &Context, file: &Arc<Footer>, projection: &Projection, unit: &Unit) -> Option<Error> {
    for (name, alone) in projection.single_columns().ok()? {
        let alone = Arc::new(alone);
        if let Err(error) = rows(cx, file, &alone, unit, None).await {
            let error = encrypted::explain(cx, file, &alone, unit.group, error).await;
            return Some(error.context(format!("column {name:?}")));
        }
    }
    None
}

/// Reads all rows of `unit`.
async fn all(cx: &Context, file: &Arc<Footer>, projection: &Arc<Projection>, unit: &Unit) -> Result<DecodedBlock> {
    let whole = unit.rows == (0..file.info.row_groups[unit.group].rows);
    let plain = plain_numbers::may_be_plain(file, projection, unit.group);
    if (whole || plain)
        && let Some(block) = plain_first(cx, file, projection, unit, whole).await?
    {
        return Ok(block);
    }
    rows(cx, file, projection, unit, None).await
}

/// Where the columns of `projection` are stored that are read, in the order of the file: the bytes and the leaf of each.
fn column_ranges(file: &Footer, projection: &Projection, unit: &Unit) -> Result<(Vec<Range<u64>>, Vec<usize>)> {
    let place = |leaf: usize| (page_ranges::of_unit(file, unit, leaf).0, leaf);
    let mut places: Vec<_> = projection.leaves(file).into_iter().map(place).collect();
    places.sort_by_key(|(range, _)| range.start);
    let (ranges, leaves): (Vec<_>, Vec<_>) = places.into_iter().unzip();
    Ok((inside(ranges, file.info.bytes)?, leaves))
}

/// Reads plain numbers by the short way, and of a `whole` row group the rest by the decoder; of a part nothing else.
async fn plain_first(
    cx: &Context,
    file: &Arc<Footer>,
    projection: &Arc<Projection>,
    unit: &Unit,
    whole: bool,
) -> Result<Option<DecodedBlock>> {
    let (ranges, leaves) = column_ranges(file, projection, unit)?;
    let (own, projection, unit) = (Arc::clone(file), Arc::clone(projection), unit.clone());
    let (spare, memory) = (Arc::clone(cx.buffers()), cx.memory());
    let work = move |ranges: Vec<Range<u64>>, bytes: Vec<Bytes>| {
        let file = own;
        page_checks::check(file.group(unit.group), &ranges, &bytes, memory)?;
        let part = |leaf: usize| leaves.iter().position(|&own| own == leaf).map(|at| bytes[at].clone());
        let have = plain_numbers::columns(&file, &projection, &unit, part);
        let Some(rest) = projection.without(&have) else {
            let batch = RecordBatch::try_new(Arc::clone(&projection.schema), have.into_iter().flatten().collect())?;
            return Ok(Some(decoded(vec![batch], None)));
        };
        if rest.leaves(&file).is_empty() {
            let rows = (unit.rows.end - unit.rows.start) as usize;
            let batch = projection.merge(&have, 0, &rest.unread(&file, rows)?)?;
            return Ok(Some(decoded(vec![batch], None)));
        }
        if !whole {
            return Ok(None);
        }
        let (mut decoder, wanted) = start(&file, &rest, &unit, None, &[])?;
        let given = |wanted: &Range<u64>| {
            let at = ranges.iter().position(|range| range == wanted);
            at.map(|at| bytes[at].clone())
                .ok_or_else(|| Error::data("the decoder wants bytes that are of no column"))
        };
        let given = wanted.iter().map(given).collect::<Result<_>>()?;
        decoder.push_ranges(wanted, given).map_err(damaged)?;
        let Step::Rows(block) = step(decoder, &file, &rest, unit.rows.end, None, &spare)? else {
            return Err(Error::data("the decoder wants bytes again"));
        };
        let mut first = 0;
        let merge = |batch: RecordBatch| {
            first += batch.num_rows();
            projection.merge(&have, first - batch.num_rows(), &batch)
        };
        let batches = block.batches.into_iter().map(merge).collect::<Result<_>>()?;
        Ok(Some(decoded(batches, None)))
    };
    with_bytes(cx, file, ranges, work).await
}

/// Reads `ranges`, and does `work` with the bytes on the pool: both on the same thread where the system has them in memory,
/// because they are in the cache of its processor then, and there is no other thread to wake.
async fn with_bytes<T: Send + 'static>(
    cx: &Context,
    file: &Arc<Footer>,
    ranges: Vec<Range<u64>>,
    mut work: impl FnOnce(Vec<Range<u64>>, Vec<Bytes>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let mut ranges = inside(ranges, file.info.bytes)?;
    if file.location.is_small(&ranges) {
        let own = Arc::clone(file);
        let at_once = move || match own.location.read_if_in_memory(&ranges)? {
            Some(bytes) => guarded(|| work(ranges, bytes)).map(Ok),
            None => Ok(Err((ranges, work))),
        };
        match cx.compute(at_once).await? {
            Ok(done) => return Ok(done),
            Err(later) => (ranges, work) = later,
        }
    }
    let bytes = file.location.read(&ranges, cx.buffers()).await?;
    cx.compute(move || guarded(|| work(ranges, bytes))).await
}

/// Reads the rows of `unit`, or those that are `picked`, by the decoder.
async fn rows(
    cx: &Context,
    file: &Arc<Footer>,
    projection: &Arc<Projection>,
    unit: &Unit,
    picked: Option<Arc<[u64]>>,
) -> Result<DecodedBlock> {
    if projection.leaves(file).is_empty() {
        let rows = picked
            .as_ref()
            .map_or(unit.rows.end - unit.rows.start, |rows| rows.len() as u64);
        return Ok(decoded(vec![projection.unread(file, rows as usize)?], picked));
    }
    let (mut decoder, mut wanted) = guarded(|| start(file, projection, unit, picked.as_deref(), &[]))?;
    let mut have = Have::default();
    let dictionaries = dictionaries::large(file, unit.group, &wanted);
    if !dictionaries.is_empty() {
        // All but these first: what the pages are tells which of them are needed.
        wanted.retain(|range| !dictionaries.iter().any(|(_, own)| own == range));
        have = with_bytes(cx, file, wanted, |ranges, bytes| Ok(Have { ranges, bytes })).await?;
        let chunk = |leaf: usize| file.group(unit.group).column(leaf);
        let is_bare = |&leaf: &usize| !dictionaries::is_needed(chunk(leaf), &have.ranges, &have.bytes);
        let bare: Vec<usize> = dictionaries.iter().map(|(leaf, _)| *leaf).filter(is_bare).collect();
        (decoder, wanted) = guarded(|| start(file, projection, unit, picked.as_deref(), &bare))?;
    }
    loop {
        let before = std::mem::take(&mut have);
        wanted.retain(|range| !before.ranges.contains(range));
        let (projection, picked) = (Arc::clone(projection), picked.clone());
        let expected = picked
            .as_ref()
            .map_or(unit.rows.end - unit.rows.start, |rows| rows.len() as u64);
        let (own, group, memory) = (Arc::clone(file), unit.group, cx.memory());
        let spare = Arc::clone(cx.buffers());
        let next = move |ranges, bytes| {
            let have = before.and(ranges, bytes);
            page_checks::check(own.group(group), &have.ranges, &have.bytes, memory)?;
            decoder.push_ranges(have.ranges, have.bytes).map_err(damaged)?;
            step(decoder, &own, &projection, expected, picked, &spare)
        };
        match with_bytes(cx, file, wanted, next).await? {
            Step::Rows(block) => return Ok(block),
            Step::Wants(again, ranges) => (decoder, wanted) = (*again, ranges),
        }
    }
}

/// Parts of a file that were read.
#[derive(Default)]
struct Have {
    ranges: Vec<Range<u64>>,
    bytes: Vec<Bytes>,
}

impl Have {
    /// With `bytes`, which are the file's `ranges`, too.
    fn and(mut self, ranges: Vec<Range<u64>>, bytes: Vec<Bytes>) -> Self {
        self.ranges.extend(ranges);
        self.bytes.extend(bytes);
        self
    }
}
