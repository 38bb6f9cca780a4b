//! The loaders of a run: features and images in the shares of a strategy.

use super::datasets::Datasets;
use super::definition::Split;
use super::finetune::Finetune;
use super::prepare::Prepared;
use super::strategy::Strategy;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::LoaderBuilder;
use crate::rows::Transformed;
use crate::synthetic::{Blend, Elastic, Smote};
use crate::train::Extractor;
use std::sync::Arc;

impl Finetune {
    /// The loader of the head's training rows: features in the shares of `strategy`, synthetic ones among them, where each row has
    /// one class; else features in random order.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced, and for a task whose head takes maps, and for a strategy that is still to
    /// be [chosen](Self::choose).
    pub fn feature_loader(&self, cx: &Context, prepared: &Prepared, strategy: &Strategy) -> Result<LoaderBuilder> {
        strategy.check_chosen()?;
        let features = prepared.features.as_ref().ok_or_else(|| {
            let task = prepared.task.name();
            Error::config(format!("the task {task} trains on maps, so no features are computed"))
        })?;
        let rows = Arc::clone(&features.train.rows);
        let Some(labels) = prepared.datasets.targets.one_class() else {
            let loader = rows.shuffle().loader(cx);
            return Ok(self.batches(loader));
        };
        let balanced = cx.block_on(Arc::clone(&rows).balance(cx, &prepared.datasets.label, strategy.target()))?;
        let lacking = balanced
            .quotas()
            .iter()
            .filter(|class| class.rows > class.stored)
            .map(|class| class.stored)
            .max();
        let balanced = match lacking.filter(|_| strategy.synthetic > 0.0) {
            Some(largest) => {
                let smote = Smote::fit(cx, rows, labels, Extractor::COLUMN, Smote::NEIGHBOURS, largest);
                balanced.fill(Arc::new(cx.block_on(smote)?), strategy.synthetic)?
            }
            None => balanced,
        };
        Ok(self.batches(balanced.loader(cx)))
    }

    /// The loader of augmented images: in the shares of `strategy`, synthetic ones among them, where each row has one class; else in
    /// random order.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced, and for a strategy that is still to be [chosen](Self::choose).
    pub fn image_loader(&self, cx: &Context, datasets: &Datasets, strategy: &Strategy) -> Result<LoaderBuilder> {
        strategy.check_chosen()?;
        let stage = datasets.task.stage(&self.input(&datasets.image)?, Split::Train)?;
        let train = Arc::clone(&datasets.train);
        let Some(labels) = datasets.targets.one_class() else {
            let loader = Transformed::new(train.shuffle(), stage)?.loader(cx);
            return Ok(self.batches(loader));
        };
        let balanced = cx.block_on(train.balance(cx, &datasets.label, strategy.target()))?;
        let balanced = if strategy.synthetic > 0.0 {
            let blend = Blend::new(
                Arc::clone(&datasets.train),
                labels,
                &datasets.image,
                Elastic::new().reading(self.spec.data.reading),
            )?;
            balanced.fill(Arc::new(blend), strategy.synthetic)?
        } else {
            balanced
        };
        let loader = Transformed::new(balanced, stage)?.loader(cx);
        Ok(self.batches(loader))
    }

    /// `loader` in batches of the run's size, under its seed.
    pub(super) fn batches(&self, loader: LoaderBuilder) -> LoaderBuilder {
        let loader = loader.batch_size(self.spec.train.batch_size).seed(self.spec.seed);
        match self.spec.machine.depth {
            Some(depth) => loader.depth(depth),
            None => loader,
        }
    }
}
