//! Parameters that have to lie in a range.

use std::ops::RangeInclusive;

use crate::error::{Error, Result};

pub(super) fn probability(p: f32) -> Result<()> {
    match p {
        0.0..=1.0 => Ok(()),
        p => Err(Error::config(format!("p is {p}, but a probability lies in 0..=1"))),
    }
}

/// `name` is a number in `allowed`.
pub(super) fn number(name: &str, value: f32, allowed: RangeInclusive<f32>) -> Result<()> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(Error::config(format!(
        "{name} is {value}, but has to lie in {allowed:?}"
    )))
}

/// `name` is a range within `allowed`.
pub(super) fn range(name: &str, value: &RangeInclusive<f32>, allowed: RangeInclusive<f32>) -> Result<()> {
    let (low, high) = (*value.start(), *value.end());
    if allowed.contains(&low) && low <= high && allowed.contains(&high) {
        return Ok(());
    }
    Err(Error::config(format!(
        "{name} is {value:?}, but has to be a range within {allowed:?}"
    )))
}
