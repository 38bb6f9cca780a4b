//! How the steps of an epoch went.

use crate::loader::Batch;
use serde::{Deserialize, Serialize};

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
    pub losses: f64,
    /// Learning rate of the last one.
    pub learning_rate: f64,
    /// Rows that they were given.
    pub rows: u64,
    /// Seconds that they took, waiting included.
    pub seconds: f64,
    /// Seconds of these that were spent waiting for batches.
    pub waited: f64,
    /// Seconds until the last step, if it goes on as in this process so far.
    pub seconds_left: f64,
}

impl EpochSteps {
    /// With a step on `batch`, which took so many seconds, some of them waiting.
    pub(super) fn add(&mut self, step: u64, batch: &Batch, (loss, rate): (f32, f64), (seconds, waited): (f64, f64)) {
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
