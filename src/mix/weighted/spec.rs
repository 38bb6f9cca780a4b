//! The parameters of a mix.

use super::source_order::check;
use super::stopping::StoppingStrategy;
use crate::error::{Error, Result};
use crate::mix::schedule::Schedule;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of a [`Mix`](crate::mix::Mix).
///
/// ```
/// use millstream::mix::{MixSpec, StoppingStrategy};
///
/// let spec: MixSpec = serde_json::from_str(r#"{ "weights": [3, 1], "stop": "first_exhausted" }"#)?;
/// assert_eq!(spec.weights, [3.0.into(), 1.0.into()]);
/// assert_eq!(spec.stop, StoppingStrategy::FirstExhausted);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct MixSpec {
    /// The weight of each source, above 0; they need not sum to 1. A [`Schedule`] under `cycle_forever` alone.
    pub weights: Vec<Schedule>,
    /// When an epoch ends. Defaults to `all_exhausted`.
    pub stop: StoppingStrategy,
    /// Rows that are called an epoch under `cycle_forever`. Defaults to none: there are no epochs.
    pub rows: Option<u64>,
}

crate::spec::checked!(MixSpec);

impl Spec for MixSpec {
    const NAME: &'static str = "mix";

    fn check(&self) -> Result<()> {
        check(&self.weights, self.stop)?;
        match self.rows {
            Some(0) => Err(Error::config("an epoch has at least one row")),
            Some(_) if self.stop != StoppingStrategy::CycleForever => Err(Error::config(format!(
                "under \"{}\" an epoch has its own length; rows() is for CycleForever",
                self.stop
            ))),
            _ => Ok(()),
        }
    }
}
