//! What makes features of rows, whatever the rows are.

use super::efficientnet::{EfficientNetLite0, Frozen};
use super::weights;
use crate::error::{Error, Result};
use crate::sink::tensor;
use arrow::array::RecordBatch;
use burn::tensor::Device;
use std::fmt::Debug;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

/// A frozen network that turns each row of a tensor column into a feature vector, which depends on that row alone.
pub trait FeatureModel: Debug + Send + Sync {
    /// The network's name. With [`weights`](Self::weights) and [`kernels`](Self::kernels) it is part of the key under which
    /// features are kept.
    fn name(&self) -> &str;

    /// A hash of its weights.
    fn weights(&self) -> &str;

    /// The version of what multiplies and adds: another one rounds otherwise, and its features are others.
    fn kernels(&self) -> u64;

    /// Features of a row.
    fn width(&self) -> usize;

    /// The features of `column` in `rows`, row by row: `rows * width` values.
    ///
    /// # Errors
    ///
    /// `Schema` where the column holds another tensor than the network takes; `Stage` where the network fails.
    fn features(&self, rows: &RecordBatch, column: &str) -> Result<Vec<f32>>;
}

/// A pretrained [`EfficientNetLite0`] that makes features of images `[3, height, width]`.
#[derive(Debug)]
pub struct FrozenBackbone {
    net: Frozen,
    weights: String,
    device: Device,
}

impl FrozenBackbone {
    /// What multiplies and adds in [`Frozen`].
    const KERNELS: u64 = 2;

    /// Loads the network from `weights`; it runs without autodiff, its BatchNorms folded.
    ///
    /// # Errors
    ///
    /// As [`weights::load_backbone`] and [`Frozen::new`].
    pub fn load(weights: impl AsRef<Path>) -> Result<Self> {
        let (path, device) = (weights.as_ref(), Device::flex());
        let net = Frozen::new(&weights::load_backbone(path, &device)?)?;
        let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
        Ok(Self {
            net,
            weights: format!("{:032x}", xxh3_128(&bytes)),
            device,
        })
    }
}

impl FeatureModel for FrozenBackbone {
    fn name(&self) -> &str {
        EfficientNetLite0::NAME
    }

    fn weights(&self) -> &str {
        &self.weights
    }

    fn kernels(&self) -> u64 {
        Self::KERNELS
    }

    fn width(&self) -> usize {
        EfficientNetLite0::FEATURES
    }

    fn features(&self, rows: &RecordBatch, column: &str) -> Result<Vec<f32>> {
        self.net.features(tensor::floats::<4>(rows, column, &self.device)?)
    }
}
