//! What the sampling left to correct.

use crate::error::{Error, Result};
use crate::loader::ClassPrior;
use crate::mix::Target;

/// The emitted share of each class over the share that `target` wants it to have; 1 for a class that is never emitted.
///
/// `target` is one of the classes that are emitted: what it gives others goes to these.
pub(super) fn emitted_over_target(target: &Target, emitted: &ClassPrior, stored: &ClassPrior) -> Result<Vec<f64>> {
    if emitted.names() != stored.names() {
        return Err(Error::config(format!(
            "loss: the emitted rows are of the classes {:?}, the stored ones of {:?}",
            emitted.names(),
            stored.names()
        )));
    }
    let counts: Vec<u64> = stored.counts().iter().map(|count| count.round() as u64).collect();
    let wanted = target.shares(&counts, stored.names())?;
    let emitted_shares = emitted.shares();
    let both = || wanted.iter().zip(&emitted_shares);
    let total: f64 = both()
        .filter(|(_, emitted)| **emitted > 0.0)
        .map(|(wanted, _)| wanted)
        .sum();
    let ratio = |(class, (&wanted, &emitted)): (usize, (&f64, &f64))| match (wanted > 0.0, emitted > 0.0) {
        (_, false) => Ok(1.0),
        (true, true) => Ok(emitted * total / wanted),
        (false, true) => Err(Error::config(format!(
            "loss: class {:?} is emitted, but its target share is 0: give it a weight, or leave its rows out",
            stored.names()[class]
        ))),
    };
    both().enumerate().map(ratio).collect()
}

/// The weight of each class that makes up for what the sampling left: the mean over the emitted rows is 1.
pub(super) fn weights(target: &Target, emitted: &ClassPrior, stored: &ClassPrior) -> Result<Vec<f32>> {
    let ratios = emitted_over_target(target, emitted, stored)?;
    Ok(ratios.into_iter().map(|ratio| (1.0 / ratio) as f32).collect())
}
