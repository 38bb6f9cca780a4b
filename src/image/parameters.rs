//! Parameters that several operations have.

use crate::error::{Error, Result};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Refuses what is no probability.
pub(in crate::image) fn check_p(p: f32) -> Result<()> {
    match p {
        0.0..=1.0 => Ok(()),
        p => Err(Error::config(format!("p is {p}, but a probability lies in 0..=1"))),
    }
}

/// Whether what happens with this probability differs from row to row.
pub(in crate::image) fn is_chance(p: f32) -> bool {
    p > 0.0 && p < 1.0
}

/// Refuses a number that does not lie within `allowed`.
pub(crate) fn check_number<T: Copy + PartialOrd + Display>(
    name: &str,
    value: T,
    allowed: RangeInclusive<T>,
) -> Result<()> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let (low, high) = allowed.into_inner();
    Err(Error::config(format!(
        "{name} is {value}, but has to lie in {low}..={high}"
    )))
}

/// Refuses a range that does not lie within `allowed`, or whose end lies before its start.
pub(crate) fn check_range<T: PartialOrd + Display>(
    name: &str,
    range: &RangeInclusive<T>,
    allowed: RangeInclusive<T>,
) -> Result<()> {
    if range.start() >= allowed.start() && range.start() <= range.end() && range.end() <= allowed.end() {
        return Ok(());
    }
    let ((from, to), (low, high)) = ((range.start(), range.end()), allowed.into_inner());
    Err(Error::config(format!(
        "{name} is {from}..={to}, but has to be a range within {low}..={high}"
    )))
}
