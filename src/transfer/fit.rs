//! The training loop: steps of one stream of batches, with checkpoints between them.

use crate::cursor::Cursor;
use crate::dataset::Origin;
use crate::error::{Error, ErrorKind, Result};
use crate::files;
use crate::loader::{Batch, LoaderBuilder};
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
        if let Some(saved) = self
            .checkpoints
            .as_ref()
            .and_then(|(folder, _)| Checkpoint::newest(folder))
        {
            let cursor = saved.state.cursor.parse::<Cursor>();
            loader = cursor
                .and_then(|cursor| loader.resume(&cursor))
                .map_err(|error| error.context(saved.folder.display().to_string()))?;
            (model, optimizer) = saved.restore(model, optimizer)?;
            step = saved.state.step;
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
        match &self.checkpoints {
            Some((folder, every)) if step.is_multiple_of((*every).max(1)) || step == self.steps => {
                let cursor = batch.cursor().to_string();
                Checkpoint::write(
                    folder,
                    &State {
                        step,
                        cursor,
                        hashes: [0; 2],
                    },
                    model,
                    optimizer,
                )
            }
            _ => Ok(()),
        }
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

/// What is written beside the weights.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    step: u64,
    cursor: String,
    /// Of the model's and of the optimizer's bytes.
    hashes: [u64; 2],
}

/// Model, optimizer and cursor of one step, in a folder of their own.
#[derive(Debug)]
struct Checkpoint {
    folder: PathBuf,
    state: State,
    model: Vec<u8>,
    optimizer: Vec<u8>,
}

impl Checkpoint {
    const MODEL: &str = "model.bpk";
    const OPTIMIZER: &str = "optimizer.bpk";
    const STATE: &str = "state.json";

    /// Writes the checkpoint, its state last, and then removes older ones.
    fn write<M: Module>(folder: &Path, state: &State, model: &M, optimizer: &ModuleOptimizer) -> Result<()> {
        let here = folder.join(format!("{:09}", state.step));
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Io, error.to_string()).context(here.display().to_string())
        };
        // A record takes running statistics as they were before the last step, unless `valid` has just brought them (in
        // this module and its clones) up to date: without it a resumed run would end with other statistics.
        drop(model.valid());
        let model = model.clone().into_record().into_bytes().map_err(|e| failed(&e))?;
        let optimizer = optimizer.into_bytes().map_err(|e| failed(&e))?;
        let hashes = [&model[..], &optimizer[..]].map(xxhash_rust::xxh3::xxh3_64);
        let state = State {
            hashes,
            cursor: state.cursor.clone(),
            ..*state
        };
        let text = serde_json::to_vec_pretty(&state).map_err(|e| failed(&e))?;
        for (name, bytes) in [
            (Self::MODEL, &model[..]),
            (Self::OPTIMIZER, &optimizer[..]),
            (Self::STATE, &text[..]),
        ] {
            let path = here.join(name);
            files::write_bytes(&path, bytes)?;
        }
        for (step, old) in Self::all(folder).into_iter().filter(|(step, _)| *step != state.step) {
            // What cannot be removed now is passed over: the newest whole checkpoint counts.
            let _ = (step, std::fs::remove_dir_all(old));
        }
        Ok(())
    }

    /// Folders of checkpoints by step, newest last.
    fn all(folder: &Path) -> Vec<(u64, PathBuf)> {
        let entries = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        let step = |path: &PathBuf| path.file_name()?.to_str()?.parse().ok();
        let mut all: Vec<_> = entries.filter_map(|path| Some((step(&path)?, path))).collect();
        all.sort();
        all
    }

    /// The newest checkpoint that is whole.
    fn newest(folder: &Path) -> Option<Self> {
        Self::all(folder)
            .into_iter()
            .rev()
            .find_map(|(_, folder)| Self::read(folder))
    }

    fn read(folder: PathBuf) -> Option<Self> {
        let state: State = serde_json::from_slice(&std::fs::read(folder.join(Self::STATE)).ok()?).ok()?;
        let model = std::fs::read(folder.join(Self::MODEL)).ok()?;
        let optimizer = std::fs::read(folder.join(Self::OPTIMIZER)).ok()?;
        let hashes = [&model[..], &optimizer[..]].map(xxhash_rust::xxh3::xxh3_64);
        (hashes == state.hashes).then_some(Self {
            folder,
            state,
            model,
            optimizer,
        })
    }

    fn restore<M: Module>(&self, model: M, optimizer: ModuleOptimizer) -> Result<(M, ModuleOptimizer)> {
        let failed =
            |error: &dyn std::fmt::Display| Error::resume(error.to_string()).context(self.folder.display().to_string());
        let bytes = burn::tensor::Bytes::from_bytes_vec(self.model.clone());
        let record = ModuleRecord::from_bytes(bytes).map_err(|e| failed(&e))?;
        let model = model.try_load_record(record).map_err(|e| failed(&e))?;
        let bytes = burn::tensor::Bytes::from_bytes_vec(self.optimizer.clone());
        let record = OptimizerRecord::from_bytes(bytes).map_err(|e| failed(&e))?;
        Ok((model, optimizer.load_record(record)))
    }
}
