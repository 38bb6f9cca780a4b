//! How a fit is told to go, and what it tells.

use crate::error::Result;
use std::path::PathBuf;

/// How far a fit is.
#[derive(Clone, Debug, PartialEq)]
pub struct FitProgress {
    /// Steps that are done, those before a resume included.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// The losses of the last step, by name: `loss`, or `discriminator` and `generator`.
    pub losses: Vec<(&'static str, f32)>,
    /// Rows a second, since the fit began in this process.
    pub rows_per_second: f64,
    /// Seconds that are left at that speed.
    pub seconds_left: f64,
}

/// How far the writing of rows behind a gate is: see [`RowsFile::write_accepted`](super::RowsFile::write_accepted).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GateProgress {
    /// Rows that were made, and are not written, to hold against the [limits](crate::synthetic::GateSpec::limits) of the gate.
    pub measured: u64,
    /// Such rows in all; 0 without limits.
    pub to_measure: u64,
    /// Candidates that were judged since.
    pub judged: u64,
    /// Rows that are written.
    pub written: u64,
}

/// A fit under way.
pub struct FitRun<'a> {
    /// Where to keep checkpoints, and after how many steps; an earlier run's newest one is gone on from.
    pub checkpoints: Option<(PathBuf, u64)>,
    /// Is told of each step. An error ends the fit, which a later one may go on with.
    pub progress: &'a mut dyn FnMut(&FitProgress) -> Result<()>,
}

impl FitRun<'_> {
    /// Default number of steps between two checkpoints.
    pub const EVERY: u64 = 200;
}

impl std::fmt::Debug for FitRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FitRun")
            .field("checkpoints", &self.checkpoints)
            .finish_non_exhaustive()
    }
}
