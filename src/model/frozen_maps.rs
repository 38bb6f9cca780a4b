//! Maps of a frozen network as features, so that they are kept like those.

use super::feature_model::{FeatureModel, FrozenBackbone, PendingFeatures};
use super::headed::Cut;
use crate::error::{Error, Result};
use arrow::array::RecordBatch;
use burn::tensor::{Device, Tensor};
use std::sync::Arc;

/// The stages of a [`FrozenBackbone`] below a cut: of each image of one size the map that the stage above them takes, as a vector.
#[derive(Debug)]
pub struct FrozenMaps {
    network: FrozenBackbone,
    name: String,
    stage: usize,
    /// Channels, rows and columns.
    shape: [usize; 3],
}

impl FrozenMaps {
    /// The stages of `network` below `stage`, for images of `size` x `size` pixels on `device`, which is that of the network.
    ///
    /// # Errors
    ///
    /// As [`FrozenBackbone::cut`].
    pub fn new(network: FrozenBackbone, stage: usize, size: usize, device: &Device) -> Result<Self> {
        let device = device.clone().without_autodiff();
        let cut = network.cut(Tensor::zeros([1, 3, size, size], &device), stage, true)?;
        let [_, channels, rows, columns] = cut.map.dims();
        Ok(Self {
            name: format!("{} below stage {stage}", network.name()),
            shape: [channels, rows, columns],
            network,
            stage,
        })
    }

    /// Channels, rows and columns of a map.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    fn maps_of(&self, images: Tensor<4>) -> Result<Vec<f32>> {
        let Cut { map, .. } = self.network.cut(images, self.stage, true)?;
        let values = map.into_data().try_into_vec();
        values.map_err(|error| Error::stage(error.to_string()))
    }
}

impl FeatureModel for FrozenMaps {
    fn name(&self) -> &str {
        &self.name
    }

    fn weights(&self) -> &str {
        self.network.weights()
    }

    fn kernels(&self) -> &str {
        self.network.kernels()
    }

    fn device(&self) -> &str {
        self.network.device()
    }

    fn width(&self) -> usize {
        self.shape.iter().product()
    }

    fn features(&self, rows: &RecordBatch, column: &str) -> Result<Vec<f32>> {
        self.maps_of(self.network.inputs(rows, column)?)
    }

    fn upload(self: Arc<Self>, rows: &RecordBatch, column: &str) -> Result<PendingFeatures> {
        let images = self.network.inputs(rows, column)?;
        Ok(Box::new(move || self.maps_of(images)))
    }
}
