use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The parameters of [`MixUp`](super::MixUp) and [`CutMix`](super::CutMix).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mixing {
    /// The parameter of the beta distribution of the shares, finite and above 0. Defaults to 1.
    pub alpha: f32,
    /// The probability of a row to be mixed, in `0..=1`. Defaults to 1.
    pub p: f32,
    /// Partners come from the same aligned window of so many positions, in `2..=65536`. Defaults to 64.
    pub window: u64,
    /// How many classes there are. Needed where the label column does not say.
    pub num_classes: Option<usize>,
}

impl Default for Mixing {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            p: 1.0,
            window: 64,
            num_classes: None,
        }
    }
}

impl Mixing {
    /// Most positions in a window: each one that a call touches is worked out as a whole.
    const MOST: u64 = 65_536;

    pub(super) fn check(&self) -> Result<()> {
        let mistake = if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            format!("alpha is {}, but has to be a number above 0", self.alpha)
        } else if !(0.0..=1.0).contains(&self.p) {
            format!("p is {}, but has to lie in 0..=1", self.p)
        } else if !(2..=Self::MOST).contains(&self.window) {
            format!("window is {}, but has to lie in 2..={}", self.window, Self::MOST)
        } else {
            return Ok(());
        };
        Err(Error::config(mistake))
    }
}

/// The methods of `$mix` that set the parameters of its [`Mixing`].
macro_rules! mixing_parameters {
    ($mix:ident) => {
        impl $mix {
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
    };
}

pub(super) use mixing_parameters;
