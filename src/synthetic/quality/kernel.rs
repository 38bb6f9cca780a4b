//! The kernel distance of two sets of rows.

use super::interval::{Interval, mean_and_deviation, sample};
use super::matrix::{Matrix, check_rows, check_widths};
use crate::error::Result;
use crate::rng::Rng;
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

/// Subsets over which the distance is averaged, and rows of each at most (Binkowski et al. 2018 have 1000; features of fewer rows are
/// compared here).
const SUBSETS: u64 = 50;
const ROWS: usize = 500;
/// Rows of each set of which subsets are drawn: all pairs are kept.
const MOST: usize = 1500;

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
    let mut rng = Rng::new(seed, "kernel distance: rows", 0);
    let mut some = |rows: &Matrix| rows.select(&sample(&mut rng, rows.rows(), MOST));
    let products = Products::of(&some(real), &some(synthetic));
    let rows = products.rows.iter().copied().min().unwrap_or(0);
    let of_subset = (rows / 2).min(ROWS);
    let subset = |repetition: u64| {
        let mut rng = Rng::new(seed, "kernel distance", repetition);
        let some = products.rows.map(|rows| sample(&mut rng, rows, of_subset));
        products.discrepancy(&some)
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
    let products = Products::of(real, synthetic);
    Ok(products.discrepancy(&products.rows.map(|rows| (0..rows).collect())))
}

/// The kernel of all pairs of rows.
struct Products {
    rows: [usize; 2],
    own: [Vec<f64>; 2],
    across: Vec<f64>,
}

impl Products {
    fn of(x: &Matrix, y: &Matrix) -> Self {
        Self {
            rows: [x.rows(), y.rows()],
            own: [all(x, x), all(y, y)],
            across: all(x, y),
        }
    }

    /// Of some rows of both.
    fn discrepancy(&self, [x, y]: &[Vec<usize>; 2]) -> f64 {
        let mean = |own: &[f64], width: usize, rows: &[usize]| {
            let others = |&a: &usize| rows.iter().filter(move |&&b| b != a).map(move |&b| own[a * width + b]);
            let sum: f64 = rows.iter().flat_map(others).sum();
            sum / (rows.len() * (rows.len() - 1)) as f64
        };
        let pairs = x
            .iter()
            .map(|&a| y.iter().map(|&b| self.across[a * self.rows[1] + b]).sum::<f64>());
        let across = pairs.sum::<f64>() / (x.len() * y.len()) as f64;
        mean(&self.own[0], self.rows[0], x) + mean(&self.own[1], self.rows[1], y) - 2.0 * across
    }
}

fn all(x: &Matrix, y: &Matrix) -> Vec<f64> {
    let arch = Arch::new();
    let row = |at: usize| {
        arch.dispatch(Cubic {
            own: x.row(at),
            others: y,
        })
    };
    (0..x.rows()).into_par_iter().map(row).collect::<Vec<_>>().concat()
}

/// The kernel of one row and all others.
struct Cubic<'a> {
    own: &'a [f32],
    others: &'a Matrix,
}

impl NullaryFnOnce for Cubic<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn call(self) -> Vec<f64> {
        self.others.iter().map(|other| cubic(self.own, other)).collect()
    }
}

#[inline(always)]
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
