//! Vision transformers: ViT, DeiT and DINOv2.

use super::architecture::{Architecture, Known};
use super::bicubic::bicubic;
use super::network::{Level, Network};
use super::normalisation::Normalisation;
use super::preprocessing::{Interpolation, Preprocessing};
use crate::error::{Error, Result};
use burn::module::{Module, Param, ParamGroup};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use serde::Deserialize;

/// A vision transformer (Dosovitskiy et al. 2020, arXiv:2010.11929) as in timm, with the forms that DeiT (arXiv:2012.12877) and DINOv2
/// (arXiv:2304.07193, arXiv:2309.16588) give it: LayerScale, and registers.
///
/// Stage 0 makes patches and adds positions, then each block is a stage; the last norm trains with the last block. Features are the
/// class token. Positions are interpolated to the patches of the images (bicubic, antialiased); images whose height or width is no
/// multiple of a patch get zeros below and to the right.
///
/// Between stages a map has the patches' tokens, and above them rows with the class token, registers and zeros that fill the row.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    patches: Conv2d,
    /// `[1, tokens, dim]`.
    positions: Param<Tensor<3>>,
    class: Param<Tensor<3>>,
    registers: Option<Param<Tensor<3>>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    /// Pixels of a patch, in height and width.
    patch: usize,
    /// Patches that positions are for, in height and width.
    grid: usize,
    /// Tokens that are no patches.
    prefix: usize,
    /// Whether positions are for these, too.
    prefix_positions: bool,
}

/// Image and patch in pixels, channels, blocks, heads, whether there is LayerScale, and registers.
type Size = (usize, usize, usize, usize, usize, bool, usize);

/// Sizes by name.
const SIZES: [(&str, Size); 10] = [
    ("vit_tiny_patch16_224", (224, 16, 192, 12, 3, false, 0)),
    ("vit_small_patch16_224", (224, 16, 384, 12, 6, false, 0)),
    ("vit_base_patch16_224", (224, 16, 768, 12, 12, false, 0)),
    ("deit_tiny_patch16_224", (224, 16, 192, 12, 3, false, 0)),
    ("deit_small_patch16_224", (224, 16, 384, 12, 6, false, 0)),
    ("deit_base_patch16_224", (224, 16, 768, 12, 12, false, 0)),
    ("vit_small_patch14_dinov2", (518, 14, 384, 12, 6, true, 0)),
    ("vit_base_patch14_dinov2", (518, 14, 768, 12, 12, true, 0)),
    ("vit_large_patch14_dinov2", (518, 14, 1024, 24, 16, true, 0)),
    ("vit_small_patch14_reg4_dinov2", (518, 14, 384, 12, 6, true, 4)),
];

/// What timm's `model_args` may have.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arguments {
    img_size: Option<Side>,
    embed_dim: Option<usize>,
    depth: Option<usize>,
    num_heads: Option<usize>,
    /// Here images may always have another size, and are always filled up.
    #[serde(rename = "dynamic_img_size")]
    _any_size: Option<bool>,
    #[serde(rename = "dynamic_img_pad")]
    _padded: Option<bool>,
}

/// A height and width.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Side {
    Square(usize),
    Both([usize; 2]),
}

