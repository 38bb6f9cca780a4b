//! Whether every row comes once an epoch.

use super::broken::broken;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::LastBatch;
use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use std::collections::BTreeSet;

/// Epochs that are looked at.
const EPOCHS: u64 = 3;
/// Ranks, and rows of a global batch.
const RANKS_AND_BATCHES: [(u64, u64); 8] = [(1, 1), (1, 7), (1, 1000), (2, 7), (2, 64), (3, 5), (4, 4), (4, 31)];

/// Checks that a loader over what `open` opens delivers each of its `rows` rows once in every epoch, all ranks of a world
/// together, for worlds of one to four ranks and batches that do not divide the rows (with [`LastBatch::Keep`]).
///
/// Rows are told apart by the values of `column`, which has another one in every row. Blocks; not to be called from an
/// async task.
///
/// # Errors
///
/// Which row is missing or comes twice, in which epoch; what `open` or a loader fails with.
pub fn check_once<D: Dataset>(seed: u64, column: &str, rows: u64, open: impl Fn(&Context) -> Result<D>) -> Result<()> {
    let cx = Context::with(2, 1 << 24)?.with_seed(seed);
    let mut expected: Option<BTreeSet<String>> = None;
    for (world, batch) in RANKS_AND_BATCHES {
        let mut epochs = vec![(BTreeSet::new(), BTreeSet::new()); EPOCHS as usize];
        for rank in 0..world {
            let loader = open(&cx)?
                .loader(&cx)
                .batch_size(batch)
                .last_batch(LastBatch::Keep)
                .epochs(EPOCHS);
            for batch in loader.shard(rank, world).blocking()? {
                let batch = batch?;
                for (&position, value) in batch.positions().iter().zip(values(batch.rows(), column)?) {
                    let epoch = position / rows;
                    let twice = || {
                        broken(format!(
                            "epoch {epoch} has {column} {value} (position {position}) twice"
                        ))
                    };
                    let (positions, seen) = epochs.get_mut(epoch as usize).ok_or_else(twice)?;
                    if !positions.insert(position) || !seen.insert(value.clone()) {
                        return Err(twice().context(format!("{world} ranks, batches of {}", batch.len())));
                    }
                }
            }
        }
        for (epoch, (_, seen)) in epochs.into_iter().enumerate() {
            let expected = expected.get_or_insert_with(|| seen.clone());
            if seen.len() as u64 != rows || seen != *expected {
                let missing = expected.difference(&seen).next().map_or("one", String::as_str);
                return Err(broken(format!(
                    "epoch {epoch} has {} of {rows} rows, with {world} ranks and batches of {batch}: {column} {missing} is \
                     missing",
                    seen.len()
                )));
            }
        }
    }
    Ok(())
}

/// The values of `column` as text.
pub(super) fn values(rows: &RecordBatch, column: &str) -> Result<Vec<String>> {
    let column = rows
        .column_by_name(column)
        .ok_or_else(|| broken(format!("the rows have no column \"{column}\"")))?;
    let text = |row| Ok(array_value_to_string(column, row)?);
    (0..rows.num_rows()).map(text).collect()
}
