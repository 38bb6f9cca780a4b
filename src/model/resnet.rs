//! ResNet.

use super::architecture::{Architecture, Known};
use super::layers::ConvNorm;
use super::network::{Level, Network};
use super::preprocessing::Preprocessing;
use crate::error::{Error, Result};
use burn::module::{Module, ParamGroup};
use burn::nn::conv::Conv2dConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNormConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::Deserialize;

/// ResNet (He et al. 2015, arXiv:1512.03385) as in torchvision and timm: the stride of a bottleneck is in its 3x3 convolution.
///
/// Five stages: the stem (a 7x7 convolution and a max pool, stride 4) and the four groups of residual blocks. The maps of the
/// last three have strides of 8, 16 and 32.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: ConvNorm,
    pool: MaxPool2d,
    groups: Vec<Vec<Block>>,
    /// Channels of each group's map.
    channels: [usize; 4],
}

/// Blocks of each group, and whether they are bottlenecks.
const SIZES: [(&str, [usize; 4], bool); 5] = [
    ("resnet18", [2, 2, 2, 2], false),
    ("resnet34", [3, 4, 6, 3], false),
    ("resnet50", [3, 4, 6, 3], true),
    ("resnet101", [3, 4, 23, 3], true),
    ("resnet152", [3, 8, 36, 3], true),
];

/// What timm's `model_args` may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arguments {
    /// Channels of the 3x3 convolutions of each group.
    channels: [usize; 4],
}

impl Default for Arguments {
    fn default() -> Self {
        Self {
            channels: [64, 128, 256, 512],
        }
    }
}

impl ResNet {
    /// Channels of the stem.
    const STEM: usize = 64;
    /// A bottleneck's output is so many times as wide as its 3x3 convolution.
    const EXPANSION: usize = 4;

    const fn known(name: &'static str, aliases: &'static [&'static str]) -> Known {
        Known {
            name,
            aliases,
            pool: "avg",
            preprocessing: Preprocessing::IMAGENET,
        }
    }
}

impl Network for ResNet {
    const KNOWN: &'static [Known] = &[
        Self::known("resnet18", &["tv_resnet18"]),
        Self::known("resnet34", &["tv_resnet34"]),
        Self::known("resnet50", &["tv_resnet50"]),
        Self::known("resnet101", &["tv_resnet101"]),
        Self::known("resnet152", &["tv_resnet152"]),
    ];

    /// Those of torchvision, which are timm's.
    fn checkpoint_names(&self) -> Vec<(String, String)> {
        let mut names = vec![
            (r"^conv1\.".to_owned(), "backbone.stem.conv.".to_owned()),
            (r"^bn1\.".to_owned(), "backbone.stem.norm.".to_owned()),
            (r"^fc\.".to_owned(), "head.".to_owned()),
        ];
        for group in 0..4 {
            let layer = |theirs: &str, ours: &str| {
                (
                    format!(r"^layer{}\.(\d+)\.{theirs}\.", group + 1),
                    format!("backbone.groups.{group}.$1.{ours}."),
                )
            };
            for conv in 0..3 {
                names.push(layer(&format!("conv{}", conv + 1), &format!("convs.{conv}.conv")));
                names.push(layer(&format!("bn{}", conv + 1), &format!("convs.{conv}.norm")));
            }
            names.push(layer(r"downsample\.0", "shortcut.conv"));
            names.push(layer(r"downsample\.1", "shortcut.norm"));
        }
        names
    }

    fn init(architecture: &Architecture, device: &Device) -> Result<Self> {
        let Arguments { channels } = architecture.args()?;
        let known = Self::KNOWN.iter().find(|known| known.is_called(architecture.name()));
        let size = SIZES
            .iter()
            .find(|(name, ..)| known.is_some_and(|known| known.name == *name));
        let Some(&(_, blocks, bottleneck)) = size else {
            return Err(Error::config(format!("{architecture} is no ResNet")));
        };
        if channels.contains(&0) {
            return Err(Error::config(format!("{architecture}: a group without channels")));
        }
        // A block has two convolutions of 3 x 3; a bottleneck has one, two of 1 x 1 and its output four times as wide.
        let wide = channels.map(|channels| channels as f64);
        let inner = (0..4)
            .map(|at| 18.0 * blocks[at] as f64 * wide[at] * wide[at])
            .sum::<f64>();
        let between = (1..4).map(|at| 16.0 * wide[at - 1] * wide[at]).sum::<f64>();
        architecture.check_size(inner + between, blocks.iter().sum())?;
        let mut input = Self::STEM;
        let groups = (0..4).map(|group| {
            let blocks = (0..blocks[group]).map(|block| {
                let stride = if group > 0 && block == 0 { 2 } else { 1 };
                let block = Block::init(input, channels[group], stride, bottleneck, device);
                input = width(channels[group], bottleneck);
                block
            });
            blocks.collect()
        });
        Ok(Self {
            stem: conv_norm([3, Self::STEM], 7, 2, device),
            pool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(),
            groups: groups.collect(),
            channels: channels.map(|channels| width(channels, bottleneck)),
        })
    }

