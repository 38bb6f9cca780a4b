//! What a run achieved, as numbers, tables, JSON and pictures.
//!
//! [`Confusion`] counts predictions, [`RunFigures`] turns them into the figures that matter where classes are unbalanced, and
//! [`Report`] puts several ways of training side by side. [`picture`] draws them. Nothing here needs a Burn backend, and nothing
//! prints: a [`Table`] displays itself, and files are written whole or not at all.

mod figures;
mod metrics;
mod named;
pub mod picture;
mod table;

pub use figures::{ClassCounts, Emitted, RareClass, Report, RunFigures};
pub use metrics::Confusion;
pub use named::Named;
pub use table::{Align, Table};

use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};

/// Writes `bytes` to `path` through a temporary file beside it, so that no reader ever sees half of it.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = temporary().tempfile_in(folder).map_err(|e| Error::io(path, e))?;
    file.write_all(bytes).map_err(|e| Error::io(path, e))?;
    file.persist(path).map_err(|e| Error::io(path, e.error))?;
    Ok(())
}

/// Temporary files with the permissions of any new file; the default would hide reports from everybody else.
fn temporary() -> tempfile::Builder<'static, 'static> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}
