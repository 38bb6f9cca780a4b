//! Whether the rows that a bank was made from are training rows.

use super::origins::Origins;
use crate::dataset::{Stable, StoredRows};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::{counted, quoted};
use crate::rows::stored_rows;
use std::sync::Arc;

/// What is left to say of the rows that a bank was made from.
#[derive(Debug)]
pub(super) struct Lineage {
    /// Those that lie in files of which there are no training rows.
    pub(super) elsewhere: StoredRows,
    /// A sentence for the plan.
    pub(super) note: Option<String>,
}

impl Lineage {
    /// Looks at the rows that `origins` says of rows of `bank`, and at those that the generators of its file were `fitted_on`; `rows` are the
    /// training rows.
    ///
    /// # Errors
    ///
    /// `Config` with the first row that lies in a file of the training rows, and is none of them.
    pub(super) fn check(
        cx: &Context,
        bank: &Arc<dyn Stable>,
        (origins, fitted_on): (&Origins, StoredRows),
        rows: &Arc<dyn Stable>,
    ) -> Result<Self> {
        let count = bank.len().finite().unwrap_or(0);
        let mut parents = fitted_on.clone();
        let mut silent = 0;
        for row in 0..count {
            let own = origins.parents(row);
            silent += u64::from(own.is_empty());
            own.iter().for_each(|parent| parents.insert(parent));
        }
        if parents.is_empty() {
            return Ok(Self {
                elsewhere: parents,
                note: Some("from which rows these were made is not said: none of them may be held out".to_owned()),
            });
        }
        let training = stored_rows(cx, rows);
        let (known, unknown) = training.known(&parents);
        if let Some(parent) = known.iter().find(|parent| !training.contains(parent)) {
            let is_child = |row: &u64| {
                let own: StoredRows = origins.parents(*row).into_iter().collect();
                training.known(&own).0.contains(&parent)
            };
            let child = (0..count).find(is_child);
            let child = child.and_then(|row| bank.provenance(cx, row).places.into_iter().next());
            let who = match child {
                Some(child) => format!("{child} was made from {parent}"),
                None => format!("the generator of these rows was fitted on {parent}"),
            };
            return Err(Error::config(format!(
                "{who}, which is not among the training rows: a synthetic row belongs where the rows are that it was made from. Make rows from \
                 these training rows alone, with the same data, split and seed; rows on which a run chooses its best epoch are held out, too"
            )));
        }
        let elsewhere = parents.of_sources(&unknown);
        let said = match (unknown.as_slice(), silent) {
            ([], 0) => None,
            ([], _) if !fitted_on.is_empty() => None,
            ([], silent) => Some(format!("from which rows {} made is not said", counted_were(silent))),
            ([one], _) => Some(format!(
                "rows were made from {}, of which there are no training rows",
                quoted(one)
            )),
            ([first, rest @ ..], _) => {
                let files = counted(rest.len(), "other file");
                let first = quoted(first);
                Some(format!(
                    "rows were made from {first} and {files}, of which there are no training rows"
                ))
            }
        };
        Ok(Self {
            elsewhere,
            note: said.map(|said| format!("{said}: none of them may be held out")),
        })
    }
}

fn counted_were(rows: u64) -> String {
    crate::quote::counted_with(rows, "row", ["was", "were"])
}
