//! How the training rows are chosen.

use crate::error::{Error, Result};
use crate::mix::Target;
use serde::{Deserialize, Serialize};
use std::path::{Component, Path};

/// The name of the deeper phase among checkpoints.
pub(crate) const DEEP: &str = "deep";

/// How the training rows are chosen: the classes' shares, and how much of them is synthetic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strategy {
    /// Its name in reports.
    pub name: String,
    /// The classes' shares.
    #[serde(rename = "balance")]
    pub target: Target,
    /// The most that synthetic rows may make up of what a class is given beyond its stored rows, 0 to 1.
    pub synthetic: f64,
}

impl Strategy {
    fn check(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.synthetic) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "the synthetic share is {}, not in 0 to 1",
                self.synthetic
            ))),
        }
    }

    /// Refuses names that cannot be those of folders beside one another, and shares out of range.
    pub(crate) fn check_all(strategies: &[Self]) -> Result<()> {
        for (at, strategy) in strategies.iter().enumerate() {
            strategy.check()?;
            let mut parts = Path::new(&strategy.name).components();
            let plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == &*strategy.name);
            if !plain || strategy.name == DEEP || strategies[..at].iter().any(|other| other.name == strategy.name) {
                return Err(Error::config(format!(
                    "a strategy cannot be called {:?}: its checkpoints lie in a folder of that name, beside those of others and \"{}\"",
                    strategy.name, DEEP
                )));
            }
        }
        Ok(())
    }
}
