//! The generator that is to take the place of the one before: it lies in a folder of its own until it is whole.

use crate::error::{Error, Result};
use crate::exec::files;
use crate::synthetic::learned::MODEL_FILE;
use crate::train::checkpoint;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The file that makes a folder that of a fit.
pub(super) const MANIFEST: &str = "fit.json";
/// Where checkpoints are.
pub(super) const STEPS: &str = "steps";

/// Its folder, in that of the fit.
const NEXT: &str = ".millstream-next";

/// What is made in the folder of a fit before it takes its place there.
#[derive(Debug)]
pub(super) struct Next<'a> {
    place: &'a Path,
    /// Where it is made.
    pub(super) folder: PathBuf,
}

impl<'a> Next<'a> {
    /// That of the fit in the folder `place`.
    pub(super) fn of(place: &'a Path) -> Self {
        Self {
            place,
            folder: place.join(NEXT),
        }
    }

    /// Refuses a link or a file in the place of its folder.
    pub(super) fn check(&self) -> Result<()> {
        match self.folder.symlink_metadata() {
            Ok(found) if !found.is_dir() => Err(Error::config(format!(
                "{NEXT} is no folder, and no fit wrote it: move it away, or use another folder"
            ))
            .context(self.place.display().to_string())),
            _ => Ok(()),
        }
    }

    /// Puts a generator that is whole in its place: its parts, what says how it was fitted, and last the file that names its parts. A
    /// process that is killed in between leaves the rest here, and the next fit puts it in its place.
    ///
    /// # Errors
    ///
    /// `Config` where a part would replace a file that no fit wrote; `Io` where a file cannot be moved.
    pub(super) fn finish(&self) -> Result<()> {
        if !self.folder.join(MODEL_FILE).exists() {
            return Ok(());
        }
        let (own, new) = (parts(self.place), parts(&self.folder));
        let waits = |name: &&String| self.folder.join(name).exists();
        refuse_foreign(self.place, new.iter().filter(waits).map(String::as_str))?;
        let put = |name: &str| {
            let (from, to) = (self.folder.join(name), self.place.join(name));
            std::fs::rename(from, &to).map_err(|error| Error::io(&to, error))
        };
        new.iter().filter(waits).try_for_each(|name| put(name))?;
        if self.folder.join(MANIFEST).exists() {
            put(MANIFEST)?;
        }
        own.iter()
            .filter(|name| !new.contains(name))
            .try_for_each(|name| files::remove(&self.place.join(name)))?;
        checkpoint::remove_all(&self.place.join(STEPS))?;
        put(MODEL_FILE)?;
        files::sync_folder(self.place)?;
        self.clear(&[])
    }

    /// Removes what a fit left here, whose parts may be called as `names` says where no file names them yet.
    pub(super) fn clear(&self, names: &[&str]) -> Result<()> {
        let listed = parts(&self.folder);
        for name in listed.iter().map(String::as_str).chain(names.iter().copied()) {
            files::remove(&self.folder.join(name))?;
        }
        files::remove(&self.folder.join(MODEL_FILE))?;
        checkpoint::remove_all(&self.folder.join(STEPS))?;
        files::remove(&self.folder.join(MANIFEST))?;
        files::remove_temporary(&self.folder)?;
        // It stays where it has anything else in it.
        let _ = std::fs::remove_dir(&self.folder);
        Ok(())
    }
}

/// The files that the model in `folder` names.
fn parts(folder: &Path) -> Vec<String> {
    let text = files::read_small(&folder.join(MODEL_FILE)).unwrap_or_default();
    let written: Value = serde_json::from_slice(&text).unwrap_or_default();
    let names = written["parts"].as_object().into_iter().flat_map(|parts| parts.keys());
    names
        .filter(|name| !name.contains(['/', '\\']) && *name != "..")
        .cloned()
        .collect()
}

/// Refuses to put a model of the parts `names` into `folder` where one would replace a file that no fit wrote.
pub(super) fn refuse_foreign<'n>(folder: &Path, mut names: impl Iterator<Item = &'n str>) -> Result<()> {
    let own = parts(folder);
    let is_foreign = |name: &&str| !own.iter().any(|own| own == name) && folder.join(name).symlink_metadata().is_ok();
    names.find(is_foreign).map_or(Ok(()), |name| {
        let message = format!(
            "{name} exists, and no fit wrote it, but the generator would be written there: move it away, or use another folder"
        );
        Err(Error::config(message).context(folder.display().to_string()))
    })
}
