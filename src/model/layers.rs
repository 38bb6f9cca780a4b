//! Layers that several networks have.

use burn::module::{Module, Param, ParamId};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::{Device, Tensor};

/// A convolution and its BatchNorm, which is `None` once it is folded into the convolution.
#[derive(Module, Debug)]
pub(crate) struct ConvNorm {
    pub(crate) conv: Conv2d,
    pub(crate) norm: Option<BatchNorm>,
}

impl ConvNorm {
    pub(crate) fn init(conv: &Conv2dConfig, norm: &BatchNormConfig, device: &Device) -> Self {
        Self {
            conv: conv.init(device),
            norm: Some(norm.init(device)),
        }
    }

    pub(crate) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.norm {
            // Scaled weights are little beside a pass over the map, forward and backward.
            Some(norm) if x.device().is_autodiff() && !norm.training.is_enabled() => {
                let (scale, shift) = affine(norm);
                let weight = self.conv.weight.val() * scale.reshape([-1, 1, 1, 1]);
                let mut conv = self.conv.clone();
                conv.weight = Param::initialized(ParamId::new(), weight);
                conv.bias = Some(Param::initialized(ParamId::new(), shift));
                conv.forward(x)
            }
            Some(norm) => norm.forward(self.conv.forward(x)),
            None => self.conv.forward(x),
        }
    }

    pub(crate) fn freeze_norm(self) -> Self {
        let norm = self.norm.map(BatchNorm::freeze);
        Self { norm, ..self }
    }

    /// `norm(conv(x)) = (w x - mean) s + beta` with `s = gamma / sqrt(var + eps)`: weights `w s`, bias `beta - mean s`.
    pub(crate) fn fold(&self) -> Self {
        let Some(norm) = &self.norm else { return self.clone() };
        let (scale, bias) = affine(norm);
        let weight = self.conv.weight.val() * scale.reshape([-1, 1, 1, 1]);
        let mut conv = self.conv.clone();
        conv.weight = Param::from_tensor(weight.detach()).set_require_grad(false);
        conv.bias = Some(Param::from_tensor(bias.detach()).set_require_grad(false));
        Self { conv, norm: None }
    }
}

/// What `norm` multiplies each channel by, and what it adds then, with the statistics that it has.
fn affine(norm: &BatchNorm) -> (Tensor<1>, Tensor<1>) {
    let scale = norm.gamma.val() / (norm.running_var.value() + norm.epsilon).sqrt();
    let shift = norm.beta.val() - norm.running_mean.value() * scale.clone();
    (scale, shift)
}
