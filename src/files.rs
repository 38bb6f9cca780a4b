//! Files that are whole or not there.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// How temporary files are named, so that those which a killed run left are told from anybody else's.
const TEMPORARY: (&str, &str) = (".millstream-", ".tmp");

/// Writes `path` through a temporary file beside it and a rename, so that a reader (or a later run, after a kill) sees
/// the whole file or the one before it. Missing folders are made.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    let failed = |error| Error::io(path, error);
    std::fs::create_dir_all(folder_of(path)).map_err(failed)?;
    let file = temporary().tempfile_in(folder_of(path)).map_err(failed)?;
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

/// A temporary file for `path` in its folder, which is made if it is missing. It is locked as long as it is open, and gone
/// once it is dropped without [`place`].
pub(crate) fn begin(path: &Path) -> Result<NamedTempFile> {
    let failed = |error| Error::io(path, error);
    std::fs::create_dir_all(folder_of(path)).map_err(failed)?;
    let prefix = temporary_for(path);
    let file = temporary()
        .prefix(&prefix)
        .tempfile_in(folder_of(path))
        .map_err(failed)?;
    // Where there are no locks, nobody removes it either.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// Gives a file that [`begin`] made its name, unless a whole file has it by now: the first one stays.
pub(crate) fn place(file: NamedTempFile, path: &Path) -> Result<()> {
    file.as_file().sync_all().map_err(|error| Error::io(path, error))?;
    match file.persist_noclobber(path) {
        Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(failed) => Err(Error::io(path, failed.error)),
        Ok(_) => Ok(()),
    }
}

/// Removes what killed runs left of [`begin`] with this `path`: the files that nobody has locked.
pub(crate) fn remove_begun(path: &Path) -> Result<()> {
    let failed = |error| Error::io(path, error);
    let prefix = temporary_for(path);
    let entries = match std::fs::read_dir(folder_of(path)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let left = name.starts_with(&prefix) && name.ends_with(TEMPORARY.1);
        if left && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            std::fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn temporary_for(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{}{name}-", TEMPORARY.0)
}

/// Temporary files with the permissions of any new file; the default would hide what we write from everybody else.
fn temporary<'a>() -> tempfile::Builder<'a, 'a> {
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
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
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
