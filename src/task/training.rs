//! What trains: first the head on frozen features, then the last stages of the backbone with it.

use super::datasets::Datasets;
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::prepare::Prepared;
use super::strategy::{DEEP, Strategy};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::ext::DatasetExt;
use crate::loader::{Batch, LoaderBuilder};
use crate::model::{Classifier, fold_standardisation};
use crate::sink::tensor;
use crate::synthetic::{Blend, Elastic, Smote};
use crate::train::{Extractor, Fit, Fitted};
use burn::module::{Initializer, Module, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, SgdConfig};
use burn::tensor::{Device, Tensor};
use std::sync::Arc;

impl Finetune {
    /// Weight decay of the head (in the gradient), for standardised features.
    const DECAY: f32 = 0.03;
    /// Learning rate of the head.
    const HEAD_RATE: f64 = 0.01;
    /// Learning rate of the deeper phase, for the backbone's stages and the head.
    const DEEP_RATE: f64 = 1e-4;
    /// Steps between two checkpoints: of the head, and of the deeper phase.
    const EVERY: (u64, u64) = (500, 10);

    /// The loader of the head's training rows: balanced features, synthetic ones among them.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced.
    pub fn feature_loader(&self, cx: &Context, prepared: &Prepared, strategy: &Strategy) -> Result<LoaderBuilder> {
        let rows = Arc::clone(&prepared.train.rows);
        let labels = &prepared.datasets.labels;
        let balanced = cx.block_on(Arc::clone(&rows).balance(cx, &prepared.datasets.label, strategy.target.clone()))?;
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
        Ok(balanced.loader(cx).batch_size(self.batch).seed(self.seed))
    }

    /// The loader of the deeper phase: balanced images, augmented and synthetic ones among them.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced.
    pub fn image_loader(&self, cx: &Context, datasets: &Datasets, strategy: &Strategy) -> Result<LoaderBuilder> {
        let balanced =
            cx.block_on(Arc::clone(&datasets.train).balance(cx, &datasets.label, strategy.target.clone()))?;
        let balanced = if strategy.synthetic > 0.0 {
            let blend = Blend::new(
                Arc::clone(&datasets.train),
                &datasets.labels,
                &datasets.image,
                Elastic::new().reading(self.reading),
            )?;
            balanced.fill(Arc::new(blend), strategy.synthetic)?
        } else {
            balanced
        };
        let loader = balanced.image(&datasets.image, self.augmentation())?.loader(cx);
        Ok(loader.batch_size(self.batch).seed(self.seed))
    }

    /// The steps of so many `epochs` of `rows` rows.
    fn steps(&self, epochs: u64, rows: u64) -> Result<u64> {
        let batches = match self.batch {
            0 => return Err(Error::config("a batch has at least one row; batch is 0")),
            batch => rows.div_ceil(batch),
        };
        let steps = epochs.checked_mul(batches);
        steps.ok_or_else(|| Error::config(format!("{epochs} epochs of {batches} batches are more than 2^64 steps")))
    }

    /// Trains a head on the features of a frozen backbone; the head takes raw features.
    pub(super) fn probe(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        callback: Callback<'_>,
    ) -> Result<Fitted<Linear>> {
        let loader = self.feature_loader(cx, prepared, strategy)?;
        callback(Event::Explain(&loader.explain()));
        let rows = prepared.datasets.labels.len();
        let fit = Fit {
            loader,
            steps: self.steps(self.epochs, rows)?,
            learning_rate: Self::HEAD_RATE,
            checkpoints: Some((self.folder().checkpoints(&strategy.name), Self::EVERY.0)),
        };
        let device = Device::flex().autodiff();
        let classes = prepared.datasets.labels.names().len();
        let head = LinearConfig::new(prepared.train.mean.len(), classes).with_initializer(Initializer::Zeros);
        let optimizer = SgdConfig::new()
            .with_momentum(Some(MomentumConfig::new().with_momentum(0.9)))
            .with_weight_decay(Some(WeightDecayConfig::new(Self::DECAY)));
        let loss = CrossEntropyLossConfig::new().init(&device);
        callback(Event::Begin {
            what: &head_of(strategy),
            total: fit.steps,
        });
        let fitted = fit.run(
            head.init(&device),
            optimizer.init(),
            |head: &Linear, batch: &Batch| {
                let features = tensor::floats::<2>(batch.rows(), Extractor::COLUMN, &device)?;
                let targets = tensor::ints(batch.rows(), &prepared.datasets.label, &device)?;
                Ok(loss.forward(head.forward(features), targets))
            },
            &mut |step, _| callback(Event::Done(step)),
        );
        callback(Event::End);
        let fitted = fitted?;
        let plain = Device::flex();
        let values = |values: &[f32]| Tensor::<1>::from_floats(values, &plain);
        let (mean, std) = (values(&prepared.train.mean), values(&prepared.train.std));
        Ok(Fitted {
            model: fold_standardisation(&fitted.model.valid(), mean, std),
            ..fitted
        })
    }

    /// Lets the last stages train with the head, on images again: features of a moving backbone would be stale.
    pub(super) fn fine_tune(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        head: &Linear,
        callback: Callback<'_>,
    ) -> Result<Fitted<Classifier>> {
        let datasets = &prepared.datasets;
        let loader = self.image_loader(cx, datasets, strategy)?;
        callback(Event::Explain(&loader.explain()));
        let rows = datasets.labels.len();
        let fit = Fit {
            loader,
            steps: self.steps(self.deep_epochs, rows)?,
            learning_rate: Self::DEEP_RATE,
            checkpoints: Some((self.folder().checkpoints(DEEP), Self::EVERY.1)),
        };
        let (plain, device) = (Device::flex(), Device::flex().autodiff());
        let pretrained = self.pretrained()?;
        let backbone = pretrained.backbone(&device)?;
        let first = backbone.stages().saturating_sub(self.unfreeze);
        let frozen = pretrained.backbone(&plain)?.fold_below(first);
        let model = Classifier {
            backbone,
            head: forked(head, &device),
        }
        .unfreeze_last(self.unfreeze);
        let model = Classifier {
            backbone: model.backbone.freeze_norms(),
            ..model
        };
        let loss = CrossEntropyLossConfig::new().init(&device);
        callback(Event::Begin {
            what: "deeper",
            total: fit.steps,
        });
        let fitted = fit.run(
            model,
            AdamWConfig::new().with_weight_decay(1e-2).init(),
            |model: &Classifier, batch: &Batch| {
                let images = tensor::floats::<4>(batch.rows(), &datasets.image, &plain)?;
                let targets = tensor::ints(batch.rows(), &datasets.label, &device)?;
                let map = frozen.forward_until(images, first).autodiff();
                let logits = model.forward_head(model.backbone.forward_from(map, first));
                Ok(loss.forward(logits, targets))
            },
            &mut |step, _| callback(Event::Done(step)),
        );
        callback(Event::End);
        let fitted = fitted?;
        Ok(Fitted {
            model: fitted.model.valid(),
            ..fitted
        })
    }
}

/// What the training of a head is called.
fn head_of(strategy: &Strategy) -> String {
    match strategy.name.as_str() {
        "head" => "training the head".to_owned(),
        name => format!("training the head, {name}"),
    }
}

/// The same values as parameters that train on `device`.
fn forked(head: &Linear, device: &Device) -> Linear {
    let bias = head.bias.as_ref();
    Linear {
        weight: Param::from_tensor(Tensor::from_data(head.weight.val().into_data(), device)),
        bias: bias.map(|bias| Param::from_tensor(Tensor::from_data(bias.val().into_data(), device))),
    }
}
