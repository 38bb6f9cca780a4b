//! What a reader of a run's figures is warned of: its data, and its validation rows.

use super::bad_rows::BadRow;
use super::datasets::Datasets;
use crate::columns::tensor_values;
use crate::dataset::Stable;
use crate::error::Result;
use crate::exec::Context;
use crate::quote::counted as in_words;
use crate::report::{BadRows, Epoch, RunFigures, in_digits};
use crate::rows::Cached;
use crate::train::Extractor;
use arrow::array::Array;
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_128;

/// Validation rows below which a figure is hardly one: its standard error is up to 9 points.
const FEW: u64 = 30;
/// How many times its first loss, or 1 where that is more, an epoch's loss is where a training has diverged: a loss of chance is a few units.
const DIVERGED: f64 = 10.0;
/// Classes that a warning names.
const NAMED: usize = 5;

/// What a reader has to know about `datasets` without `bad` rows; `features` are those of the training rows (in all views) and of the
/// validation rows. Where there are none, and validation rows are held out of the training rows, the pictures of both are read.
pub(crate) fn of_data(
    cx: &Context,
    datasets: &Datasets,
    features: Option<(&Cached, &Cached)>,
    bad: &[BadRow],
) -> Result<Vec<String>> {
    let mut said = Vec::new();
    let (names, counts) = (datasets.targets.names(), datasets.targets.counts());
    let of = |rows: &dyn Fn(u64) -> bool| {
        let classes = names.iter().zip(&counts).filter(|(_, count)| rows(**count));
        classes.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
    };
    if !bad.is_empty() {
        let BadRows {
            skipped,
            replaced,
            held_out,
        } = counted(bad);
        said.push(format!(
            "rows whose pictures cannot be made: {skipped} training rows skipped, {replaced} replaced, {held_out} validation \
             rows skipped; errors.jsonl lists them"
        ));
    }
    let with_rows = of(&|count| count > 0);
    if let ([only], Some(_)) = (&with_rows[..], datasets.targets.one_class()) {
        said.push(format!(
            "all training rows are of one class, {only:?}: every row is predicted to be of it, and the figures say nothing"
        ));
    }
    // What they are predicted with falls in every step and is never taken away, so that a few rows may still be.
    let empty = of(&|count| count == 0);
    if !empty.is_empty() {
        said.push(format!(
            "{} no training rows, so hardly anything is predicted as one of them and their share of the balance is 0: {}",
            have(empty.len(), "class name"),
            listed(&empty)
        ));
    }
    let single = of(&|count| count == 1);
    if !single.is_empty() && with_rows.len() > 1 {
        let what = have(single.len(), "class");
        said.push(format!("{what} one training row each: {}", listed(&single)));
    }
    let is_held_out = datasets.is_held_out();
    let (shared, of_valid) = match features {
        Some((train, valid)) => shared(train, valid)?,
        None if is_held_out => (
            datasets.shared_pictures(cx)?.valid as usize,
            datasets.valid_rows() as usize,
        ),
        None => (0, 1),
    };
    // One in a split of one's own may be chance, but a split by whole groups has none.
    let least = if is_held_out { 1 } else { of_valid.max(1).div_ceil(100) };
    if shared >= least {
        let show = match shared {
            1 => "shows the same picture as a training row",
            _ => "show the same pictures as training rows",
        };
        let mend = match is_held_out {
            true => datasets.hold_out.against_copies(),
            false => "use other rows for validation",
        };
        said.push(format!(
            "{shared} of {of_valid} validation rows {show}, so the figures say in part what was learnt by heart; {mend}"
        ));
    }
    Ok(said)
}

/// What a reader has to know about the rows that `figures` were measured on, each of which is a `row`: of a run's own a validation row.
pub(crate) fn of_figures(figures: &RunFigures, row: &str) -> Vec<String> {
    let rows = figures.rows();
    let mut said = Vec::new();
    if rows < FEW {
        let points = 50.0 / (rows.max(1) as f64).sqrt();
        let up_to = match (figures.confusion(), figures.classes.is_empty()) {
            (Some(_), _) => format!("one standard error of the accuracy is up to {points:.0} points"),
            (None, false) => format!("one standard error of a share is up to {points:.0} points"),
            (None, true) => "their standard errors are large".to_owned(),
        };
        said.push(format!("the figures are of {}: {up_to}", in_words(rows, row)));
    }
    let unseen: Vec<&str> = (figures.counts.iter())
        .zip(&figures.measured.tested)
        .filter(|((_, counts), tested)| counts.before > 0 && **tested == 0)
        .map(|((name, _), _)| name)
        .collect();
    if !unseen.is_empty() {
        said.push(format!(
            "{} no {row}s, so the figures leave such rows out: {}",
            have(unseen.len(), "class"),
            listed(&unseen)
        ));
    }
    said
}

