//! Rows whose provenance says that some of them are synthetic, as their columns do.

use super::made_rows::MadeRows;
use crate::dataset::{Dataset, Origin, Provenance, Stable};
use crate::exec::Context;
use crate::forward::forward;

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
    forward!(inner: schema, len, blocks, describe, prepare);

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
    forward!(inner: views, column);
}
