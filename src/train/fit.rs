//! The training loop: steps of one stream of batches, with checkpoints between them.

use super::ahead::{Ahead, Batches};
use super::checkpoint::{self, BEST, Checkpoint, MODEL, OPTIMIZER};
use super::epoch_steps::EpochSteps;
use super::rates::RateGroups;
use crate::cursor::Cursor;
use crate::dataset::Origin;
use crate::error::{Error, Result};
use crate::exec::OwnThread;
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
    /// What [`Options::on_epoch`] made of the epochs, those before a resume included: each once.
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

impl Selection {
    /// Whether models are compared after `step` of `steps`.
    fn compares(&self, step: u64, steps: u64) -> bool {
        step.is_multiple_of(self.every.max(1)) || step == steps
    }
}

/// What [`Fit::run_with`] takes beyond a model, its optimizer and a loss.
pub struct Options<'a, M> {
    /// Parameters whose learning rate is a share of the whole rate, by the model; asked again after a resume.
    pub rates: Option<&'a dyn Fn(&M) -> RateGroups>,
    /// When models are compared, and the score of one: more is better, and one without a score is no better than any. Give rows of
    /// the training set that are trained on by no step, never those that are reported.
    pub selection: Option<(Selection, Score<'a, M>)>,
    /// What is called after each epoch, and the steps of one.
    pub on_epoch: Option<(u64, OnEpoch<'a, M>)>,
}

/// Says what an epoch came to: of the model after it, how its steps went, and the epochs before it.
pub type OnEpoch<'a, M> = &'a mut dyn FnMut(&M, &EpochSteps, &[Epoch]) -> Result<Epoch>;

/// The score of a model.
pub type Score<'a, M> = &'a mut dyn FnMut(&M) -> Result<Option<f64>>;

impl<M> Default for Options<'_, M> {
    fn default() -> Self {
        Self {
            rates: None,
            selection: None,
            on_epoch: None,
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
    /// What came of the epochs before this one, and how far this one is.
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
    /// Whatever the loader or `loss` gives; `Config` for a learning rate that is not finite; `Resume` where the checkpoint belongs to another pipeline; `Io` where it
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
        model: M,
        optimizer: ModuleOptimizer,
        loss: impl Fn(&M, &Batch) -> Result<Tensor<1>>,
        options: Options<'_, M>,
        progress: &mut dyn FnMut(u64, f32),
    ) -> Result<Fitted<M>> {
        let loss = |model: &M, batch: &Batch, ()| loss(model, batch);
        self.train(model, optimizer, LoaderBuilder::blocking, loss, options, progress)
    }

    /// As [`run_with`](Self::run_with); the loss is given what `make` makes of the batch, which it does on the threads of the
    /// loader's context while the batch before it trains. It has to depend on the batch alone, such as what a frozen network
    /// makes of it; then nothing depends on which of both comes first.
    ///
    /// # Errors
    ///
    /// As [`run_with`](Self::run_with), and whatever `make` gives.
    pub fn run_ahead<M: Module, T: Send + 'static>(
        &self,
        model: M,
        optimizer: ModuleOptimizer,
        make: impl Fn(&Batch) -> Result<T> + Send + Sync + 'static,
        loss: impl Fn(&M, &Batch, T) -> Result<Tensor<1>>,
        options: Options<'_, M>,
        progress: &mut dyn FnMut(u64, f32),
    ) -> Result<Fitted<M>> {
        self.run_ahead_on(None, model, optimizer, make, loss, options, progress)
    }

    /// As [`run_ahead`](Self::run_ahead); where a thread is given, `make` runs on that one. Work for a device is best given by one
    /// thread, because a device keeps memory for each that gives it any.
    #[allow(clippy::too_many_arguments, reason = "those of `run_ahead`, and the thread")]
    pub(crate) fn run_ahead_on<M: Module, T: Send + 'static>(
        &self,
        thread: Option<OwnThread>,
        model: M,
        optimizer: ModuleOptimizer,
        make: impl Fn(&Batch) -> Result<T> + Send + Sync + 'static,
        loss: impl Fn(&M, &Batch, T) -> Result<Tensor<1>>,
        options: Options<'_, M>,
        progress: &mut dyn FnMut(u64, f32),
    ) -> Result<Fitted<M>> {
        let ahead = |loader: LoaderBuilder| {
            let cx = loader.context().clone();
            Ok(Ahead::new(&cx, loader.build()?, make, thread))
        };
        self.train(model, optimizer, ahead, loss, options, progress)
    }

    fn train<M: Module, B: Batches>(
        &self,
        mut model: M,
        mut optimizer: ModuleOptimizer,
        batches: impl FnOnce(LoaderBuilder) -> Result<B>,
        loss: impl Fn(&M, &Batch, B::Made) -> Result<Tensor<1>>,
        mut options: Options<'_, M>,
        progress: &mut dyn FnMut(u64, f32),
    ) -> Result<Fitted<M>> {
        if !self.learning_rate.is_finite() {
            let rate = self.learning_rate;
            return Err(Error::config(format!(
                "learning_rate is {rate}, and has to be a finite number"
            )));
        }
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
        let (mut batches, mut waited) = (batches(loader)?, 0.0);
        let (begun, before) = (Instant::now(), step);
        while step < self.steps && !ends(selection, &state) {
            let asked = Instant::now();
            let (batch, made) = batches
                .next()?
                .ok_or_else(|| Error::config("the loader ended before the steps did"))?;
            let wait = asked.elapsed().as_secs_f64();
            waited += wait;
            // What is compared now may end the training, and then no other batch was delivered.
            let compares = selection.is_some_and(|selection| selection.compares(step + 1, self.steps));
            if !compares && step + 1 < self.steps {
                batches.begin_next();
            }
            let value = loss(&model, &batch, made)?;
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
                && selection.compares(step, self.steps)
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
            if let Some((every, on_epoch)) = &mut options.on_epoch
                && (step.is_multiple_of((*every).max(1)) || step == self.steps)
            {
                checkpoint::settle(&model);
                let mean = begun.elapsed().as_secs_f64() / (step - before) as f64;
                state.epoch.seconds_left = mean * (self.steps - step) as f64;
                state.epoch.epoch = step.div_ceil((*every).max(1));
                let epoch = on_epoch(&model, &state.epoch, &state.history)?;
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
        let emitted = batches.emitted();
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
