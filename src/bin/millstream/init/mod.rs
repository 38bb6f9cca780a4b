//! A recipe for data that nobody has looked at yet.

mod choose;
mod commented;

use crate::columns::Columns;
use crate::machine::Machine;
use crate::output::{print, shown, tell};
use crate::reading::Reading;
use clap::Args;
use millstream::error::ErrorKind;
use millstream::task::{Finetune, FinetuneSpec};
use millstream::{Error, Result, inspect};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Look at data and write a recipe for it, which says in comments why it says what.
#[derive(Args)]
pub(crate) struct Init {
    /// Training data: Parquet files, a folder of pictures with a folder for each class, or a list of them (CSV, JSON lines)
    #[arg(required = true, value_name = "DATA")]
    data: Vec<String>,
    /// Validation data; without them the folder's validation split, else a stratified tenth of the training rows
    #[arg(long, num_args = 1.., value_name = "DATA")]
    valid: Vec<String>,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    reading: Reading,
    /// Decode every picture, and not only some, to count those that cannot be read
    #[arg(long)]
    full: bool,
    /// Write the recipe to this file, and not to standard output
    #[arg(long, value_name = "TOML")]
    out: Option<PathBuf>,
    /// Replace the file of that name
    #[arg(long, requires = "out")]
    overwrite: bool,
    #[command(flatten)]
    machine: Machine,
}

impl Init {
    pub(crate) fn run(self) -> Result<()> {
        // Before the data is read.
        self.out.as_deref().map(|out| self.check(out)).transpose()?;
        let cx = self.machine.context()?;
        let mut spec = FinetuneSpec::default();
        spec.data.train = self.data.clone().into();
        spec.data.valid = self.valid.clone().into();
        self.columns.apply(&mut spec.data);
        spec.data.reading = self.reading.or(spec.data.reading);
        let inspect = inspect::Inspect {
            files: self.data.clone(),
            image: spec.data.image.clone(),
            label: spec.data.label.clone(),
            full: self.full,
            reading: spec.data.reading,
        };
        let found = cx.block_on(inspect.run(&cx))?;
        found.check()?;
        let datasets = Finetune::new(spec.clone(), "").datasets(&cx)?;
        let shared = datasets.shared_pictures(&cx)?;
        let reasons = choose::choose(&mut spec, &found, &datasets, shared);
        if let Some(out) = &self.out {
            start_at(&mut spec, out.parent().unwrap_or(Path::new("")))?;
        }
        let recipe = commented::commented(&spec, &reasons)?;
        let Some(out) = &self.out else {
            return print(recipe.trim_end());
        };
        self.write(out, &recipe).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => exists(out),
            _ => Error::io(out, error),
        })?;
        tell(&format!("the recipe is in {}", shown(out)));
        Ok(())
    }

    fn check(&self, out: &Path) -> Result<()> {
        match out.symlink_metadata() {
            Ok(_) if !self.overwrite => Err(exists(out)),
            Ok(there) if there.is_dir() => Err(Error::config(format!("{}: this is a folder", out.display()))),
            _ => Ok(()),
        }
    }

    /// Writes the file whole or not at all.
    fn write(&self, out: &Path, recipe: &str) -> std::io::Result<()> {
        let folder = match out.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(recipe.as_bytes())?;
        match self.overwrite {
            true => file.persist(out)?,
            false => file.persist_noclobber(out)?,
        };
        Ok(())
    }
}

fn exists(out: &Path) -> Error {
    Error::new(
        ErrorKind::Exists,
        format!("{}: there is a file of that name", out.display()),
    )
}

/// Paths that lead from the working directory lead from `folder` then, where the recipe lies.
fn start_at(spec: &mut FinetuneSpec, folder: &Path) -> Result<()> {
    let whole = |path: &Path| std::path::absolute(path).map_err(|error| Error::io(path, error));
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let folder = whole(folder)?;
    for path in spec.data.train.iter_mut().chain(spec.data.valid.iter_mut()) {
        let there = whole(Path::new(path))?;
        *path = there.strip_prefix(&folder).unwrap_or(&there).display().to_string();
    }
    Ok(())
}
