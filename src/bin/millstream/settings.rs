//! What decides which rows a training has and what it learns of them: options of every command that trains or looks at it.
//!
//! Long because each option is a field with its help.

use crate::columns::Columns;
use crate::device::Compute;
use crate::machine::Machine;
use crate::on_error::OnError;
use crate::reading::Reading;
use crate::recipe::with_default;
use clap::Args;
use clap::error::ErrorKind;
use millstream::Result;
use millstream::image::{Crop, Operation};
use millstream::mix::Target;
use millstream::rows::BoxFormat;
use millstream::spec::{Named, Spec};
use millstream::task::{self, DataSource, Detect, FinetuneSpec, NamedTask, Strategy};
use millstream::train::loss::Loss;
use serde::de::DeserializeOwned;
use std::path::PathBuf;

/// Data, columns, pictures, balance and training.
#[derive(Args)]
pub(crate) struct Settings {
    /// Validation data; without them the folder's validation split, else --held-out of the training rows, stratified
    #[arg(long, num_args = 1.., value_name = "DATA")]
    valid: Vec<String>,
    #[arg(
        long,
        value_name = "SHARE",
        value_parser = part,
        help = with_default(
            "The share of the training rows that is held out, where there is no validation data",
            |run| run.data.held_out
        )
    )]
    held_out: Option<f64>,
    #[command(flatten)]
    columns: Columns,
    /// The task: classify, multilabel, regress, detect or segment, or one with its parameters as JSON; that of the label column's type if left out
    #[arg(long, value_name = "NAME", value_parser = task)]
    task: Option<NamedTask>,
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
    /// Width and height that images are resized to; as the backbone's weights expect if left out
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..=8192))]
    size: Option<u32>,
    /// Height that images are resized to, where it is another one than the width, --size
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(16..=1024))]
    height: Option<u32>,
    #[command(flatten)]
    reading: Reading,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=MOST_EPOCHS),
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
    /// The most that synthetic rows may make up of what a class is given beyond its real rows, 0 to 1; 0 if left out
    #[arg(long, value_name = "SHARE", value_parser = share)]
    synthetic: Option<f64>,
    #[arg(
        long,
        value_name = "V",
        value_parser = clap::value_parser!(u64).range(1..=1000),
        help = with_default("Views of each training row: itself, and V - 1 augmented ones", |run| run.augment.views)
    )]
    views: Option<u64>,
    /// The part of a training picture that is resized, as a recipe's augment.crop in JSON: whole, {"center_crop": {"share": 0.9}},
    /// {"random_resized_crop": {"scale": [0.5, 1], "ratio": [0.8, 1.25]}}; a random box of half of the area and more if left out
    #[arg(long, value_name = "CROP", value_parser = crop)]
    crop: Option<Crop>,
    /// What is done with training pictures, in this order: names of operations, such as horizontal_flip, or some with their parameters
    /// as JSON, such as {"rotate": {"degrees": 5}}; or none. A flip, small turns and changes of light if left out
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
        value_parser = clap::value_parser!(u64).range(..=MOST_EPOCHS),
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
    #[arg(
        long,
        value_name = "RATIO",
        value_parser = ratio,
        help = with_default("What the learning rate of a stage is of that of the stage above it", |run| run.train.layer_decay)
    )]
    layer_decay: Option<f64>,
    /// End a phase after N epochs without a better figure on a tenth of the training rows, which is held out for that
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_EPOCHS))]
    early_stopping: Option<u64>,
    /// End a phase with the model of its best epoch, by the same figure
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    keep_best: Option<bool>,
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=65536),
        help = with_default("Rows in a batch", |run| run.train.batch_size)
    )]
    batch: Option<u64>,
    /// Batches that are made ahead of the trainer; as the machine and the batches call for if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    depth: Option<u16>,
    #[arg(long, value_name = "N", help = with_default("Seed of all that is random", |run| run.seed))]
    seed: Option<u64>,
    #[command(flatten)]
    on_error: OnError,
    #[command(flatten)]
    device: Compute,
}

/// Epochs at most: more is a slip of the finger, and steps are counted in 64 bits.
pub(crate) const MOST_EPOCHS: u64 = 1_000_000;

/// A number above 0.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("not a number above 0".to_owned()),
    }
}

/// A number above 0 and below 1.
fn part(text: &str) -> Result<f64, String> {
    match share(text)? {
        part if part > 0.0 && part < 1.0 => Ok(part),
        _ => Err("not above 0 and below 1".to_owned()),
    }
}

/// A number above 0 and at most 1.
fn ratio(text: &str) -> Result<f64, String> {
    match share(text)? {
        0.0 => Err("not above 0".to_owned()),
        ratio => Ok(ratio),
    }
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match (0.0..=1.0).contains(&number) {
        true => Ok(number),
        false => Err("not in 0 to 1".to_owned()),
    }
}

/// A task of the library, by its name or as JSON.
fn task(name: &str) -> Result<NamedTask, String> {
    let tagged = match name.trim().starts_with('{') {
        true => name.to_owned(),
        false => serde_json::json!({ name: {} }).to_string(),
    };
    let task = task::tasks().read_json(&tagged);
    task.map(|task| NamedTask::new(task.into()))
        .map_err(|error| without_place(&error))
}

