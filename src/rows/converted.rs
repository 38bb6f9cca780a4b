use crate::columns::index_of;
use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::forward::forward;
use crate::plan::Plan;
use crate::prepared::Prepared;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use futures::future::BoxFuture;
use std::fmt;
use std::sync::Arc;

/// What makes a column into another of the same name, value by value.
pub(crate) trait Convert: fmt::Debug + Send + Sync + 'static {
    /// The column's name.
    fn column(&self) -> &str;

    /// Its parameters.
    fn describe(&self) -> Plan;

    /// What the column is when it is done.
    fn field(&self, below: &Field) -> Result<Field>;

    /// The values of `array`, a column of the field `below`. An error has the index of the row.
    fn convert(&self, below: &Field, array: &ArrayRef) -> Result<ArrayRef>;
}

/// Rows of which one column has other values; made by [`cast`](crate::DatasetExt::cast) and
/// [`fill_null`](crate::DatasetExt::fill_null).
#[derive(Debug)]
pub struct Converted<D> {
    inner: D,
    convert: Arc<dyn Convert>,
    at: usize,
    below: Arc<Field>,
    schema: SchemaRef,
}

impl<D: Dataset> Converted<D> {
    pub(crate) fn new(inner: D, convert: impl Convert) -> Result<Self> {
        let schema = inner.schema();
        let name = convert.describe().name().to_owned();
        let placed = |error: crate::error::Error| error.context(name.as_str());
        let at = index_of(&schema, convert.column()).map_err(placed)?;
        let below = Arc::clone(&schema.fields()[at]);
        let mut fields = schema.fields().to_vec();
        fields[at] = Arc::new(convert.field(&below).map_err(placed)?);
        Ok(Self {
            inner,
            convert: Arc::new(convert),
            at,
            below,
            schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
        })
    }

    /// What the values of `array` become.
    async fn converted(
        cx: &Context,
        convert: Arc<dyn Convert>,
        below: Arc<Field>,
        array: ArrayRef,
    ) -> Result<ArrayRef> {
        let bytes = array.get_buffer_memory_size() as u64;
        let work = move || {
            let made = convert.convert(&below, &array);
            made.map_err(|error| error.context(convert.describe().name()))
        };
        cx.compute_sized(bytes, work).await
    }
}

impl<D: Dataset> Dataset for Converted<D> {
    forward!(inner: len, blocks, provenance);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn describe(&self) -> Plan {
        self.convert.describe().input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let (at, schema, cx_) = (self.at, Arc::clone(&self.schema), cx.clone());
        let (convert, below) = (Arc::clone(&self.convert), Arc::clone(&self.below));
        self.inner.prepare(cx, positions).and_then(move |rows| async move {
            let mut columns = rows.columns().to_vec();
            columns[at] = Self::converted(&cx_, convert, below, Arc::clone(&columns[at])).await?;
            Ok(RecordBatch::try_new(schema, columns)?)
        })
    }
}

impl<D: Stable> Stable for Converted<D> {
    forward!(inner: views);

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        Box::pin(async move {
            let column = self.inner.column(cx, name).await?;
            if name != self.convert.column() {
                return Ok(column);
            }
            let made = Self::converted(cx, Arc::clone(&self.convert), Arc::clone(&self.below), column).await;
            made.map_err(|error| {
                let place = error.index().and_then(|row| {
                    let provenance = self.inner.provenance(cx, row as u64);
                    provenance.places.into_iter().next()
                });
                match place {
                    Some(place) => error.context(place.to_string()),
                    None => error,
                }
            })
        })
    }
}