/// What a reader has to know about how a run was trained.
pub(crate) fn of_history(history: &[Epoch]) -> Vec<String> {
    let phases = history.chunk_by(|epoch, next| epoch.phase == next.phase);
    phases
        .filter_map(|phase| {
            let (first, last) = (phase.first()?, phase.last()?);
            (last.loss > DIVERGED * first.loss.max(1.0)).then(|| {
                format!(
                    "{}: the training loss of epoch {} is {}, after {} in epoch {}: the training has diverged; a lower learning \
                     rate may help",
                    last.phase,
                    last.epoch,
                    in_digits(Some(last.loss)),
                    in_digits(Some(first.loss)),
                    first.epoch,
                )
            })
        })
        .collect()
}

/// How many rows a run went on without.
pub(crate) fn counted(bad: &[BadRow]) -> BadRows {
    let count = |of: &dyn Fn(&BadRow) -> bool| bad.iter().filter(|row| of(row)).count() as u64;
    BadRows {
        skipped: count(&|row| row.set != super::bad_rows::SETS[1] && row.replaced_by.is_none()),
        replaced: count(&|row| row.replaced_by.is_some()),
        held_out: count(&|row| row.set == super::bad_rows::SETS[1]),
    }
}

/// How many rows of `valid` have the features of a row of `train` (of its first view), and rows of `valid`. The backbone makes
/// the same features of the same picture.
fn shared(train: &Cached, valid: &Cached) -> Result<(usize, usize)> {
    let seen = hashes(train, train.rows().num_rows() / train.views().max(1) as usize)?;
    let seen: HashSet<u128> = seen.into_iter().collect();
    let valid = hashes(valid, valid.rows().num_rows())?;
    let shared = valid.iter().filter(|hash| seen.contains(hash)).count();
    Ok((shared, valid.len()))
}

fn hashes(features: &Cached, rows: usize) -> Result<Vec<u128>> {
    let rows_of = features.rows();
    let at = rows_of.schema().index_of(Extractor::COLUMN)?;
    let Some((list, values, width)) = tensor_values(rows_of.column(at)) else {
        return Ok(Vec::new());
    };
    let first = list.value_offset(0) as usize;
    let row = |row: usize| &values.values()[first + row * width..][..width];
    let bytes = |row: &[f32]| row.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    Ok((0..rows.min(list.len())).map(|at| xxh3_128(&bytes(row(at)))).collect())
}

fn have(many: usize, what: &str) -> String {
    match (many, what.ends_with('s')) {
        (1, _) => format!("1 {what} has"),
        (many, true) => format!("{many} {what}es have"),
        (many, false) => format!("{many} {what}s have"),
    }
}

fn listed(names: &[&str]) -> String {
    let some: Vec<String> = names.iter().take(NAMED).map(|name| format!("{name:?}")).collect();
    match names.len().saturating_sub(NAMED) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(phase: &str, losses: &[f64]) -> Vec<Epoch> {
        let epochs = (1..).zip(losses);
        epochs
            .map(|(epoch, &loss)| Epoch {
                phase: phase.to_owned(),
                epoch,
                loss,
                ..Epoch::default()
            })
            .collect()
    }

    #[test]
    fn a_training_that_diverged_is_told() {
        let history = [trained("none", &[2.5, 1.0, 0.4]), trained("deep", &[0.4, 30.0, 1e15])].concat();
        let [said] = &of_history(&history)[..] else {
            panic!("{:?}", of_history(&history));
        };
        assert!(said.starts_with("deep: the training loss of epoch 3 is 1"), "{said}");
        assert!(
            said.contains("after 0.4") && said.contains("lower learning rate"),
            "{said}"
        );
        // A loss that rises from next to nothing, and another part that begins higher, are none.
        let sound = [trained("none", &[0.001, 0.9]), trained("deep", &[8.0, 9.0])].concat();
        assert_eq!(of_history(&sound), Vec::<String>::new());
        assert_eq!(of_history(&[]), Vec::<String>::new());
    }
}
