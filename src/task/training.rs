//! What trains: first the head on what the frozen backbone makes, then the last stages of the backbone with it.

use super::computed::Computed;
use super::definition::{Split, Truth};
use super::epoch_feedback::{EpochPriors, report};
use super::epoch_log::{EpochLog, sampled, sampled_rows};
use super::evaluation::features_of;
use super::event::{Callback, Event, training_steps};
use super::finetune::Finetune;
use super::loaders::FeatureRows;
use super::prepare::{PooledFeatures, Prepared};
use super::strategy::{DEEP, Strategy};
use crate::error::{Error, Result};
use crate::exec::{Context, OwnThread};
use crate::loader::Batch;
use crate::model::head::Head;
use crate::model::headed::{Cut, Model};
use crate::model::{FrozenBackbone, device};
use crate::report::Epoch;
use crate::sink::tensor;
use crate::synthetic::Judged;
use crate::train::{EpochSteps, Extractor, Fit, Fitted, Options, RateGroups, Selection};
use burn::module::{Module, ParamGroup};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, SgdConfig};
use burn::tensor::Tensor;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

impl Finetune {
    /// Weight decay of the head (in the gradient), for standardised features.
    const DECAY: f32 = 0.03;
    /// Learning rate of a head on maps, with Adam.
    const DENSE_RATE: f64 = 1e-3;
    /// Steps between two checkpoints: of the head, and of what trains on images.
    const EVERY: (u64, u64) = (500, 10);

    /// The steps of an epoch, and of so many `epochs` of `rows` rows.
    fn steps(&self, epochs: u64, rows: u64) -> Result<(u64, u64)> {
        let batches = rows.div_ceil(self.spec.train.batch_size.max(1));
        let steps = epochs.checked_mul(batches);
        let many = || Error::config(format!("{epochs} epochs of {batches} batches are more than 2^64 steps"));
        Ok((batches, steps.ok_or_else(many)?))
    }

    /// When models are compared, if they are.
    fn selection(&self, epoch: u64) -> Option<Selection> {
        self.spec.train.selects().then_some(Selection {
            every: epoch,
            patience: self.spec.train.early_stopping,
            keep_best: self.spec.train.keep_best,
        })
    }

    /// Trains a head on what the frozen backbone makes: on features or maps that were computed once, or on maps that are made anew. The
    /// head takes raw features; its outputs are still [to be finished](super::Task::finish). Beside it is what the gate made of candidates, if there is one.
    pub(super) fn probe(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        earlier: &[Epoch],
        callback: Callback<'_>,
    ) -> Result<(Fitted<Head>, Option<Judged>)> {
        match (&prepared.features, &prepared.maps) {
            (Some(features), _) => {
                self.on_computed(cx, prepared, Computed::Pooled(features), strategy, earlier, callback)
            }
            // Synthetic pictures are made anew in each epoch.
            (None, Some(maps)) if !strategy.is_synthetic() => {
                self.on_computed(cx, prepared, Computed::Maps(maps), strategy, earlier, callback)
            }
            (None, _) => {
                let backbone = self.spec.model.pretrained()?.backbone(&self.spec.machine.device)?;
                let channels: Vec<usize> = backbone.levels().iter().map(|level| level.channels).collect();
                let head = prepared.task.head().init(
                    backbone.features(),
                    &channels,
                    self.spec.seed,
                    &self.spec.machine.device,
                )?;
                let phase = Phase {
                    name: &strategy.name,
                    what: &head_of(strategy),
                    unfreeze: 0,
                    epochs: self.spec.train.epochs,
                    rate: self.spec.train.learning_rate.unwrap_or(Self::DENSE_RATE),
                };
                let from = Start { head: &head, earlier };
                let fitted = self.on_images(cx, prepared, strategy, from, phase, callback)?;
                Ok((fitted.map(|model| model.head), None))
            }
        }
    }

