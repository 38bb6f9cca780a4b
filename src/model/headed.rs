//! A backbone with a task's head.

use super::backbone::Backbone;
use super::head::{Features, Head, Outputs};
use crate::error::Result;
use burn::module::Module;
use burn::tensor::Tensor;

/// A backbone and a head: images in, a task's outputs out.
#[derive(Module, Debug)]
pub struct Model {
    /// Images to features.
    pub backbone: Backbone,
    /// Features to outputs.
    pub head: Head,
}

impl Model {
    /// The outputs of images `[n, 3, height, width]`, normalised as the backbone expects.
    ///
    /// # Errors
    ///
    /// As [`Head::forward`].
    pub fn forward(&self, images: Tensor<4>) -> Result<Outputs> {
        self.forward_from(Cut::images(images))
    }

    /// The outputs of what a frozen backbone [made](Cut::of) below a stage.
    ///
    /// # Errors
    ///
    /// As [`Head::forward`].
    pub fn forward_from(&self, cut: Cut) -> Result<Outputs> {
        self.head.forward(self.features(cut))
    }

    /// What the head takes of what a frozen backbone [made](Cut::of) below a stage.
    pub(crate) fn features(&self, cut: Cut) -> Features {
        let Cut { below, map, stage } = cut;
        match &self.head {
            Head::Linear(_) => Features::Pooled(self.backbone.forward_from(map, stage)),
            Head::Dense(_) | Head::Detection(_) | Head::Segmentation(_) => {
                let above = self.backbone.pyramid_from(map, stage);
                Features::Maps(below.into_iter().chain(above).collect())
            }
        }
    }

    /// Lets the head and the last `n` stages of the backbone train, and freezes the rest.
    #[must_use]
    pub fn unfreeze_last(self, n: usize) -> Self {
        Self {
            backbone: self.backbone.unfreeze_last(n),
            head: self.head.unfreeze(),
        }
    }
}

/// What the stages below a cut make of images.
#[derive(Clone, Debug)]
pub struct Cut {
    /// The maps of the levels below the cut, the finest first; none where the head takes pooled features.
    pub below: Vec<Tensor<4>>,
    /// The map that stage `stage` takes.
    pub map: Tensor<4>,
    /// The first stage above the cut.
    pub stage: usize,
}

impl Cut {
    /// Images, below which there is no stage.
    pub(crate) fn images(images: Tensor<4>) -> Self {
        Self {
            below: Vec::new(),
            map: images,
            stage: 0,
        }
    }

    /// What the stages of `backbone` below `stage` make of `images`, for a head that takes pooled features or, where it `is_pooled`
    /// not, maps.
    pub fn of(backbone: &Backbone, images: Tensor<4>, stage: usize, is_pooled: bool) -> Self {
        let (below, map) = match is_pooled {
            true => (Vec::new(), backbone.forward_until(images, stage)),
            false => backbone.pyramid_until(images, stage),
        };
        Self { below, map, stage }
    }

    /// The cuts of several batches as that of one.
    pub(super) fn cat(cuts: &[Self]) -> Option<Self> {
        let stage = cuts.first()?.stage;
        let below = (0..cuts[0].below.len()).map(|level| {
            let maps = cuts.iter().map(|cut| cut.below[level].clone());
            Tensor::cat(maps.collect(), 0)
        });
        Some(Self {
            below: below.collect(),
            map: Tensor::cat(cuts.iter().map(|cut| cut.map.clone()).collect(), 0),
            stage,
        })
    }

    /// The same numbers for a network that trains.
    #[must_use]
    pub fn autodiff(self) -> Self {
        Self {
            below: self.below.into_iter().map(Tensor::autodiff).collect(),
            map: self.map.autodiff(),
            stage: self.stage,
        }
    }
}
