//! EfficientNet-Lite0, the backbone.

mod frozen;

pub use frozen::Frozen;

use super::architecture::{Architecture, Known};
use super::inverted_residual::{Activation, InvertedResidual};
use super::layers::ConvNorm;
use super::network::{Level, Network};
use super::preprocessing::{Interpolation, Preprocessing};
use crate::error::Result;
use burn::module::{Module, ParamGroup};
use burn::nn::conv::Conv2dConfig;
use burn::nn::{BatchNormConfig, PaddingConfig2d};
use burn::tensor::activation::relu6;
use burn::tensor::{Device, Tensor};
use serde::Deserialize;
use std::ops::Range;

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
/// The weights that come with this crate take images that are normalised with ImageNet's mean and deviation
/// ([`Normalisation::IMAGENET`](super::Normalisation::IMAGENET)), and were trained at 224 pixels. The network is a chain of
/// [nine stages](Self::STAGES); maps of 40, 112 and 320 channels have strides of 8, 16 and 32.
#[derive(Module, Debug)]
pub struct EfficientNetLite0 {
    stem: ConvNorm,
    blocks: Vec<InvertedResidual>,
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
}

impl Network for EfficientNetLite0 {
    const KNOWN: &'static [Known] = &[Known {
        name: Self::NAME,
        aliases: &["tf_efficientnet_lite0", "efficientnet_lite0"],
        pool: "avg",
        preprocessing: Preprocessing {
            interpolation: Interpolation::Bicubic,
            ..Preprocessing::IMAGENET
        },
    }];

    /// Those of the PyPI package `efficientnet-lite-pytorch` (and of `efficientnet-pytorch`), and those of timm.
    fn checkpoint_names(&self) -> Vec<(String, String)> {
        let mut names = timm_blocks();
        let own = |(theirs, ours): &(&str, &str)| ((*theirs).to_owned(), (*ours).to_owned());
        names.extend(CHECKPOINT_NAMES.iter().map(own));
        names
    }

    fn init(architecture: &Architecture, device: &Device) -> Result<Self> {
        let NoArguments {} = architecture.args()?;
        Ok(Self {
            stem: conv_norm([3, 32], 3, 2, 1, device),
            blocks: GROUPS.iter().flat_map(|group| blocks(*group, device)).collect(),
            top: conv_norm([320, Self::FEATURES], 1, 1, 1, device),
        })
    }

    fn stages(&self) -> usize {
        Self::STAGES
    }

    fn features(&self) -> usize {
        Self::FEATURES
    }

    fn levels(&self) -> Vec<Level> {
        let level = |(stride, group): (usize, usize)| Level {
            stride,
            channels: GROUPS[group][5],
            stage: group + 2,
        };
        [(8, 2), (16, 4), (32, 6)].map(level).to_vec()
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

    fn group(&self, stage: usize) -> ParamGroup {
        match stage {
            0 => ParamGroup::ids_from_module(self.stem.clone()),
            8 => ParamGroup::ids_from_module(self.top.clone()),
            _ => ParamGroup::ids_from_module(self.blocks[block_range(stage..stage + 1)].to_vec()),
        }
    }

    fn freeze_norms(self) -> Self {
        Self {
            stem: self.stem.freeze_norm(),
            blocks: self.blocks.into_iter().map(InvertedResidual::freeze_norms).collect(),
            top: self.top.freeze_norm(),
        }
    }

    fn fold_below(&self, stage: usize) -> Self {
        let folded = block_range(0..stage);
        let block = |(i, block): (usize, &InvertedResidual)| match folded.contains(&i) {
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

    fn is_folded(&self) -> bool {
        // The stem is folded first, whatever the stage.
        self.stem.norm.is_none()
    }
}

/// There is one network of this kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

/// Names outside of timm's blocks, and our names.
const CHECKPOINT_NAMES: [(&str, &str); 11] = [
    (r"^(_conv_stem|conv_stem)\.", "backbone.stem.conv."),
    (r"^(_bn0|bn1)\.", "backbone.stem.norm."),
    (r"^(_conv_head|conv_head)\.", "backbone.top.conv."),
    (r"^(_bn1|bn2)\.", "backbone.top.norm."),
    (r"^(_fc|classifier)\.", "head."),
    (r"^_blocks\.(\d+)\._expand_conv\.", "backbone.blocks.$1.expand.conv."),
    (
        r"^_blocks\.(\d+)\._depthwise_conv\.",
        "backbone.blocks.$1.depthwise.conv.",
    ),
    (r"^_blocks\.(\d+)\._project_conv\.", "backbone.blocks.$1.project.conv."),
    (r"^_blocks\.(\d+)\._bn0\.", "backbone.blocks.$1.expand.norm."),
    (r"^_blocks\.(\d+)\._bn1\.", "backbone.blocks.$1.depthwise.norm."),
    (r"^_blocks\.(\d+)\._bn2\.", "backbone.blocks.$1.project.norm."),
];

/// The names in timm's blocks, which it numbers in each group anew, and our names.
fn timm_blocks() -> Vec<(String, String)> {
    let places = GROUPS
        .iter()
        .enumerate()
        .flat_map(|(at, group)| (0..group[0]).map(move |block| (at, block, group[3])));
    let names = places.enumerate().flat_map(|(flat, (at, block, expansion))| {
        let layers: &[(&str, &str)] = match expansion {
            1 => &InvertedResidual::TIMM_UNEXPANDED,
            _ => &InvertedResidual::TIMM,
        };
        layers.iter().map(move |(theirs, ours)| {
            (
                format!(r"^blocks\.{at}\.{block}\.{theirs}\."),
                format!("backbone.blocks.{flat}.{ours}."),
            )
        })
    });
    names.collect()
}

/// The indices in the flat list of blocks of the groups among `stages`.
fn block_range(stages: Range<usize>) -> Range<usize> {
    let before = |stage: usize| GROUPS.iter().take(stage.saturating_sub(1)).map(|group| group[0]).sum();
    before(stages.start)..before(stages.end)
}

/// The blocks of one group: the first changes stride and channels.
fn blocks([repeats, kernel, stride, expand, input, output]: [usize; 6], device: &Device) -> Vec<InvertedResidual> {
    let layer = |channels, kernel, stride, groups| conv_norm(channels, kernel, stride, groups, device);
    let block = |at| {
        let (input, stride) = if at == 0 { (input, stride) } else { (output, 1) };
        let sizes = [input, input * expand, output];
        InvertedResidual::init(sizes, [kernel, stride], expand > 1, Activation::Relu6, layer)
    };
    (0..repeats).map(block).collect()
}

/// A convolution with TensorFlow's "same" padding and its BatchNorm.
fn conv_norm(channels: [usize; 2], kernel: usize, stride: usize, groups: usize, device: &Device) -> ConvNorm {
    let conv = Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_groups(groups)
        .with_padding(PaddingConfig2d::Same)
        .with_bias(false);
    let norm = BatchNormConfig::new(channels[1]).with_epsilon(1e-3).with_momentum(0.01);
    ConvNorm::init(&conv, &norm, device)
}
