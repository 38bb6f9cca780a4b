//! Burn's trainer, with checkpoints in mid-epoch.

use super::checkpoint::{self, Checkpoint, MODEL, OPTIMIZER, SCHEDULER};
use super::samples::Samples;
use crate::cursor::Cursor;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use crate::exec::lock::Lock;
use crate::rng::Rng;
use crate::sink::burn::LoaderHandle;
use crate::task::run_folder::Existing;
use burn::optim::GradientsAccumulator;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, Device};
use burn::train::checkpoint::{
    AsyncCheckpointer, Checkpoint as Record, Checkpointer, CheckpointerError, CheckpointingAction,
    CheckpointingStrategy,
};
use burn::train::metric::store::EventStoreClient;
use burn::train::{
    EventProcessorTraining, InferenceStep, Learner, LearnerEvent, LearnerModel, LearningCheckpointer, LearningResult,
    SupervisedLearningStrategy, SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents, TrainingItem,
    TrainingStrategy, ValidLoader,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A strategy for Burn's [`SupervisedTraining`](burn::train::SupervisedTraining) on one device: Burn's own, with a
/// checkpoint every few steps, from which a run that was killed goes on exactly where it was, in mid-epoch.
///
/// ```no_run
/// # use burn::train::{Learner, LearnerModel, LearningResult, SupervisedTraining, TrainStep, InferenceStep};
/// # use burn::tensor::Device;
/// # use millstream::loader::{Batch, LoaderBuilder};
/// # use millstream::{Result, transfer::Resumable};
/// # fn run<M, I>(train: LoaderBuilder, valid: LoaderBuilder, make: fn(&Batch, &Device) -> Result<I>, learner: Learner<M>,
/// #     device: Device) -> Result<LearningResult<M>>
/// # where M: LearnerModel + TrainStep<Input = I> + InferenceStep<Input = I>, I: Send + 'static {
/// let (train, track) = train.into_burn_with_handle(&device, make)?;
/// let valid = valid.into_burn(&device, make)?;
/// let training = SupervisedTraining::new("runs/mine", train, valid)
///     .with_training_strategy(Resumable::new("runs/mine", track).every(50).into());
/// # Ok(training.launch(learner))
/// # }
/// ```
///
/// The folder gets `training.json`, the mark of a training: without it, files of the names below are somebody else's, and
/// are refused. It is locked as long as the training lasts.
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
    track: LoaderHandle,
    every: u64,
    existing: Existing,
}

impl Resumable {
    /// Checkpoints under `folder`, of a training on the loader of `track`; one every 100 steps, and at the end of each
    /// epoch.
    pub fn new(folder: impl Into<PathBuf>, track: LoaderHandle) -> Self {
        Self {
            folder: folder.into(),
            track,
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
        Rng::new(self.track.cursor().seed(), "training step", step).next_u64()
    }

    /// The folder for this process alone, and what a former run left there; a file that it had half written is removed.
    fn open(&self) -> Result<(Lock, Option<Checkpoint<State>>)> {
        let (folder, mark) = (&self.folder, self.folder.join(MARK));
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let lock = Lock::take(folder)?;
        if !self.is_marked()? {
            let there = ["steps", SAMPLES].into_iter().find(|name| folder.join(name).exists());
            if let Some(name) = there {
                let message =
                    format!("{name} exists, but no {MARK}: no training wrote it; move it away, or use another folder");
                return Err(Error::config(message).context(folder.display().to_string()));
            }
            files::write_bytes(&mark, json!({"millstream": VERSION}).to_string().as_bytes())?;
            return Ok((lock, None));
        }
        let saved = match self.existing {
            Existing::Refuse => {
                let message = "this folder holds a training; resume it, or overwrite it";
                return Err(Error::new(ErrorKind::Exists, message).context(folder.display().to_string()));
            }
            Existing::Resume => Checkpoint::newest(&self.steps())?,
            Existing::Overwrite => {
                checkpoint::remove_all(&self.steps())?;
                None
            }
        };
        files::remove_temporary(folder)?;
        Ok((lock, saved))
    }

    /// Whether the folder is a training's.
    fn is_marked(&self) -> Result<bool> {
        let path = self.folder.join(MARK);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            text => text.map_err(|error| Error::io(&path, error))?,
        };
        let mark: Value = serde_json::from_slice(&text).unwrap_or_default();
        match mark["millstream"] == VERSION {
            true => Ok(true),
            false => {
                let message = "not the mark of a training that this version can read; use another folder";
                Err(Error::config(message).context(path.display().to_string()))
            }
        }
    }
}

