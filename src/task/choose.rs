//! Strategies that are chosen by a cross-validation inside the training rows.

use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::prepare::Prepared;
use super::strategy::Strategy;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::train::auto_balance::Choice;
use crate::train::{AutoBalance, Extractor};
use std::sync::Arc;

impl Finetune {
    /// What [`AutoBalance`] chooses for the features of the training rows under the run's seed, in parts of whole groups or of times where `data` names such a column. Nothing of it is kept: it is the same
    /// whenever it is asked for, on a device that computes the same twice, as `flex` does.
    ///
    /// # Errors
    ///
    /// As [`AutoBalance::choose`]; `Config` for a task without one class a row and for one whose head takes maps.
    pub fn choose(&self, cx: &Context, prepared: &Prepared, callback: Callback<'_>) -> Result<Choice> {
        let what = "an automatic choice of the balance";
        prepared.datasets.labels(what)?;
        let features = prepared.features.as_ref().ok_or_else(|| {
            let task = prepared.task.name();
            Error::config(format!("{what} needs features, and the task {task} trains on maps"))
        })?;
        let rows: Arc<dyn Stable> = Arc::clone(&features.train.rows) as _;
        let mut begun = false;
        let mut progress = |done, total| {
            if !begun {
                callback(Event::Begin {
                    what: "choosing a balance, steps",
                    total,
                });
                begun = true;
            }
            callback(Event::Done(done));
        };
        let auto = AutoBalance::new().seed(self.spec.seed);
        let columns = (Extractor::COLUMN, prepared.datasets.label.as_str());
        let splits = prepared.datasets.folds(what, auto.folds, auto.seed)?;
        let device = &self.spec.machine.device;
        let choice = auto.choose_on(cx, &rows, columns, &splits, device, &mut progress);
        if begun {
            callback(Event::End);
        }
        choice
    }

    /// `strategies` with what is chosen for those that leave it open, and the choice, if there is one. It is made once, and said.
    pub(super) fn with_choice(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategies: &[Strategy],
        callback: Callback<'_>,
    ) -> Result<(Vec<Strategy>, Option<Choice>)> {
        if !strategies.iter().any(|strategy| strategy.auto) {
            return Ok((strategies.to_vec(), None));
        }
        let choice = self.choose(cx, prepared, callback)?;
        callback(Event::Note(&choice.in_words()));
        let chosen = |strategy: &Strategy| match strategy.auto {
            true => strategy.with(choice.candidate()),
            false => strategy.clone(),
        };
        Ok((strategies.iter().map(chosen).collect(), Some(choice)))
    }
}
