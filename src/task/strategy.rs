//! How the training rows are chosen.

use super::datasets::Datasets;
use crate::error::{Error, Result};
use crate::mix::Target;
use crate::quote::quoted;
use serde::{Deserialize, Serialize};
use std::path::{Component, Path};

/// The name of the deeper phase among checkpoints.
pub(crate) const DEEP: &str = "deep";

/// How the training rows are chosen: the classes' shares, and how much of them is synthetic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strategy {
    /// Its name in reports.
    pub name: String,
    /// The classes' shares. Where there are none, each class has the same share if each row has one class, and else each row comes
    /// once an epoch, in random order.
    #[serde(rename = "balance")]
    pub target: Option<Target>,
    /// The most that synthetic rows may make up of what a class is given beyond its stored rows, 0 to 1.
    pub synthetic: f64,
}

impl Default for Strategy {
    fn default() -> Self {
        Self {
            name: "head".to_owned(),
            target: None,
            synthetic: 0.0,
        }
    }
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

    /// The classes' shares, of rows that have one class each.
    pub(crate) fn target(&self) -> Target {
        self.target.clone().unwrap_or(Target::Uniform)
    }

    /// The same with the shares that it has on `datasets`.
    pub(crate) fn settled(&self, datasets: &Datasets) -> Self {
        let target = match datasets.targets.one_class() {
            Some(_) => self.target(),
            None => Target::Power(1.0),
        };
        Self {
            target: Some(target),
            ..self.clone()
        }
    }

    /// Refuses what the classes of `datasets` do not allow.
    pub(crate) fn check_for(&self, datasets: &Datasets) -> Result<()> {
        if let Some(labels) = datasets.targets.one_class() {
            return self.target().shares(&labels.counts(), labels.names()).map(drop);
        }
        let stored = Target::Power(1.0);
        let refused = match (&self.target, self.synthetic > 0.0) {
            (_, true) => "synthetic rows",
            (Some(target), _) if *target != stored => "a balance",
            _ => return Ok(()),
        };
        Err(Error::config(format!(
            "{refused} need one class a row, and the task {} has none (column {})",
            datasets.task.name(),
            quoted(&datasets.label)
        )))
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
