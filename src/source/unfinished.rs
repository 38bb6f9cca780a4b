//! Folders that an import has begun and not ended.

use crate::error::{Error, Result};
use std::path::Path;

/// The file that says which import a folder is of. Neither we nor `datasets` read files whose names begin with a dot.
pub(crate) const IMPORT: &str = ".import.json";

/// Where the files of an import are once all of them are there.
pub(crate) const IMPORTED: &str = "data";

/// Refuses `folder`, which messages call `shown`, where an import was stopped before its end: it has no rows yet.
///
/// # Errors
///
/// `Config` that says so.
pub(super) fn check(shown: &str, folder: &Path) -> Result<()> {
    match folder.join(IMPORT).exists() && !folder.join(IMPORTED).exists() {
        true => Err(Error::config("an import that was not finished; run it again").context(shown)),
        false => Ok(()),
    }
}
