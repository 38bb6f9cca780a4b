//! By what rows are held out of the training rows, and which rows may not be.

use super::spec::DataOptions;
use super::targets::Targets;
use crate::dataset::{Dataset, Stable, StoredRows};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::order::Split;
use crate::quote::{counted, quoted};
use crate::rows::{AnyLabels, Labels, MadeRows, Marked, SplitKey, shared_group, stored_rows};
use crate::source::Files;
use crate::synthetic::recorded_parents;
use std::sync::Arc;

/// What decides which rows are held out.
#[derive(Clone, Debug)]
pub(super) struct HoldOut {
    key: SplitKey,
    /// `group` or `time` with the name of the column, in words; none where rows are drawn.
    by: Option<String>,
    /// The synthetic rows among them.
    made: Option<MadeRows>,
}

impl HoldOut {
    /// What else may be done about synthetic training rows where a run decides whether it holds rows out.
    pub(super) const OR_NONE: &str =
        ", or let nothing be held out of them (validation rows of their own, no early stopping, no automatic balance)";

    /// Scans the columns of `data` in `rows`, which are training rows with all columns. `read` are the columns that the run reads.
    ///
    /// # Errors
    ///
    /// As [`SplitKey::scan`].
    pub(super) fn scan(cx: &Context, rows: &Files, data: &DataOptions, read: &[&str]) -> Result<Self> {
        let (group, time) = (data.group.as_deref(), data.time.as_deref());
        let of = if group.is_some() { "data.group" } else { "data.time" };
        let key = cx.block_on(SplitKey::scan(cx, rows, group, time));
        Ok(Self {
            key: key.map_err(|error| error.context(of))?,
            by: match (group, time) {
                (Some(column), _) => Some(format!("by whole groups of column {}", quoted(column))),
                (None, Some(column)) => Some(format!("the latest by column {}", quoted(column))),
                (None, None) => None,
            },
            made: cx.block_on(MadeRows::find(cx, rows, &others(data, read)))?,
        })
    }

    /// Holds out about `share` of `rows` rows, whose labels are `labels` where they have any.
    ///
    /// # Errors
    ///
    /// `Config` for rows of which some are synthetic; `what` needs to hold rows out.
    pub(super) fn split(
        &self,
        labels: Option<&AnyLabels>,
        rows: u64,
        (share, seed): (f64, u64),
        what: &str,
    ) -> Result<Split> {
        self.refuse_synthetic(what, Self::OR_NONE)?;
        Ok(self.key.split(labels, rows, share, seed))
    }

    /// Refuses training rows of which some are synthetic; `what` would hold some of them out, and `or` says what else may be done.
    pub(super) fn refuse_synthetic(&self, what: &str, or: &str) -> Result<()> {
        match &self.made {
            Some(made) => Err(made.refused(&format!(
                "{what} out of these rows, and one that was made of a row on the other side would be recognised, which lifts every figure: leave \
                 the synthetic ones out{or}"
            ))),
            None => Ok(()),
        }
    }

    /// `rows`, of which this was scanned, with a provenance that says which are synthetic, as a run counts them.
    pub(super) fn marked(&self, rows: Arc<dyn Stable>) -> Arc<dyn Stable> {
        match &self.made {
            Some(made) => Arc::new(Marked::new(rows, made.clone())),
            None => rows,
        }
    }

    /// Whether some of the rows are synthetic.
    pub(super) fn has_synthetic(&self) -> bool {
        self.made.is_some()
    }

    /// The parts of a cross-validation of these rows.
    pub(super) fn folds(&self, labels: &Labels, folds: usize, seed: u64) -> Vec<Split> {
        self.key.folds(labels, folds, seed)
    }

