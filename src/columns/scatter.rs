//! Positions split among several datasets, and their rows put together again.

use super::gather;
use crate::error::{Error, Result};
use crate::prepared::Prepared;
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;

/// Which child has the row of each position, and where.
#[derive(Debug, Default)]
pub(crate) struct Scatter {
    /// Each child that has some of the rows, and the positions in it.
    parts: Vec<(usize, Vec<u64>)>,
    /// For each position: a part, and an index into it.
    picks: Vec<(usize, usize)>,
}

impl Scatter {
    /// Splits among `children` datasets: for each position the child that has its row, and the position in that one.
    pub(crate) fn new(children: usize, places: impl IntoIterator<Item = (usize, u64)>) -> Self {
        let (mut scatter, mut part_of) = (Self::default(), vec![None; children]);
        for (child, position) in places {
            let part = *part_of[child].get_or_insert_with(|| {
                scatter.parts.push((child, Vec::new()));
                scatter.parts.len() - 1
            });
            let positions = &mut scatter.parts[part].1;
            scatter.picks.push((part, positions.len()));
            positions.push(position);
        }
        scatter
    }

    /// The rows of all positions as rows of `schema`: `prepare` is asked once for each child that has some of them.
    pub(crate) fn prepare(self, schema: SchemaRef, prepare: impl Fn(usize, &[u64]) -> Prepared) -> Prepared {
        let parts = self.parts.iter().map(|(child, positions)| prepare(*child, positions));
        let picks = self.picks;
        Prepared::join_all(
            parts.collect(),
            move |parts| async move { gathered(&schema, parts, &picks) },
        )
    }
}

/// The rows `picks` of `parts`, or of their failures the one that comes first.
fn gathered(schema: &SchemaRef, parts: Vec<Result<RecordBatch>>, picks: &[(usize, usize)]) -> Result<RecordBatch> {
    let parts = whole(parts, picks)?;
    if let [only] = parts.as_slice() {
        let options = RecordBatchOptions::new().with_row_count(Some(only.num_rows()));
        let columns = only.columns().to_vec();
        return Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?);
    }
    gather(schema, &parts.iter().collect::<Vec<_>>(), picks)
}

/// All parts; or of the failures the one whose position comes first, with its index among the positions.
fn whole(results: Vec<Result<RecordBatch>>, picks: &[(usize, usize)]) -> Result<Vec<RecordBatch>> {
    let (mut parts, mut first) = (Vec::new(), None::<Error>);
    for (part, result) in results.into_iter().enumerate() {
        match result {
            Ok(rows) => parts.push(rows),
            Err(error) => {
                let error = replaced(error, part, picks);
                let at = |error: &Error| error.index().unwrap_or(usize::MAX);
                if first.as_ref().is_none_or(|first| at(&error) < at(first)) {
                    first = Some(error);
                }
            }
        }
    }
    first.map_or(Ok(parts), Err)
}

/// An error of a row of part `part` as one of a row of the whole.
pub(crate) fn replaced(error: Error, part: usize, picks: &[(usize, usize)]) -> Error {
    let bad = error.index().map(|at| (part, at));
    match bad.and_then(|bad| picks.iter().position(|pick| *pick == bad)) {
        Some(at) => error.at(at),
        None => error.unplaced(),
    }
}
