//! Rows of numbers.

use crate::error::{Error, Result};
use std::ops::Range;

/// Rows of finite numbers, all of one width: features of a frozen network, or the columns of a table.
///
/// ```
/// use millstream::synthetic::quality::Matrix;
///
/// let rows = Matrix::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2)?;
/// assert_eq!((rows.rows(), rows.row(1)), (3, &[3.0, 4.0][..]));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    width: usize,
}

/// Rows of a [`Matrix`] that lie one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    values: &'a [f32],
    width: usize,
}

impl<'a> Rows<'a> {
    /// Number of rows.
    pub(crate) fn count(self) -> usize {
        self.values.len() / self.width
    }

    /// Values in a row.
    pub(crate) fn width(self) -> usize {
        self.width
    }

    /// The values of row `row`.
    pub(crate) fn row(self, row: usize) -> &'a [f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// All values, row by row.
    pub(crate) fn values(self) -> &'a [f32] {
        self.values
    }
}

impl<'a> From<&'a Matrix> for Rows<'a> {
    fn from(rows: &'a Matrix) -> Self {
        Self {
            values: &rows.values,
            width: rows.width,
        }
    }
}

impl From<Rows<'_>> for Matrix {
    /// A copy.
    fn from(rows: Rows<'_>) -> Self {
        Self {
            values: rows.values.to_vec(),
            width: rows.width,
        }
    }
}

impl Matrix {
    /// Rows of `width` values each, one after the other.
    ///
    /// # Errors
    ///
    /// `Config` for a width of 0 and for values that make no whole rows; `Data` for a value that is not finite, with its row and column.
    pub fn new(values: Vec<f32>, width: usize) -> Result<Self> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(Error::config(format!(
                "{} values make no whole rows of {width}: a row has 1 value or more, and all rows have as many",
                values.len()
            )));
        }
        if let Some(bad) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::data(format!("column {} holds {}", bad % width, values[bad])).at(bad / width));
        }
        Ok(Self { values, width })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.width
    }

    /// Values in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The values of row `row`.
    ///
    /// # Panics
    ///
    /// For a row that there is not.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// All rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rows `rows`, in that order.
    ///
    /// # Panics
    ///
    /// For a row that there is not.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut values = Vec::with_capacity(rows.len() * self.width);
        rows.iter().for_each(|&row| values.extend_from_slice(self.row(row)));
        Self {
            values,
            width: self.width,
        }
    }

    /// The rows `rows`, where they lie.
    pub(crate) fn part(&self, rows: Range<usize>) -> Rows<'_> {
        Rows {
            values: &self.values[rows.start * self.width..rows.end * self.width],
            width: self.width,
        }
    }

    /// The same with room for `rows` rows in all, so that adding the others moves none.
    pub(crate) fn with_room(mut self, rows: usize) -> Self {
        let values = (rows * self.width).saturating_sub(self.values.len());
        self.values.reserve_exact(values);
        self
    }

    /// Adds those of `other` behind these rows.
    ///
    /// # Errors
    ///
    /// `Config` where the widths differ.
    pub(crate) fn extend(&mut self, other: &Self) -> Result<()> {
        check_widths(self, other)?;
        self.values.extend_from_slice(&other.values);
        Ok(())
    }

    /// The rows in the order `order`, which has the number of each of them once, in the memory that they have.
    pub(crate) fn in_order(mut self, mut order: Vec<usize>) -> Self {
        let width = self.width;
        let mut first = Vec::with_capacity(width);
        for start in 0..order.len() {
            if order[start] == start {
                continue;
            }
            // A circle of rows, of which each takes the place of the one before, and the first that of the last.
            first.clear();
            first.extend_from_slice(self.row(start));
            let mut at = start;
            while order[at] != start {
                let from = order[at];
                self.values.copy_within(from * width..(from + 1) * width, at * width);
                order[at] = at;
                at = from;
            }
            self.values[at * width..(at + 1) * width].copy_from_slice(&first);
            order[at] = at;
        }
        self
    }

    /// These rows and behind them those of `other`.
    ///
    /// # Errors
    ///
    /// `Config` where the widths differ.
    pub fn concat(&self, other: &Self) -> Result<Self> {
        check_widths(self, other)?;
        Ok(Self {
            values: [self.values(), other.values()].concat(),
            width: self.width,
        })
    }

    /// The mean of each column; 0 where there are no rows.
    pub fn means(&self) -> Vec<f64> {
        let mut means = vec![0.0; self.width];
        for row in self.iter() {
            means
                .iter_mut()
                .zip(row)
                .for_each(|(sum, &value)| *sum += f64::from(value));
        }
        let rows = self.rows().max(1) as f64;
        means.iter_mut().for_each(|mean| *mean /= rows);
        means
    }

    /// The standard deviation of each column (of the rows as they are: divided by their number).
    pub fn deviations(&self) -> Vec<f64> {
        let means = self.means();
        let mut sums = vec![0.0; self.width];
        for row in self.iter() {
            for ((sum, &value), mean) in sums.iter_mut().zip(row).zip(&means) {
                *sum += (f64::from(value) - mean).powi(2);
            }
        }
        let rows = self.rows().max(1) as f64;
        sums.into_iter().map(|sum| (sum / rows).sqrt()).collect()
    }

    /// Each column less `means`, divided by `deviations`; a column whose deviation is 0 is only moved.
    #[must_use]
    pub fn standardised(&self, means: &[f64], deviations: &[f64]) -> Self {
        let scale = |((&value, mean), deviation): ((&f32, &f64), &f64)| {
            let scale = if *deviation > 0.0 { *deviation } else { 1.0 };
            ((f64::from(value) - mean) / scale) as f32
        };
        let values = self
            .iter()
            .flat_map(|row| row.iter().zip(means).zip(deviations).map(scale));
        Self {
            values: values.collect(),
            width: self.width,
        }
    }
}

/// Refuses rows of two widths.
pub(crate) fn check_widths(a: &Matrix, b: &Matrix) -> Result<()> {
    match a.width() == b.width() {
        true => Ok(()),
        false => Err(Error::config(format!(
            "rows of {} values cannot be compared with rows of {}: make both of the same columns",
            a.width(),
            b.width()
        ))),
    }
}

/// Refuses fewer than `least` rows of what is called `what`.
pub(crate) fn check_rows(rows: &Matrix, least: usize, what: &str) -> Result<()> {
    match rows.rows() >= least {
        true => Ok(()),
        false => Err(Error::data(format!(
            "there are {} {what} rows, and {least} or more are needed",
            rows.rows()
        ))),
    }
}
