//! A paired test among others.

use crate::ablation::paired::{PairedTest, holm};
use crate::quote::counted;
use serde::{Deserialize, Serialize};

/// The p below which a difference is taken for more than chance.
pub(super) const LEVEL: f64 = 0.05;

/// Pairs below which a difference that no test finds is not called noise. With one degree of freedom |t| has to be above 12.7, and with two above 4.3, so that even
/// 0.25 beside 1 may not be told apart: that says how few pairs there are, and nothing of the ways.
const ENOUGH: usize = 4;

/// A paired test among others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The test.
    #[serde(flatten)]
    pub test: PairedTest,
    /// p of the t-test with all that is compared taken into account (Holm 1979).
    pub t_holm: Option<f64>,
    /// The same of the signed-rank test.
    pub wilcoxon_holm: Option<f64>,
}

impl Tested {
    /// Whether the difference is more than chance gives, by the t-test with Holm's rule.
    pub fn is_more_than_chance(&self) -> bool {
        self.t_holm.is_some_and(|p| p < LEVEL)
    }

    /// Whether the difference is above 0, and more than chance gives.
    pub(super) fn is_better(&self) -> bool {
        self.is_more_than_chance() && self.test.difference > 0.0
    }

    /// That so few seeds do not tell the two ways apart, where they do not and there are fewer than four; else a difference that no test finds is called noise.
    pub(super) fn not_told_apart(&self) -> Option<String> {
        let is_too_few = self.test.pairs < ENOUGH && !self.is_more_than_chance() && !self.test.is_constant();
        is_too_few.then(|| format!("not told apart with {}", counted(self.test.pairs as u64, "seed")))
    }

    /// `noise`, `better` or `worse`, that there is no test, or that there are too few seeds for one that finds nothing to say much.
    pub(super) fn verdict(&self) -> String {
        if self.test.is_constant() {
            return "the same each time, so that no t-test can tell".to_owned();
        }
        if let Some(too_few) = self.not_told_apart() {
            return too_few;
        }
        let word = match (self.is_more_than_chance(), self.test.difference > 0.0) {
            (false, _) => "noise",
            (true, true) => "better",
            (true, false) => "worse",
        };
        word.to_owned()
    }

    /// A test that has not been held beside others.
    pub(super) fn alone(test: PairedTest) -> Self {
        Self {
            test,
            t_holm: None,
            wilcoxon_holm: None,
        }
    }

    /// Each test among all of them.
    pub(super) fn all(tests: Vec<PairedTest>) -> Vec<Self> {
        let t = holm(&tests.iter().map(|test| test.t).collect::<Vec<_>>());
        let ranks = holm(&tests.iter().map(|test| test.wilcoxon).collect::<Vec<_>>());
        let all = tests.into_iter().zip(t.into_iter().zip(ranks));
        all.map(|(test, (t_holm, wilcoxon_holm))| Self {
            test,
            t_holm,
            wilcoxon_holm,
        })
        .collect()
    }
}
