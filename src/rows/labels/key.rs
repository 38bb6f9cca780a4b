//! What rows are told apart by, as a recipe says it.

use super::column::ValueKind;
use super::single::Labels;
use super::table::Table;
use crate::columns::index_of;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::shown;
use crate::rows::scan_cache;
use crate::spec::nearest_in_words;
use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use futures::future::BoxFuture;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What rows are told apart by: the classes of a column, bins of a number, whether a column has a value, or several of these at once.
///
/// It is written as the name of a column, or as a table:
///
/// ```
/// use millstream::rows::Key;
///
/// let key: Key = serde_json::from_str(r#"{"product": ["label", {"bins": {"column": "age", "edges": [18, 40, 65]}}]}"#)?;
/// assert_eq!(key, Key::product([Key::column("label"), Key::bins("age", &[18.0, 40.0, 65.0])]));
/// assert_eq!(key.columns(), ["label", "age"]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Self")]
pub enum Key {
    /// The classes of a column, as [`Labels::scan`] reads them.
    Column(String),
    /// Bins of a number.
    Bins(Bins),
    /// Whether a column has a value: the classes `value` and `not value`.
    Equals(Equals),
    /// Several at once: a class for each combination, as [`Labels::product`] names them; no two of them may have the same name.
    Product(Vec<Key>),
}

/// Bins of a number: `n` edges make `n + 1` of them. A bin has its lower edge and not its upper one, as `numpy.digitize`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bins {
    /// A column of numbers.
    pub column: String,
    /// The edges, ascending.
    pub edges: Vec<f64>,
}

/// Whether a column has a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equals {
    /// A column with classes.
    pub column: String,
    /// The name of one of them. Integers and booleans (0 and 1) are named by their digits.
    #[serde(deserialize_with = "name_of")]
    pub value: String,
}

/// A name, or a number or boolean whose digits are one.
fn name_of<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(name) => Ok(name),
        serde_json::Value::Bool(value) => Ok(u8::from(value).to_string()),
        serde_json::Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => Err(serde::de::Error::custom(format!(
            "the value {other} is no class: write a name, a whole number or a boolean"
        ))),
    }
}

impl Key {
    /// The classes of a column.
    pub fn column(name: &str) -> Self {
        Self::Column(name.to_owned())
    }

    /// Bins of the numbers in `column`.
    pub fn bins(column: &str, edges: &[f64]) -> Self {
        Self::Bins(Bins {
            column: column.to_owned(),
            edges: edges.to_vec(),
        })
    }

    /// Whether `column` has the class `value`.
    pub fn equals(column: &str, value: &str) -> Self {
        Self::Equals(Equals {
            column: column.to_owned(),
            value: value.to_owned(),
        })
    }

    /// Several keys at once.
    pub fn product(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::Product(parts.into_iter().collect())
    }

    /// The columns that it reads, each once.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.add_columns(&mut columns);
        columns
    }

    fn add_columns<'a>(&'a self, columns: &mut Vec<&'a str>) {
        let column = match self {
            Self::Column(column) => column,
            Self::Bins(bins) => &bins.column,
            Self::Equals(equals) => &equals.column,
            Self::Product(parts) => return parts.iter().for_each(|part| part.add_columns(columns)),
        };
        if !columns.contains(&column.as_str()) {
            columns.push(column);
        }
    }

    /// Refuses what makes no sense for any rows.
    ///
    /// # Errors
    ///
    /// `Config` for edges that are not ascending numbers or none at all, and a product of fewer than two keys.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Column(_) | Self::Equals(_) => Ok(()),
            Self::Bins(Bins { column, edges }) => {
                let ascend =
                    edges.iter().all(|edge| edge.is_finite()) && edges.windows(2).all(|pair| pair[0] < pair[1]);
                match !edges.is_empty() && ascend {
                    true => Ok(()),
                    false => Err(Error::config(format!(
                        "bins of {column:?}: edges are {edges:?}, and have to be one number or several, ascending"
                    ))),
                }
            }
            Self::Product(parts) if parts.len() < 2 => Err(Error::config("a product has two keys or more")),
            Self::Product(parts) => parts.iter().try_for_each(Self::check),
        }
    }

    /// The class of every row of `dataset`, read from the key's columns alone.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check) and [`Labels::scan`]; `Schema` for bins of a column without numbers; `Data` for a number that is null
    /// or NaN, with its place; `Config` for a value that no class is called, and as [`Labels::product`].
    pub fn scan<'a, D: Stable>(&'a self, cx: &'a Context, dataset: &'a D) -> BoxFuture<'a, Result<Labels>> {
        Box::pin(async move {
            self.check()?;
            match self {
                Self::Column(column) => Labels::scan(cx, dataset, column).await,
                Self::Bins(bins) => bins.scan(cx, dataset).await,
                Self::Equals(equals) => equals.scan(cx, dataset).await,
                Self::Product(parts) => {
                    let mut labels = Vec::new();
                    for part in parts {
                        labels.push(part.scan(cx, dataset).await?);
                    }
                    Labels::product(&labels.iter().collect::<Vec<_>>())
                }
            }
        })
    }
}

