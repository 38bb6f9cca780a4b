//! ConvNeXt.

use super::architecture::{Architecture, Known};
use super::network::{Level, Network};
use super::preprocessing::{Interpolation, Preprocessing};
use crate::error::{Error, Result};
use burn::module::{Module, Param, ParamGroup};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::gelu;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};
use serde::Deserialize;

/// ConvNeXt (Liu et al. 2022, arXiv:2201.03545) and ConvNeXt V2 (Woo et al. 2023, arXiv:2301.00808) as in timm.
///
/// Five stages: the stem (patches of 4 x 4 pixels) and the four groups of blocks. The norm behind the pooled map trains with the
/// last stage. Rows and columns that do not fill a patch are left out.
#[derive(Module, Debug)]
pub struct ConvNeXt {
    patches: Conv2d,
    patch_norm: LayerNorm,
    groups: Vec<Group>,
    norm: LayerNorm,
    channels: Vec<usize>,
}

/// Blocks and channels of each group, and whether it is the second version.
type Size = ([usize; 4], [usize; 4], bool);

/// Sizes by name.
const SIZES: [(&str, Size); 7] = [
    ("convnext_tiny", ([3, 3, 9, 3], [96, 192, 384, 768], false)),
    ("convnext_small", ([3, 3, 27, 3], [96, 192, 384, 768], false)),
    ("convnext_base", ([3, 3, 27, 3], [128, 256, 512, 1024], false)),
    ("convnext_large", ([3, 3, 27, 3], [192, 384, 768, 1536], false)),
    ("convnextv2_tiny", ([3, 3, 9, 3], [96, 192, 384, 768], true)),
    ("convnextv2_base", ([3, 3, 27, 3], [128, 256, 512, 1024], true)),
    ("convnextv2_large", ([3, 3, 27, 3], [192, 384, 768, 1536], true)),
];

/// What timm's `model_args` may have.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arguments {
    depths: Option<[usize; 4]>,
    dims: Option<[usize; 4]>,
}

impl ConvNeXt {
    const fn known(name: &'static str) -> Known {
        Known {
            name,
            aliases: &[],
            pool: "avg",
            preprocessing: Preprocessing {
                interpolation: Interpolation::Bicubic,
                ..Preprocessing::IMAGENET
            },
        }
    }
}

impl Network for ConvNeXt {
    const KNOWN: &'static [Known] = &[
        Self::known("convnext_tiny"),
        Self::known("convnext_small"),
        Self::known("convnext_base"),
        Self::known("convnext_large"),
        Self::known("convnextv2_tiny"),
        Self::known("convnextv2_base"),
        Self::known("convnextv2_large"),
    ];

    const SMALLEST: usize = 32;

    /// Those of timm.
    fn checkpoint_names(&self) -> Vec<(String, String)> {
        let pairs = [
            (r"^stem\.0\.", "backbone.patches."),
            (r"^stem\.1\.", "backbone.patch_norm."),
            (r"^stages\.(\d+)\.downsample\.0\.", "backbone.groups.$1.norm."),
            (r"^stages\.(\d+)\.downsample\.1\.", "backbone.groups.$1.reduce."),
            (
                r"^stages\.(\d+)\.blocks\.(\d+)\.gamma$",
                "backbone.groups.$1.blocks.$2.scale",
            ),
            (
                r"^stages\.(\d+)\.blocks\.(\d+)\.conv_dw\.",
                "backbone.groups.$1.blocks.$2.depthwise.",
            ),
            (
                r"^stages\.(\d+)\.blocks\.(\d+)\.norm\.",
                "backbone.groups.$1.blocks.$2.norm.",
            ),
            (
                r"^stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc1\.",
                "backbone.groups.$1.blocks.$2.expand.",
            ),
            (
                r"^stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc2\.",
                "backbone.groups.$1.blocks.$2.project.",
            ),
            (
                r"^stages\.(\d+)\.blocks\.(\d+)\.mlp\.grn\.",
                "backbone.groups.$1.blocks.$2.response.",
            ),
            (r"^head\.norm\.", "backbone.norm."),
            (r"^head\.fc\.", "head."),
        ];
        pairs
            .map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()))
            .to_vec()
    }

    fn init(architecture: &Architecture, device: &Device) -> Result<Self> {
        let Arguments { depths, dims } = architecture.args()?;
        let size = SIZES.iter().find(|(name, _)| *name == architecture.name());
        let Some(&(_, (usual_depths, usual_dims, second))) = size else {
            return Err(Error::config(format!("{architecture} is no ConvNeXt")));
        };
        let (depths, dims) = (depths.unwrap_or(usual_depths), dims.unwrap_or(usual_dims));
        if dims.contains(&0) {
            return Err(Error::config(format!("{architecture}: a group without channels")));
        }
        let wide = dims.map(|channels| channels as f64);
        let block = |at: usize| 8.0 * wide[at] * wide[at] + 60.0 * wide[at];
        let between = (1..4).map(|at| 4.0 * wide[at - 1] * wide[at]).sum::<f64>();
        let of_blocks = (0..4).map(|at| depths[at] as f64 * block(at)).sum::<f64>();
        let blocks = depths.iter().fold(0, |all: usize, depth| all.saturating_add(*depth));
        architecture.check_size(50.0 * wide[0] + between + of_blocks, blocks)?;
        let group = |at: usize| Group {
            norm: (at > 0).then(|| norm(dims[at - 1], device)),
            reduce: (at > 0).then(|| patches([dims[at - 1], dims[at]], 2, device)),
            blocks: (0..depths[at]).map(|_| Block::init(dims[at], second, device)).collect(),
        };
        Ok(Self {
            patches: patches([3, dims[0]], 4, device),
            patch_norm: norm(dims[0], device),
            groups: (0..4).map(group).collect(),
            norm: norm(dims[3], device),
            channels: dims.to_vec(),
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
            0 => over_channels(self.patches.forward(x), |x| self.patch_norm.forward(x)),
            _ => self.groups[stage - 1].forward(x),
        }
    }

    fn pool(&self, map: Tensor<4>) -> Tensor<2> {
        self.norm.forward(adaptive_avg_pool2d(map, [1, 1]).flatten(1, 3))
    }

    fn group(&self, stage: usize) -> ParamGroup {
        match stage {
            0 => ParamGroup::ids_from_module((self.patches.clone(), self.patch_norm.clone())),
            4 => ParamGroup::ids_from_module((self.groups[3].clone(), self.norm.clone())),
            _ => ParamGroup::ids_from_module(self.groups[stage - 1].clone()),
        }
    }
}

