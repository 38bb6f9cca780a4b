use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::spec::Spec;
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// How many rows, from the first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    rows: u64,
}

impl Limit {
    /// Up to `rows` rows.
    pub fn new(rows: u64) -> Self {
        Self { rows }
    }
}

impl Spec for Limit {
    const NAME: &'static str = "limit";

    fn check(&self) -> Result<()> {
        match self.rows {
            0 => Err(Error::config("limit: 0 rows; a dataset has at least one")),
            _ => Ok(()),
        }
    }
}

/// The first rows; made by [`limit`](crate::DatasetExt::limit).
#[derive(Debug)]
pub struct Limited<D> {
    inner: D,
    limit: Limit,
    /// Rows here and below, of one view.
    rows: u64,
    below: u64,
    len: NonZeroU64,
}

impl<D: Stable> Limited<D> {
    pub(crate) fn new(inner: D, limit: Limit) -> Result<Self> {
        limit.check()?;
        let refused = || Error::config("limit needs a dataset with an end");
        let below = inner.len().finite().ok_or_else(refused)? / inner.views();
        let rows = limit.rows.min(below);
        Ok(Self {
            len: NonZeroU64::new(rows * inner.views()).ok_or_else(refused)?,
            inner,
            limit,
            rows,
            below,
        })
    }

    fn below(&self, position: u64) -> u64 {
        let view = position / self.rows % self.inner.views();
        view * self.below + position % self.rows
    }
}

impl<D: Stable> Dataset for Limited<D> {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.len)
    }

    /// Those below, cut where the rows of each view end.
    fn blocks(&self) -> Blocks {
        let (below, mut all) = (self.inner.blocks(), Vec::new());
        for view in 0..self.inner.views() {
            let (from, start) = (view * self.below, view * self.rows);
            let to = from + self.rows;
            let inside = below
                .iter()
                .filter(|block| block.rows.start < to && block.rows.end > from);
            all.extend(inside.map(|block| Block {
                rows: start + block.rows.start.max(from) - from..start + block.rows.end.min(to) - from,
                bytes: block.bytes,
            }));
        }
        all.into()
    }

    fn describe(&self) -> Plan {
        Plan::of(&self.limit).input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let below: Vec<u64> = positions.iter().map(|&position| self.below(position)).collect();
        self.inner.prepare(cx, &below)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        self.inner.provenance(cx, self.below(position))
    }
}

impl<D: Stable> Stable for Limited<D> {
    fn views(&self) -> u64 {
        self.inner.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let column = self.inner.column(cx, name).await?;
            Ok(column.slice(0, self.rows as usize))
        })
    }
}
