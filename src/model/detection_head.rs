//! The head of an anchor-free detector.

use super::initial::Initial;
use super::map_head::{added, check, norm};
use crate::error::Result;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{GroupNorm, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// FCOS's head (Tian et al. 2019) on one map: maps of several depths are brought to the size of the finest one and added, and
/// convolutions look at the sum. Classes and boxes share them: on few pictures two towers, as the paper has them, learnt no more.
///
/// At each place it gives the logits of the classes, four numbers whose exponentials are the distances to the sides of a box in strides,
/// and the logit of the centreness.
#[derive(Module, Debug)]
pub struct DetectionHead {
    /// 1 x 1, one for each map.
    lateral: Vec<Conv2d>,
    /// Of their sum.
    norm: GroupNorm,
    /// 3 x 3, each with a normalisation.
    layers: Vec<Conv2d>,
    norms: Vec<GroupNorm>,
    /// 1 x 1, to the logits of the classes.
    classes: Conv2d,
    /// 1 x 1, to four distances and the centreness.
    boxes: Conv2d,
}

impl DetectionHead {
    /// Numbers at each place beside those of the classes: four distances and the centreness.
    pub const BESIDE: usize = 5;
    /// The probability of each class that a place begins with (Lin et al. 2017).
    const PRIOR: f32 = 0.01;
    /// The distances to the sides of a box that a place begins with, in strides.
    const DISTANCE: f32 = 3.0;
    /// The deviation of the last weights at first, as in the paper.
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
        check("a detector", classes, channels, width)?;
        let prior = -((1.0 - Self::PRIOR) / Self::PRIOR).ln();
        let distance = Self::DISTANCE.ln();
        let mut initial = Initial::new(seed, device);
        let lateral = channels
            .iter()
            .map(|&channels| Conv2dConfig::new([channels, width], [1, 1]));
        let layer = Conv2dConfig::new([width, width], [3, 3]).with_padding(PaddingConfig2d::Same);
        let last = |outputs: usize| Conv2dConfig::new([width, outputs], [1, 1]);
        Ok(Self {
            lateral: lateral.map(|config| initial.convolution(config)).collect(),
            norm: norm(width, device),
            layers: (0..depth).map(|_| initial.convolution(layer.clone())).collect(),
            norms: (0..depth).map(|_| norm(width, device)).collect(),
            classes: initial.last(last(classes), Self::DEVIATION, &vec![prior; classes]),
            boxes: initial.last(
                last(Self::BESIDE),
                Self::DEVIATION,
                &[distance, distance, distance, distance, 0.0],
            ),
        })
    }

    pub(super) fn forward(&self, maps: Vec<Tensor<4>>) -> Tensor<4> {
        let map = relu(self.norm.forward(added(&self.lateral, maps)));
        let layers = self.layers.iter().zip(&self.norms);
        let map = layers.fold(map, |map, (layer, norm)| relu(norm.forward(layer.forward(map))));
        Tensor::cat(vec![self.classes.forward(map.clone()), self.boxes.forward(map)], 1)
    }

    /// Numbers at each place.
    pub(super) fn outputs(&self) -> usize {
        let outputs = |last: &Conv2d| last.weight.dims()[0];
        outputs(&self.classes) + outputs(&self.boxes)
    }
}
