//! Maps of a frozen network as features, so that they are kept like those.

use super::feature_model::{FeatureModel, FrozenBackbone, PendingFeatures};
use super::headed::Cut;
use crate::error::{Error, Result};
use arrow::array::RecordBatch;
use burn::tensor::{Device, Tensor};
use std::sync::Arc;

/// Maps of a [`FrozenBackbone`] of images of one size, as one vector an image: the map that the stage above a cut takes, or those of
/// all levels.
#[derive(Debug)]
pub struct FrozenMaps {
    network: FrozenBackbone,
    name: String,
    /// The stage above the cut; none where the maps are those of all levels.
    stage: Option<usize>,
    shapes: MapShapes,
}

/// Channels, rows and columns of the maps of one image, in the order in which they stand in a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapShapes(pub Vec<[usize; 3]>);

impl MapShapes {
    /// Numbers of all maps of an image.
    pub fn width(&self) -> usize {
        self.0.iter().map(|shape| shape.iter().product::<usize>()).sum()
    }

    /// The maps `[n, channels, rows, columns]` in vectors `[n, width]`.
    pub fn split(&self, vectors: &Tensor<2>) -> Vec<Tensor<4>> {
        let [count, _] = vectors.dims();
        let mut from = 0;
        let map = |&[channels, rows, columns]: &[usize; 3]| {
            let many = channels * rows * columns;
            let map = vectors.clone().narrow(1, from, many);
            from += many;
            map.reshape([count, channels, rows, columns])
        };
        self.0.iter().map(map).collect()
    }
}

impl FrozenMaps {
    /// The stages of `network` below `stage`, for images of `height` x `width` pixels on `device`, which is that of the network.
    ///
    /// # Errors
    ///
    /// As [`FrozenBackbone::cut`].
    pub fn new(network: FrozenBackbone, stage: usize, size: [usize; 2], device: &Device) -> Result<Self> {
        Self {
            name: format!("{} below stage {stage}", network.name()),
            network,
            stage: Some(stage),
            shapes: MapShapes(Vec::new()),
        }
        .sized(size, device)
    }

    /// The maps of all levels of `network`, for images of `height` x `width` pixels on `device`, which is that of the network.
    ///
    /// # Errors
    ///
    /// As [`FrozenBackbone::pyramid`]; `Config` for a network without levels.
    pub fn pyramid(network: FrozenBackbone, size: [usize; 2], device: &Device) -> Result<Self> {
        Self {
            name: format!("{}, all levels", network.name()),
            network,
            stage: None,
            shapes: MapShapes(Vec::new()),
        }
        .sized(size, device)
    }

    fn sized(self, [height, width]: [usize; 2], device: &Device) -> Result<Self> {
        let device = device.clone().without_autodiff();
        let maps = self.maps(Tensor::zeros([1, 3, height, width], &device))?;
        let shape = |map: &Tensor<4>| {
            let [_, channels, rows, columns] = map.dims();
            [channels, rows, columns]
        };
        let shapes: Vec<_> = maps.iter().map(shape).collect();
        match shapes.is_empty() {
            true => Err(Error::config(format!("{} gives no maps", self.name))),
            false => Ok(Self {
                shapes: MapShapes(shapes),
                ..self
            }),
        }
    }

    /// Channels, rows and columns of the maps of an image.
    pub fn shapes(&self) -> &MapShapes {
        &self.shapes
    }

    fn maps(&self, images: Tensor<4>) -> Result<Vec<Tensor<4>>> {
        match self.stage {
            Some(stage) => {
                let Cut { map, .. } = self.network.cut(images, stage, true)?;
                Ok(vec![map])
            }
            None => self.network.pyramid(images),
        }
    }

    fn maps_of(&self, images: Tensor<4>) -> Result<Vec<f32>> {
        let [count, ..] = images.dims();
        let read = |map: Tensor<4>| {
            let values = map.into_data().try_into_vec::<f32>();
            values.map_err(|error| Error::stage(error.to_string()))
        };
        let mut maps = self.maps(images)?.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        if maps.len() == 1 {
            return Ok(maps.remove(0));
        }
        let mut all = Vec::with_capacity(maps.iter().map(Vec::len).sum());
        for image in 0..count {
            for map in &maps {
                let many = map.len() / count;
                all.extend_from_slice(&map[image * many..][..many]);
            }
        }
        Ok(all)
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
        self.shapes.width()
    }

    fn features(&self, rows: &RecordBatch, column: &str) -> Result<Vec<f32>> {
        self.maps_of(self.network.inputs(rows, column)?)
    }

    fn upload(self: Arc<Self>, rows: &RecordBatch, column: &str) -> Result<PendingFeatures> {
        let images = self.network.inputs(rows, column)?;
        Ok(Box::new(move || self.maps_of(images)))
    }
}
