//! Rows with their masks as they are stored beside those that move with the picture.

use crate::columns::index_of;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::prepared::Prepared;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use futures::future::BoxFuture;
use std::sync::Arc;

/// The column of masks as they are stored.
pub(super) const STORED_MASK: &str = "stored_mask";

/// Rows with a second column of their masks, which no stage moves: what is predicted is measured by it.
#[derive(Debug)]
pub(super) struct MaskRows<D> {
    inner: D,
    /// The column of masks.
    column: String,
    schema: SchemaRef,
}

impl<D: Stable> MaskRows<D> {
    /// `rows`, whose masks are in `column`.
    pub(super) fn new(rows: D, column: &str) -> Result<Self> {
        let below = rows.schema();
        if below.index_of(STORED_MASK).is_ok() {
            return Err(Error::config(format!(
                "there is a column {STORED_MASK:?} already: rename it"
            )));
        }
        let mask = below.field(index_of(&below, column)?);
        let stored = Field::new(STORED_MASK, mask.data_type().clone(), mask.is_nullable());
        let fields = below.fields().iter().cloned().chain([Arc::new(stored)]);
        Ok(Self {
            schema: Arc::new(Schema::new_with_metadata(
                fields.collect::<Vec<_>>(),
                below.metadata().clone(),
            )),
            column: column.to_owned(),
            inner: rows,
        })
    }
}

impl<D: Stable> Dataset for MaskRows<D> {
    forward!(inner: len, blocks, describe, provenance);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let (schema, column) = (Arc::clone(&self.schema), self.column.clone());
        self.inner.prepare(cx, positions).and_then(move |rows| async move {
            let mask = Arc::clone(rows.column(index_of(&rows.schema(), &column)?));
            let columns = rows.columns().iter().cloned().chain([mask]).collect();
            Ok(RecordBatch::try_new(schema, columns)?)
        })
    }
}

impl<D: Stable> Stable for MaskRows<D> {
    forward!(inner: views);

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        let below = if name == STORED_MASK { &self.column } else { name };
        self.inner.column(cx, below)
    }
}
