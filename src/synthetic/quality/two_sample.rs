//! Whether a classifier can tell synthetic rows from real ones.

use super::auc::auc;
use super::interval::{Interval, sample};
use super::logistic::Logistic;
use super::matrix::{Matrix, check_rows, check_widths};
use crate::error::Result;
use crate::rng::Rng;
use serde::{Deserialize, Serialize};

/// The classifier two-sample test (Lopez-Paz and Oquab 2017): a logistic regression learns to tell real rows from synthetic ones and is
/// asked about rows that it did not see.
///
/// As many real rows as synthetic ones are taken, standardised together, and predicted in 5 folds. A logistic regression sees differences
/// of means; give it squares and products of columns as well, and it sees those of spreads and correlations.
///
/// Folds share the rows that they are trained on, so the variances are those of independent rows times 1 + 5/4 (Nadeau and Bengio 2003).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TwoSample {
    /// The share of rows that it tells right; about 0.5 where it cannot.
    pub accuracy: Interval,
    /// The area under its ROC curve; about 0.5 where it cannot tell them apart, and far below where synthetic rows are copies, since each then stands
    /// in another fold with the other answer.
    pub auc: Interval,
}

impl TwoSample {
    const FOLDS: usize = 5;
    /// What the variance is multiplied by, because folds share rows.
    const SHARED: f64 = 1.0 + 5.0 / 4.0;

    /// The test of `real` and `synthetic` rows.
    ///
    /// # Errors
    ///
    /// `Config` where the widths differ; `Data` for fewer than 10 rows.
    pub fn of(real: &Matrix, synthetic: &Matrix, seed: u64) -> Result<Self> {
        check_widths(real, synthetic)?;
        check_rows(real, 2 * Self::FOLDS, "real")?;
        check_rows(synthetic, 2 * Self::FOLDS, "synthetic")?;
        let rows = real.rows().min(synthetic.rows());
        let mut rng = Rng::new(seed, "two-sample test", 0);
        let mut some = |all: &Matrix| all.select(&sample(&mut rng, all.rows(), rows));
        // In random order, so that each fold has rows from everywhere.
        let both = some(real).concat(&some(synthetic))?;
        let both = both.standardised(&both.means(), &both.deviations());
        let of: Vec<u32> = (0..2 * rows).map(|row| u32::from(row >= rows)).collect();
        let folds: Vec<usize> = (0..2 * rows).map(|row| row % rows % Self::FOLDS).collect();
        let odds = out_of_fold(&both, &of, &folds, Self::FOLDS);
        let right = odds
            .iter()
            .zip(&of)
            .filter(|(odds, of)| (**odds > 0.0) == (**of == 1))
            .count();
        let found = auc(&odds[rows..], &odds[..rows]);
        let wider = |end: f64| found.value + (end - found.value) * Self::SHARED.sqrt();
        Ok(Self {
            accuracy: Interval::share(right as f64 / (2 * rows) as f64, (2 * rows) as f64 / Self::SHARED),
            auc: Interval {
                value: found.value,
                low: wider(found.low),
                high: wider(found.high),
            }
            .within(0.0, 1.0),
        })
    }
}

/// For each row the score of a regression that was fitted on the rows of other folds.
pub(crate) fn out_of_fold(rows: &Matrix, of: &[u32], folds: &[usize], count: usize) -> Vec<f64> {
    let mut odds = vec![0.0; rows.rows()];
    for fold in 0..count {
        let (own, others): (Vec<usize>, Vec<usize>) = (0..rows.rows()).partition(|&row| folds[row] == fold);
        let of_others: Vec<u32> = others.iter().map(|&row| of[row]).collect();
        let fitted = Logistic::fit(&rows.select(&others), &of_others, 2, 1.0);
        own.iter().for_each(|&row| odds[row] = fitted.log_odds(rows.row(row)));
    }
    odds
}
