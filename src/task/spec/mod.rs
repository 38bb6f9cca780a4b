//! All that a fine-tuning run is, as plain parameters.

mod augment;
pub(crate) mod data;
mod machine;
mod model;
pub(super) mod recipe;
pub(super) mod row_join;
pub(in crate::task) mod source;
mod train;

pub use augment::AugmentOptions;
pub use data::DataOptions;
pub use machine::MachineOptions;
pub use model::ModelOptions;
pub use source::DataSource;
pub use train::TrainOptions;

use self::row_join::RowJoin;
use super::catalog::NamedTask;
use super::definition::Task;
use super::held_out_for::{HeldOutFor, check_feedback};
use super::strategy::Strategy;
use super::target_kind::TargetKind;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// All that a fine-tuning run is: what its builder [`Finetune`](super::Finetune) fills, what `run.json` has, and what a recipe says.
///
/// ```
/// use millstream::mix::Target;
/// use millstream::spec::read_toml;
/// use millstream::task::{Finetune, FinetuneSpec};
///
/// let spec: FinetuneSpec = read_toml(
///     r#"
///     seed = 7
///
///     [data]
///     train = "photos/*.parquet"
///
///     [balance]
///     target = "sqrt"
///     loss = { balanced_softmax = {} }
///
///     [augment]
///     operations = [{ rotate = { degrees = 5 } }] # no flip
///
///     [train]
///     epochs = 20
///     "#,
/// )?;
/// assert_eq!((spec.train.epochs, spec.train.batch_size), (20, 32));
/// assert_eq!(spec.balance.target, Some(Target::Sqrt));
/// let error = read_toml::<FinetuneSpec>("[train]\nepoch = 20\n").unwrap_err().to_string();
/// assert!(error.starts_with("train: unknown field `epoch` (do you mean `epochs`?)"), "{error}");
/// assert!(error.ends_with("at line 2 column 1"), "{error}");
/// let run = Finetune::new(spec, "runs/mine");
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinetuneSpec {
    /// Seed of all that is random, [`MAX_SEED`](Self::MAX_SEED) at most. Defaults to 0.
    pub seed: u64,
    /// The task. Defaults to that of the target column's type: one class a row, a list of classes, a number, boxes with classes, or masks.
    pub task: Option<NamedTask>,
    /// Which rows it trains on, and which it is measured on.
    pub data: DataOptions,
    /// How classes of different size are dealt with.
    pub balance: Strategy,
    /// How training pictures are augmented.
    pub augment: AugmentOptions,
    /// The pretrained network.
    pub model: ModelOptions,
    /// What trains, for how long and at which rates.
    pub train: TrainOptions,
    /// What computes.
    pub machine: MachineOptions,
}

impl Spec for FinetuneSpec {
    const NAME: &'static str = "finetune";
    const LOCATIONS: &'static [&'static str] = &["data.train", "data.valid", "model.backbone", "model.weights"];
    const MACHINE: &'static [&'static str] = &["machine"];

    fn check(&self) -> Result<()> {
        let (held_out, views) = (self.data.held_out, self.augment.views);
        if !(held_out > 0.0 && held_out < 1.0) {
            return Err(Error::config(format!(
                "data.held_out is {held_out}, and has to lie above 0 and below 1"
            )));
        }
        if self.data.group.is_some() && self.data.time.is_some() {
            return Err(Error::config(
                "data.group and data.time: rows are held out by one of them: leave the other out",
            ));
        }
        if self.seed > Self::MAX_SEED {
            return Err(Error::config(format!(
                "seed is {}, and has to lie in 0..={}: TOML, in which a run is written, has no larger whole numbers",
                self.seed,
                Self::MAX_SEED
            )));
        }
        if !(1..=AugmentOptions::MAX_VIEWS).contains(&views) {
            return Err(Error::config(format!(
                "augment.views is {views}, and has to lie in 1..={}",
                AugmentOptions::MAX_VIEWS
            )));
        }
        for (key, pixels) in [("size", self.model.size), ("height", self.model.height)] {
            if let Some(pixels) = pixels.filter(|pixels| !(1..=ModelOptions::MAX_SIZE).contains(pixels)) {
                return Err(Error::config(format!(
                    "model.{key} is {pixels}, but has to lie in 1..={} pixels",
                    ModelOptions::MAX_SIZE
                )));
            }
        }
        self.data
            .reading
            .check()
            .map_err(|error| error.context("data.reading"))?;
        if let Some(key) = &self.data.label_by {
            key.check().map_err(|error| error.context("data.label_by"))?;
        }
        if let Some(task) = &self.task {
            task.check().map_err(|error| error.context("task"))?;
        }
        self.augment.check()?;
        if let Some(join) = self.augment.row_join() {
            self.check_row_join(join)?;
        }
        self.balance.check().map_err(|error| error.context("balance"))?;
        if let Some(batch) = self.balance.batch_of(self.train.batch_size) {
            batch.check().map_err(|error| error.context("balance.batch"))?;
        }
        self.train.check()?;
        if self.balance.feedback.is_some() {
            let deep = (self.train.unfreeze > 0).then_some(self.train.deep_epochs);
            check_feedback(self.train.epochs, deep)?;
        }
        self.machine.check()
    }
}

