//! The Fréchet distance of two sets of rows.

use super::interval::{Interval, error_of_halves, sample};
use super::linear_algebra::Dense;
use super::matrix::{Matrix, check_rows, check_widths};
use crate::error::Result;
use crate::rng::Rng;

/// Halves of the rows by which the interval is estimated.
const HALVES: u64 = 12;

/// The squared Fréchet distance of two normal distributions with the means and covariances of the rows (Dowson and Landau 1982; of
/// Inception's features Heusel et al. 2017 call it FID), of [`frechet_distance`] with an interval.
///
/// The figure grows as rows become fewer, so only figures of as many rows may be compared. The interval is by random halves of both sets.
///
/// # Errors
///
/// As [`frechet_distance`]; `Data` also for fewer than 4 rows.
pub fn frechet(real: &Matrix, synthetic: &Matrix, seed: u64) -> Result<Interval> {
    check_rows(real, 4, "real")?;
    check_rows(synthetic, 4, "synthetic")?;
    let value = frechet_distance(real, synthetic)?;
    let error = error_of_halves(HALVES, |repetition| {
        let mut rng = Rng::new(seed, "frechet", repetition);
        let mut half = |rows: &Matrix| rows.select(&sample(&mut rng, rows.rows(), rows.rows() / 2));
        frechet_distance(&half(real), &half(synthetic)).unwrap_or(f64::NAN)
    });
    Ok(Interval::normal(value, error).within(0.0, f64::INFINITY))
}

/// `|m - n|² + tr(A + B - 2 (A B)^(1/2))` for the means `m` and `n` and the covariances `A` and `B` (of the sample) of two sets of rows.
///
/// The trace of the root is the sum of the singular values of `X Yᵀ`, where `XᵀX = A` and `YᵀY = B`: the centred rows themselves where
/// they are fewer than columns, else a Cholesky factor. So no root of a matrix is taken that has none.
///
/// ```
/// use millstream::synthetic::quality::{Matrix, frechet_distance};
///
/// let a = Matrix::new(vec![0.0, 1.0, 2.0], 1)?;
/// let b = Matrix::new(vec![3.0, 4.0, 5.0], 1)?;
/// assert!((frechet_distance(&a, &b)? - 9.0).abs() < 1e-12);
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Config` where the widths differ; `Data` for fewer than 2 rows.
pub fn frechet_distance(real: &Matrix, synthetic: &Matrix) -> Result<f64> {
    check_widths(real, synthetic)?;
    check_rows(real, 2, "real")?;
    check_rows(synthetic, 2, "synthetic")?;
    let means = real.means().into_iter().zip(synthetic.means());
    let apart: f64 = means.map(|(a, b)| (a - b).powi(2)).sum();
    let (x, y) = (Spread::of(real), Spread::of(synthetic));
    let root = x.factor.times_transposed(&y.factor).nuclear_norm();
    Ok((apart + x.trace + y.trace - 2.0 * root).max(0.0))
}

/// The covariance of some rows.
struct Spread {
    /// XᵀX is the covariance.
    factor: Dense,
    trace: f64,
}

impl Spread {
    fn of(rows: &Matrix) -> Self {
        let (means, scale) = (rows.means(), ((rows.rows() - 1) as f64).sqrt().recip());
        let centred = rows.iter().flat_map(|row| {
            row.iter()
                .zip(&means)
                .map(|(&value, mean)| (f64::from(value) - mean) * scale)
        });
        let centred = Dense {
            values: centred.collect(),
            columns: rows.width(),
        };
        let trace = centred.values.iter().map(|value| value * value).sum();
        let factor = match rows.rows() <= rows.width() {
            true => centred,
            false => {
                let turned = centred.transposed();
                turned.times_transposed(&turned).cholesky()
            }
        };
        Self { factor, trace }
    }
}
