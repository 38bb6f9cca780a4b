use super::converted::Convert;
use super::labels::CLASS_NAMES;
use crate::columns::{Number, Numbers, Why, is_bool8, zeroed};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::spec::Spec;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType, Field, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which column is cast, and to which type.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cast {
    column: String,
    /// As Arrow writes it: `Int64`.
    to: String,
}

impl Cast {
    /// `column` as values of type `to`.
    pub fn new(column: &str, to: &DataType) -> Self {
        Self {
            column: column.to_owned(),
            to: to.to_string(),
        }
    }

    fn target(&self) -> Result<DataType> {
        let to = self.to.parse::<DataType>().ok().filter(is_target);
        to.ok_or_else(|| {
            Error::config(format!(
                "to: {} is none of the types there are: integers and floats up to 64 bits, Boolean, Utf8, LargeUtf8 and Utf8View",
                self.to
            ))
        })
    }
}

impl Spec for Cast {
    const NAME: &'static str = "cast";

    fn check(&self) -> Result<()> {
        self.target().map(|_| ())
    }
}

impl Convert for Cast {
    fn column(&self) -> &str {
        &self.column
    }

    fn describe(&self) -> Plan {
        Plan::of(self)
    }

    fn field(&self, below: &Field) -> Result<Field> {
        let (from, to) = (inner(below.data_type()), self.target()?);
        if !is_number(from) && !from.is_string() {
            let kind = below.data_type();
            return Err(Error::schema(format!(
                "column \"{}\" holds {kind}, not numbers, booleans or strings",
                self.column
            )));
        }
        let mut metadata = below.metadata().clone();
        metadata.remove(EXTENSION_TYPE_NAME_KEY);
        metadata.remove(EXTENSION_TYPE_METADATA_KEY);
        // The names are those of class numbers, or of strings; what is neither has none.
        if !(from.is_integer() && to.is_integer() || from.is_string() && to.is_string()) {
            metadata.remove(CLASS_NAMES);
        }
        Ok(Field::new(&self.column, to, below.is_nullable()).with_metadata(metadata))
    }

    fn convert(&self, below: &Field, array: &ArrayRef) -> Result<ArrayRef> {
        exact(below, array, &self.target()?)
    }
}

/// What a dictionary is of.
fn inner(kind: &DataType) -> &DataType {
    match kind {
        DataType::Dictionary(_, values) => inner(values),
        kind => kind,
    }
}

fn is_number(kind: &DataType) -> bool {
    kind.is_numeric() || *kind == DataType::Boolean
}

fn is_target(kind: &DataType) -> bool {
    kind.is_integer() || kind.is_floating() || kind.is_string() || *kind == DataType::Boolean
}

/// The same values, of the column of `field`, as `to`; nulls stay.
pub(super) fn exact(field: &Field, array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let mut array = Arc::clone(array);
    while let DataType::Dictionary(_, values) = array.data_type() {
        array = arrow::compute::cast(&array, values)?;
    }
    // Of `arrow.bool8` any byte but 0 is true, and true is 1.
    if array.data_type() == to && !is_bool8(field) {
        return Ok(array);
    }
    match to {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(arrow::compute::cast(&array, to)?),
        DataType::Int8 => primitive::<Int8Type>(field, &array),
        DataType::Int16 => primitive::<Int16Type>(field, &array),
        DataType::Int32 => primitive::<Int32Type>(field, &array),
        DataType::Int64 => primitive::<Int64Type>(field, &array),
        DataType::UInt8 => primitive::<UInt8Type>(field, &array),
        DataType::UInt16 => primitive::<UInt16Type>(field, &array),
        DataType::UInt32 => primitive::<UInt32Type>(field, &array),
        DataType::UInt64 => primitive::<UInt64Type>(field, &array),
        DataType::Float16 => primitive::<Float16Type>(field, &array),
        DataType::Float32 => primitive::<Float32Type>(field, &array),
        DataType::Float64 => primitive::<Float64Type>(field, &array),
        DataType::Boolean => {
            let (values, nulls) = numbers::<bool>(field, &array)?;
            Ok(Arc::new(BooleanArray::new(values.into(), nulls)))
        }
        other => Err(Error::schema(format!(
            "column \"{}\": no cast to {other}",
            field.name()
        ))),
    }
}

fn primitive<T>(field: &Field, array: &ArrayRef) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    T::Native: Number,
{
    let (values, nulls) = numbers::<T::Native>(field, array)?;
    Ok(Arc::new(PrimitiveArray::<T>::new(values.into(), nulls)))
}

/// The values as numbers, 0 below a null.
fn numbers<T: Number>(field: &Field, array: &ArrayRef) -> Result<(Vec<T>, Option<NullBuffer>)> {
    let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    if array.data_type().is_string() {
        let texts = arrow::compute::cast(array, &DataType::Utf8View)?;
        return Ok((parsed(field, texts.as_string_view())?, nulls));
    }
    let whole = match &nulls {
        None => Arc::clone(array),
        Some(nulls) => zeroed(array, nulls.inner())?,
    };
    let numbers = Numbers::of(field, &whole)?;
    let values = numbers
        .exact::<T>()
        .map_err(|(at, why)| refused(field, &numbers.text(at), &text::<T>(why), at))?;
    Ok((values, nulls))
}

/// Why a value is refused, in words.
fn text<T: Number>(why: Why) -> String {
    match why {
        Why::Outside => format!("does not fit into {}: cast to a wider type", T::NAME),
        why => why.text(T::NAME),
    }
}

/// An error of row `row`, of which the caller says where it comes from.
fn refused(field: &Field, value: &str, why: &str, row: usize) -> Error {
    Error::data(format!("column \"{}\": {value} {why}", field.name())).at(row)
}

fn parsed<T: Number>(field: &Field, texts: &StringViewArray) -> Result<Vec<T>> {
    let value = |(row, text): (usize, Option<&str>)| {
        let Some(text) = text else { return Ok(T::default()) };
        parse::<T>(text).map_err(|why| refused(field, &format!("{text:?}"), &why, row))
    };
    texts.iter().enumerate().map(value).collect()
}

/// The number that `text` is, or why it is none. A whole number that is written without an exponent is taken as an integer is, so
/// exactly; any other goes into a float as the nearest one.
fn parse<T: Number>(number: &str) -> Result<T, String> {
    let value = match number.parse::<i128>() {
        Ok(whole) => T::whole(whole),
        Err(_) if T::NAME == bool::NAME => match number {
            _ if number.eq_ignore_ascii_case("true") => T::whole(1),
            _ if number.eq_ignore_ascii_case("false") => T::whole(0),
            _ => Err(Why::NotBool),
        },
        Err(_) => T::parse(number).ok_or("is no number")?,
    };
    value.map_err(text::<T>)
}
