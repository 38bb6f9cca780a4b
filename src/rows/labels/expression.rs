//! Classes that no column has: worked out by a closure.

use super::CLASS_NAMES;
use super::column::ValueKind;
use super::kind::LabelKind;
use super::single::Labels;
use super::table::Table;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::ports::Read;
use crate::rows::row::Row;
use crate::rows::scan_rows::scan_rows;
use arrow::datatypes::Field;
use std::collections::{BTreeMap, BTreeSet};

/// What a closure of [`Labels::compute`] is called and reads.
///
/// Nobody can hash a closure, so its name and [version](Self::version) stand for it, beside the class of every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    name: String,
    version: u32,
    reads: Vec<Read>,
}

impl Expression {
    /// An expression named `name`, in plans and errors.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: 1,
            reads: Vec::new(),
        }
    }

    /// Which expression of this name it is. Defaults to 1.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Reads one column more: number 0 is the first.
    #[must_use]
    pub fn reads(mut self, read: Read) -> Self {
        self.reads.push(read);
        self
    }

    /// What the labels are called.
    fn column(&self) -> String {
        match self.version {
            1 => self.name.clone(),
            version => format!("{} (version {version})", self.name),
        }
    }
}

impl Labels {
    /// The classes `names`, and that of each row: labels that are known already.
    ///
    /// # Errors
    ///
    /// `Data` for a row whose class has no name, `Config` for a name that comes twice.
    pub fn new(column: &str, names: Vec<String>, rows: impl IntoIterator<Item = u32>) -> Result<Self> {
        let refused = |why: String| format!("column \"{column}\": {why}");
        let mut met = BTreeSet::new();
        if let Some(twice) = names.iter().find(|name| !met.insert(*name)) {
            return Err(Error::config(refused(format!("two class names are {twice:?}"))));
        }
        let rows = rows.into_iter();
        let mut of = Table::new(names.len(), rows.size_hint().0);
        for (row, class) in rows.enumerate() {
            if class as usize >= names.len() {
                return Err(Error::data(refused(format!(
                    "row {row} is of class {class}, and there are {} names",
                    names.len()
                ))));
            }
            of.push(class);
        }
        Ok(Self::of_table(column, names, ValueKind::Strings, of))
    }

    /// No rows, of the classes `names` in a column like `field`, whose integers count the names where they are stored with it.
    pub(crate) fn like_column(column: &str, names: Vec<String>, field: &Field) -> Result<Self> {
        LabelKind::one_class(field, "this")?;
        let kind = match field.metadata().contains_key(CLASS_NAMES) && field.data_type().is_integer() {
            true => ValueKind::Numbered,
            false => ValueKind::Strings,
        };
        let checked = Self::new(column, names, [])?;
        Ok(Self::of_table(
            column,
            checked.names().to_vec(),
            kind,
            Table::new(checked.names().len(), 0),
        ))
    }

    /// The classes that `closure` gives the rows of `dataset`: all names that it gives, in ascending order. It reads the columns of
    /// `expression` alone, each scanned once.
    ///
    /// ```
    /// use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// use millstream::rows::{DType, Expression, Labels, Read};
    /// use millstream::source::Memory;
    /// use millstream::{Context, Result};
    /// # use std::sync::Arc;
    ///
    /// # fn main() -> Result<()> {
    /// let hour: ArrayRef = Arc::new(Int64Array::from(vec![3, 14, 23]));
    /// let rows = Memory::new(vec![RecordBatch::try_from_iter([("hour", hour)])?])?;
    /// let cx = Context::with(1, 1 << 20)?;
    /// let time = Expression::new("time").reads(Read::values("hour", DType::I64));
    /// let labels = cx.block_on(Labels::compute(&cx, &rows, &time, |row| {
    ///     Ok(if (7..20).contains(&row.values::<i64>(0)?[0]) { "day" } else { "night" })
    /// }))?;
    /// assert_eq!((labels.names(), labels.counts()), (&["day".to_owned(), "night".to_owned()][..], vec![1, 2]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or of another type; what the closure says of a row, with its place.
    pub async fn compute<F, L>(cx: &Context, dataset: &impl Stable, expression: &Expression, closure: F) -> Result<Self>
    where
        F: Fn(&Row<'_>) -> Result<L> + Send + Sync + 'static,
        L: Into<String> + Send + 'static,
    {
        let made = scan_rows(dataset, cx, &expression.reads, move |row| closure(row).map(Into::into)).await;
        let made: Vec<String> = made.map_err(|error| error.context(format!("expression \"{}\"", expression.name)))?;
        let names: BTreeSet<&String> = made.iter().collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let class: BTreeMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
        let mut of = Table::new(names.len(), made.len());
        made.iter().for_each(|name| of.push(class[name.as_str()]));
        Ok(Self::of_table(
            &expression.column(),
            names.clone(),
            ValueKind::Strings,
            of,
        ))
    }
}
