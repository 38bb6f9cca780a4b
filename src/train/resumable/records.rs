//! The records of a learner, as bytes.

use crate::error::{Error, Result};
use crate::train::checkpoint;
use burn::store::RecordError;
use burn::tensor::Bytes;
use burn::train::checkpoint::{
    AsyncCheckpointer, Checkpoint as Record, Checkpointer, CheckpointerError, CheckpointingAction,
    CheckpointingStrategy,
};
use burn::train::metric::store::EventStoreClient;
use burn::train::{Learner, LearnerModel, LearningCheckpointer};
use std::sync::mpsc::{Receiver, Sender, channel};

/// The records of a learner. Burn shows its optimizer and its scheduler to checkpointers alone: these hand them on.
pub(super) struct Records<M: LearnerModel> {
    checkpointer: LearningCheckpointer<M>,
    made: [Receiver<RecordBytes>; 3],
}

/// The bytes of a record.
type RecordBytes = Result<Bytes, RecordError>;

impl<M: LearnerModel> Records<M> {
    pub(super) fn new() -> Self {
        let [(model, of_model), (optimizer, of_optimizer), (scheduler, of_scheduler)] = [(); 3].map(|()| channel());
        Self {
            checkpointer: LearningCheckpointer::new(
                AsyncCheckpointer::new(Forward(model)),
                AsyncCheckpointer::new(Forward(optimizer)),
                AsyncCheckpointer::new(Forward(scheduler)),
                Box::new(Always),
            ),
            made: [of_model, of_optimizer, of_scheduler],
        }
    }

    /// Model, optimizer and scheduler.
    pub(super) fn of(&mut self, learner: &Learner<M>, store: &EventStoreClient) -> Result<[Bytes; 3]> {
        checkpoint::settle(&learner.model());
        self.checkpointer.checkpoint(learner, 0, store);
        let next = |made: &Receiver<RecordBytes>| match made.recv() {
            Ok(made) => made.map_err(|error| Error::stage(format!("a record cannot be made: {error}"))),
            Err(error) => Err(Error::stage(format!("a record was not made: {error}"))),
        };
        let [model, optimizer, scheduler] = &self.made;
        Ok([next(model)?, next(optimizer)?, next(scheduler)?])
    }
}

/// A checkpointer that sends records on.
struct Forward(Sender<RecordBytes>);

impl<R: Record> Checkpointer<R> for Forward {
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
