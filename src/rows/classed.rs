use super::staged::index_of;
use crate::context::Context;
use crate::dataset::{Blocks, Dataset, Len, Stable, Trace};
use crate::error::{Error, Result};
use crate::kept;
use crate::plan::Plan;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Field metadata that holds a label column's class names as a JSON array of strings.
pub const CLASS_NAMES: &str = "millstream.classes";

/// The class of every row, read from the label column alone, and the classes' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    column: String,
    names: Vec<String>,
    of: Vec<u32>,
}

impl Labels {
    /// Scans `column` of `dataset`. Classes are the stored class names where there are any (Hugging Face `ClassLabel`),
    /// else the distinct values in ascending order. Labels may be integers, strings or dictionaries of them.
    ///
    /// # Errors
    ///
    /// `Schema` for a missing or unusable column; `Data` for a null or a label outside the class names, with its place.
    pub async fn scan(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Self> {
        let raw = Raw::scan(cx, dataset, column).await?;
        let names = raw.stored_names.clone().unwrap_or_else(|| raw.distinct());
        Self::encode(cx, dataset, column, &raw, names)
    }

    /// Scans `column` with the classes of another set: a validation set must mean the same by class 3 as the training
    /// set does. Values are matched by name.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan); `Data` also for a label that `names` do not have.
    pub async fn scan_as(cx: &Context, dataset: &impl Stable, column: &str, names: &[String]) -> Result<Self> {
        let raw = Raw::scan(cx, dataset, column).await?;
        Self::encode(cx, dataset, column, &raw, names.to_vec())
    }

    fn encode(cx: &Context, dataset: &impl Stable, column: &str, raw: &Raw, names: Vec<String>) -> Result<Self> {
        let ids: BTreeMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let of = (0..raw.len()).map(|row| {
            raw.name(row)
                .and_then(|name| {
                    let class = ids.get(name.as_str()).copied();
                    class.ok_or_else(|| outside(&name, names.len()))
                })
                .map_err(|why| {
                    let place = dataset.trace(cx, row as u64).places.into_iter().next();
                    let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
                    Error::data(why).context(format!("column \"{column}\"")).context(place)
                })
        });
        let of = of.collect::<Result<Vec<u32>>>()?;
        Ok(Self {
            column: column.to_owned(),
            names,
            of,
        })
    }

    /// The label column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The classes' names, by class.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Each row's class.
    pub fn of(&self) -> &[u32] {
        &self.of
    }

    /// Rows of each class.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.names.len()];
        for &class in &self.of {
            counts[class as usize] += 1;
        }
        counts
    }

    /// The labels of `rows` alone.
    ///
    /// # Panics
    ///
    /// For a row that there is not.
    #[must_use]
    pub fn select(&self, rows: &[u64]) -> Self {
        let of = rows.iter().map(|&row| self.of[row as usize]).collect();
        Self { of, ..self.clone() }
    }
}

fn outside(name: &str, classes: usize) -> String {
    format!("label {name} is outside the {classes} class names")
}

/// The values of a label column before they have classes.
struct Raw {
    values: Values,
    stored_names: Option<Vec<String>>,
}

enum Values {
    Integers(Int64Array),
    Strings(StringArray),
}

