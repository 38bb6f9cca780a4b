//! How far the work is.

use std::fmt;

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeakStage {
    /// Rows are read and hashed; pictures are decoded.
    Rows,
    /// A network makes features of pictures.
    Features,
}

impl fmt::Display for LeakStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rows => "rows",
            Self::Features => "features",
        })
    }
}

/// Counts what is done of one stage, and tells it.
pub(super) struct Counted<'a> {
    stage: LeakStage,
    done: u64,
    total: u64,
    tell: &'a mut dyn FnMut(LeakStage, u64, u64),
}

impl<'a> Counted<'a> {
    pub(super) fn new(stage: LeakStage, total: u64, tell: &'a mut dyn FnMut(LeakStage, u64, u64)) -> Self {
        Self {
            stage,
            done: 0,
            total,
            tell,
        }
    }

    pub(super) fn add(&mut self, rows: u64) {
        self.done += rows;
        (self.tell)(self.stage, self.done, self.total);
    }

    /// Rows done beyond those that were [added](Self::add).
    #[cfg(feature = "train")]
    pub(super) fn beyond(&mut self, rows: u64) {
        (self.tell)(self.stage, self.done + rows, self.total);
    }
}
