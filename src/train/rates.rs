//! Learning rates that differ by parameter.

use crate::error::{Error, Result};
use burn::lr_scheduler::LrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrSchedulerConfig};
use burn::module::ParamGroup;

/// Groups of parameters, and what share of the whole learning rate each of them has; all others have the whole rate. Of two groups
/// that hold the same parameter the later one counts.
#[derive(Clone, Debug, Default)]
pub struct RateGroups(Vec<(ParamGroup, f64)>);

impl RateGroups {
    /// These groups, with their shares.
    pub fn new(groups: impl IntoIterator<Item = (ParamGroup, f64)>) -> Self {
        Self(groups.into_iter().collect())
    }

    /// The rates where the whole one is `rate`.
    pub(crate) fn rates(&self, rate: f64) -> Result<ModuleLearningRate> {
        // Burn makes rates by group in its schedulers alone.
        let all = ModuleLrSchedulerConfig::new(LrSchedulerConfig::Constant(rate));
        let all = (self.0.iter()).fold(all, |all, (group, share)| {
            all.with_group(group.clone(), LrSchedulerConfig::Constant(rate * share))
        });
        let mut scheduler = all
            .init()
            .map_err(|error| Error::config(format!("learning rates by group: {error}")))?;
        Ok(scheduler.step())
    }
}