/// What says that a folder is a training's.
const MARK: &str = "training.json";
/// Its version.
const VERSION: u64 = 1;
const SAMPLES: &str = "samples.log";

impl<M: LearnerModel> From<Resumable> for TrainingStrategy<M> {
    fn from(strategy: Resumable) -> Self {
        Self::Custom(Arc::new(strategy))
    }
}

impl<M: LearnerModel> SupervisedLearningStrategy<M> for Resumable {
    fn train(
        &self,
        learner: Learner<M>,
        train: TrainLoader<M>,
        valid: ValidLoader<M>,
        mut components: TrainingComponents<M>,
    ) -> LearningResult<M> {
        let session = Session::new(self);
        if let Ok((_, Some(saved))) = &session.saved {
            // Where the progress that is shown starts.
            components.checkpoint = Some(saved.state.epoch.saturating_sub(1));
        }
        session.train(learner, train, valid, components)
    }

    fn fit(
        &self,
        components: TrainingComponents<M>,
        learner: Learner<M>,
        train: TrainLoader<M>,
        valid: ValidLoader<M>,
        starting_epoch: usize,
    ) -> (M, SupervisedTrainingEventProcessor<M>) {
        Session::new(self).fit(components, learner, train, valid, starting_epoch)
    }
}

/// What a checkpoint says beyond its records and its step.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    cursor: String,
    /// The epoch under way, from 1.
    epoch: usize,
    /// Its batches that are done.
    batches: usize,
    /// Whether it has no other batches.
    trained: bool,
    /// Bytes of `samples.log`.
    samples: u64,
}

/// One launch: the strategy, and what it found.
struct Session<'a> {
    strategy: &'a Resumable,
    saved: Result<(Lock, Option<Checkpoint<State>>)>,
}

impl<'a> Session<'a> {
    fn new(strategy: &'a Resumable) -> Self {
        let saved = strategy.open();
        Self { strategy, saved }
    }
}

impl<M: LearnerModel> SupervisedLearningStrategy<M> for Session<'_> {
    fn fit(
        &self,
        mut components: TrainingComponents<M>,
        mut learner: Learner<M>,
        train: TrainLoader<M>,
        valid: ValidLoader<M>,
        starting_epoch: usize,
    ) -> (M, SupervisedTrainingEventProcessor<M>) {
        let device = learner.model().devices().first().cloned().unwrap_or_default();
        let device = if device.is_autodiff() {
            device
        } else {
            device.autodiff()
        };
        let (train, valid) = (train.to_device(&device), valid.to_device(&device.clone().inner()));
        learner.fork(&device);
        let ended = self.saved.as_ref().map_err(Error::clone).and_then(|(_, saved)| {
            let mut run = Run::begin(self.strategy, saved.as_ref(), &mut learner, device, starting_epoch)?;
            run.epochs(&mut learner, &train, &valid, &mut components)
        });
        if let Err(error) = ended {
            let error = CheckpointerError::IOError(std::io::Error::other(error));
            components.interrupter.fail(error);
        }
        (learner.model(), components.event_processor)
    }
}

/// A training under way.
struct Run<'a, M: LearnerModel> {
    strategy: &'a Resumable,
    device: Device,
    /// Batches that were trained on.
    step: u64,
    state: State,
    samples: Samples,
    records: Records<M>,
}

impl<'a, M: LearnerModel> Run<'a, M> {
    fn begin(
        strategy: &'a Resumable,
        saved: Option<&Checkpoint<State>>,
        learner: &mut Learner<M>,
        device: Device,
        epoch: usize,
    ) -> Result<Self> {
        if let Some(saved) = saved {
            restore(strategy, saved, learner)?;
        }
        let state = saved.map_or_else(|| State::start(epoch, &strategy.track), |saved| saved.state.clone());
        Ok(Self {
            strategy,
            device,
            step: saved.map_or(0, |saved| saved.step),
            samples: Samples::open(&strategy.folder.join(SAMPLES), state.samples)?,
            state,
            records: Records::new(),
        })
    }

