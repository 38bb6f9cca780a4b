use super::views::Views;
use crate::columns::{bytes_of, column_of_bytes, into_list, tensor_field};
use crate::dataset::{Blocks, Dataset, Len, Origin, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::buffers::BufferPool;
use crate::exec::{Context, catch};
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::rng::Rng;
use arrow::array::{ArrayRef, Float32Array, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use rayon::prelude::*;
use std::fmt;
use std::sync::Arc;

/// What turns the encoded bytes of one row (an image, a sound) into a tensor, in one pass.
///
/// Implementors decode, augment and normalise back to back and write straight into the row's slot of the batch.
pub trait Stage: fmt::Debug + Send + Sync + 'static {
    /// The name under which it draws random numbers and reports errors.
    fn name(&self) -> &str;

    /// Shape of one row's tensor, `[channels, height, width]` for an image.
    fn shape(&self) -> Vec<usize>;

    /// Whether it draws random numbers.
    fn is_random(&self) -> bool;

    /// Every parameter that decides the values, the decoder's name among them.
    fn params(&self) -> Vec<(String, String)>;

    /// Fills all of `out` (as many values as [`shape`](Self::shape) has) from `encoded`; what is in it before is not specified,
    /// because batches use the buffers of earlier ones. Without `rng` it must leave every
    /// random augmentation out.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes; the caller adds where they come from.
    fn apply(&self, encoded: &[u8], rng: Option<&mut Rng>, out: &mut [f32]) -> Result<()>;
}

/// A media stage over a column of encoded bytes; made by [`image`](crate::DatasetExt::image) and its like.
///
/// The column becomes a tensor column (`arrow.fixed_shape_tensor` of f32); all others stay.
#[derive(Debug)]
pub struct Staged<D, S> {
    inner: D,
    stage: Arc<S>,
    column: String,
    at: usize,
    schema: SchemaRef,
    spare: Arc<BufferPool<f32>>,
}

impl<D: Dataset, S: Stage> Staged<D, S> {
    /// Tensors that wait for their next use: a trainer drops a batch before it asks for the next one, and some drop two at a time.
    const SPARE: usize = 2;

    pub(crate) fn new(inner: D, column: &str, stage: S) -> Result<Self> {
        let below = inner.schema();
        let at = column_of_bytes(&below, column)?;
        let mut fields = below.fields().to_vec();
        fields[at] = Arc::new(tensor_field(column, &DataType::Float32, &stage.shape())?);
        let schema = Arc::new(Schema::new_with_metadata(fields, below.metadata().clone()));
        Ok(Self {
            inner,
            stage: Arc::new(stage),
            column: column.to_owned(),
            at,
            schema,
            spare: Arc::new(BufferPool::new(Self::SPARE, usize::MAX)),
        })
    }

    /// The rows at `positions`; those for which `plain` holds without random augmentation.
    pub(super) fn prepare_views(&self, cx: &Context, positions: &[u64], plain: impl Fn(u64) -> bool) -> Prepared {
        let keys: Vec<Option<u64>> = positions.iter().map(|&p| (!plain(p)).then_some(p)).collect();
        let (stage, cx2, at, schema) = (Arc::clone(&self.stage), cx.clone(), self.at, Arc::clone(&self.schema));
        let label = format!("{} \"{}\"", self.stage.name(), self.column);
        let spare = Arc::clone(&self.spare);
        self.inner.prepare(cx, positions).and_then(move |rows| async move {
            let encoded = Arc::clone(rows.column(at));
            let cx = cx2.clone();
            let work = move || {
                let len = stage.shape().iter().product::<usize>() * keys.len();
                let mut out = spare.take(len);
                run(&*stage, &cx2, &label, &encoded, &keys, &mut out)?;
                Ok(Float32Array::new(
                    ScalarBuffer::new(spare.lend(out).into(), 0, len),
                    None,
                ))
            };
            let tensor = cx.compute(work).await?;
            let mut columns = rows.columns().to_vec();
            columns[at] = into_list(schema.field(at), tensor)?;
            Ok(RecordBatch::try_new(schema, columns)?)
        })
    }

    pub(super) fn origin(&self, origin: Origin, plain: bool) -> Origin {
        if origin == Origin::Real && self.stage.is_random() && !plain {
            Origin::Augmented
        } else {
            origin
        }
    }

    pub(super) fn column(&self) -> &str {
        &self.column
    }

    pub(super) fn inner(&self) -> &D {
        &self.inner
    }
}

impl<D: Stable, S: Stage> Staged<D, S> {
    /// Pins the augmentation: a dataset of `views` times as many rows, of which view 0 is each row without random
    /// augmentation and every further view one draw of it.
    ///
    /// What a frozen backbone makes of a view can then be computed once and kept. Validation data has one view.
    pub fn views(self, views: u64) -> Views<D, S> {
        Views::new(self, views)
    }
}

fn run<S: Stage>(
    stage: &S,
    cx: &Context,
    label: &str,
    encoded: &ArrayRef,
    keys: &[Option<u64>],
    out: &mut [f32],
) -> Result<()> {
    out.par_chunks_mut((out.len() / keys.len().max(1)).max(1))
        .zip(keys.par_iter())
        .enumerate()
        .try_for_each(|(row, (slot, key))| {
            if cx.stopped() {
                return Err(Error::stage("the loader was dropped"));
            }
            let mut rng = key.map(|position| Rng::new(cx.seed(), stage.name(), position));
            let bytes = bytes_of(encoded, row).ok_or_else(|| Error::data("the value is null"));
            bytes
                .and_then(|bytes| catch(|| stage.apply(bytes, rng.as_mut(), slot)))
                .map_err(|error| error.context(label).at(row))
        })
}

impl<D: Dataset, S: Stage> Dataset for Staged<D, S> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn len(&self) -> Len {
        self.inner.len()
    }

    fn blocks(&self) -> Blocks {
        self.inner.blocks()
    }

    fn describe(&self) -> Plan {
        let plan = Plan::new(self.stage.name()).param("column", &self.column);
        let plan = self
            .stage
            .params()
            .into_iter()
            .fold(plan, |plan, (key, value)| plan.param(key, value));
        let plan = if self.stage.is_random() { plan.random() } else { plan };
        plan.input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        self.prepare_views(cx, positions, |_| false)
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let trace = self.inner.provenance(cx, position);
        Provenance {
            origin: self.origin(trace.origin, false),
            ..trace
        }
    }
}
