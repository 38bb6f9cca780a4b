//! Rows of a table, or of a tensor column, that lie nearer to a training row than training rows do to each other.

use super::calibration::calibrated;
use super::found::Found;
use super::report::{DistanceRule, LeakControl, LeakKind};
use super::sets::{Set, bytes_a_row};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::inspect::quality::Medium;
use crate::inspect::quality::columns::ValueKind;
use crate::inspect::quality::tables::{self, Part, Reading};
use crate::inspect::taken::taken;
use crate::quote::{quoted, shown};
use crate::rng::{Permutation, Rng};
use crate::source::{Files, Memory};
use crate::synthetic::quality::{Matrix, nearest};
use std::sync::Arc;

/// Rows that are compared at most, of the training rows, of each held-out set, and of training rows with each other. Time goes with their product.
const TRAIN: u64 = 20_000;
const HELD_OUT: u64 = 5000;
const CONTROL: u64 = 2000;

/// The part of the budget that the rows which are compared may take, as they are stored. What is made of them takes several times that.
const PART: u64 = 32;

/// Rows that are read at a time.
const TOGETHER: usize = 1024;

/// Letters of a type that are shown: one of structs may be long.
const TYPE: usize = 40;

/// A tenth of the median, as for copies by a generator ([`near_copy_distance`](crate::synthetic::quality::near_copy_distance)).
pub(super) const SHARE: f64 = 0.1;

/// What was found of one held-out set.
pub(super) struct NearValues {
    pub(super) rule: DistanceRule,
    pub(super) control: LeakControl,
    pub(super) found: Vec<Found>,
}

