//! How a run trains.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What trains, for how long and at which rates: `[train]` of a recipe.
///
/// A run has two phases: the head alone, on what the frozen backbone makes, and then, where [`unfreeze`](Self::unfreeze) is above 0, the
/// last stages of the backbone with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// Epochs of the head, `1..=`[`MAX_EPOCHS`](Self::MAX_EPOCHS); an epoch has as many rows as the training set. Defaults to 40.
    pub epochs: u64,
    /// Rows in a batch, `1..=`[`MAX_BATCH_SIZE`](Self::MAX_BATCH_SIZE). Defaults to 32.
    pub batch_size: u64,
    /// Learning rate of the head at its first step, above 0; it falls to 0 along a half cosine. Defaults to that of the task, and to
    /// 0.001 for a head that takes maps.
    pub learning_rate: Option<f64>,
    /// Stages of the backbone, counted from the last, that train after the head. Defaults to 0: the head alone.
    pub unfreeze: usize,
    /// Epochs with these stages, [`MAX_EPOCHS`](Self::MAX_EPOCHS) at most. Defaults to 4.
    pub deep_epochs: u64,
    /// Learning rate of these stages and the head, as [`learning_rate`](Self::learning_rate). Defaults to 0.0001.
    pub deep_learning_rate: f64,
    /// What the learning rate of a stage is of that of the stage above it, above 0 and at most 1; the head has the whole rate.
    /// Defaults to 1: all of them have the same.
    pub layer_decay: f64,
    /// Whether these stages train on the [views](super::AugmentOptions::views) that the head is trained on, in place of pictures that
    /// are augmented anew in each epoch. What the frozen stages make of them is then computed once and kept: in memory, within half of
    /// the budget, and in the run's folder. Defaults to false.
    pub fixed_views: bool,
    /// Whether the kernels of depthwise convolutions stay as they are pretrained, and all else of these stages trains. They are few of the
    /// parameters and most of the time: their gradient is a convolution for each channel, one after the other. Defaults to false.
    pub freeze_depthwise: bool,
    /// Epochs without a better figure after which a phase ends, `1..=`[`MAX_EPOCHS`](Self::MAX_EPOCHS). The figure is that of a tenth of the training rows, which is
    /// held out for this alone. Defaults to none: all epochs are trained.
    pub early_stopping: Option<u64>,
    /// Whether a phase ends with the model of its best epoch, by the same figure, instead of that of the last one. Defaults to false.
    pub keep_best: bool,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            epochs: 40,
            batch_size: 32,
            learning_rate: None,
            unfreeze: 0,
            deep_epochs: 4,
            deep_learning_rate: 1e-4,
            layer_decay: 1.0,
            fixed_views: false,
            freeze_depthwise: false,
            early_stopping: None,
            keep_best: false,
        }
    }
}

impl TrainOptions {
    /// Epochs at most: more is a slip of the finger, and steps are counted in 64 bits.
    pub const MAX_EPOCHS: u64 = 1_000_000;
    /// Rows in a batch at most.
    pub const MAX_BATCH_SIZE: u64 = 65_536;

    /// Whether a part of the training rows chooses the best epoch.
    pub(crate) fn selects(&self) -> bool {
        self.early_stopping.is_some() || self.keep_best
    }

    pub(super) fn check(&self) -> Result<()> {
        let refused = |text: String| Err(Error::config(format!("train.{text}")));
        let counts = [
            ("epochs", Some(self.epochs), 1, Self::MAX_EPOCHS),
            ("batch_size", Some(self.batch_size), 1, Self::MAX_BATCH_SIZE),
            ("deep_epochs", Some(self.deep_epochs), 0, Self::MAX_EPOCHS),
            ("early_stopping", self.early_stopping, 1, Self::MAX_EPOCHS),
        ];
        for (key, count, least, most) in counts {
            if let Some(count) = count.filter(|count| !(least..=most).contains(count)) {
                return refused(format!("{key} is {count}, and has to lie in {least}..={most}"));
            }
        }
        let deep = ("deep_learning_rate", self.deep_learning_rate);
        let rates = self.learning_rate.map(|rate| ("learning_rate", rate));
        if let Some((key, rate)) =
            (rates.into_iter().chain([deep])).find(|(_, rate)| !(*rate > 0.0 && rate.is_finite()))
        {
            return refused(format!("{key} is {rate}, and has to be a number above 0"));
        }
        if !(self.layer_decay > 0.0 && self.layer_decay <= 1.0) {
            let decay = self.layer_decay;
            return refused(format!("layer_decay is {decay}, and has to be above 0 and at most 1"));
        }
        Ok(())
    }
}
