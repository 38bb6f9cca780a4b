//! The two networks of a generative adversarial network for encoded rows.

use super::encoding::Part;
use super::spec::CtganSpec;
use crate::generative::adversaries::Discriminates;
use crate::generative::initial::Initial;
use crate::generative::layers::leaky;
use crate::generative::spectral::Spectral;
use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{Device, Tensor, activation};

/// Noise and class in, the last layer of an encoded row out. Each hidden layer is given the input beside what the one before it gives.
#[derive(Module, Debug)]
pub(super) struct TableGenerator {
    hidden: Vec<Linear>,
    norms: Vec<LayerNorm>,
    last: Linear,
}

impl TableGenerator {
    pub(super) fn new(spec: &CtganSpec, parts: &[Part], classes: usize, seed: u64, device: &Device) -> Self {
        let (input, width) = (spec.latent as usize + classes, spec.width as usize);
        let rows: usize = parts.iter().map(|part| part.width()).sum();
        let mut initial = Initial::new(seed, "table generator", device);
        Self {
            hidden: vec![initial.linear(input, width), initial.linear(width + input, width)],
            norms: (0..2).map(|_| LayerNormConfig::new(width).init(device)).collect(),
            last: initial.linear(width + input, rows),
        }
    }

    /// `[n, width of a row]` of noise `[n, latent]` and classes `[n, classes]`.
    pub(super) fn forward(&self, noise: Tensor<2>, classes: Tensor<2>) -> Tensor<2> {
        let input = Tensor::cat(vec![noise, classes], 1);
        let mut x = input.clone();
        for (layer, norm) in self.hidden.iter().zip(&self.norms) {
            x = Tensor::cat(vec![activation::relu(norm.forward(layer.forward(x))), input.clone()], 1);
        }
        self.last.forward(x)
    }
}

/// Encoded rows and classes in, a score out; with a projection of the class, and every weight spectrally normalised.
#[derive(Module, Debug)]
pub(super) struct TableDiscriminator {
    hidden: Vec<Spectral>,
    score: Spectral,
    class: Spectral,
}

impl TableDiscriminator {
    pub(super) fn new(spec: &CtganSpec, parts: &[Part], classes: usize, seed: u64, device: &Device) -> Self {
        let width = spec.width as usize;
        let rows: usize = parts.iter().map(|part| part.width()).sum();
        let mut initial = Initial::new(seed, "table discriminator", device);
        Self {
            hidden: vec![
                Spectral::linear(&mut initial, rows + classes, width),
                Spectral::linear(&mut initial, width, width),
            ],
            score: Spectral::linear(&mut initial, width, 1),
            class: Spectral::linear(&mut initial, classes, width),
        }
    }
}

impl Discriminates<2> for TableDiscriminator {
    /// Scores `[n, 1]` of encoded rows and classes.
    fn scores(&self, rows: Tensor<2>, classes: Tensor<2>) -> Tensor<2> {
        let input = Tensor::cat(vec![rows, classes.clone()], 1);
        let features = self.hidden.iter().fold(input, |x, layer| leaky(layer.rows(x)));
        let of_class = (features.clone() * self.class.rows(classes)).sum_dim(1);
        self.score.rows(features) + of_class
    }

    fn iterated(self) -> Self {
        Self {
            hidden: self.hidden.into_iter().map(Spectral::iterated).collect(),
            score: self.score.iterated(),
            class: self.class.iterated(),
        }
    }
}
