//! The kernel distance of two sets of rows.

use super::interval::{Interval, mean_and_deviation, sample};
use super::matrix::{Matrix, check_rows, check_widths};
use crate::error::Result;
use crate::rng::Rng;
use rayon::prelude::*;

/// Subsets over which the distance is averaged, and rows of each at most (Binkowski et al. 2018 have 1000; features of fewer rows are
/// compared here).
const SUBSETS: u64 = 50;
const ROWS: usize = 500;

/// The kernel distance (KID, Binkowski et al. 2018): the unbiased squared maximum mean discrepancy with the kernel `(x·y / width + 1)³`,
/// averaged over random subsets of both sets of rows. Around 0 for rows of the same distribution, whatever their number, and then below 0
/// as often as above.
///
/// The interval is by the subsets' deviation, brought to all rows.
///
/// # Errors
///
/// `Config` where the widths differ; `Data` for fewer than 4 rows.
pub fn kernel(real: &Matrix, synthetic: &Matrix, seed: u64) -> Result<Interval> {
    check_widths(real, synthetic)?;
    check_rows(real, 4, "real")?;
    check_rows(synthetic, 4, "synthetic")?;
    let rows = real.rows().min(synthetic.rows());
    let of_subset = (rows / 2).min(ROWS);
    let subset = |repetition: u64| {
        let mut rng = Rng::new(seed, "kernel distance", repetition);
        let mut some = |rows: &Matrix| rows.select(&sample(&mut rng, rows.rows(), of_subset));
        discrepancy(&some(real), &some(synthetic))
    };
    let found: Vec<f64> = (0..SUBSETS).into_par_iter().map(subset).collect();
    let (mean, deviation) = mean_and_deviation(&found);
    // How far subsets without repetition vary about the figure of all rows says how far that varies itself (Politis and Romano 1994).
    let error = deviation * (of_subset as f64 / (rows - of_subset) as f64).sqrt();
    Ok(Interval::normal(mean, error))
}

/// As [`kernel`], of all rows at once and without an interval: the unbiased estimate of the squared maximum mean discrepancy.
///
/// # Errors
///
/// `Config` where the widths differ; `Data` for fewer than 2 rows.
pub fn kernel_distance(real: &Matrix, synthetic: &Matrix) -> Result<f64> {
    check_widths(real, synthetic)?;
    check_rows(real, 2, "real")?;
    check_rows(synthetic, 2, "synthetic")?;
    Ok(discrepancy(real, synthetic))
}

fn discrepancy(x: &Matrix, y: &Matrix) -> f64 {
    let (n, m) = (x.rows() as f64, y.rows() as f64);
    let own = |rows: &Matrix| {
        let pairs = (0..rows.rows()).flat_map(|a| (0..a).map(move |b| (a, b)));
        2.0 * pairs.map(|(a, b)| cubic(rows.row(a), rows.row(b))).sum::<f64>()
    };
    let across: f64 = x.iter().map(|a| y.iter().map(|b| cubic(a, b)).sum::<f64>()).sum();
    own(x) / (n * (n - 1.0)) + own(y) / (m * (m - 1.0)) - 2.0 * across / (n * m)
}

fn cubic(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0_f64; LANES];
    let ((in_a, rest_a), (in_b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in in_a.iter().zip(in_b) {
        for lane in 0..LANES {
            sums[lane] += f64::from(a[lane]) * f64::from(b[lane]);
        }
    }
    let rest: f64 = rest_a
        .iter()
        .zip(rest_b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum();
    ((sums.iter().sum::<f64>() + rest) / a.len() as f64 + 1.0).powi(3)
}
