use super::forward::{ClassificationLoss, cross_entropy};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::spec::Spec;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Cross-entropy, with label smoothing (Szegedy et al. 2016): as PyTorch's `CrossEntropyLoss` with `label_smoothing`, for class numbers
/// and for probabilities alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropy {
    /// The part of a label that is spread over all classes, in `0..1`. Defaults to 0.
    pub smoothing: f32,
}

impl Spec for CrossEntropy {
    const NAME: &'static str = "cross_entropy";

    fn check(&self) -> Result<()> {
        match (0.0..1.0).contains(&self.smoothing) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "cross_entropy: smoothing is {}, not in 0..1",
                self.smoothing
            ))),
        }
    }
}

impl CrossEntropy {
    /// Without smoothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Spreads `part` of each label over all classes.
    #[must_use]
    pub fn smoothing(mut self, part: f32) -> Self {
        self.smoothing = part;
        self
    }

    /// The loss, which looks at no prior.
    ///
    /// # Errors
    ///
    /// `Config` for a part outside `0..1`.
    pub fn init(&self) -> Result<CrossEntropyLoss> {
        self.check()?;
        Ok(CrossEntropyLoss {
            smoothing: self.smoothing,
        })
    }
}

/// Made by [`CrossEntropy::init`].
#[derive(Clone, Debug)]
pub struct CrossEntropyLoss {
    smoothing: f32,
}

impl ClassificationLoss for CrossEntropyLoss {
    fn forward(&self, logits: Tensor<2>, targets: &Targets) -> Result<Tensor<1>> {
        let (probabilities, classes) = (targets.probabilities(&logits)?, logits.dims()[1]);
        let smooth = match self.smoothing {
            0.0 => probabilities,
            part => probabilities * (1.0 - part) + part / classes as f32,
        };
        Ok(cross_entropy(logits, smooth, None))
    }
}
