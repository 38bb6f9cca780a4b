//! What the files of synthetic rows say of the rows that their generator was fitted on.

use super::tables::Part;
use crate::dataset::{Dataset, StoredRows};
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::quote::{counted, counted_with, quoted};
use std::collections::HashSet;

/// Leaves those of the real rows alone that the generator was fitted on, as the files of the synthetic rows record it. Where `is_split` says that the holdout is of the
/// real rows, all of them stay. What is left out, and what is not known, is said in `notes`.
///
/// Files are known as splits and banks know them: by name, by where it leads, and by what is in them.
///
/// # Errors
///
/// `Config` where the generator was fitted on a row of the holdout, and where it was fitted on none of the real rows, though on others of their files; `Data` where fewer
/// than 10 are left.
pub(super) fn keep_fitted(
    cx: &Context,
    [real, synthetic, holdout]: &mut [Part<'_>; 3],
    is_split: bool,
    notes: &mut Vec<String>,
) -> Result<()> {
    let fitted = synthetic.files.fitted_on();
    if fitted.is_empty() {
        return Ok(());
    }
    if !is_split {
        refuse_fitted(cx, holdout, &fitted)?;
    }
    let places = places(cx, real);
    let own: StoredRows = places.iter().flatten().cloned().collect();
    let (known, unknown) = own.known(&fitted);
    if known.is_empty() {
        let file = fitted.files().next().unwrap_or_default();
        notes.push(format!(
            "the generator was fitted on rows of {}, as the file of the synthetic rows says, and none of the real rows is known to be of it: figures of privacy are of the \
             rows that were named, whether it saw them or not",
            quoted(file)
        ));
        return Ok(());
    }
    // A file that was replaced under its name is known by this alone: its rows are others, or lie elsewhere in it.
    let replaced = {
        let own: HashSet<&str> = own.files().collect();
        unknown.iter().find(|source| own.contains(&***source))
    };
    if let Some(file) = replaced {
        notes.push(format!(
            "{} is not what it was when the generator was fitted on it, so that which of the real rows it saw is not known",
            quoted(file)
        ));
        return Ok(());
    }
    if !synthetic.files.all_say_fitted_on() {
        notes.push(
            "not all files of the synthetic rows say what their generator was fitted on, so that which of the real rows it saw is not known"
                .to_owned(),
        );
        return Ok(());
    }
    let is_seen: Vec<bool> = places
        .iter()
        .map(|places| places.iter().any(|place| known.contains(place)))
        .collect();
    let (all, seen) = (is_seen.len(), is_seen.iter().filter(|&&is_seen| is_seen).count());
    if seen == 0 {
        let message = format!(
            "the generator of the synthetic rows was fitted on none of these {}, but on other rows of the same files, as the file of the synthetic rows says: name as real \
             rows those that it was fitted on",
            counted(all as u64, "real row")
        );
        return Err(Error::config(message).context(real.files.name().to_owned()));
    }
    if let Some(file) = unknown.first() {
        notes.push(format!(
            "the generator was also fitted on rows of {}, which are not among the real rows: copies of them are not found",
            quoted(file)
        ));
    }
    if seen == all {
        return Ok(());
    }
    let unseen = format!("{} of {}", all - seen, counted(all as u64, "real row"));
    if is_split {
        notes.push(format!(
            "{unseen} the generator was not fitted on, as the file of the synthetic rows says: they count as training rows here and dilute the figures of privacy, unless a \
             holdout is named"
        ));
        return Ok(());
    }
    if seen < 10 {
        let message = format!(
            "the generator was fitted on {seen} of {}, as the file of the synthetic rows says, and 10 or more are needed: name more of the rows that it was fitted on",
            counted(all as u64, "real row")
        );
        return Err(Error::data(message).context(real.files.name().to_owned()));
    }
    notes.push(format!(
        "{unseen} are left out: the generator was not fitted on them, as the file of the synthetic rows says, and as training rows they would dilute the figures of privacy"
    ));
    let mut is_seen = is_seen.into_iter();
    real.rows.retain(|_| is_seen.next().unwrap_or(true));
    Ok(())
}

/// Refuses a holdout of which the generator was fitted on some row: it is no control, and as training rows stand others.
fn refuse_fitted(cx: &Context, holdout: &Part<'_>, fitted: &StoredRows) -> Result<()> {
    let places = places(cx, holdout);
    let own: StoredRows = places.iter().flatten().cloned().collect();
    let known = own.known(fitted).0;
    let mut shared = places
        .iter()
        .filter_map(|places| places.iter().find(|place| known.contains(place)));
    let Some(first) = shared.next() else {
        return Ok(());
    };
    let count = 1 + shared.count() as u64;
    let message = format!(
        "of {}, {} among those that the generator of the synthetic rows was fitted on, as their file says (the first one: {first}): they are no control, and beside them \
         rows that were copied would look harmless. Name as real rows those that the generator was fitted on, and as the holdout real rows that it was not",
        counted(places.len() as u64, "holdout row"),
        counted_with(count, "row", ["is", "are"])
    );
    Err(Error::config(message).context(holdout.files.name().to_owned()))
}

/// Where each row of `part` is stored.
fn places(cx: &Context, part: &Part<'_>) -> Vec<Vec<StoredRow>> {
    let rows = part.rows.iter();
    rows.map(|&row| part.files.provenance(cx, row).places).collect()
}
