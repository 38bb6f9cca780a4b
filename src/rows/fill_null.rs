use super::cast::exact;
use super::converted::Convert;
use crate::columns::{index_of, is_bool8};
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::spec::Spec;
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int8Array, Int64Array, Scalar, StringArray, UInt64Array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, filter, is_not_null};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, UInt64Type};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// What takes the place of a null; those of scikit-learn's `SimpleImputer`.
#[derive(Clone, Debug, PartialEq)]
pub enum Fill {
    /// This value: `Fill::Value(0.into())`.
    Value(FillValue),
    /// The mean of the values.
    Mean,
    /// The value in the middle; of an even number of values the mean of the two in the middle.
    Median,
    /// The value that comes most often; of several the smallest.
    MostFrequent,
}

/// A value that takes the place of a null.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FillValue {
    /// For a column of booleans.
    Bool(bool),
    /// For a column of numbers.
    Int(i64),
    /// For a column of numbers, from 2^63 on.
    UInt(u64),
    /// For a column of numbers; a fraction only for floats.
    Float(f64),
    /// For a column of strings.
    Str(String),
}

impl<'de> Deserialize<'de> for FillValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

/// Reads the types of values, and no other: a date of TOML is none.
struct AnyValue;

impl Visitor<'_> for AnyValue {
    type Value = FillValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean, a number or a string (a date as a string, in quotes)")
    }

    fn visit_bool<E>(self, value: bool) -> Result<FillValue, E> {
        Ok(FillValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<FillValue, E> {
        Ok(FillValue::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<FillValue, E> {
        Ok(i64::try_from(value).map_or(FillValue::UInt(value), FillValue::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<FillValue, E> {
        Ok(FillValue::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<FillValue, E> {
        Ok(FillValue::Str(value.to_owned()))
    }
}

impl From<bool> for FillValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for FillValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for FillValue {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for FillValue {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}

impl fmt::Display for FillValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::UInt(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Str(value) => write!(f, "{value:?}"),
        }
    }
}

/// The value that takes the place of a column's nulls: given, or fitted on training rows and then used for any other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FillNull {
    column: String,
    value: FillValue,
}

impl Default for FillNull {
    fn default() -> Self {
        Self {
            column: String::new(),
            value: FillValue::Int(0),
        }
    }
}

impl Spec for FillNull {
    const NAME: &'static str = "fill_null";

    fn check(&self) -> Result<()> {
        match self.value {
            FillValue::Float(value) if !value.is_finite() => {
                Err(Error::config(format!("value {value} is not a finite number")))
            }
            _ => Ok(()),
        }
    }
}

impl FillNull {
    /// `value` in place of the nulls of `column`.
    pub fn new(column: &str, value: impl Into<FillValue>) -> Self {
        Self {
            column: column.to_owned(),
            value: value.into(),
        }
    }

    /// Finds the value by one scan of `column` of `dataset`, which is to hold the training rows alone. In a column of floats a NaN
    /// counts as a null.
    ///
    /// # Errors
    ///
    /// `Schema` for a missing column and one of another type than numbers, booleans and strings (for a mean or a median: than
    /// numbers); `Data` where all values are null; `Config` for a mean or a median with a fraction of a column of integers.
    pub async fn fit(cx: &Context, dataset: &impl Stable, column: &str, fill: Fill) -> Result<Self> {
        let named = |error: Error| error.context(Self::NAME);
        let schema = dataset.schema();
        let field = schema.field(index_of(&schema, column).map_err(named)?).clone();
        let value = match fill {
            Fill::Value(value) => value,
            fill => {
                check_kind(&field, &fill).map_err(named)?;
                let array = dataset.column(cx, column).await?;
                let fitted = move || fitted(&field, &array, &fill).map_err(named);
                cx.compute(fitted).await?
            }
        };
        let fitted = Self::new(column, value);
        // What does not go into the column is refused here and not when it is used.
        fitted.field(schema.field(index_of(&schema, column)?)).map_err(named)?;
        Ok(fitted)
    }

    /// The column.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The value.
    pub fn value(&self) -> &FillValue {
        &self.value
    }

    /// The value as a column of one row, of the type of `field`.
    fn scalar(&self, field: &Field) -> Result<ArrayRef> {
        let to = field.data_type();
        let array: ArrayRef = match &self.value {
            FillValue::Bool(value) if is_bool8(field) => Arc::new(Int8Array::from(vec![i8::from(*value)])),
            FillValue::Bool(value) => Arc::new(BooleanArray::from(vec![*value])),
            FillValue::Int(value) => Arc::new(Int64Array::from(vec![*value])),
            FillValue::UInt(value) => Arc::new(UInt64Array::from(vec![*value])),
            FillValue::Float(value) => Arc::new(Float64Array::from(vec![*value])),
            FillValue::Str(value) => Arc::new(StringArray::from(vec![value.as_str()])),
        };
        let (column, value) = (&self.column, &self.value);
        let same = |from: &DataType, to: &DataType| {
            from.is_string() == to.is_string() && (*from == DataType::Boolean) == (*to == DataType::Boolean)
        };
        let refused = || {
            Error::config(format!(
                "column \"{column}\" holds {to}, into which the value {value} does not go: choose another, or `cast` the column first"
            ))
        };
        if !same(array.data_type(), to) {
            return Err(refused());
        }
        let own = Field::new(column, array.data_type().clone(), false);
        // A byte of `arrow.bool8` is 0 or 1.
        if is_bool8(field) {
            exact(&own, &array, &DataType::Boolean).map_err(|_| refused())?;
        }
        exact(&own, &array, to).map_err(|_| refused())
    }
}

impl Convert for FillNull {
    fn column(&self) -> &str {
        &self.column
    }

    fn describe(&self) -> Plan {
        Plan::of(self)
    }

    fn field(&self, below: &Field) -> Result<Field> {
        self.check()?;
        check_kind(below, &Fill::MostFrequent)?;
        self.scalar(below)?;
        Ok(below.clone().with_nullable(false))
    }

    fn convert(&self, below: &Field, array: &ArrayRef) -> Result<ArrayRef> {
        let present = present(array)?;
        match present.true_count() == array.len() {
            true => Ok(Arc::clone(array)),
            false => Ok(zip(&present, array, &Scalar::new(self.scalar(below)?))?),
        }
    }
}

/// Refuses a column that `fill` cannot fill.
fn check_kind(field: &Field, fill: &Fill) -> Result<()> {
    let (name, kind) = (field.name(), field.data_type());
    let is_number = kind.is_integer() || kind.is_floating();
    let wanted = match fill {
        Fill::Mean | Fill::Median if !is_number => "which has no mean or median: it takes integers or floats",
        _ if !is_number && !kind.is_string() && *kind != DataType::Boolean => {
            "not integers, floats, booleans or strings: `cast` it first"
        }
        _ => return Ok(()),
    };
    Err(Error::schema(format!("column \"{name}\" holds {kind}, {wanted}")))
}

/// Which values are there: neither null nor NaN.
fn present(array: &ArrayRef) -> Result<BooleanArray> {
    let valid = is_not_null(array)?;
    if !array.data_type().is_floating() {
        return Ok(valid);
    }
    let wide = cast(array, &DataType::Float64)?;
    let wide = wide.as_primitive::<Float64Type>();
    Ok((0..wide.len())
        .map(|at| Some(valid.value(at) && !wide.value(at).is_nan()))
        .collect())
}

fn fitted(field: &Field, array: &ArrayRef, fill: &Fill) -> Result<FillValue> {
    let name = field.name();
    let values = filter(array, &present(array)?)?;
    if values.is_empty() {
        let rows = array.len();
        return Err(Error::data(format!(
            "column \"{name}\": all {rows} values are null, so there is none to fit"
        )));
    }
    let kind = values.data_type();
    if kind.is_string() {
        let texts = cast(&values, &DataType::Utf8View)?;
        let texts = texts.as_string_view().iter().flatten().map(str::to_owned).collect();
        return Ok(FillValue::Str(most_frequent(texts, Ord::cmp)));
    }
    if *kind == DataType::Boolean {
        let values = values.as_boolean().values().iter().collect();
        return Ok(FillValue::Bool(most_frequent(values, Ord::cmp)));
    }
    if kind.is_integer() && *fill == Fill::MostFrequent {
        return Ok(match whole(field, &values)? {
            Whole::Signed(values) => most_frequent(values, Ord::cmp).into(),
            Whole::Unsigned(values) => unsigned(most_frequent(values, Ord::cmp)),
        });
    }
    if kind.is_integer() {
        let mut values: Vec<i128> = match whole(field, &values)? {
            Whole::Signed(values) => values.into_iter().map(i128::from).collect(),
            Whole::Unsigned(values) => values.into_iter().map(i128::from).collect(),
        };
        let (what, sum, of) = match fill {
            Fill::Mean => ("mean", values.iter().sum::<i128>(), values.len() as i128),
            _ => {
                values.sort_unstable();
                let middle = values.len() / 2;
                match values.len() % 2 {
                    0 => ("median", values[middle - 1] + values[middle], 2),
                    _ => ("median", values[middle], 1),
                }
            }
        };
        // Between values of 64 bits.
        let value = (sum % of == 0).then(|| sum / of);
        return match value.map(|value| (i64::try_from(value), u64::try_from(value))) {
            Some((Ok(value), _)) => Ok(value.into()),
            Some((_, Ok(value))) => Ok(unsigned(value)),
            _ => {
                let value = sum as f64 / of as f64;
                Err(Error::config(format!(
                    "column \"{name}\" holds {kind}, and its {what} is {value}: `cast` it to Float64 first, or fill with another value"
                )))
            }
        };
    }
    let real = exact(field, &values, &DataType::Float64).map_err(Error::unplaced)?;
    // There is one zero: -0.0 + 0.0 is 0.0.
    let mut real: Vec<f64> = real
        .as_primitive::<Float64Type>()
        .values()
        .iter()
        .map(|value| value + 0.0)
        .collect();
    let value = match fill {
        Fill::Mean => real.iter().sum::<f64>() / real.len() as f64,
        Fill::Median => median(&mut real),
        Fill::MostFrequent | Fill::Value(_) => most_frequent(real, f64::total_cmp),
    };
    Ok(FillValue::Float(value))
}

fn unsigned(value: u64) -> FillValue {
    i64::try_from(value).map_or(FillValue::UInt(value), FillValue::Int)
}

/// Whole numbers of 64 bits.
enum Whole {
    Signed(Vec<i64>),
    Unsigned(Vec<u64>),
}

fn whole(field: &Field, values: &ArrayRef) -> Result<Whole> {
    Ok(match values.data_type() {
        DataType::UInt64 => Whole::Unsigned(values.as_primitive::<UInt64Type>().values().to_vec()),
        _ => {
            let wide = exact(field, values, &DataType::Int64)?;
            Whole::Signed(wide.as_primitive::<Int64Type>().values().to_vec())
        }
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

/// The smallest of the values that come most often; there is at least one.
fn most_frequent<T: Clone + Default>(mut values: Vec<T>, order: impl Fn(&T, &T) -> Ordering) -> T {
    values.sort_by(|a, b| order(a, b));
    let runs = values.chunk_by(|a, b| order(a, b) == Ordering::Equal);
    let most = runs.fold(
        &values[..0],
        |most, run| if run.len() > most.len() { run } else { most },
    );
    most.first().cloned().unwrap_or_default()
}
