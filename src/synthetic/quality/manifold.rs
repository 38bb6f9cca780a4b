//! Precision, recall, density and coverage.

use super::interval::Interval;
use super::matrix::{Matrix, check_rows, check_widths};
use super::neighbours::scan;
use super::radii::squared_radii;
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// How far two sets of rows cover each other: balls around each row, up to its `k`-th nearest other row of its set, stand for where the set
/// has rows.
///
/// Precision and recall are those of Kynkäänniemi et al. (2019), density and coverage those of Naeem et al. (2020), whose package `prdc` has
/// the same values. Intervals are over rows, with the balls as they are.
///
/// ```
/// use millstream::synthetic::quality::{Manifold, Matrix};
///
/// let real = Matrix::new((0..100).map(|at| at as f32).collect(), 1)?;
/// let half = Matrix::new((0..100).map(|at| at as f32 / 2.0).collect(), 1)?;
/// let found = Manifold::of(&real, &half, Manifold::NEIGHBOURS)?;
/// assert_eq!(found.precision.value, 1.0);
/// assert!((0.5..0.6).contains(&found.coverage.value));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifold {
    /// The share of synthetic rows that lie in the ball of some real row: how many of them look real.
    pub precision: Interval,
    /// The share of real rows that lie in the ball of some synthetic row: how much of the real variety is there. One synthetic row far off
    /// has a large ball, so coverage is the better measure.
    pub recall: Interval,
    /// Balls of real rows that a synthetic row lies in, of `k`: about 1 for rows of the same distribution.
    pub density: Interval,
    /// The share of real rows whose ball holds a synthetic row.
    pub coverage: Interval,
}

impl Manifold {
    /// Default number of neighbours (Naeem et al. 2020).
    pub const NEIGHBOURS: usize = 5;

    /// The four figures of `real` and `synthetic` rows with balls to the `k`-th nearest other row.
    ///
    /// # Errors
    ///
    /// `Config` where the widths differ; `Data` for no more than `k` rows.
    pub fn of(real: &Matrix, synthetic: &Matrix, k: usize) -> Result<Self> {
        check_widths(real, synthetic)?;
        check_rows(real, k + 1, "real")?;
        check_rows(synthetic, k + 1, "synthetic")?;
        let (of_real, of_synthetic) = (squared_radii(real, k), squared_radii(synthetic, k));
        // Of each synthetic row the balls of real rows that it lies in.
        let balls = scan(
            synthetic,
            real,
            |_| 0_u32,
            |balls, _, row, square| *balls += u32::from(square < of_real[row]),
        );
        // Of each real row whether it lies in a ball, and its nearest synthetic row.
        let seen = scan(
            real,
            synthetic,
            |_| (false, f64::INFINITY),
            |(inside, least), _, row, square| {
                *inside |= square < of_synthetic[row];
                *least = square.min(*least);
            },
        );
        let (n, m) = (real.rows() as f64, synthetic.rows() as f64);
        let share = |count: usize, of: f64| Interval::share(count as f64 / of, of);
        let densities: Vec<f64> = balls.iter().map(|&balls| f64::from(balls) / k as f64).collect();
        Ok(Self {
            precision: share(balls.iter().filter(|&&balls| balls > 0).count(), m),
            recall: share(seen.iter().filter(|(inside, _)| *inside).count(), n),
            density: Interval::mean(&densities).within(0.0, f64::INFINITY),
            coverage: share(
                seen.iter()
                    .zip(&of_real)
                    .filter(|((_, least), radius)| least < *radius)
                    .count(),
                n,
            ),
        })
    }
}
