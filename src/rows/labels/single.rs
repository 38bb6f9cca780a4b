use super::coding::Classes;
use super::column::{Column, ValueKind};
use super::kind::LabelKind;
use super::survey::Survey;
use super::table::Table;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::Result;
use crate::exec::Context;
use arrow::datatypes::DataType;
use xxhash_rust::xxh3::Xxh3;

/// The class of every row, read from the label column alone, and the classes' names.
///
/// Each row has exactly one class. [`MultiLabels`](super::MultiLabels) are for columns of lists, and
/// [`AnyLabels`](super::AnyLabels) are either, as the column has it. A column of floating-point numbers has no classes: it is a
/// target as it is.
///
/// A row takes one byte of memory for up to 256 classes, two for up to 65,536, else four.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    column: String,
    names: Vec<String>,
    kind: ValueKind,
    value_type: Option<DataType>,
    remark: Option<String>,
    of: Table,
}

impl Labels {
    /// Scans `column` of `dataset`. Classes are the stored class names where there are any (Hugging Face `ClassLabel`),
    /// else the distinct values in ascending order. Labels may be integers, booleans (0 and 1), strings or dictionaries
    /// of them. A class name without rows is a class of no rows.
    ///
    /// # Errors
    ///
    /// `Schema` for a missing column, one of lists, numbers or another type without classes, and for a class name that comes
    /// twice; `Data` for a null or a label
    /// outside the class names, with the place of the first one and how many there are.
    pub async fn scan(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Self> {
        let column = Self::read(cx, dataset, column).await?;
        Self::of(cx, dataset, &column, Classes::own(&column)?)
    }

    /// Scans `column` with the classes of `other`: a validation set must mean the same by class 3 as the training set
    /// does.
    ///
    /// Names are matched by name, strings are names, and integers without class names are matched by their value. Where
    /// one set has class names and the other one plain integers, these are the stored values of the first: 0 is its first
    /// name. If the names are numbers themselves, plain integers could be names as well; then the reading that fits all
    /// values is taken, [`remark`](Self::remark) says which one, and if both fit and differ it is an error.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan); `Data` also for a label that `other` has no class for; `Schema` where two readings are
    /// possible, and for booleans beside class names.
    pub async fn scan_as(cx: &Context, dataset: &impl Stable, column: &str, other: &Self) -> Result<Self> {
        let column = Self::read(cx, dataset, column).await?;
        Self::of(cx, dataset, &column, Classes::like(&column, &other.names, other.kind)?)
    }

    /// As [`scan_as`](Self::scan_as), with what to do with a label that `other` has no class for.
    pub(crate) async fn scan_as_advised(
        cx: &Context,
        dataset: &impl Stable,
        column: &str,
        (other, advice): (&Self, &'static str),
    ) -> Result<Self> {
        let column = Self::read(cx, dataset, column).await?;
        let mut classes = Classes::like(&column, &other.names, other.kind)?;
        classes.hint = classes.hint.or(Some(advice));
        Self::of(cx, dataset, &column, classes)
    }

    /// As [`scan_as`](Self::scan_as), with classes of which no more than the `names` are known: those of a model.
    #[cfg(feature = "train")]
    pub(crate) async fn scan_names(
        cx: &Context,
        dataset: &impl Stable,
        column: &str,
        names: &[String],
    ) -> Result<Self> {
        let column = Self::read(cx, dataset, column).await?;
        Self::of(cx, dataset, &column, Classes::of_model(&column, names)?)
    }

    /// What `column` holds, as [`scan`](Self::scan) sees it; labels without a class are counted and not refused.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan), but for nulls and labels outside the class names.
    pub async fn survey(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Survey> {
        let column = Self::read(cx, dataset, column).await?;
        Survey::new(cx, dataset, &column)
    }

    /// The label column, if it has one class a row.
    async fn read(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Column> {
        let schema = dataset.schema();
        LabelKind::one_class(schema.field(index_of(&schema, column)?), "this")?;
        Column::read(cx, dataset, column).await
    }

    fn of(cx: &Context, dataset: &impl Stable, column: &Column, classes: Classes) -> Result<Self> {
        let (of, tally) = classes.encode(column)?;
        match tally.error(cx, dataset, column, classes.hint) {
            Some(error) => Err(error),
            None => Ok(Self {
                column: column.name.clone(),
                kind: column.kind(),
                value_type: column.value_type(),
                names: classes.names,
                remark: classes.remark,
                of,
            }),
        }
    }

    /// Labels that are known already.
    pub(super) fn of_table(column: &str, names: Vec<String>, kind: ValueKind, of: Table) -> Self {
        Self {
            column: column.to_owned(),
            names,
            kind,
            value_type: None,
            remark: None,
            of,
        }
    }

    /// The label column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The classes' names, by class.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The type of the values, which are names of classes; none where the column holds numbers of class names, and of labels that no column holds.
    pub(crate) fn value_type(&self) -> Option<&DataType> {
        self.value_type.as_ref()
    }

    /// How integers were read, where [`scan_as`](Self::scan_as) had to find that out from the values.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
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
        Self { of, ..self.clone() }
    }
}