/// The rows of `held`, of which `rows` are looked at, that lie near to one of the rows `train_rows` of `train`; none where the columns do not tell.
pub(super) async fn near_values(
    cx: &Context,
    (train, train_rows): (&Set, &[u32]),
    (held, rows): (&Set, &[u32]),
    (columns, medium): (&[String], Medium),
    notes: &mut Vec<String>,
) -> Result<Option<NearValues>> {
    let (own, other) = (train.files.schema(), held.files.schema());
    let mut names: Vec<&str> = Vec::new();
    let mut left_out = Vec::new();
    for name in columns {
        let (own, other) = (own.field_with_name(name)?, other.field_with_name(name)?);
        let (of, beside) = (own.data_type(), other.data_type());
        if ValueKind::is_one_of(own, other) || (medium == Medium::Features && of == beside) {
            names.push(name);
            continue;
        }
        let [own, other] = [of, beside].map(|of| shown(&of.to_string(), TYPE));
        left_out.push(match of == beside {
            true => format!("{} ({own})", quoted(name)),
            false => format!("{} ({own} in {}, {other} in {})", quoted(name), train.name, held.name),
        });
    }
    if !left_out.is_empty() {
        notes.push(format!(
            "left out of near rows, for want of a distance: {}",
            left_out.join(", ")
        ));
    }
    let feature = tables::feature_column(&train.files).filter(|_| medium == Medium::Features);
    if names.is_empty() || feature.is_some_and(|feature| !names.contains(&feature.as_str())) {
        notes.push(
            "near rows are not looked for: no such column holds numbers, categories or features in both sets"
                .to_owned(),
        );
        return Ok(None);
    }
    let mut drawn = |set: &Set, rows: &[u32], most: u64| -> Result<Vec<u64>> {
        let all = rows.len() as u64;
        let most = most.min(rows_that_fit(cx, set, &names)?);
        let order = Permutation::new(all, &mut Rng::new(cx.seed(), "leaks: rows", 0));
        let mut drawn: Vec<u64> = (0..all.min(most))
            .map(|at| rows[order.get(at) as usize].into())
            .collect();
        drawn.sort_unstable();
        if all > most {
            notes.push(format!(
                "near rows: {most} of {all} rows of {} are compared, drawn by the seed",
                set.name
            ));
        }
        Ok(drawn)
    };
    let (own, other) = (drawn(train, train_rows, TRAIN)?, drawn(held, rows, HELD_OUT)?);
    if own.len() < 2 || other.is_empty() {
        return Ok(None);
    }
    let (own, train_files) = in_memory(cx, train, &own, &names).await?;
    let (other, held_files) = in_memory(cx, held, &other, &names).await?;
    let all = own.len() as u64;
    let order = Permutation::new(all, &mut Rng::new(cx.seed(), "leaks: control", 0));
    let mut at: Vec<u64> = (0..all.min(CONTROL)).map(|at| order.get(at)).collect();
    at.sort_unstable();
    let part = |files, rows, from| Part {
        files,
        rows,
        from: Some(from),
    };
    let (from_train, from_held) = ((&train.files, &*own), (&held.files, &*other));
    let parts = [
        part(&train_files, (0..all).collect(), from_train),
        part(&held_files, (0..other.len() as u64).collect(), from_held),
        part(&train_files, at.clone(), from_train),
    ];
    let reading = Reading {
        label: None,
        group: None,
        categories: &[],
    };
    let feature = tables::feature_column(&train_files).filter(|_| medium == Medium::Features);
    let samples = match &feature {
        Some(column) => tables::features(cx, &parts, column, &reading).await,
        None => tables::tables(cx, &parts, &reading, notes).await,
    };
    let samples = match samples {
        // What has no distance has equal rows alone.
        Err(error) if matches!(error.kind(), ErrorKind::Schema | ErrorKind::Data) => {
            notes.push(format!("near rows are not looked for: {error}"));
            return Ok(None);
        }
        samples => samples?,
    };
    let is_cosine = feature.is_some();
    let measure = match is_cosine {
        true => "cosine distance of features",
        false => "standardised distance of columns",
    };
    let compared = cx.compute(move || {
        let ready = |rows: Matrix| if is_cosine { unit(&rows) } else { Ok(rows) };
        let (real, held, control) = (
            ready(samples.real.rows)?,
            ready(samples.synthetic.rows)?,
            ready(samples.holdout.rows)?,
        );
        let apart = |distance: f64| if is_cosine { distance * distance / 2.0 } else { distance };
        let others = nearest(&control, &real, 2)?
            .into_iter()
            .zip(at)
            .filter_map(|(near, own)| {
                let other = near.iter().find(|near| near.row as u64 != own)?;
                Some(apart(other.distance))
            });
        let Some((rule, control)) = calibrated(measure, SHARE, &others.collect::<Vec<f64>>()) else {
            return Ok(None);
        };
        let near = nearest(&held, &real, 1)?
            .into_iter()
            .zip(other)
            .filter_map(|(near, row)| {
                let near = near.first()?;
                let distance = apart(near.distance);
                let (row, copy) = (u32::try_from(row).ok()?, u32::try_from(own[near.row]).ok()?);
                (distance <= rule.at_most).then(|| Found::near(LeakKind::NearValues, row, copy, distance))
            });
        let found = near.collect();
        Ok::<_, Error>(Some(NearValues { rule, control, found }))
    });
    compared.await
}

/// So many rows of the columns `names` lie in memory at once, with what is made of them, in a small part of the budget; two at the least.
fn rows_that_fit(cx: &Context, set: &Set, names: &[&str]) -> Result<u64> {
    let files = set.files.clone().columns(names)?;
    Ok((cx.memory() / PART / bytes_a_row(&files)).max(2))
}

/// Those of `rows` that can be read, in memory with the columns `names`, so that no other row is.
async fn in_memory(cx: &Context, set: &Set, rows: &[u64], names: &[&str]) -> Result<(Vec<u64>, Files)> {
    let files = set.files.clone().columns(names)?;
    let (mut kept, mut batches) = (Vec::new(), Vec::new());
    for rows in rows.chunks(TOGETHER) {
        if let (Some((read, batch)), _) = taken(cx, &files, rows).await? {
            kept.extend(read);
            batches.push(batch);
        }
    }
    let rows = Memory::new(batches).map_err(|error| error.context(set.files.name().to_owned()))?;
    Ok((kept, Files::of_source(Arc::new(rows), set.files.name())))
}

/// Rows of length 1, so that the square of a distance is twice the cosine distance. Rows of zeros stay.
pub(super) fn unit(rows: &Matrix) -> Result<Matrix> {
    let scaled = |row: &[f32]| {
        let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let length = if length > 0.0 { length } else { 1.0 };
        row.iter()
            .map(|&value| (f64::from(value) / length) as f32)
            .collect::<Vec<f32>>()
    };
    Matrix::new(rows.iter().flat_map(scaled).collect(), rows.width())
}
