//! Paired tests: whether two ways that were tried under the same seeds differ by more than chance.

use serde::{Deserialize, Serialize};

/// What paired tests say of the differences of two ways, seed by seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// Pairs.
    pub pairs: usize,
    /// The mean difference.
    pub difference: f64,
    /// The deviation of the differences, with `n - 1`; `None` for fewer than two.
    pub deviation: Option<f64>,
    /// Two-sided p of the paired t-test (Student 1908), scipy's `ttest_rel`; 1 where all differences are 0. `None` for fewer than two pairs, and
    /// where the differences are all the same other number: they have no deviation that chance could be measured by.
    pub t: Option<f64>,
    /// Two-sided p of the signed-rank test (Wilcoxon 1945), exact, pairs without a difference left out and ties given their mean rank:
    /// scipy's `wilcoxon`. 1 where there is no difference at all. Of `n` pairs it is never below `2 / 2^n`: 0.0625 of five.
    pub wilcoxon: Option<f64>,
}

impl PairedTest {
    /// The tests of `ours` against `others`, in pairs.
    ///
    /// ```
    /// use millstream::ablation::PairedTest;
    ///
    /// let test = PairedTest::new(&[0.65, 0.66, 0.64, 0.67, 0.66], &[0.63, 0.65, 0.64, 0.64, 0.65]);
    /// assert!((test.difference - 0.014).abs() < 1e-12);
    /// assert!((test.t.unwrap() - 0.051606).abs() < 1e-6);
    /// assert_eq!(test.wilcoxon, Some(0.125));
    /// ```
    pub fn new(ours: &[f64], others: &[f64]) -> Self {
        let differences: Vec<f64> = ours.iter().zip(others).map(|(a, b)| a - b).map(rounded).collect();
        let n = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / n.max(1.0);
        let squares: f64 = differences.iter().map(|d| (d - mean).powi(2)).sum();
        let deviation = (differences.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        let t = deviation.and_then(|deviation| match (mean == 0.0, deviation <= 1e-12 * mean.abs()) {
            (true, _) => Some(1.0),
            (false, true) => None,
            (false, false) => Some(two_sided_t(mean / (deviation / n.sqrt()), n - 1.0)),
        });
        Self {
            pairs: differences.len(),
            difference: mean,
            deviation,
            t,
            wilcoxon: (!differences.is_empty()).then(|| signed_rank(&differences)),
        }
    }

    /// Whether all pairs differ by one number other than 0, so that there is no t-test.
    pub(super) fn is_constant(&self) -> bool {
        self.pairs > 1 && self.t.is_none()
    }
}

/// Figures are quotients of small whole numbers: what differs by less than this differs by the rounding of their sums.
pub(super) fn rounded(difference: f64) -> f64 {
    match difference.abs() < 1e-12 {
        true => 0.0,
        false => difference,
    }
}

/// The p values with all of them taken into account (Holm 1979), in their order; what is `None` is no test.
///
/// ```
/// use millstream::ablation::holm;
///
/// assert_eq!(holm(&[Some(0.01), None, Some(0.04), Some(0.03)]), [Some(0.03), None, Some(0.06), Some(0.06)]);
/// ```
pub fn holm(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(at, value)| Some((at, (*value)?)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let (mut adjusted, mut largest) = (vec![None; values.len()], 0.0_f64);
    let tests = order.len();
    for (rank, (at, value)) in order.into_iter().enumerate() {
        largest = largest.max(((tests - rank) as f64 * value).min(1.0));
        adjusted[at] = Some(largest);
    }
    adjusted
}

/// The exact two-sided p of the signed ranks of `differences`, over all ways to give them signs.
fn signed_rank(differences: &[f64]) -> f64 {
    let mut all: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    if all.is_empty() {
        return 1.0;
    }
    all.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // Twice the ranks, which are whole numbers where ties have their mean.
    let mut ranks = vec![0_usize; all.len()];
    let mut start = 0;
    while start < all.len() {
        let same = |at: &usize| all[*at].abs() - all[start].abs() <= 1e-12;
        let end = (start..all.len()).take_while(same).last().unwrap_or(start) + 1;
        ranks[start..end].fill(start + 1 + end);
        start = end;
    }
    let total: usize = ranks.iter().sum();
    let positive: usize = ranks
        .iter()
        .zip(&all)
        .filter(|(_, d)| **d > 0.0)
        .map(|(rank, _)| rank)
        .sum();
    // The share of the signs that give each sum.
    let mut shares = vec![0.0_f64; total + 1];
    shares[0] = 1.0;
    for &rank in &ranks {
        for sum in (0..=total).rev() {
            let with = if sum >= rank { shares[sum - rank] } else { 0.0 };
            shares[sum] = 0.5 * (shares[sum] + with);
        }
    }
    let least = positive.min(total - positive);
    let tail: f64 = shares[..=least].iter().sum();
    (2.0 * tail).min(1.0)
}

/// The two-sided p of `t` with so many degrees of freedom: `I_x(v / 2, 1 / 2)` of `x = v / (v + t^2)`.
fn two_sided_t(t: f64, degrees: f64) -> f64 {
    incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t))
}

