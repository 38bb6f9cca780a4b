//! What each epoch of a training comes to, in events and in the history of the run.

use super::evaluation::Evaluated;
use super::event::{Callback, Event};
use super::finetune::Finetune;
use crate::dataset::Stable;
use crate::error::Result;
use crate::ext::DatasetExt;
use crate::report::{Epoch, append_history, write_history};
use crate::train::EpochSteps;
use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use std::path::PathBuf;
use std::sync::Arc;

/// Validation rows that are always few enough to look at after each epoch.
const FEW: u64 = 256;

/// Notes what each epoch of one part of a run came to, in events and in the history of the run.
pub(super) struct EpochLog<'a> {
    phase: &'a str,
    epochs: u64,
    /// The file, if the run keeps one.
    file: Option<PathBuf>,
    /// The epochs of the parts before.
    earlier: &'a [Epoch],
    begun: bool,
    /// Whether epochs are measured on selection rows.
    selection: bool,
}

impl<'a> EpochLog<'a> {
    pub(super) fn new(run: &Finetune, phase: &'a str, epochs: u64, earlier: &'a [Epoch]) -> Self {
        Self {
            phase,
            epochs,
            file: run.folder().has_manifest().then(|| run.folder().history()),
            earlier,
            begun: false,
            selection: run.spec.holds_out().is_some(),
        }
    }

    /// Notes an epoch after those `before` it, which this process may not have seen.
    pub(super) fn note(
        &mut self,
        steps: &EpochSteps,
        before: &[Epoch],
        found: Evaluated,
        callback: Callback<'_>,
    ) -> Result<Epoch> {
        let measured = found.measured;
        let figure = measured.figures.get(&measured.chooses).copied().unwrap_or_default();
        let per = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let epoch = Epoch {
            phase: self.phase.to_owned(),
            epoch: steps.epoch,
            epochs: self.epochs,
            step: steps.step,
            loss: steps.loss(),
            valid_loss: found.loss.filter(|loss| loss.is_finite()),
            figure: measured.chooses,
            value: figure.value.filter(|value| value.is_finite()),
            standard_error: figure.standard_error.filter(|error| error.is_finite()),
            valid_rows: measured.rows,
            selection: self.selection,
            learning_rate: steps.learning_rate,
            rows_per_second: per(steps.rows as f64, steps.seconds),
            waiting: per(steps.waited, steps.seconds).min(1.0),
            seconds_left: steps.seconds_left,
        }
        .rounded();
        if let Some(file) = &self.file {
            match self.begun {
                true => append_history(file, &epoch)?,
                // A killed run may have noted epochs that come again.
                false => {
                    let all = self.earlier.iter().chain(before).chain([&epoch]);
                    write_history(file, &all.cloned().collect::<Vec<_>>())?;
                    self.begun = true;
                }
            }
        }
        callback(Event::Epoch(&epoch));
        Ok(epoch)
    }
}

/// Which of `rows` validation rows are looked at after each epoch of `trained` rows, so that this takes a small part of the time:
/// evenly spread ones, at most a quarter as many as are trained on; none where it is all of them.
pub(super) fn sample(rows: u64, trained: u64) -> Option<Vec<u64>> {
    let many = (trained / 4).max(FEW);
    // Below 2^64: rows of a set times a quarter of another.
    (rows > many).then(|| {
        (0..many)
            .map(|at| (u128::from(at) * u128::from(rows) / u128::from(many)) as u64)
            .collect()
    })
}

/// The rows of `all` that are looked at after each epoch of `trained` rows.
pub(super) fn sampled(all: &RecordBatch, trained: u64) -> Result<RecordBatch> {
    match sample(all.num_rows() as u64, trained) {
        None => Ok(all.clone()),
        Some(rows) => {
            let rows: UInt32Array = rows.into_iter().map(|row| row as u32).collect();
            Ok(take_record_batch(all, &rows)?)
        }
    }
}

/// As [`sampled`], of rows that are not read yet.
pub(super) fn sampled_rows(all: &Arc<dyn Stable>, trained: u64) -> Result<Arc<dyn Stable>> {
    match sample(all.len().finite().unwrap_or(0), trained) {
        None => Ok(Arc::clone(all)),
        Some(rows) => Ok(Arc::new(Arc::clone(all).select(rows)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_validation_rows_are_all_looked_at_and_many_in_part() {
        assert_eq!(sample(256, 10), None);
        assert_eq!(sample(1000, 4000), None);
        let some = sample(10_000, 4000).unwrap();
        assert_eq!(some.len(), 1000);
        assert_eq!(&some[..3], [0, 10, 20]);
        assert_eq!(some.last(), Some(&9990));
        assert_eq!(sample(300, 0).unwrap().len(), 256);
    }
}
