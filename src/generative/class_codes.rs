//! Codes of a class, drawn as those of its training rows lie.

use super::code_distribution::CodeDistribution;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

/// A normal distribution of codes for each class. It does not train: it is fitted once the networks have.
#[derive(Module, Debug)]
pub(super) struct ClassCodes {
    /// `[classes, latent]`.
    means: Param<Tensor<2>>,
    /// Factors of the covariances `[classes, latent, latent]`.
    factors: Param<Tensor<3>>,
}

impl ClassCodes {
    /// Not fitted yet.
    pub(super) fn new(classes: usize, latent: usize, device: &Device) -> Self {
        Self {
            means: Param::from_tensor(Tensor::zeros([classes, latent], device)).set_require_grad(false),
            factors: Param::from_tensor(Tensor::zeros([classes, latent, latent], device)).set_require_grad(false),
        }
    }

    /// As `codes` found them.
    pub(super) fn fitted(self, codes: &CodeDistribution) -> Self {
        let (means, factors) = codes.factors();
        let shape = self.factors.dims();
        let means = TensorData::new(means, [shape[0], shape[1]]);
        let factors = TensorData::new(factors, shape);
        Self {
            means: self.means.map(|old| Tensor::from_data(means, &old.device())),
            factors: self.factors.map(|old| Tensor::from_data(factors, &old.device())),
        }
    }

    /// Codes of `class` of standard normal `noise` `[n, latent]`.
    pub(super) fn draw(&self, class: usize, noise: Tensor<2>) -> Tensor<2> {
        let mean = self.means.val().narrow(0, class, 1);
        let factor: Tensor<2> = self.factors.val().narrow(0, class, 1).squeeze_dim(0);
        noise.matmul(factor.transpose()) + mean
    }
}
