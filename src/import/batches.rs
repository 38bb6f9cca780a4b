//! The rows of a file on their way: read, made smaller and turned into what is written, several batches at a time, in order.

use super::annotations::Instances;
use super::columns::Columns;
use super::pictures::{Pictures, Shrink};
use crate::dataset::{Block, Blocks, Dataset};
use crate::error::{Error, Result};
use crate::exec::Context;
use arrow::array::RecordBatch;
use futures::{Stream, StreamExt, stream};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a batch, at most, unless a row has more.
const BATCH: u64 = 4 << 20;
/// Rows of a batch, at most.
const ROWS: u64 = 4096;

/// A batch as it is written, and what became of its pictures.
pub(super) type Made = (RecordBatch, Pictures);

/// The batches of the rows at `positions`, which are made ahead as far as their share of the budget goes.
pub(super) fn batches<'a>(
    cx: &'a Context,
    rows: &'a Arc<dyn Dataset>,
    positions: Range<u64>,
    (shrink, instances): (Option<&'a Shrink>, Option<Instances>),
    columns: &'a Columns,
) -> impl Stream<Item = Result<Made>> + 'a {
    let ahead = cx.threads() + 2;
    let bytes = (cx.batches_share() / ahead as u64).clamp(1, BATCH);
    let make = move |positions: Range<u64>| {
        let all: Vec<u64> = positions.clone().collect();
        // In order, so that what is written first is served first.
        let prepared = rows.prepare(cx, &all);
        let (inner, rows) = (cx.clone(), Arc::clone(rows));
        let (shrink, columns) = (shrink.cloned(), columns.clone());
        cx.spawn(async move {
            let place = |error: Error| match error.index().and_then(|at| all.get(at)) {
                Some(&position) => placed(&inner, &*rows, position, error),
                None => error,
            };
            let batch = prepared.rows().await.map_err(&place)?;
            let first = positions.start;
            let make = move || {
                let (batch, pictures) = match shrink {
                    Some(shrink) => shrink.run(&batch, first)?,
                    None => (batch, Pictures::default()),
                };
                let batch = match instances {
                    Some(instances) => instances.with(&batch)?,
                    None => batch,
                };
                Ok((columns.make(&batch)?, pictures))
            };
            inner.compute(make).await.map_err(place)
        })
    };
    stream::iter(parts(rows.blocks(), positions, bytes))
        .map(make)
        .buffered(ahead)
}

/// `error` with the place of the row at `position`.
fn placed(cx: &Context, rows: &dyn Dataset, position: u64, error: Error) -> Error {
    let place = rows.provenance(cx, position).places.into_iter().next();
    let place = place.map_or_else(|| format!("row {position}"), |place| place.to_string());
    error.context(place)
}

/// `positions` in parts of about `most` bytes.
fn parts(blocks: Blocks, positions: Range<u64>, most: u64) -> impl Iterator<Item = Range<u64>> {
    let mut start = positions.start;
    let mut at = blocks.partition_point(|block| block.rows.end <= start);
    std::iter::from_fn(move || {
        let (mut end, mut bytes) = (start, 0_u64);
        while end < positions.end && end - start < ROWS && at < blocks.len() {
            let Block { rows, bytes: all } = &blocks[at];
            let of_row = (all / (rows.end - rows.start).max(1)).max(1);
            let fit = (most.saturating_sub(bytes) / of_row).min(ROWS - (end - start));
            // At least a row.
            let fit = if end == start { fit.max(1) } else { fit };
            let next = rows.end.min(end + fit).min(positions.end);
            bytes = bytes.saturating_add(of_row.saturating_mul(next - end));
            end = next;
            if end < rows.end {
                break;
            }
            at += 1;
        }
        let part = start..end;
        start = end;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_of_so_many_bytes_and_cover_all_rows() {
        let blocks: Blocks = [(0..10, 1000), (10..11, 5000), (11..12, 10), (12..100, 88)]
            .map(|(rows, bytes)| Block { rows, bytes })
            .into();
        let of = |range: Range<u64>, most| parts(Arc::clone(&blocks), range, most).collect::<Vec<_>>();
        assert_eq!(of(0..100, 400), [0..4, 4..8, 8..10, 10..11, 11..100]);
        assert_eq!(of(2..12, 1000), [2..10, 10..11, 11..12]);
        assert_eq!(of(97..100, 1), [97..98, 98..99, 99..100]);
        assert_eq!(of(5..5, 1), []);
        let endless: Blocks = [Block {
            rows: 0..10_000,
            bytes: 0,
        }]
        .into();
        assert_eq!(
            parts(endless, 0..10_000, 1 << 20).collect::<Vec<_>>(),
            [0..4096, 4096..8192, 8192..10_000]
        );
    }
}
