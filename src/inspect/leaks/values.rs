//! The rows of a table by their values, in one pass over a set.

use super::pictures::NAMED;
use super::progress::Counted;
use super::sets::Set;
use crate::columns::row_hashes;
use crate::dataset::{Block, Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::inspect::pictures::Bad;
use crate::inspect::taken::{place, taken};
use crate::quote::quoted;
use arrow::array::{Array, AsArray};
use arrow::compute::{cast, max, min};
use arrow::datatypes::{DataType, Int64Type};
use std::collections::HashSet;

/// Bytes and rows that are read at a time, at most, or one row.
const BYTES: u64 = 8 << 20;
const ROWS: u64 = 4096;

/// Rows from which on a column can be told to number them.
const FEW: usize = 20;

/// Hashes of the rows of a set; 0 for one that cannot be read.
#[derive(Debug, Default)]
pub(super) struct Hashed {
    pub(super) keys: Vec<u128>,
    pub(super) unusable: u64,
    pub(super) bad: Vec<Bad>,
}

/// The columns that all sets have, but for the label, those that are left out by name, and those that number the training rows; what there is to say goes to `notes`.
///
/// # Errors
///
/// `Schema` where there is none; `Config` where a column that is left out is not there.
pub(super) async fn columns(
    cx: &Context,
    sets: &[Set],
    label: Option<&str>,
    ignored: &[String],
    notes: &mut Vec<String>,
) -> Result<Vec<String>> {
    let train = &sets[0];
    let schema = train.files.schema();
    if let Some(missing) = ignored.iter().find(|name| schema.field_with_name(name).is_err()) {
        let message = format!("there is no column {}, which is to be left out", quoted(missing));
        return Err(Error::config(message).context(train.files.name().to_owned()));
    }
    let (mut shared, mut missing) = (Vec::new(), Vec::new());
    for field in schema.fields() {
        let name = field.name();
        if Some(name.as_str()) == label || ignored.contains(name) {
            continue;
        }
        if sets.iter().any(|set| set.files.schema().field_with_name(name).is_err()) {
            missing.push(quoted(name));
        } else if field.data_type().is_integer() && numbers_rows(cx, train, name).await? {
            notes.push(format!("column {} numbers the rows, and is left out", quoted(name)));
        } else {
            shared.push(name.clone());
        }
    }
    let beside: HashSet<String> = (sets[1..].iter())
        .flat_map(|set| {
            set.files
                .schema()
                .fields()
                .iter()
                .map(|field| field.name().clone())
                .collect::<Vec<_>>()
        })
        .filter(|name| schema.field_with_name(name).is_err())
        .collect();
    missing.extend(beside.iter().map(|name| quoted(name)));
    missing.sort();
    if !missing.is_empty() {
        notes.push(format!("not in all sets, and left out: {}", missing.join(", ")));
    }
    match shared.is_empty() {
        true => Err(Error::schema(
            "no column beside the label is in all sets, so there is nothing to compare",
        )),
        false => Ok(shared),
    }
}

/// Whether an integer column counts the rows, in whatever order: without nulls, each number once, and none left out between the least and the largest.
async fn numbers_rows(cx: &Context, set: &Set, name: &str) -> Result<bool> {
    if set.files.class_names(name).is_some() {
        return Ok(false);
    }
    let own = set.files.clone().columns(&[name])?;
    let values = own.column(cx, name).await?;
    let Ok(values) = cast(&values, &DataType::Int64) else {
        return Ok(false);
    };
    let values = values.as_primitive::<Int64Type>();
    let span = min(values)
        .zip(max(values))
        .map(|(least, most)| i128::from(most) - i128::from(least) + 1);
    if values.len() < FEW || values.null_count() > 0 || span != Some(values.len() as i128) {
        return Ok(false);
    }
    let least = min(values).unwrap_or(0);
    let mut seen = vec![false; values.len()];
    Ok(values
        .values()
        .iter()
        .all(|value| !std::mem::replace(&mut seen[(value - least) as usize], true)))
}

impl Hashed {
    /// Reads the columns `columns` of all rows.
    pub(super) async fn of(cx: &Context, set: &Set, columns: &[String], progress: &mut Counted<'_>) -> Result<Self> {
        let names: Vec<&str> = columns.iter().map(String::as_str).collect();
        let files = set.files.clone().columns(&names)?;
        let mut hashed = Self {
            keys: Vec::with_capacity(set.len() as usize),
            ..Self::default()
        };
        for block in files.blocks().iter() {
            let step = rows_together(block);
            for start in block.rows.clone().step_by(step as usize) {
                let rows = start..(start + step).min(block.rows.end);
                let (read, lost) = taken(cx, &files, &rows.clone().collect::<Vec<u64>>()).await?;
                if let Some((wanted, batch)) = read {
                    // In the order in which the columns were named.
                    let at = names.iter().map(|name| batch.schema().index_of(name));
                    let batch = batch.project(&at.collect::<Result<Vec<_>, _>>()?)?;
                    let keys = cx.compute(move || row_hashes(&batch)).await?;
                    hashed.keys.resize(rows.end as usize, 0);
                    wanted
                        .iter()
                        .zip(keys)
                        .for_each(|(&row, key)| hashed.keys[row as usize] = key);
                }
                hashed.keys.resize(rows.end as usize, 0);
                for (row, error) in lost {
                    hashed.unusable += 1;
                    if hashed.bad.len() < NAMED {
                        let place = place(cx, &files, row);
                        let why = error.to_string();
                        hashed.bad.push(Bad { place, why });
                    }
                }
                progress.add(rows.end - rows.start);
            }
        }
        Ok(hashed)
    }
}

fn rows_together(block: &Block) -> u64 {
    let rows = block.rows.end - block.rows.start;
    let of_row = block.bytes.div_ceil(rows.max(1)).max(1);
    (BYTES / of_row).clamp(1, ROWS)
}
