use super::broken::broken;
use crate::error::Result;
use std::ops::Range;

/// Checks that what comes at `positions` keeps to `shares` at every prefix: with `count` the rows of a class (or of a source)
/// among the first `k` of them, and `w` the sum of its shares there, `|count - w| <= 1`.
///
/// `class` says what comes at a position, `shares` what share each class has there, out of 1; shares may differ from one
/// position to the next. Where rows are shuffled inside blocks of `block` positions, the bound is checked at the end of every
/// block; else `block` is 1. The prefixes begin where `positions` begins, so that has to be where counting begins: at 0, or
/// at an epoch.
///
/// ```
/// use millstream::mix::{Mix, StoppingStrategy};
/// use millstream::testing::{Virtual, check_proportions};
/// use millstream::{Dataset, Result};
/// use std::sync::Arc;
///
/// let rows = || -> Result<Arc<dyn Dataset>> { Ok(Arc::new(Virtual::new(1000, 3)?)) };
/// let mix = Mix::new(vec![(rows()?, 0.7), (rows()?, 0.2), (rows()?, 0.1)], StoppingStrategy::CycleForever)?;
/// check_proportions(0..10_000, 1, |position| mix.source(position), |_| vec![0.7, 0.2, 0.1])?;
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// The first prefix that is further off, with its class; a class for which there is no share.
pub fn check_proportions(
    positions: Range<u64>,
    block: u64,
    class: impl Fn(u64) -> usize,
    shares: impl Fn(u64) -> Vec<f64>,
) -> Result<()> {
    // Sums of many shares round, by far less than a row.
    const SLACK: f64 = 1e-6;
    let (mut counts, mut wanted): (Vec<u64>, Vec<f64>) = (Vec::new(), Vec::new());
    for position in positions.clone() {
        let (class, shares) = (class(position), shares(position));
        wanted.resize(shares.len(), 0.0);
        counts.resize(shares.len(), 0);
        let Some(count) = counts.get_mut(class) else {
            return Err(broken(format!(
                "position {position} is of class {class}, which has no share"
            )));
        };
        *count += 1;
        wanted
            .iter_mut()
            .zip(&shares)
            .for_each(|(wanted, share)| *wanted += share);
        let prefix = position + 1 - positions.start;
        if !prefix.is_multiple_of(block.max(1)) {
            continue;
        }
        for (class, (&count, &wanted)) in counts.iter().zip(&wanted).enumerate() {
            if (count as f64 - wanted).abs() > 1.0 + SLACK {
                return Err(broken(format!(
                    "among the first {prefix} rows {count} are of class {class}, but its share of them is {wanted:.3}"
                )));
            }
        }
    }
    Ok(())
}
