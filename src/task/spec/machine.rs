//! What of the machine a run uses.

use crate::error::{Error, Result};
use crate::exec::Context;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// What computes, and how much of the machine it may use: `[machine]` of a recipe. It is no part of what a run is: no fingerprint
/// has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MachineOptions {
    /// Where tensors are computed, by its [name](crate::model::device::by_name). Floating-point results may differ in their last digits.
    /// Defaults to `flex`.
    #[serde(with = "by_name")]
    pub device: Device,
    /// Threads that decode and augment, `1..=`[`Context::MAX_THREADS`]. Defaults to as many as there are cores.
    pub threads: Option<usize>,
    /// Memory for caches and batches, in MiB. Defaults to a quarter of what is available, at most 8192.
    pub memory: Option<u64>,
    /// Batches that are made ahead of the trainer, at least 1. Defaults to what the machine and the batches call for.
    pub depth: Option<usize>,
}

impl Default for MachineOptions {
    fn default() -> Self {
        Self {
            device: Device::flex(),
            threads: None,
            memory: None,
            depth: None,
        }
    }
}

impl MachineOptions {
    /// A context of so many threads and so much memory.
    ///
    /// # Errors
    ///
    /// As [`Context::sized`].
    pub fn context(&self) -> Result<Context> {
        Context::sized(self.threads, self.memory.map(|mib| mib.saturating_mul(1 << 20)))
    }

    pub(super) fn check(&self) -> Result<()> {
        let refused = |text: String| Err(Error::config(format!("machine.{text}")));
        match (self.threads, self.memory, self.depth) {
            (Some(threads), ..) if !(1..=Context::MAX_THREADS).contains(&threads) => refused(format!(
                "threads is {threads}, and has to lie in 1..={}",
                Context::MAX_THREADS
            )),
            (_, Some(0), _) => refused("memory is 0 MiB, and has to be 1 at least".to_owned()),
            (.., Some(0)) => refused("depth is 0, but at least 1 batch is made ahead".to_owned()),
            _ => Ok(()),
        }
    }
}

/// A device by its name.
mod by_name {
    use crate::model::device;
    use burn::tensor::Device;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(device: &Device, to: S) -> Result<S::Ok, S::Error> {
        device::name(device).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Device, D::Error> {
        let name = String::deserialize(from)?;
        device::by_name(&name).map_err(|error| D::Error::custom(error.to_string()))
    }
}
