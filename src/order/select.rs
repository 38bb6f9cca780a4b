use crate::context::Context;
use crate::dataset::{Block, Blocks, Dataset, Len, Stable, Trace};
use crate::error::{Error, Result};
use crate::plan::Plan;
use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use std::num::NonZeroU64;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Some of the rows, in a given order; made by [`select`](crate::DatasetExt::select).
#[derive(Debug)]
pub struct Select<D> {
    inner: D,
    /// Rows of the inner dataset (of its view 0).
    rows: Arc<[u64]>,
    below: u64,
}

impl<D: Stable> Select<D> {
    pub(crate) fn new(inner: D, rows: Vec<u64>) -> Result<Self> {
        let total = inner
            .len()
            .finite()
            .ok_or_else(|| Error::config("select needs a dataset with an end"))?;
        let below = total / inner.views();
        if rows.is_empty() {
            return Err(Error::config("select: no row is left; a dataset has at least one"));
        }
        match rows.iter().find(|&&row| row >= below) {
            Some(row) => Err(Error::config(format!(
                "select: row {row} is outside the {below} rows below"
            ))),
            None => Ok(Self {
                inner,
                rows: rows.into(),
                below,
            }),
        }
    }

    fn below(&self, position: u64) -> u64 {
        let rows = self.rows.len() as u64;
        let view = position / rows % self.inner.views();
        view * self.below + self.rows[(position % rows) as usize]
    }

    fn map(&self, positions: &[u64]) -> Vec<u64> {
        positions.iter().map(|&position| self.below(position)).collect()
    }
}

impl<D: Stable> Dataset for Select<D> {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn len(&self) -> Len {
        let rows = self.rows.len() as u64 * self.inner.views();
        NonZeroU64::new(rows).map_or(Len::Endless, Len::Finite)
    }

    /// Runs of selected rows that lie in one block below.
    fn blocks(&self) -> Blocks {
        let below = self.inner.blocks();
        let mut out: Vec<(usize, Block)> = Vec::new();
        for at in 0..self.rows.len() as u64 * self.inner.views() {
            let row = self.below(at);
            let home = below.partition_point(|block| block.rows.end <= row);
            let block = &below[home];
            let bytes = block.bytes / (block.rows.end - block.rows.start).max(1);
            match out.last_mut() {
                Some((last, run)) if *last == home => {
                    run.rows.end = at + 1;
                    run.bytes += bytes;
                }
                _ => out.push((
                    home,
                    Block {
                        rows: at..at + 1,
                        bytes,
                    },
                )),
            }
        }
        out.into_iter().map(|(_, block)| block).collect()
    }

    fn describe(&self) -> Plan {
        let bytes: Vec<u8> = self.rows.iter().flat_map(|row| row.to_le_bytes()).collect();
        Plan::new("select")
            .param("rows", self.rows.len())
            .param("hash", format_args!("{:016x}", xxh3_64(&bytes)))
            .input(self.inner.describe())
    }

    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        self.inner.hint(cx, &self.map(upcoming));
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move { self.inner.take(cx, &self.map(positions)).await })
    }

    fn trace(&self, cx: &Context, position: u64) -> Trace {
        self.inner.trace(cx, self.below(position))
    }
}

impl<D: Stable> Stable for Select<D> {
    fn views(&self) -> u64 {
        self.inner.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let column = self.inner.column(cx, name).await?;
            Ok(arrow::compute::take(
                &column,
                &UInt64Array::from(self.rows.to_vec()),
                None,
            )?)
        })
    }
}
