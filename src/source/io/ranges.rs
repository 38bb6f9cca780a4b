//! Ranges of bytes: neighbours are read in one go.

use crate::error::{Error, Result};
use bytes::Bytes;
use std::ops::Range;

/// `ranges`, if all of them are inside a file of `size` bytes.
pub(in crate::source) fn inside(ranges: Vec<Range<u64>>, size: u64) -> Result<Vec<Range<u64>>> {
    match ranges.iter().find(|range| range.start > range.end || range.end > size) {
        None => Ok(ranges),
        Some(range) => Err(Error::data(format!(
            "bytes {} to {} are wanted of a file of {size}",
            range.start, range.end
        ))),
    }
}

/// `ranges` cut where they are no neighbours.
fn neighbours(ranges: &[Range<u64>]) -> impl Iterator<Item = &[Range<u64>]> {
    ranges.chunk_by(|a, b| a.end == b.start)
}

/// `ranges`, neighbours in one.
pub(in crate::source) fn runs(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    neighbours(ranges)
        .map(|run| run[0].start..run[run.len() - 1].end)
        .collect()
}

/// The bytes of each of `ranges`, out of those of their [`runs`].
pub(in crate::source) fn parts(ranges: &[Range<u64>], runs: &[Bytes]) -> Vec<Bytes> {
    let of_run = |(run, bytes): (&'_ [Range<u64>], &Bytes)| -> Vec<Bytes> {
        let offset = |at: u64| (at - run[0].start) as usize;
        run.iter()
            .map(|range| bytes.slice(offset(range.start)..offset(range.end)))
            .collect()
    };
    neighbours(ranges).zip(runs).flat_map(of_run).collect()
}
