//! The loaders of a run: features and images in the shares of a strategy.

use super::datasets::Datasets;
use super::definition::Split;
use super::event::Callback;
use super::finetune::Finetune;
use super::fitted_generator::fitted;
use super::prepare::Prepared;
use super::row_masks::without;
use super::strategy::Strategy;
use super::training_order::{AsOneBlock, TrainingOrder};
use crate::dataset::{Dataset, Origin, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::LoaderBuilder;
use crate::mix::Feedback;
use crate::rows::{Mixed, Transformed};
use crate::synthetic::{BlendSpec, Elastic, Gated, Generator, GeneratorSpec, SmoteSpec};
use crate::train::Extractor;
use std::sync::Arc;

/// The rows that a head is trained on where features are kept.
#[derive(Debug)]
pub(super) struct FeatureRows {
    pub(super) order: Arc<TrainingOrder>,
    /// What makes the synthetic ones among them.
    pub(super) generator: Option<Arc<dyn Generator>>,
    /// The same behind a gate, if there is one.
    pub(super) gated: Option<Arc<Gated>>,
}

/// Images that are augmented anew each time they come.
#[derive(Debug)]
pub(super) struct ImageRows {
    pub(super) order: Arc<TrainingOrder>,
    pub(super) rows: Arc<dyn Dataset>,
    /// What augmentation makes of stored rows.
    pub(super) origin: Origin,
}

impl Finetune {
    /// The loader of the head's training rows: features or maps in the shares of `strategy`, synthetic ones among them, where each row has
    /// one class; else features in random order.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced, for [maps](Prepared::maps) that have no room, and for a strategy that is still to
    /// be [chosen](Self::choose).
    pub fn feature_loader(&self, cx: &Context, prepared: &Prepared, strategy: &Strategy) -> Result<LoaderBuilder> {
        let rows = self.feature_rows(cx, prepared, strategy, &mut |_| ())?;
        Ok(self.batches_of(cx, rows.order))
    }

    /// The loader of augmented images: in the shares of `strategy`, synthetic ones among them, where each row has one class; else in
    /// random order.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced, and for a strategy that is still to be [chosen](Self::choose).
    pub fn image_loader(&self, cx: &Context, datasets: &Datasets, strategy: &Strategy) -> Result<LoaderBuilder> {
        let images = self.image_rows(cx, datasets, strategy)?;
        Ok(self.batches(images.rows.loader(cx), images.order.feedback()))
    }

    /// The rows of [`feature_loader`](Self::feature_loader). `callback` is told how far the fitting of a gate is.
    pub(super) fn feature_rows(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        callback: Callback<'_>,
    ) -> Result<FeatureRows> {
        strategy.check_chosen()?;
        let datasets = &prepared.datasets;
        let rows = match (&prepared.features, &prepared.maps) {
            (Some(features), _) => Arc::clone(&features.train.rows),
            (None, Some(_)) if strategy.is_synthetic() => {
                return Err(Error::config(
                    "synthetic rows are mixed of pooled features, and the head takes maps",
                ));
            }
            (None, Some(maps)) => Arc::clone(&maps.train),
            (None, None) => {
                let message = "the maps of all views have no room in half of the memory, so none are kept: give more";
                return Err(Error::config(message).with_remedy(Remedy::Memory));
            }
        };
        let rows = rows as Arc<dyn Stable>;
        let wanted = self.wanted(strategy, false)?;
        let order = TrainingOrder::new(cx, Arc::clone(&rows), datasets, &wanted)?;
        let made = order.largest_made(strategy);
        let Some(largest) = made.filter(|_| datasets.targets.one_class().is_some()) else {
            return Ok(FeatureRows {
                order: Arc::new(order),
                generator: None,
                gated: None,
            });
        };
        let smote = SmoteSpec::new(Extractor::COLUMN).largest(largest);
        let spec: &dyn GeneratorSpec = match &strategy.generator {
            Some(named) => &**named,
            None => &smote,
        };
        let generator = fitted(cx, spec, Arc::clone(&rows), datasets, strategy)?;
        let gated = self.gated(cx, prepared, strategy, (&rows, &generator), callback)?;
        let generator = match &gated {
            Some(gated) => Arc::clone(gated) as Arc<dyn Generator>,
            None => generator,
        };
        Ok(FeatureRows {
            order: Arc::new(order.fill(Arc::clone(&generator), &wanted)?),
            generator: Some(generator),
            gated,
        })
    }

    /// The rows of [`image_loader`](Self::image_loader).
    pub(super) fn image_rows(&self, cx: &Context, datasets: &Datasets, strategy: &Strategy) -> Result<ImageRows> {
        strategy.check_chosen()?;
        let input = self.input(datasets)?;
        let stage = datasets.task.stage(&input, Split::Train)?;
        let train = &datasets.train;
        let wanted = self.wanted(strategy, self.spec.train.unfreeze > 0)?;
        let order = TrainingOrder::new(cx, Arc::clone(train), datasets, &wanted)?;
        let order = match datasets.targets.one_class().filter(|_| strategy.is_synthetic()) {
            Some(_) => {
                let elastic = Elastic::new().reading(self.spec.data.reading);
                let blend = BlendSpec {
                    column: datasets.image.clone(),
                    elastic,
                };
                order.fill(fitted(cx, &blend, Arc::clone(train), datasets, strategy)?, &wanted)?
            }
            None => order,
        };
        let order = Arc::new(order);
        let rows = Transformed::new(datasets.in_order(Arc::clone(&order), &input)?, stage)?;
        let origin = rows.origin(Origin::Real, false);
        let rows: Arc<dyn Dataset> = match self.spec.augment.row_join() {
            None => Arc::new(rows),
            Some(join) => {
                let joined = Mixed::new(rows, self.joining(datasets, &input, join)?)
                    .map_err(|error| self.spec.augment.at_row_join(error))?;
                match join.mask_column() {
                    None => Arc::new(joined),
                    Some(mask) => Arc::new(without(joined, mask)?),
                }
            }
        };
        Ok(ImageRows { order, rows, origin })
    }

    /// The loader of the views that the head trains on, whose maps are made anew.
    pub(super) fn view_loader(&self, cx: &Context, datasets: &Datasets, strategy: &Strategy) -> Result<LoaderBuilder> {
        strategy.check_chosen()?;
        let rows = AsOneBlock(Arc::clone(&self.images(datasets)?[0]));
        let order = TrainingOrder::new(cx, Arc::new(rows), datasets, &self.wanted(strategy, false)?)?;
        Ok(self.batches_of(cx, Arc::new(order)))
    }

    /// The loader of what the head trains on: of what was computed once, of the same views where nothing was, or of images that are made
    /// anew where some of them are synthetic.
    pub(super) fn head_loader(&self, cx: &Context, prepared: &Prepared, strategy: &Strategy) -> Result<LoaderBuilder> {
        match (&prepared.features, &prepared.maps) {
            (None, _) if strategy.is_synthetic() => self.image_loader(cx, &prepared.datasets, strategy),
            (None, None) => self.view_loader(cx, &prepared.datasets, strategy),
            _ => self.feature_loader(cx, prepared, strategy),
        }
    }

    /// The rows of `order` in batches of the run's size, under its seed.
    pub(super) fn batches_of(&self, cx: &Context, order: Arc<TrainingOrder>) -> LoaderBuilder {
        let feedback = order.feedback().cloned();
        self.batches(order.into_loader(cx), feedback.as_ref())
    }

    /// `loader` in batches of the run's size, under its seed, whose rows follow `feedback`.
    pub(super) fn batches(&self, loader: LoaderBuilder, feedback: Option<&Feedback>) -> LoaderBuilder {
        let loader = loader.batch_size(self.spec.train.batch_size).seed(self.spec.seed);
        let loader = feedback.into_iter().fold(loader, LoaderBuilder::feedback);
        match self.spec.machine.depth {
            Some(depth) => loader.depth(depth),
            None => loader,
        }
    }
}
