//! Columns of a table as what networks learn, and back (mode-specific normalisation, Xu et al. 2019, "Modeling Tabular Data using Conditional
//! GAN").

use super::mixture::{self, Mode, pick};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::quote::quoted;
use crate::rng::Rng;
use crate::rows::CLASS_NAMES;
use crate::synthetic::learned::Training;
use crate::synthetic::table_columns::{is_category, learnt_numbers};
use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::sync::Arc;

/// A table, column by column; the label is not among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableEncoding {
    columns: Vec<ColumnEncoding>,
    pub(super) label: String,
    /// The place of the label among the columns.
    label_at: usize,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnEncoding {
    name: String,
    /// As Arrow writes it.
    data_type: String,
    values: Values,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Values {
    /// Numbers: a place within a mode in `-1..=1`, four deviations around its mean, and which mode it is. A null is a mode of its own, the last.
    Numbers {
        modes: Vec<Mode>,
        nulls: bool,
        /// The least and the largest one: none is made beyond them.
        range: [f64; 2],
        /// Whether all are whole.
        whole: bool,
    },
    /// One of these; a null is one of its own.
    Categories { values: Vec<Option<String>> },
}

/// Categories that a column may have.
const MOST_CATEGORIES: usize = 1000;

/// Deviations of a mode that `-1..=1` stands for, on each side.
const SPREAD: f64 = 4.0;

/// What a part of an encoded row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One number in `-1..=1`.
    Number,
    /// One of so many, as ones and zeros.
    OneOf(usize),
}

impl TableEncoding {
    /// Of the rows of `training`; numbers are described by up to `modes` modes.
    pub(super) fn fit(training: &Training, modes: usize) -> Result<Self> {
        let Training { cx, rows, labels } = training;
        let schema = rows.schema();
        let label_at = schema.index_of(labels.column())?;
        let mut columns = Vec::new();
        for (_, field) in schema.fields().iter().enumerate().filter(|(at, _)| *at != label_at) {
            let column = cx.block_on(rows.column(cx, field.name()))?;
            let values = Values::fit(field, &column, modes).map_err(|error| {
                let place = error.index().map(|row| rows.provenance(cx, row as u64).places);
                match place.and_then(|places| places.into_iter().next()) {
                    Some(place) => error.unplaced().context(place.to_string()),
                    None => error,
                }
            })?;
            columns.push(ColumnEncoding {
                name: field.name().clone(),
                data_type: field.data_type().to_string(),
                values,
            });
        }
        match columns.is_empty() {
            true => Err(Error::schema("the label is the only column: there is nothing to learn")),
            false => Ok(Self {
                columns,
                label: labels.column().to_owned(),
                label_at,
            }),
        }
    }

    /// The parts of an encoded row, in their order.
    pub(super) fn parts(&self) -> Vec<Part> {
        let of = |column: &ColumnEncoding| match &column.values {
            Values::Numbers { modes, nulls, .. } => vec![Part::Number, Part::OneOf(modes.len() + usize::from(*nulls))],
            Values::Categories { values } => vec![Part::OneOf(values.len())],
        };
        self.columns.iter().flat_map(of).collect()
    }

    /// Numbers of an encoded row.
    pub(super) fn width(&self) -> usize {
        self.parts().iter().map(|part| part.width()).sum()
    }

    /// Encodes rows, one after the other; modes are drawn.
    pub(super) fn encode(&self, rows: &RecordBatch, rng: &mut Rng) -> Result<Vec<f32>> {
        let (width, count) = (self.width(), rows.num_rows());
        let mut out = vec![0.0_f32; width * count];
        let mut at = 0;
        for column in &self.columns {
            let found = rows.column_by_name(&column.name).ok_or_else(|| {
                Error::schema(format!(
                    "column {}, which the generator was fitted on, is not there",
                    quoted(&column.name)
                ))
            })?;
            at += column.values.encode(&column.name, found, rng, &mut out, (width, at))?;
        }
        Ok(out)
    }

