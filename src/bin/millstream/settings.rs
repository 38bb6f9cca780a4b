//! What decides which rows a training has and what it learns of them: options of every command that trains or looks at it.

use crate::columns::{Columns, HeldOut};
use crate::device::Compute;
use crate::machine::Machine;
use crate::on_error::OnError;
use crate::reading::Reading;
use crate::recipe::with_default;
use crate::values::{Augment, Balance, GivenTask, boxes, crop, generator, loss, rate, ratio, share, with_boxes};
use clap::Args;
use clap::error::ErrorKind;
use millstream::image::Crop;
use millstream::rows::BoxFormat;
use millstream::spec::Named;
use millstream::synthetic::GeneratorSpec;
use millstream::task::{AugmentOptions, DataSource, FinetuneSpec, ModelOptions, TrainOptions};
use millstream::train::loss::Loss;
use millstream::{Error, Result};
use std::path::PathBuf;

/// Data, columns, pictures, balance and training.
#[derive(Args)]
pub(crate) struct Settings {
    /// Validation data; without them, and with none in place of those of a recipe, the folder's validation split, else --held-out of the training
    /// rows, stratified
    #[arg(long, num_args = 1.., value_name = "DATA")]
    valid: Vec<String>,
    #[command(flatten)]
    held_out: HeldOut,
    #[command(flatten)]
    columns: Columns,
    /// The task: classify, multilabel, regress, detect or segment, or one with its parameters as JSON; that of the label column's type if left out.
    /// Masks of a segmentation are PNG files of class numbers, as bytes or as datasets' Image, in the label column or in one that is called mask
    #[arg(long, value_name = "NAME", value_parser = GivenTask::read)]
    task: Option<GivenTask>,
    /// What the four numbers of a box mean: xyxy, xywh, cxcywh, or one of these with _normalized; xywh, as COCO has it, if left out
    #[arg(long, value_name = "FORMAT", value_parser = boxes)]
    boxes: Option<BoxFormat>,
    /// The loss of a classification: cross_entropy, balanced_softmax, class_weights, focal or ldam, or one with its parameters as JSON
    #[arg(long, value_name = "NAME", value_parser = loss)]
    loss: Option<Loss>,
    #[arg(
        long,
        value_name = "NAME|FOLDER",
        help = with_default(
            "The pretrained network: efficientnet-lite0, whose weights are inside this program; a folder with timm's config.json; \
             or a network's name with --weights",
            |run| run.model.backbone
        )
    )]
    backbone: Option<String>,
    /// Its weights, .safetensors, .pth or .bin, where they are in another file
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Width and height that images are resized to, up to 8192; as the backbone's weights expect if left out
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..=i64::from(ModelOptions::MAX_SIZE)))]
    size: Option<u32>,
    /// Height that images are resized to, where it is another one than the width, --size; up to 8192
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..=i64::from(ModelOptions::MAX_SIZE)))]
    height: Option<u32>,
    #[command(flatten)]
    reading: Reading,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=TrainOptions::MAX_EPOCHS),
        help = with_default("Epochs of the head, each of as many rows as the training set", |run| run.train.epochs)
    )]
    epochs: Option<u64>,
    /// The learning rate of the head at its first step; that of the task if left out
    #[arg(long, value_name = "RATE", value_parser = rate)]
    learning_rate: Option<f64>,
    /// Which share of the rows each class gets; uniform if left out and each row has one class. auto tries shares, losses and synthetic
    /// rows in a cross-validation inside the training rows, and takes the simplest within one standard error of the best. Others as JSON,
    /// such as {"power": 0.7}, {"effective_number": 0.999} and {"weights": [1, 2]}. A row with several classes, such as a picture with
    /// boxes, counts for the rarest of them: {"repeat_factor": 0.3} repeats rows with a class that less than 0.3 of the rows have, as LVIS
    /// does; if left out, each of such rows comes once an epoch
    #[arg(long, value_name = "none|sqrt|uniform|auto", value_parser = Balance::read)]
    balance: Option<Balance>,
    /// The most that synthetic rows may make up of what a class is given beyond its stored rows, 0 to 1; 0 if left out
    #[arg(long, value_name = "SHARE", value_parser = share)]
    synthetic: Option<f64>,
    /// What makes the synthetic rows that the head is trained on, of features: smote, borderline_smote, adasyn, jitter, calibrated or residuals, or one with its
    /// parameters as JSON, such as {"residuals": {"strength": 1}}; smote if left out
    #[arg(long, value_name = "NAME", value_parser = generator)]
    generator: Option<Named<dyn GeneratorSpec>>,
    #[arg(
        long,
        value_name = "V",
        value_parser = clap::value_parser!(u64).range(1..=AugmentOptions::MAX_VIEWS),
        help = with_default("Views of each training row: itself, and V - 1 augmented ones, V up to 1000", |run| run.augment.views)
    )]
    views: Option<u64>,
    /// The part of a training picture that is resized, as a recipe's augment.crop: whole, center_crop, letterbox, random_resized_crop or
    /// random_iou_crop with their defaults, or one with parameters as JSON, such as {"random_resized_crop": {"scale": [0.5, 1], "ratio": [0.8, 1.25]}}
    /// and {"resize_center_crop": {"resize_size": 256}}; a random box of half of the area and more if left out
    #[arg(long, value_name = "CROP", value_parser = crop)]
    crop: Option<Crop>,
    /// What is done with training pictures, in this order: names of operations, such as horizontal_flip, which have their defaults then,
    /// or some with their parameters as JSON, such as {"rotate": {"degrees": 5}}; or none. docs/operations.md has all with their parameters. One
    /// that takes other rows comes last: for boxes {"copy_paste": {"classes": ["bus"]}}, which pastes objects of these classes, or of all without them,
    /// and mosaic; mixup and cutmix for a classification with --unfreeze. A flip, small turns and changes of light if left out
    #[arg(long, value_name = "OPERATION", num_args = 1.., value_parser = Augment::read)]
    augment: Vec<Augment>,
    #[arg(
        long,
        value_name = "N",
        help = with_default(
            "Stages of the backbone, counted from the last, that train after the head; efficientnet-lite0 has 9",
            |run| run.train.unfreeze
        )
    )]
    unfreeze: Option<usize>,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(..=TrainOptions::MAX_EPOCHS),
        help = with_default("Epochs with these stages", |run| run.train.deep_epochs)
    )]
    deep_epochs: Option<u64>,
    #[arg(
        long,
        value_name = "RATE",
        value_parser = rate,
        help = with_default("The learning rate of these stages and the head at their first step", |run| run.train.deep_learning_rate)
    )]
    deep_learning_rate: Option<f64>,
    /// Let these stages train on the V views of the head, whose maps are computed once and kept, not on new ones in each epoch
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    fixed_views: Option<bool>,
    /// Leave the kernels of depthwise convolutions as they are in these stages, which takes a fraction of the time
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    freeze_depthwise: Option<bool>,
    #[arg(
        long,
        value_name = "RATIO",
        value_parser = ratio,
        help = with_default("What the learning rate of a stage is of that of the stage above it", |run| run.train.layer_decay)
    )]
    layer_decay: Option<f64>,
    /// End a phase after N epochs without a better figure on a tenth of the training rows, which is held out for that
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=TrainOptions::MAX_EPOCHS))]
    early_stopping: Option<u64>,
    /// End a phase with the model of its best epoch, by the same figure
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    keep_best: Option<bool>,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=TrainOptions::MAX_BATCH_SIZE),
        help = with_default("Rows in a batch", |run| run.train.batch_size)
    )]
    batch: Option<u64>,
    /// Batches that are made ahead of the trainer; as the machine and the batches call for if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    depth: Option<u16>,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(..=FinetuneSpec::MAX_SEED),
        help = with_default("Seed of all that is random", |run| run.seed)
    )]
    seed: Option<u64>,
    #[command(flatten)]
    on_error: OnError,
    #[command(flatten)]
    device: Compute,
}

