//! The parameters of a loader.

use super::batch_sampler::LastBatch;
use super::on_error::OnError;
use crate::error::{Error, Result};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of a [`LoaderBuilder`](super::LoaderBuilder), all of which its methods set.
///
/// They are no part of a pipeline's fingerprint: a run goes on with another batch size, or on other ranks. The seed is compared for
/// itself.
///
/// ```
/// use millstream::loader::{LastBatch, LoaderSpec};
///
/// let spec: LoaderSpec = serde_json::from_str(r#"{ "batch_size": 64, "seed": 7, "last_batch": "drop" }"#)?;
/// assert_eq!((spec.batch_size, spec.last_batch, spec.world), (64, LastBatch::Drop, 1));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct LoaderSpec {
    /// Rows in a global batch, at least 1. Defaults to 32.
    pub batch_size: u64,
    /// The seed of every random draw. Defaults to that of the context.
    pub seed: Option<u64>,
    /// Epochs after which the run ends. Defaults to none: it goes on for ever.
    pub epochs: Option<u64>,
    /// What happens to an epoch's last, short batch. Defaults to `keep`.
    pub last_batch: LastBatch,
    /// Which part of every global batch is taken, from 0. Defaults to 0.
    pub rank: u64,
    /// Parts into which a global batch is cut. Defaults to 1.
    pub world: u64,
    /// What is done with a row that cannot be made. Defaults to `fail`.
    pub on_error: OnError,
    /// Batches that are made ahead of the trainer. Defaults to what the machine and the batches call for.
    pub depth: Option<usize>,
}

impl Default for LoaderSpec {
    fn default() -> Self {
        Self {
            batch_size: 32,
            seed: None,
            epochs: None,
            last_batch: LastBatch::Keep,
            rank: 0,
            world: 1,
            on_error: OnError::Fail,
            depth: None,
        }
    }
}

crate::spec::checked!(LoaderSpec);

impl Spec for LoaderSpec {
    const NAME: &'static str = "loader";
    const MACHINE: &'static [&'static str] = &["rank", "world", "depth"];

    fn check(&self) -> Result<()> {
        if self.batch_size == 0 {
            return Err(Error::config("a batch has at least one row; batch_size is 0"));
        }
        if self.rank >= self.world {
            let (rank, world) = (self.rank, self.world);
            return Err(Error::config(format!(
                "shard: rank {rank} is outside a world of {world}"
            )));
        }
        match self.depth {
            Some(0) => Err(Error::config("depth is 0, but at least 1 batch is made ahead")),
            _ => Ok(()),
        }
    }
}
