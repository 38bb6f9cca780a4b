//! The parameters of a mix.

use super::source_order::check;
use super::stopping::StoppingStrategy;
use crate::error::{Error, Result};
use crate::mix::schedule::Schedule;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

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
    /// In place of weights, one by size: a source of `n` rows has the weight `n^(1 / temperature)`. 1 is in proportion to the sizes, and the
    /// larger it is, the more alike the sources become, as languages of different size are sampled in multilingual training (Arivazhagan
    /// et al. 2019 have 5). A number above 0. Defaults to none: weights are given.
    pub temperature: Option<f64>,
    /// When an epoch ends. Defaults to `all_exhausted`.
    pub stop: StoppingStrategy,
    /// Rows that are called an epoch under `cycle_forever`. Defaults to none: there are no epochs.
    pub rows: Option<u64>,
}

impl MixSpec {
    /// The weights of sources of `lens` rows.
    pub(super) fn weights(&self, lens: &[Option<NonZeroU64>]) -> Result<Vec<Schedule>> {
        let Some(temperature) = self.temperature else {
            return Ok(self.weights.clone());
        };
        // Of the largest, so that no power overflows; `libm`'s is the same on every platform.
        let largest = lens.iter().flatten().max().map_or(1, |rows| rows.get()) as f64;
        let weight = |(source, rows): (usize, &Option<NonZeroU64>)| match rows {
            Some(rows) => Ok(Schedule::from(libm::pow(
                rows.get() as f64 / largest,
                1.0 / temperature,
            ))),
            None => Err(Error::config(format!(
                "source {source} has no end, so a temperature cannot weigh it by its size: give weights"
            ))),
        };
        lens.iter().enumerate().map(weight).collect()
    }
}

crate::spec::checked!(MixSpec);

impl Spec for MixSpec {
    const NAME: &'static str = "mix";

    fn check(&self) -> Result<()> {
        match self.temperature {
            None => check(&self.weights, self.stop)?,
            Some(temperature) if !(temperature > 0.0 && temperature.is_finite()) => {
                return Err(Error::config(format!(
                    "temperature is {temperature}, and has to be a number above 0"
                )));
            }
            Some(_) if !self.weights.is_empty() => {
                return Err(Error::config(
                    "temperature gives the weights, so there are none beside it",
                ));
            }
            Some(_) => {}
        }
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
