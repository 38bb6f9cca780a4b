//! Layers whose weights are divided by their largest singular value (spectral normalisation, Miyato et al. 2018).

use crate::generative::initial::Initial;
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

/// A linear layer, or a convolution as one of windows, whose weight `[outputs, inputs]` has the largest singular value 1 in use.
#[derive(Module, Debug)]
pub(super) struct Spectral {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    /// The left singular vector `[1, outputs]`, as far as power iteration has found it. It does not train.
    left: Param<Tensor<2>>,
    /// Side of the windows of a convolution, the steps between them, and the padding; 0 of a linear layer.
    window: [usize; 3],
}

impl Spectral {
    /// Of vectors.
    pub(super) fn linear(initial: &mut Initial<'_>, inputs: usize, outputs: usize) -> Self {
        Self::new(initial, inputs, outputs, [0, 0, 0])
    }

    /// Of maps, to maps of half of the sides.
    pub(super) fn halving(initial: &mut Initial<'_>, inputs: usize, outputs: usize) -> Self {
        Self::new(initial, inputs * 16, outputs, [4, 2, 1])
    }

    fn new(initial: &mut Initial<'_>, inputs: usize, outputs: usize, window: [usize; 3]) -> Self {
        let weight = initial.normal([outputs, inputs], (1.0 / inputs as f32).sqrt());
        let new = Self {
            bias: Param::from_tensor(Tensor::zeros([outputs], &weight.device())),
            left: initial.normal([1, outputs], 1.0).set_require_grad(false),
            weight,
            window,
        };
        (0..10).fold(new, |layer, _| layer.iterated())
    }

    /// The left singular vector, and the right one that belongs to it, after a step of power iteration: constants, without gradients.
    fn step(&self) -> [Tensor<2>; 2] {
        let weight = self.weight.val().detach();
        let unit = |vector: Tensor<2>| {
            let length = vector.clone().square().sum().sqrt().add_scalar(1e-12);
            vector / length.unsqueeze()
        };
        let right = unit(self.left.val().detach().matmul(weight.clone()));
        let left = unit(right.clone().matmul(weight.transpose()));
        [left, right]
    }

    /// After a step of power iteration. One for each step of the optimizer is enough, since weights move slowly.
    pub(super) fn iterated(self) -> Self {
        let [left, _] = self.step();
        let left = self.left.map(|_| left).set_require_grad(false);
        Self { left, ..self }
    }

    /// The weight by its largest singular value, which is a function of the weight itself: gradients go through both.
    fn normalized(&self) -> Tensor<2> {
        let [left, right] = self.step();
        let weight = self.weight.val();
        let value = left.matmul(weight.clone()).matmul(right.transpose());
        weight / value
    }

    /// Of rows `[n, inputs]`.
    pub(super) fn rows(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.normalized().transpose()) + self.bias.val().unsqueeze()
    }

    /// Of maps `[n, channels, height, width]`.
    pub(super) fn maps(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.normalized();
        let ([outputs, inputs], [side, stride, padding]) = (weight.dims(), self.window);
        let weight = weight.reshape([outputs, inputs / (side * side), side, side]);
        let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1);
        conv2d(x, weight, Some(self.bias.val()), options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generative::trained::number;
    use burn::tensor::Device;

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
        tensor.into_data().iter::<f32>().map(f64::from).collect()
    }

    /// The largest singular value of `[outputs, inputs]`, by a power iteration of its own, from all ones and in double precision.
    fn largest(weight: Tensor<2>) -> f64 {
        let [_, inputs] = weight.dims();
        let weight = values(weight);
        let (mut right, mut value) = (vec![1.0; inputs], 0.0);
        for _ in 0..2000 {
            let left: Vec<f64> = weight
                .chunks(inputs)
                .map(|row| row.iter().zip(&right).map(|(weight, right)| weight * right).sum())
                .collect();
            let mut next = vec![0.0; inputs];
            for (row, left) in weight.chunks(inputs).zip(&left) {
                next.iter_mut()
                    .zip(row)
                    .for_each(|(next, weight)| *next += weight * left);
            }
            let length = next.iter().map(|next| next * next).sum::<f64>().sqrt();
            right = next.into_iter().map(|next| next / length).collect();
            value = length.sqrt();
        }
        value
    }

    #[test]
    fn the_largest_singular_value_is_one() {
        let device = Device::flex().autodiff();
        let mut initial = Initial::new(3, "spectral", &device);
        for layer in [
            Spectral::linear(&mut initial, 12, 7),
            Spectral::linear(&mut initial, 5, 9),
            Spectral::halving(&mut initial, 3, 8),
        ] {
            // What is found after few steps is never too large, so that the weight is never too small.
            assert!(largest(layer.normalized()) > 0.9999, "{}", largest(layer.normalized()));
            let layer = (0..300).fold(layer, |layer, _| layer.iterated());
            let found = largest(layer.normalized());
            assert!((found - 1.0).abs() < 1e-3, "{found}");
        }
    }

    #[test]
    fn weights_three_times_as_large_are_the_same_layer() {
        let device = Device::flex().autodiff();
        let layer = Spectral::linear(&mut Initial::new(4, "spectral", &device), 6, 4);
        let weight = layer.weight.clone().map(|weight| weight.detach().mul_scalar(3.0));
        let larger = Spectral {
            weight,
            ..layer.clone()
        };
        let (one, other) = (values(layer.normalized()), values(larger.normalized()));
        assert!(one.iter().zip(&other).all(|(one, other)| (one - other).abs() < 1e-5));
    }

    /// The value is a function of the weight: a step along the weight itself changes nothing, so the gradient is at a right angle to it.
    #[test]
    fn gradients_go_through_the_singular_value() {
        let device = Device::flex().autodiff();
        let layer = Spectral::linear(&mut Initial::new(5, "spectral", &device), 6, 4);
        let loss = layer.normalized().square().sum();
        let gradients = loss.clone().backward();
        let weight = layer.weight.val();
        let gradient = values(weight.grad(&gradients).expect("the weight trains"));
        let weight = values(weight);
        let product: f64 = gradient
            .iter()
            .zip(&weight)
            .map(|(gradient, weight)| gradient * weight)
            .sum();
        let length = gradient.iter().map(|gradient| gradient * gradient).sum::<f64>().sqrt();
        assert!(length > 1e-3 && number(loss) > 0.0, "{length}");
        assert!(
            product.abs() < 1e-4 * (1.0 + length),
            "{product}, with a gradient of {length}"
        );
    }
}
