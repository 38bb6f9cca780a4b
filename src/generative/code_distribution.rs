//! Where the codes of each class lie, once the encoder is trained.

/// The sums that a normal distribution of codes is worked out from.
#[derive(Clone, Debug)]
struct Sums {
    rows: f64,
    mean: Vec<f64>,
    /// Lower triangle, row by row: products of differences from the mean, and the variances of the codes themselves.
    scatter: Vec<f64>,
    variance: Vec<f64>,
}

/// Normal distributions of the codes of each class: their mean, and their covariance as the lower triangular factor `L` of `L L^T`.
///
/// Codes do not lie as the prior says where there are few rows, and what is decoded in between is no picture (Ghosh et al. 2020, "From
/// Variational to Deterministic Autoencoders", fit a density afterwards for that reason). The covariance of a class is its own, drawn towards
/// the one within all classes as if that had so many rows as a code has numbers: a class of five rows varies as the others do.
#[derive(Clone, Debug)]
pub(super) struct CodeDistribution {
    latent: usize,
    classes: Vec<Sums>,
}

impl CodeDistribution {
    pub(super) fn new(latent: usize, classes: usize) -> Self {
        let none = Sums {
            rows: 0.0,
            mean: vec![0.0; latent],
            scatter: vec![0.0; latent * (latent + 1) / 2],
            variance: vec![0.0; latent],
        };
        Self {
            latent,
            classes: vec![none; classes],
        }
    }

    /// With the code of another row: its mean, and the logarithm of its variance.
    pub(super) fn add(&mut self, class: u32, mean: &[f32], log_variance: &[f32]) {
        // Welford's update: no sum of squares that cancels.
        let sums = &mut self.classes[class as usize];
        sums.rows += 1.0;
        let before: Vec<f64> = mean
            .iter()
            .zip(&sums.mean)
            .map(|(&x, mean)| f64::from(x) - mean)
            .collect();
        for (mean, delta) in sums.mean.iter_mut().zip(&before) {
            *mean += delta / sums.rows;
        }
        let after: Vec<f64> = mean
            .iter()
            .zip(&sums.mean)
            .map(|(&x, mean)| f64::from(x) - mean)
            .collect();
        let pairs = before
            .iter()
            .enumerate()
            .flat_map(|(i, &before)| after[..=i].iter().map(move |&after| before * after));
        sums.scatter
            .iter_mut()
            .zip(pairs)
            .for_each(|(sum, product)| *sum += product);
        for (sum, &log) in sums.variance.iter_mut().zip(log_variance) {
            *sum += libm::exp(log.into());
        }
    }

    /// Means `[classes, latent]` and factors `[classes, latent, latent]`, row by row.
    pub(super) fn factors(&self) -> (Vec<f32>, Vec<f32>) {
        let latent = self.latent;
        let all: f64 = self.classes.iter().map(|sums| sums.rows).sum();
        let shared: Vec<f64> = (0..latent * (latent + 1) / 2)
            .map(|at| self.classes.iter().map(|sums| sums.total(at)).sum::<f64>() / all.max(1.0))
            .collect();
        let (mut means, mut factors) = (Vec::new(), Vec::new());
        for sums in &self.classes {
            means.extend(sums.mean.iter().map(|&mean| mean as f32));
            let weight = latent as f64;
            let covariance = shared.iter().enumerate();
            let covariance: Vec<f64> = covariance
                .map(|(at, shared)| (sums.total(at) + weight * shared) / (sums.rows + weight))
                .collect();
            factors.extend(cholesky(&covariance, latent));
        }
        (means, factors)
    }
}

impl Sums {
    /// The sum for place `at` of the lower triangle, the spread of each row's own code included.
    fn total(&self, at: usize) -> f64 {
        let row = ((8 * at + 1).isqrt() - 1) / 2;
        let is_diagonal = at == row * (row + 3) / 2;
        self.scatter[at] + if is_diagonal { self.variance[row] } else { 0.0 }
    }
}

/// The lower triangular factor of a covariance that is given by its lower triangle, as a whole matrix. What is not above 0 by rounding counts
/// as hardly anything.
fn cholesky(lower: &[f64], n: usize) -> Vec<f32> {
    let mut factor = vec![0.0_f64; n * n];
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
            let left = lower[i * (i + 1) / 2 + j] - sum;
            factor[i * n + j] = match i == j {
                true => left.max(1e-12).sqrt(),
                false => left / factor[j * n + j],
            };
        }
    }
    factor.into_iter().map(|value| value as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_factor_gives_the_covariance_back() {
        // [[4, 2, 0.4], [2, 5, 1], [0.4, 1, 3]]
        let lower = [4.0, 2.0, 5.0, 0.4, 1.0, 3.0];
        let factor = cholesky(&lower, 3);
        let product = |i: usize, j: usize| (0..3).map(|k| factor[i * 3 + k] * factor[j * 3 + k]).sum::<f32>();
        let mut at = 0;
        for i in 0..3 {
            for j in 0..=i {
                assert!((product(i, j) - lower[at] as f32).abs() < 1e-5, "{i} {j}");
                at += 1;
            }
        }
        assert_eq!([factor[1], factor[2], factor[5]], [0.0; 3]);
    }

    #[test]
    fn a_class_of_few_rows_has_the_spread_of_the_others() {
        let mut codes = CodeDistribution::new(2, 3);
        // A hundred rows around (5, 0) that vary by 1 and 3, two rows at (-7, 1), and none of the last.
        for at in 0..100 {
            let side = if at % 2 == 0 { 1.0 } else { -1.0 };
            let other = if at % 4 < 2 { 3.0 } else { -3.0 };
            codes.add(0, &[5.0 + side, other], &[-30.0; 2]);
        }
        codes.add(1, &[-7.0, 1.0], &[-30.0; 2]);
        codes.add(1, &[-7.0, 1.0], &[-30.0; 2]);
        let (means, factors) = codes.factors();
        let near = |found: &[f32], expected: &[f32]| {
            let all = found.iter().zip(expected);
            assert!(
                all.clone().all(|(a, b)| (a - b).abs() < 0.02),
                "{found:?} is not {expected:?}"
            );
        };
        near(&means, &[5.0, 0.0, -7.0, 1.0, 0.0, 0.0]);
        near(&factors[..4], &[1.0, 0.0, 0.0, 3.0]);
        // As if the shared covariance (100/102 of the first class's) had two rows as well.
        let half = (0.5_f32 * 100.0 / 102.0).sqrt();
        near(&factors[4..8], &[half, 0.0, 0.0, 3.0 * half]);
    }

    #[test]
    fn the_spread_of_each_code_counts() {
        let mut codes = CodeDistribution::new(1, 1);
        codes.add(0, &[0.0], &[0.0]);
        codes.add(0, &[2.0], &[2.0_f32.ln()]);
        let (means, factors) = codes.factors();
        assert_eq!(means, [1.0]);
        // The variance of the means is 1, and 1.5 is the mean of the two of the codes.
        assert!((factors[0] - 2.5_f32.sqrt()).abs() < 1e-6);
    }
}
