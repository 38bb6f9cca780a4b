//! How far a gate is: the training rows that it is fitted on; then the rows behind it, those that its limits are held against, and those that are written.

use crate::progress::Progress;
use millstream::synthetic::GateFit;
use millstream::synthetic::learned::GateProgress;

/// A line for the features of training rows, where they are compared by such, and one for the comparisons.
pub(super) struct GateFitProgress {
    rows: u64,
    features: Option<Progress>,
    compared: Option<Progress>,
}

impl GateFitProgress {
    /// Of so many training rows.
    pub(super) fn new(rows: u64) -> Self {
        Self {
            rows,
            features: None,
            compared: None,
        }
    }

    pub(super) fn reached(&mut self, at: GateFit) {
        match at {
            GateFit::Features(rows) => {
                let new = || Progress::new("training rows", self.rows);
                self.features.get_or_insert_with(new).reached(rows);
            }
            GateFit::Compared(rows) => {
                self.features.take().into_iter().for_each(Progress::end);
                let new = || Progress::new("training rows compared", self.rows);
                self.compared.get_or_insert_with(new).reached(rows);
            }
        }
    }

    pub(super) fn end(self) {
        self.features.into_iter().chain(self.compared).for_each(Progress::end);
    }
}

/// A line for each of both kinds of made rows.
pub(super) struct GatedProgress {
    rows: u64,
    measured: Option<Progress>,
    written: Option<Progress>,
    judged: u64,
}

impl GatedProgress {
    /// Of so many rows to write.
    pub(super) fn new(rows: u64) -> Self {
        Self {
            rows,
            measured: None,
            written: None,
            judged: 0,
        }
    }

    pub(super) fn reached(&mut self, at: GateProgress) {
        if at.judged == 0 && at.written == 0 {
            if at.to_measure == 0 {
                return;
            }
            let new = || Progress::new("rows for the limits", at.to_measure);
            self.measured.get_or_insert_with(new).reached(at.measured);
            return;
        }
        self.measured.take().into_iter().for_each(Progress::end);
        let written = self.written.get_or_insert_with(|| Progress::new("rows", self.rows));
        // What is refused takes as long as what passes.
        if at.judged > self.judged {
            self.judged = at.judged;
            written.called(&format!("rows, of {} judged", at.judged));
        }
        written.reached(at.written);
    }

    pub(super) fn end(self) {
        self.measured.into_iter().chain(self.written).for_each(Progress::end);
    }
}