impl Settings {
    /// Ends the program, as clap does, where an option is given that `--balance auto` chooses. `C` are the arguments of the command
    /// `name`.
    pub(crate) fn refuse_conflicts<C: Args>(&self, name: &'static str) {
        let other = match (&self.balance, &self.loss, self.synthetic) {
            (Some(Balance::Auto), Some(_), _) => "--loss <NAME>",
            (Some(Balance::Auto), _, Some(_)) => "--synthetic <SHARE>",
            (Some(Balance::Auto), ..) if self.generator.is_some() => "--generator <NAME>",
            _ => return,
        };
        let message = format!("the argument '--balance auto' cannot be used with '{other}'");
        C::augment_args(clap::Command::new(name))
            .error(ErrorKind::ArgumentConflict, message)
            .exit()
    }

    /// Sets in `run` what was given. What comes back has to be checked before it runs: a recipe that is printed may be completed.
    ///
    /// # Errors
    ///
    /// `Config` for options that say two things.
    pub(crate) fn apply(self, run: &mut FinetuneSpec, machine: &Machine) -> Result<Effects> {
        let effects = Effects::of(&self);
        if self.augment.len() > 1 && self.augment.iter().any(|Augment(operation)| operation.is_none()) {
            return Err(Error::config(
                "--augment none stands beside other operations: leave out one of them",
            ));
        }
        let FinetuneSpec {
            data,
            balance,
            augment,
            model,
            train,
            ..
        } = run;
        match self.valid == ["none"] {
            true => data.valid = DataSource::default(),
            false => set_files(&mut data.valid, self.valid),
        }
        self.held_out.apply(data);
        self.columns.apply(data);
        data.on_bad_row = self.on_error.rule_or(data.on_bad_row)?;
        data.reading = self.reading.or(data.reading);
        if let Some(choice) = self.balance {
            choice.apply(balance);
        }
        set(&mut balance.synthetic, self.synthetic);
        set_some(&mut balance.generator, self.generator);
        set_some(&mut balance.loss, self.loss);
        set(&mut augment.views, self.views);
        set(&mut augment.crop, self.crop);
        if !self.augment.is_empty() {
            augment.operations = self
                .augment
                .into_iter()
                .filter_map(|Augment(operation)| operation)
                .collect();
        }
        if let Some(backbone) = self.backbone {
            // These are the weights of another network.
            (model.backbone, model.weights) = (backbone, None);
        }
        set_some(&mut model.weights, self.weights);
        set_some(&mut model.size, self.size);
        set_some(&mut model.height, self.height);
        set(&mut train.epochs, self.epochs);
        set(&mut train.batch_size, self.batch);
        set_some(&mut train.learning_rate, self.learning_rate);
        set(&mut train.deep_learning_rate, self.deep_learning_rate);
        set(&mut train.unfreeze, self.unfreeze);
        set(&mut train.deep_epochs, self.deep_epochs);
        set(&mut train.layer_decay, self.layer_decay);
        set(&mut train.fixed_views, self.fixed_views);
        set(&mut train.freeze_depthwise, self.freeze_depthwise);
        set_some(&mut train.early_stopping, self.early_stopping);
        set(&mut train.keep_best, self.keep_best);
        set(&mut run.seed, self.seed);
        if let Some(format) = self.boxes {
            self.task.iter().try_for_each(|task| task.check_boxes(format))?;
        }
        set_some(&mut run.task, self.task.map(|task| task.task));
        if let Some(format) = self.boxes {
            run.task = Some(with_boxes(run.task.take(), format)?);
        }
        run.machine.device = self.device.device_or(run.machine.device.clone())?;
        machine.apply(&mut run.machine);
        set_some(&mut run.machine.depth, self.depth.map(usize::from));
        Ok(effects)
    }
}

