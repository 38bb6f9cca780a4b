//! What of the machine a command may use.

use clap::Args;
use millstream::task::MachineOptions;
use millstream::{Context, Result};

/// Threads and memory.
#[derive(Args)]
pub(crate) struct Machine {
    /// Threads that decode and augment, 1 to 1024; as many as there are cores if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=Context::MAX_THREADS as i64))]
    threads: Option<u16>,
    /// Memory for caches and batches, in MiB; a quarter of what is available, at most 8192, if left out
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=MachineOptions::MAX_MEMORY))]
    memory: Option<u64>,
}

impl Machine {
    pub(crate) fn context(&self) -> Result<Context> {
        let mut options = MachineOptions::default();
        self.apply(&mut options);
        options.context()
    }

    /// Sets what was given.
    pub(crate) fn apply(&self, to: &mut MachineOptions) {
        to.threads = self.threads.map(usize::from).or(to.threads);
        to.memory = self.memory.or(to.memory);
    }
}
