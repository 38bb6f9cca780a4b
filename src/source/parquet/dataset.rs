//! Parquet files as a [`Dataset`].

use super::block_index::RowInBlock;
use super::decode::block as decode;
use super::decode::column_builder::ColumnBuilder;
use super::format::footer::Footer;
use super::open::Parquet;
use super::schema::projection::Projection;
use super::schema::units::Unit;
use crate::columns::compact_column;
use crate::dataset::{Blocks, Dataset, Len, Origin, Provenance, Stable};
use crate::error::{Result, StoredRow};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use std::sync::Arc;

impl Dataset for Parquet {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.projection.schema)
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

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let at: Arc<[RowInBlock]> = self.locate(positions).into();
        let (ahead, turn) = (Arc::clone(&at), cx.turn());
        let (parquet, inner) = (self.clone(), cx.clone());
        let prefetch = move || parquet.prefetch(&inner, turn, &ahead);
        let (parquet, inner) = (self.clone(), cx.clone());
        Prepared::with_prefetch(prefetch, move |priority| async move {
            parquet.take_at(&inner, turn, &at, priority).await
        })
    }

    fn provenance(&self, _cx: &Context, position: u64) -> Provenance {
        let (block, row) = self.locate(&[position])[0];
        let unit = &self.units[block];
        let made_by = self.files[unit.file].made_by.as_deref();
        let made_by = made_by.filter(|made_by| made_by.made_all);
        Provenance {
            places: vec![StoredRow {
                source: Arc::clone(&self.files[unit.file].location.shown),
                row_group: Some(unit.group as u64),
                row: unit.rows.start + row,
            }],
            origin: made_by.map_or(Origin::Real, |_| Origin::Synthetic),
            generator: made_by.map(|made_by| Arc::clone(&made_by.name)),
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
            let projection = Arc::new(self.projection.project(&self.files, &[name], &self.name)?);
            let units = projection.units(&self.files);
            let load = |unit: Unit| {
                let (inner, projection) = (cx.clone(), Arc::clone(&projection));
                let file = Arc::clone(&self.files[unit.file]);
                let turn = cx.turn();
                cx.spawn(async move {
                    let _bytes = inner.reading(turn, unit.cost()).await;
                    own_column(&inner, &file, &projection, &unit).await
                })
            };
            let mut parts = stream::iter(units).map(load).buffered(cx.threads() + 2);
            let mut all = ColumnBuilder::new(projection.schema.field(0).data_type(), self.rows.get() as usize);
            let place = format!("{}: column {name:?}", self.name);
            while let Some(part) = parts.try_next().await? {
                all.push(part).map_err(|error| error.context(place.as_str()))?;
            }
            drop(parts);
            cx.compute(move || {
                let all = all.finish().map_err(|error| error.context(place))?;
                projection.check(&RecordBatch::try_new(
                    Arc::clone(&projection.schema),
                    vec![Arc::clone(&all)],
                )?)?;
                Ok(all)
            })
            .await
        }
        .boxed()
    }
}

/// The one column of `projection` in `unit`, cut loose from the pages that it was decoded from.
async fn own_column(cx: &Context, file: &Arc<Footer>, projection: &Arc<Projection>, unit: &Unit) -> Result<ArrayRef> {
    let decoded = decode::block(cx, file, projection, unit).await?;
    let spare = Arc::clone(cx.buffers());
    let place = format!("row group {} of {}", unit.group, file.location.shown);
    let join = move || {
        let parts = decoded
            .batches
            .iter()
            .map(|batch| compact_column(batch.column(0), &spare))
            .collect::<Result<Vec<_>>>()?;
        Ok(concat(
            &parts.iter().map(|part| part as &dyn Array).collect::<Vec<_>>(),
        )?)
    };
    let joined = cx.compute(join).await;
    joined.map_err(|error| error.context(place))
}
