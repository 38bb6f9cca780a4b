use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a generator's rows have to reach as a whole, class by class: where the whole interval of a figure lies beyond a limit, the generator is refused
/// ([`Gate::check`](super::Gate::check)). All but [`rows`](Self::rows) are shares, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateLimits {
    /// Rows of each class that are made to measure it, in `3..=100000`. Defaults to 200.
    pub rows: u64,
    /// The least [precision](crate::synthetic::quality::Manifold::precision) of a class; 0 lets it be any. Defaults to 0.5.
    pub precision: f64,
    /// The least [coverage](crate::synthetic::quality::Manifold::coverage) of a class; 0 lets it be any. Defaults to 0.3.
    pub coverage: f64,
    /// The largest share of rows that lie [nearer to training rows](crate::synthetic::quality::nearer_to_training) than to those of a holdout, where there is
    /// one; 1 lets it be any. Defaults to 0.6. Rows between training rows, as SMOTE's, lie above it.
    pub nearer_to_training: f64,
    /// The largest share of rows that the gate refuses, before others are drawn in their place; 1 lets it be any. Defaults to 0.5.
    pub refused: f64,
}

impl Default for GateLimits {
    fn default() -> Self {
        Self {
            rows: 200,
            precision: 0.5,
            coverage: 0.3,
            nearer_to_training: 0.6,
            refused: 0.5,
        }
    }
}

impl GateLimits {
    /// Rows of a class at most.
    const ROWS: u64 = 100_000;

    /// Refuses limits out of range.
    pub(super) fn check(&self) -> Result<()> {
        if !(3..=Self::ROWS).contains(&self.rows) {
            return Err(Error::config(format!(
                "limits.rows is {}, but has to lie in 3..={}",
                self.rows,
                Self::ROWS
            )));
        }
        let shares = [
            ("precision", self.precision),
            ("coverage", self.coverage),
            ("nearer_to_training", self.nearer_to_training),
            ("refused", self.refused),
        ];
        match shares.into_iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            None => Ok(()),
            Some((name, share)) => Err(Error::config(format!(
                "limits.{name} is {share}, but has to lie in 0 to 1"
            ))),
        }
    }
}
