use super::coding::Classes;
use super::column::{Column, ValueKind};
use super::kind::LabelKind;
use super::lists::Lists;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use xxhash_rust::xxh3::Xxh3;

/// The classes of every row, of which a row may have several or none (multi-label), and the classes' names.
///
/// They are sets: ascending, and a class that a list has twice counts once. For lists whose order has a meaning, one class for
/// each token of a text say, this is the wrong reading.
///
/// A class of a row takes one byte of memory for up to 256 classes, two for up to 65,536, else four; a row takes four more, or
/// eight where all rows together have more than 2^32 classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiLabels {
    column: String,
    names: Vec<String>,
    kind: ValueKind,
    remark: Option<String>,
    of: Lists,
}

impl MultiLabels {
    /// Labels that are known already, under the classes' `names`: those of the objects of pictures, for example. A class that a row has
    /// several times counts once. `column` is what they are called in errors.
    ///
    /// # Errors
    ///
    /// `Schema` for a class name that comes twice, `Data` for a class that has no name.
    pub fn new<R>(column: &str, names: Vec<String>, rows: impl IntoIterator<Item = R>) -> Result<Self>
    where
        R: IntoIterator<Item = u32>,
    {
        if let Some(at) = (1..names.len()).find(|&at| names[..at].contains(&names[at])) {
            return Err(Error::schema(format!(
                "column \"{column}\": the class name {:?} comes twice",
                names[at]
            )));
        }
        let mut of = Lists::new(names.len(), 0);
        for (row, classes) in rows.into_iter().enumerate() {
            let mut classes: Vec<u32> = classes.into_iter().collect();
            classes.sort_unstable();
            classes.dedup();
            if let Some(class) = classes.last().filter(|&&class| class as usize >= names.len()) {
                return Err(Error::data(format!(
                    "row {row}: column \"{column}\": label {class} is outside the {} class names",
                    names.len()
                )));
            }
            of.push(&classes);
        }
        Ok(Self {
            column: column.to_owned(),
            names,
            kind: ValueKind::Numbered,
            remark: None,
            of,
        })
    }

    /// Scans `column` of `dataset`, which holds lists (of any size, or all of one) of integers or strings. Classes are the stored
    /// class names where there are any (Hugging Face `List(ClassLabel)`, once `Sequence(ClassLabel)`), else the distinct values in
    /// ascending order. An empty list is a row without a class, a class name without rows a class of no rows.
    ///
    /// # Errors
    ///
    /// `Schema` for a missing column or one of other types, for a class name that comes twice, and for lists of as many flags, 0 or
    /// 1, in every row (multi-hot) without class names beside them; `Data` for a null, in place of a list or in it, and for a label
    /// outside the class names, with the place of the first one and how many rows have one.
    pub async fn scan(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Self> {
        let column = Self::read(cx, dataset, column).await?;
        Self::of(cx, dataset, &column, Classes::own(&column)?)
    }

    /// Scans `column` with the classes of `other`, which match as those of [`Labels::scan_as`](super::Labels::scan_as) do.
    ///
    /// # Errors
    ///
    /// As [`scan`](Self::scan) and as [`Labels::scan_as`](super::Labels::scan_as).
    pub async fn scan_as(cx: &Context, dataset: &impl Stable, column: &str, other: &Self) -> Result<Self> {
        let column = Self::read(cx, dataset, column).await?;
        let classes = Classes::like(&column, &other.names, other.kind)?;
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

    async fn read(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Column> {
        let schema = dataset.schema();
        let field = schema.field(index_of(&schema, column)?);
        match LabelKind::of(field)? {
            LabelKind::MultiLabel => Column::read(cx, dataset, column).await,
            LabelKind::Class | LabelKind::Number => Err(Error::schema(format!(
                "column \"{column}\" holds {}, one label a row, where a list of labels is needed: name a column of lists",
                field.data_type()
            ))),
        }
    }

    fn of(cx: &Context, dataset: &impl Stable, column: &Column, classes: Classes) -> Result<Self> {
        let (of, tally) = classes.encode_lists(column)?;
        match tally.error(cx, dataset, column, classes.hint) {
            Some(error) => Err(error),
            None => Ok(Self {
                column: column.name.clone(),
                kind: column.kind(),
                names: classes.names,
                remark: classes.remark,
                of,
            }),
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

    /// How integers were read, where [`scan_as`](Self::scan_as) had to find that out from the values.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// The classes of row `row`, ascending, each once.
    ///
    /// # Panics
    ///
    /// For a row that there is not.
    pub fn classes(&self, row: u64) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.of.get(row as usize)
    }

    /// Each row's classes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = impl ExactSizeIterator<Item = u32> + '_> + '_ {
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

    /// Rows of each class. A row counts for each of its classes, so that they do not sum to the rows.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.names.len()];
        self.iter().flatten().for_each(|class| counts[class as usize] += 1);
        counts
    }

    /// Rows without a class.
    pub fn without_class(&self) -> u64 {
        self.iter().filter(|classes| classes.len() == 0).count() as u64
    }

    /// A hash over the classes of each row.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = Xxh3::new();
        for row in self.iter() {
            hasher.update(&(row.len() as u64).to_le_bytes());
            row.for_each(|class| hasher.update(&class.to_le_bytes()));
        }
        hasher.digest()
    }

    /// Bytes that the classes of all rows take in memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.of.bytes()
    }

    /// The labels of `rows` alone.
    ///
    /// # Panics
    ///
    /// For a row that there is not.
    #[must_use]
    pub fn select(&self, rows: &[u64]) -> Self {
        let mut of = Lists::new(self.names.len(), rows.len());
        rows.iter()
            .for_each(|&row| of.push(&self.classes(row).collect::<Vec<_>>()));
        Self { of, ..self.clone() }
    }
}
