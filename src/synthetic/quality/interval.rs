//! Figures with their confidence intervals.

use crate::rng::Rng;
use crate::synthetic::statistical::normal::quantile;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The normal distribution's quantile for intervals of 95 %.
pub(crate) const NORMAL: f64 = 1.959_963_984_540_054;

/// A figure with its interval of 95 % confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// A figure that is known exactly.
    pub fn exact(value: f64) -> Self {
        Self {
            value,
            low: value,
            high: value,
        }
    }

    /// `value` and its standard error, by the normal distribution.
    pub fn normal(value: f64, standard_error: f64) -> Self {
        Self {
            value,
            low: value - NORMAL * standard_error,
            high: value + NORMAL * standard_error,
        }
    }

    /// A share `share` of `rows` rows (Wilson 1927). The number of rows may be a fraction, where rows that hang together count for less.
    pub fn share(share: f64, rows: f64) -> Self {
        if rows <= 0.0 {
            return Self {
                value: share,
                low: 0.0,
                high: 1.0,
            };
        }
        let z = NORMAL * NORMAL / rows;
        let middle = (share + z / 2.0) / (1.0 + z);
        let half = (share * (1.0 - share) * z + z * z / 4.0).sqrt() / (1.0 + z);
        Self {
            value: share,
            low: (middle - half).clamp(0.0, share),
            high: (middle + half).clamp(share, 1.0),
        }
    }

    /// The mean of `values`, one of each row.
    pub fn mean(values: &[f64]) -> Self {
        let (mean, deviation) = mean_and_deviation(values);
        Self::normal(mean, deviation / (values.len().max(1) as f64).sqrt())
    }

    /// The mean of a few repetitions `values`, each of which varies as the figure itself does: by Student's distribution, with their
    /// deviation as the standard error.
    pub fn repeated(values: &[f64]) -> Self {
        let (mean, deviation) = mean_and_deviation(values);
        let half = student(values.len().saturating_sub(1)) * deviation;
        Self {
            value: mean,
            low: mean - half,
            high: mean + half,
        }
    }

    /// The same figure, with both ends inside of `low..=high`.
    #[must_use]
    pub fn within(self, low: f64, high: f64) -> Self {
        Self {
            value: self.value,
            low: self.low.clamp(low, high),
            high: self.high.clamp(low, high),
        }
    }

    /// The same figure as one of `figures` that are looked at together: its ends lie further off, by the quantile of the normal distribution for 1 - 0.05 / `figures`
    /// (Bonferroni), so that all of these intervals hold their truths in 95 of 100 cases. Of one figure it is the interval as it is.
    ///
    /// ```
    /// use millstream::synthetic::quality::Interval;
    ///
    /// let alone = Interval::normal(0.5, 0.1);
    /// let among = alone.among(2);
    /// assert!((among.high - (0.5 + 2.241403 * 0.1)).abs() < 1e-6);
    /// assert_eq!(alone.among(1), alone);
    /// ```
    #[must_use]
    pub fn among(self, figures: usize) -> Self {
        if figures < 2 {
            return self;
        }
        let further = quantile(1.0 - 0.025 / figures as f64) / NORMAL;
        Self {
            value: self.value,
            low: self.value - further * (self.value - self.low),
            high: self.value + further * (self.high - self.value),
        }
    }

    /// What `map`, which rises or falls throughout, makes of the figure and its ends.
    #[must_use]
    pub fn map(self, map: impl Fn(f64) -> f64) -> Self {
        let (low, high) = (map(self.low), map(self.high));
        Self {
            value: map(self.value),
            low: low.min(high),
            high: low.max(high),
        }
    }

    /// Whether it has a number: a figure of nothing has none.
    pub fn is_known(&self) -> bool {
        self.value.is_finite()
    }
}

impl fmt::Display for Interval {
    /// `0.512 [0.480, 0.544]`, with `{:.2}` two digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        match self.is_known() {
            true => write!(
                f,
                "{:.digits$} [{:.digits$}, {:.digits$}]",
                self.value, self.low, self.high
            ),
            false => f.write_str("-"),
        }
    }
}

/// The mean and the standard deviation (of the sample: divided by one less than their number).
pub(crate) fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let rows = values.len() as f64;
    if values.is_empty() {
        return (f64::NAN, f64::NAN);
    }
    let mean = values.iter().sum::<f64>() / rows;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (rows - 1.0).max(1.0)).sqrt())
}

/// The quantile of Student's distribution for intervals of 95 %, from Hill's expansion of the normal one: to 1 % from 3 degrees on.
fn student(degrees: usize) -> f64 {
    match degrees {
        0 => f64::INFINITY,
        1 => 12.706,
        2 => 4.303,
        degrees => {
            let (z, n) = (NORMAL, degrees as f64);
            let (z3, z5, z7) = (z.powi(3), z.powi(5), z.powi(7));
            z + (z3 + z) / (4.0 * n)
                + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * n * n)
                + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * n * n * n)
        }
    }
}

/// `count` of `0..rows` without repetition, in random order; all where there are fewer.
pub(crate) fn sample(rng: &mut Rng, rows: usize, count: usize) -> Vec<usize> {
    let mut all: Vec<usize> = (0..rows).collect();
    let count = count.min(rows);
    for at in 0..count {
        let other = at + rng.below((rows - at) as u64) as usize;
        all.swap(at, other);
    }
    all.truncate(count);
    all
}

/// The standard error of a figure of rows by random halves of them (the delete-half jackknife, Shao and Wu 1989): how far figures of
/// halves vary about their own mean is how far the figure of all rows does. Unlike the bootstrap no row comes twice, which figures of near
/// rows and of covariances would take for structure. `figure` is told which repetition it is.
pub(crate) fn error_of_halves(repetitions: u64, figure: impl Fn(u64) -> f64 + Sync) -> f64 {
    let values: Vec<f64> = (0..repetitions).into_par_iter().map(&figure).collect();
    let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    match values.len() {
        0 | 1 => f64::NAN,
        _ => mean_and_deviation(&values).1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `statsmodels.stats.proportion.proportion_confint(.., method="wilson")` and `scipy.stats.t.ppf(0.975, ..)`.
    #[test]
    fn intervals_are_those_of_the_books() {
        let found = Interval::share(0.2, 50.0);
        assert!(
            (found.low - 0.112_436).abs() < 1e-5 && (found.high - 0.330_381).abs() < 1e-5,
            "{found:?}"
        );
        let none = Interval::share(0.0, 10.0);
        assert!(none.low == 0.0 && (none.high - 0.277_533).abs() < 1e-5, "{none:?}");
        for (degrees, expected) in [(3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423)] {
            assert!((student(degrees) / expected - 1.0).abs() < 0.01, "{degrees}");
        }
    }

    #[test]
    fn a_sample_has_no_row_twice() {
        let mut found = sample(&mut Rng::new(1, "sample", 0), 50, 20);
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 20);
        assert_eq!(sample(&mut Rng::new(1, "sample", 0), 3, 20).len(), 3);
    }
}