impl FinetuneSpec {
    /// Whether any picture is augmented: there are more views than the stored one, or stages train on new pictures.
    pub(crate) fn has_augmented(&self) -> bool {
        let train = &self.train;
        self.augment.views > 1 || (train.unfreeze > 0 && train.deep_epochs > 0 && !train.fixed_views)
    }

    /// Refuses an operation that takes other rows where no row comes to which it could be done.
    fn check_row_join(&self, join: RowJoin<'_>) -> Result<()> {
        let (name, train) = (join.name(), &self.train);
        if !join.mixes_labels() {
            return match self.has_augmented() {
                true => Ok(()),
                false => Err(Error::config(format!(
                    "augment.views is 1, so that each row comes as it is stored and {}: leave out {name}, or let rows have more views",
                    join.nothing()
                ))),
            };
        }
        if let Some(task) = self.task.as_deref().filter(|task| !task.takes_soft_labels()) {
            return Err(self.augment.of_row_join(no_mixed_labels(task)));
        }
        let why = if train.unfreeze == 0 || train.deep_epochs == 0 {
            "the head alone trains, on features that are computed once of each picture: let stages of the backbone train (train.unfreeze)"
        } else if train.fixed_views {
            "train.fixed_views is true, so that stages train on what is computed once of each picture: set it to false"
        } else {
            return Ok(());
        };
        Err(self.augment.of_row_join(Error::config(format!(
            "it mixes pictures each time they come, and {why}, or leave out {name}{}",
            match self.task {
                Some(_) => "",
                None => "; it is for a classification: for boxes there are mosaic and copy_paste",
            }
        ))))
    }

    /// What some of the training rows are held out for: epochs are measured on them. None where no rows are.
    pub(crate) fn holds_out(&self) -> Option<HeldOutFor> {
        HeldOutFor::of(self.train.selects(), self.balance.feedback.is_some())
    }

    /// The largest seed of a run: the largest whole number that TOML has, 2^63 - 1.
    pub const MAX_SEED: u64 = i64::MAX as u64;

    /// The parameters as `explain()` prints them: a node for the run and one for each of its tables. Its fingerprint is that of the
    /// run's settings, without the contents of files and weights.
    pub fn plan(&self) -> Plan {
        let plan = Plan::with_tables(self);
        // Its own zero stands there, too.
        match self.balance.batch.is_some() && self.balance.is_synthetic() {
            true => plan.note("how many rows are synthetic is in the parts of balance.batch"),
            false => plan,
        }
    }
}

/// What is wrong with `task` where an operation mixes labels, and what to do.
pub(in crate::task) fn no_mixed_labels(task: &dyn Task) -> Error {
    let instead = match task.target() {
        TargetKind::Objects(_) => {
            ", since each of its boxes has a class: take mosaic or copy_paste, which bring boxes along"
        }
        _ => ": leave it out",
    };
    Error::config(format!(
        "it mixes the labels of two rows of one class each, and the task {} does not learn shares of classes{instead}",
        task.name()
    ))
}
