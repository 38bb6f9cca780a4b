//! The file that a recipe is written to.

use super::datasets::Datasets;
use super::spec::FinetuneSpec;
use crate::error::{Error, Result};
use crate::exec::{files, outputs};
use crate::spec::Describe;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The TOML file that a [recipe](super::FinetuneSpec::from_recipe) goes to.
#[derive(Clone, Debug)]
pub struct RecipeFile {
    path: PathBuf,
    overwrite: bool,
}

impl RecipeFile {
    /// The file at `path`; a recipe that is there already is replaced if `overwrite` says so, even one that a user wrote.
    pub fn new(path: impl Into<PathBuf>, overwrite: bool) -> Self {
        Self {
            path: path.into(),
            overwrite,
        }
    }

    /// Checks, before the data is read, that the recipe can be written. Nothing is written.
    ///
    /// # Errors
    ///
    /// `Config` where there is a folder, a device or a file that is no recipe; `Exists` where there is a file that may not be replaced; `Io` where nothing can
    /// be written.
    pub fn check(&self) -> Result<()> {
        outputs::check_output(&self.path, self.overwrite, [])?;
        outputs::check_replaced(&self.path, "a recipe", is_recipe)
    }

    /// Checks that a recipe for `datasets` takes nothing away from them. A recipe may lie beside the data in its folder, where no
    /// other file than a `.toml` is written.
    ///
    /// # Errors
    ///
    /// `Config` where the file is one of those that are read, by whatever path or link, or lies in a folder that is read and does not
    /// end in `.toml`.
    pub fn check_for(&self, datasets: &Datasets) -> Result<()> {
        let is_recipe = self.path.extension().is_some_and(|ending| ending == "toml");
        let read = datasets.stored.iter().flat_map(|stored| stored.rows.inputs());
        let read: Vec<PathBuf> = read.filter(|input| !(is_recipe && input.is_dir())).collect();
        outputs::refuse_inputs([self.path.clone()], read.iter().map(PathBuf::as_path))
    }

    /// Writes `recipe`: whole, or not at all. Missing folders are made. Where the path is a symbolic link, the link itself is replaced.
    ///
    /// # Errors
    ///
    /// `Io` where the file cannot be written; `Exists` where there is one by now that may not be replaced.
    pub fn write(&self, recipe: &str) -> Result<()> {
        let path: &Path = &self.path;
        files::write_output(path, self.overwrite, |out| {
            out.write_all(recipe.as_bytes()).map_err(|error| Error::io(path, error))
        })
    }
}

/// Whether the file at `path` is TOML with the fields of a recipe alone, whatever their values.
fn is_recipe(path: &Path) -> bool {
    let text = files::read_small(path)
        .ok()
        .and_then(|text| String::from_utf8(text).ok());
    let table = text.and_then(|text| text.parse::<toml::Table>().ok());
    let known = FinetuneSpec::default().description().fields;
    table.is_some_and(|table| table.keys().all(|key| known.iter().any(|field| field.name == *key)))
}
