//! Which data: named alone, or with the options that `finetune` has for it; and which split of it.

use crate::settings::set_files;
use clap::Args;
use millstream::source::Split;
use millstream::task::DataSource;
use millstream::{Error, Result};

/// The training data of a command that takes a recipe.
#[derive(Args)]
pub(crate) struct TrainingData {
    /// Training data: Parquet files, a folder of pictures with a folder for each class, or a list of them (CSV, JSON lines); that of the
    /// recipe if left out
    #[arg(required_unless_present_any = ["recipe", "print_recipe", "train"], value_name = "DATA")]
    data: Vec<String>,
    /// The same as DATA, as finetune has it
    #[arg(long, num_args = 1.., value_name = "DATA", conflicts_with = "data")]
    train: Vec<String>,
}

impl TrainingData {
    /// The held-out rows, where two sets are named one after the other.
    pub(crate) fn take_held_out(&mut self) -> Result<Vec<String>> {
        match self.data.len() {
            0 | 1 => Ok(Vec::new()),
            2 => Ok(self.data.split_off(1)),
            many => Err(Error::config(format!(
                "{many} sets are named, and two are compared: name several files of a set with --train and --valid, or by a pattern in quotes"
            ))),
        }
    }

    /// Sets in `train` what was given.
    pub(crate) fn apply(self, train: &mut DataSource) {
        set_files(train, [self.data, self.train].concat());
    }
}

/// A split by its name, or by one of Hugging Face's words for it.
pub(crate) fn split(name: &str) -> Result<Split, String> {
    match name.is_empty() {
        true => Err("no name".to_owned()),
        false => Ok(Split::named(name)),
    }
}
