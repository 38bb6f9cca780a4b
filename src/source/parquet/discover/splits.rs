//! The splits of the Parquet files in a folder.

use super::files::PathFiles;
use super::names::by_names;
use crate::error::{Error, Result};
use crate::source::readme::Readme;
use crate::source::splits::Splits;
use std::path::{Path, PathBuf};

impl Splits {
    /// The Parquet files below `folder` by their splits. None has one where no name tells.
    ///
    /// # Errors
    ///
    /// `Io` where there is no such folder or no Parquet file; `Config` where a file has the names of two splits, or where a
    /// `README.md` describes several sets of data and none of them is the default.
    pub fn of(folder: &str) -> Result<Self> {
        let splits = Self::of_any(folder)?;
        splits.ok_or_else(|| Error::config("it is no folder").context(folder))
    }

    /// As [`of`](Self::of); none where `path` is a file or a pattern.
    pub(in crate::source) fn of_any(path: &str) -> Result<Option<Self>> {
        let found = PathFiles::find(path)?;
        match found.is_folder {
            true => {
                let readme = Readme::of(path, &found.root)?;
                Self::among(path, &found.root, &found.files, &readme).map(Some)
            }
            false => Ok(None),
        }
    }

    /// `files`, which are below `root`, by their splits, of which its `readme` may say something; `shown` is the folder as the user named it.
    pub(in crate::source) fn among(shown: &str, root: &Path, files: &[PathBuf], readme: &Readme) -> Result<Self> {
        let names = names(root, files);
        let of = match readme.said(shown, &names)? {
            Some(said) => said.into_iter().map(|said| Some(said?.split)).collect(),
            None => by_names(shown, &names)?,
        };
        Ok(Self::of_each(files, of))
    }

    /// As [`among`](Self::among), by the names of the files and their folders alone.
    pub(crate) fn by_name(root: &Path, files: &[PathBuf]) -> Result<Self> {
        Ok(Self::of_each(files, by_names("", &names(root, files))?))
    }
}

/// The parts of each file's path below `root`.
fn names(root: &Path, files: &[PathBuf]) -> Vec<Vec<String>> {
    let below = |file: &PathBuf| {
        let below = file.strip_prefix(root).unwrap_or(file).components();
        below
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect()
    };
    files.iter().map(below).collect()
}