    fn on_computed(
        &self,
        cx: &Context,
        prepared: &Prepared,
        computed: Computed<'_>,
        strategy: &Strategy,
        earlier: &[Epoch],
        callback: Callback<'_>,
    ) -> Result<(Fitted<Head>, Option<Judged>)> {
        let FeatureRows { order, gated, .. } = self.feature_rows(cx, prepared, strategy, callback)?;
        let loader = self.batches_of(cx, Arc::clone(&order));
        let (task, datasets) = (&*prepared.task, &prepared.datasets);
        callback(Event::Explain(&datasets.explained(cx, loader.explain())));
        let priors = EpochPriors::new(prepared, strategy, &loader)?;
        let followed = loader.followed().cloned();
        let (epoch, steps) = self.steps(self.spec.train.epochs, datasets.targets.len())?;
        let rate = match computed {
            Computed::Pooled(_) => task.learning_rate(),
            Computed::Maps(_) => Self::DENSE_RATE,
        };
        let fit = Fit {
            loader,
            steps,
            learning_rate: self.spec.train.learning_rate.unwrap_or(rate),
            checkpoints: Some((self.folder().checkpoints(&strategy.name), Self::EVERY.0)),
        };
        let (plain, device) = (&self.spec.machine.device, self.spec.machine.device.clone().autodiff());
        let head = computed.init(&task.head(), self.spec.seed, &device)?;
        let optimizer = match computed {
            Computed::Pooled(_) => SgdConfig::new()
                .with_momentum(Some(MomentumConfig::new().with_momentum(0.9)))
                .with_weight_decay(Some(WeightDecayConfig::new(Self::DECAY)))
                .init(),
            Computed::Maps(_) => AdamWConfig::new().with_weight_decay(1e-2).init(),
        };
        let raw = |head: &Head| match computed {
            Computed::Pooled(PooledFeatures { train, .. }) => {
                let values = |values: &[f32]| Tensor::<1>::from_floats(values, plain);
                head.valid().fold_features(values(&train.mean), values(&train.std))
            }
            Computed::Maps(_) => head.valid(),
        };
        let evaluator = self.evaluator(prepared)?;
        // Where rows are held out to choose on, each epoch is measured on them, too.
        let rows = match computed.selection() {
            Some(rows) => rows.rows().clone(),
            None => sampled(computed.valid().rows(), datasets.targets.len())?,
        };
        let evaluate = |head: &Head| {
            let head = raw(head);
            let now = priors.now();
            let training = Some((&head, now.as_deref()));
            evaluator.of_head(&task.finish(head.clone()), training, &rows, computed.shapes())
        };
        let scored = Cell::new(None);
        let mut score = |head: &Head| {
            let found = evaluate(head)?;
            let score = found.measured.score();
            scored.set(Some(found));
            Ok(score)
        };
        callback(Event::Begin {
            what: &head_of(strategy),
            total: fit.steps,
        });
        let callback = RefCell::new(callback);
        let mut log = EpochLog::new(self, &strategy.name, self.spec.train.epochs, earlier);
        let mut on_epoch = |head: &Head, steps: &EpochSteps, before: &[Epoch]| {
            let found = scored.take().map_or_else(|| evaluate(head), Ok)?;
            report(strategy, followed.as_ref(), datasets, steps.epoch, &found)?;
            log.note(steps, before, found, &mut **callback.borrow_mut())
        };
        let fitted = fit.run_with(
            head,
            optimizer,
            |head: &Head, batch: &Batch| {
                let rows = batch.rows();
                let features = features_of(rows, computed.shapes(), &device)?;
                let priors = priors.of(batch)?;
                let truth = Truth {
                    rows,
                    column: &datasets.label,
                    device: &device,
                    priors: priors.as_deref(),
                };
                task.loss(head.forward(features)?, &truth)
            },
            Options {
                rates: None,
                selection: self.selection(epoch).map(|selection| (selection, &mut score as _)),
                on_epoch: Some((epoch, &mut on_epoch)),
            },
            &mut training_steps(&callback),
        );
        (callback.borrow_mut())(Event::End);
        let fitted = fitted?;
        let trained: u64 = fitted.emitted.values().sum();
        let judged = self.judged(cx, &order, gated.as_deref(), trained, &mut **callback.borrow_mut())?;
        Ok((fitted.map(|head| raw(&head)), judged))
    }

