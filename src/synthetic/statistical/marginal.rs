//! How the values of one column are distributed in one class.

use serde::{Deserialize, Serialize};

/// The distribution of one number of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Marginal {
    /// Of numbers: evenly spaced quantiles, the least and the largest value among them.
    Quantiles(Vec<f64>),
    /// Of categories: the share of each and all before it. Empty where the column has no value in the class.
    Shares(Vec<f64>),
}

/// Quantiles of a column of more values than this are kept in place of the values.
const MOST: usize = 2048;

impl Marginal {
    /// Of `values`, of which NaN is no value.
    pub(super) fn of_numbers(values: &[f64]) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        sorted.sort_by(f64::total_cmp);
        if sorted.first() == sorted.last() {
            sorted.truncate(1);
        }
        if sorted.len() <= MOST {
            return Self::Quantiles(sorted);
        }
        // Quantiles of the same plotting positions: the ends are those of the values.
        let at = |i: usize| between(&sorted, (i as f64 + 0.5) / MOST as f64);
        let mut few: Vec<f64> = (0..MOST).map(at).collect();
        few[0] = sorted[0];
        few[MOST - 1] = sorted[sorted.len() - 1];
        Self::Quantiles(few)
    }

    /// Of categories numbered from 0 to below `count`.
    pub(super) fn of_categories(codes: impl Iterator<Item = usize>, count: usize) -> Self {
        let mut counts = vec![0_u64; count];
        codes.for_each(|code| counts[code] += 1);
        let all: u64 = counts.iter().sum();
        let mut before = 0;
        let share = |count: u64| {
            before += count;
            before as f64 / all as f64
        };
        Self::Shares(match all {
            0 => Vec::new(),
            _ => counts.into_iter().map(share).collect(),
        })
    }

    /// Numbers that it consists of.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Quantiles(values) | Self::Shares(values) => values.len(),
        }
    }

    /// The value below which a share `u` of the distribution lies: of numbers linear between the values, which have the shares `(i + 0.5) / n`
    /// below them (numpy's `hazen`), and never beyond them; of categories the number of the one.
    pub(super) fn value(&self, u: f64) -> f64 {
        match self {
            Self::Quantiles(sorted) => between(sorted, u),
            // Categories without a row have no interval.
            Self::Shares(shares) => {
                let last = shares.iter().position(|&share| share >= 1.0).unwrap_or(0);
                shares.partition_point(|&share| share <= u).min(last) as f64
            }
        }
    }
}

fn between(sorted: &[f64], u: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let exact = (u * sorted.len() as f64 - 0.5).clamp(0.0, last as f64);
    let low = exact as usize;
    let (a, b) = (sorted[low], sorted[(low + 1).min(last)]);
    let t = exact - low as f64;
    // Both forms stay between the two, also where their distance is beyond the largest number.
    let whole = b - a;
    let value = if whole.is_finite() {
        a + whole * t
    } else {
        a * (1.0 - t) + b * t
    };
    value.clamp(a, b)
}
