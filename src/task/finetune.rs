//! Fine-tuning from end to end: first the head on frozen features, then, if asked for, deeper.

use super::bad_rows::{BadRow, Met, OnBadRow, Without, marked};
use super::datasets::Task;
use super::evaluation;
use super::run_folder::{Existing, RunFolder};
use super::worth;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::exec::lock::Lock;
use crate::ext::DatasetExt;
use crate::image::{Image, Reading};
use crate::loader::{Batch, LoaderBuilder};
use crate::mix::Target;
use crate::model::weights;
use crate::report::{Named, Report};
use crate::rows::Cached;
use crate::sink::tensor;
use crate::synthetic::{Blend, Elastic, Smote};
use crate::train::features::Extractor;
use crate::train::fit::{Fit, Fitted};
use crate::train::standardised::Standardised;
use crate::transfer::{Classifier, ClassifierConfig, EfficientNetLite0, Normalisation, fold_standardisation};
use burn::module::{Initializer, Module, Param};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamWConfig, SgdConfig};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// A fine-tuning run over images in Parquet. As JSON it is everything that decides the result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finetune {
    /// Training files, folders or patterns.
    pub train: Vec<String>,
    /// Validation files; where empty, a stratified tenth of the training rows is held out.
    pub valid: Vec<String>,
    /// The image column, if not found by its type.
    pub image: Option<String>,
    /// The label column, if not found by its type.
    pub label: Option<String>,
    /// The pretrained weights, `.safetensors` or `.pth`.
    pub weights: PathBuf,
    /// Width and height that images are resized to, in pixels.
    pub size: u32,
    /// How pictures are read.
    #[serde(default)]
    pub reading: Reading,
    /// Epochs of the head; an epoch has as many rows as the training set.
    pub epochs: u64,
    /// Views of each training row: itself, and `views - 1` augmented ones.
    pub views: u64,
    /// Rows in a batch.
    pub batch: u64,
    /// Stages of the backbone, counted from the last, that train after the head; 0 for the head alone.
    pub unfreeze: usize,
    /// Epochs with these stages.
    pub deep_epochs: u64,
    /// Seed of all that is random.
    pub seed: u64,
    /// What to do with a row whose picture cannot be made. Which rows these are is found while the features are computed.
    #[serde(default, skip_serializing_if = "OnBadRow::is_fail")]
    pub on_bad_row: OnBadRow,
    /// Folder for the model, the report and what is needed to resume. It is this run's alone: of what else lies in it nothing
    /// is removed or written over.
    #[serde(skip)]
    pub out: PathBuf,
    /// What to do where `out` holds a run already.
    #[serde(skip)]
    pub existing: Existing,
}

/// One way of choosing the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strategy {
    /// Its name in reports.
    pub name: String,
    /// The classes' shares.
    #[serde(rename = "balance")]
    pub target: Target,
    /// The most that synthetic rows may make up of what a class is given beyond its stored rows, 0 to 1.
    pub synthetic: f64,
}

impl Strategy {
    pub(crate) fn check(&self) -> Result<()> {
        match (0.0..=1.0).contains(&self.synthetic) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "the synthetic share is {}, not in 0 to 1",
                self.synthetic
            ))),
        }
    }
}

