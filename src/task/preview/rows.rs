//! The rows of a training, wherever one wants to look.

use super::belongings::Belongings;
use super::instances::Instances;
use super::phase::TrainingPhase;
use crate::columns::{index_of, shape_of, tensor_values};
use crate::dataset::{Dataset, Origin, Provenance, Stable};
use crate::error::{Error, Result, StoredRow};
use crate::exec::Context;
use crate::image::Pixels;
use crate::mix::Picked;
use crate::model::Normalisation;
use crate::plan::Plan;
use crate::quote::quoted;
use crate::rows::{Cached, Transformed};
use crate::synthetic::Generator;
use crate::task::bad_rows::{BadRow, marked};
use crate::task::datasets::Datasets;
use crate::task::definition::Split;
use crate::task::event::Callback;
use crate::task::finetune::Finetune;
use crate::task::loaders::FeatureRows;
use crate::task::prepare::Prepared;
use crate::task::spec::row_join::RowJoin;
use crate::task::strategy::Strategy;
use crate::task::training_order::{AsOneBlock, TrainingOrder};
use arrow::array::{Array, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::Schema;
use burn::tensor::Device;
use std::path::PathBuf;
use std::sync::Arc;

/// The rows that a part of a run trains on, by position. [`Preview::open`](super::Preview::open) opens them.
#[derive(Debug)]
pub struct PreviewRows {
    pub(super) cx: Context,
    pub(super) run: Finetune,
    pub(super) datasets: Datasets,
    pub(super) strategy: Strategy,
    pub(super) phase: TrainingPhase,
    pub(super) source: Source,
    /// Rows that the run goes on without.
    pub(super) bad: Vec<BadRow>,
    /// Which training rows are synthetic as they are stored: those of files that `generate sample` wrote, and those of which a column says so.
    pub(super) made: Vec<bool>,
    /// The class of each cell that the strategy is by; empty where it is by classes.
    pub(super) cell_classes: Vec<u32>,
    /// The masks of the objects, where the training files have them.
    pub(super) instances: Option<Instances>,
    normalisation: Normalisation,
}

/// Pictures of a synthetic row that are shown, of those that its features were made of.
pub(super) const MOST_PARENTS: usize = 2;

/// A picture, and what belongs to it.
pub(super) type Shown = (Pixels, Belongings);

/// What is trained on.
#[derive(Debug)]
pub(super) enum Source {
    /// Fixed views of each row: what is trained on is made of these pictures once.
    Views {
        images: Arc<dyn Stable>,
        order: Arc<TrainingOrder>,
        /// What makes new features of those of several pictures.
        generator: Option<Arc<dyn Generator>>,
    },
    /// New pictures at each position.
    Images {
        order: Arc<TrainingOrder>,
        rows: Arc<dyn Dataset>,
        /// The training rows without random augmentation.
        originals: Arc<dyn Stable>,
        /// What the stage makes of rows that are not synthetic as they are stored.
        origin: Origin,
    },
}

impl PreviewRows {
    /// The rows of `phase` of `run`; in the order of the features in `prepared`, where there are any.
    pub(in crate::task) fn new(
        cx: &Context,
        run: &Finetune,
        datasets: Datasets,
        strategy: &Strategy,
        phase: TrainingPhase,
        prepared: Option<&Prepared>,
        callback: Callback<'_>,
    ) -> Result<Self> {
        // Other devices are given levels, which they normalise themselves: of the same pictures.
        let run = run.clone().device(Device::flex());
        let is_made = |row| datasets.train.provenance(cx, row).origin == Origin::Synthetic;
        let made = (0..datasets.targets.len()).map(is_made).collect();
        let is_pooled = datasets.task.bind(&datasets.targets)?.head().is_pooled();
        let source = match (phase, prepared) {
            (TrainingPhase::Head, _) if !is_pooled && strategy.is_synthetic() => {
                Source::images(cx, &run, &datasets, strategy)?
            }
            (TrainingPhase::Deep, _) if !run.spec.train.fixed_views => Source::images(cx, &run, &datasets, strategy)?,
            (TrainingPhase::Head, Some(prepared)) if is_pooled => {
                let FeatureRows { order, generator, .. } = run.feature_rows(cx, prepared, strategy, callback)?;
                let images = Arc::clone(&run.images(&datasets)?[0]);
                Source::Views {
                    images,
                    order,
                    generator,
                }
            }
            _ => {
                strategy.check_chosen()?;
                let images = Arc::clone(&run.images(&datasets)?[0]);
                let targets = match datasets.targets.one_class() {
                    Some(_) => targets_alone(cx, &images, &datasets.label)?,
                    // Their order does not depend on what they are.
                    None => Arc::new(AsOneBlock(Arc::clone(&images))),
                };
                Source::Views {
                    order: {
                        let wanted = run.wanted(strategy, phase == TrainingPhase::Deep)?;
                        Arc::new(TrainingOrder::new(cx, targets, &datasets, &wanted)?)
                    },
                    images,
                    generator: None,
                }
            }
        };
        Ok(Self {
            cx: cx.with_seed(run.spec.seed),
            normalisation: run.spec.model.preprocessing()?.normalisation,
            instances: Instances::open(cx, &run.spec.data, &datasets.targets)?,
            run,
            strategy: strategy.clone(),
            cell_classes: cell_classes(&datasets, strategy)?,
            datasets,
            phase,
            source,
            made,
            bad: prepared.map(|prepared| prepared.bad.clone()).unwrap_or_default(),
        })
    }

    /// The part of the run.
    pub fn phase(&self) -> TrainingPhase {
        self.phase
    }

    /// How the training rows are chosen: what a strategy that is automatic has come to.
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// The files that are read, those of the weights too, and the folders that the data lies in.
    ///
    /// # Errors
    ///
    /// As [`ModelOptions::pretrained`](crate::task::ModelOptions::pretrained).
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        self.run.files_read(&self.datasets)
    }

    pub(super) fn order(&self) -> &TrainingOrder {
        match &self.source {
            Source::Views { order, .. } => order,
            Source::Images { order, .. } => order,
        }
    }

    /// The operation that joins rows of this part of the run, if there is one.
    pub(super) fn row_join(&self) -> Option<RowJoin<'_>> {
        let is_anew = matches!(self.source, Source::Images { .. });
        let join = self.run.spec.augment.row_join()?;
        (is_anew || !join.mixes_labels()).then_some(join)
    }

    /// Where the row at `position` comes from.
    pub(super) fn provenance(&self, position: u64) -> Provenance {
        self.provenance_under(&self.cx, position)
    }

    /// What made the row at `position`.
    pub(super) fn origin_at(&self, position: u64) -> Origin {
        self.provenance_under(&self.cx.for_origins(), position).origin
    }

    fn provenance_under(&self, cx: &Context, position: u64) -> Provenance {
        match &self.source {
            Source::Views { order, .. } => order.provenance(cx, position),
            Source::Images { rows, .. } => rows.provenance(cx, position),
        }
    }

    /// The first position of training epoch `epoch`, counted from 1: where its first step begins.
    pub(super) fn start(&self, epoch: u64) -> u64 {
        let (rows, batch) = (self.datasets.targets.len(), self.run.spec.train.batch_size.max(1));
        // Batches are cut at the end of a pass over what is trained on, which may be longer: it has all views.
        let pass = self.order().len().finite().unwrap_or(rows);
        let steps = (epoch - 1).saturating_mul(rows.div_ceil(batch));
        let (passes, step) = (steps / pass.div_ceil(batch), steps % pass.div_ceil(batch));
        passes
            .saturating_mul(pass)
            .saturating_add(step.saturating_mul(batch).min(pass))
    }

    /// The training epoch of a position that does not lie before epoch `first`.
    pub(super) fn epoch_of(&self, position: u64, first: u64) -> u64 {
        let mut epochs = first..=self.epochs();
        epochs.find(|&epoch| self.start(epoch + 1) > position).unwrap_or(first)
    }

    /// Epochs of this part of the run.
    pub(super) fn epochs(&self) -> u64 {
        match self.phase {
            TrainingPhase::Head => self.run.spec.train.epochs,
            TrainingPhase::Deep => self.run.spec.train.deep_epochs,
        }
    }

    /// Refuses an epoch that this part of the run has not.
    pub(super) fn check_epoch(&self, epoch: u64) -> Result<()> {
        match (1..=self.epochs()).contains(&epoch) {
            true if epoch > 2 && self.strategy.feedback.is_some() => Err(Error::config(format!(
                "epoch is {epoch}, whose shares follow from what the run reports of epoch {}: look at epoch 1 or 2",
                epoch - 2
            ))),
            true => Ok(()),
            false => Err(Error::config(format!(
                "epoch is {epoch}, and the phase {} has the epochs 1 to {}",
                self.phase.name(),
                self.epochs()
            ))),
        }
    }

    /// The training row that a position below the order is a view of, and which view.
    pub(super) fn row_and_view(&self, below: u64) -> (u64, u64) {
        let rows = self.datasets.targets.len().max(1);
        match &self.source {
            Source::Views { images, .. } => (below % rows, below / rows % images.views()),
            Source::Images { .. } => (below % rows, 0),
        }
    }

    /// Whether a training row is synthetic as it is stored.
    pub(super) fn is_made(&self, row: u64) -> bool {
        self.made.get(row as usize).is_some_and(|is_made| *is_made)
    }

    /// The pictures of what was `picked` at `position`, with what belongs to each: one, or those of the first two rows that the features are made of.
    pub(super) fn trained(&self, position: u64, picked: Picked) -> Result<Vec<Shown>> {
        match (&self.source, picked) {
            (Source::Views { images, .. }, Picked::Stored(below)) => self.levels(images, &[below]),
            (Source::Views { images, generator, .. }, Picked::Synthetic(sample)) => match generator {
                Some(generator) => {
                    let mut parents = generator.parents(&self.cx, sample);
                    parents.truncate(MOST_PARENTS);
                    self.levels(images, &parents)
                }
                None => Ok(Vec::new()),
            },
            (Source::Images { rows, .. }, _) => self.levels(rows, &[position]),
        }
    }

    /// A training row without random augmentation.
    pub(super) fn original(&self, row: u64) -> Result<Vec<Shown>> {
        match &self.source {
            Source::Views { images, .. } => self.levels(images, &[row]),
            Source::Images { originals, .. } => self.levels(originals, &[row]),
        }
    }

    /// The inputs of the network at `positions` of `rows`, as the pictures that they were before they were normalised, with what belongs to them.
    pub(super) fn levels(&self, rows: &dyn Dataset, positions: &[u64]) -> Result<Vec<Shown>> {
        let placed = |error: Error| {
            let at = error.index().and_then(|at| positions.get(at)).or(positions.first());
            let place = at.and_then(|&position| rows.provenance(&self.cx, position).places.into_iter().next());
            let error = match place {
                Some(place) => error.context(place.to_string()),
                None => error,
            };
            marked(error, "such a row can be skipped")
        };
        let taken = self.cx.block_on(rows.take(&self.cx, positions)).map_err(placed)?;
        let column = &self.datasets.image;
        let none = || {
            Error::config(format!(
                "the task {} makes no pictures of three channels of column {}, so there are none to show",
                self.datasets.task.name(),
                quoted(column)
            ))
        };
        let at = index_of(&taken.schema(), column).map_err(|_| none())?;
        let shape = shape_of(taken.schema().field(at));
        let &[3, height, width] = shape.as_slice() else {
            return Err(none());
        };
        let (list, values, per_row) = tensor_values(taken.column(at)).ok_or_else(none)?;
        let row = |row: usize| {
            let first = list.value_offset(row) as usize;
            let picture = self.picture(&values.values()[first..first + per_row], width, height);
            let belongings = Belongings::of(&taken, row, [picture.width, picture.height])?;
            Ok((picture, belongings))
        };
        (0..taken.num_rows()).map(row).collect()
    }

    fn picture(&self, values: &[f32], width: usize, height: usize) -> Pixels {
        let (mut pixels, places) = (Pixels::new(width as u32, height as u32), width * height);
        let Normalisation { mean, std } = self.normalisation;
        for (channel, plane) in values.chunks_exact(places).enumerate() {
            for (pixel, value) in pixels.levels.chunks_exact_mut(3).zip(plane) {
                pixel[channel] = ((value * std[channel] + mean[channel]) * 255.0).round() as u8;
            }
        }
        pixels
    }

    /// The stored place of a training row.
    pub(super) fn place(&self, row: u64) -> Option<StoredRow> {
        self.datasets.train.provenance(&self.cx, row).places.into_iter().next()
    }
}

