//! The values that networks begin with: drawn by our own generator, so that a model follows from its seed alone, whatever else draws
//! numbers in the process.

use crate::rng::Rng;
use burn::module::Param;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, TensorData};

/// Draws the values of layers, one after the other. Weights have the deviation `sqrt(2 / inputs of an output)`, for layers before a
/// rectifier (He et al. 2015); biases are 0.
pub(super) struct Initial<'a> {
    rng: Rng,
    device: &'a Device,
}

impl<'a> Initial<'a> {
    /// Of the network called `name`.
    pub(super) fn new(seed: u64, name: &str, device: &'a Device) -> Self {
        Self {
            rng: Rng::new(seed, name, 0),
            device,
        }
    }

    /// Normal values around 0.
    pub(super) fn normal<const D: usize>(&mut self, shape: [usize; D], deviation: f32) -> Param<Tensor<D>> {
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| deviation * self.rng.normal()).collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device))
    }

    pub(super) fn linear(&mut self, inputs: usize, outputs: usize) -> Linear {
        let plain = LinearConfig::new(inputs, outputs).with_initializer(Initializer::Zeros);
        Linear {
            weight: self.normal([inputs, outputs], he(inputs)),
            ..plain.init(self.device)
        }
    }

    /// Maps of half of the sides: windows of 4 x 4, in steps of 2.
    pub(super) fn halving(&mut self, inputs: usize, outputs: usize) -> Conv2d {
        let plain = Conv2dConfig::new([inputs, outputs], [4, 4])
            .with_stride([2, 2])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .with_initializer(Initializer::Zeros);
        Conv2d {
            weight: self.normal([outputs, inputs, 4, 4], he(inputs * 16)),
            ..plain.init(self.device)
        }
    }

    /// Maps of twice the sides: windows of 4 x 4, in steps of 2, which cover each place equally often. What the last layer
    /// gives is small at first: all pictures begin grey.
    pub(super) fn doubling(&mut self, inputs: usize, outputs: usize, is_last: bool) -> ConvTranspose2d {
        let scale = if is_last { 0.2 } else { 1.0 };
        let plain = ConvTranspose2dConfig::new([inputs, outputs], [4, 4])
            .with_stride([2, 2])
            .with_padding([1, 1])
            .with_initializer(Initializer::Zeros);
        ConvTranspose2d {
            weight: self.normal([inputs, outputs, 4, 4], scale * he(inputs * 4)),
            ..plain.init(self.device)
        }
    }
}

/// The deviation of weights of which `inputs` go into one output.
fn he(inputs: usize) -> f32 {
    (2.0 / inputs as f32).sqrt()
}
