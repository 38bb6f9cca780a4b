use super::forward::{ClassificationLoss, by_class, mean};
use super::ratio::weights;
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::loader::ClassPrior;
use crate::mix::Target;
use crate::spec::Spec;
use burn::tensor::{Tensor, activation::log_softmax};
use serde::{Deserialize, Serialize};

/// Focal loss (Lin et al. 2017) over the softmax: `-weight * (1 - p)^gamma * log p` of the row's class, so that rows which are
/// recognised already count little.
///
/// torchvision's `sigmoid_focal_loss` is that of classes that exclude nothing (multi-label). A soft label counts for each of its classes
/// with its share, as MixUp's own loss does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Focal {
    /// How little, in 0 to 100: 0 is cross-entropy. Defaults to 2.
    pub gamma: f32,
    /// Weights of the classes (`alpha` of the paper) as in [`ClassWeights`](super::ClassWeights). Defaults to none.
    pub weights: Option<Target>,
}

impl Default for Focal {
    fn default() -> Self {
        Self {
            gamma: 2.0,
            weights: None,
        }
    }
}

impl Spec for Focal {
    const NAME: &'static str = "focal";

    fn check(&self) -> Result<()> {
        if !(0.0..=Self::MOST).contains(&self.gamma) {
            return Err(Error::config(format!(
                "focal: gamma is {}, but has to be a number in 0 to {}",
                self.gamma,
                Self::MOST
            )));
        }
        let weights = self.weights.as_ref().map_or(Ok(()), Target::check);
        weights.map_err(|error| error.context("focal: weights"))
    }
}

impl Focal {
    /// The largest `gamma`: beyond it only rows that are all wrong count at all.
    const MOST: f32 = 100.0;

    /// With `gamma` 2, without weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this `gamma`.
    #[must_use]
    pub fn gamma(mut self, gamma: f32) -> Self {
        self.gamma = gamma;
        self
    }

    /// With weights that make classes count with the shares of `target`.
    #[must_use]
    pub fn weights(mut self, target: Target) -> Self {
        self.weights = Some(target);
        self
    }

    /// The loss of rows that are `emitted` so, out of those that are `stored`.
    ///
    /// # Errors
    ///
    /// `Config` for a `gamma` out of range, and as [`ClassWeights::init`](super::ClassWeights::init).
    pub fn init(&self, emitted: &ClassPrior, stored: &ClassPrior) -> Result<FocalLoss> {
        self.check()?;
        let weights = |target| weights(target, emitted, stored);
        Ok(FocalLoss {
            gamma: self.gamma,
            weights: self.weights.as_ref().map(weights).transpose()?,
        })
    }
}

/// Made by [`Focal::init`].
#[derive(Clone, Debug)]
pub struct FocalLoss {
    gamma: f32,
    weights: Option<Vec<f32>>,
}

impl FocalLoss {
    /// Nearer to 1 than this no probability comes: the slope of a power below 1 has no end there.
    const LEAST: f32 = 1e-7;
}

impl ClassificationLoss for FocalLoss {
    fn forward(&self, logits: Tensor<2>, targets: &Targets) -> Result<Tensor<1>> {
        let mut shares = targets.probabilities(&logits)?;
        if let Some(weights) = &self.weights {
            shares = shares * by_class(weights, &logits);
        }
        let log = log_softmax(logits, 1);
        if self.gamma > 0.0 {
            let wrong = (-log.clone().exp() + 1.0).clamp_min(Self::LEAST);
            shares = shares * wrong.powf_scalar(self.gamma);
        }
        Ok(mean(shares * log))
    }
}
