use super::forward::{ClassificationLoss, by_class, cross_entropy};
use super::ratio::{emitted_over_target, weights};
use super::targets::Targets;
use crate::error::{Error, Result};
use crate::loader::ClassPrior;
use crate::mix::Target;
use crate::spec::Spec;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Label-distribution-aware margins (LDAM, Cao et al. 2019): a row's own logit is lowered by a margin before the softmax, which is in
/// proportion to `n^(-1/4)` of the `n` emitted rows of its class. A class that is never emitted has the margin of the rarest.
///
/// The defaults are for plain logits, such as those of this crate's heads. In the paper the logits are cosines, of normalised features
/// and normalised weights, which lie in -1 to 1: with those take a `scale` of 30.
///
/// The paper trains with equal weights first and with those of the effective number later (deferred re-weighting): `init` this loss
/// without [`weights`](Self::weights) for the first steps, and with them for the others. Of rows with soft labels there is no own logit;
/// they are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ldam {
    /// The margin of the rarest class, in 0 to 100. Defaults to 0.5.
    pub max_margin: f32,
    /// What logits are multiplied by, after the margin, above 0 and at most 1000. Defaults to 1.
    pub scale: f32,
    /// Weights of the classes as in [`ClassWeights`](super::ClassWeights). Defaults to none.
    pub weights: Option<Target>,
}

impl Default for Ldam {
    fn default() -> Self {
        Self {
            max_margin: 0.5,
            scale: 1.0,
            weights: None,
        }
    }
}

impl Spec for Ldam {
    const NAME: &'static str = "ldam";

    fn check(&self) -> Result<()> {
        let mistake = |field: &str, value: f32, allowed: String| {
            Err(Error::config(format!(
                "ldam: {field} is {value}, but has to be a number {allowed}"
            )))
        };
        if !(0.0..=Self::MOST_MARGIN).contains(&self.max_margin) {
            return mistake("max_margin", self.max_margin, format!("in 0 to {}", Self::MOST_MARGIN));
        }
        if !(self.scale > 0.0 && self.scale <= Self::MOST_SCALE) {
            let allowed = format!("above 0 and at most {}", Self::MOST_SCALE);
            return mistake("scale", self.scale, allowed);
        }
        let weights = self.weights.as_ref().map_or(Ok(()), Target::check);
        weights.map_err(|error| error.context("ldam: weights"))
    }
}

impl Ldam {
    /// The largest margin and scale: beyond them the loss of plain logits is no number of f32 any more.
    const MOST_MARGIN: f32 = 100.0;
    const MOST_SCALE: f32 = 1000.0;

    /// The margins of the paper, for plain logits, before weights come in.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this margin for the rarest class.
    #[must_use]
    pub fn max_margin(mut self, margin: f32) -> Self {
        self.max_margin = margin;
        self
    }

    /// With this scale.
    #[must_use]
    pub fn scale(mut self, scale: f32) -> Self {
        self.scale = scale;
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
    /// `Config` for a parameter out of range, and as [`ClassWeights::init`](super::ClassWeights::init).
    pub fn init(&self, emitted: &ClassPrior, stored: &ClassPrior) -> Result<LdamLoss> {
        self.check()?;
        let ratios = emitted_over_target(&Target::Uniform, emitted, stored)?;
        let counts = emitted.counts();
        let is_emitted = |(_, count): &(&f64, &f64)| **count > 0.0;
        let of_emitted = || ratios.iter().zip(counts).filter(is_emitted).map(|(ratio, _)| *ratio);
        let rarest = of_emitted().fold(f64::INFINITY, f64::min);
        let of = |ratio: f64| (f64::from(self.max_margin) * (rarest / ratio).sqrt().sqrt()) as f32;
        let margin = |(ratio, count): (&f64, &f64)| of(if *count > 0.0 { *ratio } else { rarest });
        let weights = |target| weights(target, emitted, stored);
        Ok(LdamLoss {
            margins: ratios.iter().zip(counts).map(margin).collect(),
            scale: self.scale,
            weights: self.weights.as_ref().map(weights).transpose()?,
        })
    }
}

/// Made by [`Ldam::init`].
#[derive(Clone, Debug)]
pub struct LdamLoss {
    margins: Vec<f32>,
    scale: f32,
    weights: Option<Vec<f32>>,
}

impl LdamLoss {
    /// The margin of each class.
    pub fn margins(&self) -> &[f32] {
        &self.margins
    }
}

impl ClassificationLoss for LdamLoss {
    fn forward(&self, logits: Tensor<2>, targets: &Targets) -> Result<Tensor<1>> {
        if !targets.is_hard() {
            return Err(Error::config(
                "ldam: a margin is that of one class, and these labels are soft (MixUp, CutMix): use another loss, \
                 balanced_softmax for example, or leave the mixing out",
            ));
        }
        let own = targets.probabilities(&logits)?;
        let margins = by_class(&self.margins, &logits);
        let logits = (logits - own.clone() * margins) * self.scale;
        Ok(cross_entropy(logits, own, self.weights.as_deref()))
    }
}
