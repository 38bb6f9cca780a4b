//! Stored rows of a batch, from wherever they are.

use super::class_sampler::ClassSampler;
use super::pick::Stored;
use super::read_ahead::Part;
use super::resident::ResidentRows;
use crate::columns::{compact, gather};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::ClassEncoded;
use arrow::array::RecordBatch;
use std::collections::HashMap;
use std::sync::Arc;

/// `rows`: from what is held, from what was read ahead, and from the base. `row_bytes` is what a row takes in memory.
pub(super) async fn fetch<D: Stable>(
    cx: &Context,
    base: &ClassEncoded<D>,
    sampler: &ClassSampler,
    held: &ResidentRows<D>,
    rows: &[Stored],
    row_bytes: u64,
) -> Result<RecordBatch> {
    let mut sources: Vec<RecordBatch> = held.rows.iter().cloned().collect();
    let mut at: Vec<Option<(usize, usize)>> = rows.iter().map(|row| Some((0, held.find(row.position)?))).collect();
    if let Some(ahead) = &held.ahead {
        let left: Vec<usize> = (0..rows.len()).filter(|&i| at[i].is_none()).collect();
        let wanted: Vec<Stored> = left.iter().map(|&i| rows[i]).collect();
        let parts = ahead.parts(cx, sampler, &wanted).await;
        let mut places = Places::default();
        for (i, part) in left.into_iter().zip(&parts) {
            at[i] = part
                .as_ref()
                .and_then(|part| places.of(part, rows[i].position, &mut sources));
        }
    }
    let missing: Vec<usize> = (0..rows.len()).filter(|&i| at[i].is_none()).collect();
    let positions: Vec<u64> = missing.iter().map(|&i| rows[i].position).collect();
    let below = held.ahead.as_ref().map(|ahead| ahead.below(cx));
    let cx = below.as_ref().unwrap_or(cx);
    if missing.len() == rows.len() {
        return base.take(cx, &positions).await;
    }
    if !missing.is_empty() {
        let taken = base.take(cx, &positions).await;
        let place = |error: Error| match error.index().and_then(|at| missing.get(at)) {
            Some(&at) => error.at(at),
            None => error.unplaced(),
        };
        sources.push(taken.map_err(place)?);
        for (row, &i) in missing.iter().enumerate() {
            at[i] = Some((sources.len() - 1, row));
        }
    }
    let at: Vec<_> = at.into_iter().flatten().collect();
    let (schema, ahead) = (base.schema(), held.ahead.is_some());
    let bytes = row_bytes.saturating_mul(at.len() as u64);
    let spare = Arc::clone(cx.buffers());
    let pick = move || {
        let rows = gather(&schema, &sources.iter().collect::<Vec<_>>(), &at)?;
        // Strings and binary values would hold on to what was read ahead.
        if ahead { compact(&rows, &spare) } else { Ok(rows) }
    };
    cx.compute_sized(bytes, pick).await
}

/// Batches of parts, each once.
#[derive(Debug, Default)]
struct Places(HashMap<(usize, usize), usize>);

impl Places {
    /// Where among `sources` the row at `position` is, which is in `part`.
    fn of(&mut self, part: &Arc<Part>, position: u64, sources: &mut Vec<RecordBatch>) -> Option<(usize, usize)> {
        let (batch, row) = part.locate(position)?;
        let source = *self.0.entry((Arc::as_ptr(part).addr(), batch)).or_insert_with(|| {
            sources.push(part.batches[batch].clone());
            sources.len() - 1
        });
        Some((source, row))
    }
}
