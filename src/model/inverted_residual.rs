//! The blocks of networks for phones.

use super::layers::ConvNorm;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::activation::{hard_sigmoid, hard_swish, relu, relu6};
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

/// An inverted residual with a linear bottleneck (Sandler et al. 2018, arXiv:1801.04381).
#[derive(Module, Debug)]
pub(super) struct InvertedResidual {
    pub(super) expand: Option<ConvNorm>,
    pub(super) depthwise: ConvNorm,
    excite: Option<SqueezeExcitation>,
    pub(super) project: ConvNorm,
    #[module(skip)]
    activation: Activation,
    pub(super) skip: bool,
}

/// What stands behind the first two convolutions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Activation {
    Relu,
    Relu6,
    HardSwish,
}

impl InvertedResidual {
    /// timm's names of its layers, and ours.
    pub(super) const TIMM: [(&'static str, &'static str); 6] = [
        ("conv_pw", "expand.conv"),
        ("bn1", "expand.norm"),
        ("conv_dw", "depthwise.conv"),
        ("bn2", "depthwise.norm"),
        ("conv_pwl", "project.conv"),
        ("bn3", "project.norm"),
    ];
    /// The same of one that does not expand: the names stand for other layers there.
    pub(super) const TIMM_UNEXPANDED: [(&'static str, &'static str); 4] = [
        ("conv_dw", "depthwise.conv"),
        ("bn1", "depthwise.norm"),
        ("conv_pw", "project.conv"),
        ("bn2", "project.norm"),
    ];

    /// From `input` over `inner` to `output` channels. `layer` makes one of so many channels, with a kernel, a stride and a number of
    /// groups. The first layer is left out where nothing expands.
    pub(super) fn init(
        [input, inner, output]: [usize; 3],
        [kernel, stride]: [usize; 2],
        expands: bool,
        activation: Activation,
        layer: impl Fn([usize; 2], usize, usize, usize) -> ConvNorm,
    ) -> Self {
        Self {
            expand: expands.then(|| layer([input, inner], 1, 1, 1)),
            depthwise: layer([inner, inner], kernel, stride, inner),
            excite: None,
            project: layer([inner, output], 1, 1, 1),
            activation,
            skip: stride == 1 && input == output,
        }
    }

    /// The same with squeeze-and-excitation over so many channels behind the second convolution.
    pub(super) fn with_excitation(self, squeezed: usize, device: &Device) -> Self {
        let inner = self.depthwise.conv.weight.dims()[0];
        Self {
            excite: Some(SqueezeExcitation::init(inner, squeezed, device)),
            ..self
        }
    }

    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let activate = |x| match self.activation {
            Activation::Relu => relu(x),
            Activation::Relu6 => relu6(x),
            Activation::HardSwish => hard_swish(x),
        };
        let shortcut = self.skip.then(|| x.clone());
        let x = match &self.expand {
            Some(expand) => activate(expand.forward(x)),
            None => x,
        };
        let x = activate(self.depthwise.forward(x));
        let x = match &self.excite {
            Some(excite) => excite.forward(x),
            None => x,
        };
        let x = self.project.forward(x);
        match shortcut {
            Some(shortcut) => x + shortcut,
            None => x,
        }
    }

    pub(super) fn freeze_norms(self) -> Self {
        Self {
            expand: self.expand.map(ConvNorm::freeze_norm),
            depthwise: self.depthwise.freeze_norm(),
            project: self.project.freeze_norm(),
            ..self
        }
    }

    pub(super) fn fold(&self) -> Self {
        Self {
            expand: self.expand.as_ref().map(ConvNorm::fold),
            depthwise: self.depthwise.fold(),
            project: self.project.fold(),
            ..self.clone()
        }
    }
}

/// Squeeze-and-excitation (Hu et al. 2017, arXiv:1709.01507): a factor for each channel.
#[derive(Module, Debug)]
struct SqueezeExcitation {
    reduce: Conv2d,
    expand: Conv2d,
}

impl SqueezeExcitation {
    fn init(channels: usize, squeezed: usize, device: &Device) -> Self {
        Self {
            reduce: Conv2dConfig::new([channels, squeezed], [1, 1]).init(device),
            expand: Conv2dConfig::new([squeezed, channels], [1, 1]).init(device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let squeezed = relu(self.reduce.forward(adaptive_avg_pool2d(x.clone(), [1, 1])));
        x * hard_sigmoid(self.expand.forward(squeezed), 1.0 / 6.0, 0.5)
    }
}
