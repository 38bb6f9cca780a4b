//! Pictures as features of the frozen network that is carried.

use super::tables::Part;
use crate::columns::tensor_values;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::model::{FrozenBackbone, Pretrained};
use crate::synthetic::quality::Matrix;
use crate::task::{PictureFeatures, plain};
use crate::train::Extractor;
use arrow::array::Array;
use burn::tensor::Device;
use std::sync::Arc;

/// The network whose features are compared, where nothing else is said.
pub(super) const BACKBONE: &str = PictureFeatures::NETWORK;

/// The features of the pictures in column `image` of each part, as the network's weights expect them; `progress` is told what is under way, pictures done and
/// pictures in all.
pub(super) fn features(
    cx: &Context,
    parts: &[Part<'_>; 3],
    image: Option<&str>,
    device: &Device,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Matrix>> {
    let pretrained = Pretrained::find(BACKBONE)?;
    let plain = plain(&pretrained);
    let extractor = Extractor::new(FrozenBackbone::load(&pretrained, device)?);
    let all: u64 = parts.iter().map(|part| part.rows.len() as u64).sum();
    let (mut before, mut made) = (0, Vec::new());
    for part in parts {
        let column = part.files.find_image(image)?;
        let rows = part.files.clone().columns(&[&column])?.select(part.rows.clone())?;
        let images: Arc<dyn Stable> = Arc::new(rows.image(&column, plain.clone())?.views(1)?);
        let features = extractor.features(cx, images, &column, None, &mut |done| progress(before + done.done, all))?;
        before += part.rows.len() as u64;
        let rows = features.rows();
        let found = rows
            .column_by_name(Extractor::COLUMN)
            .and_then(tensor_values)
            .ok_or_else(|| Error::stage("the network made no features"))?;
        let (list, values, width) = found;
        let first = list.value_offset(0) as usize;
        made.push(Matrix::new(
            values.values()[first..first + list.len() * width].to_vec(),
            width,
        )?);
    }
    Ok(made)
}