impl Raw {
    async fn scan(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Self> {
        let schema = dataset.schema();
        let field = schema.field(index_of(&schema, column)?).clone();
        let array = kept::column(cx, dataset, column).await?;
        let stored = field.metadata().get(CLASS_NAMES);
        let stored_names = stored
            .map(|json| serde_json::from_str(json))
            .transpose()
            .map_err(|e| Error::schema(format!("column \"{column}\": class names are no JSON array: {e}")))?;
        Ok(Self {
            values: Values::of(column, &array)?,
            stored_names,
        })
    }

    fn len(&self) -> usize {
        match &self.values {
            Values::Integers(array) => array.len(),
            Values::Strings(array) => array.len(),
        }
    }

    /// The name of the row's class, or why it has none.
    fn name(&self, row: usize) -> Result<String, String> {
        match (&self.values, &self.stored_names) {
            (Values::Integers(array), _) if array.is_null(row) => Err("the label is null".to_owned()),
            (Values::Strings(array), _) if array.is_null(row) => Err("the label is null".to_owned()),
            (Values::Strings(array), _) => Ok(array.value(row).to_owned()),
            (Values::Integers(array), None) => Ok(array.value(row).to_string()),
            (Values::Integers(array), Some(names)) => {
                let value = array.value(row);
                let name = usize::try_from(value).ok().and_then(|class| names.get(class));
                name.cloned().ok_or_else(|| outside(&value.to_string(), names.len()))
            }
        }
    }

    fn distinct(&self) -> Vec<String> {
        match &self.values {
            Values::Integers(array) => {
                let mut values: Vec<i64> = array.iter().flatten().collect();
                values.sort_unstable();
                values.dedup();
                values.iter().map(i64::to_string).collect()
            }
            Values::Strings(array) => {
                let mut values: Vec<&str> = array.iter().flatten().collect();
                values.sort_unstable();
                values.dedup();
                values.into_iter().map(str::to_owned).collect()
            }
        }
    }
}

impl Values {
    fn of(column: &str, array: &ArrayRef) -> Result<Self> {
        let array = match array.data_type() {
            DataType::Dictionary(_, values) => &cast(array, values)?,
            _ => array,
        };
        match array.data_type() {
            kind if kind.is_integer() || *kind == DataType::Boolean => Ok(Self::Integers(
                cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone(),
            )),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Ok(Self::Strings(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()))
            }
            other => Err(Error::schema(format!(
                "column \"{column}\" holds {other}; labels are integers or strings"
            ))),
        }
    }
}

/// The label column as class numbers (`Int64`, 0 for the first class); made by [`classes`](crate::DatasetExt::classes).
#[derive(Debug)]
pub struct Classed<D> {
    inner: D,
    labels: Arc<Labels>,
    at: usize,
    schema: SchemaRef,
}

impl<D: Stable> Classed<D> {
    pub(crate) fn new(inner: D, labels: Arc<Labels>) -> Result<Self> {
        let below = inner.schema();
        let at = index_of(&below, labels.column())?;
        let names = serde_json::to_string(labels.names()).unwrap_or_default();
        let field = Field::new(labels.column(), DataType::Int64, false);
        let mut fields = below.fields().to_vec();
        fields[at] = Arc::new(field.with_metadata([(CLASS_NAMES.to_owned(), names)].into()));
        let schema = Arc::new(Schema::new_with_metadata(fields, below.metadata().clone()));
        let rows = inner.len().finite().map(|len| len / inner.views());
        if rows != Some(labels.of.len() as u64) {
            return Err(Error::config(format!(
                "{} labels for a dataset of {:?}",
                labels.of.len(),
                inner.len()
            )));
        }
        Ok(Self {
            inner,
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
        self.labels.of[(position % self.labels.of.len() as u64) as usize]
    }

    fn column_of(&self, classes: impl Iterator<Item = u32>) -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(classes.map(i64::from)))
    }
}

impl<D: Stable> Dataset for Classed<D> {
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
        Plan::new("classes")
            .param("column", self.labels.column())
            .param("classes", self.labels.names().join(" | "))
            .input(self.inner.describe())
    }

    fn hint(&self, cx: &Context, upcoming: &[u64]) {
        self.inner.hint(cx, upcoming);
    }

    fn take<'a>(&'a self, cx: &'a Context, positions: &'a [u64]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let rows = self.inner.take(cx, positions).await?;
            let mut columns = rows.columns().to_vec();
            columns[self.at] = self.column_of(positions.iter().map(|&position| self.class(position)));
            Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
        })
    }

    fn trace(&self, cx: &Context, position: u64) -> Trace {
        Trace {
            class: Some(self.class(position)),
            ..self.inner.trace(cx, position)
        }
    }
}

impl<D: Stable> Stable for Classed<D> {
    fn views(&self) -> u64 {
        self.inner.views()
    }

    fn column<'a>(&'a self, cx: &'a Context, name: &'a str) -> BoxFuture<'a, Result<ArrayRef>> {
        if name == self.labels.column() {
            return Box::pin(async move { Ok(self.column_of(self.labels.of.iter().copied())) });
        }
        self.inner.column(cx, name)
    }
}
