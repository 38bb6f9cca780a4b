//! Rows that a generator makes of a table's columns, as the numbers that are trained on.

use super::encoder::Encoder;
use crate::columns::{index_of, into_list};
use crate::dataset::{Provenance, StoredRows};
use crate::error::Result;
use crate::exec::Context;
use crate::plan::Plan;
use crate::synthetic::{Generator, SampleId};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use std::sync::Arc;

/// A generator of columns among rows of encoded numbers, so that its rows may come in turn with those of a generator of these.
#[derive(Debug)]
pub(super) struct EncodedRows {
    pub(super) generator: Arc<dyn Generator>,
    pub(super) encoder: Arc<Encoder>,
    /// The columns of the rows that it is mixed with: the numbers, and the label.
    pub(super) schema: SchemaRef,
    pub(super) label: String,
}

impl Generator for EncodedRows {
    fn describe(&self) -> Plan {
        Plan::new("encoded").input(self.generator.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.generator.supports(class)
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let made = self.generator.generate(cx, samples).await?;
            let fields = self.schema.fields().iter();
            let columns = fields.map(|field| match *field.name() == self.label {
                true => Ok(Arc::clone(made.column(index_of(&made.schema(), &self.label)?))),
                false => into_list(field, self.encoder.encode(&made)?),
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
        })
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        self.generator.parents(cx, sample)
    }

    fn parents_elsewhere(&self) -> StoredRows {
        self.generator.parents_elsewhere()
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        self.generator.provenance(cx, sample)
    }
}
