//! Features by a frozen network: computed once for each row and view, and kept.

use super::ahead::{Ahead, Batches};
use super::failed_rows::{FailedRows, take_row};
use super::feature_cache::{FeatureCache, InputHasher};
use super::feature_columns::{COLUMN, features_schema, finite, in_views, of_every_row, placed};
use super::feature_progress::{FeatureProgress, Pace};
use crate::columns::{gather_one, index_of, into_list, tensor_values};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Result};
use crate::exec::{Context, OwnThread};
use crate::loader::{Batch, Blocking, Fetcher, Loader, LoaderBuilder, is_replaceable};
use crate::model::{FeatureModel, PendingFeatures};
use crate::plan::Plan;
use crate::rows::{Cached, ClassEncoded};
use arrow::array::{RecordBatch, new_null_array};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// Runs a frozen network once over all rows and views, and keeps what it makes.
#[derive(Debug)]
pub struct Extractor {
    model: Arc<dyn FeatureModel>,
    /// Columns that the stage writes beside the images.
    beside: Vec<String>,
}

impl Extractor {
    /// The column that the features stand in.
    pub const COLUMN: &str = COLUMN;
    /// Images that are asked for at a time. Each runs through the network by itself, so this changes no feature.
    const BATCH: u64 = 32;
    /// Rows in one file of the cache at most, so that an interrupted run loses little.
    const CHUNK: u64 = 16 * Self::BATCH;
    /// Bytes of features in one file of the cache at most, but for [`BATCH`](Self::BATCH) rows.
    const CHUNK_BYTES: u64 = 64 << 20;

    /// Features by `model`.
    pub fn new(model: impl FeatureModel + 'static) -> Self {
        Self {
            model: Arc::new(model),
            beside: Vec::new(),
        }
    }

    /// Keeps `columns` with the features, row by row: what the stage that makes the images writes beside them, such as boxes, which are
    /// others in each view. All other columns are taken from the rows below and repeated for each view.
    #[must_use]
    pub fn keeping(mut self, columns: impl IntoIterator<Item = String>) -> Self {
        self.beside = columns.into_iter().collect();
        self
    }

    /// Rows in one file of the cache.
    fn chunk_rows(&self) -> u64 {
        let bytes = 4 * (self.model.width() as u64).max(1);
        let batches = Self::CHUNK_BYTES / bytes / Self::BATCH;
        Self::CHUNK.min(batches.max(1) * Self::BATCH)
    }

    /// Hash of the network's weights.
    pub(crate) fn weights(&self) -> &str {
        self.model.weights()
    }

