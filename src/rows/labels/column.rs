//! The values of a label column before they have classes.

use super::CLASS_NAMES;
use super::kind::{LabelKind, item};
use crate::columns::{index_of, list_items};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::scan_cache;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

/// What the values of a label column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// Integers, each the number of a class name.
    Numbered,
    /// Integers that are classes themselves.
    Integers,
    /// 0 and 1.
    Booleans,
    /// Strings, which are class names.
    Strings,
}

/// A label column, and the class names that are stored with it.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) names: Option<Vec<String>>,
    /// One class a row, or several.
    pub(super) labels: LabelKind,
    array: ArrayRef,
}

/// Some of the rows.
pub(super) struct Part {
    pub(super) values: Values,
    /// How many of the values each row has, one row after the other; none for a null in place of a list. Empty where each row has
    /// one value.
    lengths: Vec<Option<usize>>,
}

/// The values of some rows.
pub(super) enum Values {
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Strings(StringArray),
}

/// One value; integers of any width compare by what they are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Null,
    Number(i128),
    Text(&'a str),
}

impl Column {
    /// Rows that are looked at together: what has to be cast is never cast as a whole.
    const ROWS: usize = 1 << 16;

    pub(super) async fn read(cx: &Context, dataset: &impl Stable, column: &str) -> Result<Self> {
        let schema = dataset.schema();
        let field = schema.field(index_of(&schema, column)?).clone();
        let refused = |why: String| Error::schema(format!("column \"{column}\"{why}"));
        let labels = LabelKind::of(&field)?;
        let stored = field.metadata().get(CLASS_NAMES);
        let names: Option<Vec<String>> = stored
            .map(|json| serde_json::from_str(json))
            .transpose()
            .map_err(|e| refused(format!(": class names are no JSON array: {e}")))?;
        let mut met = HashSet::new();
        if let Some(twice) = names.iter().flatten().find(|name| !met.insert(*name)) {
            return Err(refused(format!(": two class names are {twice:?}")));
        }
        let column = Self {
            name: column.to_owned(),
            names,
            labels,
            array: scan_cache::column(cx, dataset, column).await?,
        };
        if labels == LabelKind::MultiLabel {
            column.check_multi_hot()?;
        }
        Ok(column)
    }

    pub(super) fn len(&self) -> usize {
        self.array.len()
    }

    /// What the values of a column with the classes `names` were, as far as this one tells.
    #[cfg(feature = "train")]
    pub(super) fn kind_beside(&self, names: &[String]) -> ValueKind {
        let numbers = names.iter().all(|name| name.parse::<i128>().is_ok());
        match self.kind() {
            ValueKind::Integers if !numbers => ValueKind::Numbered,
            kind => kind,
        }
    }

    pub(super) fn kind(&self) -> ValueKind {
        let mut kind = item(self.array.data_type()).unwrap_or(self.array.data_type());
        while let DataType::Dictionary(_, values) = kind {
            kind = values;
        }
        match kind {
            DataType::Boolean if self.names.is_none() => ValueKind::Booleans,
            kind if kind.is_integer() || *kind == DataType::Boolean => match &self.names {
                Some(_) => ValueKind::Numbered,
                None => ValueKind::Integers,
            },
            _ => ValueKind::Strings,
        }
    }

    /// The type of the values, where these are no numbers of class names. All types of text are one: only how they lie in memory differs.
    pub(super) fn value_type(&self) -> Option<DataType> {
        match self.kind() {
            ValueKind::Numbered => None,
            _ => Some(match self.array.data_type() {
                DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
                other => other.clone(),
            }),
        }
    }

    /// The rows, some at a time.
    pub(super) fn parts(&self) -> impl Iterator<Item = Result<Part>> + '_ {
        let rows = self.array.len();
        (0..rows).step_by(Self::ROWS).map(move |first| {
            let part = self.array.slice(first, Self::ROWS.min(rows - first));
            match self.labels {
                LabelKind::MultiLabel => Part::of_lists(&part),
                LabelKind::Class | LabelKind::Number => Ok(Part {
                    values: Values::of(&part)?,
                    lengths: Vec::new(),
                }),
            }
        })
    }

    /// Refuses lists of integers that are 0 or 1, the same number in every row, where no class names are stored with them: a 0 and
    /// a 1 for each class, very likely, which read as class numbers would be classes 0 and 1 in nearly every row.
    fn check_multi_hot(&self) -> Result<()> {
        if self.kind() != ValueKind::Integers {
            return Ok(());
        }
        let mut width = None;
        for part in self.parts() {
            let part = part?;
            for mut list in part.lists().flatten() {
                let length = list.len();
                let same = length > 1 && *width.get_or_insert(length) == length;
                if !same || !list.all(|at| matches!(part.values.get(at), Value::Number(0 | 1))) {
                    return Ok(());
                }
            }
        }
        match width {
            None => Ok(()),
            Some(width) => Err(Error::schema(format!(
                "column \"{}\": every list has {width} numbers, each 0 or 1, which are flags (multi-hot) and no class numbers: \
                 store the numbers of the classes, or use the column as it is",
                self.name
            ))),
        }
    }

    /// All distinct values, ascending: integers, and strings.
    pub(super) fn distinct(&self) -> Result<(BTreeSet<i128>, BTreeSet<String>)> {
        let (mut integers, mut strings) = (BTreeSet::new(), BTreeSet::new());
        for part in self.parts() {
            let part = part?;
            for value in part.values.iter() {
                match value {
                    Value::Number(value) => {
                        integers.insert(value);
                    }
                    Value::Text(value) if !strings.contains(value) => {
                        strings.insert(value.to_owned());
                    }
                    Value::Null | Value::Text(_) => {}
                }
            }
        }
        Ok((integers, strings))
    }
}

impl Part {
    /// Rows that are lists of any type.
    fn of_lists(array: &ArrayRef) -> Result<Self> {
        let (values, lengths) = list_items(array, None)?;
        Ok(Self {
            values: Values::of(&values)?,
            lengths,
        })
    }

    /// Which of the values each list has; none for a null in place of a list.
    pub(super) fn lists(&self) -> impl Iterator<Item = Option<Range<usize>>> + '_ {
        let mut end = 0;
        self.lengths.iter().map(move |&length| {
            let start = end;
            end += length.unwrap_or(0);
            length.map(|_| start..end)
        })
    }
}

impl Values {
    fn of(array: &ArrayRef) -> Result<Self> {
        if let DataType::Dictionary(_, values) = array.data_type() {
            return Self::of(&cast(array, values)?);
        }
        Ok(match array.data_type() {
            DataType::UInt64 => Self::Unsigned(array.as_primitive::<UInt64Type>().clone()),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
                Self::Strings(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
            }
            _ => Self::Signed(cast(array, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        let len = match self {
            Self::Signed(array) => array.len(),
            Self::Unsigned(array) => array.len(),
            Self::Strings(array) => array.len(),
        };
        (0..len).map(|at| self.get(at))
    }

    pub(super) fn get(&self, at: usize) -> Value<'_> {
        match self {
            Self::Signed(array) if array.is_valid(at) => Value::Number(array.value(at).into()),
            Self::Unsigned(array) if array.is_valid(at) => Value::Number(array.value(at).into()),
            Self::Strings(array) if array.is_valid(at) => Value::Text(array.value(at)),
            _ => Value::Null,
        }
    }
}
