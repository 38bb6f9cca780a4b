//! Data and features, before anything trains.

use super::announced::check_bank;
use super::bad_rows::{BadRow, FilteredDatasets, marked};
use super::datasets::Datasets;
use super::definition::{Split, Task};
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::fixed_maps::input_size;
use super::on_bad_row::OnBadRow;
use super::row_masks::without;
use super::strategy::Strategy;
use super::targets::Targets;
use super::warnings;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::exec::lock::Lock;
use crate::image::Boxes;
use crate::model::{FrozenBackbone, FrozenMaps, MapShapes};
use crate::rows::{Cached, Key, MixedViews, Transformed};
use crate::spec::Spec;
use crate::train::failed_rows::FailedRows;
use crate::train::{Extractor, FeatureProgress, Standardised};
use burn::tensor::Tensor;
use std::sync::Arc;
use std::time::Instant;

/// Data and features that all strategies share.
#[derive(Debug)]
pub struct Prepared {
    /// The data.
    pub datasets: Datasets,
    /// The task, bound to the training rows.
    pub task: Arc<dyn Task>,
    /// Pooled features; none for a task whose head takes maps.
    pub features: Option<PooledFeatures>,
    /// Maps; none for a task whose head takes pooled features, and where they have no room in half of the memory: then they are made
    /// anew in each epoch.
    pub maps: Option<MapFeatures>,
    /// Rows that are not in it, because their pictures cannot be made.
    pub bad: Vec<BadRow>,
    /// What a reader of the figures has to know about the data.
    pub warnings: Vec<String>,
    /// Seconds that this took.
    pub seconds: f64,
    /// Keeps the run's folder from other processes until this is dropped.
    pub(super) _lock: Option<Lock>,
}

/// Features of a frozen backbone, which were computed once.
#[derive(Debug)]
pub struct PooledFeatures {
    /// Standardised features of the training rows, in all views.
    pub train: Standardised,
    /// Raw features of the validation rows.
    pub valid: Cached,
    /// Raw features of the selection rows.
    pub selection: Option<Cached>,
}

/// Maps of a frozen backbone, which were computed once.
#[derive(Debug)]
pub struct MapFeatures {
    /// Of the training rows, in all views.
    pub train: Arc<Cached>,
    /// Of the validation rows.
    pub valid: Cached,
    /// Of the selection rows.
    pub selection: Option<Cached>,
    /// The maps that stand in the column `features` of a row.
    pub shapes: MapShapes,
}

/// What a run needs before it writes anything: all that could be wrong with it is known by then.
pub(crate) struct RunInputs {
    pub(crate) datasets: Datasets,
    pub(crate) extractor: Extractor,
    /// Training images in all views, validation images and those for selection.
    pub(crate) images: Vec<Arc<dyn Stable>>,
    /// The maps that the extractor makes, where the head takes maps and they have room.
    pub(super) shapes: Option<MapShapes>,
}

impl Finetune {
    /// Opens the data.
    ///
    /// # Errors
    ///
    /// As [`Datasets::open`].
    pub fn datasets(&self, cx: &Context) -> Result<Datasets> {
        let spec = &self.spec;
        // A mask by which objects are pasted is read along.
        let mask = spec.augment.mask_column();
        let keys: Vec<&Key> = self.spec.balance.by.iter().collect();
        self.datasets_with(cx, mask, &keys)
    }

    /// As [`datasets`](Self::datasets), with the cells of the training rows by each of `keys`.
    fn datasets_with(&self, cx: &Context, mask: Option<&str>, keys: &[&Key]) -> Result<Datasets> {
        let (spec, seed) = (&self.spec, self.spec.seed);
        let datasets = Datasets::open_with(cx, &spec.data, spec.task.as_ref(), seed, (mask, keys))?;
        let datasets = match self.spec.holds_out() {
            Some(purpose) => datasets.with_selection(seed, purpose)?,
            None => datasets,
        };
        if let Some(join) = spec.augment.row_join() {
            // A task without objects says so, before a mask is missing somewhere.
            self.joining(&datasets, &self.input(&datasets)?, join)?;
        }
        for (rows, targets) in datasets.sets().zip(datasets.all_targets()) {
            check_many(cx, rows, targets)?;
        }
        Ok(datasets)
    }

