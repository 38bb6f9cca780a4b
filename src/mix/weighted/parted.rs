//! Positions divided among sources.

use crate::error::{Error, Result};
use arrow::array::RecordBatch;

/// What some positions need of each source.
#[derive(Debug, Default)]
pub(super) struct Parted {
    /// A source and the positions in it.
    pub(super) parts: Vec<(usize, Vec<u64>)>,
    /// For each position: a part and an index into it.
    pub(super) picks: Vec<(usize, usize)>,
}

impl Parted {
    /// `positions` divided among `sources` sources; `below` says of a position which source it is of and where in it.
    pub(super) fn new(sources: usize, positions: &[u64], below: impl Fn(u64) -> (usize, u64)) -> Self {
        let mut parted = Self::default();
        let mut part_of = vec![None; sources];
        for &position in positions {
            let (source, below) = below(position);
            let part = *part_of[source].get_or_insert_with(|| {
                parted.parts.push((source, Vec::new()));
                parted.parts.len() - 1
            });
            parted.picks.push((part, parted.parts[part].1.len()));
            parted.parts[part].1.push(below);
        }
        parted
    }

    /// A failure in part `part` is one among the positions.
    fn moved(&self, part: usize, error: Error) -> Error {
        let bad = error.index().map(|at| (part, at));
        match bad.and_then(|bad| self.picks.iter().position(|pick| *pick == bad)) {
            Some(at) => error.at(at),
            None => error.unplaced(),
        }
    }

    /// All parts, or of the failures the one that comes first.
    pub(super) fn whole(&self, results: Vec<Result<RecordBatch>>) -> Result<Vec<RecordBatch>> {
        let (mut parts, mut first) = (Vec::new(), None::<Error>);
        for (part, result) in results.into_iter().enumerate() {
            match result {
                Ok(rows) => parts.push(rows),
                Err(error) => {
                    let error = self.moved(part, error);
                    let at = |error: &Error| error.index().unwrap_or(usize::MAX);
                    if first.as_ref().is_none_or(|first| at(&error) < at(first)) {
                        first = Some(error);
                    }
                }
            }
        }
        first.map_or(Ok(parts), Err)
    }
}
