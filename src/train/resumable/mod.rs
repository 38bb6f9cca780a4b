//! Burn's trainer, with checkpoints in mid-epoch.

mod folder;
mod records;
mod training_loop;

use super::existing::Existing;
use crate::rng::Rng;
use crate::sink::burn::LoaderHandle;
use std::path::PathBuf;

/// A strategy for Burn's [`SupervisedTraining`](burn::train::SupervisedTraining) on one device: Burn's own, with a
/// checkpoint every few steps, from which a run that was killed goes on exactly where it was, in mid-epoch.
///
/// ```no_run
/// # use burn::train::{Learner, LearnerModel, LearningResult, SupervisedTraining, TrainStep, InferenceStep};
/// # use burn::tensor::Device;
/// # use millstream::loader::{Batch, LoaderBuilder};
/// # use millstream::{Result, train::Resumable};
/// # fn run<M, I>(train: LoaderBuilder, valid: LoaderBuilder, make: fn(&Batch, &Device) -> Result<I>, learner: Learner<M>,
/// #     device: Device) -> Result<LearningResult<M>>
/// # where M: LearnerModel + TrainStep<Input = I> + InferenceStep<Input = I>, I: Send + 'static {
/// let (train, handle) = train.into_burn_with_handle(&device, make)?;
/// let valid = valid.into_burn(&device, make)?;
/// let training = SupervisedTraining::new("runs/mine", train, valid)
///     .with_training_strategy(Resumable::new("runs/mine", handle).every(50).into());
/// # Ok(training.launch(learner))
/// # }
/// ```
///
/// The folder gets `training.json`, its manifest: without it, files of the names below are not ours, and are
/// refused. It is locked as long as the training lasts.
///
/// A checkpoint holds the model, the optimizer, the learning rate's scheduler and the loader's cursor, in
/// `steps/NNNNNNNNN` of the folder; a torn one is passed over for the one before. What draws from the device's generator
/// (dropout) is reseeded before each step from the loader's seed and the step's number. So weights and rows are those of
/// the uninterrupted run, bit for bit where the device computes the same twice, as `flex` does.
///
/// Flex has one generator for the whole process: nothing else may draw from it during a training.
///
/// `samples.log` in the folder has a line for each step: its number, the positions of its rows, and a hash of where they
/// come from. A resume takes back the lines that follow its checkpoint.
///
/// A record brings the parameters' ids: name groups of parameters by their paths, not by ids. The metrics of an
/// interrupted epoch's training, and what an early stopping has seen, begin anew with a resume.
#[derive(Clone, Debug)]
pub struct Resumable {
    folder: PathBuf,
    handle: LoaderHandle,
    every: u64,
    existing: Existing,
}

impl Resumable {
    /// Checkpoints under `folder`, of a training on the loader of `handle`; one every 100 steps, and at the end of each
    /// epoch.
    pub fn new(folder: impl Into<PathBuf>, handle: LoaderHandle) -> Self {
        Self {
            folder: folder.into(),
            handle,
            every: 100,
            existing: Existing::Resume,
        }
    }

    /// Steps between two checkpoints; at least one.
    #[must_use]
    pub fn every(mut self, steps: u64) -> Self {
        self.every = steps.max(1);
        self
    }

    /// What to do with what an earlier run left in the folder. Defaults to [`Existing::Resume`].
    #[must_use]
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    fn steps(&self) -> PathBuf {
        self.folder.join("steps")
    }

    /// The seed of what `step`, counted from 0, draws on the device.
    fn seed(&self, step: u64) -> u64 {
        Rng::new(self.handle.cursor().seed(), "training step", step).next_u64()
    }
}
