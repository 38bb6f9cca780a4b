//! Sizes of kernels, which are odd.

use crate::error::{Error, Result};
use crate::rng::Rng;
use std::ops::RangeInclusive;

/// Refuses a range that does not lie within `allowed`, or whose ends are not odd.
pub(super) fn check(size: &RangeInclusive<u32>, allowed: RangeInclusive<u32>) -> Result<()> {
    let (low, high) = (*size.start(), *size.end());
    if low % 2 == 1 && high % 2 == 1 && low <= high && allowed.contains(&low) && allowed.contains(&high) {
        return Ok(());
    }
    Err(Error::config(format!(
        "size is {size:?}, but has to be a range of two odd numbers within {allowed:?} (pixels)"
    )))
}

/// An odd number of the range.
pub(super) fn draw(size: &RangeInclusive<u32>, rng: &mut Rng) -> u32 {
    size.start() + 2 * rng.below(u64::from((size.end() - size.start()) / 2 + 1)) as u32
}
