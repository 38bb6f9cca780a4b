//! Fetches and decodes one block, on the CPU pool: its bytes, too, where they are in memory, else on a thread that may wait.

use crate::columns::{compact, held_bytes};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::exec::buffers::BufferPool;
use crate::source::parquet::format::dense;
use crate::source::parquet::format::dictionaries;
use crate::source::parquet::format::encrypted;
use crate::source::parquet::format::footer::{Footer, damaged, guarded, inside};
use crate::source::parquet::format::layout::{Layout, Unit};
use crate::source::parquet::format::pages;
use arrow::array::RecordBatch;
use bytes::Bytes;
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::{RowSelection, RowSelectionPolicy};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use std::ops::Range;
use std::sync::Arc;

/// The rows of one block.
#[derive(Debug)]
pub(in crate::source::parquet) struct Decoded {
    /// The rows in order, in batches without gaps.
    pub(in crate::source::parquet) batches: Vec<RecordBatch>,
    /// The first row of each batch.
    starts: Vec<usize>,
    /// Which rows of the block there are, ascending, where they are not all.
    picked: Option<Arc<[u64]>>,
    /// Bytes that the batches keep alive.
    pub(in crate::source::parquet) bytes: u64,
}

impl Decoded {
    fn new(batches: Vec<RecordBatch>, picked: Option<Arc<[u64]>>) -> Self {
        let mut rows = 0;
        let start = |batch: &RecordBatch| {
            rows += batch.num_rows();
            rows - batch.num_rows()
        };
        Self {
            starts: batches.iter().map(start).collect(),
            bytes: held_bytes(&batches),
            picked,
            batches,
        }
    }

    /// Batch and row in it of the block's row `row`.
    pub(in crate::source::parquet) fn locate(&self, row: u64) -> (usize, usize) {
        let row = match &self.picked {
            None => row as usize,
            Some(picked) => picked.partition_point(|&other| other < row),
        };
        match self.starts.as_slice() {
            [_] => (0, row),
            starts => {
                let batch = starts.partition_point(|&start| start <= row) - 1;
                (batch, row - starts[batch])
            }
        }
    }
}

