//! Fetches and decodes one block: bytes on the runtime, decode on the CPU pool.

use super::dense;
use super::footer::{Footer, damaged, guarded, inside};
use super::layout::{Layout, Unit};
use super::pages;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::rows::{compact, held_bytes};
use arrow::array::RecordBatch;
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::{RowSelection, RowSelectionPolicy};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use std::ops::Range;
use std::sync::Arc;

/// The rows of one block.
#[derive(Debug)]
pub(super) struct Decoded {
    /// The rows in order, in batches without gaps.
    pub(super) batches: Vec<RecordBatch>,
    /// The first row of each batch.
    starts: Vec<usize>,
    /// Which rows of the block there are, ascending, where they are not all.
    picked: Option<Arc<[u64]>>,
    /// Bytes that the batches keep alive.
    pub(super) bytes: u64,
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
    pub(super) fn locate(&self, row: u64) -> (usize, usize) {
        let row = match &self.picked {
            None => row as usize,
            Some(picked) => picked.partition_point(|&other| other < row),
        };
        let batch = self.starts.partition_point(|&start| start <= row) - 1;
        (batch, row - self.starts[batch])
    }
}

/// Reads `unit` of `file`.
///
/// An error names row group and file, and the column where one column is to blame.
pub(super) async fn block(cx: &Context, file: &Arc<Footer>, layout: &Arc<Layout>, unit: &Unit) -> Result<Decoded> {
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
pub(super) async fn some(
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
        if let Err(error) = rows(cx, file, &Arc::new(alone), unit, None).await {
            return Some(error.context(format!("column {name:?}")));
        }
    }
    None
}

/// Reads all rows of `unit`.
async fn all(cx: &Context, file: &Arc<Footer>, layout: &Arc<Layout>, unit: &Unit) -> Result<Decoded> {
    let whole = unit.rows == (0..file.info.row_groups[unit.group].rows);
    if (whole || dense::may_be(file, layout, unit.group))
        && let Some(decoded) = densely(cx, file, layout, unit, whole).await?
    {
        return Ok(decoded);
    }
    rows(cx, file, layout, unit, None).await
}

/// Reads what is dense by the short way, and of a `whole` row group the rest by the decoder; of a part nothing else.
async fn densely(
    cx: &Context,
    file: &Arc<Footer>,
    layout: &Arc<Layout>,
    unit: &Unit,
    whole: bool,
) -> Result<Option<Decoded>> {
    let place = |leaf: usize| (dense::place(file, unit, leaf).0, leaf);
    let mut places: Vec<_> = layout.leaves(file).into_iter().map(place).collect();
    places.sort_by_key(|(range, _)| range.start);
    let (ranges, leaves): (Vec<_>, Vec<_>) = places.into_iter().unzip();
    let ranges = inside(ranges, file.info.bytes)?;
    let bytes = file.location.read(&ranges).await?;
    let (file, layout, unit, memory) = (Arc::clone(file), Arc::clone(layout), unit.clone(), cx.memory());
    let work = move || {
        pages::check(file.group(unit.group), &ranges, &bytes, memory)?;
        let own = |leaf| leaves.iter().position(|&own| own == leaf).map(|at| bytes[at].clone());
        let have = dense::columns(&file, &layout, &unit, own);
        let Some(rest) = layout.without(&have) else {
            let batch = RecordBatch::try_new(Arc::clone(&layout.schema), have.into_iter().flatten().collect())?;
            return Ok(Some(Decoded::new(vec![batch], None)));
        };
        if !whole {
            return Ok(None);
        }
        let (mut decoder, wanted) = start(&file, &rest, &unit, None)?;
        let given = |wanted: &Range<u64>| {
            let at = ranges.iter().position(|range| range == wanted);
            at.map(|at| bytes[at].clone())
                .ok_or_else(|| Error::data("the decoder wants bytes that are of no column"))
        };
        let given = wanted.iter().map(given).collect::<Result<_>>()?;
        decoder.push_ranges(wanted, given).map_err(damaged)?;
        let Step::Rows(decoded) = step(decoder, &rest, unit.rows.end, None)? else {
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
    cx.compute(move || guarded(work)).await
}

async fn rows(
    cx: &Context,
    file: &Arc<Footer>,
    layout: &Arc<Layout>,
    unit: &Unit,
    picked: Option<Arc<[u64]>>,
) -> Result<Decoded> {
    let (mut decoder, mut wanted) = guarded(|| start(file, layout, unit, picked.as_deref()))?;
    loop {
        let ranges = inside(wanted, file.info.bytes)?;
        let bytes = file.location.read(&ranges).await?;
        let (layout, picked) = (Arc::clone(layout), picked.clone());
        let expected = picked
            .as_ref()
            .map_or(unit.rows.end - unit.rows.start, |rows| rows.len() as u64);
        let (file, group, memory) = (Arc::clone(file), unit.group, cx.memory());
        let next = move || {
            pages::check(file.group(group), &ranges, &bytes, memory)?;
            decoder.push_ranges(ranges, bytes).map_err(damaged)?;
            step(decoder, &layout, expected, picked)
        };
        match cx.compute(move || guarded(next)).await? {
            Step::Rows(decoded) => return Ok(decoded),
            Step::Wants(again, ranges) => (decoder, wanted) = (*again, ranges),
        }
    }
}

enum Step {
    Rows(Decoded),
    Wants(Box<ParquetPushDecoder>, Vec<Range<u64>>),
}

/// A decoder for `unit`, or the rows `picked` of it, and the bytes that it wants first.
fn start(
    file: &Footer,
    layout: &Layout,
    unit: &Unit,
    picked: Option<&[u64]>,
) -> Result<(ParquetPushDecoder, Vec<Range<u64>>)> {
    let builder = ParquetPushDecoderBuilder::new_with_metadata(file.reader.clone())
        .with_row_groups(vec![unit.group])
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

fn step(mut decoder: ParquetPushDecoder, layout: &Layout, expected: u64, picked: Option<Arc<[u64]>>) -> Result<Step> {
    let reader = match decoder.try_next_reader().map_err(damaged)? {
        DecodeResult::NeedsData(ranges) => return Ok(Step::Wants(Box::new(decoder), ranges)),
        DecodeResult::Data(reader) => reader,
        DecodeResult::Finished => return Err(Error::data("no rows")),
    };
    let (mut batches, mut rows) = (Vec::new(), 0);
    for batch in reader {
        let batch = batch.map_err(|error| Error::data(plain(&error.to_string())).with_source(error))?;
        rows += batch.num_rows() as u64;
        let batch = layout.shape(&batch)?;
        // Pages are large beside the few rows that are wanted of them.
        batches.push(if picked.is_some() { compact(&batch)? } else { batch });
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
