//! Predictions of a saved model.

use super::run_folder::RunFolder;
use super::{Classifier, EfficientNetLite0, Frozen, Normalisation};
use crate::context::Context;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::ext::DatasetExt;
use crate::files;
use crate::image::Image;
use crate::loader::Batch;
use crate::sink::tensor;
use crate::source::Parquet;
use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Predicts every row of the Parquet files `paths` with the model in the folder `model`.
///
/// The columns: `file`, `row_group`, `row` (inside the row group), `class` (a number), `name`, `probability` (of that
/// class, 0 to 1), `probabilities` (of all classes, in the order of the model's class names). `progress` is told the rows
/// done and the rows in all.
///
/// # Errors
///
/// Whatever loading the model and reading the images give; `Schema` where no image column is found.
pub fn predict(
    cx: &Context,
    model: impl AsRef<Path>,
    paths: &[String],
    image: Option<&str>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<RecordBatch> {
    let device = Device::flex();
    let (model, meta) = Classifier::load(model, &device)?;
    let backbone = Frozen::new(&model.backbone)?;
    let rows = cx.block_on(Parquet::open_all(cx, paths))?;
    let image = rows.find_image(image)?;
    let Normalisation { mean, std } = meta.normalisation;
    let rows = rows
        .columns(&[&image])?
        .image(&image, Image::new(meta.image_size as u32).normalize(mean, std))?;
    let total = rows.len().finite().unwrap_or(0);
    let (mut done, mut out) = (0, Vec::new());
    for batch in rows.loader(cx).batch_size(32).epochs(1).blocking()? {
        let batch = batch?;
        let images = tensor::floats::<4>(batch.rows(), &image, &device)?;
        let features = TensorData::new(backbone.features(images)?, [batch.len(), EfficientNetLite0::FEATURES]);
        let shares = softmax(model.forward_head(Tensor::from_data(features, &device)), 1).into_data();
        let shares: Vec<f32> = shares.try_to_vec().map_err(|error| Error::stage(error.to_string()))?;
        out.push(table(&batch, shares, &meta.classes)?);
        done += batch.len() as u64;
        progress(done, total);
    }
    let schema = out
        .first()
        .ok_or_else(|| Error::data("there are no rows to predict"))?
        .schema();
    Ok(concat_batches(&schema, &out)?)
}

/// The Parquet file that predictions go to.
#[derive(Clone, Debug)]
pub struct Output {
    path: PathBuf,
    overwrite: bool,
}

impl Output {
    /// The file at `path`; one that is there already is replaced if `overwrite` says so.
    pub fn new(path: impl Into<PathBuf>, overwrite: bool) -> Self {
        Self {
            path: path.into(),
            overwrite,
        }
    }

    /// Checks, before predictions of the files, folders or patterns `paths` by the model in the folder `model` are computed,
    /// that they can be written. Nothing is written.
    ///
    /// # Errors
    ///
    /// `Config` where the file is one of those that are read or belongs to the model, by whatever path or link, and where
    /// there is a folder or a device; `Exists` where there is a file that may not be replaced; `Io` where nothing can be
    /// written.
    pub fn check(&self, cx: &Context, model: impl AsRef<Path>, paths: &[String]) -> Result<()> {
        let failed = |message: &str| Error::config(message).context(self.path.display().to_string());
        let rows = cx.block_on(Parquet::open_all(cx, paths))?;
        let of_model: Vec<PathBuf> = RunFolder::new(model.as_ref()).outputs().collect();
        let of_data = rows.files().iter().map(|file| Path::new(&*file.path));
        files::refuse_input(&self.path, of_data.chain(of_model.iter().map(PathBuf::as_path)))?;
        if let Ok(found) = std::fs::metadata(&self.path) {
            if found.is_dir() {
                return Err(failed("this is a folder, and has to be a file"));
            }
            if !found.is_file() {
                return Err(failed("this is no file on disk: a device, or a pipe"));
            }
        }
        if !self.overwrite && std::fs::symlink_metadata(&self.path).is_ok() {
            return Err(files::there(&self.path));
        }
        files::check_folder(files::folder_of(&self.path))
    }

    /// Writes `rows`: whole, or not at all. Missing folders are made; where the path is a link, what it leads to is replaced.
    ///
    /// # Errors
    ///
    /// `Io` where the file cannot be written; `Exists` where there is one by now that may not be replaced.
    pub fn write(&self, rows: &RecordBatch) -> Result<()> {
        let path = self.path.as_path();
        let write = |out: &mut BufWriter<&File>| {
            let failed = |error| Error::io(path, error);
            let mut writer = ArrowWriter::try_new(out, rows.schema(), None).map_err(failed)?;
            writer.write(rows).map_err(failed)?;
            writer.finish().map(drop).map_err(failed)
        };
        match self.overwrite {
            true => files::write_whole(&path.canonicalize().unwrap_or_else(|_| path.to_owned()), write),
            false => files::write_new(path, write),
        }
    }
}

fn table(batch: &Batch, shares: Vec<f32>, classes: &[String]) -> Result<RecordBatch> {
    let places: Vec<_> = batch
        .traces()
        .into_iter()
        .filter_map(|trace| trace.places.into_iter().next())
        .collect();
    let best: Vec<usize> = shares.chunks_exact(classes.len()).map(largest).collect();
    let chosen = best
        .iter()
        .zip(shares.chunks_exact(classes.len()))
        .map(|(&class, shares)| shares[class]);
    let chosen = Float32Array::from_iter_values(chosen);
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let all = FixedSizeListArray::try_new(item, classes.len() as i32, Arc::new(Float32Array::from(shares)), None)?;
    let columns: [(&str, ArrayRef); 7] = [
        (
            "file",
            Arc::new(StringArray::from_iter_values(places.iter().map(|place| &*place.source))),
        ),
        (
            "row_group",
            Arc::new(UInt64Array::from_iter(places.iter().map(|place| place.row_group))),
        ),
        (
            "row",
            Arc::new(UInt64Array::from_iter_values(places.iter().map(|place| place.row))),
        ),
        (
            "class",
            Arc::new(Int64Array::from_iter_values(best.iter().map(|&class| class as i64))),
        ),
        (
            "name",
            Arc::new(StringArray::from_iter_values(best.iter().map(|&class| &classes[class]))),
        ),
        ("probability", Arc::new(chosen)),
        ("probabilities", Arc::new(all)),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, column)| (name, column, true)),
    )?)
}

fn largest(shares: &[f32]) -> usize {
    (1..shares.len()).fold(0, |best, class| if shares[class] > shares[best] { class } else { best })
}
