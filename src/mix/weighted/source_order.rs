//! Which source each row of a mix is of: arithmetic on the position, without the rows.

use super::stopping::StoppingStrategy;
use crate::dataset::Len;
use crate::error::{Error, Result};
use crate::mix::cycle::{Cycle, whole};
use crate::mix::piecewise::Piecewise;
use crate::mix::schedule::Schedule;
use std::num::NonZeroU64;

/// Which source comes at each position of a mix, and which of its rows.
#[derive(Debug)]
pub(super) struct SourceOrder {
    pub(super) pieces: Piecewise,
    stop: StoppingStrategy,
    len: Len,
    /// Rows of each source; none for one without an end.
    lens: Vec<Option<u64>>,
    /// By how many positions each source moves on in an epoch of the mix.
    spans: Vec<u64>,
}

impl SourceOrder {
    /// The order of sources of `lens` rows with these weights.
    pub(super) fn new(weights: &[Schedule], lens: Vec<Option<u64>>, stop: StoppingStrategy) -> Result<Self> {
        let (pieces, end) = arrange(weights, &lens, stop)?;
        let span = |(class, len): (usize, &Option<u64>)| {
            let rows = end.map_or(0, |end| pieces.count(class, end));
            len.map_or(rows, |len| rows.div_ceil(len).saturating_mul(len))
        };
        Ok(Self {
            spans: lens.iter().enumerate().map(span).collect(),
            len: end.and_then(NonZeroU64::new).map_or(Len::Endless, Len::Finite),
            pieces,
            stop,
            lens,
        })
    }

    /// Calls every `rows` rows an epoch, where there would be none.
    pub(super) fn set_rows(&mut self, rows: NonZeroU64) {
        self.len = Len::Finite(rows);
    }

    pub(super) fn len(&self) -> Len {
        self.len
    }

    /// How many of the first `prefix` rows of an epoch are of each source.
    pub(super) fn counts(&self, prefix: u64) -> Vec<u64> {
        (0..self.lens.len())
            .map(|source| self.pieces.count(source, prefix))
            .collect()
    }

    /// The share of each source around `position`.
    pub(super) fn shares(&self, position: u64) -> Vec<f64> {
        let (_, row) = self.split(position);
        (0..self.lens.len())
            .map(|source| self.pieces.share(source, row))
            .collect()
    }

    fn split(&self, position: u64) -> (u64, u64) {
        match self.stop {
            StoppingStrategy::CycleForever => (0, position),
            _ => self.len.split(position),
        }
    }

    /// The source at `position`, and the position in it. Positions that no integer holds start over, in whole epochs of the source.
    pub(super) fn at(&self, position: u64) -> (usize, u64) {
        let (epoch, row) = self.split(position);
        let (source, rank) = self.pieces.at(row);
        let below = u128::from(epoch) * u128::from(self.spans[source]) + u128::from(rank);
        let below = u64::try_from(below).unwrap_or_else(|_| {
            let len = self.lens[source].unwrap_or(1);
            (below % u128::from(u64::MAX / len * len)) as u64
        });
        (source, below)
    }
}

/// What comes where, and where an epoch ends.
fn arrange(weights: &[Schedule], lens: &[Option<u64>], stop: StoppingStrategy) -> Result<(Piecewise, Option<u64>)> {
    let classes = weights.len();
    if weights.iter().any(|weight| !weight.is_constant()) {
        let schedules: Vec<&Schedule> = weights.iter().collect();
        let shares = |rows| weights.iter().map(|weight| weight.mean(&rows)).collect();
        return Ok((Piecewise::scheduled(classes, &schedules, shares), None));
    }
    let weights: Vec<f64> = weights.iter().map(|weight| weight.at(0)).collect();
    let mut pieces = Piecewise::new(classes);
    if stop == StoppingStrategy::AllExhausted {
        let counts = whole(&weights, Cycle::MOST / classes as u64);
        return leave(pieces, counts, lens);
    }
    pieces.push(u64::MAX, &whole(&weights, Cycle::MOST));
    // The row with which a source would start over; None for one that never does.
    let lacks: Vec<Option<u64>> = (0..classes)
        .map(|class| {
            lens[class]
                .map(|len| pieces.place(class, len).ok_or_else(too_long))
                .transpose()
        })
        .collect::<Result<_>>()?;
    let end = match stop {
        StoppingStrategy::FirstExhausted => lacks.into_iter().flatten().min(),
        StoppingStrategy::CycleUntilAllExhausted => lacks.into_iter().try_fold(0, |end, lack| Some(lack?.max(end))),
        StoppingStrategy::AllExhausted | StoppingStrategy::CycleForever => None,
    };
    Ok((pieces, end))
}

/// A piece for every time that a source runs out and leaves.
fn leave(mut pieces: Piecewise, mut counts: Vec<u64>, lens: &[Option<u64>]) -> Result<(Piecewise, Option<u64>)> {
    loop {
        pieces.push(u64::MAX - pieces.end(), &counts);
        let mut end: Option<u64> = None;
        for class in (0..counts.len()).filter(|&class| counts[class] > 0) {
            let Some(len) = lens[class] else { continue };
            let next = pieces.place(class, len - 1).and_then(|place| place.checked_add(1));
            let next = next.ok_or_else(too_long)?;
            end = Some(end.map_or(next, |end| end.min(next)));
        }
        let Some(end) = end else { return Ok((pieces, None)) };
        let given = pieces.cut(end);
        for class in 0..counts.len() {
            if lens[class] == Some(given[class]) {
                counts[class] = 0;
            }
        }
        if counts.iter().all(|&count| count == 0) {
            return Ok((pieces, Some(end)));
        }
        let weights: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
        counts = whole(&weights, Cycle::MOST);
    }
}

fn too_long() -> Error {
    Error::config("mix: an epoch would have more than 2^64 rows")
}

/// Refuses weights that are out of range, and schedules where epochs would differ.
pub(super) fn check(weights: &[Schedule], stop: StoppingStrategy) -> Result<()> {
    for (source, weight) in weights.iter().enumerate() {
        weight.check()?;
        let lowest = if weight.is_constant() { f64::MIN_POSITIVE } else { 0.0 };
        if let Some(bad) = weight.values().find(|value| !value.is_finite() || *value < lowest) {
            let text = format!("source {source} cannot have the weight {bad}; a weight is a number above 0");
            return Err(Error::config(text));
        }
        if !weight.is_constant() && stop != StoppingStrategy::CycleForever {
            return Err(Error::config(format!(
                "the weight of source {source} changes over the rows, so that epochs under \"{stop}\" would differ in \
                 length; use CycleForever, and rows() for epochs"
            )));
        }
    }
    let mut breaks: Vec<u64> = weights.iter().flat_map(Schedule::breaks).chain([0]).collect();
    breaks.sort_unstable();
    breaks.dedup();
    let ends = breaks.iter().skip(1).copied().chain([u64::MAX]);
    for (start, end) in breaks.iter().copied().zip(ends) {
        if weights.iter().all(|weight| weight.mean(&(start..end)) <= 0.0) {
            return Err(Error::config(format!(
                "from row {start} on the weights of all sources are 0"
            )));
        }
    }
    Ok(())
}
