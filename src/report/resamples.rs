//! Standard errors of any figure: the bootstrap.

use crate::rng::Rng;

/// Bootstrap samples of rows (Efron 1979): how often each row counts in each of 200 draws of as many rows as there are, with
/// replacement and a fixed seed, so that the same rows give the same standard errors.
///
/// ```
/// use millstream::report::Resamples;
///
/// let values = [1.0, 2.0, 4.0, 9.0];
/// let mean = |weights: &[u32]| {
///     let sum: f64 = weights.iter().zip(values).map(|(&weight, value)| f64::from(weight) * value).sum();
///     vec![Some(sum / 4.0)]
/// };
/// let (figures, errors) = Resamples::of(4).errors(&mean);
/// assert_eq!(figures, [Some(4.0)]);
/// // sqrt(38 / 4 / 4): the standard error of the mean of these rows, drawn with replacement.
/// assert!((errors[0].unwrap() - 1.541).abs() < 0.2);
/// ```
#[derive(Clone, Debug)]
pub struct Resamples {
    rows: usize,
}

impl Resamples {
    /// Draws.
    pub const DRAWS: u64 = 200;
    const SEED: u64 = 0;

    /// Samples of so many rows.
    pub fn of(rows: usize) -> Self {
        Self { rows }
    }

    /// The figures of all rows, and the standard error of each: its deviation over the samples in which it is defined. `None` where
    /// it is defined in fewer than two, and where it is the same in all of them, which says nothing of other rows.
    ///
    /// `figures` gives the same number of figures for any weights, one weight a row: how often it counts.
    pub fn errors(&self, figures: &dyn Fn(&[u32]) -> Vec<Option<f64>>) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
        let all = figures(&vec![1; self.rows]);
        if self.rows < 2 {
            let none = vec![None; all.len()];
            return (all, none);
        }
        let mut found: Vec<Vec<f64>> = vec![Vec::new(); all.len()];
        let mut weights = vec![0; self.rows];
        for draw in 0..Self::DRAWS {
            let mut rng = Rng::new(Self::SEED, "bootstrap", draw);
            weights.fill(0);
            for _ in 0..self.rows {
                weights[rng.below(self.rows as u64) as usize] += 1;
            }
            for (found, figure) in found.iter_mut().zip(figures(&weights)) {
                found.extend(figure.filter(|figure| figure.is_finite()));
            }
        }
        let errors = found.iter().map(|found| deviation(found)).collect();
        (all, errors)
    }
}

fn deviation(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    // Up to the rounding of their sums.
    if values.iter().all(|value| (value - mean).abs() <= 1e-9 * mean.abs()) {
        return None;
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (n - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_in_all_samples_has_no_error() {
        // R2 of two rows: the same in each sample that has both, and not defined in one of a row twice.
        let (truth, value) = ([0.1, 0.7], [0.2, 0.4]);
        let r2 = |weights: &[u32]| {
            let of = |at: usize| f64::from(weights[at]);
            let mean = (of(0) * truth[0] + of(1) * truth[1]) / 2.0;
            let sum =
                |other: &dyn Fn(usize) -> f64| (0..2).map(|at| of(at) * (truth[at] - other(at)).powi(2)).sum::<f64>();
            vec![Some(1.0 - sum(&|at| value[at]) / sum(&|_| mean)), Some(of(0))]
        };
        let (_, errors) = Resamples::of(2).errors(&r2);
        assert_eq!(errors[0], None);
        assert!(errors[1].unwrap() > 0.5);
    }
}
