use super::mixing::{Mixing, mixing_parameters};
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

mixing_parameters!(MixUp);

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
}

/// `lambda * own + (1 - lambda) * partner`.
pub(crate) fn blend(lambda: f32, own: &[f32], partner: &[f32], out: &mut [f32]) {
    for (out, (own, partner)) in out.iter_mut().zip(own.iter().zip(partner)) {
        *out = lambda * own + (1.0 - lambda) * partner;
    }
}
