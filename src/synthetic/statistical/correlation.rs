//! Correlations of normal scores, and their factors.

use super::normal::quantile;

/// The normal scores of `values`, `quantile((rank - 0.5) / n)` with the mean rank of equal ones; 0 for NaN, which is no value.
pub(super) fn scores(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&at| !values[at].is_nan()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut scores, mut before, count) = (vec![0.0; values.len()], 0, order.len() as f64);
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // Ranks are before + 1 to before + len, so that the mean of `rank - 0.5` is this.
        let middle = before as f64 + equal.len() as f64 / 2.0;
        let score = match equal.len() == order.len() {
            true => 0.0,
            false => quantile(middle / count),
        };
        equal.iter().for_each(|&at| scores[at] = score);
        before += equal.len();
    }
    scores
}

/// The sum of squares of the scores of `count` values that all differ.
pub(super) fn squares(count: usize) -> f64 {
    let score = |at: usize| quantile((at as f64 + 0.5) / count as f64);
    (0..count).map(score).map(|score| score * score).sum()
}

/// A symmetric matrix, of which the lower half is kept, row after row.
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    pub(super) size: usize,
    pub(super) lower: Vec<f64>,
}

impl Symmetric {
    pub(super) fn zero(size: usize) -> Self {
        Self {
            size,
            lower: vec![0.0; size * (size + 1) / 2],
        }
    }

    pub(super) fn get(&self, row: usize, column: usize) -> f64 {
        let (low, high) = (row.min(column), row.max(column));
        self.lower[high * (high + 1) / 2 + low]
    }

    /// Adds `factor` times `other`.
    pub(super) fn add(&mut self, other: &Self, factor: f64) {
        for (own, other) in self.lower.iter_mut().zip(&other.lower) {
            *own += factor * other;
        }
    }

    /// The correlations of the normal variables behind scores with these sums of products, where values that all differ have the sum of squares
    /// `whole`. Equal values and nulls take of the variance of scores, and so of their correlations with others: that is put right, as far as
    /// correlations are possible then.
    pub(super) fn correlations(&self, whole: f64) -> Self {
        /// Steps back from correlations that are not possible.
        const STEPS: u32 = 16;
        let plain = self.normalized(|_| 1.0);
        // The deviation of a score, of 1 where all values differ.
        let deviation = |at: usize| (self.get(at, at) / whole).sqrt().clamp(0.1, 1.0);
        let right = self.normalized(deviation);
        let between = |t: f64| {
            let values = plain.lower.iter().zip(&right.lower);
            Self {
                size: self.size,
                lower: values.map(|(plain, right)| plain + (right - plain) * t).collect(),
            }
        };
        let mut steps = (1..=STEPS)
            .rev()
            .map(|step| between(f64::from(step) / f64::from(STEPS)));
        let found = steps.find(Self::is_possible);
        drop(steps);
        found.unwrap_or(plain)
    }

    /// As correlations, each over the deviations of its two variables; of what never varies 0, and 1 with itself.
    fn normalized(&self, deviation: impl Fn(usize) -> f64) -> Self {
        /// The largest correlation that comes of a deviation below 1.
        const MOST: f64 = 0.98;
        let norms: Vec<f64> = (0..self.size).map(|at| self.get(at, at).sqrt()).collect();
        let deviations: Vec<f64> = (0..self.size).map(deviation).collect();
        let mut lower = Vec::with_capacity(self.lower.len());
        for row in 0..self.size {
            for column in 0..=row {
                let norm = norms[row] * norms[column];
                if row == column || norm == 0.0 {
                    lower.push(f64::from(u8::from(row == column)));
                    continue;
                }
                let plain = self.get(row, column) / norm;
                let right = plain / (deviations[row] * deviations[column]);
                lower.push(right.clamp(-MOST.max(plain.abs()), MOST.max(plain.abs())));
            }
        }
        Self { size: self.size, lower }
    }

    /// Whether there are variables with these correlations.
    fn is_possible(&self) -> bool {
        self.clone().factored().1
    }

    /// The lower factor `L` of `L L^T` (Cholesky). Columns that follow from others have a rest of 0, up to rounding, which stays 0.
    pub(super) fn factor(self) -> Self {
        self.factored().0
    }