    /// Why nothing can be held out of rows enough, if it is for the column that was named.
    pub(super) fn one_value(&self) -> Option<&'static str> {
        self.key.one_value()
    }

    /// Why no validation rows can be held out of `rows`, whose targets in column `label` are `targets`.
    pub(super) fn impossible(&self, rows: &Files, label: &str, targets: &Targets) -> Error {
        let error = match (self.one_value(), targets.one_class()) {
            (Some(why), _) => Error::config(format!(
                "{why}, so none can be held out: name another column, or validation files"
            )),
            (None, Some(_)) => Error::config(format!(
                "column {}: no class has two rows, so none can be held out; name another label column, or validation files",
                quoted(label)
            )),
            (None, None) => Error::config(format!(
                "column {}: there are too few rows to hold any out; name validation files",
                quoted(label)
            )),
        };
        error.with_remedy(Remedy::Validation).context(rows.name())
    }

    /// How rows were held out, a sentence; none where they were drawn.
    pub(super) fn note(&self, split: &Split) -> Option<String> {
        let (held, all) = (split.held_out.len(), split.held_out.len() + split.train.len());
        let share = 100.0 * held as f64 / all.max(1) as f64;
        let by = self.by.as_ref()?;
        Some(format!(
            "{held} of {} ({share:.1} %) held out {by}",
            counted(all as u64, "row")
        ))
    }

    /// What to do about copies of training rows among those that were held out of them.
    pub(super) fn against_copies(&self) -> &'static str {
        match self.by {
            None => {
                "rows were held out one by one, so copies fell on both sides: hold them out by whole groups (data.group), or take the copies out"
            }
            Some(_) => "hold rows out by a column that copies share (data.group), or take the copies out",
        }
    }

    /// That of `rows` alone.
    pub(super) fn select(&self, rows: &[u64]) -> Self {
        Self {
            key: self.key.select(rows),
            ..self.clone()
        }
    }

    /// Looks at validation rows `held` of their own, with all columns, beside the training rows `rows`. Says, a sentence each, what cannot be known of them.
    ///
    /// # Errors
    ///
    /// `Config` for synthetic rows among them, for one that synthetic training rows were made from, and for a group of theirs that training rows have, too.
    pub(super) fn check_validation(
        &self,
        cx: &Context,
        rows: &Files,
        held: &Files,
        data: &DataOptions,
        read: &[&str],
    ) -> Result<Option<String>> {
        check_real(cx, held, data, read)?;
        // A file says what its generator was fitted on whether its rows say that they were made or not.
        let mut parents = rows.fitted_on();
        if self.made.is_some() {
            parents.add(&cx.block_on(recorded_parents(cx, rows))?);
        }
        if !parents.is_empty() {
            refuse_parents(&stored_rows(cx, held), &parents)?;
        }
        let Some(column) = &data.group else { return Ok(None) };
        if held.schema().index_of(column).is_err() {
            let column = quoted(column);
            return Ok(Some(format!(
                "validation rows have no column {column}, so whether they share groups with training rows is not known"
            )));
        }
        match cx.block_on(shared_group(cx, rows, held, column))? {
            None => Ok(None),
            Some(group) => Err(Error::config(format!(
                "data.group: the group {group} of column {} has training rows and validation rows: take it out of one of the two, or let rows \
                 be held out of all of them",
                quoted(column)
            ))),
        }
    }
}

/// Refuses `held` where some of these rows, which are measured on, are synthetic.
pub(super) fn check_real(cx: &Context, held: &Files, data: &DataOptions, read: &[&str]) -> Result<()> {
    match cx.block_on(MadeRows::find(cx, held, &others(data, read)))? {
        None => Ok(()),
        Some(made) => {
            let why = "figures of them would say how well the generator is known: measure on stored rows alone, and leave the synthetic ones out";
            Err(made.refused(why).context(held.name().to_owned()))
        }
    }
}

/// Refuses synthetic rows that were made from `parents`, where one of these is among `held`, which are held out.
pub(super) fn refuse_parents(held: &StoredRows, parents: &StoredRows) -> Result<()> {
    match held.first_shared(parents) {
        None => Ok(()),
        Some(parent) => Err(Error::config(format!(
            "synthetic training rows were made from {parent}, which is held out: a synthetic row belongs where the rows are that it was made \
             from. Make rows from the training rows alone, with the same data, split and seed"
        ))),
    }
}

/// Columns that say something else of a row than what made it.
fn others<'a>(data: &'a DataOptions, read: &[&'a str]) -> Vec<&'a str> {
    let named = [&data.group, &data.time, &data.image, &data.label]
        .into_iter()
        .flatten();
    named.map(String::as_str).chain(read.iter().copied()).collect()
}
