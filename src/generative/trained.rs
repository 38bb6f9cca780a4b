//! A network that trains, with its optimizer.

use super::steps::State;
use crate::error::{Error, Result};
use crate::train::checkpoint::Checkpoint;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::store::ModuleRecord;
use burn::tensor::Tensor;

/// A network and its optimizer, Adam.
pub(super) struct Trained<M> {
    pub(super) network: M,
    optimizer: ModuleOptimizer,
}

impl<M: Module> Trained<M> {
    /// With these decay rates of the means of gradients and of their squares.
    pub(super) fn new(network: M, [first, second]: [f32; 2]) -> Self {
        let adam = AdamConfig::new().with_beta_1(first).with_beta_2(second);
        Self {
            network,
            optimizer: adam.init(),
        }
    }

    /// A step down the gradient of `loss`, of which the number is given.
    pub(super) fn step(&mut self, rate: f64, loss: &Tensor<1>) -> f32 {
        let value = number(loss.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        self.network = self.optimizer.step(rate, self.network.clone(), gradients);
        value
    }

    /// All that the next step depends on: the part `network`, and that of the optimizer.
    pub(super) fn records(
        &self,
        network: &'static str,
        optimizer: &'static str,
    ) -> Result<Vec<(&'static str, Vec<u8>)>> {
        let of_optimizer = self.optimizer.into_bytes().map_err(|error| not_recorded(&error))?;
        Ok(vec![
            (network, record(&self.network)?),
            (optimizer, of_optimizer.to_vec()),
        ])
    }

    /// Takes back what [`records`](Self::records) gave under these names.
    pub(super) fn restore(&mut self, saved: &Checkpoint<State>, network: &str, optimizer: &str) -> Result<()> {
        self.network = restored(self.network.clone(), saved, network)?;
        self.optimizer = self.optimizer.clone().load_record(saved.record(optimizer)?);
        Ok(())
    }
}

/// The record of a network.
pub(super) fn record<M: Module>(module: &M) -> Result<Vec<u8>> {
    let bytes = module.clone().into_record().into_bytes();
    Ok(bytes.map_err(|error| not_recorded(&error))?.to_vec())
}

/// `module` as it is in the part `name`.
pub(super) fn restored<M: Module>(module: M, saved: &Checkpoint<State>, name: &str) -> Result<M> {
    let record: ModuleRecord = saved.record(name)?;
    module.try_load_record(record).map_err(|error| saved.unfit(error))
}

fn not_recorded(error: &dyn std::fmt::Display) -> Error {
    Error::stage(format!("the parameters cannot be recorded: {error}"))
}

/// The number in a loss.
pub(super) fn number(loss: Tensor<1>) -> f32 {
    loss.into_data().iter::<f32>().next().unwrap_or(f32::NAN)
}
