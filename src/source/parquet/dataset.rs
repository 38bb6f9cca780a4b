//! Parquet files as a [`Dataset`].

use super::cache::places::distinct;
use super::format::column::Column;
use super::format::footer::Footer;
use super::format::layout::{Layout, Unit};
use super::format::sparse::Sparse;
use super::io::read;
use super::open::Parquet;
use crate::columns::compact_column;
use crate::dataset::{Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Result, StoredRow};
use crate::exec::Context;
use crate::plan::Plan;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use std::sync::Arc;

impl Dataset for Parquet {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.layout.schema)
    }

    fn len(&self) -> Len {
        Len::Finite(self.rows)
    }

    fn blocks(&self) -> Blocks {
        Arc::clone(&self.blocks)
    }

    fn describe(&self) -> Plan {
        self.plan()
    }

    /// Starts to read the blocks that come next and are not cached: as many as the pool has threads, and one more.
    ///
    /// Marks those that are there as used, soonest last, so that room is made at the cost of other blocks, and reads no
    /// more than fit beside them: what does not is left to the takes.
    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        // A quarter is left for blocks that turn out larger than their footer says.
        let limit = cx.cache_share() / 4 * 3;
        let (soon, _) = distinct(&self.locate(upcoming));
        let (mut missing, mut bytes) = (Vec::new(), 0_u64);
        for block in soon.into_iter().rev() {
            match self.cache.touch(block) {
                true => bytes = bytes.saturating_add(self.units[block].bytes),
                false => missing.push(block),
            }
        }
        while self.cache.loading() <= cx.threads()
            && let Some(block) = missing.pop()
        {
            bytes = bytes.saturating_add(self.units[block].bytes);
            if bytes > limit {
                return;
            }
            drop(self.fetch(cx, block));
        }
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        async move {
            self.layout.check_columns()?;
            let at = self.locate(positions);
            let (blocks, limit) = (distinct(&at), cx.take_share());
            let sizes = self.sizes(&blocks.0);
            let bytes = sizes.iter().fold(0, |sum: u64, (_, bytes)| sum.saturating_add(*bytes));
            let fit = sizes.len() == 1 || bytes <= limit;
            let largest = sizes.iter().map(|(_, bytes)| *bytes).max();
            let _permit = cx.taking().await;
            // In rounds, other blocks come and go.
            let (_held, _share) = match fit {
                true => (Some(self.held.hold(cx, &sizes).await), None),
                false => (None, cx.holding(cx.parts(limit.max(largest.unwrap_or(0))).into()).await),
            };
            let sparse = match cx.is_urgent() || !fit {
                true => self.sparse(&at),
                false => Sparse::default(),
            };
            let rounds = if fit {
                Vec::new()
            } else {
                self.rounds(&at, limit, &sparse)
            };
            let rows = match rounds.iter().all(|&round| round == 0) {
                true => self.take_together(cx, &at, blocks, &sparse).await?,
                false => self.take_in_rounds(cx, &at, &rounds, &sparse).await?,
            };
            self.layout.check(&rows)?;
            Ok(rows)
        }
        .boxed()
    }

    fn provenance(&self, _cx: &Context, position: u64) -> Provenance {
        let (block, row) = self.locate(&[position])[0];
        let unit = &self.units[block];
        Provenance {
            places: vec![StoredRow {
                source: Arc::clone(&self.files[unit.file].location.shown),
                row_group: Some(unit.group as u64),
                row: unit.rows.start + row,
            }],
            ..Provenance::default()
        }
    }
}

impl Stable for Parquet {
    fn views(&self) -> u64 {
        1
    }

    /// Reads that column of every row group, past the cache, and holds it in memory.
    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        async move {
            let layout = Arc::new(self.layout.project(&self.files, &[name], &self.name)?);
            let units = layout.units(&self.files);
            let load = |unit: Unit| {
                let (inner, layout) = (cx.clone(), Arc::clone(&layout));
                let file = Arc::clone(&self.files[unit.file]);
                cx.spawn(async move {
                    let _permit = inner.reading(unit.cost()).await;
                    own_column(&inner, &file, &layout, &unit).await
                })
            };
            let mut parts = stream::iter(units).map(load).buffered(cx.threads() + 2);
            let mut all = Column::new(layout.schema.field(0).data_type(), self.rows.get() as usize);
            let place = format!("{}: column {name:?}", self.name);
            while let Some(part) = parts.try_next().await? {
                all.push(part).map_err(|error| error.context(place.as_str()))?;
            }
            drop(parts);
            cx.compute(move || {
                let all = all.finish().map_err(|error| error.context(place))?;
                layout.check(&RecordBatch::try_new(
                    Arc::clone(&layout.schema),
                    vec![Arc::clone(&all)],
                )?)?;
                Ok(all)
            })
            .await
        }
        .boxed()
    }
}

/// The one column of `layout` in `unit`, cut loose from the pages that it was decoded from.
async fn own_column(cx: &Context, file: &Arc<Footer>, layout: &Arc<Layout>, unit: &Unit) -> Result<ArrayRef> {
    let decoded = read::block(cx, file, layout, unit).await?;
    let spare = Arc::clone(cx.buffers());
    cx.compute(move || {
        let parts = decoded
            .batches
            .iter()
            .map(|batch| compact_column(batch.column(0), &spare))
            .collect::<Result<Vec<_>>>()?;
        Ok(concat(
            &parts.iter().map(|part| part as &dyn Array).collect::<Vec<_>>(),
        )?)
    })
    .await
}
