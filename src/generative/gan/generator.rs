//! Makes pictures of noise and a class.

use crate::generative::initial::Initial;
use crate::generative::layers::{channels, halvings};
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::nn::conv::ConvTranspose2d;
use burn::tensor::{Device, Tensor, activation};

/// Maps that are normalised over a batch, each channel with a scale and a shift of the class (de Vries et al. 2017).
#[derive(Module, Debug)]
pub(super) struct ClassNorm {
    /// `[classes, channels]`: what is added to a scale of 1, and the shift.
    scale: Param<Tensor<2>>,
    shift: Param<Tensor<2>>,
    /// `[1, channels, 1, 1]`: of all made pictures, once the training has ended. They do not train.
    mean: Param<Tensor<4>>,
    variance: Param<Tensor<4>>,
}

/// Where means and variances come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statistics {
    /// The batch itself.
    Batch,
    /// Those that are kept: a picture then depends on its own noise alone.
    Kept,
}

impl ClassNorm {
    fn new(classes: usize, channels: usize, device: &Device) -> Self {
        let zeros = || Param::from_tensor(Tensor::zeros([classes, channels], device));
        let kept = |tensor: Tensor<4>| Param::from_tensor(tensor).set_require_grad(false);
        Self {
            scale: zeros(),
            shift: zeros(),
            mean: kept(Tensor::zeros([1, channels, 1, 1], device)),
            variance: kept(Tensor::ones([1, channels, 1, 1], device)),
        }
    }

    fn forward(&self, map: Tensor<4>, classes: &Tensor<2>, statistics: Statistics, seen: &mut Seen) -> Tensor<4> {
        let (centred, variance) = match statistics {
            Statistics::Kept => (map - self.mean.val(), self.variance.val()),
            Statistics::Batch => {
                let mean = map.clone().mean_dims(&[0, 2, 3]);
                let centred = map - mean.clone();
                let variance = centred.clone().square().mean_dims(&[0, 2, 3]);
                seen.push([mean, variance.clone()]);
                (centred, variance)
            }
        };
        let of_class = |weight: &Param<Tensor<2>>| {
            let of_row: Tensor<2> = classes.clone().matmul(weight.val());
            of_row.unsqueeze_dims::<4>(&[2, 3])
        };
        // One factor for each picture and channel, before the map is touched.
        let factor = of_class(&self.scale).add_scalar(1.0) / variance.add_scalar(1e-5).sqrt();
        centred * factor + of_class(&self.shift)
    }
}

/// Means and variances of a batch, layer by layer.
pub(super) type Seen = Vec<[Tensor<4>; 2]>;

/// Noise and class in, a picture out.
#[derive(Module, Debug)]
pub(super) struct Generator {
    first: Linear,
    norms: Vec<ClassNorm>,
    up: Vec<ConvTranspose2d>,
}

impl Generator {
    /// Of pictures `[colours, side, side]`.
    pub(super) fn new(
        [colours, side]: [usize; 2],
        classes: usize,
        latent: usize,
        width: usize,
        seed: u64,
        device: &Device,
    ) -> Self {
        let (times, rest) = halvings(side);
        let mut initial = Initial::new(seed, "generator", device);
        let levels = [colours]
            .into_iter()
            .chain((1..=times).map(|halved| channels(width, halved)));
        let levels: Vec<usize> = levels.collect();
        let norms = levels[1..].iter().rev();
        Self {
            first: initial.linear(latent + classes, levels[times] * rest * rest),
            norms: norms
                .map(|&channels| ClassNorm::new(classes, channels, device))
                .collect(),
            up: (1..=times)
                .rev()
                .map(|at| initial.doubling(levels[at], levels[at - 1], at == 1))
                .collect(),
        }
    }

    /// Pictures `[n, colours, side, side]`, of levels in `-1..=1`, of noise `[n, latent]` and classes `[n, classes]`; `seen` is given the
    /// statistics of a batch.
    pub(super) fn forward(
        &self,
        noise: Tensor<2>,
        classes: &Tensor<2>,
        from: Statistics,
        seen: &mut Seen,
    ) -> Tensor<4> {
        let flat = self.first.forward(Tensor::cat(vec![noise, classes.clone()], 1));
        let [n, features] = flat.dims();
        let channels = self.up[0].channels[0];
        let side = (features / channels).isqrt();
        let mut map = flat.reshape([n, channels, side, side]);
        for (norm, layer) in self.norms.iter().zip(&self.up) {
            map = layer.forward(activation::relu(norm.forward(map, classes, from, seen)));
        }
        activation::tanh(map)
    }

    /// With these statistics kept.
    pub(super) fn with_statistics(self, statistics: Seen) -> Self {
        let norms = self.norms.into_iter().zip(statistics);
        let keep = |old: Param<Tensor<4>>, new: Tensor<4>| old.map(|_| new).set_require_grad(false);
        let norms = norms.map(|(norm, [mean, variance])| ClassNorm {
            mean: keep(norm.mean, mean),
            variance: keep(norm.variance, variance),
            ..norm
        });
        Self {
            norms: norms.collect(),
            ..self
        }
    }
}
