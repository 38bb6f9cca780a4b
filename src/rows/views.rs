use super::staged::{Stage, Staged};
use crate::columns::index_of;
use crate::dataset::{Block, Blocks, Dataset, Len, Provenance, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use std::num::NonZeroU64;
use std::sync::Arc;

/// Each row in a fixed number of augmented views; made by [`views`](Staged::views).
#[derive(Debug)]
pub struct Views<D, S> {
    staged: Staged<D, S>,
    rows: NonZeroU64,
    views: NonZeroU64,
}

impl<D: Stable, S: Stage> Views<D, S> {
    pub(super) fn new(staged: Staged<D, S>, views: u64) -> Self {
        let views = NonZeroU64::new(views).unwrap_or(NonZeroU64::MIN);
        let rows = match staged.len() {
            Len::Finite(rows) => rows,
            Len::Endless => NonZeroU64::MAX,
        };
        Self { staged, rows, views }
    }

    /// View `v` of row `r` is what epoch `v` makes of it.
    fn below(&self, position: u64) -> u64 {
        position % self.rows.saturating_mul(self.views)
    }

    fn is_plain(&self, below: u64) -> bool {
        below < self.rows.get()
    }

    fn map(&self, positions: &[u64]) -> Vec<u64> {
        positions.iter().map(|&position| self.below(position)).collect()
    }
}

impl<D: Stable, S: Stage> Dataset for Views<D, S> {
    fn schema(&self) -> SchemaRef {
        self.staged.schema()
    }

    fn len(&self) -> Len {
        Len::Finite(self.rows.saturating_mul(self.views))
    }

    fn blocks(&self) -> Blocks {
        let below = self.staged.blocks();
        let shifted = (0..self.views.get()).flat_map(|view| {
            let by = view * self.rows.get();
            below.iter().map(move |block| Block {
                rows: block.rows.start + by..block.rows.end + by,
                ..*block
            })
        });
        shifted.collect()
    }

    fn describe(&self) -> Plan {
        Plan::new("views")
            .param("views", self.views)
            .input(self.staged.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let below = self.map(positions);
        self.staged
            .prepare_views(cx, &below, |position| self.is_plain(position))
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let below = self.below(position);
        let trace = self.staged.inner().provenance(cx, below);
        Provenance {
            origin: self.staged.origin(trace.origin, self.is_plain(below)),
            ..trace
        }
    }
}

impl<D: Stable, S: Stage> Stable for Views<D, S> {
    fn views(&self) -> u64 {
        self.views.get()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        if name != self.staged.column() {
            return self.staged.inner().column(cx, name);
        }
        Box::pin(async move {
            let rows: Vec<u64> = (0..self.rows.get()).collect();
            let rows = self.take(cx, &rows).await?;
            Ok(Arc::clone(rows.column(index_of(&rows.schema(), name)?)))
        })
    }
}
