//! Paths that may be written to: none of what is read, none inside of it, and where something can be written.

use super::files;
use crate::error::{Error, Result};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// Refuses a folder in which no file can be written. Nothing is left in it, and a folder that is missing is not made: the
/// nearest one above it counts.
pub(crate) fn check_folder(folder: &Path) -> Result<()> {
    let shown = || folder.display().to_string();
    let absolute = std::path::absolute(folder).map_err(|error| Error::io(folder, error))?;
    // The system follows no `..` out of a folder that is missing, and to make that folder would leave it behind.
    let turns = absolute.ancestors().filter(|path| path.ends_with(".."));
    if let Some(missing) = turns.filter_map(Path::parent).find(|from| !from.exists()) {
        let message = format!("`..` leads out of {}, which is not there", missing.display());
        return Err(Error::config(message).context(shown()));
    }
    let above = absolute
        .ancestors()
        .find(|above| std::fs::symlink_metadata(above).is_ok());
    let above = above.unwrap_or(Path::new("/"));
    if !above.is_dir() {
        let what = match std::fs::read_link(above) {
            Ok(to) if !above.exists() => format!("a link to {}, which is not there", to.display()),
            Ok(to) => format!("a link to {}, which is no folder", to.display()),
            Err(_) => "a file, and has to be a folder".to_owned(),
        };
        let message = match above == absolute {
            true => format!("this is {what}"),
            false => format!("{} is {what}", above.display()),
        };
        return Err(Error::config(message).context(shown()));
    }
    match files::temporary().tempfile_in(above) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::io(above, error).context(format!("{}: nothing can be written there", shown()))),
    }
}

/// What tells a file or folder from any other, by whatever links, hard or symbolic, it is reached; none where nothing is there.
#[cfg(unix)]
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// What tells a file or folder from any other, by whatever symbolic links it is reached; none where nothing is there.
#[cfg(not(unix))]
pub(crate) fn identity(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// `path` without links and without `..`, as far as it is there; what is missing has no links.
pub(crate) fn resolved(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(|error| Error::io(path, error))?;
    let mut resolved = PathBuf::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            part => {
                resolved.push(part);
                if let Ok(found) = resolved.canonicalize() {
                    resolved = found;
                }
            }
        }
    }
    Ok(resolved)
}

/// Refuses to write to any of `outs` where that is one of the `inputs`, or lies in one of them that is a folder: it would be read
/// as part of it by the next command.
pub(crate) fn refuse_inputs<'a>(
    outs: impl IntoIterator<Item = PathBuf>,
    inputs: impl IntoIterator<Item = &'a Path>,
) -> Result<()> {
    let outs = outs.into_iter().map(|out| Ok((identity(&out), resolved(&out)?, out)));
    let outs = outs.collect::<Result<Vec<_>>>()?;
    for input in inputs {
        let shown = input.display();
        let found = match input.is_dir() {
            true => {
                let folder = resolved(input)?;
                let inside = outs.iter().find(|(_, whole, _)| whole.starts_with(&folder));
                inside.map(|(.., out)| {
                    (
                        out,
                        format!("{shown} is read, and this would be read as part of it: write elsewhere"),
                    )
                })
            }
            false => {
                let file = identity(input);
                let same = outs.iter().find(|(there, ..)| there.is_some() && *there == file);
                same.map(|(.., out)| {
                    (
                        out,
                        format!("this file is an input ({shown}), and would be overwritten"),
                    )
                })
            }
        };
        if let Some((out, message)) = found {
            return Err(Error::config(message).context(out.display().to_string()));
        }
    }
    Ok(())
}

/// Refuses to write to `out`, of what is in `inputs`: where it is one of them or lies in one that is a folder, where there is a
/// folder or a device, where there is a file that may not be replaced, and where nothing can be written.
pub(crate) fn check_output<'a>(out: &Path, overwrite: bool, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let failed = |message: &str| Error::config(message).context(out.display().to_string());
    refuse_inputs([out.to_owned()], inputs)?;
    if let Ok(found) = std::fs::metadata(out) {
        if found.is_dir() {
            return Err(failed("this is a folder, and has to be a file"));
        }
        if !found.is_file() {
            return Err(failed("this is no file on disk: a device, or a pipe"));
        }
    }
    if !overwrite && std::fs::symlink_metadata(out).is_ok() {
        return Err(files::there(out));
    }
    check_folder(files::folder_of(out))
}

/// Refuses to replace a file at `out` that is not `what` such a command writes, which `is_own` tells. A link is replaced itself, and nothing is lost
/// with it.
pub(crate) fn check_replaced(out: &Path, what: &str, is_own: impl FnOnce(&Path) -> bool) -> Result<()> {
    let is_file = std::fs::symlink_metadata(out).is_ok_and(|found| found.is_file());
    match is_file && !is_own(out) {
        true => {
            let message = format!("this file is not {what}, and is not replaced: move it away, or write elsewhere");
            Err(Error::config(message).context(out.display().to_string()))
        }
        false => Ok(()),
    }
}

/// Whether the file at `path` begins with `bytes`.
pub(crate) fn begins_with(path: &Path, bytes: &[u8]) -> bool {
    let mut start = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(bytes.len() as u64).read_to_end(&mut start));
    read.is_ok() && start == bytes
}

/// Refuses to replace files in `folder` that were not written beside a report, which is JSON with `field` in the file `report`, and another
/// file in the place of that one.
pub(crate) fn check_report(folder: &Path, (report, field): (&str, &str), others: &[&str]) -> Result<()> {
    let is_report = |path: &Path| {
        let json = files::read_small(path).ok().map(|text| serde_json::from_slice(&text));
        json.is_some_and(|json| json.is_ok_and(|json: serde_json::Value| json.get(field).is_some()))
    };
    check_replaced(&folder.join(report), "a report of this kind", is_report)?;
    let has_report = folder.join(report).is_file();
    let what = format!("beside a {report}, so no such command wrote it");
    others
        .iter()
        .try_for_each(|name| check_replaced(&folder.join(name), &what, |_| has_report))
}
