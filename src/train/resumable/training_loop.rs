//! The epochs, in the order of Burn's own single-device strategy, with checkpoints between steps.

use super::Resumable;
use super::folder::{SAMPLES, State};
use super::records::Records;
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::exec::lock::Lock;
use crate::train::checkpoint::{Checkpoint, MODEL, OPTIMIZER, SCHEDULER};
use crate::train::sample_log::SampleLog;
use burn::optim::GradientsAccumulator;
use burn::store::ModuleRecord;
use burn::tensor::Device;
use burn::train::checkpoint::CheckpointerError;
use burn::train::metric::store::EventStoreClient;
use burn::train::{
    EventProcessorTraining, InferenceStep, Learner, LearnerEvent, LearnerModel, LearningResult,
    SupervisedLearningStrategy, SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents, TrainingItem,
    TrainingStrategy, ValidLoader,
};
use std::sync::Arc;

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

/// One launch: the strategy, and what it found in its folder.
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
    samples: SampleLog,
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
        let state = saved.map_or_else(|| State::start(epoch, &strategy.handle), |saved| saved.state.clone());
        Ok(Self {
            strategy,
            device,
            step: saved.map_or(0, |saved| saved.step),
            samples: SampleLog::open(&strategy.folder.join(SAMPLES), state.samples)?,
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
            let batch = self.strategy.handle.take();
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

/// Brings the learner and the loader back to where they were.
fn restore<M: LearnerModel>(strategy: &Resumable, saved: &Checkpoint<State>, learner: &mut Learner<M>) -> Result<()> {
    let cursor = saved.state.cursor.parse::<Cursor>();
    cursor
        .and_then(|cursor| strategy.handle.resume(&cursor))
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
