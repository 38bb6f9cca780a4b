//! The parameters of networks that make rows of tables.

use crate::error::Result;
use crate::generative::diverged::check_rate;
use crate::image::check_number;
use crate::mix::Target;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of a variational autoencoder for tables, as TVAE (Xu et al. 2019): `{ tvae = { steps = 800 } }`.
///
/// Numbers are described by a mixture of normal distributions: which of them, and where in it. Strings, booleans and dictionaries are categories,
/// and so is a null. The class is a condition of both networks, which have two hidden layers each and are smaller than those of the paper (128
/// units for 128, 16 numbers of a code for 128), so that a thousand rows are learnt in a minute. Codes of new rows are drawn as those of the
/// class's training rows lie (see [`VaeSpec`](crate::generative::VaeSpec)); the paper draws them from the prior.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TvaeSpec {
    /// Numbers of a code, `1..=256`. Defaults to 16.
    pub latent: u32,
    /// Units of a hidden layer, `4..=4096`. Defaults to 128.
    pub width: u32,
    /// The most modes of a column of numbers, `1..=20`. Defaults to 5.
    pub modes: u32,
    /// Steps of the training. Defaults to 1500.
    pub steps: u64,
    /// Passes over as many rows as there are, in place of `steps`.
    pub epochs: Option<u32>,
    /// Rows of a step, `2..=65536`. Defaults to 128.
    pub batch_size: u32,
    /// The learning rate of the first step, above 0 and up to 1. Defaults to 0.002.
    pub learning_rate: f64,
    /// The shares of the classes in training. Defaults to equal ones.
    pub balance: Target,
}

impl Default for TvaeSpec {
    fn default() -> Self {
        Self {
            latent: 16,
            width: 128,
            modes: 5,
            steps: 1500,
            epochs: None,
            batch_size: 128,
            learning_rate: 0.002,
            balance: Target::Uniform,
        }
    }
}

impl Spec for TvaeSpec {
    const NAME: &'static str = "tvae";

    fn check(&self) -> Result<()> {
        check_number("latent", self.latent, 1..=256)?;
        check(self.width, self.modes, (self.steps, self.epochs), self.batch_size)?;
        check_rate("learning_rate", self.learning_rate)?;
        self.balance.check()
    }
}

/// The parameters of a generative adversarial network for tables, after CTGAN (Xu et al. 2019): `{ ctgan = { steps = 2000 } }`.
///
/// | as CTGAN | otherwise |
/// |---|---|
/// | numbers by their mode and the place in it | the mixture has up to 5 modes, fitted by expectation and maximisation |
/// | categories through Gumbel's softmax, of temperature 0.2 | |
/// | a condition, which rows are drawn by | it is the class alone, not a value of any column |
/// | two hidden layers, the input beside each | 128 units in place of 256, normalised over a row and not over a batch, so that a row depends on its own noise alone |
/// | | hinge loss with spectral normalisation in place of a gradient penalty, whose second-order gradients Burn does not have |
/// | | single rows in place of packs of ten |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CtganSpec {
    /// Numbers that a row is made of, `1..=512`. Defaults to 32.
    pub latent: u32,
    /// Units of a hidden layer, `4..=4096`. Defaults to 128.
    pub width: u32,
    /// The most modes of a column of numbers, `1..=20`. Defaults to 5.
    pub modes: u32,
    /// Steps of the training. Defaults to 2000.
    pub steps: u64,
    /// Passes over as many rows as there are, in place of `steps`.
    pub epochs: Option<u32>,
    /// Real rows of a step, and as many made ones, `2..=65536`. Defaults to 128.
    pub batch_size: u32,
    /// The learning rate of the generator, above 0 and up to 1. Defaults to 0.001.
    pub learning_rate: f64,
    /// The learning rate of the discriminator, above 0 and up to 1. Defaults to 0.001.
    pub discriminator_rate: f64,
    /// The shares of the classes in training. Defaults to equal ones.
    pub balance: Target,
}

impl Default for CtganSpec {
    fn default() -> Self {
        Self {
            latent: 32,
            width: 128,
            modes: 5,
            steps: 2000,
            epochs: None,
            batch_size: 128,
            learning_rate: 0.001,
            discriminator_rate: 0.001,
            balance: Target::Uniform,
        }
    }
}

impl Spec for CtganSpec {
    const NAME: &'static str = "ctgan";

    fn check(&self) -> Result<()> {
        check_number("latent", self.latent, 1..=512)?;
        check(self.width, self.modes, (self.steps, self.epochs), self.batch_size)?;
        check_rate("learning_rate", self.learning_rate)?;
        check_rate("discriminator_rate", self.discriminator_rate)?;
        self.balance.check()
    }
}

fn check(width: u32, modes: u32, (steps, epochs): (u64, Option<u32>), batch_size: u32) -> Result<()> {
    check_number("width", width, 4..=4096)?;
    check_number("modes", modes, 1..=20)?;
    check_number("steps", steps, 1..=100_000_000)?;
    check_number("epochs", epochs.unwrap_or(1), 1..=1_000_000)?;
    check_number("batch_size", batch_size, 2..=65536)
}
