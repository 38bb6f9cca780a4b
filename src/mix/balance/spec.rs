//! The parameters of a balance.

use super::batch_quotas::BatchSpec;
use crate::error::{Error, Result};
use crate::mix::feedback::FeedbackSpec;
use crate::mix::schedule::Schedule;
use crate::mix::target::Target;
use crate::rows::Key;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of a [`Balance`](crate::mix::Balance), all of which its methods set.
///
/// ```
/// use millstream::mix::{BalanceSpec, Target};
///
/// let spec: BalanceSpec = serde_json::from_str(r#"{ "target": "sqrt", "cap": 3 }"#)?;
/// assert_eq!(spec, BalanceSpec { target: Target::Sqrt, cap: Some(3), ..BalanceSpec::default() });
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct BalanceSpec {
    /// What share of the rows each class has. Defaults to uniform.
    pub target: Target,
    /// What it is by, in place of the class: `{ product = ["label", "site"] }` gives each class of each site a share. The label of a row stays
    /// its class. Defaults to the class.
    pub by: Option<Key>,
    /// Rows of an epoch. Defaults to as many as the set has that is balanced.
    pub rows: Option<u64>,
    /// What every batch is made of. Defaults to none: classes are dealt in blocks, whatever the batches.
    pub batch: Option<BatchSpec>,
    /// How shares follow from reports of the trainer; which file has these is told to [`Balance::feedback`](crate::mix::Balance::feedback). Defaults to none.
    pub feedback: Option<FeedbackSpec>,
    /// Positions over which quotas are exact. Defaults to 64.
    pub block: u64,
    /// The target that the first one becomes. Defaults to none.
    pub toward: Option<TowardSpec>,
    /// How often a stored row comes in an epoch at most. Defaults to no limit.
    pub cap: Option<u64>,
    /// What share of what a class is given beyond its stored rows a generator makes. Defaults to none.
    pub synthetic: Option<Schedule>,
}

/// A second target, and how far the first has become it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TowardSpec {
    /// The second target.
    pub target: Target,
    /// Its share, from 0 to 1.
    pub share: Schedule,
}

impl Default for BalanceSpec {
    fn default() -> Self {
        Self {
            target: Target::Uniform,
            by: None,
            rows: None,
            batch: None,
            feedback: None,
            block: 64,
            toward: None,
            cap: None,
            synthetic: None,
        }
    }
}

crate::spec::checked!(BalanceSpec);

impl Spec for BalanceSpec {
    const NAME: &'static str = "balance";

    fn check(&self) -> Result<()> {
        for (field, value) in [("rows", self.rows), ("block", Some(self.block)), ("cap", self.cap)] {
            if value == Some(0) {
                return Err(Error::config(format!("{field} is 0, but has to be at least 1")));
            }
        }
        self.target.check().map_err(|error| error.context("target"))?;
        if let Some(toward) = &self.toward {
            toward.target.check().map_err(|error| error.context("toward.target"))?;
            within(&toward.share, "toward: the share of the second target")?;
        }
        if let Some(key) = &self.by {
            key.check().map_err(|error| error.context("by"))?;
        }
        if let Some(batch) = &self.batch {
            batch.check().map_err(|error| error.context("batch"))?;
        }
        if let Some(rule) = &self.feedback {
            rule.check().map_err(|error| error.context("feedback"))?;
        }
        match &self.synthetic {
            Some(share) => within(share, "synthetic: the share"),
            None => Ok(()),
        }
    }
}

/// Refuses a schedule that leaves 0 to 1.
pub(super) fn within(share: &Schedule, what: &str) -> Result<()> {
    share.check()?;
    match share.values().find(|value| !(0.0..=1.0).contains(value)) {
        Some(bad) => Err(Error::config(format!("{what} is {bad}, not in 0 to 1"))),
        None => Ok(()),
    }
}
