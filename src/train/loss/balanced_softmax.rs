use super::forward::{ClassificationLoss, by_class, cross_entropy};
use super::ratio::emitted_over_target;
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::loader::ClassPrior;
use crate::mix::Target;
use crate::spec::Spec;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Cross-entropy of logits to which the log of the class prior is added while training, and is not when predicting: logit
/// adjustment (Menon et al. 2021), which with a strength of 1 is balanced softmax (Ren et al. 2020).
///
/// Added is `tau * log(emitted share / target share)`, so a balance that reaches the target leaves cross-entropy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BalancedSoftmax {
    /// The strength, in 0 to 100. 0 is cross-entropy. Defaults to 1, for which predictions are best for the target's shares.
    pub tau: f32,
    /// The shares of the classes to predict for. Defaults to uniform: balanced accuracy.
    pub target: Target,
}

impl Default for BalancedSoftmax {
    fn default() -> Self {
        Self {
            tau: 1.0,
            target: Target::Uniform,
        }
    }
}

impl Spec for BalancedSoftmax {
    const NAME: &'static str = "balanced_softmax";

    fn check(&self) -> Result<()> {
        if !(0.0..=Self::MOST).contains(&self.tau) {
            return Err(Error::config(format!(
                "balanced_softmax: tau is {}, but has to be a number in 0 to {}",
                self.tau,
                Self::MOST
            )));
        }
        let target = self.target.check();
        target.map_err(|error| error.context("balanced_softmax: target"))
    }
}

impl BalancedSoftmax {
    /// The largest strength.
    const MOST: f32 = 100.0;

    /// With the strength 1, for balanced accuracy.
    pub fn new() -> Self {
        Self::default()
    }

    /// With the strength `tau`.
    #[must_use]
    pub fn tau(mut self, tau: f32) -> Self {
        self.tau = tau;
        self
    }

    /// For classes of these shares, which are worked out from the stored rows.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// The loss of rows that are `emitted` so, out of those that are `stored`.
    ///
    /// # Errors
    ///
    /// `Config` for a `tau` out of range, priors of different classes, a target that does not fit the classes, and a class that is
    /// emitted with a target share of 0.
    pub fn init(&self, emitted: &ClassPrior, stored: &ClassPrior) -> Result<BalancedSoftmaxLoss> {
        self.check()?;
        let ratios = emitted_over_target(&self.target, emitted, stored)?;
        let offset = |ratio: f64| (f64::from(self.tau) * libm::log(ratio)) as f32;
        Ok(BalancedSoftmaxLoss {
            offsets: ratios.into_iter().map(offset).collect(),
        })
    }
}

/// Made by [`BalancedSoftmax::init`].
#[derive(Clone, Debug)]
pub struct BalancedSoftmaxLoss {
    offsets: Vec<f32>,
}

impl BalancedSoftmaxLoss {
    /// What is added to the logit of each class.
    pub fn offsets(&self) -> &[f32] {
        &self.offsets
    }
}

impl ClassificationLoss for BalancedSoftmaxLoss {
    fn forward(&self, logits: Tensor<2>, targets: &Targets) -> Result<Tensor<1>> {
        let probabilities = targets.probabilities(&logits)?;
        let offsets = by_class(&self.offsets, &logits);
        Ok(cross_entropy(logits + offsets, probabilities, None))
    }
}
