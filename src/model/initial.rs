//! The values that a head begins with: drawn by our own generator, since a run's model follows from its seed alone, whatever else draws
//! numbers in the process.

use crate::rng::Rng;
use burn::module::Param;
use burn::nn::Initializer;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor, TensorData};

/// Draws the values of a head's layers, one after the other.
pub(crate) struct Initial<'a> {
    rng: Rng,
    device: &'a Device,
}

impl<'a> Initial<'a> {
    pub(crate) fn new(seed: u64, device: &'a Device) -> Self {
        Self {
            rng: Rng::new(seed, "head", 0),
            device,
        }
    }

    /// As Burn and PyTorch begin: weights and biases evenly within `1 / sqrt(inputs of an output)` of 0.
    pub(crate) fn convolution(&mut self, config: Conv2dConfig) -> Conv2d {
        let plain = config.with_initializer(Initializer::Zeros).init(self.device);
        let [_, input, height, width] = plain.weight.dims();
        let bound = 1.0 / ((input * height * width) as f32).sqrt();
        let weight = self.drawn(plain.weight.dims(), |rng| rng.range(-bound, bound));
        let bias = plain
            .bias
            .as_ref()
            .map(|bias| self.drawn(bias.dims(), |rng| rng.range(-bound, bound)));
        Conv2d { weight, bias, ..plain }
    }

    /// Weights of deviation `deviation` around 0, and these biases.
    pub(super) fn last(&mut self, config: Conv2dConfig, deviation: f32, bias: &[f32]) -> Conv2d {
        let plain = config.with_initializer(Initializer::Zeros).init(self.device);
        Conv2d {
            weight: self.drawn(plain.weight.dims(), |rng| deviation * rng.normal()),
            bias: Some(Param::from_tensor(Tensor::from_floats(bias, self.device))),
            ..plain
        }
    }

    fn drawn<const D: usize>(&mut self, shape: [usize; D], mut value: impl FnMut(&mut Rng) -> f32) -> Param<Tensor<D>> {
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| value(&mut self.rng)).collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), self.device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_values_within_the_bound() {
        let device = Device::flex();
        let values = |seed| {
            let mut initial = Initial::new(seed, &device);
            let first = initial.convolution(Conv2dConfig::new([4, 6], [3, 3]));
            let last = initial.last(Conv2dConfig::new([6, 2], [1, 1]), 0.01, &[1.0, 2.0]);
            let all = [
                first.weight.val().into_data(),
                first.bias.unwrap().val().into_data(),
                last.weight.val().into_data(),
                last.bias.unwrap().val().into_data(),
            ];
            all.map(|data| data.try_to_vec::<f32>().unwrap())
        };
        let one = values(1);
        assert_eq!(one, values(1));
        assert_ne!(one, values(2));
        assert!(one[0].iter().chain(&one[1]).all(|value| value.abs() <= 1.0 / 6.0));
        // Evenly: the deviation is the bound by the root of 3.
        let deviation = (one[0].iter().map(|value| value * value).sum::<f32>() / 216.0).sqrt();
        assert!((deviation * 3.0_f32.sqrt() * 6.0 - 1.0).abs() < 0.15, "{deviation}");
        assert!(one[2].iter().all(|value| value.abs() < 0.05 && *value != 0.0));
        assert_eq!(one[3], [1.0, 2.0]);
    }
}
