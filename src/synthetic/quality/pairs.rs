//! Pairs of columns: whether they hang together as the real ones.

/// How like the correlations of two pairs of columns are: 1 less half the difference of Pearson's correlations. SDMetrics'
/// `CorrelationSimilarity` has the same values.
///
/// `None` where a column does not vary, which has no correlation.
///
/// ```
/// use millstream::synthetic::quality::correlation_similarity;
///
/// let (up, down) = ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]);
/// assert!(correlation_similarity([&up, &up], [&up, &down]).unwrap() < 1e-12);
/// assert_eq!(correlation_similarity([&up, &down], [&up, &down]), Some(1.0));
/// ```
pub fn correlation_similarity(real: [&[f64]; 2], synthetic: [&[f64]; 2]) -> Option<f64> {
    Some(1.0 - (correlation(real)? - correlation(synthetic)?).abs() / 2.0)
}

/// Pearson's correlation of the rows in which both are numbers; `None` where one does not vary.
pub(crate) fn correlation([a, b]: [&[f64]; 2]) -> Option<f64> {
    let pairs = || a.iter().zip(b).filter(|(a, b)| a.is_finite() && b.is_finite());
    let rows = pairs().count() as f64;
    let mean = |sum: f64| sum / rows;
    let (of_a, of_b) = (
        mean(pairs().map(|pair| pair.0).sum()),
        mean(pairs().map(|pair| pair.1).sum()),
    );
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (a, b) in pairs() {
        let (a, b) = (a - of_a, b - of_b);
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    (aa > 0.0 && bb > 0.0).then(|| (ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0))
}

/// How like the shares of pairs of categories are: 1 less half the sum of their differences. SDMetrics' `ContingencySimilarity` has the
/// same values. `None` where there are no rows.
///
/// ```
/// use millstream::synthetic::quality::contingency_similarity;
///
/// let found = contingency_similarity([&[0, 0, 1, 1], &[0, 0, 1, 1]], [&[0, 0, 1, 1], &[0, 1, 0, 1]]);
/// assert_eq!(found, Some(0.5));
/// ```
pub fn contingency_similarity(real: [&[u32]; 2], synthetic: [&[u32]; 2]) -> Option<f64> {
    let most = |at: usize| {
        real[at]
            .iter()
            .chain(synthetic[at])
            .max()
            .map_or(0, |&most| most as usize + 1)
    };
    let (rows, columns) = (most(0), most(1));
    let shares = |[a, b]: [&[u32]; 2]| {
        let mut counts = std::collections::BTreeMap::new();
        a.iter()
            .zip(b)
            .for_each(|(&a, &b)| *counts.entry(a as usize * columns + b as usize).or_insert(0.0) += 1.0);
        let all = a.len().min(b.len()) as f64;
        counts.values_mut().for_each(|count| *count /= all);
        counts
    };
    if real[0].is_empty() || synthetic[0].is_empty() || rows == 0 {
        return None;
    }
    let (a, b) = (shares(real), shares(synthetic));
    let only_b: f64 = b
        .iter()
        .filter(|(cell, _)| !a.contains_key(cell))
        .map(|(_, share)| share)
        .sum();
    let both: f64 = a
        .iter()
        .map(|(cell, share)| (share - b.get(cell).unwrap_or(&0.0)).abs())
        .sum();
    Some(1.0 - (both + only_b) / 2.0)
}

/// Numbers as categories: which of ten bins of equal width between the least and the largest *real* number they lie in; 0 for what lies
/// below and what is no number, the last for what lies above. SDMetrics' bins in pairs of a number and a category.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    low: f64,
    width: f64,
}

impl Bins {
    /// Number of bins.
    pub const COUNT: u32 = 10;

    /// The bins of `real` numbers.
    pub fn of(real: &[f64]) -> Self {
        let finite = || real.iter().copied().filter(|value| value.is_finite());
        let (low, high) = (
            finite().fold(f64::INFINITY, f64::min),
            finite().fold(f64::NEG_INFINITY, f64::max),
        );
        match low < high {
            true => Self {
                low,
                width: (high - low) / f64::from(Self::COUNT),
            },
            // As numpy's histogram of one value: half a unit on both sides.
            false => Self {
                low: if low.is_finite() { low - 0.5 } else { -0.5 },
                width: 1.0 / f64::from(Self::COUNT),
            },
        }
    }

    /// The bin of `value`.
    pub fn bin(&self, value: f64) -> u32 {
        let above = (1..Self::COUNT).filter(|&edge| value >= self.low + f64::from(edge) * self.width);
        above.count() as u32
    }
}
