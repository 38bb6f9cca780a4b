//! Rows of a table.

use super::column::TableColumn;
use super::compiled::{ANY, Bound, Compiled, Origin, POISSON, POSITIVE, SHARE, check_range, compiled};
use super::distribution::{categorical, exponential, poisson, unit};
use super::expression::Values;
use crate::error::{Error, Result};
use crate::rng::Rng;
use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// What makes rows of a table.
#[derive(Clone, Debug)]
pub(crate) struct Simulator {
    /// In the order of the alphabet.
    columns: Vec<Compiled>,
    places: HashMap<String, usize>,
    /// The order in which they are worked out.
    order: Vec<usize>,
}

/// What a column holds, and whether values may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Number,
    Whole,
    /// 0 or 1.
    Flag,
    Text,
}

/// The values of a row: numbers, and of texts which category. NaN is missing.
pub(crate) type Row = Vec<f64>;

/// The values so far.
struct Known<'a> {
    of: &'a Simulator,
    values: &'a [f64],
}

impl Values for Known<'_> {
    fn number(&self, column: &str) -> f64 {
        self.of.places.get(column).map_or(f64::NAN, |&at| self.values[at])
    }

    fn is(&self, column: &str, category: &str) -> bool {
        self.of.places.get(column).is_some_and(|&at| {
            let categories = self.of.columns[at].categories.as_deref();
            categories.is_some_and(|names| names[self.values[at] as usize] == category)
        })
    }
}

impl Simulator {
    /// Of `columns`, for rows of `classes`.
    pub(crate) fn new(columns: &BTreeMap<String, TableColumn>, classes: &[String]) -> Result<Self> {
        let (columns, order) = compiled(columns, Some(&classes.to_vec()))?;
        let places = columns.iter().enumerate().map(|(at, column)| (column.name.clone(), at));
        Ok(Self {
            places: places.collect(),
            columns,
            order,
        })
    }

    /// The columns: name, what it holds, and whether values may be missing.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, ColumnKind, bool)> {
        self.columns.iter().map(|column| {
            let kind = match (&column.categories, &column.origin, column.whole) {
                (Some(_), _, _) => ColumnKind::Text,
                (_, Origin::Bernoulli(_), _) if column.noise.is_none() => ColumnKind::Flag,
                (_, _, true) => ColumnKind::Whole,
                (_, _, false) => ColumnKind::Number,
            };
            (column.name.as_str(), kind, column.missing.is_some())
        })
    }

    /// A row of class number `class`; each column draws from a stream of its own, which `rng` gives by a key, so that a further column moves no draw.
    pub(crate) fn row(&self, class: usize, rng: impl Fn(u64) -> Rng) -> Result<Row> {
        let mut values = vec![f64::NAN; self.columns.len()];
        let mut rngs: Vec<Option<Rng>> = self.columns.iter().map(|_| None).collect();
        for &at in &self.order {
            let column = &self.columns[at];
            let mut rng = rng(xxh3_64(column.name.as_bytes()));
            let value = self.value(column, class, &values, &mut rng);
            values[at] = value.map_err(|error| error.context(format!("column \"{}\"", column.name)))?;
            rngs[at] = Some(rng);
        }
        // All are known before any is missing.
        let mut missing = Vec::new();
        for (at, (column, rng)) in self.columns.iter().zip(rngs).enumerate() {
            let Some((chance, mut rng)) = column.missing.as_ref().zip(rng) else {
                continue;
            };
            let chance = self.parameter("missing", chance, class, &values, SHARE);
            let chance = chance.map_err(|error| error.context(format!("column \"{}\"", column.name)))?;
            if unit(&mut rng) < chance {
                missing.push(at);
            }
        }
        missing.into_iter().for_each(|at| values[at] = f64::NAN);
        Ok(values)
    }

    fn value(&self, column: &Compiled, class: usize, values: &[f64], rng: &mut Rng) -> Result<f64> {
        let of = |name: &str, bound: &Bound, range| self.parameter(name, bound, class, values, range);
        let normal = |mean: &Bound, std: &Bound, rng: &mut Rng| {
            let (mean, std) = (of("mean", mean, ANY)?, of("std", std, POSITIVE)?);
            Ok::<_, Error>(mean + std * f64::from(rng.normal()))
        };
        let mut value = match &column.origin {
            Origin::Normal(mean, std) => normal(mean, std, rng)?,
            Origin::LogNormal(mean, std) => libm::exp(normal(mean, std, rng)?),
            Origin::Uniform(low, high) => {
                let low = of("low", low, ANY)?;
                let high = of("high", high, (low, f64::MAX))?;
                low + (high - low) * unit(rng)
            }
            Origin::Exponential(mean) => exponential(of("mean", mean, POSITIVE)?, rng),
            Origin::Poisson(mean) => poisson(of("mean", mean, POISSON)?, rng),
            Origin::Bernoulli(p) => f64::from(u8::from(unit(rng) < of("p", p, SHARE)?)),
            Origin::Categorical(weights) => {
                let weights = weights.iter().map(|weight| of("a weight", weight, POSITIVE));
                let weights = weights.collect::<Result<Vec<_>>>()?;
                let sum: f64 = weights.iter().sum();
                if sum <= 0.0 || !sum.is_finite() {
                    return Err(Error::data(format!("the weights of the categories sum to {sum}")));
                }
                categorical(&weights, rng) as f64
            }
            Origin::Number(number) => *number,
            Origin::Text => 0.0,
            Origin::Equation(equation) => of("the equation", equation, ANY)?,
        };
        if let Some(noise) = &column.noise {
            value += of("noise", noise, POSITIVE)? * f64::from(rng.normal());
        }
        value = value.clamp(column.range.0, column.range.1);
        if column.whole {
            value = value.round();
        }
        // 2^63: a whole number is one of 64 bits.
        const WHOLE: f64 = 9_223_372_036_854_775_808.0;
        match value.is_finite() && !(column.whole && value.abs() >= WHOLE) {
            true => Ok(value),
            false if value.is_finite() => Err(Error::data(format!(
                "a value is {value}, which is no whole number of 64 bits: bound the column with `min` and `max`"
            ))),
            false => Err(Error::data(format!(
                "a value is {value}: bound the column with `min` and `max`"
            ))),
        }
    }

    fn parameter(&self, name: &str, bound: &Bound, class: usize, values: &[f64], range: (f64, f64)) -> Result<f64> {
        let value = bound.of(class).value(&Known { of: self, values });
        check_range(name, value, range).map_err(Error::data)?;
        Ok(value)
    }

    /// The columns of `rows`: Float64, Int64 for whole numbers, and Utf8.
    pub(crate) fn arrays(&self, rows: &[Row]) -> Vec<ArrayRef> {
        let array = |(at, column): (usize, &Compiled)| -> ArrayRef {
            let values = rows.iter().map(|row| (!row[at].is_nan()).then_some(row[at]));
            match (&column.categories, column.whole) {
                (Some(names), _) => {
                    let texts = values.map(|value| value.map(|code| names[code as usize].as_str()));
                    Arc::new(texts.collect::<StringArray>())
                }
                (None, true) => Arc::new(
                    values
                        .map(|value| value.map(|value| value as i64))
                        .collect::<Int64Array>(),
                ),
                (None, false) => Arc::new(values.collect::<Float64Array>()),
            }
        };
        self.columns.iter().enumerate().map(array).collect()
    }
}