#[derive(Module, Debug)]
struct Group {
    norm: Option<LayerNorm>,
    reduce: Option<Conv2d>,
    blocks: Vec<Block>,
}

impl Group {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = match (&self.norm, &self.reduce) {
            (Some(norm), Some(reduce)) => reduce.forward(over_channels(x, |x| norm.forward(x))),
            _ => x,
        };
        self.blocks.iter().fold(x, |x, block| block.forward(x))
    }
}

#[derive(Module, Debug)]
struct Block {
    depthwise: Conv2d,
    norm: LayerNorm,
    expand: Linear,
    response: Option<Response>,
    project: Linear,
    scale: Option<Param<Tensor<1>>>,
}

impl Block {
    fn init(channels: usize, second: bool, device: &Device) -> Self {
        let depthwise = Conv2dConfig::new([channels, channels], [7, 7])
            .with_groups(channels)
            .with_padding(PaddingConfig2d::Explicit(3, 3, 3, 3));
        Self {
            depthwise: depthwise.init(device),
            norm: norm(channels, device),
            expand: LinearConfig::new(channels, 4 * channels).init(device),
            response: second.then(|| Response::init(4 * channels, device)),
            project: LinearConfig::new(4 * channels, channels).init(device),
            scale: (!second).then(|| Param::from_tensor(Tensor::full([channels], 1e-6, device))),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let inner = over_channels(self.depthwise.forward(x.clone()), |x| {
            let x = gelu(self.expand.forward(self.norm.forward(x)));
            let x = match &self.response {
                Some(response) => response.forward(x),
                None => x,
            };
            let x = self.project.forward(x);
            match &self.scale {
                Some(scale) => x * scale.val().reshape([1, 1, 1, -1]),
                None => x,
            }
        });
        x + inner
    }
}

/// Global response normalisation: each channel by its norm over the picture, against the mean of all channels' norms.
#[derive(Module, Debug)]
struct Response {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
}

impl Response {
    fn init(channels: usize, device: &Device) -> Self {
        let zeros = || Param::from_tensor(Tensor::zeros([channels], device));
        Self {
            weight: zeros(),
            bias: zeros(),
        }
    }

    /// `x` is `[n, rows, columns, channels]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let norms = x.clone().powi_scalar(2).sum_dim(1).sum_dim(2).sqrt();
        let relative = norms.clone() / (norms.mean_dim(3) + 1e-6);
        let [weight, bias] = [&self.weight, &self.bias].map(|param| param.val().reshape([1, 1, 1, -1]));
        x.clone() + bias + weight * (x * relative)
    }
}

/// What `f` makes of a map whose channels come last.
fn over_channels(map: Tensor<4>, f: impl FnOnce(Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    f(map.permute([0, 2, 3, 1])).permute([0, 3, 1, 2])
}

fn norm(channels: usize, device: &Device) -> LayerNorm {
    LayerNormConfig::new(channels).with_epsilon(1e-6).init(device)
}

/// A convolution over patches that do not overlap.
fn patches(channels: [usize; 2], size: usize, device: &Device) -> Conv2d {
    let conv = Conv2dConfig::new(channels, [size; 2]).with_stride([size; 2]);
    conv.with_padding(PaddingConfig2d::Valid).init(device)
}
