//! Encoded pictures as features of a frozen network, to compare them by.

use super::inputs::antialiased;
use crate::columns::{bytes_inside, index_of};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::image::Image;
use crate::model::{FeatureModel, FrozenBackbone, Pretrained};
use crate::plan::Plan;
use crate::source::Memory;
use crate::synthetic::RowFeatures;
use crate::synthetic::quality::Matrix;
use arrow::array::RecordBatch;
use burn::tensor::Device;
use futures::future::BoxFuture;
use std::sync::Arc;

/// Pictures as their network's weights expect them, and its features of them: what a [`Gate`](crate::synthetic::Gate) compares encoded pictures by.
///
/// ```no_run
/// use millstream::rows::Labels;
/// use millstream::source::Parquet;
/// use millstream::synthetic::{Gate, GateSpec};
/// use millstream::task::PictureFeatures;
/// use millstream::{Context, Result};
/// use std::sync::Arc;
///
/// fn main() -> Result<()> {
///     let cx = Context::new()?;
///     let rows = cx.block_on(Parquet::open(&cx, "train.parquet"))?;
///     let labels = cx.block_on(Labels::scan(&cx, &rows, "label"))?;
///     let features = Arc::new(PictureFeatures::carried("image", &burn::tensor::Device::flex())?);
///     let spec = GateSpec::new(["image"]);
///     let gate = cx.block_on(Gate::fit_features(&cx, &rows, &labels, spec, features, &mut |_| ()))?;
///     # drop(gate);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct PictureFeatures {
    column: String,
    plain: Image,
    model: Arc<dyn FeatureModel>,
}

impl PictureFeatures {
    /// The carried network that [`carried`](Self::carried) takes.
    pub const NETWORK: &str = "efficientnet-lite0";

    /// Features of the pictures in `column` by the network that is carried, on `device`.
    ///
    /// # Errors
    ///
    /// As [`Pretrained::backbone`].
    pub fn carried(column: &str, device: &Device) -> Result<Self> {
        Self::load(column, &Pretrained::find(Self::NETWORK)?, device)
    }

    /// Features of the pictures in `column` by the network `pretrained`, on `device`.
    ///
    /// # Errors
    ///
    /// As [`Pretrained::backbone`].
    pub fn load(column: &str, pretrained: &Pretrained, device: &Device) -> Result<Self> {
        Ok(Self {
            column: column.to_owned(),
            plain: plain(pretrained),
            model: Arc::new(FrozenBackbone::load(pretrained, device)?),
        })
    }
}

/// How pictures become what the weights of `pretrained` expect, without augmentation.
pub(crate) fn plain(pretrained: &Pretrained) -> Image {
    let of = &pretrained.preprocessing;
    let plain = Image::new(of.size as u32)
        .normalize(of.normalisation.mean, of.normalisation.std)
        .interpolation(antialiased(of.interpolation).unwrap_or_default());
    match of.resize_size() {
        Some(size) => plain.resize_center_crop(size as u32),
        None => plain,
    }
}

/// The column of pictures alone. What files have as a struct with their bytes, as Hugging Face's `datasets` writes pictures, are these bytes.
fn encoded(rows: &RecordBatch, column: &str) -> Result<RecordBatch> {
    let values = rows.column(index_of(&rows.schema(), column)?);
    let values = Arc::clone(bytes_inside(values).unwrap_or(values));
    Ok(RecordBatch::try_from_iter_with_nullable([(column, values, true)])?)
}

impl RowFeatures for PictureFeatures {
    fn describe(&self) -> Plan {
        Plan::new("picture_features")
            .param("column", format_args!("{:?}", self.column))
            .param("network", self.model.name())
            .param("weights", self.model.weights())
            .param("kernels", self.model.kernels())
            .param("device", self.model.device())
            .input(Plan::of(&self.plain))
    }

    fn features<'a>(&'a self, cx: &'a Context, rows: &'a RecordBatch) -> BoxFuture<'a, Result<Matrix>> {
        Box::pin(async move {
            let width = self.model.width();
            if rows.num_rows() == 0 {
                return Matrix::new(Vec::new(), width);
            }
            let column = encoded(rows, &self.column)?;
            let positions: Vec<u64> = (0..column.num_rows() as u64).collect();
            let pictures = Memory::new(vec![column])?.image(&self.column, self.plain.clone())?;
            let pictures = pictures.take(cx, &positions).await?;
            let (model, column) = (Arc::clone(&self.model), self.column.clone());
            let made = cx.compute(move || model.features(&pictures, &column)).await?;
            Matrix::new(made, width)
        })
    }
}
