use super::labels::{CLASS_NAMES, Labels};
use crate::columns::index_of;
use crate::dataset::{Blocks, Dataset, Len, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::future::BoxFuture;
use std::sync::Arc;

/// The label column as class numbers (`Int64`, 0 for the first class); made by [`classes`](crate::DatasetExt::classes).
#[derive(Debug)]
pub struct ClassEncoded<D> {
    inner: D,
    labels: Arc<Labels>,
    hash: u64,
    at: usize,
    schema: SchemaRef,
}

impl<D> ClassEncoded<D> {
    /// What it is called in plans.
    pub(crate) const NAME: &str = "classes";
}

impl<D: Stable> ClassEncoded<D> {
    pub(crate) fn new(inner: D, labels: Arc<Labels>) -> Result<Self> {
        let below = inner.schema();
        let at = index_of(&below, labels.column())?;
        let names = serde_json::to_string(labels.names()).unwrap_or_default();
        let field = Field::new(labels.column(), DataType::Int64, false);
        let mut fields = below.fields().to_vec();
        fields[at] = Arc::new(field.with_metadata([(CLASS_NAMES.to_owned(), names)].into()));
        let schema = Arc::new(Schema::new_with_metadata(fields, below.metadata().clone()));
        let rows = inner.len().finite().map(|len| len / inner.views());
        if rows != Some(labels.len()) {
            return Err(Error::config(format!(
                "{} labels for a dataset of {:?}",
                labels.len(),
                inner.len()
            )));
        }
        Ok(Self {
            inner,
            hash: labels.hash(),
            labels,
            at,
            schema,
        })
    }

    /// The class of every row.
    pub fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }

    fn class(&self, position: u64) -> u32 {
        self.labels.class(position % self.labels.len())
    }

    fn column_of(&self, classes: impl Iterator<Item = u32>) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(classes.map(i64::from)))
    }
}

impl<D: Stable> Dataset for ClassEncoded<D> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        self.inner.len()
    }

    fn blocks(&self) -> Blocks {
        self.inner.blocks()
    }

    fn describe(&self) -> Plan {
        Plan::new(Self::NAME)
            .param("column", self.labels.column())
            .param("classes", self.labels.names().join(" | "))
            .param("labels", format_args!("{:016x}", self.hash))
            .resident(self.labels.bytes())
            .input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let classes = self.column_of(positions.iter().map(|&position| self.class(position)));
        let (at, schema) = (self.at, Arc::clone(&self.schema));
        self.inner.prepare(cx, positions).and_then(move |rows| async move {
            let mut columns = rows.columns().to_vec();
            columns[at] = classes;
            Ok(RecordBatch::try_new(schema, columns)?)
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        Provenance {
            class: Some(self.class(position)),
            ..self.inner.provenance(cx, position)
        }
    }
}

impl<D: Stable> Stable for ClassEncoded<D> {
    fn views(&self) -> u64 {
        self.inner.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        if name == self.labels.column() {
            return Box::pin(async move { Ok(self.column_of(self.labels.iter())) });
        }
        self.inner.column(cx, name)
    }
}
