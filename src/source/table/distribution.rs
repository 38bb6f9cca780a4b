//! Draws from distributions of numbers.

use crate::rng::Rng;

/// A number in `[0, 1)` with 53 random bits.
pub(super) fn unit(rng: &mut Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A draw from the exponential distribution.
pub(super) fn exponential(mean: f64, rng: &mut Rng) -> f64 {
    -mean * libm::log(1.0 - unit(rng))
}

/// A draw from Poisson's distribution. Takes a number of draws that is not fixed.
pub(super) fn poisson(mean: f64, rng: &mut Rng) -> f64 {
    match mean < 10.0 {
        true => by_products(mean, rng),
        false => by_rejection(mean, rng),
    }
}

/// Knuth 1969: how many draws can be multiplied until less than `exp(-mean)` is left.
fn by_products(mean: f64, rng: &mut Rng) -> f64 {
    let least = libm::exp(-mean);
    let (mut count, mut product) = (0.0, unit(rng));
    while product > least {
        count += 1.0;
        product *= unit(rng);
    }
    count
}

/// Hörmann 1993, algorithm PTRS, as numpy has it.
fn by_rejection(mean: f64, rng: &mut Rng) -> f64 {
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.02483 * b;
    let alpha = 1.1239 + 1.1328 / (b - 3.4);
    let bound = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let (u, v) = (unit(rng) - 0.5, unit(rng));
        let us = 0.5 - u.abs();
        let k = libm::floor((2.0 * a / us + b) * u + mean + 0.43);
        if us >= 0.07 && v <= bound {
            return k;
        }
        if k < 0.0 || (us < 0.013 && v > us) {
            continue;
        }
        let left = libm::log(v) + libm::log(alpha) - libm::log(a / (us * us) + b);
        if left <= k * libm::log(mean) - mean - libm::lgamma(k + 1.0) {
            return k;
        }
    }
}

/// One of the categories with these weights, of which one at least is above 0.
pub(super) fn categorical(weights: &[f64], rng: &mut Rng) -> usize {
    let mut left = unit(rng) * weights.iter().sum::<f64>();
    let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
    for (at, weight) in weights[..last].iter().enumerate() {
        if left < *weight {
            return at;
        }
        left -= weight;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and variance of 20,000 draws.
    fn moments(draw: impl Fn(&mut Rng) -> f64) -> (f64, f64) {
        let mut rng = Rng::new(5, "moments", 0);
        let values: Vec<f64> = (0..20_000).map(|_| draw(&mut rng)).collect();
        let mean = values.iter().sum::<f64>() / 20_000.0;
        (
            mean,
            values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 20_000.0,
        )
    }

    #[test]
    fn draws_have_the_moments_of_their_distribution() {
        for mean in [0.0, 0.5, 4.0, 9.9, 10.0, 37.0, 2500.0] {
            let (found, variance) = moments(|rng| poisson(mean, rng));
            // Four standard errors.
            assert!(
                (found - mean).abs() <= 4.0 * (mean / 20_000.0_f64).sqrt(),
                "{mean}: {found}"
            );
            assert!((variance - mean).abs() <= 0.06 * mean + 0.01, "{mean}: {variance}");
        }
        let (mean, variance) = moments(|rng| exponential(3.0, rng));
        assert!(
            (mean - 3.0).abs() < 0.09 && (variance - 9.0).abs() < 0.8,
            "{mean} {variance}"
        );
        let (mean, variance) = moments(unit);
        assert!(
            (mean - 0.5).abs() < 0.01 && (variance - 1.0 / 12.0).abs() < 0.003,
            "{mean} {variance}"
        );
    }

    #[test]
    fn categories_come_as_often_as_their_weights_say() {
        let mut rng = Rng::new(5, "categories", 0);
        let mut counts = [0; 4];
        (0..10_000).for_each(|_| counts[categorical(&[2.0, 0.0, 6.0, 0.0], &mut rng)] += 1);
        assert_eq!((counts[1], counts[3]), (0, 0));
        assert!((counts[0] - 2500_i32).abs() < 180, "{counts:?}");
    }
}