    fn stages(&self) -> usize {
        1 + self.groups.len()
    }

    fn features(&self) -> usize {
        self.channels[3]
    }

    fn levels(&self) -> Vec<Level> {
        Level::of_groups(&self.channels)
    }

    fn run(&self, x: Tensor<4>, stage: usize) -> Tensor<4> {
        match stage {
            0 => self.pool.forward(relu(self.stem.forward(x))),
            _ => self.groups[stage - 1].iter().fold(x, |x, block| block.forward(x)),
        }
    }

    fn group(&self, stage: usize) -> ParamGroup {
        match stage {
            0 => ParamGroup::ids_from_module(self.stem.clone()),
            _ => ParamGroup::ids_from_module(self.groups[stage - 1].clone()),
        }
    }

    fn freeze_norms(self) -> Self {
        let group = |group: Vec<Block>| group.into_iter().map(Block::freeze_norms).collect();
        Self {
            stem: self.stem.freeze_norm(),
            groups: self.groups.into_iter().map(group).collect(),
            ..self
        }
    }

    fn fold_below(&self, stage: usize) -> Self {
        let mut net = self.clone();
        if stage > 0 {
            net.stem = net.stem.fold();
        }
        for group in net.groups.iter_mut().take(stage.saturating_sub(1)) {
            group.iter_mut().for_each(|block| *block = block.fold());
        }
        net
    }

    fn is_folded(&self) -> bool {
        // The stem is folded first, whatever the stage.
        self.stem.norm.is_none()
    }
}

/// A residual block: two 3x3 convolutions; or a bottleneck of 1x1, 3x3 and 1x1.
#[derive(Module, Debug)]
struct Block {
    convs: Vec<ConvNorm>,
    /// Where the block changes stride or channels.
    shortcut: Option<ConvNorm>,
}

impl Block {
    fn init(input: usize, channels: usize, stride: usize, bottleneck: bool, device: &Device) -> Self {
        let output = width(channels, bottleneck);
        let convs = match bottleneck {
            true => vec![
                conv_norm([input, channels], 1, 1, device),
                conv_norm([channels, channels], 3, stride, device),
                conv_norm([channels, output], 1, 1, device),
            ],
            false => vec![
                conv_norm([input, channels], 3, stride, device),
                conv_norm([channels, output], 3, 1, device),
            ],
        };
        let changes = stride != 1 || input != output;
        Self {
            convs,
            shortcut: changes.then(|| conv_norm([input, output], 1, stride, device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x.clone()),
            None => x.clone(),
        };
        let convs = self.convs.iter().enumerate();
        let x = convs.fold(x, |x, (at, conv)| conv.forward(if at > 0 { relu(x) } else { x }));
        relu(x + shortcut)
    }

    fn freeze_norms(self) -> Self {
        Self {
            convs: self.convs.into_iter().map(ConvNorm::freeze_norm).collect(),
            shortcut: self.shortcut.map(ConvNorm::freeze_norm),
        }
    }

    fn fold(&self) -> Self {
        Self {
            convs: self.convs.iter().map(ConvNorm::fold).collect(),
            shortcut: self.shortcut.as_ref().map(ConvNorm::fold),
        }
    }
}

/// Channels of a block's output.
fn width(channels: usize, bottleneck: bool) -> usize {
    if bottleneck {
        ResNet::EXPANSION * channels
    } else {
        channels
    }
}

/// A convolution with PyTorch's padding of half a kernel, and its BatchNorm.
fn conv_norm(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> ConvNorm {
    let pad = kernel / 2;
    let conv = Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .with_bias(false);
    ConvNorm::init(&conv, &BatchNormConfig::new(channels[1]), device)
}
