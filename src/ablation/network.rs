//! What an ablation trains: a linear layer on features or columns, or a small network on pixels.

use crate::error::{Error, Result};
use crate::model::Initial;
use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkConfig {
    /// A linear layer on so many numbers, which begins at 0: logistic regression.
    Linear(usize),
    /// Two convolutions of 3 x 3 and stride 2 with 16 and 32 channels, and a linear layer, on pictures of so many channels, rows and
    /// columns.
    Convolutions([usize; 3]),
    /// A random forest on so many numbers, which has no steps.
    Forest(usize),
}

/// See [`NetworkConfig`].
#[derive(Module, Debug)]
pub(super) struct SmallNetwork {
    convolutions: Vec<Conv2d>,
    last: Linear,
    shape: [usize; 3],
}

impl NetworkConfig {
    const CHANNELS: [usize; 2] = [16, 32];

    /// Numbers of a row.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Linear(width) | Self::Forest(width) => width,
            Self::Convolutions([channels, height, width]) => channels * height * width,
        }
    }

    /// The network for `classes`, whose convolutions are drawn under `seed`.
    pub(super) fn init(self, classes: usize, seed: u64, device: &Device) -> SmallNetwork {
        let (mut convolutions, mut inputs, mut shape) = (Vec::new(), self.width(), [0; 3]);
        if let Self::Convolutions(of) = self {
            shape = of;
            let (mut initial, [mut channels, mut height, mut width]) = (Initial::new(seed, device), of);
            for out in Self::CHANNELS {
                let config = Conv2dConfig::new([channels, out], [3, 3])
                    .with_stride([2, 2])
                    .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
                convolutions.push(initial.convolution(config));
                (channels, height, width) = (out, height.div_ceil(2), width.div_ceil(2));
            }
            inputs = channels * height * width;
        }
        let last = LinearConfig::new(inputs, classes).with_initializer(Initializer::Zeros);
        SmallNetwork {
            convolutions,
            last: last.init(device),
            shape,
        }
    }
}

impl SmallNetwork {
    /// The logits `[rows, classes]` of rows `[rows, numbers]`.
    pub(super) fn forward(&self, rows: Tensor<2>) -> Tensor<2> {
        if self.convolutions.is_empty() {
            return self.last.forward(rows);
        }
        let [channels, height, width] = self.shape;
        let pictures = rows.reshape([-1, channels as i32, height as i32, width as i32]);
        let maps = self
            .convolutions
            .iter()
            .fold(pictures, |maps, convolution| relu(convolution.forward(maps)));
        self.last.forward(maps.flatten(1, 3))
    }

    /// The class with the largest logit of each row; of equal ones the first.
    pub(super) fn predict(&self, rows: &Tensor<2>, classes: usize) -> Result<Vec<usize>> {
        /// Rows at a time: what convolutions make of them is larger than they are.
        const ROWS: usize = 512;
        let [all, width] = rows.dims();
        let mut predicted = Vec::with_capacity(all);
        for start in (0..all).step_by(ROWS) {
            let some = rows.clone().slice([start..all.min(start + ROWS), 0..width]);
            let logits: Vec<f32> = self.forward(some).into_data().iter::<f32>().collect();
            if logits.iter().any(|logit| !logit.is_finite()) {
                return Err(Error::stage("logits are not finite"));
            }
            let first = |row: &[f32]| (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best });
            predicted.extend(logits.chunks_exact(classes).map(first));
        }
        Ok(predicted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_on_pixels_has_the_shapes_that_it_says() {
        let device = Device::flex();
        let config = NetworkConfig::Convolutions([3, 28, 27]);
        let network = config.init(5, 3, &device);
        assert_eq!(network.last.weight.dims(), [32 * 7 * 7, 5]);
        let logits = network.forward(Tensor::ones([2, config.width()], &device));
        assert_eq!(logits.dims(), [2, 5]);
        // The last layer begins at 0, so that the first class is the answer to all.
        let rows = Tensor::ones([3, config.width()], &device);
        assert_eq!(network.predict(&rows, 5).unwrap(), [0, 0, 0]);
    }
}
