//! What a column of a table holds.

use crate::error::{Error, Result};
use crate::quote::quoted;
use crate::rows::CLASS_NAMES;
use crate::synthetic::told_apart::ToldApart;
use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type};
use arrow::error::ArrowError;
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

/// What is compared of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) enum ValueKind {
    /// Numbers.
    Number,
    /// Dates, times and spans of time, which are numbers in the unit of their type.
    Time,
    /// Texts, booleans and names of classes.
    Category,
    /// Whatever has no distance.
    Other,
}

impl ValueKind {
    pub(in crate::inspect) fn of(field: &Field) -> Self {
        let (of, is_named) = match field.data_type() {
            DataType::Dictionary(_, values) => (&**values, false),
            of => (of, field.metadata().contains_key(CLASS_NAMES)),
        };
        let is_text = matches!(
            of,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean
        );
        if is_text || is_named {
            Self::Category
        } else if field.data_type().is_numeric() {
            Self::Number
        } else if field.data_type().is_temporal() {
            Self::Time
        } else {
            Self::Other
        }
    }

    /// Whether values of both fields are compared by one distance.
    pub(in crate::inspect) fn is_one_of(one: &Field, other: &Field) -> bool {
        match (Self::of(one), Self::of(other)) {
            (Self::Other, _) => false,
            // In one unit.
            (Self::Time, Self::Time) => one.data_type() == other.data_type(),
            (one, other) => one == other,
        }
    }
}

impl Display for ValueKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number => "numbers",
            Self::Time => "times",
            Self::Category => "categories",
            Self::Other => "neither numbers nor categories",
        })
    }
}

/// The numbers of a column as the real rows have it in `field`; one that is missing is not a number. `told_apart` knows those of the other sets of rows.
///
/// # Errors
///
/// `Data` for one that is infinite, or not [told apart](ToldApart) from others, at its row.
pub(super) fn numbers(column: &ArrayRef, field: &Field, told_apart: &mut ToldApart) -> Result<Vec<f64>> {
    let name = field.name();
    let failed = |error: ArrowError| Error::schema(format!("column {}: {error}", quoted(name)));
    let whole = match field.data_type() {
        // In the unit of the real rows.
        of if of.is_temporal() => cast(column, of).and_then(|times| cast(&times, &DataType::Int64)),
        _ => Ok(Arc::clone(column)),
    };
    let whole = whole.map_err(failed)?;
    let values = cast(&whole, &DataType::Float64).map_err(failed)?;
    let values = values.as_primitive::<Float64Type>();
    match field.data_type().is_temporal() {
        true => told_apart.check_times(name, column, whole.as_primitive())?,
        false => told_apart.check(name, column, values)?,
    }
    let value = |(row, value): (usize, Option<f64>)| match value {
        Some(infinite) if infinite.is_infinite() => Err(Error::data(format!(
            "column {} holds {infinite}, which lies at no distance from others: leave the row out, or its value empty",
            quoted(name)
        ))
        .at(row)),
        value => Ok(value.unwrap_or(f64::NAN)),
    };
    values.iter().enumerate().map(value).collect()
}
