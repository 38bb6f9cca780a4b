//! MobileNetV3.

use super::architecture::{Architecture, Known};
use super::inverted_residual::{Activation, InvertedResidual};
use super::layers::ConvNorm;
use super::network::{Level, Network};
use super::preprocessing::{Interpolation, Preprocessing};
use crate::error::{Error, Result};
use burn::module::{Module, ParamGroup};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNormConfig, PaddingConfig2d};
use burn::tensor::activation::hard_swish;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};
use serde::Deserialize;

/// MobileNetV3 (Howard et al. 2019, arXiv:1905.02244) as in timm: inverted residuals with squeeze-and-excitation and hard swish.
///
/// Stage 0 is the stem, then come the groups of blocks and the last 1x1 convolution. Behind the pooled map stands one more, which
/// trains with the last stage.
#[derive(Module, Debug)]
pub struct MobileNetV3 {
    stem: ConvNorm,
    groups: Vec<Vec<InvertedResidual>>,
    last: ConvNorm,
    head: Conv2d,
    /// Stride, channels and group of each level.
    levels: [[usize; 3]; 3],
}

/// A block: its kernel, its stride, how many times as wide it is inside, its channels, and whether it has squeeze-and-excitation
/// and hard swish.
type Size = (usize, usize, f64, usize, bool, bool);

/// The groups of blocks of the large network.
const LARGE: [&[Size]; 6] = [
    &[(3, 1, 1.0, 16, false, false)],
    &[(3, 2, 4.0, 24, false, false), (3, 1, 3.0, 24, false, false)],
    &[
        (5, 2, 3.0, 40, true, false),
        (5, 1, 3.0, 40, true, false),
        (5, 1, 3.0, 40, true, false),
    ],
    &[
        (3, 2, 6.0, 80, false, true),
        (3, 1, 2.5, 80, false, true),
        (3, 1, 2.3, 80, false, true),
        (3, 1, 2.3, 80, false, true),
    ],
    &[(3, 1, 6.0, 112, true, true), (3, 1, 6.0, 112, true, true)],
    &[
        (5, 2, 6.0, 160, true, true),
        (5, 1, 6.0, 160, true, true),
        (5, 1, 6.0, 160, true, true),
    ],
];

/// The groups of blocks of the small network.
const SMALL: [&[Size]; 5] = [
    &[(3, 2, 1.0, 16, true, false)],
    &[(3, 2, 4.5, 24, false, false), (3, 1, 3.67, 24, false, false)],
    &[
        (5, 2, 4.0, 40, true, true),
        (5, 1, 6.0, 40, true, true),
        (5, 1, 6.0, 40, true, true),
    ],
    &[(5, 1, 3.0, 48, true, true), (5, 1, 3.0, 48, true, true)],
    &[
        (5, 2, 6.0, 96, true, true),
        (5, 1, 6.0, 96, true, true),
        (5, 1, 6.0, 96, true, true),
    ],
];

/// What a `config.json` may have under `model_args`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arguments {
    /// How many times as wide all maps are. Defaults to what the name says.
    channel_multiplier: Option<f64>,
}

impl MobileNetV3 {
    const STEM: usize = 16;

    const fn known(name: &'static str, aliases: &'static [&'static str]) -> Known {
        Known {
            name,
            aliases,
            pool: "avg",
            preprocessing: Preprocessing {
                interpolation: Interpolation::Bicubic,
                ..Preprocessing::IMAGENET
            },
        }
    }
}

impl Network for MobileNetV3 {
    const KNOWN: &'static [Known] = &[
        Self::known("mobilenetv3_small_050", &[]),
        Self::known("mobilenetv3_small_075", &[]),
        Self::known("mobilenetv3_small_100", &["mobilenetv3_small"]),
        Self::known("mobilenetv3_large_075", &[]),
        Self::known("mobilenetv3_large_100", &["mobilenetv3_large"]),
    ];

    /// Those of timm.
    fn checkpoint_names(&self) -> Vec<(String, String)> {
        let last = self.groups.len();
        let whole = [
            (r"^conv_stem\.".to_owned(), "backbone.stem.conv."),
            (r"^bn1\.".to_owned(), "backbone.stem.norm."),
            (r"^conv_head\.".to_owned(), "backbone.head."),
            (r"^classifier\.".to_owned(), "head."),
            (format!(r"^blocks\.{last}\.0\.conv\."), "backbone.last.conv."),
            (format!(r"^blocks\.{last}\.0\.bn1\."), "backbone.last.norm."),
        ];
        let excite = [
            (r"se\.conv_reduce", "excite.reduce"),
            (r"se\.conv_expand", "excite.expand"),
        ];
        // The first block does not expand.
        let first = InvertedResidual::TIMM_UNEXPANDED.map(|(theirs, ours)| {
            (
                format!(r"^blocks\.0\.0\.{theirs}\."),
                format!("backbone.groups.0.0.{ours}."),
            )
        });
        let other = InvertedResidual::TIMM.into_iter().chain(excite).map(|(theirs, ours)| {
            (
                format!(r"^blocks\.(\d+)\.(\d+)\.{theirs}\."),
                format!("backbone.groups.$1.$2.{ours}."),
            )
        });
        let whole = whole.map(|(theirs, ours)| (theirs, ours.to_owned()));
        whole.into_iter().chain(first).chain(other).collect()
    }