    /// What is left of the epochs, in the order of Burn's own strategy.
    fn epochs(
        &mut self,
        learner: &mut Learner<M>,
        train: &TrainLoader<M>,
        valid: &ValidLoader<M>,
        components: &mut TrainingComponents<M>,
    ) -> Result<()> {
        let interrupter = components.interrupter.clone();
        while self.state.epoch <= components.num_epochs {
            let epoch = self.state.epoch;
            if !self.state.trained {
                let start = LearnerEvent::StartSplit {
                    epoch_number: epoch,
                    total_items: train.num_items(),
                };
                interrupter.fail_on_error(components.event_processor.process_train(start));
                self.train(learner, train, components)?;
                interrupter.fail_on_error(components.event_processor.process_train(LearnerEvent::EndSplit(epoch)));
                if interrupter.should_stop() {
                    return Ok(());
                }
            }
            validate(&learner.model().valid(), valid, epoch, components);
            interrupter.fail_on_error(components.event_processor.process_train(LearnerEvent::EndEpoch(epoch)));
            if components.checkpointer.is_some() || components.early_stopping.is_some() {
                interrupter.fail_on_error(components.event_processor.flush());
            }
            if interrupter.should_stop() {
                return Ok(());
            }
            if let Some(checkpointer) = &mut components.checkpointer {
                checkpointer.checkpoint(learner, epoch, &components.event_store);
            }
            let early = components.early_stopping.as_mut();
            if early.is_some_and(|early| early.should_stop(epoch, &components.event_store)) {
                return Ok(());
            }
            self.state.epoch += 1;
            (self.state.batches, self.state.trained) = (0, false);
        }
        Ok(())
    }

    /// What is left of the training in this epoch.
    fn train(
        &mut self,
        learner: &mut Learner<M>,
        loader: &TrainLoader<M>,
        components: &mut TrainingComponents<M>,
    ) -> Result<()> {
        let interrupter = &components.interrupter;
        let (mut batches, mut sum, mut summed) = (loader.iter(), GradientsAccumulator::new(), 0);
        loop {
            // Before the batch is made: that, too, may draw.
            self.device.seed(self.strategy.seed(self.step));
            let item = match batches.next() {
                Some(Ok(item)) => item,
                Some(Err(error)) => {
                    interrupter.fail(error);
                    return Ok(());
                }
                None => return Ok(()),
            };
            let batch = self.strategy.track.take();
            let batch =
                batch.ok_or_else(|| Error::config("the training's loader is not the one that the strategy tracks"))?;
            let progress = batches.progress();
            self.step += 1;
            self.state.batches += 1;
            self.state.trained = progress.is_completed();
            self.samples.note(self.step, &batch)?;

            let output = learner.train_step(item);
            let gradients = match components.grad_accumulation {
                None => Some(output.grads),
                Some(window) => {
                    sum.accumulate(&learner.model(), output.grads);
                    summed += 1;
                    (summed >= window || self.state.trained).then(|| sum.grads())
                }
            };
            let stepped = gradients.is_some();
            if let Some(gradients) = gradients {
                summed = 0;
                learner.lr_step();
                learner.optimizer_step(gradients);
            }
            let (iteration, rate) = (Some(self.state.batches), Some(learner.lr_current()));
            let event = LearnerEvent::ProcessedItem(TrainingItem::new(output.item, progress, iteration, rate));
            interrupter.fail_on_error(components.event_processor.process_train(event));
            if interrupter.should_stop() {
                return Ok(());
            }
            if stepped && (self.step.is_multiple_of(self.strategy.every) || self.state.trained) {
                self.save(learner, &batch.cursor(), &components.event_store)?;
            }
        }
    }

    fn save(&mut self, learner: &Learner<M>, cursor: &Cursor, store: &EventStoreClient) -> Result<()> {
        self.state.cursor = cursor.to_string();
        // The log first: it must reach as far as the checkpoint says.
        self.state.samples = self.samples.sync()?;
        let [model, optimizer, scheduler] = self.records.of(learner, store)?;
        let parts: [(_, &[u8]); 3] = [(MODEL, &model), (OPTIMIZER, &optimizer), (SCHEDULER, &scheduler)];
        Checkpoint::write(&self.strategy.steps(), self.step, self.state.clone(), &parts)
    }
}

impl State {
    fn start(epoch: usize, track: &LoaderHandle) -> Self {
        Self {
            cursor: track.cursor().to_string(),
            epoch,
            batches: 0,
            trained: false,
            samples: 0,
        }
    }
}

