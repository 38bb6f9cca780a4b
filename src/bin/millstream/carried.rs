//! Files that the repository carries.

use millstream::{Error, Result};
use std::path::{Path, PathBuf};

/// Where `path` of the repository is: below the current folder, or where the program was built. `instead` says what to do where
/// it is in neither.
pub(crate) fn carried(path: &str, instead: &str) -> Result<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let places = [PathBuf::from(path), built.clone()];
    places.into_iter().find(|place| place.is_file()).ok_or_else(|| {
        Error::config(format!(
            "{path}, which the repository carries, is neither below the current folder nor at {}: {instead}",
            built.display()
        ))
    })
}