/// What a run tells about itself while it works.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// What will be loaded, before it is.
    Explain(&'a str),
    /// How the data was understood, such as the split of a folder that is trained on. The report has it as well.
    Note(&'a str),
    /// What a reader of the figures has to know. The report has it as well.
    Warning(&'a str),
    /// Work named `what` of `total` steps begins.
    Begin {
        /// What is done.
        what: &'a str,
        /// Steps in all.
        total: u64,
    },
    /// So many steps of it are done.
    Done(u64),
    /// It has ended.
    End,
}

/// Progress callback.
pub type Callback<'a> = &'a mut dyn FnMut(Event<'_>);

/// Data and features that all ways share.
#[derive(Debug)]
pub struct Prepared {
    /// The data.
    pub task: Task,
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
    _lock: Option<Lock>,
}

/// What a run needs before it writes anything: all that could be wrong with it is known by then.
pub(crate) struct Ready {
    pub(crate) task: Task,
    pub(crate) extractor: Extractor,
    /// Training images in all views, and validation images.
    images: [Arc<dyn Stable>; 2],
}

impl Finetune {
    /// The deeper phase, among checkpoints.
    pub(crate) const DEEP: &str = "deep";
    /// Weight decay of the head (in the gradient), for standardised features.
    const DECAY: f32 = 0.03;
    /// Learning rate of the head.
    const HEAD_RATE: f64 = 0.01;
    /// Learning rate of the deeper phase, for the backbone's stages and the head.
    const DEEP_RATE: f64 = 1e-4;
    /// Steps between two checkpoints: of the head, and of the deeper phase.
    const EVERY: (u64, u64) = (500, 10);

    /// What becomes of validation images.
    fn plain(&self) -> Image {
        Image::new(self.size).reading(self.reading)
    }

    /// The augmentation of training images.
    pub fn augmentation(&self) -> Image {
        self.plain()
            .random_resized_crop(0.5..=1.0, 0.8..=1.25)
            .horizontal_flip(0.5)
            .rotate(10.0)
            .brightness(0.2)
            .contrast(0.2)
    }

    /// Fine-tunes in one way and writes the model and `report.json` to [`out`](Self::out).
    ///
    /// Everything is checked before anything is written: the data is opened, columns are found, labels are scanned, weights are
    /// loaded. `out` is locked as long as the run lasts.
    ///
    /// # Errors
    ///
    /// Whatever reading, training and writing give; as [`existing`](Self::existing) says, `Exists` where `out` holds a run, and
    /// `Resume` where it holds one with other settings or on other data, with what differs; `Config` where `out` has files of
    /// a run's names that no run wrote; `Busy` where another process works in it.
    pub fn run(&self, cx: &Context, way: &Strategy, watch: Callback<'_>) -> Result<Report> {
        let started = Instant::now();
        let (ready, mark, begun) = self.begin(cx, std::slice::from_ref(way), watch)?;
        if let Some(report) = begun.report {
            Classifier::load(&self.out, &Device::flex()).map_err(|error| {
                let message = format!("the run has ended, but its model cannot be read: {error}");
                Error::new(ErrorKind::Exists, message)
            })?;
            return Ok(report);
        }
        let cx = &self.context(cx, true);
        let prepared = self.extract(cx, ready, started, watch)?;
        self.folder().write_errors(self.on_bad_row, &prepared.bad)?;
        let probe = self.probe(cx, &prepared, way, watch)?;
        let (model, emitted, confusion) = match self.unfreeze {
            0 => {
                let confusion = evaluation::of_head(&probe.model, &prepared)?;
                (self.assemble(probe.model)?, probe.emitted, confusion)
            }
            _ => {
                let deep = self.deepen(cx, &prepared, way, &probe.model, watch)?;
                let confusion = evaluation::of_model(cx, &prepared.task, &deep.model, self.plain(), watch)?;
                (deep.model, deep.emitted, confusion)
            }
        };
        let figures = evaluation::figures(&prepared.task, &emitted, confusion, started.elapsed().as_secs_f64())?;
        model.save(&self.out, &self.meta(&prepared.task))?;
        let report = self.reported(Report::new(figures), &prepared, watch);
        self.folder().end_with(&mark, &report)?;
        Ok(report)
    }

    /// Trains the same head in several ways on the same features, split and seed, with the same number of rows and
    /// steps; writes the model of the last way and a report of all of them.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn compare(&self, cx: &Context, ways: &[Strategy], watch: Callback<'_>) -> Result<(Report, Prepared)> {
        let started = Instant::now();
        let last = ways.last().ok_or_else(|| Error::config("there is no way to compare"))?;
        let (ready, mark, begun) = self.begin(cx, ways, watch)?;
        let cx = &self.context(cx, true);
        let prepared = self.extract(cx, ready, started, watch)?;
        let prepared = Prepared {
            _lock: Some(begun.lock),
            ..prepared
        };
        if let Some(report) = begun.report {
            return Ok((report, prepared));
        }
        self.folder().write_errors(self.on_bad_row, &prepared.bad)?;
        let mut found = Named::default();
        for way in ways {
            let started = Instant::now();
            let probe = self.probe(cx, &prepared, way, watch)?;
            let confusion = evaluation::of_head(&probe.model, &prepared)?;
            let seconds = started.elapsed().as_secs_f64();
            found.insert(
                way.name.clone(),
                evaluation::figures(&prepared.task, &probe.emitted, confusion, seconds)?,
            );
            self.assemble(probe.model)?
                .save(&self.out, &self.meta(&prepared.task))?;
        }
        let report = self.reported(Report::compare(found, &last.name)?, &prepared, watch);
        self.folder().end_with(&mark, &report)?;
        Ok((report, prepared))
    }

    /// `report` with what its reader has to know, which is told as well.
    fn reported(&self, report: Report, prepared: &Prepared, watch: Callback<'_>) -> Report {
        let mut warnings = prepared.warnings.clone();
        warnings.extend(worth::of_figures(&report.figures));
        warnings.iter().for_each(|warning| watch(Event::Warning(warning)));
        let bad_rows = (!self.on_bad_row.is_fail()).then(|| worth::counted(&prepared.bad));
        Report {
            notes: prepared.task.understood(),
            warnings,
            bad_rows,
            ..report
        }
    }

    /// Opens the data.
    ///
    /// # Errors
    ///
    /// As [`Task::open`].
    pub fn task(&self, cx: &Context) -> Result<Task> {
        let (image, label) = (self.image.as_deref(), self.label.as_deref());
        cx.block_on(Task::open(cx, &self.train, &self.valid, image, label, self.seed))
    }

    /// Opens the data and runs the frozen backbone once over every row and view. The features are kept in
    /// [`out`](Self::out) if that is the folder of a run.
    ///
    /// # Errors
    ///
    /// Whatever opening, decoding and the feature cache give.
    pub fn prepare(&self, cx: &Context, watch: Callback<'_>) -> Result<Prepared> {
        let started = Instant::now();
        let ready = self.ready(cx, &[])?;
        self.extract(cx, ready, started, watch)
    }

    /// Opens the data and loads the weights; refuses `ways` that the classes do not allow.
    pub(crate) fn ready(&self, cx: &Context, ways: &[Strategy]) -> Result<Ready> {
        let task = self.task(cx)?;
        for way in ways {
            way.target.shares(&task.labels.counts(), task.labels.names())?;
        }
        Ok(Ready {
            extractor: Extractor::load(&self.weights)?,
            images: self.images(&task)?,
            task,
        })
    }

    /// Training images in all views, and validation images.
    fn images(&self, task: &Task) -> Result<[Arc<dyn Stable>; 2]> {
        let image = if self.views > 1 {
            self.augmentation()
        } else {
            self.plain()
        };
        let train = Arc::clone(&task.train).image(&task.image, image)?.views(self.views);
        let valid = Arc::clone(&task.valid).image(&task.image, self.plain())?.views(1);
        Ok([Arc::new(train), Arc::new(valid)])
    }

    /// Runs the frozen backbone once over every row and view.
    fn extract(&self, cx: &Context, ready: Ready, started: Instant, watch: Callback<'_>) -> Result<Prepared> {
        let Ready {
            task,
            extractor,
            images: [train, valid],
        } = ready;
        let folder = self.folder();
        let cache = folder.is_marked().then(|| folder.features());
        let mut features = |images: Arc<dyn Stable>, what, met: &mut Met| {
            let total = images.len().finite().unwrap_or(0);
            watch(Event::Begin { what, total });
            let mut done = |done, _| watch(Event::Done(done));
            let met = (!self.on_bad_row.is_fail()).then_some(met);
            let features = extractor.features_but(cx, images, &task.image, cache.as_deref(), met, &mut done);
            watch(Event::End);
            features.map_err(|error| match self.on_bad_row {
                OnBadRow::Fail => marked(error, "such a row can be skipped or replaced"),
                _ => error,
            })
        };
        let mut in_train = Met::new(self.on_bad_row, 0);
        let mut raw = features(train, "training features", &mut in_train)?;
        let mut in_valid = Met::new(self.on_bad_row, in_train.all());
        let mut valid = features(valid, "validation features", &mut in_valid)?;
        let (mut task, mut bad) = (task, Vec::new());
        if in_valid.all() > 0 {
            let without = Without::new(cx, &task, self.on_bad_row, [&in_train, &in_valid])?;
            (task, bad) = (without.task, without.bad);
            let [train, held] = self.images(&task)?;
            let [rows, of_held] = &without.rows;
            raw = extractor.of_rows(&raw, train, &task.image, rows)?;
            valid = extractor.of_rows(&valid, held, &task.image, of_held)?;
        }
        let warnings = worth::of_data(&task, &raw, &valid, &bad)?;
        Ok(Prepared {
            train: Standardised::new(raw)?,
            task,
            valid,
            bad,
            warnings,
            seconds: started.elapsed().as_secs_f64(),
            _lock: None,
        })
    }

    /// The loader of the head's training rows: balanced features, synthetic ones among them.
    ///
    /// # Errors
    ///
    /// `Config` for a class that cannot be balanced.
    pub fn feature_loader(&self, cx: &Context, prepared: &Prepared, way: &Strategy) -> Result<LoaderBuilder> {
        let rows = Arc::clone(&prepared.train.rows);
        let labels = &prepared.task.labels;
        let balanced = cx.block_on(Arc::clone(&rows).balance(cx, &prepared.task.label, way.target.clone()))?;
        let lacking = balanced
            .quotas()
            .iter()
            .filter(|class| class.rows > class.stored)
            .map(|class| class.stored)
            .max();
        let balanced = match lacking.filter(|_| way.synthetic > 0.0) {
            Some(largest) => {
                let smote = Smote::fit(cx, rows, labels, Extractor::COLUMN, Smote::NEIGHBOURS, largest);
                balanced.fill(Arc::new(cx.block_on(smote)?), way.synthetic)?
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
    pub fn image_loader(&self, cx: &Context, task: &Task, way: &Strategy) -> Result<LoaderBuilder> {
        let balanced = cx.block_on(Arc::clone(&task.train).balance(cx, &task.label, way.target.clone()))?;
        let balanced = if way.synthetic > 0.0 {
            let blend = Blend::new(
                Arc::clone(&task.train),
                &task.labels,
                &task.image,
                Elastic::new().reading(self.reading),
            )?;
            balanced.fill(Arc::new(blend), way.synthetic)?
        } else {
            balanced
        };
        let loader = balanced.image(&task.image, self.augmentation())?.loader(cx);
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
    fn probe(&self, cx: &Context, prepared: &Prepared, way: &Strategy, watch: Callback<'_>) -> Result<Fitted<Linear>> {
        let loader = self.feature_loader(cx, prepared, way)?;
        watch(Event::Explain(&loader.explain()));
        let rows = prepared.task.labels.len();
        let fit = Fit {
            loader,
            steps: self.steps(self.epochs, rows)?,
            learning_rate: Self::HEAD_RATE,
            checkpoints: Some((self.folder().checkpoints(&way.name), Self::EVERY.0)),
        };
        let device = Device::flex().autodiff();
        let classes = prepared.task.labels.names().len();
        let head = LinearConfig::new(EfficientNetLite0::FEATURES, classes).with_initializer(Initializer::Zeros);
        let optimizer = SgdConfig::new()
            .with_momentum(Some(MomentumConfig::new().with_momentum(0.9)))
            .with_weight_decay(Some(WeightDecayConfig::new(Self::DECAY)));
        let loss = CrossEntropyLossConfig::new().init(&device);
        watch(Event::Begin {
            what: &head_of(way),
            total: fit.steps,
        });
        let fitted = fit.run(
            head.init(&device),
            optimizer.init(),
            |head: &Linear, batch: &Batch| {
                let features = tensor::floats::<2>(batch.rows(), Extractor::COLUMN, &device)?;
                let targets = tensor::ints(batch.rows(), &prepared.task.label, &device)?;
                Ok(loss.forward(head.forward(features), targets))
            },
            &mut |step, _| watch(Event::Done(step)),
        );
        watch(Event::End);
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
    fn deepen(
        &self,
        cx: &Context,
        prepared: &Prepared,
        way: &Strategy,
        head: &Linear,
        watch: Callback<'_>,
    ) -> Result<Fitted<Classifier>> {
        let task = &prepared.task;
        let loader = self.image_loader(cx, task, way)?;
        watch(Event::Explain(&loader.explain()));
        let rows = task.labels.len();
        let fit = Fit {
            loader,
            steps: self.steps(self.deep_epochs, rows)?,
            learning_rate: Self::DEEP_RATE,
            checkpoints: Some((self.folder().checkpoints(Self::DEEP), Self::EVERY.1)),
        };
        let (plain, device) = (Device::flex(), Device::flex().autodiff());
        let first = EfficientNetLite0::STAGES.saturating_sub(self.unfreeze);
        let frozen = weights::load_backbone(&self.weights, &plain)?.fold_below(first);
        let backbone = weights::load_backbone(&self.weights, &device)?;
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
        watch(Event::Begin {
            what: "deeper",
            total: fit.steps,
        });
        let fitted = fit.run(
            model,
            AdamWConfig::new().with_weight_decay(1e-2).init(),
            |model: &Classifier, batch: &Batch| {
                let images = tensor::floats::<4>(batch.rows(), &task.image, &plain)?;
                let targets = tensor::ints(batch.rows(), &task.label, &device)?;
                let map = frozen.forward_until(images, first).autodiff();
                let logits = model.forward_head(model.backbone.forward_from(map, first));
                Ok(loss.forward(logits, targets))
            },
            &mut |step, _| watch(Event::Done(step)),
        );
        watch(Event::End);
        let fitted = fitted?;
        Ok(Fitted {
            model: fitted.model.valid(),
            ..fitted
        })
    }

    fn assemble(&self, head: Linear) -> Result<Classifier> {
        Ok(Classifier {
            backbone: weights::load_backbone(&self.weights, &Device::flex())?,
            head,
        })
    }

    fn meta(&self, task: &Task) -> ClassifierConfig {
        ClassifierConfig {
            backbone: EfficientNetLite0::NAME.to_owned(),
            classes: task.labels.names().to_vec(),
            image_size: self.size as usize,
            normalisation: Normalisation::IMAGENET,
            reading: self.reading,
        }
    }

    pub(crate) fn folder(&self) -> RunFolder {
        RunFolder::new(&self.out)
    }
}

/// What the training of a head is called.
fn head_of(way: &Strategy) -> String {
    match way.name.as_str() {
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