/// Brings the learner and the loader back to where they were.
fn restore<M: LearnerModel>(strategy: &Resumable, saved: &Checkpoint<State>, learner: &mut Learner<M>) -> Result<()> {
    let cursor = saved.state.cursor.parse::<Cursor>();
    cursor
        .and_then(|cursor| strategy.track.resume(&cursor))
        .map_err(|error| error.context(saved.folder.display().to_string()))?;
    let record: ModuleRecord = saved.record(MODEL)?;
    // The learner panics where a record does not fit, this says why.
    let fits = learner.model().try_load_record(record.clone());
    fits.map_err(|error| saved.unfit(error))?;
    learner.load_model(record);
    learner.load_optim(saved.record(OPTIMIZER)?);
    learner.load_scheduler(saved.record(SCHEDULER)?);
    Ok(())
}

/// The validation of an epoch.
fn validate<M: LearnerModel>(model: &M, loader: &ValidLoader<M>, epoch: usize, components: &mut TrainingComponents<M>) {
    let (interrupter, processor) = (&components.interrupter, &mut components.event_processor);
    let start = LearnerEvent::StartSplit {
        epoch_number: epoch,
        total_items: loader.num_items(),
    };
    interrupter.fail_on_error(processor.process_valid(start));
    let (mut batches, mut iteration) = (loader.iter(), 0);
    while let Some(item) = batches.next() {
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                interrupter.fail(error);
                break;
            }
        };
        iteration += 1;
        let output = InferenceStep::step(model, item);
        let event = LearnerEvent::ProcessedItem(TrainingItem::new(output, batches.progress(), Some(iteration), None));
        interrupter.fail_on_error(processor.process_valid(event));
        if interrupter.should_stop() {
            break;
        }
    }
    interrupter.fail_on_error(processor.process_valid(LearnerEvent::EndSplit(epoch)));
}

/// The records of a learner. Burn shows its optimizer and its scheduler to checkpointers alone: these hand them on.
struct Records<M: LearnerModel> {
    checkpointer: LearningCheckpointer<M>,
    made: [Receiver<Made>; 3],
}

/// The bytes of a record.
type Made = Result<Bytes, RecordError>;

impl<M: LearnerModel> Records<M> {
    fn new() -> Self {
        let [(model, of_model), (optimizer, of_optimizer), (scheduler, of_scheduler)] = [(); 3].map(|()| channel());
        Self {
            checkpointer: LearningCheckpointer::new(
                AsyncCheckpointer::new(HandOn(model)),
                AsyncCheckpointer::new(HandOn(optimizer)),
                AsyncCheckpointer::new(HandOn(scheduler)),
                Box::new(Always),
            ),
            made: [of_model, of_optimizer, of_scheduler],
        }
    }

    /// Model, optimizer and scheduler.
    fn of(&mut self, learner: &Learner<M>, store: &EventStoreClient) -> Result<[Bytes; 3]> {
        checkpoint::settle(&learner.model());
        self.checkpointer.checkpoint(learner, 0, store);
        let next = |made: &Receiver<Made>| match made.recv() {
            Ok(made) => made.map_err(|error| Error::stage(format!("a record cannot be made: {error}"))),
            Err(error) => Err(Error::stage(format!("a record was not made: {error}"))),
        };
        let [model, optimizer, scheduler] = &self.made;
        Ok([next(model)?, next(optimizer)?, next(scheduler)?])
    }
}

/// A checkpointer that sends records on.
struct HandOn(Sender<Made>);

impl<R: Record> Checkpointer<R> for HandOn {
    fn save(&self, _: usize, record: R) -> Result<(), CheckpointerError> {
        let sent = self.0.send(record.checkpoint_into_bytes());
        sent.map_err(|error| CheckpointerError::Unknown(error.to_string()))
    }

    fn delete(&self, _: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, _: usize) -> Result<R, CheckpointerError> {
        Err(CheckpointerError::Unknown("nothing is kept here".to_owned()))
    }
}

/// Every call makes records.
struct Always;

impl CheckpointingStrategy for Always {
    fn checkpointing(&mut self, _: usize, _: &EventStoreClient) -> Vec<CheckpointingAction> {
        vec![CheckpointingAction::Save]
    }
}