impl VisionTransformer {
    const fn known(name: &'static str, aliases: &'static [&'static str], preprocessing: Preprocessing) -> Known {
        Known {
            name,
            aliases,
            pool: "token",
            preprocessing,
        }
    }
}

const DEIT: Preprocessing = Preprocessing {
    interpolation: Interpolation::Bicubic,
    crop: 0.9,
    ..Preprocessing::IMAGENET
};

const VIT: Preprocessing = Preprocessing {
    normalisation: Normalisation {
        mean: [0.5; 3],
        std: [0.5; 3],
    },
    ..DEIT
};

const DINOV2: Preprocessing = Preprocessing {
    size: 518,
    crop: 1.0,
    ..DEIT
};

impl Network for VisionTransformer {
    const KNOWN: &'static [Known] = &[
        Self::known("vit_tiny_patch16_224", &[], VIT),
        Self::known("vit_small_patch16_224", &[], VIT),
        Self::known("vit_base_patch16_224", &[], VIT),
        Self::known("deit_tiny_patch16_224", &[], DEIT),
        Self::known("deit_small_patch16_224", &[], DEIT),
        Self::known("deit_base_patch16_224", &[], DEIT),
        Self::known("vit_small_patch14_dinov2", &["dinov2_vits14"], DINOV2),
        Self::known("vit_base_patch14_dinov2", &["dinov2_vitb14"], DINOV2),
        Self::known("vit_large_patch14_dinov2", &["dinov2_vitl14"], DINOV2),
        Self::known("vit_small_patch14_reg4_dinov2", &[], DINOV2),
    ];

    const NOT_NEEDED: &'static [&'static str] = &["mask_token"];

    /// Those of timm.
    fn checkpoint_names(&self) -> Vec<(String, String)> {
        let pairs = [
            (r"^cls_token$", "backbone.class"),
            (r"^reg_token$", "backbone.registers"),
            (r"^pos_embed$", "backbone.positions"),
            (r"^patch_embed\.proj\.", "backbone.patches."),
            (r"^norm\.", "backbone.norm."),
            (r"^blocks\.(\d+)\.(norm\d)\.", "backbone.blocks.$1.$2."),
            (r"^blocks\.(\d+)\.attn\.", "backbone.blocks.$1."),
            (r"^blocks\.(\d+)\.mlp\.", "backbone.blocks.$1."),
            (r"^blocks\.(\d+)\.ls(\d)\.gamma$", "backbone.blocks.$1.scale$2"),
        ];
        pairs
            .map(|(theirs, ours)| (theirs.to_owned(), ours.to_owned()))
            .to_vec()
    }

    fn init(architecture: &Architecture, device: &Device) -> Result<Self> {
        let given: Arguments = architecture.args()?;
        let known = Self::KNOWN.iter().find(|known| known.is_called(architecture.name()));
        let size = SIZES
            .iter()
            .find(|(name, _)| known.is_some_and(|known| known.name == *name));
        let Some(&(_, (image, patch, dim, depth, heads, scaled, registers))) = size else {
            return Err(Error::config(format!("{architecture} is no vision transformer")));
        };
        let image = match given.img_size {
            None => image,
            Some(Side::Square(side)) => side,
            Some(Side::Both([height, width])) if height == width => height,
            Some(Side::Both(_)) => return Err(Error::config(format!("{architecture}: img_size is no square"))),
        };
        let (dim, depth) = (given.embed_dim.unwrap_or(dim), given.depth.unwrap_or(depth));
        let heads = given.num_heads.unwrap_or(heads);
        if dim == 0 || heads == 0 || dim % heads != 0 || depth == 0 || image < patch {
            let message = format!(
                "{architecture}: embed_dim has to be a multiple of num_heads, with a block and a patch at least"
            );
            return Err(Error::config(message));
        }
        let (width, side) = (dim as f64, (image / patch) as f64);
        let positions = side * side * width;
        let block = 12.0 * width * width + 15.0 * width;
        architecture.check_size(
            positions + 3.0 * (patch * patch) as f64 * width + depth as f64 * block,
            depth,
        )?;
        let (grid, prefix) = (image / patch, 1 + registers);
        let prefix_positions = registers == 0;
        let tokens = grid * grid + if prefix_positions { prefix } else { 0 };
        let random = |tokens: usize| {
            let values = Tensor::random([1, tokens, dim], Distribution::Normal(0.0, 0.02), device);
            Param::from_tensor(values)
        };
        let patches = Conv2dConfig::new([3, dim], [patch; 2]).with_stride([patch; 2]);
        Ok(Self {
            patches: patches.with_padding(PaddingConfig2d::Valid).init(device),
            positions: random(tokens),
            class: random(1),
            registers: (registers > 0).then(|| random(registers)),
            blocks: (0..depth).map(|_| Block::init(dim, heads, scaled, device)).collect(),
            norm: norm(dim, device),
            patch,
            grid,
            prefix,
            prefix_positions,
        })
    }

    fn stages(&self) -> usize {
        1 + self.blocks.len()
    }

    fn features(&self) -> usize {
        self.class.dims()[2]
    }

    /// One: the patches behind the last block, normalised.
    fn levels(&self) -> Vec<Level> {
        vec![Level {
            stride: self.patch,
            channels: self.features(),
            stage: self.stages(),
        }]
    }

    fn run(&self, x: Tensor<4>, stage: usize) -> Tensor<4> {
        if stage == 0 {
            return self.embed(x);
        }
        let [rows, columns] = self.patches_of(&x);
        let tokens = self.blocks[stage - 1].forward(self.tokens(x));
        let prefix = tokens.clone().narrow(1, 0, self.prefix);
        let patches = tokens.narrow(1, self.prefix, rows * columns);
        self.laid_out(prefix, patches, [rows, columns])
    }

    fn map(&self, x: Tensor<4>) -> Tensor<4> {
        let [rows, columns] = self.patches_of(&x);
        let [count, dim, ..] = x.dims();
        let patches = self.tokens(x).narrow(1, self.prefix, rows * columns);
        let patches = self.norm.forward(patches).swap_dims(1, 2);
        patches.reshape([count, dim, rows, columns])
    }

    fn pool(&self, map: Tensor<4>) -> Tensor<2> {
        self.norm.forward(self.tokens(map).narrow(1, 0, 1)).flatten(1, 2)
    }

    fn group(&self, stage: usize) -> ParamGroup {
        match stage {
            0 => ParamGroup::ids_from_module((
                (self.patches.clone(), self.positions.clone()),
                (self.class.clone(), self.registers.clone()),
            )),
            _ if stage == self.blocks.len() => {
                ParamGroup::ids_from_module((self.blocks[stage - 1].clone(), self.norm.clone()))
            }
            _ => ParamGroup::ids_from_module(self.blocks[stage - 1].clone()),
        }
    }
}

