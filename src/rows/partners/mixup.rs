use super::mixing::Mixing;
use crate::error::Result;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Blends rows with others of their batch: mixup (Zhang et al. 2018), as torchvision's `MixUp`, but with a share of its
/// own for each row.
///
/// A row becomes `lambda * row + (1 - lambda) * partner`, and its label the same of both one-hot labels, with `lambda` from
/// Beta(alpha, alpha). See [`mixup`](crate::DatasetExt::mixup).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MixUp(pub(crate) Mixing);

impl Spec for MixUp {
    const NAME: &'static str = "mixup";

    fn check(&self) -> Result<()> {
        self.0.check()
    }
}

impl MixUp {
    /// `alpha` is the parameter of the beta distribution, finite and above 0: 0.2 leaves most rows nearly as they are, 1 makes
    /// every share equally likely, more brings all shares to one half.
    pub fn new(alpha: f32) -> Self {
        Self(Mixing {
            alpha,
            ..Mixing::default()
        })
    }

    /// Mixes a row with this probability, in `0..=1`. Defaults to 1. Other rows stay as they are.
    #[must_use]
    pub fn p(mut self, probability: f32) -> Self {
        self.0.p = probability;
        self
    }

    /// Partners come from the same aligned window of so many positions, in `2..=65536`. Defaults to 64. A
    /// batch whose size is a multiple of it needs no rows besides its own.
    #[must_use]
    pub fn window(mut self, positions: u64) -> Self {
        self.0.window = positions;
        self
    }

    /// How many classes there are, where the label column does not say.
    #[must_use]
    pub fn num_classes(mut self, classes: usize) -> Self {
        self.0.num_classes = Some(classes);
        self
    }
}

/// `lambda * own + (1 - lambda) * partner`.
pub(crate) fn blend(lambda: f32, own: &[f32], partner: &[f32], out: &mut [f32]) {
    for (out, (own, partner)) in out.iter_mut().zip(own.iter().zip(partner)) {
        *out = lambda * own + (1.0 - lambda) * partner;
    }
}
