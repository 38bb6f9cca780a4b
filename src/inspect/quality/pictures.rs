//! Pictures as features of the frozen network that is carried.

use super::tables::Part;
use crate::columns::tensor_values;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::{Image, Reading};
use crate::model::{FeatureModel, FrozenBackbone, Pretrained};
use crate::synthetic::quality::Matrix;
use crate::task::{PictureFeatures, plain};
use crate::train::Extractor;
use arrow::array::Array;
use burn::tensor::Device;
use std::sync::Arc;

/// The default network whose features are compared.
pub(in crate::inspect) const BACKBONE: &str = PictureFeatures::NETWORK;

/// The frozen network, and how pictures become what its weights expect.
pub(in crate::inspect) struct FrozenPictures {
    extractor: Extractor,
    stage: Image,
    width: usize,
}

impl FrozenPictures {
    /// The network that is carried, for pictures that are read as told.
    ///
    /// # Errors
    ///
    /// As [`Pretrained::find`] and [`FrozenBackbone::load`].
    pub(in crate::inspect) fn load(reading: Reading, device: &Device) -> Result<Self> {
        let pretrained = Pretrained::find(BACKBONE)?;
        let network = FrozenBackbone::load(&pretrained, device)?;
        Ok(Self {
            width: network.width(),
            extractor: Extractor::new(network),
            stage: plain(&pretrained).reading(reading),
        })
    }

    /// Features of a picture.
    pub(in crate::inspect) fn width(&self) -> usize {
        self.width
    }

    /// The features of the pictures in column `image` of `part`; `progress` is told pictures done.
    ///
    /// # Errors
    ///
    /// Whatever taking the pictures gives.
    pub(in crate::inspect) fn of(
        &self,
        cx: &Context,
        part: &Part<'_>,
        image: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Matrix> {
        let rows = part.files.clone().columns(&[image])?.select(part.rows.clone())?;
        let images: Arc<dyn Stable> = Arc::new(rows.image(image, self.stage.clone())?.views(1)?);
        let features = self
            .extractor
            .features(cx, images, image, None, &mut |done| progress(done.done))?;
        let rows = features.rows();
        let found = rows
            .column_by_name(Extractor::COLUMN)
            .and_then(tensor_values)
            .ok_or_else(|| Error::stage("the network made no features"))?;
        let (list, values, width) = found;
        let first = list.value_offset(0) as usize;
        Matrix::new(values.values()[first..first + list.len() * width].to_vec(), width)
    }
}

/// The features of the pictures in column `image` of each part, as the network's weights expect them; `progress` is told pictures done and pictures in all.
pub(super) fn features(
    cx: &Context,
    parts: &[Part<'_>; 3],
    image: Option<&str>,
    device: &Device,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Matrix>> {
    // Before the first of them goes through the network.
    let columns = parts.iter().map(|part| part.files.find_image(image));
    let columns: Vec<String> = columns.collect::<Result<_>>()?;
    let network = FrozenPictures::load(Reading::default(), device)?;
    let all: u64 = parts.iter().map(|part| part.rows.len() as u64).sum();
    let (mut before, mut made) = (0, Vec::new());
    for (part, column) in parts.iter().zip(&columns) {
        made.push(network.of(cx, part, column, &mut |done| progress(before + done, all))?);
        before += part.rows.len() as u64;
    }
    Ok(made)
}
