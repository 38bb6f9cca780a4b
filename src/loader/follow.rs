//! A loader over a balance that has exact batches, or follows reports of the trainer.

use super::builder::LoaderBuilder;
use super::fetcher::Fetcher;
use crate::error::{Error, Result};
use crate::mix::{BalanceSpec, Feedback};
use crate::plan::Plan;
use crate::spec::Spec;
use std::sync::Arc;

impl LoaderBuilder {
    /// Follows `feedback`, which a [balance](crate::mix::Balance::feedback) below follows: no batch is made ahead whose shares are not known
    /// yet, and cursors have the hash of the reports so far. A run that starts or resumes takes out the reports of epochs that it trains again.
    ///
    /// A batch that is asked for before the report that decides it is an error; once the report is there, the next one comes.
    pub fn feedback(mut self, feedback: &Feedback) -> Self {
        self.feedback = Some(feedback.clone());
        self
    }

    /// Rows of an epoch, if it has an end.
    #[cfg(feature = "train")]
    pub(crate) fn rows(&self) -> Option<u64> {
        self.dataset.len().finite()
    }

    /// What its shares follow from, if they do.
    #[cfg(feature = "train")]
    pub(crate) fn followed(&self) -> Option<&Feedback> {
        self.feedback.as_ref()
    }

    /// As [`fetcher`](Self::fetcher), of a run that begins now.
    pub(crate) fn begun(&self) -> Result<Arc<Fetcher>> {
        let fetcher = self.fetcher()?;
        match (&self.resumed, &self.feedback) {
            (Some(cursor), _) => fetcher.follow(cursor)?,
            (None, Some(feedback)) => feedback.resume(0, None)?,
            (None, None) => {}
        }
        Ok(fetcher)
    }

    /// Refuses batches and feedback that do not go with the balance below.
    pub(super) fn check_balance(&self, plan: &Plan) -> Result<()> {
        const BALANCE: &str = BalanceSpec::NAME;
        for rows in plan.topmost(BALANCE, "rows of a batch") {
            let size = self.spec.batch_size;
            if rows.parse::<u64>().is_ok_and(|rows| !size.is_multiple_of(rows)) {
                return Err(Error::config(format!(
                    "the balance has exact parts of batches of {rows} rows, and the loader's have {size}: give both the same size"
                )));
            }
        }
        match (&self.feedback, plan.topmost(BALANCE, "feedback").is_empty()) {
            (None, false) => Err(Error::config(
                "the balance follows feedback: give the loader the same one by `LoaderBuilder::feedback`",
            )),
            (Some(_), true) => Err(Error::config("no balance below follows the loader's feedback")),
            _ => Ok(()),
        }
    }
}