    /// The columns, the label among them as a class number.
    pub(super) fn schema(&self, classes: &[String]) -> Result<SchemaRef> {
        let mut fields = Vec::new();
        for column in &self.columns {
            let data_type = DataType::from_str(&column.data_type);
            let data_type =
                data_type.map_err(|error| Error::data(format!("column {}: {error}", quoted(&column.name))))?;
            fields.push(Field::new(&column.name, data_type, column.values.has_nulls()));
        }
        let names = serde_json::Value::from(classes).to_string();
        let label =
            Field::new(&self.label, DataType::Int64, true).with_metadata([(CLASS_NAMES.to_owned(), names)].into());
        if self.label_at > fields.len() {
            return Err(Error::data("the label has no place among the columns"));
        }
        fields.insert(self.label_at, label);
        Ok(Arc::new(Schema::new(fields)))
    }

    /// Rows of `class` from what a network made, one after the other: numbers in `-1..=1`, and shares of categories, of which one is drawn.
    pub(super) fn decode(&self, schema: &SchemaRef, made: &[f32], class: u32, rng: &mut Rng) -> Result<RecordBatch> {
        if let Some(bad) = made.iter().find(|value| !value.is_finite()) {
            return Err(Error::stage(format!(
                "the network made a value of {bad}: fit the generator again"
            )));
        }
        let width = self.width();
        let count = made.len() / width;
        let mut at = 0;
        let mut columns: Vec<ArrayRef> = Vec::new();
        for column in &self.columns {
            let part = |row: usize| &made[row * width + at..(row + 1) * width];
            let decoded = column.values.decode(count, &part, rng);
            let field = schema.field_with_name(&column.name)?;
            columns.push(match decoded.data_type() == field.data_type() {
                true => decoded,
                false => cast(&decoded, field.data_type())?,
            });
            at += column.values.width();
        }
        columns.insert(self.label_at, Arc::new(Int64Array::from_value(class.into(), count)));
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}

impl Part {
    pub(super) fn width(self) -> usize {
        match self {
            Self::Number => 1,
            Self::OneOf(count) => count,
        }
    }
}

impl Values {
    fn fit(field: &Field, column: &ArrayRef, most: usize) -> Result<Self> {
        let name = quoted(field.name());
        if is_category(field.data_type()) {
            let texts = cast(column, &DataType::Utf8)?;
            let mut values: Vec<Option<String>> = texts
                .as_string::<i32>()
                .iter()
                .map(|text| text.map(str::to_owned))
                .collect();
            values.sort();
            values.dedup();
            return match values.len() > MOST_CATEGORIES {
                true => Err(Error::data(format!(
                    "column {name} has {} different values, and {MOST_CATEGORIES} categories can be learnt: leave it out, if it tells rows apart",
                    values.len()
                ))),
                false => Ok(Self::Categories { values }),
            };
        }
        let numbers = numbers(field.name(), column)?;
        let known: Vec<f64> = numbers.iter().filter_map(|number| *number).collect();
        let range = known
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &x| {
                [low.min(x), high.max(x)]
            });
        let modes = mixture::fit(&known, most);
        if modes
            .iter()
            .any(|mode| !(mode.mean.is_finite() && mode.deviation.is_finite()))
        {
            return Err(Error::data(format!(
                "column {name} reaches from {:e} to {:e}, too far for a variance: take logarithms",
                range[0], range[1]
            )));
        }
        Ok(Self::Numbers {
            nulls: known.len() < numbers.len(),
            whole: known.iter().all(|number| number.fract() == 0.0),
            range: if known.is_empty() { [0.0; 2] } else { range },
            modes,
        })
    }

    fn has_nulls(&self) -> bool {
        match self {
            Self::Numbers { nulls, .. } => *nulls,
            Self::Categories { values } => values.contains(&None),
        }
    }