    /// The factor, and whether it gives the matrix.
    fn factored(mut self) -> (Self, bool) {
        /// What is left of a variance of 1 by rounding alone.
        const REST: f64 = 1e-10;
        let mut is_whole = true;
        for row in 0..self.size {
            let (above, own) = self.lower.split_at_mut(row * (row + 1) / 2);
            for column in 0..row {
                let start = column * (column + 1) / 2;
                let known: f64 = own[..column]
                    .iter()
                    .zip(&above[start..start + column])
                    .map(|(a, b)| a * b)
                    .sum();
                let pivot = above[start + column];
                let rest = own[column] - known;
                is_whole &= pivot > 0.0 || rest.abs() < REST.sqrt();
                own[column] = if pivot > 0.0 { rest / pivot } else { 0.0 };
            }
            let known: f64 = own[..row].iter().map(|value| value * value).sum();
            let rest = own[row] - known;
            is_whole &= rest > -REST;
            own[row] = if rest > REST { rest.sqrt() } else { 0.0 };
        }
        (self, is_whole)
    }
}

/// A lower half of a matrix, row after row, times `draws`.
pub(super) fn lower_times(lower: &[f64], draws: &[f64]) -> Vec<f64> {
    let row = |row: usize| {
        let start = row * (row + 1) / 2;
        lower[start..=start + row].iter().zip(draws).map(|(a, b)| a * b).sum()
    };
    (0..draws.len()).map(row).collect()
}

/// Row `row` of the lower half of the sums of products of each two of `columns`.
pub(super) fn products_of(columns: &[Vec<f64>], row: usize) -> Vec<f64> {
    let of = |other: &Vec<f64>| columns[row].iter().zip(other).map(|(a, b)| a * b).sum();
    columns[..=row].iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(columns: &[&[f64]]) -> (Symmetric, f64) {
        let scores: Vec<Vec<f64>> = columns.iter().map(|values| scores(values)).collect();
        let lower = (0..scores.len()).flat_map(|row| products_of(&scores, row)).collect();
        let size = scores.len();
        (Symmetric { size, lower }, squares(columns[0].len()))
    }

    #[test]
    fn equal_values_do_not_weaken_correlations_and_what_comes_of_it_is_possible() {
        let whole: Vec<f64> = (0..64).map(f64::from).collect();
        let half: Vec<f64> = whole.iter().map(|value| f64::from(u8::from(*value >= 32.0))).collect();
        let other: Vec<f64> = (0..64).map(|at| f64::from((at * 37) % 64)).collect();
        let (sums, squares) = of(&[&whole, &half]);
        let plain = sums.get(0, 1) / (sums.get(0, 0) * sums.get(1, 1)).sqrt();
        // Of a normal variable and its sign: the root of 2 / pi.
        assert!((plain - 0.8).abs() < 0.01, "{plain}");
        let found = sums.correlations(squares);
        // Not more than 1: it is the same variable.
        assert_eq!(found.get(0, 1), 0.98);
        // Values that all differ are as they are.
        let (sums, squares) = of(&[&whole, &other]);
        let found = sums.correlations(squares);
        let plain = sums.get(0, 1) / (sums.get(0, 0) * sums.get(1, 1)).sqrt();
        assert!((found.get(0, 1) - plain).abs() < 1e-12);
        // A flag of two columns that have little in common: it goes with both, but not as much as each alone would say.
        let both: Vec<f64> = whole
            .iter()
            .zip(&other)
            .map(|(a, b)| f64::from(u8::from(a + b > 70.0)))
            .collect();
        let (sums, squares) = of(&[&whole, &other, &both, &half]);
        let found = sums.correlations(squares);
        let factor = found.clone().factor();
        let at = |row: usize, column: usize| factor.lower[row * (row + 1) / 2 + column];
        for row in 0..4 {
            for column in 0..=row {
                let product: f64 = (0..=column).map(|k| at(row, k) * at(column, k)).sum();
                assert!(
                    (product - found.get(row, column)).abs() < 1e-9,
                    "{row}, {column}: {product}"
                );
            }
        }
    }

    #[test]
    fn what_never_varies_goes_with_nothing() {
        let (sums, squares) = of(&[&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0], &[f64::NAN, 5.0, 4.0]]);
        let found = sums.correlations(squares);
        assert_eq!((found.get(0, 0), found.get(0, 1), found.get(0, 2)), (1.0, 0.0, 0.0));
        assert!(found.get(1, 2) < -0.5, "{}", found.get(1, 2));
        assert_eq!(scores(&[f64::NAN, 5.0, 4.0])[0], 0.0);
    }
}
