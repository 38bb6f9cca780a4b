//! From raw bits to numbers. These maps are our own, because those of `rand` may change between its releases.

use super::generator::Rng;

impl Rng {
    /// A whole number in `0..n`, without bias (Lemire 2019). `below(0)` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        loop {
            let wide = u128::from(self.next_u64()) * u128::from(n);
            let low = wide as u64;
            if low >= n || low >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// A number in `[0, 1)` with 24 random bits.
    pub fn unit(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// A number in `[low, high)`; `low` where the two are equal.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// A draw from the standard normal distribution (Box and Muller 1958). Takes two draws of 32 bits.
    pub fn normal(&mut self) -> f32 {
        let radius = libm::sqrtf(-2.0 * libm::logf(1.0 - self.unit()));
        radius * libm::cosf(std::f32::consts::TAU * self.unit())
    }

    /// A draw from the beta distribution with both parameters `alpha` (finite, above 0), in `0..=1`: the share that one of
    /// two equal gamma draws has in their sum. Takes a number of draws that is not fixed.
    pub(crate) fn beta(&mut self, alpha: f32) -> f32 {
        let (a, b) = (self.log_gamma(alpha.into()), self.log_gamma(alpha.into()));
        (1.0 / (1.0 + libm::exp(b - a))) as f32
    }

    /// A draw from the Dirichlet distribution of `n` parameters `alpha` (finite, above 0): shares that sum to 1. Takes a number of draws that
    /// is not fixed.
    pub(crate) fn dirichlet(&mut self, alpha: f32, n: usize) -> Vec<f32> {
        let logs: Vec<f64> = (0..n).map(|_| self.log_gamma(alpha.into())).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let parts: Vec<f64> = logs.into_iter().map(|log| libm::exp(log - most)).collect();
        let sum: f64 = parts.iter().sum();
        parts.into_iter().map(|part| (part / sum) as f32).collect()
    }

    /// The logarithm of a draw from the gamma distribution of shape `a` and scale 1 (Marsaglia and Tsang 2000), because
    /// the draw itself may be smaller than any number. Below a shape of 1 it is, as theirs, a draw of shape `a + 1` times
    /// `u^(1/a)`.
    fn log_gamma(&mut self, a: f64) -> f64 {
        if a < 1.0 {
            let factor = self.log_unit() / a;
            return self.log_gamma(a + 1.0) + factor;
        }
        let d = a - 1.0 / 3.0;
        loop {
            let x = f64::from(self.normal());
            let root = 1.0 + x / (9.0 * d).sqrt();
            let v = root * root * root;
            if v > 0.0 && self.log_unit() < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return libm::log(d * v);
            }
        }
    }

    /// The logarithm of a number in `(0, 1]` with 53 random bits.
    fn log_unit(&mut self) -> f64 {
        libm::log(((self.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_uniform() {
        let mut rng = Rng::new(1, "below", 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7) as usize] += 1;
        }
        let chi: f64 = counts
            .iter()
            .map(|&c| (f64::from(c) - 10_000.0).powi(2) / 10_000.0)
            .sum();
        assert!(chi < 22.5, "chi-square {chi} with 6 degrees of freedom");
    }
}