    fn width(&self) -> usize {
        match self {
            Self::Numbers { modes, nulls, .. } => 1 + modes.len() + usize::from(*nulls),
            Self::Categories { values } => values.len(),
        }
    }

    /// Writes into `out`, rows of `width`, from place `at` on; gives how many numbers that are.
    fn encode(
        &self,
        name: &str,
        column: &ArrayRef,
        rng: &mut Rng,
        out: &mut [f32],
        (width, at): (usize, usize),
    ) -> Result<usize> {
        match self {
            Self::Numbers { modes, .. } => {
                for (row, number) in numbers(name, column)?.into_iter().enumerate() {
                    let place = &mut out[row * width + at..][..self.width()];
                    let mode = match number {
                        None => modes.len(),
                        Some(number) => {
                            let mode = mixture::draw(modes, number, rng);
                            let Mode { mean, deviation, .. } = modes[mode];
                            place[0] = ((number - mean) / (SPREAD * deviation)).clamp(-1.0, 1.0) as f32;
                            mode
                        }
                    };
                    let known = place.get_mut(1 + mode).ok_or_else(|| {
                        Error::data(format!(
                            "column {} is null, and was nowhere in the rows that were fitted",
                            quoted(name)
                        ))
                        .at(row)
                    })?;
                    *known = 1.0;
                }
            }
            Self::Categories { values } => {
                let texts = cast(column, &DataType::Utf8)?;
                for (row, text) in texts.as_string::<i32>().iter().enumerate() {
                    let found = values.binary_search_by(|known| known.as_deref().cmp(&text));
                    let found = found.map_err(|_| {
                        let text = text.map_or_else(|| "null".to_owned(), quoted);
                        Error::data(format!(
                            "column {}: {text} was nowhere in the rows that were fitted",
                            quoted(name)
                        ))
                        .at(row)
                    })?;
                    out[row * width + at + found] = 1.0;
                }
            }
        }
        Ok(self.width())
    }

    fn decode<'a>(&self, rows: usize, part: &dyn Fn(usize) -> &'a [f32], rng: &mut Rng) -> ArrayRef {
        let shares = |part: &[f32]| {
            part.iter()
                .map(|&share| f64::from(share.max(0.0)))
                .collect::<Vec<f64>>()
        };
        match self {
            Self::Categories { values } => {
                let pick = |row: usize| values[pick(&shares(&part(row)[..values.len()]), rng)].as_deref();
                Arc::new((0..rows).map(pick).collect::<StringArray>())
            }
            &Self::Numbers {
                ref modes,
                range,
                whole,
                nulls,
            } => {
                let number = |row: usize| {
                    let part = &part(row)[..self.width()];
                    let (known, null) = part[1..].split_at(modes.len());
                    // Of the modes the likeliest: the place in it goes with that one.
                    let mode = (0..modes.len()).max_by(|&a, &b| known[a].total_cmp(&known[b]))?;
                    if nulls && rng.chance(null[0]) {
                        return None;
                    }
                    let mode = modes[mode];
                    let number = mode.mean + f64::from(part[0].clamp(-1.0, 1.0)) * SPREAD * mode.deviation;
                    let number = number.clamp(range[0], range[1]);
                    Some(if whole { number.round() } else { number })
                };
                Arc::new((0..rows).map(number).collect::<Float64Array>())
            }
        }
    }
}

/// The numbers of a column, none for nulls.
fn numbers(name: &str, column: &ArrayRef) -> Result<Vec<Option<f64>>> {
    let of = column.data_type();
    if !(of.is_integer() || of.is_floating()) {
        let error = Error::schema(format!(
            "column {} holds {of}, which is neither numbers nor categories: leave it out of the rows",
            quoted(name)
        ));
        return Err(error.with_remedy(Remedy::IgnoreColumn));
    }
    learnt_numbers(name, column)
}
