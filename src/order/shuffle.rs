use super::OrderCache;
use crate::context::Context;
use crate::dataset::{Blocks, Dataset, Len, Trace};
use crate::error::Result;
use crate::plan::Plan;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;

/// Rows in a random order that differs from epoch to epoch; made by [`shuffle`](crate::DatasetExt::shuffle).
#[derive(Debug)]
pub struct Shuffle<D> {
    inner: D,
    window: usize,
    orders: OrderCache,
}

impl<D: Dataset> Shuffle<D> {
    /// Blocks that are open at once, where nothing else is said.
    pub const WINDOW: usize = 16;
    const NAME: &str = "shuffle";

    pub(crate) fn new(inner: D, window: usize) -> Self {
        let orders = OrderCache::over(&inner.blocks(), window);
        Self {
            inner,
            window: window.max(1),
            orders,
        }
    }

    fn below(&self, cx: &Context, position: u64) -> u64 {
        let Some(rows) = self.inner.len().finite() else {
            return position;
        };
        let (epoch, row) = self.inner.len().split(position);
        epoch * rows + self.orders.get(cx.seed(), Self::NAME, &[epoch]).get(row)
    }

    fn map(&self, cx: &Context, positions: &[u64]) -> Vec<u64> {
        positions.iter().map(|&position| self.below(cx, position)).collect()
    }
}

impl<D: Dataset> Dataset for Shuffle<D> {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn len(&self) -> Len {
        self.inner.len()
    }

    fn blocks(&self) -> Blocks {
        self.inner.blocks()
    }

    fn describe(&self) -> Plan {
        let blocks = self.inner.blocks();
        let window = self.window.min(blocks.len());
        let bytes: u64 = blocks.iter().take(window).map(|block| block.bytes).sum();
        Plan::new(Self::NAME)
            .random()
            .param("window", self.window)
            .note(format!(
                "{window} of {} blocks open at once, about {} KiB",
                blocks.len(),
                bytes >> 10
            ))
            .input(self.inner.describe())
    }

    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        self.inner.hint(cx, &self.map(cx, upcoming));
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move { self.inner.take(cx, &self.map(cx, positions)).await })
    }

    fn trace(&self, cx: &Context, position: u64) -> Trace {
        self.inner.trace(cx, self.below(cx, position))
    }
}
