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
    /// Memory for caches and batches, in MiB, `1..=`[`MAX_MEMORY`](Self::MAX_MEMORY). Defaults to a quarter of what is available, at most 8192.
    pub memory: Option<u64>,
    /// Batches that are made ahead of the trainer, `1..=`[`MAX_DEPTH`](Self::MAX_DEPTH). Defaults to what the machine and the batches call for.
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
    /// The MiB that a process can address.
    pub const MAX_MEMORY: u64 = (isize::MAX >> 20) as u64;
    /// Batches that are made ahead at most.
    pub const MAX_DEPTH: usize = 65_535;

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
            (_, Some(memory), _) if !(1..=Self::MAX_MEMORY).contains(&memory) => refused(format!(
                "memory is {memory} MiB, and has to lie in 1..={}",
                Self::MAX_MEMORY
            )),
            (.., Some(depth)) if !(1..=Self::MAX_DEPTH).contains(&depth) => {
                refused(format!("depth is {depth}, and has to lie in 1..={}", Self::MAX_DEPTH))
            }
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
