//! `--device`.

use clap::Args;
use millstream::Result;
use millstream::burn::tensor::Device;
use millstream::model::device;

/// What computes tensors.
#[derive(Args)]
pub(crate) struct Compute {
    /// What trains and predicts: flex (the CPU), wgpu, wgpu:cpu, cuda or cuda:N, as far as this program was built with them
    #[arg(long, value_name = "DEVICE", default_value = "flex")]
    device: String,
}

impl Compute {
    pub(crate) fn device(&self) -> Result<Device> {
        device::by_name(&self.device)
    }
}
