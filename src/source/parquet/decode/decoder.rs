//! The `parquet` crate's decoder: which rows of which columns it decodes, and what comes out.

use super::dictionaries;
use crate::columns::{compact, held_bytes};
use crate::error::{Error, Result};
use crate::exec::block_cache::DecodedBlock;
use crate::exec::buffers::BufferPool;
use crate::source::parquet::format::damage::{damaged, damaged_batch};
use crate::source::parquet::format::footer::Footer;
use crate::source::parquet::schema::projection::Projection;
use crate::source::parquet::schema::units::Unit;
use arrow::array::RecordBatch;
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::{RowSelection, RowSelectionPolicy};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use std::ops::Range;
use std::sync::Arc;

/// What a decoder comes to with the bytes that it has.
pub(super) enum Step {
    Rows(DecodedBlock),
    Wants(Box<ParquetPushDecoder>, Vec<Range<u64>>),
}

/// A decoder for `unit`, or the rows `picked` of it, and the bytes that it wants first. The column chunks `bare` are decoded
/// without a dictionary.
pub(super) fn start(
    file: &Footer,
    projection: &Projection,
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
        .with_projection(projection.mask(file))
        .with_batch_size(projection.batch_rows(file, unit));
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

/// The rows, if the decoder has all bytes that it wants: `expected` of them.
pub(super) fn step(
    mut decoder: ParquetPushDecoder,
    file: &Footer,
    projection: &Projection,
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
        let batch = batch.map_err(damaged_batch)?;
        rows += batch.num_rows() as u64;
        let batch = projection.shape(file, &batch)?;
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
    Ok(Step::Rows(decoded(batches, picked)))
}

/// The block of `batches`: all of its rows, or those that were `picked`.
pub(super) fn decoded(batches: Vec<RecordBatch>, picked: Option<Arc<[u64]>>) -> DecodedBlock {
    let bytes = held_bytes(&batches);
    DecodedBlock::new(batches, picked, bytes)
}