/// Options that were given, and have an effect beside some others alone.
#[must_use]
pub(crate) struct Effects {
    held_out: bool,
    unfreeze: bool,
    deep_epochs: bool,
    /// Those of the deep phase.
    deep: Option<&'static str>,
}

impl Effects {
    fn of(given: &Settings) -> Self {
        let deep = [
            ("--deep-epochs", given.deep_epochs.is_some()),
            ("--deep-learning-rate", given.deep_learning_rate.is_some()),
            ("--fixed-views", given.fixed_views == Some(true)),
            ("--freeze-depthwise", given.freeze_depthwise == Some(true)),
            ("--layer-decay", given.layer_decay.is_some()),
        ];
        Self {
            held_out: given.held_out.has_share(),
            unfreeze: given.unfreeze.is_some(),
            deep_epochs: given.deep_epochs.is_some(),
            deep: deep.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name),
        }
    }

    /// Refuses what was given and has no effect in `run`.
    ///
    /// # Errors
    ///
    /// `Config` with the option, and what it would need.
    pub(crate) fn check(&self, run: &FinetuneSpec) -> Result<()> {
        if self.held_out && !run.data.valid.is_none() {
            return Err(Error::config(
                "--held-out has no effect beside validation data: leave out one of them",
            ));
        }
        match (run.train.unfreeze, run.train.deep_epochs, self.deep) {
            (0, _, Some(option)) => Err(Error::config(format!(
                "{option} is of the part of the run in which stages of the backbone train, and none does: give --unfreeze, or leave it out"
            ))),
            (1.., 0, _) if self.unfreeze || self.deep_epochs => Err(Error::config(
                "--deep-epochs is 0, so that the stages of --unfreeze do not train: leave out both, or give them epochs",
            )),
            _ => Ok(()),
        }
    }
}

/// Sets `to` where there is a `value`.
pub(crate) fn set<T>(to: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *to = value;
    }
}

/// As [`set`], of files, folders or patterns.
pub(crate) fn set_files(to: &mut DataSource, files: Vec<String>) {
    set(to, Some(files).filter(|files| !files.is_empty()).map(Into::into));
}

/// As [`set`], of what may be left out.
pub(crate) fn set_some<T>(to: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *to = value;
    }
}