impl VisionTransformer {
    /// Patches of images with their positions, and the other tokens.
    fn embed(&self, images: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = images.dims();
        let short = [height, width].map(|len| len.next_multiple_of(self.patch) - len);
        let images = match short {
            [0, 0] => images,
            [below, right] => images.pad((0, right, 0, below), 0.0),
        };
        let patches = self.patches.forward(images);
        let [count, dim, rows, columns] = patches.dims();
        let patches = patches.reshape([count, dim, rows * columns]).swap_dims(1, 2);
        let mut prefix = self.class.val();
        if let Some(registers) = &self.registers {
            prefix = Tensor::cat(vec![prefix, registers.val()], 1);
        }
        let positions = self.positions.val();
        let (prefix, positions) = match self.prefix_positions {
            true => (
                prefix + positions.clone().narrow(1, 0, self.prefix),
                positions.narrow(1, self.prefix, self.grid * self.grid),
            ),
            false => (prefix, positions),
        };
        let patches = patches + self.interpolated(positions, [rows, columns]);
        self.laid_out(prefix.expand([count, self.prefix, dim]), patches, [rows, columns])
    }

    /// Positions `[1, patches, dim]` of the grid that the network was trained on, for another one.
    fn interpolated(&self, positions: Tensor<3>, [rows, columns]: [usize; 2]) -> Tensor<3> {
        if [rows, columns] == [self.grid; 2] {
            return positions;
        }
        let (dim, device) = (self.features(), positions.device());
        let weights = |len| Tensor::<2>::from_data(TensorData::new(bicubic(self.grid, len), [len, self.grid]), &device);
        let down = weights(rows).matmul(positions.reshape([self.grid, self.grid * dim]));
        let down = down.reshape([rows, self.grid, dim]);
        let across = weights(columns).unsqueeze::<3>().expand([rows, columns, self.grid]);
        across.matmul(down).reshape([1, rows * columns, dim])
    }

