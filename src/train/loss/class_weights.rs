use super::forward::{ClassificationLoss, cross_entropy};
use super::ratio::weights;
use super::targets::Targets;
use crate::error::Result;
use crate::loader::ClassPrior;
use crate::mix::Target;
use crate::spec::Spec;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Cross-entropy in which a row counts by the weight of its class: `target share / emitted share`.
///
/// With rows as they are stored, `Uniform` weights by the inverse frequency and `EffectiveNumber(beta)` by the inverse of the
/// effective number (Cui et al. 2019). A balance to the same target leaves the weight 1 to all.
///
/// The mean weight over the emitted rows is 1, and the loss is the plain mean over the batch. PyTorch divides by the sum of the
/// batch's weights instead, so that its steps are of the same size for a batch of rare classes as for one of common ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassWeights {
    /// The shares that the classes should count with. Defaults to uniform.
    pub target: Target,
}

impl Default for ClassWeights {
    fn default() -> Self {
        Self {
            target: Target::Uniform,
        }
    }
}

impl Spec for ClassWeights {
    const NAME: &'static str = "class_weights";

    fn check(&self) -> Result<()> {
        let target = self.target.check();
        target.map_err(|error| error.context("class_weights: target"))
    }
}

impl ClassWeights {
    /// Every class counts the same.
    pub fn new() -> Self {
        Self::default()
    }

    /// Classes count with these shares, which are worked out from the stored rows.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// The loss of rows that are `emitted` so, out of those that are `stored`.
    ///
    /// # Errors
    ///
    /// `Config` for priors of different classes, a target that does not fit the classes, and a class that is emitted with a target
    /// share of 0.
    pub fn init(&self, emitted: &ClassPrior, stored: &ClassPrior) -> Result<ClassWeightsLoss> {
        self.check()?;
        Ok(ClassWeightsLoss {
            weights: weights(&self.target, emitted, stored)?,
        })
    }
}

/// Made by [`ClassWeights::init`].
#[derive(Clone, Debug)]
pub struct ClassWeightsLoss {
    weights: Vec<f32>,
}

impl ClassWeightsLoss {
    /// The weight of each class.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }
}

impl ClassificationLoss for ClassWeightsLoss {
    fn forward(&self, logits: Tensor<2>, targets: &Targets) -> Result<Tensor<1>> {
        let probabilities = targets.probabilities(&logits)?;
        Ok(cross_entropy(logits, probabilities, Some(&self.weights)))
    }
}