    /// Runs every row and view of `images` through the network once: the tensor column `column` becomes the column `features`
    /// (`[width]`, as [`FeatureModel::width`] says), all others stay.
    ///
    /// What was computed is kept under `cache`, in a folder that is named by the weights, the plan of `images` (its classes do
    /// not count) and, where that draws, the seed. Beside the features of 512 rows stands a hash of the tensors that they were
    /// made of. Where the files are in another [state](Plan::state) than when these were hashed last, the tensors are made and
    /// hashed again, which is little beside the network, and features of other tensors are computed again: features of other
    /// weights, images or augmentations cannot be picked up by mistake, and those of a copied dataset serve. While the network
    /// works on a batch, the next one is [uploaded](FeatureModel::upload). `progress` is told how far it is after each batch.
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
        progress: &mut dyn FnMut(&FeatureProgress),
    ) -> Result<Cached> {
        self.features_except(cx, images, column, cache, None, progress)
    }

    /// As [`features`](Self::features); where `bad` is given, rows whose tensors or features cannot be made are noted there,
    /// and have features of NaN.
    pub(crate) fn features_except(
        &self,
        cx: &Context,
        images: Arc<dyn Stable>,
        column: &str,
        cache: Option<&Path>,
        mut bad: Option<&mut FailedRows>,
        progress: &mut dyn FnMut(&FeatureProgress),
    ) -> Result<Cached> {
        let total = images
            .len()
            .finite()
            .ok_or_else(|| Error::config("features need a dataset with an end"))?;
        let below = images.describe();
        let seed = below.draws().then(|| cx.seed());
        let plan = self.plan(column, seed);
        let key = plan
            .clone()
            .input(below.without(ClassEncoded::<Arc<dyn Stable>>::NAME))
            .fingerprint();
        let mut kept = cache.map(|cache| FeatureCache::open(cache.join(key), &below, seed.unwrap_or(0)));
        let fetcher = LoaderBuilder::new(Arc::new(Arc::clone(&images)), cx)
            .batch_size(Self::BATCH)
            .fetcher()?;
        let schema = self.schema(&images.schema(), column)?;
        let mut kept_columns = vec![schema.index_of(Self::COLUMN)?];
        for name in &self.beside {
            kept_columns.push(index_of(&schema, name)?);
        }
        let own = Arc::new(schema.project(&kept_columns)?);
        let images_below = Arc::clone(&images);
        let mut pass = Pass {
            extractor: self,
            cx,
            images: &*images_below,
            fetcher,
            column,
            schema: Arc::clone(&own),
            bad: bad.take(),
            thread: OwnThread::start("upload")?,
        };
        let mut pace = Pace::new(total);
        let mut chunks = Vec::new();
        let rows_of_chunk = self.chunk_rows();
        for start in (0..total).step_by(rows_of_chunk as usize) {
            let rows = start..(start + rows_of_chunk).min(total);
            let found = match &mut kept {
                Some(kept) => kept.find(rows.clone(), &own, &mut |rows| pass.inputs(rows))?,
                None => None,
            };
            let found = match found {
                Some(chunk) => pass.still(rows.clone(), chunk)?,
                None => None,
            };
            let chunk = if let Some(chunk) = found {
                chunk
            } else {
                pace.begin(rows.start);
                let (chunk, of) = pass.chunk(rows.clone(), &mut |done| progress(&pace.at(done)))?;
                pace.end(rows.end);
                if let Some(kept) = &mut kept {
                    kept.keep(start, &chunk, of)?;
                }
                chunk
            };
            progress(&pace.at(rows.end));
            chunks.push(chunk);
        }
        let features = concat_batches(&own, &chunks)?;
        let mut columns = Vec::with_capacity(schema.fields().len());
        for (index, field) in schema.fields().iter().enumerate() {
            columns.push(match kept_columns.iter().position(|kept| *kept == index) {
                Some(kept) => Arc::clone(features.column(kept)),
                None => in_views(cx, &*images, field.name())?,
            });
        }
        Cached::new(images, RecordBatch::try_new(schema, columns)?, plan)
    }

    /// Of the `features` of some images the rows `rows`, in all views, as the features of `images`, which are those rows alone.
    pub(crate) fn of_rows(
        &self,
        cx: &Context,
        features: &Cached,
        images: Arc<dyn Stable>,
        column: &str,
        rows: &[u64],
    ) -> Result<Cached> {
        let seed = images.describe().draws().then(|| cx.seed());
        let (all, views) = (features.rows().num_rows() as u64, images.views());
        let positions = (0..views).flat_map(|view| rows.iter().map(move |row| view * (all / views) + row));
        let positions: Vec<u64> = positions.collect();
        Cached::new(
            images,
            gather_one(features.rows(), &positions)?,
            self.plan(column, seed),
        )
    }

    /// What computes the features, and the seed of what they are computed from, where that is random: they are not drawn again
    /// under another one.
    fn plan(&self, column: &str, seed: Option<u64>) -> Plan {
        let plan = Plan::new(Self::COLUMN)
            .param("column", column)
            .param("backbone", self.model.name())
            .param("weights", self.model.weights())
            .param("kernels", self.model.kernels())
            .param("device", self.model.device());
        seed.into_iter().fold(plan, |plan, seed| plan.param("seed", seed))
    }

    /// The features of the images in `column` of `rows`, as `make` makes them; `place` says where one of them is stored.
    fn forward(
        &self,
        (rows, column): (&RecordBatch, &str),
        schema: &SchemaRef,
        make: impl FnOnce() -> Result<Vec<f32>>,
        place: &dyn Fn(usize) -> String,
    ) -> Result<RecordBatch> {
        let images = rows.column(index_of(&rows.schema(), column)?);
        // Checked before the network, whose activations may clamp a NaN away.
        finite(images, place, || format!("\"{column}\" holds"))?;
        let features = into_list(schema.field(0), make()?)?;
        finite(&features, place, || format!("of \"{column}\" the backbone made")).map_err(|error| {
            match of_every_row(&features) {
                // No row is to blame, and to leave some out would not help.
                true => Error::config(format!(
                    "of \"{column}\" the backbone made numbers that are not finite in all {} rows of a batch: its weights, or how \
                     pixels are normalised, are at fault",
                    rows.num_rows()
                )),
                false => error,
            }
        })?;
        let mut columns = vec![features];
        for name in &self.beside {
            columns.push(Arc::clone(rows.column(index_of(&rows.schema(), name)?)));
        }
        Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
    }

    /// Adds what the features and the columns beside them are made of.
    fn hash(&self, of: &mut InputHasher, rows: &RecordBatch, column: &str) -> Result<()> {
        of.add(rows, column)?;
        self.beside.iter().try_for_each(|name| of.add_column(rows, name))
    }

    /// The columns of `images` with features in place of `column`; those that are kept may be null, where a row cannot be made.
    pub(crate) fn schema(&self, images: &Schema, column: &str) -> Result<SchemaRef> {
        let schema = features_schema(images, column, self.model.width())?;
        let fields = schema
            .fields()
            .iter()
            .map(|field| match self.beside.contains(field.name()) {
                true => Arc::new(field.as_ref().clone().with_nullable(true)),
                false => Arc::clone(field),
            });
        Ok(Arc::new(Schema::new_with_metadata(
            fields.collect::<Vec<_>>(),
            schema.metadata().clone(),
        )))
    }
}

/// One pass over some images.
struct Pass<'a> {
    extractor: &'a Extractor,
    cx: &'a Context,
    images: &'a dyn Stable,
    fetcher: Arc<Fetcher>,
    column: &'a str,
    /// The features alone.
    schema: SchemaRef,
    /// Where rows are noted that cannot be made; none where such a row is an error.
    bad: Option<&'a mut FailedRows>,
    /// Uploads the batch after the one that the network works on.
    thread: OwnThread,
}

