//! Rows whose provenance says that some of them are synthetic, as their columns do.

use super::made_rows::MadeRows;
use crate::dataset::{Blocks, Dataset, Len, Origin, Provenance, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;

/// The same rows, of which those of [`MadeRows`] are synthetic by their provenance, too: files know it of themselves alone, and a column says it of rows.
#[derive(Debug)]
pub(crate) struct Marked<D> {
    inner: D,
    made: MadeRows,
}

impl<D: Stable> Marked<D> {
    /// `inner`, of which `made` was found.
    pub(crate) fn new(inner: D, made: MadeRows) -> Self {
        Self { inner, made }
    }
}

impl<D: Stable> Dataset for Marked<D> {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn len(&self) -> Len {
        self.inner.len()
    }

    fn blocks(&self) -> Blocks {
        self.inner.blocks()
    }

    /// That of the rows themselves, which are the same.
    fn describe(&self) -> Plan {
        self.inner.describe()
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.inner.prepare(cx, positions)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let provenance = self.inner.provenance(cx, position);
        if !self.made.is_made(position) {
            return provenance;
        }
        Provenance {
            origin: Origin::Synthetic,
            generator: provenance.generator.or_else(|| self.made.generator(position)),
            ..provenance
        }
    }
}

impl<D: Stable> Stable for Marked<D> {
    fn views(&self) -> u64 {
        self.inner.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        self.inner.column(cx, name)
    }
}
