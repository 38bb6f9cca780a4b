//! Features of one scale.

use super::features::Extractor;
use crate::columns::{index_of, into_list, tensor_values};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::rows::Cached;
use arrow::array::RecordBatch;
use std::sync::Arc;

/// Features with mean 0 and deviation 1, each dimension for itself, and what that took.
#[derive(Clone, Debug)]
pub struct Standardised {
    /// The rows, under the same names.
    pub rows: Arc<Cached>,
    /// Mean of each feature over all rows and views.
    pub mean: Vec<f32>,
    /// Standard deviation of each feature; 1 where it is constant.
    pub std: Vec<f32>,
}

impl Standardised {
    /// Standardises `features` by their own mean and deviation: give it training rows only.
    ///
    /// # Errors
    ///
    /// `Schema` where there is no column `features`.
    pub fn new(features: Cached) -> Result<Self> {
        let (rows, at) = (
            features.rows().clone(),
            index_of(&features.rows().schema(), Extractor::COLUMN)?,
        );
        let (_, values, width) =
            tensor_values(rows.column(at)).ok_or_else(|| Error::schema("\"features\" is no tensor of f32"))?;
        let (mean, std) = moments(values.values(), width);
        let rows = standardised(&rows, &mean, &std)?;
        let rows = Cached::new(Arc::new(features), rows, Plan::new("standardise"))?;
        Ok(Self {
            rows: Arc::new(rows),
            mean,
            std,
        })
    }

    /// `rows`, which are features like those that were standardised, by the same mean and deviation.
    ///
    /// # Errors
    ///
    /// `Schema` where there is no column `features`, or one of another width.
    pub(crate) fn like(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        standardised(rows, &self.mean, &self.std)
    }
}

/// `rows`, each feature in deviations `std` from `mean`.
fn standardised(rows: &RecordBatch, mean: &[f32], std: &[f32]) -> Result<RecordBatch> {
    let at = index_of(&rows.schema(), Extractor::COLUMN)?;
    let tensors = tensor_values(rows.column(at)).filter(|(.., width)| *width == mean.len());
    let (_, values, width) =
        tensors.ok_or_else(|| Error::schema(format!("\"features\" is no tensor of {} f32", mean.len())))?;
    let standardised = values.values().chunks_exact(width.max(1)).flat_map(|row| {
        row.iter()
            .zip(mean.iter().zip(std))
            .map(|(&value, (&mean, &std))| standard(value, mean, std))
    });
    let column = into_list(rows.schema().field(at), standardised.collect::<Vec<_>>())?;
    let mut columns = rows.columns().to_vec();
    columns[at] = column;
    Ok(RecordBatch::try_new(rows.schema(), columns)?)
}

/// `value` in deviations from the mean: at most the root of the number of rows, however large the numbers themselves are.
fn standard(value: f32, mean: f32, std: f32) -> f32 {
    let apart = value - mean;
    if apart.is_finite() {
        return apart / std;
    }
    ((f64::from(value) - f64::from(mean)) / f64::from(std)) as f32
}

/// Mean and deviation of each of `width` features over the rows of `values`.
fn moments(values: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut sum, mut squares) = (vec![0.0_f64; width], vec![0.0_f64; width]);
    let n = (values.len() / width).max(1) as f64;
    for row in values.chunks_exact(width) {
        sum.iter_mut()
            .zip(row)
            .for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let mean: Vec<f64> = sum.iter().map(|sum| sum / n).collect();
    for row in values.chunks_exact(width) {
        let both = squares.iter_mut().zip(row.iter().zip(&mean));
        both.for_each(|(square, (&value, mean))| *square += (f64::from(value) - mean).powi(2));
    }
    // The mean of equal numbers may be off by their last bit, which is no deviation.
    let first = &values[..width.min(values.len())];
    let constant = |at: usize| values.iter().skip(at).step_by(width).all(|value| *value == first[at]);
    let std = squares.iter().enumerate().map(|(at, square)| {
        let std = (square / n).sqrt() as f32;
        if std > 0.0 && !constant(at) { std } else { 1.0 }
    });
    (mean.iter().map(|&mean| mean as f32).collect(), std.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardised_numbers_are_finite_however_large() {
        let (large, small) = (f32::MAX, f32::MIN_POSITIVE);
        // One feature a column: from end to end of f32, tiny, constant, and of the ordinary kind.
        let rows = [
            [large, 0.0, 0.1, 1.0],
            [-large, small, 0.1, 2.0],
            [-large, 0.0, 0.1, 6.0],
        ];
        let (mean, std) = moments(&rows.concat(), 4);
        assert_eq!((mean[3], std[2], std[3]), (3.0, 1.0, (14.0_f32 / 3.0).sqrt()));
        let root = 3.0_f32.sqrt();
        for row in rows {
            for at in 0..4 {
                let found = standard(row[at], mean[at], std[at]);
                assert!(found.abs() <= root, "{at}: {found}");
            }
        }
        assert_eq!(standard(0.1, mean[2], std[2]), 0.0);
    }
}
