//! `--device`.

use crate::recipe::with_default;
use clap::Args;
use millstream::Result;
use millstream::burn::tensor::Device;
use millstream::model::device;

const HELP: &str = "What trains and predicts: flex (the CPU), wgpu, wgpu:cpu, cuda or cuda:N, as far as this program was built with them";

/// What computes tensors.
#[derive(Args)]
pub(crate) struct Compute {
    #[arg(long, value_name = "DEVICE", help = with_default(HELP, |run| device::name(&run.machine.device)))]
    device: Option<String>,
}

impl Compute {
    /// The device that was named, or `otherwise`.
    pub(crate) fn device_or(&self, otherwise: Device) -> Result<Device> {
        match &self.device {
            Some(name) => device::by_name(name),
            None => Ok(otherwise),
        }
    }
}