    /// Opens the data and runs the frozen backbone once over every row and view, if the task's head takes pooled features. They
    /// are kept in [`out`](Self::out) if that is the folder of a run.
    ///
    /// # Errors
    ///
    /// Whatever opening, decoding and the feature cache give.
    pub fn prepare(&self, cx: &Context, callback: Callback<'_>) -> Result<Prepared> {
        let started = Instant::now();
        let inputs = self.inputs(cx, &[])?;
        self.extract(cx, inputs, started, callback)
    }

    /// Opens the data and loads the weights; refuses `strategies` that the classes do not allow.
    pub(crate) fn inputs(&self, cx: &Context, strategies: &[Strategy]) -> Result<RunInputs> {
        self.spec.check()?;
        // Before the data is read.
        self.augmentation()?;
        let mask = self.spec.augment.mask_column();
        let own = self.spec.balance.by.iter();
        let keys: Vec<&Key> = own
            .chain(strategies.iter().filter_map(|strategy| strategy.by.as_ref()))
            .collect();
        let datasets = self.datasets_with(cx, mask, &keys)?;
        if let OnBadRow::Replace { .. } = self.spec.data.on_bad_row {
            let labels = datasets.labels("replacing a bad row by another one of its class");
            labels.map_err(|error| {
                Error::new(error.kind(), format!("{error}: skip bad rows")).with_remedy(Remedy::BadRows)
            })?;
        }
        for strategy in strategies {
            strategy.check_for(&datasets, self.spec.train.batch_size)?;
            self.check_mixing(&datasets, strategy)?;
            self.check_fixed_views(&datasets, strategy)?;
        }
        let network = FrozenBackbone::load(&self.spec.model.pretrained()?, &self.spec.machine.device)?;
        self.check_network(&network)?;
        self.check_weights(&network)?;
        let images = self.images(&datasets)?;
        let joins = self.spec.train.unfreeze > 0 && self.spec.augment.row_join().is_some();
        if let Some(strategy) = strategies.first().filter(|strategy| joins && !strategy.auto) {
            // The pictures of the deep phase are put together once, so that what cannot be pasted or mixed is refused now.
            self.image_rows(cx, &datasets, strategy)?;
        }
        let (extractor, shapes) = self.extractor(cx, &datasets, network, &images)?;
        let check = |strategy| check_bank(cx, &datasets, strategy, (&extractor, &images[0]));
        strategies.iter().try_for_each(check)?;
        Ok(RunInputs {
            extractor,
            images,
            datasets,
            shapes,
        })
    }

    /// What makes of `images` what the head takes: pooled features, or maps where all of them have room in half of the memory.
    fn extractor(
        &self,
        cx: &Context,
        datasets: &Datasets,
        network: FrozenBackbone,
        images: &[Arc<dyn Stable>],
    ) -> Result<(Extractor, Option<MapShapes>)> {
        if datasets.task.bind(&datasets.targets)?.head().is_pooled() {
            return Ok((Extractor::new(network), None));
        }
        let size = input_size(&images[0], &datasets.image)?;
        let maps = FrozenMaps::pyramid(network, size, &self.spec.machine.device)?;
        let shapes = maps.shapes().clone();
        let rows = images.iter().filter_map(|images| images.len().finite()).sum::<u64>();
        // They lie in memory in pieces and as a whole while they are put together.
        let fits = rows.saturating_mul(4 * shapes.width() as u64) <= cx.memory() / 2;
        Ok((Extractor::new(maps), fits.then_some(shapes)))
    }

