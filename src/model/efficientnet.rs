//! EfficientNet-Lite0, the backbone.

mod frozen;

pub use frozen::Frozen;

use std::ops::Range;

use burn::module::{Module, Param, ParamGroup};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::activation::relu6;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

/// The seven block groups: repeats, kernel, stride of the first, expansion, input and output channels.
const GROUPS: [[usize; 6]; 7] = [
    [1, 3, 1, 1, 32, 16],
    [2, 3, 2, 6, 16, 24],
    [2, 5, 2, 6, 24, 40],
    [3, 3, 2, 6, 40, 80],
    [3, 5, 1, 6, 80, 112],
    [4, 5, 2, 6, 112, 192],
    [1, 3, 1, 6, 192, 320],
];

/// EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946; the "Lite" form of TensorFlow's `efficientnet/lite`): EfficientNet-B0
/// without squeeze-and-excitation, with ReLU6, and with TensorFlow's "same" padding, which follows the image's size.
///
/// Images are `[n, 3, height, width]`, RGB, normalised with ImageNet's mean and deviation
/// ([`Normalisation::IMAGENET`](super::Normalisation::IMAGENET)); any height and width from 1 will do, 224 is what the
/// published weights were trained at.
///
/// The network is a chain of [nine stages](Self::STAGES). It is frozen when it is made, parameters and BatchNorm
/// statistics alike; [`unfreeze_last`](Self::unfreeze_last) lets the upper stages train.
///
/// Clones share their BatchNorm running statistics, as all Burn modules do: what trains in one moves in the other.
#[derive(Module, Debug)]
pub struct EfficientNetLite0 {
    stem: ConvNorm,
    blocks: Vec<Block>,
    top: ConvNorm,
}

impl EfficientNetLite0 {
    /// Number of stages: 0 is the stem, 1 to 7 are the groups of inverted-residual blocks (1, 2, 2, 3, 3, 4, 1 blocks),
    /// 8 is the last 1x1 convolution. The classifier is not part of the backbone.
    pub const STAGES: usize = 9;

    /// Number of pooled features.
    pub const FEATURES: usize = 1280;

    /// The name in saved models.
    pub const NAME: &str = "efficientnet-lite0";

    /// A frozen network on `device` with random weights; see [`weights`](super::weights) for trained ones.
    pub fn init(device: &Device) -> Self {
        Self {
            stem: ConvNorm::init([3, 32], 3, 2, 1, device),
            blocks: GROUPS.iter().flat_map(|group| blocks(*group, device)).collect(),
            top: ConvNorm::init([320, Self::FEATURES], 1, 1, 1, device),
        }
        .freeze()
    }

    /// Pooled features `[n, 1280]` of images `[n, 3, height, width]`.
    pub fn forward_features(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward_from(images, 0)
    }

    /// Runs the stages below `stage`: the map that stage `stage` takes, `[n, channels, height, width]`.
    ///
    /// Where all of these are frozen the map of an image never changes: compute it once, without autodiff, and keep it.
    /// `map.autodiff()` then takes it to a network that trains.
    pub fn forward_until(&self, images: Tensor<4>, stage: usize) -> Tensor<4> {
        (0..stage.min(Self::STAGES)).fold(images, |x, stage| self.run(x, stage))
    }

    /// Runs `stage` and the stages above it on what [`forward_until`](Self::forward_until) gave, then averages over
    /// height and width: `[n, 1280]`. With `stage` = [`STAGES`](Self::STAGES) it only averages.
    pub fn forward_from(&self, map: Tensor<4>, stage: usize) -> Tensor<2> {
        let map = (stage..Self::STAGES).fold(map, |x, stage| self.run(x, stage));
        adaptive_avg_pool2d(map, [1, 1]).flatten(1, 3)
    }

    /// Lets the last `n` stages train and freezes all others: their parameters and their BatchNorm statistics.
    ///
    /// 0 freezes everything; [`STAGES`](Self::STAGES) or more frees everything. Call it again after weights were loaded,
    /// because flags are not part of a record.
    #[must_use]
    pub fn unfreeze_last(self, n: usize) -> Self {
        let first = Self::STAGES.saturating_sub(n);
        let top = ParamGroup::ids_from_module(self.top.clone());
        let free = self.blocks[block_range(first..Self::STAGES)].to_vec();
        let blocks = ParamGroup::ids_from_module(free);
        let stem = ParamGroup::ids_from_module(self.stem.clone());
        let frozen = self.freeze();
        match first {
            Self::STAGES.. => frozen,
            1.. => frozen.unfreeze_group(top).unfreeze_group(blocks),
            0 => frozen.unfreeze_group(top).unfreeze_group(blocks).unfreeze_group(stem),
        }
    }

    /// Freezes every BatchNorm, in the stages that train as well: they keep normalising with ImageNet's statistics.
    ///
    /// Small batches of a small dataset estimate statistics badly, and running ones (momentum 0.01) would lag behind
    /// weights that move for a few hundred steps only.
    #[must_use]
    pub fn freeze_norms(self) -> Self {
        Self {
            stem: self.stem.freeze_norm(),
            blocks: self.blocks.into_iter().map(Block::freeze_norms).collect(),
            top: self.top.freeze_norm(),
        }
    }

