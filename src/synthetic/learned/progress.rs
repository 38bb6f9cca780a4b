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

/// A fit under way.
pub struct FitRun<'a> {
    /// Where to keep checkpoints, and after how many steps; an earlier run's newest one is gone on from.
    pub checkpoints: Option<(PathBuf, u64)>,
    /// Is told of each step. An error ends the fit, which a later one may go on with.
    pub progress: &'a mut dyn FnMut(&FitProgress) -> Result<()>,
}

impl FitRun<'_> {
    /// Steps between two checkpoints, where nothing else is said.
    pub const EVERY: u64 = 200;
}

impl std::fmt::Debug for FitRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FitRun")
            .field("checkpoints", &self.checkpoints)
            .finish_non_exhaustive()
    }
}