    /// Refuses weights that make of a plain picture what is no number: they would of every picture.
    fn check_weights(&self, network: &FrozenBackbone) -> Result<()> {
        /// Enough to run through all layers: a picture of the run may be so large that this takes minutes.
        const SIDE: usize = 224;
        let [width, height] = self.spec.model.input_size()?.map(|side| side.min(SIDE));
        let white = Tensor::ones([1, 3, height, width], &self.spec.machine.device);
        match network.features_of(white)?.iter().all(|feature| feature.is_finite()) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "{} makes numbers that are not finite of a plain picture: its weights are damaged, or those of another network",
                self.spec.model.backbone
            ))),
        }
    }

    /// Training images in all views, validation images and those for selection.
    pub(crate) fn images(&self, datasets: &Datasets) -> Result<Vec<Arc<dyn Stable>>> {
        let input = self.input(datasets)?;
        self.check_operations(datasets, &input)?;
        let images = |(at, rows): (usize, &Arc<dyn Stable>)| -> Result<Arc<dyn Stable>> {
            let (split, views, rows) = match (at, self.spec.augment.views) {
                (0, views) if views > 1 => (Split::Train, views, datasets.training_rows(&input)?),
                _ => (Split::Evaluation, 1, Arc::clone(rows)),
            };
            let stage = datasets.task.stage(&input, split)?;
            let images = Transformed::new(rows, stage)?.views(views)?;
            let join = self.spec.augment.row_join();
            // A label that is mixed needs a picture that is made anew.
            match join.filter(|join| split == Split::Train && !join.mixes_labels()) {
                None => Ok(Arc::new(images)),
                Some(join) => {
                    let joined = MixedViews::new(images, self.joining(datasets, &input, join)?)
                        .map_err(|error| self.spec.augment.at_row_join(error))?;
                    // The mask has served.
                    Ok(match join.mask_column() {
                        None => Arc::new(joined),
                        Some(mask) => Arc::new(without(joined, mask)?),
                    })
                }
            }
        };
        datasets.sets().enumerate().map(images).collect()
    }

    /// Runs the frozen backbone once over every row and view.
    pub(super) fn extract(
        &self,
        cx: &Context,
        inputs: RunInputs,
        started: Instant,
        callback: Callback<'_>,
    ) -> Result<Prepared> {
        let task = inputs.datasets.task.bind(&inputs.datasets.targets)?;
        let (is_pooled, shapes) = (task.head().is_pooled(), inputs.shapes.clone());
        let (datasets, features, bad) = match is_pooled || shapes.is_some() {
            true => {
                let (datasets, features, bad) = self.computed(cx, inputs, callback)?;
                (datasets, Some(features), bad)
            }
            false if self.spec.data.on_bad_row.is_fail() => (inputs.datasets, None, Vec::new()),
            false => {
                let (datasets, bad) = self.without_bad_rows(cx, inputs, callback)?;
                (datasets, None, bad)
            }
        };
        let pair = features.as_ref().map(|features| (&features.0[0], &features.0[1]));
        let warnings = warnings::of_data(cx, &datasets, pair, &bad)?;
        let (features, maps) = match (features, shapes) {
            (Some(features), Some(shapes)) => (None, Some(features.maps(shapes)?)),
            (Some(features), None) => (Some(features.standardised()?), None),
            (None, _) => (None, None),
        };
        Ok(Prepared {
            // Rows that are bad are in no mean.
            task: datasets.task.bind(&datasets.targets)?,
            datasets,
            features,
            maps,
            bad,
            warnings,
            seconds: started.elapsed().as_secs_f64(),
            _lock: None,
        })
    }

    /// The data without the rows whose pictures cannot be made, and these. Where no features are computed in which they would show,
    /// each row is made once, without augmentation.
    fn without_bad_rows(
        &self,
        cx: &Context,
        inputs: RunInputs,
        callback: Callback<'_>,
    ) -> Result<(Datasets, Vec<BadRow>)> {
        const WHAT: [&str; 3] = ["training pictures", "validation pictures", "selection pictures"];
        let mut failed = Vec::<FailedRows>::new();
        for (images, what) in inputs.images.iter().zip(WHAT) {
            let before = failed.last().map_or(0, FailedRows::all);
            let mut bad = FailedRows::new(self.spec.data.on_bad_row.at_most(), before);
            let total = images.len().finite().map_or(0, |len| len / images.views());
            callback(Event::Begin { what, total });
            let found = bad.find(cx, &**images, total, &mut |done| callback(Event::Done(done)));
            callback(Event::End);
            found?;
            failed.push(bad);
        }
        if failed.last().is_none_or(|failed| failed.all() == 0) {
            return Ok((inputs.datasets, Vec::new()));
        }
        let filtered = FilteredDatasets::new(cx, &inputs.datasets, self.spec.data.on_bad_row, &failed)?;
        Ok((filtered.datasets, filtered.bad))
    }

    /// Features or maps of every row and view, and the data without the rows that have none.
    fn computed(
        &self,
        cx: &Context,
        inputs: RunInputs,
        callback: Callback<'_>,
    ) -> Result<(Datasets, RawFeatures, Vec<BadRow>)> {
        const WHAT: [&str; 3] = ["training features", "validation features", "selection features"];
        let RunInputs {
            mut datasets,
            extractor,
            images,
            ..
        } = inputs;
        let input = self.input(&datasets)?;
        let stage = datasets.task.stage(&input, Split::Evaluation)?;
        let written = stage.bind(&datasets.train.schema())?;
        let beside = written.written().filter(|column| *column != datasets.image);
        let extractor = extractor.keeping(beside.map(str::to_owned));
        let folder = self.folder();
        let cache = folder.has_manifest().then(|| folder.features());
        let (mut raw, mut failed) = (Vec::new(), Vec::<FailedRows>::new());
        for (images, what) in images.into_iter().zip(WHAT) {
            let before = failed.last().map_or(0, FailedRows::all);
            let mut bad = FailedRows::new(self.spec.data.on_bad_row.at_most(), before);
            let total = images.len().finite().unwrap_or(0);
            callback(Event::Begin { what, total });
            let mut done = |progress: &FeatureProgress| callback(Event::Features(progress));
            let noted = (!self.spec.data.on_bad_row.is_fail()).then_some(&mut bad);
            let features = extractor.features_except(cx, images, &datasets.image, cache.as_deref(), noted, &mut done);
            callback(Event::End);
            raw.push(features.map_err(|error| match self.spec.data.on_bad_row {
                OnBadRow::Fail => marked(
                    error,
                    match datasets.targets.one_class() {
                        Some(_) => "such a row can be skipped or replaced",
                        None => "such a row can be skipped",
                    },
                ),
                _ => error,
            })?);
            failed.push(bad);
        }
        let mut bad = Vec::new();
        if failed.last().is_some_and(|failed| failed.all() > 0) {
            let filtered = FilteredDatasets::new(cx, &datasets, self.spec.data.on_bad_row, &failed)?;
            (datasets, bad) = (filtered.datasets, filtered.bad);
            let images = self.images(&datasets)?.into_iter().zip(&filtered.rows);
            let kept = (raw.iter())
                .zip(images)
                .map(|(raw, (images, rows))| extractor.of_rows(cx, raw, images, &datasets.image, rows));
            raw = kept.collect::<Result<_>>()?;
        }
        Ok((datasets, RawFeatures(raw), bad))
    }
}