impl Bins {
    /// The names of the bins.
    fn names(&self) -> Vec<String> {
        let inner = self.edges.windows(2).map(|pair| format!("{} to {}", pair[0], pair[1]));
        let ends = self.edges.first().zip(self.edges.last());
        let below = ends.map(|(first, _)| format!("< {first}"));
        let above = ends.map(|(_, last)| format!(">= {last}"));
        below.into_iter().chain(inner).chain(above).collect()
    }

    async fn scan(&self, cx: &Context, dataset: &impl Stable) -> Result<Labels> {
        let (schema, column) = (dataset.schema(), &self.column);
        let data_type = schema.field(index_of(&schema, column)?).data_type();
        if !(data_type.is_numeric() || data_type.is_null()) {
            return Err(Error::schema(format!(
                "column {column:?} holds {data_type}; bins are of numbers"
            )));
        }
        let numbers = cast(&scan_cache::column(cx, dataset, column).await?, &DataType::Float64)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        let names = self.names();
        let mut of = Table::new(names.len(), numbers.len());
        for row in 0..numbers.len() {
            let value = numbers
                .is_valid(row)
                .then(|| numbers.value(row))
                .filter(|value| !value.is_nan());
            let Some(value) = value else {
                let what = if numbers.is_null(row) { "null" } else { "NaN" };
                let place = dataset.provenance(cx, row as u64).places.into_iter().next();
                let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
                let message = format!(
                    "column {column:?} is {what}, which is in no bin: fill it with fill_null, or filter the row"
                );
                return Err(Error::data(message).context(place));
            };
            of.push(self.edges.partition_point(|edge| *edge <= value) as u32);
        }
        Ok(Labels::of_table(
            &format!("bins of {column}"),
            names,
            ValueKind::Strings,
            of,
        ))
    }
}

impl Equals {
    async fn scan(&self, cx: &Context, dataset: &impl Stable) -> Result<Labels> {
        let labels = Labels::scan(cx, dataset, &self.column).await?;
        let (column, value) = (&self.column, &self.value);
        let Some(class) = labels.names().iter().position(|name| name == value) else {
            return Err(Error::config(format!(
                "equals: column {column:?} has no class {value:?}{}; it has {}",
                nearest_in_words(value, labels.names()),
                shown(&labels.names().join(", "), 200)
            )));
        };
        let names = vec![value.clone(), format!("not {value}")];
        let mut of = Table::new(2, labels.len() as usize);
        labels.iter().for_each(|own| of.push(u32::from(own as usize != class)));
        Ok(Labels::of_table(column, names, ValueKind::Strings, of))
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Column(column) => to.serialize_str(column),
            key => Self::serialize(key, to),
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Written)
    }
}

/// A key as it is written: the name of a column, or a table.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column, or a table such as { product = [\"label\", \"site\"] }")
    }

    fn visit_str<E: serde::de::Error>(self, column: &str) -> Result<Key, E> {
        Ok(Key::column(column))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Key, A::Error> {
        Key::deserialize(MapAccessDeserializer::new(map))
    }
}
