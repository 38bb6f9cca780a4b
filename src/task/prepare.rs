//! Data and features, before anything trains.

use super::bad_rows::{BadRow, FilteredDatasets, OnBadRow, marked};
use super::datasets::Datasets;
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::strategy::Strategy;
use super::warnings;
use crate::dataset::{Dataset, Stable};
use crate::error::Result;
use crate::exec::Context;
use crate::exec::lock::Lock;
use crate::ext::DatasetExt;
use crate::model::FrozenBackbone;
use crate::rows::Cached;
use crate::train::failed_rows::FailedRows;
use crate::train::{Extractor, Standardised};
use burn::tensor::Device;
use std::sync::Arc;
use std::time::Instant;

/// Data and features that all strategies share.
#[derive(Debug)]
pub struct Prepared {
    /// The data.
    pub datasets: Datasets,
    /// Standardised features of the training rows, in all views.
    pub train: Standardised,
    /// Raw features of the validation rows.
    pub valid: Cached,
    /// Rows that are not in it, because their pictures cannot be made.
    pub bad: Vec<BadRow>,
    /// What a reader of the figures has to know about the data.
    pub warnings: Vec<String>,
    /// Seconds that this took.
    pub seconds: f64,
    /// Keeps the run's folder from other processes until this is dropped.
    pub(super) _lock: Option<Lock>,
}

/// What a run needs before it writes anything: all that could be wrong with it is known by then.
pub(crate) struct RunInputs {
    pub(crate) datasets: Datasets,
    pub(crate) extractor: Extractor,
    /// Training images in all views, and validation images.
    images: [Arc<dyn Stable>; 2],
}

impl Finetune {
    /// Opens the data.
    ///
    /// # Errors
    ///
    /// As [`Datasets::open`].
    pub fn datasets(&self, cx: &Context) -> Result<Datasets> {
        let (image, label) = (self.image.as_deref(), self.label.as_deref());
        cx.block_on(Datasets::open(cx, &self.train, &self.valid, image, label, self.seed))
    }

    /// Opens the data and runs the frozen backbone once over every row and view. The features are kept in
    /// [`out`](Self::out) if that is the folder of a run.
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
        let datasets = self.datasets(cx)?;
        for strategy in strategies {
            strategy
                .target
                .shares(&datasets.labels.counts(), datasets.labels.names())?;
        }
        Ok(RunInputs {
            extractor: Extractor::new(FrozenBackbone::load(&self.pretrained()?, &Device::flex())?),
            images: self.images(&datasets)?,
            datasets,
        })
    }

    /// Training images in all views, and validation images.
    fn images(&self, datasets: &Datasets) -> Result<[Arc<dyn Stable>; 2]> {
        let image = if self.views > 1 {
            self.augmentation()
        } else {
            self.plain()
        };
        let train = Arc::clone(&datasets.train)
            .image(&datasets.image, image)?
            .views(self.views)?;
        let valid = Arc::clone(&datasets.valid)
            .image(&datasets.image, self.plain())?
            .views(1)?;
        Ok([Arc::new(train), Arc::new(valid)])
    }

    /// Runs the frozen backbone once over every row and view.
    pub(super) fn extract(
        &self,
        cx: &Context,
        inputs: RunInputs,
        started: Instant,
        callback: Callback<'_>,
    ) -> Result<Prepared> {
        let RunInputs {
            datasets,
            extractor,
            images: [train, valid],
        } = inputs;
        let folder = self.folder();
        let cache = folder.has_manifest().then(|| folder.features());
        let mut features = |images: Arc<dyn Stable>, what, failed: &mut FailedRows| {
            let total = images.len().finite().unwrap_or(0);
            callback(Event::Begin { what, total });
            let mut done = |done, _| callback(Event::Done(done));
            let failed = (!self.on_bad_row.is_fail()).then_some(failed);
            let features = extractor.features_except(cx, images, &datasets.image, cache.as_deref(), failed, &mut done);
            callback(Event::End);
            features.map_err(|error| match self.on_bad_row {
                OnBadRow::Fail => marked(error, "such a row can be skipped or replaced"),
                _ => error,
            })
        };
        let at_most = self.on_bad_row.at_most();
        let mut in_train = FailedRows::new(at_most, 0);
        let mut raw = features(train, "training features", &mut in_train)?;
        let mut in_valid = FailedRows::new(at_most, in_train.all());
        let mut valid = features(valid, "validation features", &mut in_valid)?;
        let (mut datasets, mut bad) = (datasets, Vec::new());
        if in_valid.all() > 0 {
            let filtered = FilteredDatasets::new(cx, &datasets, self.on_bad_row, [&in_train, &in_valid])?;
            (datasets, bad) = (filtered.datasets, filtered.bad);
            let [train, held] = self.images(&datasets)?;
            let [rows, of_held] = &filtered.rows;
            raw = extractor.of_rows(&raw, train, &datasets.image, rows)?;
            valid = extractor.of_rows(&valid, held, &datasets.image, of_held)?;
        }
        let warnings = warnings::of_data(&datasets, &raw, &valid, &bad)?;
        Ok(Prepared {
            train: Standardised::new(raw)?,
            datasets,
            valid,
            bad,
            warnings,
            seconds: started.elapsed().as_secs_f64(),
            _lock: None,
        })
    }
}