    fn init(architecture: &Architecture, device: &Device) -> Result<Self> {
        let Arguments { channel_multiplier } = architecture.args()?;
        let name = architecture.name();
        let named = [("_050", 0.5), ("_075", 0.75)]
            .into_iter()
            .find(|(end, _)| name.ends_with(end));
        let times = channel_multiplier.unwrap_or(named.map_or(1.0, |(_, times)| times));
        if !(times > 0.0 && times <= 16.0) {
            let message = format!("{architecture}: channel_multiplier has to lie above 0 and up to 16");
            return Err(Error::config(message));
        }
        let channels = |channels: usize| rounded(channels as f64 * times);
        let large = name.contains("large");
        let groups: &[&[Size]] = if large { &LARGE } else { &SMALL };
        let stem = if times < 0.75 { Self::STEM } else { channels(Self::STEM) };
        let mut input = stem;
        let mut made = Vec::new();
        for group in groups {
            let mut blocks = Vec::new();
            for &(kernel, stride, expansion, output, excite, hard_swish) in *group {
                let inner = rounded(input as f64 * expansion);
                let activation = if hard_swish {
                    Activation::HardSwish
                } else {
                    Activation::Relu
                };
                let layer = |channels, kernel, stride, groups| conv_norm(channels, kernel, stride, groups, device);
                let sizes = [input, inner, channels(output)];
                let block = InvertedResidual::init(sizes, [kernel, stride], expansion > 1.0, activation, layer);
                blocks.push(match excite {
                    true => block.with_excitation(rounded(inner as f64 / 4.0), device),
                    false => block,
                });
                input = channels(output);
            }
            made.push(blocks);
        }
        let (last, features) = if large {
            (channels(960), 1280)
        } else {
            (channels(576), 1024)
        };
        Ok(Self {
            stem: conv_norm([3, stem], 3, 2, 1, device),
            groups: made,
            last: conv_norm([input, last], 1, 1, 1, device),
            head: Conv2dConfig::new([last, features], [1, 1]).init(device),
            levels: match large {
                true => [[8, channels(40), 2], [16, channels(112), 4], [32, last, 6]],
                false => [[8, channels(24), 1], [16, channels(48), 3], [32, last, 5]],
            },
        })
    }

    fn stages(&self) -> usize {
        self.groups.len() + 2
    }

    fn features(&self) -> usize {
        self.head.weight.dims()[0]
    }

    fn levels(&self) -> Vec<Level> {
        let level = |[stride, channels, group]: [usize; 3]| Level {
            stride,
            channels,
            stage: group + 2,
        };
        self.levels.map(level).to_vec()
    }

    fn run(&self, x: Tensor<4>, stage: usize) -> Tensor<4> {
        match stage {
            0 => hard_swish(self.stem.forward(x)),
            _ => match self.groups.get(stage - 1) {
                Some(group) => group.iter().fold(x, |x, block| block.forward(x)),
                None => hard_swish(self.last.forward(x)),
            },
        }
    }

    fn pool(&self, map: Tensor<4>) -> Tensor<2> {
        hard_swish(self.head.forward(adaptive_avg_pool2d(map, [1, 1]))).flatten(1, 3)
    }

    fn group(&self, stage: usize) -> ParamGroup {
        match stage {
            0 => ParamGroup::ids_from_module(self.stem.clone()),
            _ => match self.groups.get(stage - 1) {
                Some(group) => ParamGroup::ids_from_module(group.clone()),
                None => ParamGroup::ids_from_module((self.last.clone(), self.head.clone())),
            },
        }
    }

    fn freeze_norms(self) -> Self {
        let group = |group: Vec<InvertedResidual>| group.into_iter().map(InvertedResidual::freeze_norms).collect();
        Self {
            stem: self.stem.freeze_norm(),
            groups: self.groups.into_iter().map(group).collect(),
            last: self.last.freeze_norm(),
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
        if stage >= net.stages() {
            net.last = net.last.fold();
        }
        net
    }

    fn is_folded(&self) -> bool {
        // The stem is folded first, whatever the stage.
        self.stem.norm.is_none()
    }
}

/// The nearest multiple of 8, at least 8 and at most a tenth below.
fn rounded(channels: f64) -> usize {
    let near = 8.max((channels + 4.0) as usize / 8 * 8);
    if (near as f64) < 0.9 * channels { near + 8 } else { near }
}

/// A convolution with PyTorch's padding of half a kernel, and its BatchNorm.
fn conv_norm(channels: [usize; 2], kernel: usize, stride: usize, groups: usize, device: &Device) -> ConvNorm {
    let pad = kernel / 2;
    let conv = Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_groups(groups)
        .with_padding(PaddingConfig2d::Explicit(pad, pad, pad, pad))
        .with_bias(false);
    ConvNorm::init(&conv, &BatchNormConfig::new(channels[1]), device)
}
