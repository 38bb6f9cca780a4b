//! What makes features of rows, whatever the rows are.

use super::backbone::Backbone;
use super::device;
use super::efficientnet::Frozen;
use super::headed::Cut;
use super::network::Level;
use super::normalisation::Normalisation;
use super::pretrained::Pretrained;
use crate::error::{Error, Result};
use crate::sink::tensor;
use arrow::array::RecordBatch;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;
use std::fmt::Debug;
use std::sync::Arc;

/// A frozen network that turns each row of a tensor column into a feature vector, which depends on that row alone.
pub trait FeatureModel: Debug + Send + Sync {
    /// The network's name. With [`weights`](Self::weights), [`kernels`](Self::kernels) and [`device`](Self::device) it is part of
    /// the key under which features are kept.
    fn name(&self) -> &str;

    /// A hash of its weights.
    fn weights(&self) -> &str;

    /// What multiplies and adds, and its version: another one rounds otherwise, and its features are others.
    fn kernels(&self) -> &str;

    /// The name of the device that it runs on.
    fn device(&self) -> &str;

    /// Features of a row.
    fn width(&self) -> usize;

    /// The features of `column` in `rows`, row by row: `rows * width` values.
    ///
    /// # Errors
    ///
    /// `Schema` where the column holds another tensor than the network takes; `Stage` where the network fails.
    fn features(&self, rows: &RecordBatch, column: &str) -> Result<Vec<f32>>;

    /// Uploads `column` of `rows` to the device, for [features](Self::features) that are asked for later: by one thread, while another
    /// waits for the features of the rows before. By default nothing is uploaded before they are asked for.
    ///
    /// # Errors
    ///
    /// As [`features`](Self::features).
    fn upload(self: Arc<Self>, rows: &RecordBatch, column: &str) -> Result<PendingFeatures>
    where
        Self: 'static,
    {
        let (rows, column) = (rows.clone(), column.to_owned());
        Ok(Box::new(move || self.features(&rows, &column)))
    }
}

/// Makes the features of rows that were [uploaded](FeatureModel::upload), as [`FeatureModel::features`] gives them.
pub type PendingFeatures = Box<dyn FnOnce() -> Result<Vec<f32>> + Send>;

/// A frozen [`Backbone`] that makes features of images `[3, height, width]`, or maps for stages that train.
#[derive(Debug)]
pub struct FrozenBackbone {
    net: Net,
    name: String,
    weights: String,
    width: usize,
    smallest: usize,
    stages: usize,
    levels: Vec<Level>,
    /// How levels become inputs, where that is known.
    normalisation: Option<Normalisation>,
    device: Device,
    device_name: String,
}

/// How the network is run.
#[derive(Debug)]
enum Net {
    /// By loops of our own, for the network and the device that they were written for.
    Loops(Box<Frozen>),
    /// By Burn's, its BatchNorms folded.
    Burn(Box<Backbone>),
}

impl FrozenBackbone {
    /// Images that go through the network together on other devices than the processor: always so many, so that the same kernels
    /// run, whatever is asked for together.
    const BATCH: usize = 32;

    /// Loads the weights of `pretrained` on `device`.
    ///
    /// # Errors
    ///
    /// As [`Pretrained::backbone`]; `Stage` where the weights cannot be read back from their device.
    pub fn load(pretrained: &Pretrained, device: &Device) -> Result<Self> {
        let device = device.clone().without_autodiff();
        let (backbone, weights) = pretrained.hashed_backbone(&device)?;
        let frozen = Self::new(&backbone, pretrained.architecture.to_string(), weights)?;
        Ok(frozen.normalised_by(pretrained.preprocessing.normalisation))
    }

    /// Takes pictures of levels (u8) as well, which are normalised by `normalisation` on the device. [Loaded](Self::load) weights say
    /// how.
    #[must_use]
    pub fn normalised_by(self, normalisation: Normalisation) -> Self {
        Self {
            normalisation: Some(normalisation),
            ..self
        }
    }

    /// `backbone` on the device on which it is. Features are kept by its `name` and by `weights`, a hash of its weights.
    ///
    /// # Errors
    ///
    /// `Stage` where the weights cannot be read back from their device.
    pub fn new(backbone: &Backbone, name: impl Into<String>, weights: impl Into<String>) -> Result<Self> {
        let device = backbone
            .devices()
            .into_iter()
            .next()
            .unwrap_or_default()
            .without_autodiff();
        let net = match backbone {
            Backbone::EfficientNetLite0(net) if device::is_flex(&device) => Net::Loops(Box::new(Frozen::new(net)?)),
            _ => Net::Burn(Box::new(backbone.fold_below(backbone.stages()))),
        };
        Ok(Self {
            net,
            name: name.into(),
            weights: weights.into(),
            width: backbone.features(),
            smallest: backbone.smallest(),
            stages: backbone.stages(),
            levels: backbone.levels(),
            normalisation: None,
            device_name: device::name(&device),
            device,
        })
    }

    /// Number of stages of the network.
    pub fn stages(&self) -> usize {
        self.stages
    }

    /// The least height and width of images.
    pub fn smallest(&self) -> usize {
        self.smallest
    }

