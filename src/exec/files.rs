//! Files that are read whole, and files that are written whole or not at all.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// How temporary files are named, so that those which a killed run left are told from anybody else's.
const TEMPORARY: (&str, &str) = (".millstream-", ".tmp");

/// Letters and digits between the two.
const RANDOM: usize = 6;

/// Bytes that a file of settings, a cursor, a journal or a report may have. The report of a thousand classes has a few megabytes.
const SMALL: u64 = 256 << 20;

/// All bytes of a file of settings, a cursor, a journal or a report.
///
/// # Errors
///
/// Those of the system; `InvalidInput` for a folder, a device or a pipe, none of which has an end, and for more than 256 MiB.
pub(crate) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    read_up_to(path, SMALL)
}

/// All bytes of a file of any size: weights, say.
///
/// # Errors
///
/// As [`read_small`], without the limit.
pub(crate) fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    read_up_to(path, u64::MAX)
}

/// A file that is opened for reading.
///
/// # Errors
///
/// Those of the system; and for a folder, a device or a pipe, from which nobody would ever get an end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let refused = |message: &str| Err(io::Error::new(ErrorKind::InvalidInput, message));
    // Asked before it is opened: opening a pipe waits for a writer.
    let found = std::fs::metadata(path)?;
    match (found.is_dir(), found.is_file()) {
        (true, _) => refused("this is a folder, and has to be a file"),
        (false, false) => refused("this is a device or a pipe, and has to be a file on disk"),
        (false, true) => File::open(path),
    }
}

fn read_up_to(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let refused = |message: String| Err(io::Error::new(ErrorKind::InvalidInput, message));
    let mut bytes = Vec::new();
    // One byte more tells whether there is more: it may grow, and what the system makes up has no size.
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => refused(format!(
            "this file has more than {} MiB, which is no file of its kind",
            most >> 20
        )),
        false => Ok(bytes),
    }
}

/// Writes `path` through a temporary file beside it and a rename, so that a reader (or a later run, after a kill) sees
/// the whole file or the one before it. Missing folders are made. A symbolic link is replaced itself: what it leads to stays.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    let file = written(path, write)?;
    file.persist(path).map_err(|error| Error::io(path, error.error))?;
    Ok(())
}

/// As [`write_whole`], unless something has that name by then: that is an error, and stays as it is.
#[cfg(feature = "train")]
pub(crate) fn write_new(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<()> {
    named_new(written(path, write)?, path)
}

fn named_new(file: NamedTempFile, path: &Path) -> Result<()> {
    match file.persist_noclobber(path) {
        Err(failed) if failed.error.kind() == ErrorKind::AlreadyExists => Err(there(path)),
        Err(failed) => Err(Error::io(path, failed.error)),
        Ok(_) => Ok(()),
    }
}

/// As [`write_whole`], for bytes that are there already.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole(path, |out| out.write_all(bytes).map_err(|error| Error::io(path, error)))
}

/// The file is there already, and replacing it was not allowed.
pub(crate) fn there(path: &Path) -> Error {
    let message = "this file exists, and would be overwritten";
    Error::new(crate::error::ErrorKind::Exists, message).context(path.display().to_string())
}

/// A temporary file in the folder of `path` with all that `write` writes.
fn written(path: &Path, write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>) -> Result<NamedTempFile> {
    let failed = |error| Error::io(path, error);
    std::fs::create_dir_all(folder_of(path)).map_err(failed)?;
    filled(
        locked(temporary().tempfile_in(folder_of(path)).map_err(failed)?),
        path,
        write,
    )
}

/// `file`, which is to be `path`, with all that `write` writes.
fn filled(
    file: NamedTempFile,
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>,
) -> Result<NamedTempFile> {
    let failed = |error| Error::io(path, error);
    let mut out = BufWriter::new(file.as_file());
    write(&mut out)?;
    out.flush().map_err(failed)?;
    drop(out);
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

/// A temporary file for `path` in its folder, which is made if it is missing. It is locked as long as it is open, and gone
/// once it is dropped without [`place`].
pub(crate) fn begin(path: &Path) -> Result<NamedTempFile> {
    let failed = |error| Error::io(path, error);
    std::fs::create_dir_all(folder_of(path)).map_err(failed)?;
    let prefix = temporary_for(path);
    let file = temporary().prefix(&prefix).tempfile_in(folder_of(path));
    Ok(locked(file.map_err(failed)?))
}

/// Keeps others from taking the file for one that a killed run left. Where there are no locks, nobody removes it either.
fn locked(file: NamedTempFile) -> NamedTempFile {
    let _ = file.as_file().try_lock();
    file
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
    remove_left(folder_of(path), &temporary_for(path))
}

/// Removes the temporary files that killed runs left in `folder`, a folder of ours: those that nobody has locked. What lies
/// in folders below it is left alone.
pub(crate) fn remove_temporary(folder: &Path) -> Result<()> {
    remove_left(folder, TEMPORARY.0)
}

/// Removes what killed runs left of [`begin`] in `folder`, a folder of ours, whatever the path was.
pub(crate) fn remove_begun_in(folder: &Path) -> Result<()> {
    remove_where(folder, is_left)
}

/// Removes the file at `path`, which may be gone already.
#[cfg(feature = "train")]
pub(crate) fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}

/// Writes to the disk which files `folder` has: they may have been renamed.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| Error::io(folder, error))?;
    let _ = folder;
    Ok(())
}

