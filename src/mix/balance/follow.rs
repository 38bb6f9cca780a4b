//! A balance that follows feedback from the trainer.

use super::builder::Balance;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::mix::feedback::{Feedback, FeedbackSpec};

impl<D: Stable> Balance<D> {
    /// Lets the shares of each epoch follow from what the trainer reported two epochs before, by the rule `spec`. The first two epochs have the shares
    /// of the target.
    ///
    /// Give the same feedback to the loader ([`LoaderBuilder::feedback`](crate::loader::LoaderBuilder::feedback)). An example is at [`Feedback`].
    ///
    /// # Errors
    ///
    /// As [`FeedbackSpec::check`]; `Config` where the file has reports of other classes, and beside a schedule, a [`cap`](Self::cap), a repeat
    /// factor or quotas of [batches](Self::batches).
    pub fn feedback(mut self, feedback: &Feedback, spec: &FeedbackSpec) -> Result<Self> {
        spec.check().map_err(|error| error.context("feedback"))?;
        self.feedback = Some((feedback.clone(), spec.clone()));
        let balance = self.checked()?;
        let rows = balance.sampler.rows.get();
        feedback.serve(spec, balance.labels().names().len(), rows)?;
        Ok(balance)
    }

    /// What its shares follow from, if they do.
    pub fn follows(&self) -> Option<&Feedback> {
        self.feedback.as_ref().map(|(feedback, _)| feedback)
    }

    /// Refuses settings that do not go together.
    pub(super) fn check_together(&self) -> Result<()> {
        let refused = |what: &str, why: &str| Err(Error::config(format!("{what}: {why}")));
        if self.cap.is_some() && self.is_repeated() {
            return refused(
                "cap",
                "a repeat factor says how often a row comes: leave the cap out, or take a lower factor",
            );
        }
        if self.cap.is_some() && self.is_scheduled() {
            return refused(
                "cap",
                "epochs differ where a schedule changes them, so nothing can be capped",
            );
        }
        if self.batch.is_some() && (self.is_scheduled() || self.cap.is_some()) {
            return refused(
                "batch",
                "the parts of a batch stay as they are: leave the schedule or the cap out",
            );
        }
        if self.batch.is_some() && self.filler.as_ref().is_some_and(|filler| filler.share.at(0) > 0.0) {
            return refused(
                "batch",
                "the parts of a batch say how many of its rows are synthetic: leave the share of `fill` out",
            );
        }
        if self.feedback.is_none() {
            return Ok(());
        }
        if self.is_scheduled() || self.cap.is_some() || self.batch.is_some() {
            return refused(
                "feedback",
                "the shares of an epoch follow from reports: leave out the schedule, the cap, the repeat factor or the parts of a batch",
            );
        }
        Ok(())
    }
}