/// Reads `unit` of `file`.
///
/// An error names row group and file, and the column where one column is to blame.
pub(in crate::source::parquet) async fn block(
    cx: &Context,
    file: &Arc<Footer>,
    layout: &Arc<Layout>,
    unit: &Unit,
) -> Result<Decoded> {
    let mut result = all(cx, file, layout, unit).await;
    if let Err(error) = &result
        && error.kind() != ErrorKind::Io
        && let Some(found) = blame(cx, file, layout, unit).await
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
pub(in crate::source::parquet) async fn some(
    cx: &Context,
    file: &Arc<Footer>,
    layout: &Arc<Layout>,
    unit: &Unit,
    picked: Arc<[u64]>,
) -> Result<Decoded> {
    rows(cx, file, layout, unit, Some(picked)).await
}

/// The error of the first column that cannot be read alone.
async fn blame(cx: &Context, file: &Arc<Footer>, layout: &Layout, unit: &Unit) -> Option<Error> {
    for (name, alone) in layout.singles().ok()? {
        let alone = Arc::new(alone);
        if let Err(error) = rows(cx, file, &alone, unit, None).await {
            let error = encrypted::explain(cx, file, &alone, unit.group, error).await;
            return Some(error.context(format!("column {name:?}")));
        }
    }
    None
}

/// Reads all rows of `unit`.
async fn all(cx: &Context, file: &Arc<Footer>, layout: &Arc<Layout>, unit: &Unit) -> Result<Decoded> {
    let whole = unit.rows == (0..file.info.row_groups[unit.group].rows);
    let dense = dense::may_be(file, layout, unit.group);
    if (whole || dense)
        && let Some(decoded) = densely(cx, file, layout, unit, whole).await?
    {
        return Ok(decoded);
    }
    rows(cx, file, layout, unit, None).await
}

/// Where the columns of `layout` are stored that are read, in the order of the file: the bytes and the leaf of each.
fn places(file: &Footer, layout: &Layout, unit: &Unit) -> Result<(Vec<Range<u64>>, Vec<usize>)> {
    let place = |leaf: usize| (dense::place(file, unit, leaf).0, leaf);
    let mut places: Vec<_> = layout.leaves(file).into_iter().map(place).collect();
    places.sort_by_key(|(range, _)| range.start);
    let (ranges, leaves): (Vec<_>, Vec<_>) = places.into_iter().unzip();
    Ok((inside(ranges, file.info.bytes)?, leaves))
}

/// Reads what is dense by the short way, and of a `whole` row group the rest by the decoder; of a part nothing else.
async fn densely(
    cx: &Context,
    file: &Arc<Footer>,
    layout: &Arc<Layout>,
    unit: &Unit,
    whole: bool,
) -> Result<Option<Decoded>> {
    let (ranges, leaves) = places(file, layout, unit)?;
    let (own, layout, unit) = (Arc::clone(file), Arc::clone(layout), unit.clone());
    let (spare, memory) = (Arc::clone(cx.buffers()), cx.memory());
    let work = move |ranges: Vec<Range<u64>>, bytes: Vec<Bytes>| {
        let file = own;
        pages::check(file.group(unit.group), &ranges, &bytes, memory)?;
        let part = |leaf: usize| leaves.iter().position(|&own| own == leaf).map(|at| bytes[at].clone());
        let have = dense::columns(&file, &layout, &unit, part);
        let Some(rest) = layout.without(&have) else {
            let batch = RecordBatch::try_new(Arc::clone(&layout.schema), have.into_iter().flatten().collect())?;
            return Ok(Some(Decoded::new(vec![batch], None)));
        };
        if rest.leaves(&file).is_empty() {
            let rows = (unit.rows.end - unit.rows.start) as usize;
            let batch = layout.merge(&have, 0, &rest.unread(&file, rows)?)?;
            return Ok(Some(Decoded::new(vec![batch], None)));
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
        let Step::Rows(decoded) = step(decoder, &file, &rest, unit.rows.end, None, &spare)? else {
            return Err(Error::data("the decoder wants bytes again"));
        };
        let mut first = 0;
        let merge = |batch: RecordBatch| {
            first += batch.num_rows();
            layout.merge(&have, first - batch.num_rows(), &batch)
        };
        let batches = decoded.batches.into_iter().map(merge).collect::<Result<_>>()?;
        Ok(Some(Decoded::new(batches, None)))
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
    if file.location.is_near(&ranges) {
        let own = Arc::clone(file);
        let at_once = move || match own.location.at_hand(&ranges)? {
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

async fn rows(
    cx: &Context,
    file: &Arc<Footer>,
    layout: &Arc<Layout>,
    unit: &Unit,
    picked: Option<Arc<[u64]>>,
) -> Result<Decoded> {
    if layout.leaves(file).is_empty() {
        let rows = picked
            .as_ref()
            .map_or(unit.rows.end - unit.rows.start, |rows| rows.len() as u64);
        return Ok(Decoded::new(vec![layout.unread(file, rows as usize)?], picked));
    }
    let (mut decoder, mut wanted) = guarded(|| start(file, layout, unit, picked.as_deref(), &[]))?;
    let mut have = Have::default();
    let dictionaries = dictionaries::large(file, unit.group, &wanted);
    if !dictionaries.is_empty() {
        // All but these first: what the pages are tells which of them are needed.
        wanted.retain(|range| !dictionaries.iter().any(|(_, own)| own == range));
        have = with_bytes(cx, file, wanted, |ranges, bytes| Ok(Have { ranges, bytes })).await?;
        let chunk = |leaf: usize| file.group(unit.group).column(leaf);
        let is_bare = |&leaf: &usize| !dictionaries::is_needed(chunk(leaf), &have.ranges, &have.bytes);
        let bare: Vec<usize> = dictionaries.iter().map(|(leaf, _)| *leaf).filter(is_bare).collect();
        (decoder, wanted) = guarded(|| start(file, layout, unit, picked.as_deref(), &bare))?;
    }
    loop {
        let before = std::mem::take(&mut have);
        wanted.retain(|range| !before.ranges.contains(range));
        let (layout, picked) = (Arc::clone(layout), picked.clone());
        let expected = picked
            .as_ref()
            .map_or(unit.rows.end - unit.rows.start, |rows| rows.len() as u64);
        let (own, group, memory) = (Arc::clone(file), unit.group, cx.memory());
        let spare = Arc::clone(cx.buffers());
        let next = move |ranges, bytes| {
            let have = before.and(ranges, bytes);
            pages::check(own.group(group), &have.ranges, &have.bytes, memory)?;
            decoder.push_ranges(have.ranges, have.bytes).map_err(damaged)?;
            step(decoder, &own, &layout, expected, picked, &spare)
        };
        match with_bytes(cx, file, wanted, next).await? {
            Step::Rows(decoded) => return Ok(decoded),
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

enum Step {
    Rows(Decoded),
    Wants(Box<ParquetPushDecoder>, Vec<Range<u64>>),
}

/// A decoder for `unit`, or the rows `picked` of it, and the bytes that it wants first. The column chunks `bare` are decoded
/// without a dictionary.
fn start(
    file: &Footer,
    layout: &Layout,
    unit: &Unit,
    picked: Option<&[u64]>,
    bare: &[usize],
) -> Result<(ParquetPushDecoder, Vec<Range<u64>>)> {
    let (reader, group) = match bare {
        [] => (file.reader.clone(), unit.group),
        bare => (dictionaries::without(file, unit.group, bare)?, 0),
    };
    let builder = ParquetPushDecoderBuilder::new_with_metadata(reader)
        .with_row_groups(vec![group])
        .with_projection(layout.mask(file))
        .with_batch_size(layout.batch_rows(file, unit));
    let total = file.info.row_groups[unit.group].rows;
    let selected = match picked {
        Some(picked) => Some(selection(
            picked
                .iter()
                .map(|row| unit.rows.start + row..unit.rows.start + row + 1),
            total,
        )),
        None if unit.rows == (0..total) => None,
        None => Some(selection(std::iter::once(unit.rows.clone()), total)),
    };
    let builder = match selected {
        None => builder,
        // `Auto` may pick a mask, which decodes what it then throws away.
        Some(selected) => builder
            .with_row_selection(selected)
            .with_row_selection_policy(RowSelectionPolicy::Selectors),
    };
    let mut decoder = builder.build().map_err(damaged)?;
    match decoder.try_next_reader().map_err(damaged)? {
        DecodeResult::NeedsData(ranges) => Ok((decoder, ranges)),
        _ => Err(Error::data("the decoder wants no bytes")),
    }
}

fn selection(ranges: impl Iterator<Item = Range<u64>>, total: u64) -> RowSelection {
    let ranges = ranges.map(|rows| rows.start as usize..rows.end as usize);
    RowSelection::from_consecutive_ranges(ranges, total as usize)
}

fn step(
    mut decoder: ParquetPushDecoder,
    file: &Footer,
    layout: &Layout,
    expected: u64,
    picked: Option<Arc<[u64]>>,
    spare: &Arc<BufferPool<u8>>,
) -> Result<Step> {
    let reader = match decoder.try_next_reader().map_err(damaged)? {
        DecodeResult::NeedsData(ranges) => return Ok(Step::Wants(Box::new(decoder), ranges)),
        DecodeResult::Data(reader) => reader,
        DecodeResult::Finished => return Err(Error::data("no rows")),
    };
    let (mut batches, mut rows) = (Vec::new(), 0);
    for batch in reader {
        let batch = batch.map_err(|error| Error::data(plain(&error.to_string())).with_source(error))?;
        rows += batch.num_rows() as u64;
        let batch = layout.shape(file, &batch)?;
        // Pages are large beside the few rows that are wanted of them.
        batches.push(if picked.is_some() {
            compact(&batch, spare)?
        } else {
            batch
        });
    }
    if rows != expected {
        return Err(Error::data(format!("{rows} rows, but the footer says {expected}")));
    }
    Ok(Step::Rows(Decoded::new(batches, picked)))
}

/// A decoder's message without the names of the crates that it passed through.
fn plain(message: &str) -> &str {
    let prefixes = ["Parquet argument error: ", "Parquet error: ", "External: "];
    let strip = |text| prefixes.iter().find_map(|prefix| str::strip_prefix(text, prefix));
    let mut text = message;
    while let Some(rest) = strip(text) {
        text = rest;
    }
    text
}