    /// Folds the BatchNorms of the stages below `stage` into their convolutions: the same outputs up to rounding, with
    /// one pass over each map less. For frozen stages only: a folded stage has no statistics left to train, and a
    /// network with one is neither saved nor loaded.
    #[must_use]
    pub fn fold_below(&self, stage: usize) -> Self {
        let folded = block_range(0..stage);
        let block = |(i, block): (usize, &Block)| match folded.contains(&i) {
            true => block.fold(),
            false => block.clone(),
        };
        Self {
            stem: if stage > 0 { self.stem.fold() } else { self.stem.clone() },
            blocks: self.blocks.iter().enumerate().map(block).collect(),
            top: if stage >= Self::STAGES {
                self.top.fold()
            } else {
                self.top.clone()
            },
        }
    }

    /// Whether a stage is folded.
    pub(crate) fn is_folded(&self) -> bool {
        // The stem is folded first, whatever the stage.
        self.stem.norm.is_none()
    }

    fn run(&self, x: Tensor<4>, stage: usize) -> Tensor<4> {
        match stage {
            0 => relu6(self.stem.forward(x)),
            8 => relu6(self.top.forward(x)),
            _ => self.blocks[block_range(stage..stage + 1)]
                .iter()
                .fold(x, |x, block| block.forward(x)),
        }
    }
}

/// The indices in the flat list of blocks of the groups among `stages`.
fn block_range(stages: Range<usize>) -> Range<usize> {
    let before = |stage: usize| GROUPS.iter().take(stage.saturating_sub(1)).map(|group| group[0]).sum();
    before(stages.start)..before(stages.end)
}

/// The blocks of one group: the first changes stride and channels.
fn blocks([repeats, kernel, stride, expand, input, output]: [usize; 6], device: &Device) -> Vec<Block> {
    (0..repeats)
        .map(|i| match i {
            0 => Block::init([input, output], kernel, stride, expand, device),
            _ => Block::init([output, output], kernel, 1, expand, device),
        })
        .collect()
}

/// An inverted residual with a linear bottleneck (Sandler et al. 2018, arXiv:1801.04381).
#[derive(Module, Debug)]
struct Block {
    expand: Option<ConvNorm>,
    depthwise: ConvNorm,
    project: ConvNorm,
    skip: bool,
}

impl Block {
    fn init([input, output]: [usize; 2], kernel: usize, stride: usize, expand: usize, device: &Device) -> Self {
        let inner = input * expand;
        Self {
            expand: (expand > 1).then(|| ConvNorm::init([input, inner], 1, 1, 1, device)),
            depthwise: ConvNorm::init([inner, inner], kernel, stride, inner, device),
            project: ConvNorm::init([inner, output], 1, 1, 1, device),
            skip: stride == 1 && input == output,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = self.skip.then(|| x.clone());
        let x = match &self.expand {
            Some(expand) => relu6(expand.forward(x)),
            None => x,
        };
        let x = self.project.forward(relu6(self.depthwise.forward(x)));
        match shortcut {
            Some(shortcut) => x + shortcut,
            None => x,
        }
    }

    fn freeze_norms(self) -> Self {
        Self {
            expand: self.expand.map(ConvNorm::freeze_norm),
            depthwise: self.depthwise.freeze_norm(),
            project: self.project.freeze_norm(),
            skip: self.skip,
        }
    }

    fn fold(&self) -> Self {
        Self {
            expand: self.expand.as_ref().map(ConvNorm::fold),
            depthwise: self.depthwise.fold(),
            project: self.project.fold(),
            skip: self.skip,
        }
    }
}

/// A convolution and its BatchNorm, which is `None` once it is folded into the convolution.
#[derive(Module, Debug)]
struct ConvNorm {
    conv: Conv2d,
    norm: Option<BatchNorm>,
}

impl ConvNorm {
    fn init(channels: [usize; 2], kernel: usize, stride: usize, groups: usize, device: &Device) -> Self {
        let conv = Conv2dConfig::new(channels, [kernel; 2])
            .with_stride([stride; 2])
            .with_groups(groups)
            .with_padding(PaddingConfig2d::Same)
            .with_bias(false);
        let norm = BatchNormConfig::new(channels[1]).with_epsilon(1e-3).with_momentum(0.01);
        Self {
            conv: conv.init(device),
            norm: Some(norm.init(device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.conv.forward(x);
        match &self.norm {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }

    fn freeze_norm(self) -> Self {
        let norm = self.norm.map(BatchNorm::freeze);
        Self { norm, ..self }
    }

    /// `norm(conv(x)) = (w x - mean) s + beta` with `s = gamma / sqrt(var + eps)`: weights `w s`, bias `beta - mean s`.
    fn fold(&self) -> Self {
        let Some(norm) = &self.norm else { return self.clone() };
        let scale = norm.gamma.val() / (norm.running_var.value() + norm.epsilon).sqrt();
        let bias = norm.beta.val() - norm.running_mean.value() * scale.clone();
        let weight = self.conv.weight.val() * scale.reshape([-1, 1, 1, 1]);
        let mut conv = self.conv.clone();
        conv.weight = Param::from_tensor(weight.detach()).set_require_grad(false);
        conv.bias = Some(Param::from_tensor(bias.detach()).set_require_grad(false));
        Self { conv, norm: None }
    }
}