    /// Lets the last stages train with the head, on images again: features of a moving backbone would be stale.
    pub(super) fn fine_tune(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        from: Start<'_>,
        callback: Callback<'_>,
    ) -> Result<Fitted<Model>> {
        let phase = Phase {
            name: DEEP,
            what: DEEP,
            unfreeze: self.spec.train.unfreeze,
            epochs: self.spec.train.deep_epochs,
            rate: self.spec.train.deep_learning_rate,
        };
        self.on_images(cx, prepared, strategy, from, phase, callback)
    }

    fn on_images(
        &self,
        cx: &Context,
        prepared: &Prepared,
        strategy: &Strategy,
        Start { head, earlier }: Start<'_>,
        phase: Phase<'_>,
        callback: Callback<'_>,
    ) -> Result<Fitted<Model>> {
        let (task, datasets) = (&*prepared.task, &prepared.datasets);
        let fixed = match self.spec.train.fixed_views && phase.unfreeze > 0 {
            true => Some(self.fixed_maps(cx, datasets, callback)?),
            false => None,
        };
        let loader = match &fixed {
            Some(maps) => self.map_loader(cx, datasets, maps, strategy)?,
            // A head alone trains on the same views, whether what is made of them is kept or not.
            None if phase.unfreeze == 0 && !strategy.is_synthetic() => self.view_loader(cx, datasets, strategy)?,
            None => self.image_loader(cx, datasets, strategy)?,
        };
        // One batch trains, the next one is ready, and a copy of it is on its way to the device.
        let loader = loader.delivering(3);
        callback(Event::Explain(&datasets.explained(cx, loader.explain())));
        let priors = EpochPriors::new(prepared, strategy, &loader)?;
        let followed = loader.followed().cloned();
        let (epoch, steps) = self.steps(phase.epochs, datasets.targets.len())?;
        let fit = Fit {
            loader,
            steps,
            learning_rate: phase.rate,
            checkpoints: Some((self.folder().checkpoints(phase.name), Self::EVERY.1)),
        };
        let (plain, device) = (&self.spec.machine.device, self.spec.machine.device.clone().autodiff());
        let pretrained = self.spec.model.pretrained()?;
        let backbone = pretrained.backbone(&device)?;
        let first = backbone.stages().saturating_sub(phase.unfreeze);
        let frozen = FrozenBackbone::load(&pretrained, plain)?;
        let is_pooled = task.head().is_pooled();
        let model = Model {
            backbone,
            head: head.training_on(&device),
        }
        .unfreeze_last(phase.unfreeze);
        let backbone = model.backbone.freeze_norms();
        let model = Model {
            backbone: match self.spec.train.freeze_depthwise {
                true => backbone.freeze_depthwise(),
                false => backbone,
            },
            ..model
        };
        let rates = |model: &Model| self.rates(model, first);
        let evaluator = self.evaluator(prepared)?;
        let stage = task.stage(&self.input(datasets)?, Split::Evaluation)?;
        // Where rows are held out to choose on, each epoch is measured on them, too.
        let rows = match &datasets.selection {
            Some(rows) => Arc::clone(rows),
            None => sampled_rows(&datasets.valid, datasets.targets.len())?,
        };
        let evaluate = |model: &Model| {
            let (head, model) = (model.head.valid(), finished(model, prepared));
            let now = priors.now();
            let model = (&model, Some((&head, now.as_deref())));
            let rows = (&rows, datasets.image.as_str());
            evaluator.of_model(cx, model, rows, Arc::clone(&stage), &mut |_| ())
        };
        let scored = Cell::new(None);
        let mut score = |model: &Model| {
            let found = evaluate(model)?;
            let score = found.measured.score();
            scored.set(Some(found));
            Ok(score)
        };
        callback(Event::Begin {
            what: phase.what,
            total: fit.steps,
        });
        let callback = RefCell::new(callback);
        let mut log = EpochLog::new(self, phase.name, phase.epochs, earlier);
        let mut on_epoch = |model: &Model, steps: &EpochSteps, before: &[Epoch]| {
            let found = scored.take().map_or_else(|| evaluate(model), Ok)?;
            report(strategy, followed.as_ref(), datasets, steps.epoch, &found)?;
            log.note(steps, before, found, &mut **callback.borrow_mut())
        };
        // On the processor the frozen stages work on the next batch while this one trains. Another device is ahead of this thread by
        // itself, and needs the next batch's inputs there.
        let (frozen, on_processor) = (Arc::new(frozen), device::is_flex(plain));
        let thread = match on_processor {
            true => None,
            false => Some(OwnThread::start("upload")?),
        };
        let make = {
            let (column, on, kept) = (datasets.image.clone(), plain.clone(), fixed.map(|maps| maps.shape));
            let frozen = Arc::clone(&frozen);
            move |batch: &Batch| match kept {
                Some([channels, height, width]) => {
                    let maps = tensor::floats::<2>(batch.rows(), Extractor::COLUMN, &on)?;
                    let rows = batch.len();
                    Ok(Cut {
                        below: Vec::new(),
                        map: maps.reshape([rows, channels, height, width]),
                        stage: first,
                    })
                }
                None if on_processor => frozen.cut(frozen.inputs(batch.rows(), &column)?, first, is_pooled),
                None => Ok(Cut::images(frozen.inputs(batch.rows(), &column)?)),
            }
        };
        let fitted = fit.run_ahead_on(
            thread,
            model,
            AdamWConfig::new().with_weight_decay(1e-2).init(),
            make,
            |model: &Model, batch: &Batch, made: Cut| {
                let cut = match made.stage < first {
                    true => frozen.cut(made.map, first, is_pooled)?,
                    false => made,
                };
                let cut = cut.autodiff();
                let priors = priors.of(batch)?;
                let truth = Truth {
                    rows: batch.rows(),
                    column: &datasets.label,
                    device: &device,
                    priors: priors.as_deref(),
                };
                task.loss(model.forward_from(cut)?, &truth)
            },
            Options {
                rates: (self.spec.train.layer_decay < 1.0).then_some(&rates),
                selection: self.selection(epoch).map(|selection| (selection, &mut score as _)),
                on_epoch: Some((epoch, &mut on_epoch)),
            },
            &mut training_steps(&callback),
        );
        (callback.borrow_mut())(Event::End);
        Ok(fitted?.map(|model| model.valid()))
    }

