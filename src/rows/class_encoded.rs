use super::labels::{AnyLabels, CLASS_NAMES};
use crate::columns::index_of;
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::forward::forward;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::quote::counted;
use crate::spec::Spec;
use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which column is encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassesSpec {
    /// The column of labels.
    pub column: String,
}

impl Spec for ClassesSpec {
    const NAME: &'static str = "classes";
}

/// The label column as class numbers: `Int64`, 0 for the first class, or for lists of classes `List<Int64>`, ascending and each
/// class once. Made by [`classes`](crate::DatasetExt::classes).
///
/// A row with a list of classes has no [class](Provenance::class) in its provenance.
#[derive(Debug)]
pub struct ClassEncoded<D> {
    inner: D,
    labels: AnyLabels,
    hash: u64,
    at: usize,
    schema: SchemaRef,
}

impl<D> ClassEncoded<D> {
    /// What it is called in plans.
    pub(crate) const NAME: &str = ClassesSpec::NAME;
}

impl<D: Stable> ClassEncoded<D> {
    pub(crate) fn new(inner: D, labels: AnyLabels) -> Result<Self> {
        let at = index_of(&inner.schema(), labels.column())?;
        Self::at(inner, labels, at)
    }

    /// With the labels as a column of its own behind the others, which stay as they are.
    pub(crate) fn appended(inner: D, labels: AnyLabels) -> Result<Self> {
        let below = inner.schema();
        if below.index_of(labels.column()).is_ok() {
            return Err(Error::schema(format!(
                "there is a column {:?} already, which is what the column of classes would be called: rename it",
                labels.column()
            )));
        }
        Self::at(inner, labels, below.fields().len())
    }

    fn at(inner: D, labels: AnyLabels, at: usize) -> Result<Self> {
        let below = inner.schema();
        let data_type = match &labels {
            AnyLabels::Class(_) => DataType::Int64,
            AnyLabels::MultiLabel(_) => DataType::List(item()),
        };
        let schema = with_classes(
            &below,
            at,
            Field::new(labels.column(), data_type, false),
            labels.names(),
        );
        let rows = inner.len().finite().map(|len| len / inner.views());
        if rows != Some(labels.len()) {
            return Err(Error::config(format!(
                "{} labels for a dataset {}",
                labels.len(),
                rows.map_or_else(
                    || "without an end".to_owned(),
                    |rows| format!("of {}", counted(rows, "row"))
                )
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

    /// The classes of every row.
    pub fn labels(&self) -> &AnyLabels {
        &self.labels
    }

    /// The classes of the rows at `positions`.
    fn column_of(&self, positions: impl Iterator<Item = u64>) -> Result<ArrayRef> {
        let rows = positions.map(|position| position % self.labels.len());
        match &self.labels {
            AnyLabels::Class(labels) => Ok(Arc::new(Int64Array::from_iter_values(
                rows.map(|row| labels.class(row).into()),
            ))),
            AnyLabels::MultiLabel(labels) => {
                let (mut classes, mut ends) = (Vec::new(), vec![0_i32]);
                for row in rows {
                    classes.extend(labels.classes(row).map(i64::from));
                    let end = i32::try_from(classes.len());
                    ends.push(end.map_err(|_| {
                        Error::data(format!(
                            "column \"{}\": rows that are taken together have more than 2^31 classes: take fewer",
                            labels.column()
                        ))
                    })?);
                }
                let classes = Arc::new(Int64Array::from(classes));
                let lists = ListArray::try_new(item(), OffsetBuffer::new(ends.into()), classes, None)?;
                Ok(Arc::new(lists))
            }
        }
    }
}

/// `below` with column `at` as the class numbers of `names`.
pub(crate) fn encoded_schema(below: &Schema, at: usize, column: &str, names: &[String]) -> SchemaRef {
    with_classes(below, at, Field::new(column, DataType::Int64, false), names)
}

/// `below` with `field` as column `at`, or behind all others, and its class names.
fn with_classes(below: &Schema, at: usize, field: Field, names: &[String]) -> SchemaRef {
    let names = serde_json::to_string(names).unwrap_or_default();
    let field = Arc::new(field.with_metadata([(CLASS_NAMES.to_owned(), names)].into()));
    let mut fields = below.fields().to_vec();
    match fields.get_mut(at) {
        Some(old) => *old = field,
        None => fields.push(field),
    }
    Arc::new(Schema::new_with_metadata(fields, below.metadata().clone()))
}

/// What a list of classes holds.
fn item() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Int64, false))
}

impl<D: Stable> Dataset for ClassEncoded<D> {
    forward!(inner: len, blocks);

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn describe(&self) -> Plan {
        let spec = ClassesSpec {
            column: self.labels.column().to_owned(),
        };
        let plan = Plan::of(&spec);
        let plan = match &self.labels {
            AnyLabels::Class(_) => plan,
            AnyLabels::MultiLabel(_) => plan.param("of a row", "a list"),
        };
        plan.param("classes", format_args!("{:?}", self.labels.names()))
            .param("labels", format_args!("{:016x}", self.hash))
            .resident(self.labels.bytes())
            .input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let (at, schema) = (self.at, Arc::clone(&self.schema));
        let classes = self.column_of(positions.iter().copied());
        self.inner.prepare(cx, positions).and_then(move |rows| async move {
            let mut columns = rows.columns().to_vec();
            match columns.get_mut(at) {
                Some(old) => *old = classes?,
                None => columns.push(classes?),
            }
            Ok(RecordBatch::try_new(schema, columns)?)
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        Provenance {
            class: match &self.labels {
                AnyLabels::Class(labels) => Some(labels.class(position % labels.len())),
                AnyLabels::MultiLabel(_) => None,
            },
            ..self.inner.provenance(cx, position)
        }
    }
}

impl<D: Stable> Stable for ClassEncoded<D> {
    forward!(inner: views);

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        if name == self.labels.column() {
            return Box::pin(async move { self.column_of(0..self.labels.len()) });
        }
        self.inner.column(cx, name)
    }
}
