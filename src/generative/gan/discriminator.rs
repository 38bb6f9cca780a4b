//! Tells real pictures from made ones.

use crate::generative::adversaries::Discriminates;
use crate::generative::initial::Initial;
use crate::generative::layers::{channels, halvings, leaky};
use crate::generative::spectral::Spectral;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

/// A projection discriminator (Miyato and Koyama 2018), every weight of which is spectrally normalised: its score is a linear function of
/// the features, and their product with a vector of the class.
#[derive(Module, Debug)]
pub(super) struct Discriminator {
    down: Vec<Spectral>,
    features: Spectral,
    score: Spectral,
    class: Spectral,
}

impl Discriminator {
    /// Of pictures `[colours, side, side]`.
    pub(super) fn new([colours, side]: [usize; 2], classes: usize, width: usize, seed: u64, device: &Device) -> Self {
        let (times, rest) = halvings(side);
        let mut initial = Initial::new(seed, "discriminator", device);
        let levels = [colours]
            .into_iter()
            .chain((1..=times).map(|halved| channels(width, halved)));
        let levels: Vec<usize> = levels.collect();
        let features = 4 * width;
        Self {
            down: levels
                .windows(2)
                .map(|pair| Spectral::halving(&mut initial, pair[0], pair[1]))
                .collect(),
            features: Spectral::linear(&mut initial, levels[times] * rest * rest, features),
            score: Spectral::linear(&mut initial, features, 1),
            class: Spectral::linear(&mut initial, classes, features),
        }
    }
}

impl Discriminates<4> for Discriminator {
    /// Scores `[n, 1]` of pictures `[n, colours, side, side]`, of levels in `-1..=1`, and of their classes `[n, classes]`.
    fn scores(&self, pictures: Tensor<4>, classes: Tensor<2>) -> Tensor<2> {
        let map = self.down.iter().fold(pictures, |map, layer| leaky(layer.maps(map)));
        let features = leaky(self.features.rows(map.flatten(1, 3)));
        let of_class = (features.clone() * self.class.rows(classes)).sum_dim(1);
        self.score.rows(features) + of_class
    }

    fn iterated(self) -> Self {
        Self {
            down: self.down.into_iter().map(Spectral::iterated).collect(),
            features: self.features.iterated(),
            score: self.score.iterated(),
            class: self.class.iterated(),
        }
    }
}
