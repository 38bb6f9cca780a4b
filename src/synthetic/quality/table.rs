//! Tables of numbers and categories, and how they become rows of numbers.

use super::matrix::Matrix;
use crate::error::{Error, Result};

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Numbers; NaN where there is none.
    Numbers(Vec<f64>),
    /// Categories, by their number in a list that all tables which are compared share.
    Categories(Vec<u32>),
}

impl Column {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Categories(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values at `rows`, in that order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numbers(values) => Self::Numbers(rows.iter().map(|&row| values[row]).collect()),
            Self::Categories(values) => Self::Categories(rows.iter().map(|&row| values[row]).collect()),
        }
    }
}

/// Rows of columns of numbers and categories.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// The square of as many as a table may have of them is finite.
    const LARGEST: f64 = 1e150;

    /// A table of columns of these names.
    ///
    /// # Errors
    ///
    /// `Config` for no column, and for columns of several lengths; `Data` for a number whose square is beyond f64, so that no deviation could be taken.
    pub fn new(columns: impl IntoIterator<Item = (String, Column)>) -> Result<Self> {
        let (names, columns): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let rows = columns
            .first()
            .map(Column::len)
            .ok_or_else(|| Error::config("a table has 1 column or more"))?;
        for (name, column) in names.iter().zip(&columns) {
            let Column::Numbers(values) = column else { continue };
            if let Some(row) = values.iter().position(|value| value.abs() > Self::LARGEST) {
                let message = format!(
                    "column \"{name}\" holds {:e}, and numbers beyond {:e} are not compared",
                    values[row],
                    Self::LARGEST
                );
                return Err(Error::data(message).at(row));
            }
        }
        match columns.iter().position(|column| column.len() != rows) {
            None => Ok(Self { names, columns, rows }),
            Some(at) => Err(Error::config(format!(
                "column \"{}\" has {} values and column \"{}\" {rows}: all have to have as many",
                names[at],
                columns[at].len(),
                names[0]
            ))),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows `rows`, in that order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            names: self.names.clone(),
            columns: self.columns.iter().map(|column| column.select(rows)).collect(),
            rows: rows.len(),
        }
    }

    /// Whether `other` has columns of the same names and sorts.
    pub(crate) fn check_like(&self, other: &Self) -> Result<()> {
        let kinds = |table: &Self| table.columns.iter().map(std::mem::discriminant).collect::<Vec<_>>();
        match self.names == other.names && kinds(self) == kinds(other) {
            true => Ok(()),
            false => Err(Error::config(
                "the tables have other columns: compare tables of the same columns",
            )),
        }
    }
}

/// How rows of a table become rows of numbers between which distances mean something: numbers are standardised by the mean and deviation of
/// real rows, a category is 1 / sqrt(2) at its place among all categories and 0 at others, so that two categories are 1 apart. A missing
/// number is the mean; a column in which real rows lack numbers has a second value that is 1 where there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoding {
    columns: Vec<Encoded>,
}

#[derive(Clone, Debug, PartialEq)]
enum Encoded {
    Number { mean: f64, deviation: f64, lacks: bool },
    Category { count: u32 },
}

impl Encoding {
    /// The encoding of tables like `real`. Categories of all `others` have a place, too.
    ///
    /// # Errors
    ///
    /// `Config` where the tables have other columns.
    pub fn fit(real: &Table, others: &[&Table]) -> Result<Self> {
        others.iter().try_for_each(|other| real.check_like(other))?;
        let of = |(at, column): (usize, &Column)| match column {
            Column::Numbers(values) => {
                let finite = || values.iter().filter(|value| value.is_finite());
                let count = finite().count();
                let rows = count.max(1) as f64;
                let mean = finite().sum::<f64>() / rows;
                let deviation = (finite().map(|value| (value - mean).powi(2)).sum::<f64>() / rows).sqrt();
                Encoded::Number {
                    mean,
                    deviation: if deviation > 0.0 { deviation } else { 1.0 },
                    lacks: count < values.len(),
                }
            }
            Column::Categories(_) => {
                let of = |table: &&Table| match &table.columns[at] {
                    Column::Categories(values) => values.iter().max().map_or(0, |&most| most + 1),
                    Column::Numbers(_) => 0,
                };
                Encoded::Category {
                    count: [&real].into_iter().chain(others).map(of).max().unwrap_or(0),
                }
            }
        };
        Ok(Self {
            columns: real.columns.iter().enumerate().map(of).collect(),
        })
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        let of = |column: &Encoded| match column {
            Encoded::Number { lacks, .. } => 1 + usize::from(*lacks),
            Encoded::Category { count } => *count as usize,
        };
        self.columns.iter().map(of).sum::<usize>().max(1)
    }

    /// The rows of `table`, which has the columns that this was fitted on.
    ///
    /// # Errors
    ///
    /// `Data` for a number that is far beyond those of the real rows, with its row.
    pub fn rows(&self, table: &Table) -> Result<Matrix> {
        let (width, rows) = (self.width(), table.rows());
        let mut values = vec![0.0_f32; width * rows];
        let mut at = 0;
        for (encoded, column) in self.columns.iter().zip(&table.columns) {
            match (encoded, column) {
                (Encoded::Number { mean, deviation, lacks }, Column::Numbers(numbers)) => {
                    for (row, number) in numbers.iter().enumerate() {
                        if number.is_nan() {
                            values[row * width + at + usize::from(*lacks)] = f32::from(u8::from(*lacks));
                        } else {
                            values[row * width + at] = ((number - mean) / deviation) as f32;
                        }
                    }
                    at += 1 + usize::from(*lacks);
                }
                (Encoded::Category { count }, Column::Categories(categories)) => {
                    for (row, &category) in categories.iter().enumerate() {
                        if category < *count {
                            values[row * width + at + category as usize] = std::f32::consts::FRAC_1_SQRT_2;
                        }
                    }
                    at += *count as usize;
                }
                _ => {
                    return Err(Error::config(
                        "the table has other columns than the one that was fitted on",
                    ));
                }
            }
        }
        Matrix::new(values, width)
    }
}