/// Refuses more boxes in a row than pictures are made with.
fn check_many(cx: &Context, rows: &Arc<dyn Stable>, targets: &Targets) -> Result<()> {
    let Targets::Objects(objects) = targets else {
        return Ok(());
    };
    let Some((row, many)) = objects.beyond(Boxes::MOST as u64) else {
        return Ok(());
    };
    let place = rows.provenance(cx, row).places.into_iter().next();
    let place = place.map_or_else(|| format!("row {row}"), |place| place.to_string());
    let most = Boxes::MOST;
    Err(Error::data(format!("{many} boxes, and a row may have {most}: leave some out")).context(place))
}

/// Features of the training rows, of the validation rows and of those for selection.
struct RawFeatures(Vec<Cached>);

impl RawFeatures {
    fn maps(self, shapes: MapShapes) -> Result<MapFeatures> {
        let mut sets = self.0.into_iter();
        let missing = || Error::stage("a set has no maps");
        Ok(MapFeatures {
            train: Arc::new(sets.next().ok_or_else(missing)?),
            valid: sets.next().ok_or_else(missing)?,
            selection: sets.next(),
            shapes,
        })
    }

    fn standardised(self) -> Result<PooledFeatures> {
        let mut sets = self.0.into_iter();
        let missing = || Error::stage("a set has no features");
        Ok(PooledFeatures {
            train: Standardised::new(sets.next().ok_or_else(missing)?)?,
            valid: sets.next().ok_or_else(missing)?,
            selection: sets.next(),
        })
    }
}
