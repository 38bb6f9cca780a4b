//! What one cell of an ablation came to.

use crate::report::Confusion;
use serde::{Deserialize, Serialize};

/// The figures of a classifier on test rows, each in `0..=1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The mean recall over the classes that have test rows.
    pub balanced_accuracy: f64,
    /// The mean F1 over the classes.
    pub macro_f1: f64,
    /// The geometric mean of the recalls of the classes that have test rows: 0 where one class is never recognised (imbalanced-learn's
    /// `geometric_mean_score`).
    pub geometric_mean: f64,
    /// The mean recall over the third of the classes with the fewest training rows, at least one class. Of equally rare classes the
    /// earlier one counts.
    pub rarest_third: f64,
}

impl Figures {
    /// Their names, in the order of [`values`](Self::values).
    pub const NAMES: [&str; 4] = ["balanced_accuracy", "macro_f1", "geometric_mean", "rarest_third"];

    /// The figures of truth against prediction, where the classes have so many training rows.
    ///
    /// ```
    /// use millstream::ablation::Figures;
    /// use millstream::report::Confusion;
    ///
    /// let confusion = Confusion::try_from(vec![vec![8, 2], vec![6, 2]]).unwrap();
    /// let figures = Figures::of(&confusion, &[90, 10]);
    /// assert_eq!(figures.balanced_accuracy, (0.8 + 0.25) / 2.0);
    /// assert!((figures.geometric_mean - 0.2_f64.sqrt()).abs() < 1e-12);
    /// assert_eq!(figures.rarest_third, 0.25);
    /// ```
    pub fn of(confusion: &Confusion, counts: &[u64]) -> Self {
        let recalls = confusion.recalls();
        let tested: Vec<f64> = recalls.iter().copied().flatten().collect();
        let logs: f64 = tested.iter().map(|recall| recall.ln()).sum();
        let rarest: Vec<f64> = rarest_third(counts)
            .into_iter()
            .filter_map(|class| recalls.get(class).copied().flatten())
            .collect();
        Self {
            balanced_accuracy: confusion.balanced_accuracy(),
            macro_f1: confusion.macro_f1(),
            geometric_mean: match tested.is_empty() {
                true => 0.0,
                false => (logs / tested.len() as f64).exp(),
            },
            rarest_third: mean(&rarest),
        }
    }

    /// The mean of each figure.
    pub(super) fn mean(of: &[Self]) -> Self {
        Self::over(of, mean)
    }

    /// What `summary` makes of the values of each figure.
    pub(super) fn over(of: &[Self], summary: impl Fn(&[f64]) -> f64) -> Self {
        let over = |figure: usize| summary(&of.iter().map(|figures| figures.values()[figure]).collect::<Vec<_>>());
        Self {
            balanced_accuracy: over(0),
            macro_f1: over(1),
            geometric_mean: over(2),
            rarest_third: over(3),
        }
    }

    /// The values, in the order of [`NAMES`](Self::NAMES).
    pub fn values(&self) -> [f64; 4] {
        [
            self.balanced_accuracy,
            self.macro_f1,
            self.geometric_mean,
            self.rarest_third,
        ]
    }
}

/// The third of the classes with the fewest training rows, of those that have any, rarest first; one class at least.
pub(super) fn rarest_third(counts: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..counts.len()).filter(|&class| counts[class] > 0).collect();
    order.sort_by_key(|&class| counts[class]);
    order.truncate((order.len() / 3).max(1));
    order
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / (values.len() as f64).max(1.0)
}

/// The deviation of `values` with `n - 1`; `None` for fewer than two.
pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recalls 9/10, 4/8, 3/4 and 1/5.
    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let rows = vec![vec![9, 1, 0, 0], vec![3, 4, 1, 0], vec![0, 1, 3, 0], vec![0, 3, 1, 1]];
        let confusion = Confusion::try_from(rows).unwrap();
        let figures = Figures::of(&confusion, &[100, 50, 10, 4]);
        let close = |ours: f64, theirs: f64| assert!((ours - theirs).abs() < 1e-12, "{ours} and {theirs}");
        close(figures.balanced_accuracy, (0.9 + 0.5 + 0.75 + 0.2) / 4.0);
        // 2 right / (rows + predictions): 18/22, 8/17, 6/9, 2/6.
        let f1 = [18.0 / 22.0, 8.0 / 17.0, 6.0 / 9.0, 2.0 / 6.0];
        close(figures.macro_f1, f1.iter().sum::<f64>() / 4.0);
        close(figures.geometric_mean, (0.9_f64 * 0.5 * 0.75 * 0.2).powf(0.25));
        // A third of four classes is one: the last.
        close(figures.rarest_third, 0.2);
        // Of ten classes three, and of equally rare ones the earlier.
        assert_eq!(rarest_third(&[9, 1, 9, 1, 9, 9, 1, 1, 9, 9]), [1, 3, 6]);
        assert_eq!(rarest_third(&[5, 0, 3]), [2]);
    }

    #[test]
    fn a_class_that_is_never_recognised_and_one_without_rows() {
        let confusion = Confusion::try_from(vec![vec![5, 0, 0], vec![2, 0, 0], vec![0, 0, 0]]).unwrap();
        let figures = Figures::of(&confusion, &[10, 5, 1]);
        assert_eq!(figures.values(), [0.5, (10.0 / 12.0 + 0.0) / 2.0, 0.0, 0.0]);
        assert_eq!(deviation(&[1.0, 3.0]), Some(2.0_f64.sqrt()));
        assert_eq!(deviation(&[1.0]), None);
    }
}
