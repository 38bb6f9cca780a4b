//! The head of a semantic segmentation.

use super::initial::Initial;
use super::map_head::{added, check, norm};
use crate::error::Result;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// A light head on maps of several depths: they are brought to the size of the finest one and added, and depthwise separable convolutions
/// look at the sum. At each place of the finest map it gives the logits of the classes.
#[derive(Module, Debug)]
pub struct SegmentationHead {
    /// 1 x 1, one for each map.
    lateral: Vec<Conv2d>,
    /// Of their sum.
    norm: GroupNorm,
    /// 3 x 3, each channel for itself.
    depthwise: Vec<Conv2d>,
    /// 1 x 1, behind each of these, with a normalisation.
    pointwise: Vec<Conv2d>,
    norms: Vec<GroupNorm>,
    /// 1 x 1, to the logits of the classes.
    last: Conv2d,
}

impl SegmentationHead {
    /// The deviation of the last weights at first.
    const DEVIATION: f32 = 0.01;

    /// A fresh head of so many `classes` for maps of so many `channels`, the finest first: `depth` layers of `width` channels, a multiple
    /// of 8.
    ///
    /// # Errors
    ///
    /// `Config` for no classes, no maps and another width.
    pub(super) fn init(
        classes: usize,
        [width, depth]: [usize; 2],
        channels: &[usize],
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        check("a segmentation", classes, channels, width)?;
        let mut initial = Initial::new(seed, device);
        let one = |input: usize| Conv2dConfig::new([input, width], [1, 1]);
        let depthwise = Conv2dConfig::new([width, width], [3, 3])
            .with_groups(width)
            .with_padding(PaddingConfig2d::Same);
        let lateral = channels.iter().map(|&channels| initial.convolution(one(channels)));
        let lateral = lateral.collect();
        let layers = (0..depth).map(|_| (initial.convolution(depthwise.clone()), initial.convolution(one(width))));
        let (depthwise, pointwise) = layers.unzip();
        let last = Conv2dConfig::new([width, classes], [1, 1]);
        Ok(Self {
            lateral,
            norm: norm(width, device),
            depthwise,
            pointwise,
            norms: (0..depth).map(|_| norm(width, device)).collect(),
            last: initial.last(last, Self::DEVIATION, &vec![0.0; classes]),
        })
    }

    pub(super) fn forward(&self, maps: Vec<Tensor<4>>) -> Tensor<4> {
        let map = relu(self.norm.forward(added(&self.lateral, maps)));
        let layers = self.depthwise.iter().zip(&self.pointwise).zip(&self.norms);
        let map = layers.fold(map, |map, ((depthwise, pointwise), norm)| {
            relu(norm.forward(pointwise.forward(depthwise.forward(map))))
        });
        self.last.forward(map)
    }

    /// Numbers at each place.
    pub(super) fn outputs(&self) -> usize {
        self.last.weight.dims()[0]
    }
}
