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
    /// A number; where all of them are whole, only whole ones are made, and where none has more than so many decimals none that has more. `null` is the place of the variable that says
    /// whether there is none.
    Number {
        whole: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decimals: Option<u8>,
        null: Option<usize>,
    },
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
        let decimals = if whole {
            None
        } else {
            decimals(field.data_type(), &numbers)
        };
        let null = None;
        Ok((of(Kind::Number { whole, decimals, null }), numbers))
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
            Kind::Number { whole, decimals, .. } => {
                let values = match (whole, decimals) {
                    (true, _) => values.into_iter().map(f64::round).collect(),
                    (false, Some(decimals)) => values.into_iter().map(|value| rounded(value, *decimals)).collect(),
                    (false, None) => values,
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

/// `number` to the nearest of so many decimals. What has so many at most stays as it is, so that none comes to lie beyond the least or the largest of such.
fn rounded(number: f64, decimals: u8) -> f64 {
    let scale = 10_f64.powi(i32::from(decimals));
    (number * scale).round() / scale
}

/// The most decimals that a number of a column of `of` has; none where some have more than a text of it is sure to have.
fn decimals(of: &DataType, numbers: &[f64]) -> Option<u8> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let most = match of {
        DataType::Float64 => 12,
        DataType::Float32 => 6,
        _ => return None,
    };
    let has = |number: f64, decimals: u8| match of {
        DataType::Float32 => rounded(number, decimals) as f32 == number as f32,
        _ => rounded(number, decimals) == number && number.abs() * 10_f64.powi(i32::from(decimals)) < EXACT,
    };
    let mut found = 1;
    for &number in numbers.iter().filter(|number| !number.is_nan()) {
        found = (found..=most).find(|&decimals| has(number, decimals))?;
    }
    Some(found)
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

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float32Array, Float64Array};
    use std::sync::Arc;

    #[test]
    fn numbers_have_as_many_decimals_as_the_column() {
        let column = |values: ArrayRef| {
            let field = Field::new("a", values.data_type().clone(), true);
            let (model, _) = ModelColumn::read(&field, &values, false).unwrap();
            model
                .column(&field, vec![0.703_710_666_058_389_1, 1.0 / 3.0, -2.0 / 3.0], None)
                .unwrap()
        };
        let made: ArrayRef = Arc::new(Float64Array::from(vec![0.7, 0.33, -0.67]));
        assert_eq!(
            &column(Arc::new(Float64Array::from(vec![
                Some(1.0),
                Some(0.25),
                None,
                Some(-3.5)
            ]))),
            &made
        );
        let made: ArrayRef = Arc::new(Float32Array::from(vec![0.704, 0.333, -0.667]));
        assert_eq!(&column(Arc::new(Float32Array::from(vec![0.1, 12.125, 7.0]))), &made);
        // Of what is measured more finely, or is a fraction that no decimals are, nothing is cut.
        let fine: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.0 / 3.0]));
        assert_eq!(
            column(fine).as_primitive::<arrow::datatypes::Float64Type>().value(2),
            -2.0 / 3.0
        );
        let large: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1e300]));
        assert_eq!(
            column(large).as_primitive::<arrow::datatypes::Float64Type>().value(1),
            1.0 / 3.0
        );
    }
}