/// A format of boxes.
fn boxes(name: &str) -> Result<BoxFormat, String> {
    let known = BoxFormat::ALL.into_iter().find(|format| format.to_string() == name);
    known.ok_or_else(|| {
        format!(
            "the formats are {}",
            BoxFormat::ALL.map(|format| format.to_string()).join(", ")
        )
    })
}

/// `task` with boxes of this format: a detection, which is what it is where there is none.
fn with_boxes(task: Option<NamedTask>, format: BoxFormat) -> Result<NamedTask> {
    let Some(task) = task else {
        return Ok(Detect {
            boxes: format,
            ..Detect::default()
        }
        .into());
    };
    let failed = |error: serde_json::Error| millstream::Error::config(error.to_string());
    let mut written = serde_json::to_value(&task).map_err(failed)?;
    let Some(detect) = written.get_mut(Detect::NAME) else {
        let name = task.name();
        return Err(millstream::Error::config(format!(
            "--boxes is of the task {}, and the task is {name}",
            Detect::NAME
        )));
    };
    detect["boxes"] = serde_json::to_value(format).map_err(failed)?;
    task::tasks()
        .read_json(&written.to_string())
        .map(|task| NamedTask::new(task.into()))
}

/// A loss of the library, by its name or as JSON.
fn loss(name: &str) -> Result<Loss, String> {
    name.parse().map_err(|error| without_place(&error))
}

/// A crop, by its name or as JSON.
fn crop(text: &str) -> Result<Crop, String> {
    tagged(text)
}

/// What is written as a name alone, or as JSON.
fn tagged<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let json = match text.trim().starts_with('{') {
        true => text.to_owned(),
        false => serde_json::json!(text).to_string(),
    };
    serde_json::from_str(&json).map_err(|error| without_place(&error))
}

/// An operation; none where there shall be no operations.
#[derive(Clone)]
struct Augment(Option<Named<dyn Operation>>);

impl Augment {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self(None)),
            text => tagged(text).map(|operation| Self(Some(operation))),
        }
    }
}

/// What `error` says of a word of the command line, which has no lines and columns.
fn without_place(error: &impl std::fmt::Display) -> String {
    let said = error.to_string();
    said.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The shares of the classes.
#[derive(Clone)]
enum Balance {
    Auto,
    Target(Target),
}

impl Balance {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::Target(Target::Power(1.0))),
            "sqrt" => Ok(Self::Target(Target::Sqrt)),
            "uniform" => Ok(Self::Target(Target::Uniform)),
            text if text.trim().starts_with('{') => {
                let target: Target = tagged(text)?;
                target.check().map_err(|error| error.to_string())?;
                Ok(Self::Target(target))
            }
            "repeat_factor" | "repeat-factor" => Err(
                "a repeat factor needs the share of the rows below which a class is rare: {\"repeat_factor\": 0.3}"
                    .to_owned(),
            ),
            _ => Err("not none, sqrt, uniform, auto or JSON".to_owned()),
        }
    }

    /// Sets it in `strategy`. What is chosen automatically takes the place of all that it chooses.
    fn apply(self, strategy: &mut Strategy) {
        match self {
            Self::Target(target) => (strategy.target, strategy.auto) = (Some(target), false),
            Self::Auto => {
                let name = std::mem::take(&mut strategy.name);
                *strategy = Strategy {
                    name,
                    auto: true,
                    ..Strategy::default()
                };
            }
        }
    }
}

impl Settings {
    /// Ends the program, as clap does, where an option is given that `--balance auto` chooses. `C` are the arguments of the command
    /// `name`.
    pub(crate) fn refuse_conflicts<C: Args>(&self, name: &'static str) {
        let other = match (&self.balance, &self.loss, self.synthetic) {
            (Some(Balance::Auto), Some(_), _) => "--loss <NAME>",
            (Some(Balance::Auto), _, Some(_)) => "--synthetic <SHARE>",
            _ => return,
        };
        let message = format!("the argument '--balance auto' cannot be used with '{other}'");
        C::augment_args(clap::Command::new(name))
            .error(ErrorKind::ArgumentConflict, message)
            .exit()
    }

    /// Sets in `run` what was given.
    pub(crate) fn apply(self, run: &mut FinetuneSpec, machine: &Machine) -> Result<()> {
        let FinetuneSpec {
            data,
            balance,
            augment,
            model,
            train,
            ..
        } = run;
        set_files(&mut data.valid, self.valid);
        set(&mut data.held_out, self.held_out);
        self.columns.apply(data);
        data.on_bad_row = self.on_error.rule_or(data.on_bad_row)?;
        data.reading = self.reading.or(data.reading);
        if let Some(choice) = self.balance {
            choice.apply(balance);
        }
        set(&mut balance.synthetic, self.synthetic);
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
        set_some(&mut train.early_stopping, self.early_stopping);
        set(&mut train.keep_best, self.keep_best);
        set(&mut run.seed, self.seed);
        set_some(&mut run.task, self.task);
        if let Some(format) = self.boxes {
            run.task = Some(with_boxes(run.task.take(), format)?);
        }
        run.machine.device = self.device.device_or(run.machine.device.clone())?;
        machine.apply(&mut run.machine);
        set_some(&mut run.machine.depth, self.depth.map(usize::from));
        Ok(())
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