impl Pass<'_> {
    fn batches(&self, rows: Range<u64>) -> Loader {
        Loader::new(self.fetcher.until(rows.end), self.fetcher.start().after(rows.start, 0))
    }

    /// The batches of `rows`, each uploaded while the network works on the one before.
    fn uploaded(&self, rows: Range<u64>) -> Ahead<PendingFeatures> {
        let (model, column) = (Arc::clone(&self.extractor.model), self.column.to_owned());
        let upload = move |batch: &Batch| Arc::clone(&model).upload(batch.rows(), &column);
        Ahead::new(self.cx, self.batches(rows), upload, Some(self.thread.clone()))
    }

    /// A hash of the tensors of `rows`.
    fn inputs(&mut self, rows: Range<u64>) -> Result<String> {
        let (mut of, mut at) = (InputHasher::default(), rows.start);
        for batch in Blocking::from(self.batches(rows.clone())) {
            let part = at..(at + Extractor::BATCH).min(rows.end);
            at = part.end;
            match batch {
                Ok(batch) => self.extractor.hash(&mut of, batch.rows(), self.column)?,
                Err(error) if self.passes(&error) => {
                    for position in part {
                        match take_row(self.cx, self.images, position) {
                            Ok(row) => self.extractor.hash(&mut of, &row, self.column)?,
                            Err(error) if is_replaceable(&error) => of.add_bad(),
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(of.finish())
    }

    /// The features of `rows`, and a hash of the tensors that they were made of.
    fn chunk(&mut self, rows: Range<u64>, progress: &mut dyn FnMut(u64)) -> Result<(RecordBatch, String)> {
        let (mut made, mut of, mut at) = (Vec::new(), InputHasher::default(), rows.start);
        let mut batches = self.uploaded(rows.clone());
        while let Some(batch) = batches.next().transpose() {
            batches.begin_next();
            let part = at..(at + Extractor::BATCH).min(rows.end);
            at = part.end;
            let features = batch.and_then(|(batch, uploaded)| Ok((self.whole(&batch, uploaded)?, batch)));
            match features {
                Ok((features, batch)) => {
                    self.extractor.hash(&mut of, batch.rows(), self.column)?;
                    made.push(features);
                }
                Err(error) if self.passes(&error) => {
                    for position in part {
                        made.push(self.row(position, &mut of)?);
                    }
                }
                Err(error) => return Err(error),
            }
            progress(at);
        }
        Ok((concat_batches(&self.schema, &made)?, of.finish()))
    }

    /// `chunk`, the features that were kept of `rows`, if what is wrong with those that are NaN is so still.
    fn still(&mut self, rows: Range<u64>, chunk: RecordBatch) -> Result<Option<RecordBatch>> {
        let Some((list, values, width)) = tensor_values(chunk.column(0)) else {
            return Ok(None);
        };
        let first = |row: usize| values.value(list.value_offset(row) as usize);
        let unmade: Vec<u64> = rows
            .zip(0..)
            .filter(|&(_, row)| width > 0 && first(row).is_nan())
            .map(|(position, _)| position)
            .collect();
        if self.bad.is_none() && !unmade.is_empty() {
            return Ok(None);
        }
        for position in unmade {
            let row = self.row(position, &mut InputHasher::default())?;
            if !tensor_values(row.column(0)).is_some_and(|(_, values, _)| values.value(0).is_nan()) {
                return Ok(None);
            }
        }
        Ok(Some(chunk))
    }

    fn passes(&self, error: &Error) -> bool {
        self.bad.is_some() && is_replaceable(error)
    }

    fn whole(&self, batch: &Batch, uploaded: PendingFeatures) -> Result<RecordBatch> {
        let place = |row: usize| placed(batch.provenance().swap_remove(row));
        let rows = (batch.rows(), self.column);
        self.extractor.forward(rows, &self.schema, uploaded, &place)
    }

    /// The features of one row, which is noted where they cannot be made.
    fn row(&mut self, position: u64, of: &mut InputHasher) -> Result<RecordBatch> {
        let (cx, images) = (self.cx, self.images);
        let made = match take_row(cx, images, position) {
            Ok(row) => {
                self.extractor.hash(of, &row, self.column)?;
                let place = |_| placed(images.provenance(cx, position));
                let make = || self.extractor.model.features(&row, self.column);
                self.extractor.forward((&row, self.column), &self.schema, make, &place)
            }
            Err(error) => {
                of.add_bad();
                Err(error)
            }
        };
        match (made, &mut self.bad) {
            (Err(error), Some(bad)) => {
                bad.note(cx, images, position, error)?;
                let unmade = vec![f32::NAN; self.extractor.model.width()];
                let mut columns = vec![into_list(self.schema.field(0), unmade)?];
                let beside = self.schema.fields().iter().skip(1);
                columns.extend(beside.map(|field| new_null_array(field.data_type(), 1)));
                Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
            }
            (made, _) => made,
        }
    }
}