fn remove_left(folder: &Path, prefix: &str) -> Result<()> {
    remove_where(folder, |name| is_temporary(name, prefix))
}

/// Removes the files in `folder` whose names are `ours`, and that nobody has locked.
fn remove_where(folder: &Path, ours: impl Fn(&str) -> bool) -> Result<()> {
    let failed = |error| Error::io(folder, error);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let ours = ours(&entry.file_name().to_string_lossy()) && entry.file_type().is_ok_and(|kind| kind.is_file());
        if ours && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            match std::fs::remove_file(entry.path()) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::io(entry.path(), error)),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether a file of this name is one that a run writes before it gives it its own, or that a killed run left.
pub(crate) fn is_left(name: &str) -> bool {
    name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1)
}

fn is_temporary(name: &str, prefix: &str) -> bool {
    let middle = name
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_suffix(TEMPORARY.1));
    middle.is_some_and(|middle| middle.len() == RANDOM && middle.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn temporary_for(path: &Path) -> String {
    // The system's names have 255 bytes.
    const LONGEST: usize = 200;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let end = name.floor_char_boundary(LONGEST);
    format!("{}{}-", TEMPORARY.0, &name[..end])
}

/// Temporary files with the permissions of any new file; the default would hide what we write from everybody else.
pub(super) fn temporary<'a>() -> tempfile::Builder<'a, 'a> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1).rand_bytes(RANDOM);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Writes the output of a command: [`write_whole`] where a file may be replaced, else as a new one. What a killed command left of
/// this file is removed: its folder is no run's, so that nobody else does.
pub(crate) fn write_output(
    out: &Path,
    overwrite: bool,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<()>,
) -> Result<()> {
    // Where that fails, the file is still written.
    let _ = remove_begun(out);
    let file = filled(begin(out)?, out, write)?;
    match overwrite {
        true => file.persist(out).map(drop).map_err(|error| Error::io(out, error.error)),
        false => named_new(file, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_files_on_disk_of_a_sane_size_are_read() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let at = |name: &str| dir.path().join(name);
        let refused = |path: &Path| read_small(path).expect_err("it is refused").to_string();
        assert!(refused(dir.path()).starts_with("this is a folder"));
        assert!(refused(Path::new("/dev/zero")).starts_with("this is a device or a pipe"));
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status();
        assert!(made.is_ok_and(|made| made.success()));
        assert!(refused(&at("pipe")).starts_with("this is a device or a pipe"));
        write_bytes(&at("small"), b"some")?;
        let failed = |error| Error::io(dir.path(), error);
        std::os::unix::fs::symlink(at("small"), at("link")).map_err(failed)?;
        assert_eq!(read_small(&at("link")).map_err(failed)?, b"some");
        let large = File::create(at("large")).map_err(failed)?;
        large.set_len(5).map_err(failed)?;
        let error = read_up_to(&at("large"), 4).expect_err("it has five bytes");
        assert!(
            error.to_string().starts_with("this file has more than 0 MiB"),
            "{error}"
        );
        assert_eq!(read_up_to(&at("large"), 5).map_err(failed)?, [0; 5]);
        assert_eq!(
            read_small(&at("missing")).map_err(|error| error.kind()),
            Err(ErrorKind::NotFound)
        );
        Ok(())
    }

    #[test]
    fn an_output_removes_what_a_killed_command_left_of_it() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let at = |name: &str| dir.path().join(name);
        let out = at("made.parquet");
        let left = at(".millstream-made.parquet-Xy12Zz.tmp");
        let theirs = [".millstream-Xy12Zz.tmp", ".millstream-other.parquet-Xy12Zz.tmp"].map(at);
        for path in theirs.iter().chain([&left]) {
            write_bytes(path, b"some")?;
        }
        let write = |overwrite| {
            write_output(&out, overwrite, |file| {
                file.write_all(b"rows").map_err(|error| Error::io(&out, error))
            })
        };
        write(false)?;
        assert!(!left.exists() && theirs.iter().all(|path| path.exists()));
        assert!(write(false).is_err());
        write(true)?;
        assert_eq!(read_small(&out).map_err(|error| Error::io(&out, error))?, b"rows");
        let files = std::fs::read_dir(dir.path()).map_err(|error| Error::io(dir.path(), error))?;
        assert_eq!(files.count(), 3);
        Ok(())
    }

    #[test]
    fn only_what_was_left_is_removed() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let at = |name: &str| dir.path().join(name);
        let left = [".millstream-Xy12Zz.tmp"];
        let theirs = [
            ".tmpXy12Zz",
            ".millstream-notes.tmp",
            ".millstream-my-own.tmp",
            ".millstream-Xy12Zz.tmp.bak",
            "below/.millstream-Xy12Zz.tmp",
            "whole",
        ];
        for name in left.iter().chain(&theirs) {
            write_bytes(&at(name), b"some")?;
        }
        std::fs::create_dir(at(".millstream-folder.tmp")).map_err(|error| Error::io(dir.path(), error))?;
        let locked = begin(&at("x"))?;
        remove_temporary(dir.path())?;
        remove_temporary(&at("missing"))?;
        assert!(left.iter().all(|name| !at(name).exists()));
        assert!(theirs.iter().all(|name| at(name).exists()));
        assert!(at(".millstream-folder.tmp").exists() && locked.path().exists());
        Ok(())
    }
}
