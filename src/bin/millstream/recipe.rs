//! `--recipe` and `--print-recipe`.

use crate::output::print;
use clap::Args;
use millstream::spec::{Spec, to_toml};
use millstream::task::{DataSource, FinetuneSpec};
use millstream::{Error, Result};
use std::path::PathBuf;

/// The recipe that a command line begins with, and the one that it comes to.
#[derive(Args)]
pub(crate) struct Recipe {
    /// A run in TOML: what no option says is as it says. Paths in it begin at its folder
    #[arg(long, value_name = "TOML")]
    recipe: Option<PathBuf>,
    /// Write the recipe of this command line to standard output and end; paths in it begin at the working directory
    #[arg(long)]
    print_recipe: bool,
}

impl Recipe {
    /// What the recipe says; where there is none, what `otherwise` does.
    pub(crate) fn read_or(&self, otherwise: FinetuneSpec) -> Result<FinetuneSpec> {
        match &self.recipe {
            Some(path) => FinetuneSpec::from_recipe(path),
            None => Ok(otherwise),
        }
    }

    /// Whether a recipe is read.
    pub(crate) fn is_given(&self) -> bool {
        self.recipe.is_some()
    }

    /// The file of the recipe, where one is read.
    pub(crate) fn file(&self) -> &[PathBuf] {
        self.recipe.as_slice()
    }

    /// Refuses a `spec` that makes no sense. Whether it was printed, and the command has nothing else to do.
    pub(crate) fn printed(&self, spec: &FinetuneSpec) -> Result<bool> {
        spec.check()?;
        if self.print_recipe {
            print(to_toml(spec)?.trim_end())?;
        }
        Ok(self.print_recipe)
    }

    /// Refuses to go on without `rows`, which are `key` of the recipe.
    pub(crate) fn check_named(&self, rows: &DataSource, key: &str) -> Result<()> {
        match &self.recipe {
            Some(path) if rows.is_none() => Err(Error::config(format!(
                "{}: {key} names no files, and neither does the command line",
                path.display()
            ))),
            _ => Ok(()),
        }
    }
}

/// `text` of an option's help, with its default value.
pub(crate) fn with_default<T: std::fmt::Display>(text: &str, default: impl Fn(FinetuneSpec) -> T) -> String {
    format!("{text} [default: {}]", default(FinetuneSpec::default()))
}
