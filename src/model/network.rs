//! What the file of one kind of network says of it.

use super::architecture::{Architecture, Known};
use crate::error::Result;
use burn::module::{Module, ParamGroup};
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

/// One kind of network, such as ResNet: a chain of stages from images to a last map, which is pooled into features.
///
/// [`Backbone`](super::Backbone) has all kinds, and everything that can be said in terms of these methods; a network in a file of
/// its own becomes one by a line in `src/model/backbone.rs`.
pub trait Network: Module + Sized {
    /// The architectures of this kind.
    const KNOWN: &'static [Known];

    /// Names in published checkpoints of PyTorch and ours: regular expressions, each replaced wherever it matches, in this
    /// order. Ours begin with `backbone.`, and with `head.` for the linear layer behind the pooled features.
    fn checkpoint_names(&self) -> Vec<(String, String)>;

    /// Tensors of published checkpoints that say nothing about features, by the end of their names.
    const NOT_NEEDED: &'static [&'static str] = &[];

    /// The least height and width of images.
    const SMALLEST: usize = 1;

    /// A network with random weights.
    ///
    /// # Errors
    ///
    /// `Config` for arguments that the network does not have.
    fn init(architecture: &Architecture, device: &Device) -> Result<Self>;

    /// Number of stages.
    fn stages(&self) -> usize;

    /// Number of pooled features.
    fn features(&self) -> usize;

    /// The maps inside the network that other heads can stand on, from fine to coarse.
    fn levels(&self) -> Vec<Level>;

    /// What `stage` makes of the map that the stage before it made; stage 0 takes images `[n, 3, height, width]`.
    fn run(&self, x: Tensor<4>, stage: usize) -> Tensor<4>;

    /// The map `[n, channels, rows, columns]` of a level, of what the stages below it made. Defaults to that itself.
    fn map(&self, x: Tensor<4>) -> Tensor<4> {
        x
    }

    /// Features `[n, features]` of the last map. Defaults to the mean over height and width.
    fn pool(&self, map: Tensor<4>) -> Tensor<2> {
        adaptive_avg_pool2d(map, [1, 1]).flatten(1, 3)
    }

    /// The parameters of `stage`.
    fn group(&self, stage: usize) -> ParamGroup;

    /// Freezes every BatchNorm. Defaults to a network without any.
    #[must_use]
    fn freeze_norms(self) -> Self {
        self
    }

    /// Folds the BatchNorms of the stages below `stage` into their convolutions. Defaults to a network without any.
    #[must_use]
    fn fold_below(&self, stage: usize) -> Self {
        let _ = stage;
        self.clone()
    }

    /// Whether a stage is folded. Defaults to a network without BatchNorms.
    fn is_folded(&self) -> bool {
        false
    }
}

/// A map inside a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Pixels of the image to one of the map, in height and width.
    pub stride: usize,
    /// Channels of the map.
    pub channels: usize,
    /// The map is what the stages below this one make: `forward_until(images, stage)`.
    pub stage: usize,
}

impl Level {
    /// Those of a stem that reduces to a quarter, stage 0, and groups of so many `channels`, each a stage, that halve the map from the
    /// second on: strides 8, 16 and 32.
    pub(super) fn of_groups(channels: &[usize]) -> Vec<Self> {
        let level = |group: usize| Self {
            stride: 4 << group,
            channels: channels[group],
            stage: group + 2,
        };
        (1..channels.len()).map(level).collect()
    }
}
