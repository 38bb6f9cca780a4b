//! What a frozen backbone makes of images: computed once for each row and view, and kept.

use super::chunks::{Chunks, Inputs};
use super::{EfficientNetLite0, Frozen, weights};
use crate::context::Context;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::loader::{Batch, Blocking, Feed, Loader, LoaderBuilder};
use crate::plan::Plan;
use crate::rows::{Cached, Classed, index_of, into_list, tensor_field, tensor_values};
use crate::sink::tensor;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{concat, concat_batches};
use arrow::datatypes::{Schema, SchemaRef};
use burn::tensor::Device;
use std::ops::Range;
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

    /// Hash of the weights' file.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Runs every row and view of `images` through the backbone once: the tensor column `column` (images `[3, h, w]`)
    /// becomes the column `features` (`[1280]`), all others stay.
    ///
    /// What was computed is kept under `cache`, in a folder that is named by the weights, the plan of `images` (its classes do
    /// not count) and, where that draws, the seed. Beside the features of 512 rows stands a hash of the tensors that they were
    /// made of. Where the files are in another [state](Plan::state) than when these were hashed last, the tensors are made and
    /// hashed again, which is little beside the backbone, and features of other tensors are computed again: features of other
    /// weights, images or augmentations cannot be picked up by mistake, and those of a copied dataset serve. `progress` is told
    /// the rows done and the rows in all.
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
        let below = images.describe();
        let seed = if below.draws() { cx.seed() } else { 0 };
        let key = Plan::new("key")
            .param("seed", seed)
            .input(plan.clone().input(below.without(Classed::<Arc<dyn Stable>>::NAME)))
            .fingerprint();
        let mut kept = cache.map(|cache| Chunks::open(cache.join(key), &below, seed));
        let feed = LoaderBuilder::new(Arc::new(Arc::clone(&images)), cx)
            .batch_size(Self::BATCH)
            .feed()?;
        let schema = features_schema(&images.schema(), column)?;
        let at = schema.index_of(Self::COLUMN)?;
        let own = Arc::new(schema.project(&[at])?);
        let mut chunks = Vec::new();
        for start in (0..total).step_by(Self::CHUNK as usize) {
            let rows = start..(start + Self::CHUNK).min(total);
            let mut made_of = |rows| inputs(&feed, rows, column);
            let found = match &mut kept {
                Some(kept) => kept.find(rows.clone(), &own, &mut made_of)?,
                None => None,
            };
            let chunk = if let Some(chunk) = found {
                chunk
            } else {
                let mut done = |done| progress(done, total);
                let (chunk, of) = self.chunk(&feed, rows.clone(), &own, column, &mut done)?;
                if let Some(kept) = &mut kept {
                    kept.keep(start, &chunk, of)?;
                }
                chunk
            };
            progress(rows.end, total);
            chunks.push(chunk);
        }
        let features = concat_batches(&own, &chunks)?;
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (index, field) in schema.fields().iter().enumerate() {
            columns.push(match index == at {
                true => Arc::clone(features.column(0)),
                false => in_views(cx, &*images, field.name())?,
            });
        }
        Cached::new(images, RecordBatch::try_new(schema, columns)?, plan)
    }

    /// The features of `rows`, and a hash of the tensors that they were made of.
    fn chunk(
        &self,
        feed: &Feed,
        rows: Range<u64>,
        schema: &SchemaRef,
        column: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(RecordBatch, String)> {
        let (mut batches, mut of) = (Vec::new(), Inputs::default());
        for batch in batches_of(feed, rows) {
            let batch = batch?;
            of.add(&batch, column)?;
            batches.push(self.forward(&batch, schema, column)?);
            progress(batch.cursor().position());
        }
        Ok((concat_batches(schema, &batches)?, of.finish()))
    }

    fn forward(&self, batch: &Batch, schema: &SchemaRef, column: &str) -> Result<RecordBatch> {
        let at = index_of(&batch.rows().schema(), column)?;
        // Checked before the network, whose activations may clamp a NaN away.
        finite(batch, batch.rows().column(at), || format!("\"{column}\" holds"))?;
        let images = tensor::floats::<4>(batch.rows(), column, &self.device)?;
        let features = into_list(schema.field(0), self.net.features(images)?)?;
        finite(batch, &features, || format!("of \"{column}\" the backbone made"))?;
        Ok(RecordBatch::try_new(Arc::clone(schema), vec![features])?)
    }
}

fn batches_of(feed: &Feed, rows: Range<u64>) -> Blocking {
    Blocking::from(Loader::new(feed.until(rows.end), feed.start().after(rows.start, 0)))
}

/// A hash of the tensors of `rows`.
fn inputs(feed: &Feed, rows: Range<u64>, column: &str) -> Result<String> {
    let mut of = Inputs::default();
    for batch in batches_of(feed, rows) {
        of.add(&batch?, column)?;
    }
    Ok(of.finish())
}

/// The column `name` of all rows, repeated for each view.
fn in_views(cx: &Context, images: &dyn Stable, name: &str) -> Result<ArrayRef> {
    let column = cx.block_on(images.column(cx, name))?;
    let views: Vec<&dyn Array> = (0..images.views()).map(|_| &*column as &dyn Array).collect();
    Ok(concat(&views)?)
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
                .map(|(value, (mean, std))| (value - mean) / std)
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
    let std = squares
        .iter()
        .map(|square| (square / n).sqrt() as f32)
        .map(|std| if std > 0.0 { std } else { 1.0 });
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