impl Source {
    fn images(cx: &Context, run: &Finetune, datasets: &Datasets, strategy: &Strategy) -> Result<Self> {
        let images = run.image_rows(cx, datasets, strategy)?;
        let stage = datasets.task.stage(&run.input(datasets)?, Split::Evaluation)?;
        Ok(Self::Images {
            originals: Arc::new(Transformed::new(Arc::clone(&datasets.train), stage)?.views(1)?),
            origin: images.origin,
            order: images.order,
            rows: images.rows,
        })
    }
}

/// The class of each cell that `strategy` is by; empty where it is by classes. Of a cell with rows of several it is one of them: no row is made of such a cell.
fn cell_classes(datasets: &Datasets, strategy: &Strategy) -> Result<Vec<u32>> {
    let (Some(key), Some(labels)) = (&strategy.by, datasets.targets.one_class()) else {
        return Ok(Vec::new());
    };
    let cells = datasets.cells_of(key)?;
    let mut classes = vec![0; cells.names().len()];
    for (class, cell) in labels.iter().zip(cells.iter()) {
        classes[cell as usize] = class;
    }
    Ok(classes)
}

/// The targets of `images`, in the order in which features of them lie.
fn targets_alone(cx: &Context, images: &Arc<dyn Stable>, label: &str) -> Result<Arc<dyn Stable>> {
    let column = cx.block_on(images.column(cx, label))?;
    let views: Vec<&dyn Array> = (0..images.views()).map(|_| &*column as &dyn Array).collect();
    let schema = images.schema();
    let field = schema.field(index_of(&schema, label)?).clone();
    let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![concat(&views)?])?;
    Ok(Arc::new(Cached::new(Arc::clone(images), rows, Plan::new("targets"))?))
}
