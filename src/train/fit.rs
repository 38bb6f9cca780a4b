//! The training loop: steps of one stream of batches, with checkpoints between them.

use super::checkpoint::{self, BEST, Checkpoint, MODEL, OPTIMIZER};
use super::rates::RateGroups;
use crate::cursor::Cursor;
use crate::dataset::Origin;
use crate::error::{Error, Result};
use crate::loader::{Batch, LoaderBuilder};
use crate::report::Epoch;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Tensor};
use burn::train::checkpoint::Checkpoint as Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

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
    /// The model after the last step, or the best one.
    pub model: M,
    /// Rows that it was given, by class and origin.
    pub emitted: BTreeMap<(Option<u32>, Origin), u64>,
    /// Seconds spent waiting for batches in this process.
    pub waited: f64,
    /// Steps that were done: fewer than asked for where it ended early.
    pub steps: u64,
    /// The best model so far, where models are compared.
    pub best: Option<Best>,
    /// The epochs that were [watched](Options::watch), those before a resume included: each once.
    pub history: Vec<Epoch>,
}

impl<M> Fitted<M> {
    /// The same with another model.
    pub(crate) fn map<N>(self, model: impl FnOnce(M) -> N) -> Fitted<N> {
        Fitted {
            model: model(self.model),
            emitted: self.emitted,
            waited: self.waited,
            steps: self.steps,
            best: self.best,
            history: self.history,
        }
    }
}

/// The best of the models that were compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The step after which it was.
    pub step: u64,
    /// Its score.
    #[serde(with = "bits")]
    pub score: f64,
}

/// When models are compared during a training, and what follows from it.
#[derive(Clone, Copy, Debug)]
pub struct Selection {
    /// Steps between two comparisons, such as those of an epoch.
    pub every: u64,
    /// Comparisons without a better score after which the training ends; none to train all steps.
    pub patience: Option<u64>,
    /// Whether it ends with the best model instead of the last one.
    pub keep_best: bool,
}

/// What [`Fit::run_with`] takes beyond a model, its optimizer and a loss.
pub struct Options<'a, M> {
    /// Parameters whose learning rate is a share of the whole rate, by the model; asked again after a resume.
    pub rates: Option<&'a dyn Fn(&M) -> RateGroups>,
    /// When models are compared, and the score of one: more is better, and one without a score is no better than any. Give rows of
    /// the training set that are trained on by no step, never those that are reported.
    pub selection: Option<(Selection, Score<'a, M>)>,
    /// What is called after each epoch, and the steps of one.
    pub watch: Option<(u64, Watch<'a, M>)>,
}

/// Says what an epoch came to: of the model after it, how its steps went, and the epochs before it.
pub type Watch<'a, M> = &'a mut dyn FnMut(&M, &EpochSteps, &[Epoch]) -> Result<Epoch>;

/// How the steps of an epoch went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochSteps {
    /// Steps of this epoch.
    pub steps: u64,
    /// Its number, from 1.
    pub epoch: u64,
    /// Steps since the training began.
    pub step: u64,
    /// The sum of their losses.
    #[serde(with = "bits")]
    pub losses: f64,
    /// Learning rate of the last one.
    #[serde(with = "bits")]
    pub learning_rate: f64,
    /// Rows that they were given.
    pub rows: u64,
    /// Seconds that they took, waiting included.
    #[serde(with = "bits")]
    pub seconds: f64,
    /// Seconds of these that were spent waiting for batches.
    #[serde(with = "bits")]
    pub waited: f64,
    /// Seconds until the last step, if it goes on as in this process so far.
    #[serde(with = "bits")]
    pub seconds_left: f64,
}

/// The score of a model.
pub type Score<'a, M> = &'a mut dyn FnMut(&M) -> Result<Option<f64>>;

impl<M> Default for Options<'_, M> {
    fn default() -> Self {
        Self {
            rates: None,
            selection: None,
            watch: None,
        }
    }
}

