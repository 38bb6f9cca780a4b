//! One of several operations.

use super::choose::Choose;
use super::operations::Operations;
use super::probability;
use crate::error::Result;
use crate::image::parameters::check_p;
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Runs one of its operations, chosen by their weights: torchvision's `RandomChoice`, albumentations' `OneOf`.
///
/// An operation of weight `w` is run on a share `p * w / sum of the weights` of the rows. It may have a `p` of its own, by which it then
/// does nothing for some of them. In albumentations the children's `p` are the weights, and the `p` of `OneOf` is 0.5 by default.
///
/// ```
/// use millstream::image::{GaussianBlur, Image, GaussianNoise, OneOf, Rotate};
///
/// // 0.4 of the rows are turned, 0.2 blurred, 0.2 noisy, 0.2 stay as they are.
/// let one = OneOf::new((Rotate::new(10.0), GaussianBlur::new(0.1..=2.0), GaussianNoise::new(0.02))).weights([2.0, 1.0, 1.0]).p(0.8);
/// let train = Image::new(224).with(one);
/// # train.check().unwrap();
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OneOf {
    operations: Operations,
    weights: Vec<f32>,
    p: f32,
}

impl OneOf {
    /// One of at least one operation, all as likely as each other.
    pub fn new(operations: impl Into<Operations>) -> Self {
        Self {
            operations: operations.into(),
            weights: Vec::new(),
            p: 1.0,
        }
    }

    /// How likely each is beside the others: as many numbers of at least 0 as there are operations, not all 0.
    #[must_use]
    pub fn weights(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.weights = weights.into();
        self
    }

    /// The probability, in `0..=1`, that one is run at all. Defaults to 1.
    #[must_use]
    pub fn p(mut self, p: f32) -> Self {
        self.p = p;
        self
    }
}

impl Default for OneOf {
    fn default() -> Self {
        Self::new(Operations::new())
    }
}

impl Spec for OneOf {
    const NAME: &'static str = "one_of";

    fn check(&self) -> Result<()> {
        check_p(self.p)?;
        self.operations.check("operations")?;
        match self.weights.is_empty() {
            true => Ok(()),
            false => probability::check_weights(&self.weights, self.operations.len()),
        }
    }
}

impl Choose for OneOf {
    fn operations(&self) -> &Operations {
        &self.operations
    }

    fn with_operations(self, operations: Operations) -> Self {
        Self { operations, ..self }
    }

    fn choose(&self, rng: &mut Rng) -> Vec<usize> {
        let (runs, unit) = (rng.chance(self.p), (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64);
        let one = match self.weights.is_empty() {
            true => (unit * self.operations.len() as f64) as usize,
            false => probability::weighted(&self.weights, unit),
        };
        if runs { vec![one] } else { Vec::new() }
    }

    fn may_follow(&self, _: usize, _: usize) -> bool {
        false
    }

    fn share_of(&self, index: usize) -> f64 {
        let share = match self.weights.get(index) {
            None => 1.0 / self.operations.len() as f64,
            Some(&weight) => f64::from(weight) / self.weights.iter().map(|&weight| f64::from(weight)).sum::<f64>(),
        };
        f64::from(self.p) * share
    }

    fn leaves(&self, size: [u32; 2]) -> Option<[u32; 2]> {
        let all = self.operations.as_slice().iter();
        let mut sizes = all.map(|operation| operation.resized(size));
        let first = sizes.next()??;
        let agree = sizes.all(|other| other == Some(first)) && (self.p >= 1.0 || first == size);
        agree.then_some(first)
    }
}
