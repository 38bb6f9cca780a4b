//! The training loop: steps of one stream of batches, with checkpoints between them.

use super::checkpoint::{self, Checkpoint, MODEL, OPTIMIZER};
use crate::cursor::Cursor;
use crate::dataset::Origin;
use crate::error::{Error, Result};
use crate::loader::{Batch, LoaderBuilder};
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A number of steps with a learning rate that falls along a half cosine from `learning_rate` to 0 (Loshchilov and
/// Hutter 2017), without restarts.
#[derive(Debug)]
pub struct Fit {
    /// The batches; must not end before the steps do.
    pub loader: LoaderBuilder,
    /// Optimizer steps, one a batch.
    pub steps: u64,
    /// Learning rate of the first step.
    pub learning_rate: f64,
    /// Where to keep checkpoints, and after how many steps.
    pub checkpoints: Option<(PathBuf, u64)>,
}

/// A trained model, and what it was trained on.
#[derive(Debug)]
pub struct Fitted<M> {
    /// The model after the last step.
    pub model: M,
    /// Rows that it was given, by class and origin.
    pub emitted: BTreeMap<(Option<u32>, Origin), u64>,
    /// Seconds spent waiting for batches in this process.
    pub waited: f64,
}

impl Fit {
    /// Trains `model` on `loss`, and goes on from the newest whole checkpoint if there is one.
    ///
    /// `progress` is told the steps done and the loss of the last one.
    ///
    /// # Errors
    ///
    /// Whatever the loader or `loss` gives; `Resume` where the checkpoint belongs to another pipeline; `Io` where it
    /// cannot be written; `Stage` where the loss is no longer finite.
    pub fn run<M: Module>(
        &self,
        mut model: M,
        mut optimizer: ModuleOptimizer,
        loss: impl Fn(&M, &Batch) -> Result<Tensor<1>>,
        progress: &mut dyn FnMut(u64, f32),
    ) -> Result<Fitted<M>> {
        let mut loader = self.loader.clone();
        let mut step = 0;
        let folder = self.checkpoints.as_ref().map(|(folder, _)| folder);
        if let Some(saved) = folder
            .map(|folder| Checkpoint::<String>::newest(folder))
            .transpose()?
            .flatten()
        {
            let cursor = saved.state.parse::<Cursor>();
            loader = cursor
                .and_then(|cursor| loader.resume(&cursor))
                .map_err(|error| error.context(saved.folder.display().to_string()))?;
            model = model
                .try_load_record(saved.record(MODEL)?)
                .map_err(|error| saved.unfit(error))?;
            optimizer = optimizer.load_record(saved.record(OPTIMIZER)?);
            step = saved.step;
        }
        let (mut batches, mut waited) = (loader.blocking()?, 0.0);
        while step < self.steps {
            let asked = std::time::Instant::now();
            let batch = batches
                .next()
                .ok_or_else(|| Error::config("the loader ended before the steps did"))??;
            waited += asked.elapsed().as_secs_f64();
            let value = loss(&model, &batch)?;
            let gradients = GradientsParams::from_grads(value.backward(), &model);
            model = optimizer.step(self.rate(step), model, gradients);
            step += 1;
            progress(step, finite(value, step)?);
            self.keep(step, &batch, &model, &optimizer)?;
        }
        Ok(Fitted {
            model,
            emitted: batches.loader().emitted(),
            waited,
        })
    }

    fn rate(&self, step: u64) -> f64 {
        let along = step as f64 / self.steps.max(1) as f64;
        self.learning_rate * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * along))
    }

    fn keep<M: Module>(&self, step: u64, batch: &Batch, model: &M, optimizer: &ModuleOptimizer) -> Result<()> {
        let Some((folder, every)) = &self.checkpoints else {
            return Ok(());
        };
        if !step.is_multiple_of((*every).max(1)) && step != self.steps {
            return Ok(());
        }
        let failed = |error| Error::stage(format!("the parameters after step {step} cannot be recorded: {error}"));
        checkpoint::settle(model);
        let records = [model.clone().into_record().into_bytes(), optimizer.into_bytes()];
        let [model, optimizer] = records.map(|bytes| bytes.map_err(failed));
        let parts: [(_, &[u8]); 2] = [(MODEL, &model?), (OPTIMIZER, &optimizer?)];
        Checkpoint::write(folder, step, batch.cursor().to_string(), &parts)
    }
}

fn finite(loss: Tensor<1>, step: u64) -> Result<f32> {
    let value = loss.into_data().iter::<f32>().next().unwrap_or(f32::NAN);
    if value.is_finite() {
        return Ok(value);
    }
    Err(Error::stage(format!(
        "the loss is {value} after step {step}; a lower learning rate may help"
    )))
}
