//! The rows of a batch, from wherever they are.

use super::builder::Balance;
use super::class_sampler::ClassSampler;
use super::pick::Stored;
use super::read_ahead::{Part, PartHandle};
use super::read_plan::DataLayout;
use super::resident::ResidentRows;
use super::sorted::Sorted;
use crate::columns::{compact, gather, replaced};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::prepared::{Prepared, Priority};
use crate::rows::ClassEncoded;
use crate::synthetic::Generator;
use arrow::array::RecordBatch;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// What fetches the rows of a balance.
#[derive(Debug)]
pub(super) struct Fetch<D> {
    cx: Context,
    base: Arc<ClassEncoded<D>>,
    sampler: Arc<ClassSampler>,
    resident: Arc<OnceCell<ResidentRows<D>>>,
    layout: DataLayout,
    generator: Option<Arc<dyn Generator>>,
}

impl<D> Clone for Fetch<D> {
    fn clone(&self) -> Self {
        Self {
            cx: self.cx.clone(),
            base: Arc::clone(&self.base),
            sampler: Arc::clone(&self.sampler),
            resident: Arc::clone(&self.resident),
            layout: self.layout,
            generator: self.generator.clone(),
        }
    }
}

impl<D: Stable> Fetch<D> {
    pub(super) fn new(balance: &Balance<D>, cx: &Context) -> Self {
        Self {
            cx: cx.clone(),
            base: Arc::clone(&balance.base),
            sampler: Arc::clone(&balance.sampler),
            resident: Arc::clone(&balance.resident),
            layout: balance.layout,
            generator: balance.filler.as_ref().map(|filler| Arc::clone(&filler.generator)),
        }
    }

    /// Starts to read what `rows` lie in and what is not in memory.
    pub(super) fn prefetch(&self, rows: &[Stored]) -> Begun {
        let (mut rows, mut parts) = (rows.to_vec(), Vec::new());
        if let Some(resident) = self.resident.get() {
            rows.retain(|row| resident.find(row.position).is_none());
            if let Some(ahead) = &resident.ahead {
                (rows, parts) = ahead.prefetch(&self.cx, &self.sampler, rows);
            }
        }
        let positions: Vec<u64> = rows.iter().map(|row| row.position).collect();
        let below = self.base.prepare(&self.cx, &positions);
        below.prefetch();
        Begun {
            positions,
            below,
            _parts: parts,
        }
    }

    /// The rows of all positions, stored ones and those that are made.
    pub(super) async fn rows(&self, sorted: &Sorted, begun: Option<Begun>, priority: Priority) -> Result<RecordBatch> {
        let stored = self.stored(&sorted.stored, begun, priority);
        let generator = match &self.generator {
            Some(generator) if !sorted.made.is_empty() => generator,
            _ => return stored.await.map_err(|error| replaced(error, 0, &sorted.picks)),
        };
        let made = generator.generate(&self.cx, &sorted.made).await;
        let made = made.map_err(|error| replaced(error, 1, &sorted.picks))?;
        let made = RecordBatch::try_new(self.base.schema(), made.columns().to_vec())?;
        if sorted.stored.is_empty() {
            return Ok(made);
        }
        let stored = stored.await.map_err(|error| replaced(error, 0, &sorted.picks))?;
        gather(&self.base.schema(), &[&stored, &made], &sorted.picks)
    }

    /// `rows`: from what is in memory, from what was read ahead, and from the base.
    async fn stored(&self, rows: &[Stored], mut begun: Option<Begun>, priority: Priority) -> Result<RecordBatch> {
        let (cx, base, sampler) = (&self.cx, &self.base, &*self.sampler);
        let row_bytes = self.layout.bytes / (sampler.stored * sampler.views);
        let read = || ResidentRows::read(cx, base, sampler, self.layout, row_bytes);
        let resident = self.resident.get_or_try_init(read).await?;
        let mut sources: Vec<RecordBatch> = resident.rows.iter().cloned().collect();
        let found = |row: &Stored| Some((0, resident.find(row.position)?));
        let mut at: Vec<Option<(usize, usize)>> = rows.iter().map(found).collect();
        if let Some(ahead) = &resident.ahead {
            let left: Vec<usize> = (0..rows.len()).filter(|&i| at[i].is_none()).collect();
            let wanted: Vec<Stored> = left.iter().map(|&i| rows[i]).collect();
            let parts = ahead.parts(cx, sampler, &wanted, priority).await;
            let mut places = Places::default();
            for (i, part) in left.into_iter().zip(&parts) {
                at[i] = part
                    .as_ref()
                    .and_then(|part| places.of(part, rows[i].position, &mut sources));
            }
        }
        let missing: Vec<usize> = (0..rows.len()).filter(|&i| at[i].is_none()).collect();
        let positions: Vec<u64> = missing.iter().map(|&i| rows[i].position).collect();
        // What was prepared when the batch was has its turn.
        let taken = match begun.take_if(|begun| begun.positions == positions) {
            Some(begun) => begun.below,
            None => base.prepare(cx, &positions),
        };
        if missing.len() == rows.len() {
            return taken.rows_with(priority).await;
        }
        if !missing.is_empty() {
            let taken = taken.rows_with(priority).await;
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
        let (schema, ahead) = (base.schema(), resident.ahead.is_some());
        let bytes = row_bytes.saturating_mul(at.len() as u64);
        let buffers = Arc::clone(cx.buffers());
        let pick = move || {
            let rows = gather(&schema, &sources.iter().collect::<Vec<_>>(), &at)?;
            // Strings and binary values would hold on to what was read ahead.
            if ahead { compact(&rows, &buffers) } else { Ok(rows) }
        };
        cx.compute_sized(bytes, pick).await
    }
}

/// What was begun before the rows of a batch are asked for. Dropping it cancels the reads that nobody else wants.
#[derive(Debug)]
pub(super) struct Begun {
    /// Rows that are taken from the base, and these rows.
    positions: Vec<u64>,
    below: Prepared,
    _parts: Vec<PartHandle>,
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
