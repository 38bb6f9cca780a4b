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
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Field metadata that holds a label column's class names as a JSON array of strings.
pub const CLASS_NAMES: &str = "millstream.classes";

/// The class of every row, read from the label column alone, and the classes' names.
///
/// A row takes one byte of memory for up to 256 classes, two for up to 65,536, else four.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    column: String,
    names: Vec<String>,
    of: Table,
}

/// Class numbers in as few bytes as the largest one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Table {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Table {
    /// A table for `rows` numbers below `classes`.
    fn new(classes: usize, rows: usize) -> Self {
        match classes {
            0..=0x100 => Self::U8(Vec::with_capacity(rows)),
            0x101..=0x1_0000 => Self::U16(Vec::with_capacity(rows)),
            _ => Self::U32(Vec::with_capacity(rows)),
        }
    }

    fn push(&mut self, class: u32) {
        match self {
            Self::U8(of) => of.push(class as u8),
            Self::U16(of) => of.push(class as u16),
            Self::U32(of) => of.push(class),
        }
    }

    fn get(&self, row: usize) -> u32 {
        match self {
            Self::U8(of) => of[row].into(),
            Self::U16(of) => of[row].into(),
            Self::U32(of) => of[row],
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::U8(of) => of.len(),
            Self::U16(of) => of.len(),
            Self::U32(of) => of.len(),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::U8(of) => of.capacity() as u64,
            Self::U16(of) => 2 * of.capacity() as u64,
            Self::U32(of) => 4 * of.capacity() as u64,
        }
    }
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
        let names = match &raw.stored_names {
            Some(names) => names.clone(),
            None => raw.distinct()?,
        };
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
        let of = raw.encode(&names)?.map_err(|(row, why)| {
            let place = dataset.trace(cx, row).places.into_iter().next();
            let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
            Error::data(why).context(format!("column \"{column}\"")).context(place)
        })?;
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

    /// The class of row `row`.
    ///
    /// # Panics
    ///
    /// For a row that there is not.
    pub fn class(&self, row: u64) -> u32 {
        self.of.get(row as usize)
    }

    /// Each row's class.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        (0..self.of.len()).map(|row| self.of.get(row))
    }

    /// Rows.
    pub fn len(&self) -> u64 {
        self.of.len() as u64
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.of.len() == 0
    }

    /// A hash over the class of each row.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        // The same whatever the width of the table.
        self.iter().for_each(|class| hasher.update(&class.to_le_bytes()));
        hasher.digest()
    }

    /// Bytes that the classes of all rows take in memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.of.bytes()
    }

    /// Rows of each class.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.names.len()];
        self.iter().for_each(|class| counts[class as usize] += 1);
        counts
    }

    /// The labels of `rows` alone.
    ///
    /// # Panics
    ///
    /// For a row that there is not.
    #[must_use]
    pub fn select(&self, rows: &[u64]) -> Self {
        let mut of = Table::new(self.names.len(), rows.len());
        rows.iter().for_each(|&row| of.push(self.class(row)));
        Self {
            column: self.column.clone(),
            names: self.names.clone(),
            of,
        }
    }
}

fn outside(name: &str, classes: usize) -> String {
    format!("label {name} is outside the {classes} class names")
}

/// The values of a label column before they have classes.
struct Raw {
    column: String,
    array: ArrayRef,
    stored_names: Option<Vec<String>>,
}

impl Raw {
    /// Rows that are looked at together: what has to be cast is never cast as a whole.
    const ROWS: usize = 1 << 16;

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
            column: column.to_owned(),
            array,
            stored_names,
        })
    }

    /// The values, some rows at a time.
    fn parts(&self) -> impl Iterator<Item = Result<Values>> + '_ {
        let rows = self.array.len();
        // At least one, so that a column without rows is refused for its type, too.
        (0..rows.max(1)).step_by(Self::ROWS).map(move |first| {
            let part = self.array.slice(first, Self::ROWS.min(rows - first));
            Values::of(&self.column, &part)
        })
    }

    /// The names of the classes where no others are stored: all distinct values, ascending.
    fn distinct(&self) -> Result<Vec<String>> {
        let (mut integers, mut strings) = (BTreeSet::new(), BTreeSet::new());
        for part in self.parts() {
            match part? {
                Values::Integers(array) => integers.extend(array.iter().flatten()),
                Values::Strings(array) => {
                    for value in array.iter().flatten() {
                        if !strings.contains(value) {
                            strings.insert(value.to_owned());
                        }
                    }
                }
            }
        }
        Ok(integers.iter().map(i64::to_string).chain(strings).collect())
    }

    /// The class of each row under `names`; or the first row that has none, and why.
    fn encode(&self, names: &[String]) -> Result<Result<Table, (u64, String)>> {
        let ids = Ids {
            of: names.iter().map(String::as_str).zip(0..).collect(),
            classes: names.len(),
        };
        let mut of = Table::new(names.len(), self.array.len());
        // A value is looked up by its name once.
        let mut known = BTreeMap::new();
        for part in self.parts() {
            let part = part?;
            for row in 0..part.len() {
                let class = match &part {
                    _ if part.is_null(row) => Err("the label is null".to_owned()),
                    Values::Strings(array) => ids.class(array.value(row)),
                    Values::Integers(array) => match known.get(&array.value(row)) {
                        Some(&class) => Ok(class),
                        None => self.number(&ids, array.value(row)).inspect(|&class| {
                            known.insert(array.value(row), class);
                        }),
                    },
                };
                match class {
                    Ok(class) => of.push(class),
                    Err(why) => return Ok(Err((of.len() as u64, why))),
                }
            }
        }
        Ok(Ok(of))
    }

    /// The class of the label `value`.
    fn number(&self, ids: &Ids<'_>, value: i64) -> Result<u32, String> {
        let Some(stored) = &self.stored_names else {
            return ids.class(&value.to_string());
        };
        let name = usize::try_from(value).ok().and_then(|class| stored.get(class));
        ids.class(name.ok_or_else(|| outside(&value.to_string(), stored.len()))?)
    }
}

/// Class numbers by name.
struct Ids<'a> {
    of: HashMap<&'a str, u32>,
    classes: usize,
}

impl Ids<'_> {
    fn class(&self, name: &str) -> Result<u32, String> {
        self.of.get(name).copied().ok_or_else(|| outside(name, self.classes))
    }
}

enum Values {
    Integers(Int64Array),
    Strings(StringArray),
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

    fn len(&self) -> usize {
        match self {
            Self::Integers(array) => array.len(),
            Self::Strings(array) => array.len(),
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Integers(array) => array.is_null(row),
            Self::Strings(array) => array.is_null(row),
        }
    }
}

/// The label column as class numbers (`Int64`, 0 for the first class); made by [`classes`](crate::DatasetExt::classes).
#[derive(Debug)]
pub struct Classed<D> {
    inner: D,
    labels: Arc<Labels>,
    hash: u64,
    at: usize,
    schema: SchemaRef,
}

impl<D> Classed<D> {
    /// What it is called in plans.
    pub(crate) const NAME: &str = "classes";
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
        Plan::new(Self::NAME)
            .param("column", self.labels.column())
            .param("classes", self.labels.names().join(" | "))
            .param("labels", format_args!("{:016x}", self.hash))
            .resident(self.labels.bytes())
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
            return Box::pin(async move { Ok(self.column_of(self.labels.iter())) });
        }
        self.inner.column(cx, name)
    }
}
