//! Files that are whole or not there.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes `path` through a temporary file beside it and a rename, so that a reader (or a later run, after a kill) sees
/// the whole file or the one before it. Missing folders are made.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    let failed = |error| Error::io(path, error);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = temporary().tempfile_in(folder).map_err(failed)?;
    let mut out = BufWriter::new(file.as_file());
    write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| Error::io(path, error.error))?;
    Ok(())
}

/// As [`write_whole`], for bytes that are there already.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |out| out.write_all(bytes).map_err(|error| Error::io(path, error)))
}

/// Temporary files with the permissions of any new file; the default would hide what we write from everybody else.
fn temporary() -> tempfile::Builder<'static, 'static> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}
