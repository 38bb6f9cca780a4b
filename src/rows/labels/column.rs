//! The values of a label column before they have classes.

use super::CLASS_NAMES;
use super::coding::Kind;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::rows::scan_cache;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use std::collections::BTreeSet;

/// A label column, and the class names that are stored with it.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) names: Option<Vec<String>>,
    array: ArrayRef,
}

/// Some of the values.
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
        if let Some(why) = unfit(field.data_type()) {
            return Err(refused(format!(" holds {}; {why}", field.data_type())));
        }
        let stored = field.metadata().get(CLASS_NAMES);
        let names: Option<Vec<String>> = stored
            .map(|json| serde_json::from_str(json))
            .transpose()
            .map_err(|e| refused(format!(": class names are no JSON array: {e}")))?;
        let mut met = std::collections::HashSet::new();
        if let Some(twice) = names.iter().flatten().find(|name| !met.insert(*name)) {
            return Err(refused(format!(": two class names are {twice:?}")));
        }
        Ok(Self {
            name: column.to_owned(),
            names,
            array: scan_cache::column(cx, dataset, column).await?,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.array.len()
    }

    pub(super) fn kind(&self) -> Kind {
        let mut kind = self.array.data_type();
        while let DataType::Dictionary(_, values) = kind {
            kind = values;
        }
        match kind {
            DataType::Boolean if self.names.is_none() => Kind::Booleans,
            kind if kind.is_integer() || *kind == DataType::Boolean => match &self.names {
                Some(_) => Kind::Stored,
                None => Kind::Integers,
            },
            _ => Kind::Strings,
        }
    }

    /// The values, some rows at a time.
    pub(super) fn parts(&self) -> impl Iterator<Item = Result<Values>> + '_ {
        let rows = self.array.len();
        (0..rows).step_by(Self::ROWS).map(move |first| {
            let part = self.array.slice(first, Self::ROWS.min(rows - first));
            Values::of(&part)
        })
    }

    /// All distinct values, ascending: integers, and strings.
    pub(super) fn distinct(&self) -> Result<(BTreeSet<i128>, BTreeSet<String>)> {
        let (mut integers, mut strings) = (BTreeSet::new(), BTreeSet::new());
        for part in self.parts() {
            let part = part?;
            for value in part.iter() {
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
        (0..len).map(|row| match self {
            Self::Signed(array) if array.is_valid(row) => Value::Number(array.value(row).into()),
            Self::Unsigned(array) if array.is_valid(row) => Value::Number(array.value(row).into()),
            Self::Strings(array) if array.is_valid(row) => Value::Text(array.value(row)),
            _ => Value::Null,
        })
    }
}

/// Why a column of type `kind` holds no labels; none where it may.
fn unfit(kind: &DataType) -> Option<&'static str> {
    Some(match kind {
        DataType::Dictionary(_, values) => return unfit(values),
        kind if kind.is_integer() => return None,
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => return None,
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_) => {
            "several labels a row (multi-label) are not supported: store one label a row"
        }
        DataType::FixedSizeList(..) => {
            "labels are integers or strings, one a row; probabilities and one-hot rows are not read as labels"
        }
        kind if kind.is_floating() => {
            "labels are integers or strings: cast whole numbers to an integer type, and sort others into classes"
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "labels are integers or strings: store text as strings"
        }
        DataType::Struct(_) => "labels are integers or strings: store the field with the label as a column",
        _ => "labels are integers or strings",
    })
}
