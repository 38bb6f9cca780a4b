//! Columns of a table as numbers that are distributed together, and back.

use crate::columns::into_list;
use crate::error::{Error, Remedy, Result};
use crate::synthetic::table_columns::{Categories, from_numbers, is_category, is_number, learnt_numbers};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::compute::{cast, nullif};
use arrow::datatypes::{DataType, Field};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// One column of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelColumn {
    pub(super) name: String,
    /// As Arrow writes it.
    pub(super) data_type: String,
    pub(super) kind: Kind,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A number; where all of them are whole, only whole ones are made. `null` is the place of the variable that says whether there is none.
    Number { whole: bool, null: Option<usize> },
    /// So many numbers.
    Tensor { width: usize },
    /// One of these values, the most frequent first; a null is one of its own.
    Category { values: Vec<Option<String>> },
}

impl ModelColumn {
    /// Variables of a row, without the one that says whether there is a null.
    pub(super) fn width(&self) -> usize {
        match self.kind {
            Kind::Tensor { width } => width,
            _ => 1,
        }
    }

    /// The variable that says whether there is a null.
    pub(super) fn null(&self) -> Option<usize> {
        match self.kind {
            Kind::Number { null, .. } => null,
            _ => None,
        }
    }

    /// How many categories there are; none for numbers.
    pub(super) fn categories(&self) -> Option<usize> {
        match &self.kind {
            Kind::Category { values } => Some(values.len()),
            _ => None,
        }
    }

    /// A column of tensors.
    pub(super) fn tensor(field: &Field, width: usize) -> Self {
        Self {
            name: field.name().clone(),
            data_type: field.data_type().to_string(),
            kind: Kind::Tensor { width },
        }
    }

    /// Whether `field` is a tensor of f32; of so many.
    pub(super) fn tensor_width(field: &Field) -> Option<usize> {
        match field.data_type() {
            DataType::FixedSizeList(item, width) if *item.data_type() == DataType::Float32 => Some(*width as usize),
            _ => None,
        }
    }

    /// The values of a column of numbers or categories, NaN where there is none; whether it has nulls is left to be told.
    pub(super) fn read(field: &Field, column: &ArrayRef, as_category: bool) -> Result<(Self, Vec<f64>)> {
        let of = |kind| Self {
            name: field.name().clone(),
            data_type: field.data_type().to_string(),
            kind,
        };
        if as_category || is_category(field.data_type()) {
            let (values, codes) = categories(field, column)?;
            return Ok((of(Kind::Category { values }), codes));
        }
        let numbers = numbers(field, column)?;
        let whole = numbers.iter().all(|number| number.is_nan() || number.fract() == 0.0);
        Ok((of(Kind::Number { whole, null: None }), numbers))
    }

    /// The column of `field` from its variables of each row, one row after the other, and of which rows are null.
    pub(super) fn column(&self, field: &Field, values: Vec<f64>, nulls: Option<Vec<bool>>) -> Result<ArrayRef> {
        match &self.kind {
            Kind::Tensor { .. } => into_list(
                field,
                values.into_iter().map(|value| value as f32).collect::<Vec<f32>>(),
            ),
            Kind::Category { values: names } => {
                let names: StringArray = values.iter().map(|&code| names[code as usize].as_deref()).collect();
                Ok(cast(&names, field.data_type())?)
            }
            Kind::Number { whole, .. } => {
                let values = match whole {
                    true => values.into_iter().map(f64::round).collect(),
                    false => values,
                };
                let column = from_numbers(field.data_type(), values)?;
                match nulls {
                    Some(nulls) => Ok(nullif(&column, &BooleanArray::from(nulls))?),
                    None => Ok(column),
                }
            }
        }
    }
}

/// The categories as texts, the most frequent first, and which of them each row has.
fn categories(field: &Field, column: &ArrayRef) -> Result<(Vec<Option<String>>, Vec<f64>)> {
    let (categories, codes) = Categories::of(field, column)?;
    let mut counts = vec![0_u64; categories.len()];
    codes.iter().for_each(|&code| counts[code as usize] += 1);
    let mut order: Vec<u32> = (0..categories.len() as u32).collect();
    order.sort_by_key(|&code| Reverse(counts[code as usize]));
    let texts = cast(&categories.column(&order)?, &DataType::Utf8)?;
    let texts = texts
        .as_string::<i32>()
        .iter()
        .map(|text| text.map(str::to_owned))
        .collect();
    let mut place = vec![0.0; order.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(at, &code)| place[code as usize] = at as f64);
    Ok((texts, codes.into_iter().map(|code| place[code as usize]).collect()))
}

/// The numbers, NaN for nulls.
fn numbers(field: &Field, column: &ArrayRef) -> Result<Vec<f64>> {
    let name = field.name();
    if !is_number(column.data_type()) {
        let error = Error::schema(format!(
            "column \"{name}\" holds {}, which is neither numbers, categories nor a tensor of f32: leave it out of the rows",
            column.data_type()
        ));
        return Err(error.with_remedy(Remedy::IgnoreColumn));
    }
    let numbers = learnt_numbers(name, column)?;
    Ok(numbers.into_iter().map(|number| number.unwrap_or(f64::NAN)).collect())
}
