//! Views that are made and never trained on, and operations that no view takes.

use super::datasets::Datasets;
use super::definition::{Input, Split};
use super::finetune::Finetune;
use super::strategy::Strategy;
use crate::error::Result;
use crate::quote::{counted, counted_with};
use crate::rows::Transformed;

impl Finetune {
    /// Refuses operations that the task forbids, whether or not a view takes them.
    pub(super) fn check_operations(&self, datasets: &Datasets, input: &Input) -> Result<()> {
        let bound = |split| {
            let stage = datasets.task.stage(input, split)?;
            Transformed::new(datasets.training_rows(input)?, stage).map(drop)
        };
        // What the plain pictures have as well is no fault of the augmentation.
        bound(Split::Train).map_err(|error| match bound(Split::Evaluation) {
            Ok(()) => error.context("augment"),
            Err(_) => error,
        })
    }

    /// What there is to say where no picture is augmented, whether operations were chosen or are the usual ones.
    pub(super) fn unused_operations(&self) -> Option<String> {
        let augment = &self.spec.augment;
        let names: Vec<&str> = augment.operations.iter().map(|operation| operation.name()).collect();
        (!names.is_empty() && !self.spec.has_augmented()).then(|| match augment.is_other_than_usual() {
            true => format!(
                "augment.views is 1, so that each row comes as it is stored: {} {} no effect; let rows have more views",
                names.join(", "),
                if names.len() == 1 { "has" } else { "have" }
            ),
            false => "augment.views is 1, so that each row comes as it is stored, and none is augmented".to_owned(),
        })
    }

    /// What there is to say where rows do not come as often as they have views: each time in the next view, or, where all views are shuffled together, in any
    /// that has not come yet. None where the shares of the classes, which decide how often rows come, are still to be chosen.
    pub(super) fn unused_views(&self, datasets: &Datasets, strategies: &[Strategy]) -> Option<String> {
        let (views, train) = (self.spec.augment.views, &self.spec.train);
        let deep = if train.fixed_views && train.unfreeze > 0 {
            train.deep_epochs
        } else {
            0
        };
        let epochs = train.epochs.max(deep);
        let times = |strategy: &Strategy| {
            let labels = match (&strategy.by, datasets.targets.one_class()) {
                // How often a row comes is up to its cell.
                (Some(key), _) => datasets.cells_of(key).ok()?,
                (None, Some(labels)) => labels,
                (None, None) => return Some(epochs),
            };
            let (counts, rows) = (labels.counts(), labels.len() as f64);
            let shares = strategy.target().shares(&counts, labels.names()).ok()?;
            let of_class = shares.iter().zip(&counts).filter(|(_, count)| **count > 0);
            let most = of_class.map(|(share, count)| epochs as f64 * rows * share / *count as f64);
            // A part of a time is one; what rounding leaves is none.
            Some((most.fold(0.0, f64::max) - 1e-6).ceil() as u64)
        };
        if strategies.iter().any(|strategy| strategy.auto) {
            return None;
        }
        let used = strategies
            .iter()
            .map(times)
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .max()?;
        let is_shuffled = |strategy: &Strategy| strategy.by.is_none() && strategy.target_of_rarest().is_none();
        let is_shuffled = datasets.targets.one_class().is_none() && strategies.iter().all(is_shuffled);
        (used < views).then(|| match is_shuffled {
            true => format!(
                "of the {views} views of a row only {} trained on in {}, on the average of all rows; fewer views take less time",
                match used {
                    1 => "1 is".to_owned(),
                    many => format!("{many} are"),
                },
                counted(epochs, "epoch")
            ),
            false => format!(
                "only {used} of {} trained on: in {} no row comes more often, and each time it is another view of it; fewer views take less time",
                counted_with(views, "view", ["is", "are"]),
                counted(epochs, "epoch")
            ),
        })
    }
}
