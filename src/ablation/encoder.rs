//! Columns of numbers and categories as the numbers that a linear layer takes.

use crate::columns::index_of;
use crate::error::{Error, Result};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Float64Type;

/// Standardised numbers and one column for each category, as fitted on training rows.
///
/// A missing number is the mean of the training rows, which is 0; a missing category, and one that no training row has, is 0 in all
/// columns of its attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Encoder {
    columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq)]
struct Column {
    name: String,
    as_numbers: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Number { mean: f64, deviation: f64 },
    Categories(Vec<String>),
}

impl Encoder {
    /// Fits the columns `names` of `rows`, which are training rows alone: numbers of f64, and strings.
    pub(super) fn fit(rows: &RecordBatch, names: &[String]) -> Result<Self> {
        let column = |name: &String| {
            let array = rows.column(index_of(&rows.schema(), name)?);
            let as_numbers = match (array.as_primitive_opt::<Float64Type>(), array.as_string_opt::<i32>()) {
                (Some(numbers), _) => {
                    let known: Vec<f64> = numbers.iter().flatten().collect();
                    let n = (known.len() as f64).max(1.0);
                    let mean = known.iter().sum::<f64>() / n;
                    let variance = known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
                    // The mean of equal numbers may be off by its last bit, which is no deviation.
                    let constant = known.windows(2).all(|pair| pair[0] == pair[1]);
                    let deviation = if constant { 1.0 } else { variance.sqrt() };
                    Kind::Number { mean, deviation }
                }
                (None, Some(words)) => {
                    let mut known: Vec<String> = words.iter().flatten().map(str::to_owned).collect();
                    known.sort();
                    known.dedup();
                    Kind::Categories(known)
                }
                (None, None) => {
                    let found = array.data_type();
                    return Err(Error::schema(format!(
                        "column {name:?} holds {found}, not f64 or strings"
                    )));
                }
            };
            Ok(Column {
                name: name.clone(),
                as_numbers,
            })
        };
        Ok(Self {
            columns: names.iter().map(column).collect::<Result<_>>()?,
        })
    }

    /// Numbers of a row.
    pub(super) fn width(&self) -> usize {
        let width = |column: &Column| match &column.as_numbers {
            Kind::Number { .. } => 1,
            Kind::Categories(known) => known.len(),
        };
        self.columns.iter().map(width).sum()
    }

    /// The numbers of each of `rows`, one row after the other.
    pub(super) fn encode(&self, rows: &RecordBatch) -> Result<Vec<f32>> {
        let (width, mut at) = (self.width(), 0);
        let mut out = vec![0.0; rows.num_rows() * width];
        for column in &self.columns {
            let array = rows.column(index_of(&rows.schema(), &column.name)?);
            let other = || Error::schema(format!("column {:?} has another type than it had", column.name));
            match &column.as_numbers {
                Kind::Number { mean, deviation } => {
                    let numbers = array.as_primitive_opt::<Float64Type>().ok_or_else(other)?;
                    for (row, number) in numbers.iter().enumerate() {
                        out[row * width + at] = number.map_or(0.0, |number| ((number - mean) / deviation) as f32);
                    }
                    at += 1;
                }
                Kind::Categories(known) => {
                    let words = array.as_string_opt::<i32>().ok_or_else(other)?;
                    for (row, word) in words.iter().enumerate() {
                        let which = word.and_then(|word| known.binary_search_by(|known| known.as_str().cmp(word)).ok());
                        which.into_iter().for_each(|which| out[row * width + at + which] = 1.0);
                    }
                    at += known.len();
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Float64Array, StringArray};
    use std::sync::Arc;

    fn rows(numbers: Vec<Option<f64>>, words: Vec<Option<&str>>) -> RecordBatch {
        let constant = vec![Some(0.1); numbers.len()];
        RecordBatch::try_from_iter([
            ("number", Arc::new(Float64Array::from(numbers)) as ArrayRef),
            ("word", Arc::new(StringArray::from(words))),
            ("constant", Arc::new(Float64Array::from(constant))),
        ])
        .unwrap()
    }

    #[test]
    fn columns_are_standardised_by_training_rows_and_categories_are_one_hot() {
        let names = ["number", "word", "constant"].map(str::to_owned);
        let train = rows(
            vec![Some(1.0), Some(3.0), Some(5.0), None],
            vec![Some("b"), Some("a"), None, Some("b")],
        );
        let encoder = Encoder::fit(&train, &names).unwrap();
        assert_eq!(encoder.width(), 4);
        let deviation = (8.0_f64 / 3.0).sqrt();
        let low = (-2.0 / deviation) as f32;
        let expected = [
            low, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, -low, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0,
        ];
        assert_eq!(encoder.encode(&train).unwrap(), expected);
        // Of other rows by the same mean and deviation; what no training row has is in no column.
        let test = rows(vec![Some(3.0 + deviation)], vec![Some("c")]);
        assert_eq!(encoder.encode(&test).unwrap(), [1.0, 0.0, 0.0, 0.0]);
    }
}
