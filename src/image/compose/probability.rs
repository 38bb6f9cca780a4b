//! Probabilities and weights.

use crate::error::{Error, Result};

/// Refuses `weights` that do not choose between `among` things.
pub(super) fn check_weights(weights: &[f32], among: usize) -> Result<()> {
    if weights.len() != among {
        return Err(Error::config(format!(
            "weights: there are {} for {among} operations",
            weights.len()
        )));
    }
    if let Some(weight) = weights.iter().find(|&&weight| !(weight >= 0.0 && weight.is_finite())) {
        return Err(Error::config(format!(
            "weights: {weight} is none: a weight is at least 0"
        )));
    }
    match weights.iter().all(|&weight| weight == 0.0) {
        true => Err(Error::config(
            "weights: all of them are 0, so none would ever be chosen",
        )),
        false => Ok(()),
    }
}

/// Which of the `weights`, which are not all 0, the number `unit` of `[0, 1)` chooses.
pub(super) fn weighted(weights: &[f32], unit: f64) -> usize {
    let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
    let (mut left, mut last) = (unit * total, 0);
    for (at, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        last = at;
        left -= f64::from(weight);
        if left < 0.0 {
            break;
        }
    }
    last
}
