//! A balance as a dataset: positions in, rows out.

use super::builder::Balance;
use super::fetch::fetch;
use super::pick::{Pick, Stored};
use super::read_plan::ReadPlan;
use super::resident::ResidentRows;
use super::sorted::Sorted;
use crate::columns::gather;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::plan::Plan;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use std::sync::Arc;

impl<D: Stable> Balance<D> {
    /// What comes at `positions`: stored rows, rows to be made, and for each position which of the two and where in it.
    fn sorted(&self, cx: &Context, positions: &[u64]) -> Sorted {
        self.sampler.picker(cx.seed()).sorted(positions)
    }

    /// As [`sorted`](Self::sorted), as it was worked out when it was hinted.
    fn hinted(&self, cx: &Context, positions: &[u64]) -> Sorted {
        let known = self.hinted.take(cx.seed(), positions);
        known.unwrap_or_else(|| self.sorted(cx, positions))
    }

    /// The stored `rows`.
    async fn stored(&self, cx: &Context, rows: &[Stored]) -> Result<RecordBatch> {
        let row_bytes = self.layout.bytes / (self.sampler.stored * self.sampler.views);
        let read = || {
            let reads = ReadPlan::new(&self.sampler, self.layout.under(cx));
            ResidentRows::read(cx, &self.base, &self.sampler, reads, row_bytes)
        };
        let held = self.held.get_or_try_init(read).await?;
        fetch(cx, &self.base, &self.sampler, held, rows, row_bytes).await
    }
}

impl<D: Stable> Dataset for Balance<D> {
    fn schema(&self) -> SchemaRef {
        self.base.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.sampler.rows)
    }

    fn blocks(&self) -> Blocks {
        let bytes = self.base.blocks().iter().map(|block| block.bytes).sum();
        Arc::new([Block {
            rows: 0..self.sampler.rows.get(),
            bytes,
        }])
    }

    fn describe(&self) -> Plan {
        self.plan()
    }

    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        let sorted = self.sorted(cx, upcoming);
        let (mut stored, mut below) = (sorted.stored.clone(), None);
        if let Some(held) = self.held.get() {
            stored.retain(|row| held.find(row.position).is_none());
            if let Some(ahead) = &held.ahead {
                stored = ahead.hint(cx, &self.sampler, stored);
                below = Some(ahead.below(cx));
            }
        }
        let positions: Vec<u64> = stored.iter().map(|row| row.position).collect();
        self.base.hint(below.as_ref().unwrap_or(cx), &positions);
        self.hinted.keep(cx.seed(), upcoming, sorted);
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let sorted = self.hinted(cx, positions);
            let stored = self.stored(cx, &sorted.stored);
            let filler = match &self.filler {
                Some(filler) if !sorted.made.is_empty() => filler,
                _ => return stored.await.map_err(|error| sorted.moved(0, error)),
            };
            let made = filler.generator.generate(cx, &sorted.made).await;
            let made = made.map_err(|error| sorted.moved(1, error))?;
            let made = RecordBatch::try_new(self.schema(), made.columns().to_vec())?;
            if sorted.stored.is_empty() {
                return Ok(made);
            }
            let stored = stored.await.map_err(|error| sorted.moved(0, error))?;
            gather(&self.schema(), &[&stored, &made], &sorted.picks)
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        match self.sampler.picker(cx.seed()).pick(position) {
            Pick::Stored(row) => Provenance {
                occurrence: row.pass,
                ..self.base.provenance(cx, row.position)
            },
            Pick::Made(sample) => match &self.filler {
                Some(filler) => filler.generator.provenance(cx, sample),
                None => Provenance::default(),
            },
        }
    }
}
