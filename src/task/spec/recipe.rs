//! A run in a file of its own.

use super::FinetuneSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use crate::model::Backbone;
use crate::spec::read_toml;
use std::path::{Path, PathBuf};

impl FinetuneSpec {
    /// Reads the recipe in the file `path`, in TOML. Relative paths in it begin at its folder: those of data, weights and of a backbone
    /// that is a folder or a file, and those in the field `path` of a source or of a generator, as of `rows`.
    ///
    /// Operations, sources and tasks of a program's own are known inside of [`Registry::reading`](crate::registry::Registry::reading).
    ///
    /// ```
    /// use millstream::task::FinetuneSpec;
    ///
    /// let spec = FinetuneSpec::from_recipe("examples/recipes/demo.toml")?;
    /// assert_eq!(spec.data.train, ["examples/recipes/../data/fashion-mnist-train.parquet"]);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Io` where the file cannot be read, or is a device or a pipe; `Config` where its folder's name is not UTF-8, and, as [`read_toml`], with the file's name, line and column.
    pub fn from_recipe(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = files::read_small(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(ErrorKind::Io, "no such recipe").context(path.display().to_string())
            }
            _ => Error::io(path, error),
        })?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let message = "this is no text in UTF-8, and a recipe is one";
            Error::config(message).context(path.display().to_string())
        })?;
        let mut spec: Self = read_toml(&text).map_err(|error| error.context(path.display().to_string()))?;
        spec.start_paths_at(path.parent().unwrap_or(Path::new("")))?;
        Ok(spec)
    }

    /// Lets relative paths begin at `folder`.
    fn start_paths_at(&mut self, folder: &Path) -> Result<()> {
        if folder.as_os_str().is_empty() {
            return Ok(());
        }
        if folder.to_str().is_none() {
            let message =
                "the name of a recipe's folder has to be UTF-8, since paths in the recipe begin there: rename it";
            return Err(Error::config(message).context(folder.display().to_string()));
        }
        let data = &mut self.data;
        let there = |path: &str| Ok(below(folder, path).display().to_string());
        for rows in [&mut data.train, &mut data.valid] {
            rows.start_paths_with(&there)?;
        }
        if let Some(generator) = &mut self.balance.generator {
            *generator = generator.with_paths(&there)?;
        }
        let model = &mut self.model;
        if let Some(weights) = &mut model.weights {
            *weights = folder.join(&weights);
        }
        // The name of a network stays one, unless a folder or a file is called so.
        let backbone = folder.join(&model.backbone);
        if backbone.exists() || Backbone::find(&model.backbone).is_err() {
            model.backbone = backbone.display().to_string();
        }
        Ok(())
    }
}

/// The file, folder or pattern `path` in `folder`, whose own name is no pattern.
pub(in crate::task) fn below(folder: &Path, path: &str) -> PathBuf {
    let whole = folder.join(path);
    let is_pattern = Path::new(path).is_relative() && path.contains(['*', '?', '[']) && !whole.exists();
    match is_pattern {
        true => PathBuf::from(glob::Pattern::escape(&folder.display().to_string())).join(path),
        false => whole,
    }
}