    /// The rate of each stage from `first` on: the last one's is `layer_decay` of the head's, and so on downwards.
    fn rates(&self, model: &Model, first: usize) -> RateGroups {
        let stages = first..model.backbone.stages();
        let (end, decay) = (stages.end, self.spec.train.layer_decay);
        let group =
            |stage: usize| -> (ParamGroup, f64) { (model.backbone.group(stage), decay.powi((end - stage) as i32)) };
        RateGroups::new(stages.map(group))
    }
}

/// What a training on images begins with.
pub(super) struct Start<'a> {
    pub(super) head: &'a Head,
    /// The epochs of the parts of the run before it.
    pub(super) earlier: &'a [Epoch],
}

/// What a training on images is called, and how it goes.
#[derive(Clone, Copy)]
struct Phase<'a> {
    /// The folder of its checkpoints.
    name: &'a str,
    what: &'a str,
    unfreeze: usize,
    epochs: u64,
    rate: f64,
}

/// `model` as it is evaluated and saved.
pub(super) fn finished(model: &Model, prepared: &Prepared) -> Model {
    let model = model.valid();
    Model {
        head: prepared.task.finish(model.head),
        backbone: model.backbone,
    }
}

/// What the training of a head is called.
fn head_of(strategy: &Strategy) -> String {
    match strategy.name.as_str() {
        "head" => "training the head".to_owned(),
        name => format!("training the head, {name}"),
    }
}
