//! The parameters of a conditional generative adversarial network for pictures.

use crate::error::Result;
use crate::generative::diverged::check_rate;
use crate::generative::pictures;
use crate::image::check_number;
use crate::mix::Target;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of a conditional generative adversarial network (Goodfellow et al. 2014) for pictures: `{ gan = { steps = 3000 } }`.
///
/// | part | what | why |
/// |---|---|---|
/// | generator | convolutional, normalised over the batch with a scale and shift of the class | as in SNGAN (Miyato and Koyama 2018) |
/// | discriminator | convolutional, with a projection of the class; every weight spectrally normalised by power iteration | it bounds the slope without a gradient of a gradient, which Burn does not have: a gradient penalty cannot be trained here |
/// | loss | hinge | what spectral normalisation is mostly trained with; gradients vanish on pictures that are told apart surely |
/// | augmentation | brightness, shift and cut-out of real and made pictures alike, through which gradients go (DiffAugment, Zhao et al. 2020) | with a few hundred pictures a class the discriminator would learn these by heart |
/// | what is kept | the mean of the generator over the last steps, with statistics of its own over a thousand made pictures | pictures of single steps are worse |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GanSpec {
    /// The column of encoded pictures. Defaults to the only one of bytes.
    pub column: Option<String>,
    /// Pixels of a side, a multiple of 4 in `16..=64`, to which all pictures are squashed. Defaults to that of the pictures, which have to be
    /// square and of one size.
    pub size: Option<u32>,
    /// 1 for grey pictures, 3 for colours. Defaults to 3 where a picture has colours.
    pub channels: Option<u8>,
    /// Numbers that a picture is made of, `1..=512`. Defaults to 64.
    pub latent: u32,
    /// Channels after the first halving, `4..=256`. Defaults to 32.
    pub width: u32,
    /// Steps of the training. Defaults to 4000.
    pub steps: u64,
    /// Passes over as many rows as there are, in place of `steps`.
    pub epochs: Option<u32>,
    /// Real rows of a step, and as many made ones, `2..=4096`. Defaults to 64.
    pub batch_size: u32,
    /// The learning rate of the generator, above 0 and up to 1. Defaults to 0.001.
    pub learning_rate: f64,
    /// The learning rate of the discriminator, above 0 and up to 1. Defaults to 0.001.
    pub discriminator_rate: f64,
    /// Whether both see augmented pictures. Defaults to true.
    pub augment: bool,
    /// The shares of the classes in training. Defaults to equal ones.
    pub balance: Target,
}

impl Default for GanSpec {
    fn default() -> Self {
        Self {
            column: None,
            size: None,
            channels: None,
            latent: 64,
            width: 32,
            steps: 4000,
            epochs: None,
            batch_size: 64,
            learning_rate: 0.001,
            discriminator_rate: 0.001,
            augment: true,
            balance: Target::Uniform,
        }
    }
}

impl Spec for GanSpec {
    const NAME: &'static str = "gan";

    fn check(&self) -> Result<()> {
        pictures::check(self.size, self.channels)?;
        check_number("latent", self.latent, 1..=512)?;
        check_number("width", self.width, 4..=256)?;
        check_number("steps", self.steps, 1..=100_000_000)?;
        check_number("epochs", self.epochs.unwrap_or(1), 1..=1_000_000)?;
        check_number("batch_size", self.batch_size, 2..=4096)?;
        check_rate("learning_rate", self.learning_rate)?;
        check_rate("discriminator_rate", self.discriminator_rate)?;
        self.balance.check()
    }
}