/// Where a training is, in its checkpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    cursor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<Best>,
    /// Comparisons since the best model.
    #[serde(default)]
    worse: u64,
    /// The epochs before this one, as they were watched, and how far this one is.
    #[serde(default)]
    history: Vec<Epoch>,
    #[serde(default)]
    epoch: EpochSteps,
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
        model: M,
        optimizer: ModuleOptimizer,
        loss: impl Fn(&M, &Batch) -> Result<Tensor<1>>,
        progress: &mut dyn FnMut(u64, f32),
    ) -> Result<Fitted<M>> {
        self.run_with(model, optimizer, loss, Options::default(), progress)
    }

    /// As [`run`](Self::run), with learning rates by parameter and a comparison of models.
    ///
    /// A checkpoint has all that a comparison knows and the best model, so a run that was killed goes on to the same end.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and whatever a score gives.
    pub fn run_with<M: Module>(
        &self,
        mut model: M,
        mut optimizer: ModuleOptimizer,
        loss: impl Fn(&M, &Batch) -> Result<Tensor<1>>,
        mut options: Options<'_, M>,
        progress: &mut dyn FnMut(u64, f32),
    ) -> Result<Fitted<M>> {
        let mut loader = self.loader.clone();
        let (mut step, mut state, mut best) = (0, State::default(), None);
        let folder = self.checkpoints.as_ref().map(|(folder, _)| folder);
        if let Some(saved) = folder
            .map(|folder| Checkpoint::<State>::newest(folder))
            .transpose()?
            .flatten()
        {
            let cursor = saved.state.cursor.parse::<Cursor>();
            loader = cursor
                .and_then(|cursor| loader.resume(&cursor))
                .map_err(|error| error.context(saved.folder.display().to_string()))?;
            model = model
                .try_load_record(saved.record(MODEL)?)
                .map_err(|error| saved.unfit(error))?;
            optimizer = optimizer.load_record(saved.record(OPTIMIZER)?);
            best = saved.bytes(BEST);
            (step, state) = (saved.step, saved.state);
        }
        let groups = options.rates.map(|rates| rates(&model));
        let selection = options.selection.as_ref().map(|(selection, _)| *selection);
        let (mut batches, mut waited) = (loader.blocking()?, 0.0);
        let (begun, before) = (Instant::now(), step);
        while step < self.steps && !ends(selection, &state) {
            let asked = Instant::now();
            let batch = batches
                .next()
                .ok_or_else(|| Error::config("the loader ended before the steps did"))??;
            let wait = asked.elapsed().as_secs_f64();
            waited += wait;
            let value = loss(&model, &batch)?;
            let gradients = GradientsParams::from_grads(value.backward(), &model);
            let rate = self.rate(step);
            model = match &groups {
                None => optimizer.step(rate, model, gradients),
                Some(groups) => optimizer.step(groups.rates(rate)?, model, gradients),
            };
            step += 1;
            let value = finite(value, step)?;
            progress(step, value);
            state
                .epoch
                .add(step, &batch, (value, rate), (asked.elapsed().as_secs_f64(), wait));
            state.cursor = batch.cursor().to_string();
            if let Some((selection, score)) = &mut options.selection
                && (step.is_multiple_of(selection.every.max(1)) || step == self.steps)
            {
                checkpoint::settle(&model);
                let score = score(&model)?.filter(|score| score.is_finite());
                if let Some(score) = score.filter(|score| state.best.is_none_or(|best| *score > best.score)) {
                    (state.best, state.worse) = (Some(Best { step, score }), 0);
                    best = if selection.keep_best {
                        Some(recorded(&model, step)?)
                    } else {
                        None
                    };
                } else {
                    state.worse += 1;
                }
            }
            if let Some((every, watch)) = &mut options.watch
                && (step.is_multiple_of((*every).max(1)) || step == self.steps)
            {
                checkpoint::settle(&model);
                let mean = begun.elapsed().as_secs_f64() / (step - before) as f64;
                state.epoch.seconds_left = mean * (self.steps - step) as f64;
                state.epoch.epoch = step.div_ceil((*every).max(1));
                let epoch = watch(&model, &state.epoch, &state.history)?;
                state.history.push(epoch);
                state.epoch = EpochSteps::default();
            }
            self.keep(
                step,
                &state,
                (&model, &optimizer),
                best.as_deref(),
                ends(selection, &state),
            )?;
        }
        let emitted = batches.loader().emitted();
        if let Some(bytes) = best {
            let failed =
                |error: &dyn std::fmt::Display| Error::stage(format!("the best model cannot be taken back: {error}"));
            let record =
                ModuleRecord::checkpoint_from_bytes(Bytes::from_bytes_vec(bytes)).map_err(|error| failed(&error))?;
            model = model.try_load_record(record).map_err(|error| failed(&error))?;
        }
        Ok(Fitted {
            model,
            emitted,
            waited,
            steps: step,
            best: state.best,
            history: state.history,
        })
    }

    fn rate(&self, step: u64) -> f64 {
        let along = step as f64 / self.steps.max(1) as f64;
        self.learning_rate * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * along))
    }

    /// Writes a checkpoint if it is time for one, or if this step is the last.
    fn keep<M: Module>(
        &self,
        step: u64,
        state: &State,
        (model, optimizer): (&M, &ModuleOptimizer),
        best: Option<&[u8]>,
        is_last: bool,
    ) -> Result<()> {
        let Some((folder, every)) = &self.checkpoints else {
            return Ok(());
        };
        if !step.is_multiple_of((*every).max(1)) && step != self.steps && !is_last {
            return Ok(());
        }
        checkpoint::settle(model);
        let model = recorded(model, step)?;
        let optimizer = optimizer.into_bytes().map_err(|error| not_recorded(step, &error))?;
        let mut parts: Vec<(&str, &[u8])> = vec![(MODEL, &model), (OPTIMIZER, &optimizer)];
        parts.extend(best.map(|best| (BEST, best)));
        Checkpoint::write(folder, step, state.clone(), &parts)
    }
}

impl EpochSteps {
    /// With a step on `batch`, which took so many seconds, some of them waiting.
    fn add(&mut self, step: u64, batch: &Batch, (loss, rate): (f32, f64), (seconds, waited): (f64, f64)) {
        self.steps += 1;
        self.step = step;
        self.losses += f64::from(loss);
        self.learning_rate = rate;
        self.rows += batch.len() as u64;
        self.seconds += seconds;
        self.waited += waited;
    }

    /// The mean of the losses; 0 where there was no step.
    pub fn loss(&self) -> f64 {
        self.losses / self.steps.max(1) as f64
    }
}

/// Numbers of a checkpoint by their bits: read from decimals their last bit may differ, and then the checkpoint's hash does.
mod bits {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(number.to_bits())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(f64::from_bits(u64::deserialize(from)?))
    }
}

/// Whether a comparison has ended the training.
fn ends(selection: Option<Selection>, state: &State) -> bool {
    let patience = selection.and_then(|selection| selection.patience);
    patience.is_some_and(|patience| state.worse >= patience)
}

fn recorded<M: Module>(model: &M, step: u64) -> Result<Vec<u8>> {
    let bytes = model.clone().into_record().into_bytes();
    Ok(bytes.map_err(|error| not_recorded(step, &error))?.to_vec())
}

fn not_recorded(step: u64, error: &dyn std::fmt::Display) -> Error {
    Error::stage(format!("the parameters after step {step} cannot be recorded: {error}"))
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
