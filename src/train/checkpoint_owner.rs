//! Which checkpoints a training wrote: a mark says so until there is a state.

use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use std::path::{Path, PathBuf};

/// The file by which a checkpoint is whole.
pub(super) const STATE: &str = "state.json";

/// The mark of a checkpoint that was begun.
const MARK: &str = ".millstream-begun";
/// What is in it.
const MARKED: &[u8] = b"millstream: a checkpoint that is being written\n";

/// Begins the checkpoint of `step` in `folder`.
///
/// # Errors
///
/// `Exists` where any of `files` lies there that no training wrote; `Io` where nothing can be written.
pub(super) fn begin(step: u64, folder: &Path, files: &[&str]) -> Result<()> {
    let there = |name: &&&str| folder.join(name).symlink_metadata().is_ok();
    match files.iter().find(there) {
        Some(name) if !is_ours(step, folder) => {
            let message = "a checkpoint is to be written there, and no training wrote this: move it away";
            Err(Error::new(ErrorKind::Exists, message).context(folder.join(name).display().to_string()))
        }
        _ => files::write_bytes(&folder.join(MARK), MARKED),
    }
}

/// Removes the mark: the checkpoint in `folder` has a state, or nothing of it is left.
pub(super) fn end(folder: &Path) -> Result<()> {
    match files::read_small(&folder.join(MARK)) {
        Ok(text) if text == MARKED => files::remove(&folder.join(MARK)),
        _ => Ok(()),
    }
}

/// Whether the checkpoint of `step` in `folder` is one that a training wrote, or began to write: by its mark, or by how its state begins, so that a
/// torn one is known as well.
fn is_ours(step: u64, folder: &Path) -> bool {
    let begins = format!("{{\n  \"step\": {step},\n");
    files::read_small(&folder.join(STATE)).is_ok_and(|text| text.starts_with(begins.as_bytes()))
        || files::read_small(&folder.join(MARK)).is_ok_and(|text| text == MARKED)
}

/// Folders of checkpoints that trainings wrote, by step, newest last.
pub(super) fn all(folder: &Path) -> Vec<(u64, PathBuf)> {
    let all = named(folder).into_iter();
    all.filter(|(step, path)| is_ours(*step, path)).collect()
}

/// Folders that are named as those of checkpoints, by step.
fn named(folder: &Path) -> Vec<(u64, PathBuf)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let step = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        name.parse().ok().filter(|step: &u64| name == format!("{step:09}"))
    };
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut all: Vec<_> = folders
        .map(|entry| entry.path())
        .filter_map(|path| Some((step(&path)?, path)))
        .collect();
    all.sort();
    all
}

/// Removes what killed runs left half written under `folder`.
pub(super) fn tidy(folder: &Path) -> Result<()> {
    files::remove_temporary(folder)?;
    for (_, path) in named(folder) {
        files::remove_temporary(&path)?;
        // One that was made and has nothing in it yet.
        let _ = std::fs::remove_dir(path);
    }
    Ok(())
}
