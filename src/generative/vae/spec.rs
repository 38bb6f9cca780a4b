//! The parameters of a conditional variational autoencoder for pictures.

use crate::error::Result;
use crate::generative::diverged::check_rate;
use crate::generative::pictures;
use crate::image::check_number;
use crate::mix::Target;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of a conditional variational autoencoder (Kingma and Welling 2014; Sohn et al. 2015) for pictures:
/// `{ vae = { latent = 16 } }`.
///
/// Both networks are convolutional and small: each halving of the sides, down to 7 or 8 pixels, doubles the channels. The class is given to
/// both. Levels are normal around what is decoded, with the one variance that fits a batch best and 0.01 more (Rybkin et al. 2021), so that no
/// weight between the two parts of the loss has to be chosen. The learning rate of Adam falls along a half cosine to 0.
///
/// A made picture is what a code is decoded to. Codes are drawn from a normal distribution for each class that is fitted to the codes of its
/// rows once the training has ended (Ghosh et al. 2020); classes of few rows borrow the covariance of all. Made pictures are smoother than
/// photos, since each is the mean of what its code may stand for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VaeSpec {
    /// The column of encoded pictures. Defaults to the only one of bytes.
    pub column: Option<String>,
    /// Pixels of a side, a multiple of 4 in `16..=64`, to which all pictures are squashed. Defaults to that of the pictures, which have to be
    /// square and of one size.
    pub size: Option<u32>,
    /// 1 for grey pictures, 3 for colours. Defaults to 3 where a picture has colours.
    pub channels: Option<u8>,
    /// Numbers of a code, `1..=256`. Defaults to 16.
    pub latent: u32,
    /// Channels after the first halving, `4..=256`. Defaults to 32.
    pub width: u32,
    /// Steps of the training. Defaults to 4000.
    pub steps: u64,
    /// Passes over as many rows as there are, in place of `steps`.
    pub epochs: Option<u32>,
    /// Rows of a step, `2..=4096`. Defaults to 64.
    pub batch_size: u32,
    /// The learning rate of the first step, above 0 and up to 1. Defaults to 0.002.
    pub learning_rate: f64,
    /// The shares of the classes in training. Defaults to equal ones.
    pub balance: Target,
}

impl Default for VaeSpec {
    fn default() -> Self {
        Self {
            column: None,
            size: None,
            channels: None,
            latent: 16,
            width: 32,
            steps: 4000,
            epochs: None,
            batch_size: 64,
            learning_rate: 0.002,
            balance: Target::Uniform,
        }
    }
}

impl Spec for VaeSpec {
    const NAME: &'static str = "vae";

    fn check(&self) -> Result<()> {
        pictures::check(self.size, self.channels)?;
        check_number("latent", self.latent, 1..=256)?;
        check_number("width", self.width, 4..=256)?;
        check_number("steps", self.steps, 1..=100_000_000)?;
        check_number("epochs", self.epochs.unwrap_or(1), 1..=1_000_000)?;
        check_number("batch_size", self.batch_size, 2..=4096)?;
        check_rate("learning_rate", self.learning_rate)?;
        self.balance.check()
    }
}
