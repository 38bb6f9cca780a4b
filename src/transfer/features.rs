//! What a frozen backbone makes of images: computed once for each row and view, and kept.

use super::{EfficientNetLite0, Frozen, weights};
use crate::context::Context;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::kept;
use crate::loader::{Batch, Blocking, Feed, Loader, LoaderBuilder};
use crate::plan::Plan;
use crate::rows::{Cached, index_of, into_list, tensor_field, tensor_values};
use crate::sink::tensor;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use burn::tensor::Device;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// A frozen backbone that turns images into features.
#[derive(Debug)]
pub struct Extractor {
    net: Frozen,
    /// Hash of the weights' file.
    id: String,
    device: Device,
}

impl Extractor {
    /// The column that the features stand in.
    pub const COLUMN: &str = "features";
    /// Images that are asked for at a time. Each runs through the network by itself, so this changes no feature.
    const BATCH: u64 = 32;
    /// What multiplies and adds; another way rounds otherwise, and its features are others.
    const KERNELS: u64 = 2;
    /// Rows in one file of the cache, so that an interrupted run loses little.
    const CHUNK: u64 = 16 * Self::BATCH;

    /// Loads the backbone from `weights`; it runs without autodiff, its BatchNorms folded.
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
            id: format!("{:032x}", xxh3_128(&bytes)),
            device,
        })
    }

    /// Runs every row and view of `images` through the backbone once: the tensor column `column` (images `[3, h, w]`)
    /// becomes the column `features` (`[1280]`), all others stay.
    ///
    /// What was computed is kept under `cache`, in a folder that is named by the weights, the plan of `images` and, where
    /// that draws, the seed: features of other weights, images or augmentations cannot be picked up by mistake. `progress` is told the
    /// rows done and the rows in all.
    ///
    /// # Errors
    ///
    /// Whatever taking the images gives; `Data` where a feature is not finite, with its row; `Io` for the cache.
    pub fn features(
        &self,
        cx: &Context,
        images: Arc<dyn Stable>,
        column: &str,
        cache: Option<&Path>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Cached> {
        let total = images
            .len()
            .finite()
            .ok_or_else(|| Error::config("features need a dataset with an end"))?;
        let plan = Plan::new(Self::COLUMN)
            .param("column", column)
            .param("backbone", EfficientNetLite0::NAME)
            .param("weights", &self.id)
            .param("kernels", Self::KERNELS);
        let plan_below = images.describe();
        let seed = if plan_below.draws() { cx.seed() } else { 0 };
        let key = Plan::new("key")
            .param("seed", seed)
            .input(plan.clone().input(plan_below))
            .fingerprint();
        let folder = cache.map(|cache| cache.join(key));
        let feed = LoaderBuilder::new(Arc::new(Arc::clone(&images)), cx)
            .batch_size(Self::BATCH)
            .feed()?;
        let schema = features_schema(&images.schema(), column)?;
        let mut chunks = Vec::new();
        for start in (0..total).step_by(Self::CHUNK as usize) {
            let rows = start..(start + Self::CHUNK).min(total);
            let file = folder.as_ref().map(|folder| folder.join(format!("{start}.arrow")));
            let kept = file
                .as_ref()
                .and_then(|file| kept::read(file, &schema))
                .filter(|chunk| chunk.num_rows() as u64 == rows.end - rows.start);
            let chunk = if let Some(chunk) = kept {
                chunk
            } else {
                let chunk = self.chunk(&feed, rows.clone(), &schema, column, &mut |done| progress(done, total))?;
                if let Some(file) = file {
                    kept::write(&file, &chunk)?;
                }
                chunk
            };
            progress(rows.end, total);
            chunks.push(chunk);
        }
        Cached::new(images, concat_batches(&schema, &chunks)?, plan)
    }

    fn chunk(
        &self,
        feed: &Feed,
        rows: std::ops::Range<u64>,
        schema: &SchemaRef,
        column: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<RecordBatch> {
        let mut batches = Vec::new();
        for batch in Blocking::from(Loader::new(feed.until(rows.end), feed.start().after(rows.start, 0))) {
            let batch = batch?;
            batches.push(self.forward(&batch, schema, column)?);
            progress(batch.cursor().position());
        }
        Ok(concat_batches(schema, &batches)?)
    }

    fn forward(&self, batch: &Batch, schema: &SchemaRef, column: &str) -> Result<RecordBatch> {
        let at = index_of(&batch.rows().schema(), column)?;
        // Checked before the network, whose activations may clamp a NaN away.
        finite(batch, batch.rows().column(at), || format!("\"{column}\" holds"))?;
        let images = tensor::floats::<4>(batch.rows(), column, &self.device)?;
        let features = into_list(schema.field(at), self.net.features(images)?)?;
        finite(batch, &features, || format!("of \"{column}\" the backbone made"))?;
        let mut columns: Vec<ArrayRef> = batch.rows().columns().to_vec();
        columns[at] = features;
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }
}

/// Features with mean 0 and deviation 1, each dimension for itself, and what that took.
#[derive(Clone, Debug)]
pub struct Standardised {
    /// The rows, under the same names.
    pub rows: Arc<Cached>,
    /// Mean of each feature over all rows and views.
    pub mean: Vec<f32>,
    /// Standard deviation of each feature; 1 where it is constant.
    pub std: Vec<f32>,
}

impl Standardised {
    /// Standardises `features` by their own mean and deviation: give it training rows only.
    ///
    /// # Errors
    ///
    /// `Schema` where there is no column `features`.
    pub fn new(features: Cached) -> Result<Self> {
        let (rows, at) = (
            features.rows().clone(),
            index_of(&features.rows().schema(), Extractor::COLUMN)?,
        );
        let (_, values, width) =
            tensor_values(rows.column(at)).ok_or_else(|| Error::schema("\"features\" is no tensor of f32"))?;
        let (mean, std) = moments(values.values(), width);
        let standardised = values.values().chunks_exact(width).flat_map(|row| {
            row.iter()
                .zip(mean.iter().zip(&std))
                .map(|(&value, (&mean, &std))| standard(value, mean, std))
        });
        let column = into_list(rows.schema().field(at), standardised.collect::<Vec<_>>())?;
        let mut columns = rows.columns().to_vec();
        columns[at] = column;
        let rows = RecordBatch::try_new(rows.schema(), columns)?;
        let rows = Cached::new(Arc::new(features), rows, Plan::new("standardise"))?;
        Ok(Self {
            rows: Arc::new(rows),
            mean,
            std,
        })
    }
}

/// `value` in deviations from the mean: at most the root of the number of rows, however large the numbers themselves are.
fn standard(value: f32, mean: f32, std: f32) -> f32 {
    let apart = value - mean;
    if apart.is_finite() {
        return apart / std;
    }
    ((f64::from(value) - f64::from(mean)) / f64::from(std)) as f32
}

/// Mean and deviation of each of `width` features over the rows of `values`.
fn moments(values: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut sum, mut squares) = (vec![0.0_f64; width], vec![0.0_f64; width]);
    let n = (values.len() / width).max(1) as f64;
    for row in values.chunks_exact(width) {
        sum.iter_mut()
            .zip(row)
            .for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let mean: Vec<f64> = sum.iter().map(|sum| sum / n).collect();
    for row in values.chunks_exact(width) {
        let both = squares.iter_mut().zip(row.iter().zip(&mean));
        both.for_each(|(square, (&value, mean))| *square += (f64::from(value) - mean).powi(2));
    }
    // The mean of equal numbers may be off by their last bit, which is no deviation.
    let first = &values[..width.min(values.len())];
    let constant = |at: usize| values.iter().skip(at).step_by(width).all(|value| *value == first[at]);
    let std = squares.iter().enumerate().map(|(at, square)| {
        let std = (square / n).sqrt() as f32;
        if std > 0.0 && !constant(at) { std } else { 1.0 }
    });
    (mean.iter().map(|&mean| mean as f32).collect(), std.collect())
}

fn features_schema(images: &Schema, column: &str) -> Result<SchemaRef> {
    let at = index_of(images, column)?;
    let mut fields = images.fields().to_vec();
    fields[at] = Arc::new(tensor_field(Extractor::COLUMN, &[EfficientNetLite0::FEATURES])?);
    Ok(Arc::new(Schema::new_with_metadata(fields, images.metadata().clone())))
}

/// Refuses a NaN or an infinity, with the row that it is in.
fn finite(batch: &Batch, column: &ArrayRef, what: impl Fn() -> String) -> Result<()> {
    let Some((list, values, width)) = tensor_values(column) else {
        return Ok(());
    };
    let first = list.value_offset(0) as usize;
    let mut values = values.values()[first..first + list.len() * width].iter();
    let Some(bad) = values.position(|value| !value.is_finite()) else {
        return Ok(());
    };
    let place = batch.traces().swap_remove(bad / width).places.into_iter().next();
    let place = place.map_or_else(|| "a row".to_owned(), |place| place.to_string());
    Err(Error::data(format!("{} a number that is not finite", what())).context(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standardised_numbers_are_finite_however_large() {
        let (large, small) = (f32::MAX, f32::MIN_POSITIVE);
        // One feature a column: from end to end of f32, tiny, constant, and of the ordinary kind.
        let rows = [[large, 0.0, 0.1, 1.0], [-large, small, 0.1, 2.0], [-large, 0.0, 0.1, 6.0]];
        let (mean, std) = moments(&rows.concat(), 4);
        assert_eq!((mean[3], std[2], std[3]), (3.0, 1.0, (14.0_f32 / 3.0).sqrt()));
        let root = 3.0_f32.sqrt();
        for row in rows {
            for at in 0..4 {
                let found = standard(row[at], mean[at], std[at]);
                assert!(found.abs() <= root, "{at}: {found}");
            }
        }
        assert_eq!(standard(0.1, mean[2], std[2]), 0.0);
    }
}
