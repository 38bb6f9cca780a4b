//! One of several operations.

use super::operations::Operations;
use super::probability;
use crate::error::Result;
use crate::image::operation::{Composite, Drawn, Operation, Subject};
use crate::image::parameters::check_p;
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Runs one of its operations, chosen by their weights: torchvision's `RandomChoice`, albumentations' `OneOf`.
///
/// An operation of weight `w` is run on a share `p * w / sum of the weights` of the rows. It may have a `p` of its own, by which it then
/// does nothing for some of them. In albumentations the children's `p` are the weights, and the `p` of `OneOf` is 0.5 by default.
///
/// ```
/// use millstream::image::{Blur, Image, Noise, OneOf, Rotate};
///
/// // 0.4 of the rows are turned, 0.2 blurred, 0.2 noisy, 0.2 stay as they are.
/// let one = OneOf::new((Rotate::new(10.0), Blur::new(0.1..=2.0), Noise::new(0.02))).weights([2.0, 1.0, 1.0]).p(0.8);
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

    /// The key of its operations, and which of them is run.
    fn choose(&self, rng: &mut Rng) -> (u64, Vec<usize>) {
        let key = rng.next_u64();
        let (runs, unit) = (rng.chance(self.p), (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64);
        let one = match self.weights.is_empty() {
            true => (unit * self.operations.len() as f64) as usize,
            false => probability::weighted(&self.weights, unit),
        };
        (key, if runs { vec![one] } else { Vec::new() })
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

impl Operation for OneOf {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (key, chosen) = self.choose(rng);
        self.operations.draw(&chosen, subject, key)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let (key, chosen) = self.choose(rng);
        Some(self.operations.in_words(&chosen, subject, key))
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

impl Composite for OneOf {
    fn lists(&self) -> Vec<(&'static str, &[Arc<dyn Operation>])> {
        vec![("operations", self.operations.as_slice())]
    }

    fn with_lists(&self, lists: Vec<Vec<Arc<dyn Operation>>>) -> Arc<dyn Operation> {
        let operations = lists.into_iter().next().unwrap_or_default().into();
        Arc::new(Self {
            operations,
            ..self.clone()
        })
    }

    fn resized(&self, size: [u32; 2]) -> Option<[u32; 2]> {
        let mut sizes = self
            .operations
            .as_slice()
            .iter()
            .map(|operation| operation.resized(size));
        let first = sizes.next()??;
        let agree = sizes.all(|other| other == Some(first)) && (self.p >= 1.0 || first == size);
        agree.then_some(first)
    }

    fn share(&self, _: usize, index: usize) -> Option<f64> {
        let share = match self.weights.get(index) {
            None => 1.0 / self.operations.len() as f64,
            Some(&weight) => f64::from(weight) / self.weights.iter().map(|&weight| f64::from(weight)).sum::<f64>(),
        };
        Some(f64::from(self.p) * share)
    }
}
