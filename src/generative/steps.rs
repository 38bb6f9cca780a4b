//! The training loop of networks that make rows: steps of one stream of batches, with checkpoints between them.

use super::diverged;
use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::loader::{Batch, LoaderBuilder};
use crate::rng::Rng;
use crate::synthetic::learned::{FitProgress, FitRun};
use crate::train::checkpoint::Checkpoint;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Networks that train, and their optimizers.
pub(super) trait Networks {
    /// The step `at` on a batch. All that it draws comes from `rng`. Gives the losses by name.
    fn step(&mut self, at: At, batch: &Batch, rng: Rng) -> Result<Vec<(&'static str, f32)>>;

    /// All that the next step depends on, by the names of a checkpoint's parts.
    fn records(&self) -> Result<Vec<(&'static str, Vec<u8>)>>;

    /// The first weight that is not that of a training that goes well, where there is one.
    fn unsound(&self) -> Option<f32>;

    /// Takes back what [`records`](Self::records) gave.
    fn restore(&mut self, saved: &Checkpoint<State>) -> Result<()>;
}

/// Which step of a training.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    /// Steps before it.
    pub(super) step: u64,
    /// Steps in all.
    pub(super) steps: u64,
}

impl At {
    /// The share of the training that lies before it.
    pub(super) fn along(self) -> f64 {
        self.step as f64 / self.steps as f64
    }

    /// What is left of `rate`, which falls from its whole to 0 along half a cosine.
    pub(super) fn along_a_cosine(self, rate: f64) -> f64 {
        rate * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * self.along()))
    }
}

/// What a checkpoint says beyond its records and its step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    cursor: String,
}

/// Passes over the rows at most, where a look is enough.
pub(super) const QUICK_EPOCHS: u32 = 10;

/// How long a training lasts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    pub(super) steps: u64,
    pub(super) batch: u64,
}

impl Length {
    /// So many steps, or where `epochs` are given as many as go through so many `rows` that often.
    pub(super) fn of(steps: u64, epochs: Option<u32>, batch: u64, rows: u64) -> Self {
        let of_epochs = |epochs: u32| (u64::from(epochs) * rows).div_ceil(batch).max(1);
        Self {
            steps: epochs.map_or(steps, of_epochs),
            batch,
        }
    }
}

/// Trains `networks` on batches of `loader`, and goes on from the newest whole checkpoint if there is one. `name` keys what steps draw.
pub(super) fn train(
    name: &str,
    loader: LoaderBuilder,
    length: Length,
    networks: &mut impl Networks,
    run: &mut FitRun<'_>,
) -> Result<()> {
    let Length { steps, batch } = length;
    let (mut loader, mut step) = (loader.batch_size(batch), 0);
    let seed = loader.context().seed();
    let saved = match &run.checkpoints {
        Some((folder, _)) => Checkpoint::<State>::newest(folder)?,
        None => None,
    };
    if let Some(saved) = saved {
        let cursor = saved.state.cursor.parse::<Cursor>();
        loader = cursor
            .and_then(|cursor| loader.resume(&cursor))
            .map_err(|error| error.context(saved.folder.display().to_string()))?;
        networks.restore(&saved)?;
        step = saved.step;
    }
    let (mut batches, begun, before) = (loader.blocking()?, Instant::now(), step);
    while step < steps {
        let next = batches.next().transpose()?;
        let next = next.ok_or_else(|| Error::config("the loader ended before the steps did"))?;
        let losses = networks.step(At { step, steps }, &next, Rng::new(seed, name, step))?;
        step += 1;
        diverged::check_losses(&losses, step)?;
        let every = run.checkpoints.as_ref().map_or(FitRun::EVERY, |(_, every)| *every);
        let is_kept = step == steps || step.is_multiple_of(every.max(1));
        if is_kept {
            // A loss may be a number where weights are none: a rectifier makes 0 of what is none.
            diverged::check_weights(networks.unsound(), step)?;
        }
        if let Some((folder, _)) = run.checkpoints.as_ref().filter(|_| is_kept) {
            let records = networks.records()?;
            let parts: Vec<(&str, &[u8])> = records.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
            let cursor = next.cursor().to_string();
            Checkpoint::write(folder, step, State { cursor }, &parts)?;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let per_step = seconds / (step - before) as f64;
        (run.progress)(&FitProgress {
            step,
            steps,
            losses,
            rows_per_second: batch as f64 / per_step,
            seconds_left: per_step * (steps - step) as f64,
        })?;
    }
    Ok(())
}
