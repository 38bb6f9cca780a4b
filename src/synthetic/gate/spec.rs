use super::limits::GateLimits;
use crate::error::{Error, Result};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of a [`Gate`](super::Gate).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GateSpec {
    /// The columns by which rows are compared: one tensor column of f32, or columns of numbers and of categories (strings, booleans, dictionaries). Where
    /// something makes features of rows, it is what these are made of. Defaults to "features".
    pub columns: Vec<String>,
    /// A row has to lie in the ball of some training row of its class, which reaches to the `manifold`-th nearest other row of the class: else
    /// it looks like none of them. 0 lets it lie anywhere. Defaults to 5. A class of one row has no ball.
    pub manifold: usize,
    /// A row may lie no nearer to a training row of any class than this share of the median distance of a training row to its nearest other one:
    /// else it is a copy. 0 lets it be one. Defaults to 0.1.
    pub least_distance: f64,
    /// No value may lie further outside of those of all training rows than this share of their range. Defaults to none: it may lie anywhere.
    pub range: Option<f64>,
    /// Candidates that are drawn for a row until one passes, in `1..=256`. Defaults to 16.
    pub attempts: u16,
    /// What the generator's rows have to reach as a whole, before any of them is used: `{}` has the defaults of [`GateLimits`]. Some rows of each class are made and
    /// measured, and where a class lies beyond a limit, the generator is refused, with the class, the figure and the limit. Defaults to none: single rows are refused alone.
    ///
    /// What reads this spec from a recipe or a command checks them; [`Gate::fit`](super::Gate::fit) does not, since it sees no generator:
    /// give them to [`Gate::check`](super::Gate::check).
    pub limits: Option<GateLimits>,
}

impl Default for GateSpec {
    fn default() -> Self {
        Self {
            columns: vec!["features".to_owned()],
            manifold: 5,
            least_distance: 0.1,
            range: None,
            attempts: 16,
            limits: None,
        }
    }
}

impl GateSpec {
    /// The usual parameters for these columns.
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }
}

impl Spec for GateSpec {
    const NAME: &'static str = "gate";

    fn check(&self) -> Result<()> {
        let mistake = if self.columns.is_empty() {
            "columns is empty, but rows are compared by one or more".to_owned()
        } else if !(self.least_distance >= 0.0 && self.least_distance.is_finite()) {
            format!("least_distance is {}, but has to be 0 or more", self.least_distance)
        } else if let Some(range) = self.range.filter(|range| !(*range >= 0.0 && range.is_finite())) {
            format!("range is {range}, but has to be 0 or more")
        } else if !(1..=256).contains(&self.attempts) {
            format!("attempts is {}, but has to lie in 1..=256", self.attempts)
        } else {
            return self.limits.as_ref().map_or(Ok(()), GateLimits::check);
        };
        Err(Error::config(mistake))
    }
}