/// The regularised incomplete beta function, by Lentz's continued fraction (Abramowitz and Stegun 26.5.8).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (1.0 - x).ln();
    // It converges quickly on this side of the mean.
    match x < (a + 1.0) / (a + b + 2.0) {
        true => front.exp() * fraction(a, b, x) / a,
        false => 1.0 - front.exp() * fraction(b, a, 1.0 - x) / b,
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const STEPS: u32 = 500;
    let guarded = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / guarded(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = d;
    for step in 1..=STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for part in [even, odd] {
            d = 1.0 / guarded(1.0 + part * d);
            c = guarded(1.0 + part / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Case {
        a: Vec<f64>,
        b: Vec<f64>,
        t: f64,
        wilcoxon: f64,
    }

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
        holm: Vec<(Vec<f64>, Vec<f64>)>,
    }

    /// Values of scipy and statsmodels' rule: `tests/scripts/make_paired_tests.py`.
    #[test]
    fn p_values_are_those_of_scipy() {
        let text = include_str!("../../tests/fixtures/paired_tests.json");
        let fixture: Fixture = serde_json::from_str(text).unwrap();
        assert!(fixture.cases.len() > 10);
        for (at, case) in fixture.cases.iter().enumerate() {
            let test = PairedTest::new(&case.a, &case.b);
            let close = |ours: Option<f64>, theirs: f64| (ours.unwrap() - theirs).abs() <= 1e-9 * theirs.max(1e-3);
            assert!(close(test.t, case.t), "{at}: t {:?} and {}", test.t, case.t);
            assert!(
                close(test.wilcoxon, case.wilcoxon),
                "{at}: ranks {:?} and {}",
                test.wilcoxon,
                case.wilcoxon
            );
        }
        for (raw, adjusted) in &fixture.holm {
            let ours = holm(&raw.iter().copied().map(Some).collect::<Vec<_>>());
            for (ours, theirs) in ours.iter().zip(adjusted) {
                assert!((ours.unwrap() - theirs).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn differences_that_say_nothing() {
        let same = PairedTest::new(&[0.5, 0.6], &[0.5, 0.6]);
        assert_eq!((same.t, same.wilcoxon), (Some(1.0), Some(1.0)));
        let shifted = PairedTest::new(&[0.75, 0.5, 1.0], &[0.5, 0.25, 0.75]);
        assert_eq!((shifted.t, shifted.wilcoxon), (None, Some(0.25)));
        assert!(shifted.is_constant() && !same.is_constant());
        let one = PairedTest::new(&[0.75], &[0.5]);
        assert_eq!((one.t, one.deviation, one.wilcoxon), (None, None, Some(1.0)));
        assert!(!one.is_constant());
    }
}
