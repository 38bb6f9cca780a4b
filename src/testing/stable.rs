//! What a stable dataset promises besides the law.

use super::broken::broken;
use super::law::check_law;
use super::taken::{same, same_column, taken};
use crate::dataset::{Origin, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::rng::Rng;
use arrow::array::UInt64Array;
use arrow::compute::take;

/// Epochs that are compared.
const EPOCHS: u64 = 4;

/// Checks [`Stable`]'s promises besides the [law](check_law): every epoch is the same, [`Stable::column`] is what
/// `take` gives for view 0, and view 0 is no augmented row.
///
/// # Errors
///
/// As [`check_law`].
pub async fn check_stable(cx: &Context, dataset: &dyn Stable, seed: u64) -> Result<()> {
    check_law(cx, dataset, seed).await?;
    let len = dataset.len().finite();
    let len = len.ok_or_else(|| broken("a stable dataset has an end, but len() is Endless"))?;
    let views = dataset.views();
    if views == 0 || len % views != 0 {
        return Err(broken(format!("{len} rows are not {views} views of each row")));
    }
    let mut rng = Rng::new(seed, "stable", 0);
    let rows: Vec<u64> = (0..40).map(|_| rng.below(len)).collect();
    check_epochs(cx, dataset, &rows, len).await?;
    let rows: Vec<u64> = rows.iter().map(|row| row % (len / views)).collect();
    check_columns(cx, dataset, &rows, len / views).await
}

async fn check_epochs(cx: &Context, dataset: &dyn Stable, rows: &[u64], len: u64) -> Result<()> {
    let first = taken(cx, dataset, rows).await?;
    for epoch in 1..EPOCHS {
        let later: Vec<u64> = rows.iter().map(|row| row + epoch * len).collect();
        let again = taken(cx, dataset, &later).await?;
        same(&first, &again, &later, "a row in one epoch and in another")?;
        for (&row, &later) in rows.iter().zip(&later) {
            if dataset.provenance(cx, row) != dataset.provenance(cx, later) {
                return Err(broken(format!(
                    "the traces of {row} and {later} differ, but they are one row"
                )));
            }
        }
    }
    Ok(())
}

/// `rows` are of view 0, which has `of` rows.
async fn check_columns(cx: &Context, dataset: &dyn Stable, rows: &[u64], of: u64) -> Result<()> {
    let expected = taken(cx, dataset, rows).await?;
    let indices = UInt64Array::from(rows.to_vec());
    for (field, expected) in dataset.schema().fields().iter().zip(expected.columns()) {
        let column = dataset.column(cx, field.name()).await?;
        if column.len() as u64 != of {
            let (name, length) = (field.name(), column.len());
            return Err(broken(format!("column({name:?}) has {length} rows, view 0 has {of}")));
        }
        same_column(
            expected,
            &take(&column, &indices, None)?,
            field.name(),
            rows,
            "take and column()",
        )?;
    }
    match rows
        .iter()
        .find(|&&row| dataset.provenance(cx, row).origin == Origin::Augmented)
    {
        Some(row) => Err(broken(format!(
            "row {row} is of view 0, but its trace says that it is augmented"
        ))),
        None => Ok(()),
    }
}