    /// Pooled features of images `[n, 3, height, width]`, image by image: `n * width` values. Those of an image do not depend
    /// on the others.
    ///
    /// # Errors
    ///
    /// `Config` for images that are smaller than [`Backbone::smallest`]; `Stage` where a tensor cannot be read back from its device.
    pub fn features_of(&self, images: Tensor<4>) -> Result<Vec<f32>> {
        let count = self.check(&images)?;
        match &self.net {
            Net::Loops(net) => net.features(images),
            Net::Burn(net) if device::is_flex(&self.device) => {
                let one = |at| read(net.forward_features(images.clone().narrow(0, at, 1)));
                let features: Result<Vec<_>> = (0..count).into_par_iter().map(one).collect();
                Ok(features?.concat())
            }
            Net::Burn(net) => {
                let mut features = Vec::with_capacity(count * self.width);
                for start in (0..count).step_by(Self::BATCH) {
                    let rows = Self::BATCH.min(count - start);
                    let some = images.clone().narrow(0, start, rows);
                    let mut whole = some.dims();
                    whole[0] = Self::BATCH - rows;
                    let some = match whole[0] {
                        0 => some,
                        _ => Tensor::cat(vec![some, Tensor::zeros(whole, &self.device)], 0),
                    };
                    features.extend(read(net.forward_features(some).narrow(0, 0, rows))?);
                }
                Ok(features)
            }
        }
    }

    /// What the stages below `stage` make of images `[n, 3, height, width]`, for a head that takes pooled features or, where it
    /// `is_pooled` not, maps: as [`Cut::of`], up to rounding. On the processor the maps of an image do not depend on the others.
    ///
    /// # Errors
    ///
    /// As [`features_of`](Self::features_of), and `Config` for no image.
    pub fn cut(&self, images: Tensor<4>, stage: usize, is_pooled: bool) -> Result<Cut> {
        let count = self.check(&images)?;
        match &self.net {
            Net::Loops(net) => {
                let levels = self.levels.iter().map(|level| level.stage);
                let levels = levels.filter(|&level| !is_pooled && level < stage);
                let mut maps = net.maps(images, &levels.chain([stage]).collect::<Vec<_>>())?;
                let map = maps.pop().ok_or_else(|| Error::stage("the network made no map"))?;
                Ok(Cut {
                    below: maps,
                    map,
                    stage,
                })
            }
            Net::Burn(net) if device::is_flex(&self.device) => {
                let one = |at| Cut::of(net, images.clone().narrow(0, at, 1), stage, is_pooled);
                let cuts: Vec<Cut> = (0..count).into_par_iter().map(one).collect();
                Cut::cat(&cuts).ok_or_else(|| Error::config("there are no images to make maps of"))
            }
            Net::Burn(net) => Ok(Cut::of(net, images, stage, is_pooled)),
        }
    }

    /// The maps of all levels of images `[n, 3, height, width]`, from fine to coarse: as [`Backbone::pyramid`], up to rounding. On the
    /// processor the maps of an image do not depend on the others.
    ///
    /// # Errors
    ///
    /// As [`cut`](Self::cut).
    pub fn pyramid(&self, images: Tensor<4>) -> Result<Vec<Tensor<4>>> {
        let count = self.check(&images)?;
        match &self.net {
            Net::Loops(net) => net.maps(images, &self.levels.iter().map(|level| level.stage).collect::<Vec<_>>()),
            Net::Burn(net) if device::is_flex(&self.device) => {
                let one = |at| net.pyramid(images.clone().narrow(0, at, 1));
                let all: Vec<Vec<Tensor<4>>> = (0..count).into_par_iter().map(one).collect();
                if all.is_empty() {
                    return Err(Error::config("there are no images to make maps of"));
                }
                let level = |level: usize| Tensor::cat(all.iter().map(|maps| maps[level].clone()).collect(), 0);
                Ok((0..self.levels.len()).map(level).collect())
            }
            Net::Burn(net) => Ok(net.pyramid(images)),
        }
    }

    /// The pictures in `column` of `rows` as inputs on the device: floats as they are, levels normalised.
    ///
    /// # Errors
    ///
    /// As [`Normalisation::inputs`], and `Config` for levels where it is not known how they are normalised.
    pub(crate) fn inputs(&self, rows: &RecordBatch, column: &str) -> Result<Tensor<4>> {
        match self.normalisation {
            Some(normalisation) => normalisation.inputs(rows, column, &self.device),
            None if tensor::is_u8(rows, column)? => Err(Error::config(format!(
                "column \"{column}\" holds levels of u8, and how {} takes them is not said: use `normalised_by`",
                self.name
            ))),
            None => tensor::floats(rows, column, &self.device),
        }
    }

    /// Refuses images that are too small; their number.
    fn check(&self, images: &Tensor<4>) -> Result<usize> {
        let [count, _, height, width] = images.dims();
        match height.min(width) < self.smallest {
            true => Err(Error::config(format!(
                "images have {height} x {width} pixels; {0} takes {1} x {1} and more",
                self.name, self.smallest
            ))),
            false => Ok(count),
        }
    }
}

impl FeatureModel for FrozenBackbone {
    fn name(&self) -> &str {
        &self.name
    }

    fn weights(&self) -> &str {
        &self.weights
    }

    fn kernels(&self) -> &str {
        match self.net {
            Net::Loops(_) => "own loops, version 2",
            Net::Burn(_) => "Burn 0.22",
        }
    }

    fn device(&self) -> &str {
        &self.device_name
    }

    fn width(&self) -> usize {
        self.width
    }

    fn features(&self, rows: &RecordBatch, column: &str) -> Result<Vec<f32>> {
        self.features_of(self.inputs(rows, column)?)
    }

    fn upload(self: Arc<Self>, rows: &RecordBatch, column: &str) -> Result<PendingFeatures> {
        let images = self.inputs(rows, column)?;
        Ok(Box::new(move || self.features_of(images)))
    }
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let values = tensor.into_data().try_into_vec();
    values.map_err(|error| Error::stage(error.to_string()))
}
