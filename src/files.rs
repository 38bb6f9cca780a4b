//! Files that are whole or not there.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// How temporary files are named, so that those which a killed run left are told from anybody else's.
const TEMPORARY: (&str, &str) = (".millstream-", ".tmp");

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
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Removes the temporary files that a killed run left in `folder` and below it. Links are not followed.
#[cfg(any(feature = "train", test))]
pub(crate) fn remove_temporary(folder: &Path) -> Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| Error::io(folder, error))?,
    };
    for entry in entries {
        let entry = entry.map_err(|error| Error::io(folder, error))?;
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_temporary(&path)?;
        } else if is_temporary(&entry.file_name().to_string_lossy()) {
            std::fs::remove_file(&path).map_err(|error| Error::io(&path, error))?;
        }
    }
    Ok(())
}

#[cfg(any(feature = "train", test))]
fn is_temporary(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_left_is_removed() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let (left, theirs) = (dir.path().join("a/b/.millstream-Xy.tmp"), dir.path().join("a/.tmpXy"));
        for path in [&left, &theirs, &dir.path().join("a/b/whole")] {
            write_bytes(path, b"some")?;
        }
        remove_temporary(dir.path())?;
        remove_temporary(&dir.path().join("missing"))?;
        assert!(!left.exists() && theirs.exists() && dir.path().join("a/b/whole").exists());
        Ok(())
    }
}
