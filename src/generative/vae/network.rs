//! The networks of a conditional variational autoencoder for pictures.

use crate::generative::class_codes::ClassCodes;
use crate::generative::code_distribution::CodeDistribution;
use crate::generative::initial::Initial;
use crate::generative::layers::{channels, halvings};
use burn::module::Module;
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, ConvTranspose2d};
use burn::tensor::{Device, Tensor, activation};

/// The least variance of levels. Without it the networks learn a few hundred pictures by heart, the codes of each to the last bit, and what
/// lies between those codes is no picture.
const LEAST: f64 = 0.01;

/// Encoder and decoder. The class is given to both, as ones and zeros beside the features and beside the code.
#[derive(Module, Debug)]
pub(super) struct VaeNetwork {
    down: Vec<Conv2d>,
    code: Linear,
    features: Linear,
    up: Vec<ConvTranspose2d>,
    pub(super) codes: ClassCodes,
}

/// What the encoder makes of pictures: a normal distribution of codes for each, `[n, latent]`.
pub(super) struct Codes {
    pub(super) mean: Tensor<2>,
    pub(super) log_variance: Tensor<2>,
}

impl VaeNetwork {
    /// Of pictures `[channels, side, side]`.
    pub(super) fn new(
        shape: [usize; 2],
        classes: usize,
        latent: usize,
        width: usize,
        seed: u64,
        device: &Device,
    ) -> Self {
        let [colours, side] = shape;
        let (times, rest) = halvings(side);
        let mut initial = Initial::new(seed, "vae network", device);
        // Channels of the picture itself, and of its map after each halving.
        let levels: Vec<usize> = std::iter::once(colours)
            .chain((1..=times).map(|halved| channels(width, halved)))
            .collect();
        let features = levels[times] * rest * rest;
        Self {
            down: levels
                .windows(2)
                .map(|pair| initial.halving(pair[0], pair[1]))
                .collect(),
            code: initial.linear(features + classes, 2 * latent),
            features: initial.linear(latent + classes, features),
            up: (1..=times)
                .rev()
                .map(|at| initial.doubling(levels[at], levels[at - 1], at == 1))
                .collect(),
            codes: ClassCodes::new(classes, latent, device),
        }
    }

    /// With codes of each class drawn as `codes` found them.
    pub(super) fn with_codes(self, codes: &CodeDistribution) -> Self {
        Self {
            codes: self.codes.fitted(codes),
            ..self
        }
    }

    /// Codes of pictures `[n, channels, side, side]` of levels in `0..=1`, and of their classes `[n, classes]`.
    pub(super) fn encode(&self, pictures: Tensor<4>, classes: Tensor<2>) -> Codes {
        let mut map = pictures.mul_scalar(2.0).sub_scalar(1.0);
        for layer in &self.down {
            map = activation::relu(layer.forward(map));
        }
        let both = self.code.forward(Tensor::cat(vec![map.flatten(1, 3), classes], 1));
        let mut parts = both.chunk(2, 1).into_iter();
        let (mean, log_variance) = (parts.next(), parts.next());
        Codes {
            mean: mean.expect("two parts"),
            // A variance of e^-12 to e^8: beyond that its exponential does not help, and may overflow.
            log_variance: log_variance.expect("two parts").clamp(-12.0, 8.0),
        }
    }

    /// Pictures of codes `[n, latent]` and classes `[n, classes]`, of levels in `0..=1`.
    pub(super) fn decode(&self, codes: Tensor<2>, classes: Tensor<2>) -> Tensor<4> {
        let flat = activation::relu(self.features.forward(Tensor::cat(vec![codes, classes], 1)));
        let [n, features] = flat.dims();
        let channels = self.up[0].channels[0];
        let side = (features / channels).isqrt();
        let mut map = flat.reshape([n, channels, side, side]);
        for (at, layer) in self.up.iter().enumerate() {
            map = layer.forward(map);
            if at + 1 < self.up.len() {
                map = activation::relu(map);
            }
        }
        activation::sigmoid(map)
    }

    /// The loss of pictures: an upper bound on their negative log likelihood in nats a picture, up to a constant, and its two parts.
    ///
    /// Levels are normal around what is decoded, with the one variance that fits the batch best (Rybkin et al. 2021), and [`LEAST`] more.
    pub(super) fn loss(&self, pictures: Tensor<4>, classes: Tensor<2>, noise: Tensor<2>) -> [Tensor<1>; 3] {
        let [n, channels, height, width] = pictures.dims();
        let codes = self.encode(pictures.clone(), classes.clone());
        let drawn = codes.mean.clone() + noise * codes.log_variance.clone().mul_scalar(0.5).exp();
        let decoded = self.decode(drawn, classes);
        let error = (decoded - pictures).square().mean();
        let values = (channels * height * width) as f64;
        let reconstruction = error.add_scalar(LEAST).log().mul_scalar(0.5 * values);
        let distance = codes.mean.square() + codes.log_variance.clone().exp() - codes.log_variance - 1.0;
        let divergence = distance.sum().mul_scalar(0.5 / n as f64);
        [reconstruction.clone() + divergence.clone(), reconstruction, divergence]
    }
}
