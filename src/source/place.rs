//! Paths that a user named, with all that lies in those that are folders.

use super::tree::Tree;
use crate::error::Result;
use std::path::Path;

/// A file, a folder or a pattern. What is in a folder is found once, however often it is asked for.
#[derive(Debug)]
pub(in crate::source) struct Place {
    /// The path as it was named.
    pub(in crate::source) path: String,
    /// What lies below it, where it is a folder.
    pub(in crate::source) tree: Option<Tree>,
}

impl Place {
    /// What lies at `path`. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// `Io` for a folder that cannot be listed.
    pub(in crate::source) fn find(path: &str) -> Result<Self> {
        let is_folder = Path::new(path).is_dir();
        Ok(Self {
            path: path.to_owned(),
            tree: is_folder.then(|| Tree::walk(Path::new(path))).transpose()?,
        })
    }

    /// As [`find`](Self::find), of several.
    ///
    /// # Errors
    ///
    /// As for [`find`](Self::find).
    pub(in crate::source) fn find_all(paths: &[impl AsRef<str>]) -> Result<Vec<Self>> {
        paths.iter().map(|path| Self::find(path.as_ref())).collect()
    }
}
