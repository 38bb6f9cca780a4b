//! What decides which rows a training has and what it learns of them: options of every command that trains or looks at it.

use crate::device::Compute;
use crate::machine::Machine;
use crate::on_error::OnError;
use crate::reading::Reading;
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use millstream::Result;
use millstream::mix::Target;
use millstream::task::{
    self, AugmentOptions, DataOptions, FinetuneSpec, MachineOptions, ModelOptions, NamedTask, Strategy, TrainOptions,
};
use millstream::train::loss::Loss;
use std::path::PathBuf;

/// Data, columns, pictures, balance and training.
#[derive(Args)]
pub(crate) struct Settings {
    /// Validation files; without them the folder's validation split, else a stratified tenth of the training rows
    #[arg(long, num_args = 1.., value_name = "PARQUET")]
    valid: Vec<String>,
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// The label column, if not found by its type
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// The task: classify, multilabel or regress, or one with its parameters as JSON; that of the label column's type if left out
    #[arg(long, value_name = "NAME", value_parser = task)]
    task: Option<NamedTask>,
    /// The loss of a classification: cross_entropy, balanced_softmax, class_weights, focal or ldam, or one with its parameters as JSON
    #[arg(long, value_name = "NAME", value_parser = loss)]
    loss: Option<Loss>,
    /// The pretrained network: efficientnet-lite0, whose weights are inside this program; a folder with timm's config.json; or a
    /// network's name with --weights
    #[arg(long, value_name = "NAME|FOLDER", default_value = "efficientnet-lite0")]
    backbone: String,
    /// Its weights, .safetensors, .pth or .bin, where they are in another file
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Width and height that images are resized to; as the backbone's weights expect if left out
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(16..=1024))]
    size: Option<u32>,
    #[command(flatten)]
    reading: Reading,
    /// Epochs of the head, each of as many rows as the training set
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=MOST_EPOCHS))]
    epochs: u64,
    /// Which share of the rows each class gets; uniform if left out and each row has one class. auto tries shares, losses and synthetic
    /// rows in a cross-validation inside the training rows, and takes the simplest within one standard error of the best
    #[arg(long, value_enum)]
    balance: Option<Balance>,
    /// The most that synthetic rows may make up of what a class is given beyond its real rows, 0 to 1; 0 if left out
    #[arg(long, value_name = "SHARE", value_parser = share)]
    synthetic: Option<f64>,
    /// Views of each training row: itself, and V - 1 augmented ones
    #[arg(long, value_name = "V", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1000))]
    views: u64,
    /// Stages of the backbone, counted from the last, that train after the head; efficientnet-lite0 has 9
    #[arg(long, value_name = "N", default_value_t = 0)]
    unfreeze: usize,
    /// Epochs with these stages
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(..=MOST_EPOCHS))]
    deep_epochs: u64,
    /// Let these stages train on the V views of the head, whose maps are computed once and kept, not on new ones in each epoch
    #[arg(long)]
    fixed_views: bool,
    /// What the learning rate of a stage is of that of the stage above it
    #[arg(long, value_name = "RATIO", default_value_t = 1.0, value_parser = ratio)]
    layer_decay: f64,
    /// End a phase after N epochs without a better figure on a tenth of the training rows, which is held out for that
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_EPOCHS))]
    early_stopping: Option<u64>,
    /// End a phase with the model of its best epoch, by the same figure
    #[arg(long)]
    keep_best: bool,
    /// Rows in a batch
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=65536))]
    batch: u64,
    /// Seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    on_error: OnError,
    #[command(flatten)]
    device: Compute,
}

/// Epochs at most: more is a slip of the finger, and steps are counted in 64 bits.
pub(crate) const MOST_EPOCHS: u64 = 1_000_000;

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

/// A loss of the library, by its name or as JSON.
fn loss(name: &str) -> Result<Loss, String> {
    name.parse().map_err(|error| without_place(&error))
}

/// What `error` says of a word of the command line, which has no lines and columns.
fn without_place(error: &millstream::Error) -> String {
    let said = error.to_string();
    said.split(" at line ").next().unwrap_or_default().to_owned()
}

#[derive(Clone, Copy, ValueEnum)]
enum Balance {
    None,
    Sqrt,
    Uniform,
    Auto,
}

impl Balance {
    /// The target; none where it is to be chosen.
    fn target(self) -> Option<Target> {
        match self {
            Self::None => Some(Target::Power(1.0)),
            Self::Sqrt => Some(Target::Sqrt),
            Self::Uniform => Some(Target::Uniform),
            Self::Auto => None,
        }
    }
}

impl Settings {
    /// Ends the program, as clap does, where an option is given that `--balance auto` chooses. `C` are the arguments of the command
    /// `name`.
    pub(crate) fn refuse_conflicts<C: Args>(&self, name: &'static str) {
        let other = match (self.balance, &self.loss, self.synthetic) {
            (Some(Balance::Auto), Some(_), _) => "--loss <NAME>",
            (Some(Balance::Auto), _, Some(_)) => "--synthetic <SHARE>",
            _ => return,
        };
        let message = format!("the argument '--balance auto' cannot be used with '{other}'");
        C::augment_args(clap::Command::new(name))
            .error(ErrorKind::ArgumentConflict, message)
            .exit()
    }

    /// A run on the files, folders or patterns `train`.
    pub(crate) fn spec(self, train: Vec<String>, machine: &Machine) -> Result<FinetuneSpec> {
        let balance = Strategy {
            target: self.balance.and_then(Balance::target),
            synthetic: self.synthetic.unwrap_or(0.0),
            loss: self.loss,
            auto: matches!(self.balance, Some(Balance::Auto)),
            ..Strategy::default()
        };
        Ok(FinetuneSpec {
            seed: self.seed,
            task: self.task,
            data: DataOptions {
                train,
                valid: self.valid,
                image: self.image,
                label: self.label,
                on_bad_row: self.on_error.rule(),
                reading: self.reading.into(),
                ..DataOptions::default()
            },
            balance,
            augment: AugmentOptions {
                views: self.views,
                ..AugmentOptions::default()
            },
            model: ModelOptions {
                backbone: self.backbone,
                weights: self.weights,
                size: self.size,
            },
            train: TrainOptions {
                epochs: self.epochs,
                batch_size: self.batch,
                unfreeze: self.unfreeze,
                deep_epochs: self.deep_epochs,
                layer_decay: self.layer_decay,
                fixed_views: self.fixed_views,
                early_stopping: self.early_stopping,
                keep_best: self.keep_best,
                ..TrainOptions::default()
            },
            machine: MachineOptions {
                device: self.device.device()?,
                ..machine.options()
            },
        })
    }
}
