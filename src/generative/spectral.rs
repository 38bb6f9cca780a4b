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