    /// Rows and columns of the patches in a map between stages.
    fn patches_of(&self, map: &Tensor<4>) -> [usize; 2] {
        let [_, _, rows, columns] = map.dims();
        [rows - self.prefix.div_ceil(columns), columns]
    }

    /// Tokens `[n, tokens, dim]` of a map between stages.
    fn tokens(&self, map: Tensor<4>) -> Tensor<3> {
        let [rows, columns] = self.patches_of(&map);
        let [count, dim, all, _] = map.dims();
        let tokens = map.reshape([count, dim, all * columns]).swap_dims(1, 2);
        let prefix = tokens.clone().narrow(1, 0, self.prefix);
        let patches = tokens.narrow(1, (all - rows) * columns, rows * columns);
        Tensor::cat(vec![prefix, patches], 1)
    }

    /// The map between stages of tokens.
    fn laid_out(&self, prefix: Tensor<3>, patches: Tensor<3>, [rows, columns]: [usize; 2]) -> Tensor<4> {
        let [count, _, dim] = patches.dims();
        let above = self.prefix.div_ceil(columns);
        let mut parts = vec![prefix];
        if above * columns > self.prefix {
            let fill = [count, above * columns - self.prefix, dim];
            parts.push(Tensor::zeros(fill, &patches.device()));
        }
        parts.push(patches);
        let tokens = Tensor::cat(parts, 1).swap_dims(1, 2);
        tokens.reshape([count, dim, above + rows, columns])
    }
}

/// Attention and a perceptron, each behind a norm and beside a shortcut.
#[derive(Module, Debug)]
struct Block {
    norm1: LayerNorm,
    qkv: Linear,
    proj: Linear,
    scale1: Option<Param<Tensor<1>>>,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
    scale2: Option<Param<Tensor<1>>>,
    heads: usize,
}

impl Block {
    fn init(dim: usize, heads: usize, scaled: bool, device: &Device) -> Self {
        let linear = |input, output| LinearConfig::new(input, output).init(device);
        let scale = || scaled.then(|| Param::from_tensor(Tensor::full([dim], 1e-5, device)));
        Self {
            norm1: norm(dim, device),
            qkv: linear(dim, 3 * dim),
            proj: linear(dim, dim),
            scale1: scale(),
            norm2: norm(dim, device),
            fc1: linear(dim, 4 * dim),
            fc2: linear(4 * dim, dim),
            scale2: scale(),
            heads,
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let scaled = |x: Tensor<3>, scale: &Option<Param<Tensor<1>>>| match scale {
            Some(scale) => x * scale.val().reshape([1, 1, -1]),
            None => x,
        };
        let x = x.clone() + scaled(self.attention(self.norm1.forward(x)), &self.scale1);
        let inner = self.fc2.forward(gelu(self.fc1.forward(self.norm2.forward(x.clone()))));
        x + scaled(inner, &self.scale2)
    }

    fn attention(&self, x: Tensor<3>) -> Tensor<3> {
        let [count, tokens, dim] = x.dims();
        let head = dim / self.heads;
        let qkv = self.qkv.forward(x).reshape([count, tokens, 3, self.heads, head]);
        let [q, k, v] = [0, 1, 2].map(|at| {
            let part = qkv.clone().narrow(2, at, 1).reshape([count, tokens, self.heads, head]);
            part.swap_dims(1, 2)
        });
        let weights = softmax(q.matmul(k.transpose()) / (head as f64).sqrt(), 3);
        let mixed = weights.matmul(v).swap_dims(1, 2);
        self.proj.forward(mixed.reshape([count, tokens, dim]))
    }
}

fn norm(dim: usize, device: &Device) -> LayerNorm {
    LayerNormConfig::new(dim).with_epsilon(1e-6).init(device)
}
