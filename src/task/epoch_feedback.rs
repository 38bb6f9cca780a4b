//! What goes back and forth between the trainer and its balance: reports of each epoch, and how often each class comes in it.

use super::datasets::Datasets;
use super::definition::Priors;
use super::evaluation::Evaluated;
use super::prepare::Prepared;
use super::strategy::Strategy;
use crate::error::{Error, Result};
use crate::loader::{Batch, ClassPrior, LoaderBuilder};
use crate::mix::{Feedback, FeedbackSignal};
use std::cell::RefCell;
use std::rc::Rc;

/// Reports to `feedback`, if the shares follow it, what epoch `epoch`, counted from 1, came to.
pub(super) fn report(
    strategy: &Strategy,
    feedback: Option<&Feedback>,
    datasets: &Datasets,
    epoch: u64,
    found: &Evaluated,
) -> Result<()> {
    let Some((rule, feedback)) = strategy.feedback.as_ref().zip(feedback) else {
        return Ok(());
    };
    let classes = datasets.labels("feedback")?.names().len();
    let values: Vec<f64> = match rule.by {
        FeedbackSignal::Recall => {
            let recalls = found.measured.by_class.get("recall");
            let recalls =
                recalls.ok_or_else(|| Error::config("feedback: the task measures no recall of its classes"))?;
            recalls.iter().map(|recall| recall.value.unwrap_or(f64::NAN)).collect()
        }
        FeedbackSignal::Loss => (0..classes).map(|class| found.rows.mean_loss(class)).collect(),
    };
    feedback.report(epoch - 1, &values)
}

/// How often each class comes out of a loader in the epoch that is trained on, and the loss that knows it, if the task or the strategy has one.
///
/// Where shares follow from reports they are others in each epoch; else those of the first are those of all.
pub(super) struct EpochPriors<'a> {
    prepared: &'a Prepared,
    strategy: &'a Strategy,
    loader: LoaderBuilder,
    now: RefCell<Option<(u64, Rc<Priors>)>>,
}

impl<'a> EpochPriors<'a> {
    pub(super) fn new(prepared: &'a Prepared, strategy: &'a Strategy, loader: &LoaderBuilder) -> Result<Self> {
        let priors = Self {
            prepared,
            strategy,
            loader: loader.clone(),
            now: RefCell::new(None),
        };
        if prepared.task.uses_priors() || strategy.loss.is_some() {
            *priors.now.borrow_mut() = Some((0, Rc::new(priors.of_epoch(0)?)));
        }
        Ok(priors)
    }

    /// Those of the epoch that was trained on last.
    pub(super) fn now(&self) -> Option<Rc<Priors>> {
        self.now.borrow().as_ref().map(|(_, priors)| Rc::clone(priors))
    }

    /// Those of the epoch that `batch` is of.
    pub(super) fn of(&self, batch: &Batch) -> Result<Option<Rc<Priors>>> {
        let (Some(rows), Some(known)) = (self.loader.rows(), self.now()) else {
            return Ok(self.now());
        };
        let epoch = batch.cursor().position().saturating_sub(1) / rows;
        let is_known = self.now.borrow().as_ref().is_some_and(|(at, _)| *at == epoch);
        if self.loader.followed().is_none() || is_known {
            return Ok(Some(known));
        }
        let priors = Rc::new(self.of_epoch(epoch)?);
        *self.now.borrow_mut() = Some((epoch, Rc::clone(&priors)));
        Ok(Some(priors))
    }

    fn of_epoch(&self, epoch: u64) -> Result<Priors> {
        let (task, strategy) = (&self.prepared.task, self.strategy);
        let labels = self
            .prepared
            .datasets
            .labels("a loss that knows how often each class comes")?;
        let (emitted, stored) = (self.loader.class_prior(epoch)?, ClassPrior::from(&**labels));
        let loss = task.class_loss().map(|own| strategy.loss.as_ref().unwrap_or(own));
        let loss = loss.map(|loss| loss.init(&emitted, &stored)).transpose()?;
        Ok(Priors {
            emitted,
            stored,
            loss: loss.map(Into::into),
        })
    }
}
