//! The results of a run: made aside, and put in their places once all of them are whole.
//!
//! `run.json` names them before the first one is put in its place. So a file of such a name is the run's where `run.json` names it and it
//! lies aside no longer; any other is not ours, and stays.

use super::manifest::RunManifest;
use super::{outcome, saved_model};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use std::path::{Path, PathBuf};

/// The file that a run writes last.
pub(super) const REPORT: &str = "report.json";

/// Where they are made.
pub(super) const ASIDE: &str = ".millstream-results";

/// The results of the run in a folder.
#[derive(Debug)]
pub(super) struct RunResults<'a>(&'a Path);

impl<'a> RunResults<'a> {
    /// Those of the run in `folder`.
    pub(super) fn new(folder: &'a Path) -> Self {
        Self(folder)
    }

    fn aside(&self) -> PathBuf {
        self.0.join(ASIDE)
    }

    /// The folder in which they are to be made; it is empty.
    pub(super) fn begin(&self) -> Result<PathBuf> {
        self.clear()?;
        let aside = self.aside();
        std::fs::create_dir_all(&aside).map_err(|error| Error::io(&aside, error))?;
        Ok(aside)
    }

    /// Removes what was made aside, and not put in its place.
    pub(super) fn clear(&self) -> Result<()> {
        let aside = self.aside();
        if aside.is_symlink() {
            let message = "a link, which no run made: move it away, or use another folder";
            return Err(Error::config(message).context(aside.display().to_string()));
        }
        files::remove_temporary(&aside)?;
        names().try_for_each(|name| files::remove(&aside.join(name)))?;
        // It stays where it has anything else in it.
        let _ = std::fs::remove_dir(aside);
        Ok(())
    }

    /// Puts all that was made in its place, and lets the `manifest` in the folder say which files these are.
    pub(super) fn place(&self, manifest: &RunManifest) -> Result<()> {
        let made = names().filter(|name| is_there(&self.aside().join(name)));
        let mut manifest = manifest.clone();
        manifest.results = made.map(str::to_owned).collect();
        manifest.write(self.0)?;
        self.finish(&manifest)
    }

    /// Puts in its place what a killed run had made and named in its `manifest`.
    ///
    /// # Errors
    ///
    /// `Config` where anything lies there that the run did not write; `Io` where a file cannot be moved.
    pub(super) fn finish(&self, manifest: &RunManifest) -> Result<()> {
        if manifest.results.is_empty() {
            return Ok(());
        }
        let aside = self.aside();
        let waits = |name: &&str| is_there(&aside.join(name));
        self.refuse(names().filter(waits).filter(|name| is_there(&self.0.join(name))))?;
        for name in names().filter(waits) {
            let place = self.0.join(name);
            std::fs::rename(aside.join(name), &place).map_err(|error| Error::io(&place, error))?;
        }
        files::sync_folder(self.0)?;
        self.clear()
    }

    /// Refuses files in the places of results that the run with this `manifest` did not write.
    pub(super) fn refuse_foreign(&self, manifest: &RunManifest) -> Result<()> {
        let is_own = |name: &str| manifest.results.iter().any(|own| own == name) && !is_there(&self.aside().join(name));
        self.refuse(names().filter(|name| !is_own(name) && is_there(&self.0.join(name))))
    }

    fn refuse<'n>(&self, foreign: impl Iterator<Item = &'n str>) -> Result<()> {
        let message = match foreign.collect::<Vec<_>>().as_slice() {
            [] => return Ok(()),
            [one] => format!("{one} exists, but the run in this folder did not write it: move it away"),
            all => format!(
                "{} exist, but the run in this folder did not write them: move them away",
                all.join(", ")
            ),
        };
        Err(Error::new(ErrorKind::Config, message).context(self.0.display().to_string()))
    }

    /// Removes the results of the run with this `manifest`, which is to make them anew.
    pub(super) fn remove(&self, manifest: &RunManifest) -> Result<()> {
        let own = names().filter(|name| manifest.results.iter().any(|own| own == name));
        for name in own {
            files::remove(&self.0.join(name))?;
        }
        self.clear()
    }
}

/// The names of all results that there may be. The report is last: with it a run has ended.
fn names() -> impl Iterator<Item = &'static str> {
    saved_model::FILES.into_iter().chain(outcome::FILES).chain([REPORT])
}

fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// Whether a run wrote the lines of JSON in the file at `path`, each of which has `field`, or nothing is there.
pub(super) fn is_own_log(path: &Path, field: &str) -> bool {
    let text = match files::read_small(path) {
        Err(error) => return error.kind() == std::io::ErrorKind::NotFound,
        Ok(text) => text,
    };
    match text.iter().position(|&byte| byte == b'\n') {
        // What a kill left of the first line.
        None => text.is_empty() || text.starts_with(b"{\""),
        Some(end) => {
            let line = serde_json::from_slice::<serde_json::Value>(&text[..end]);
            line.is_ok_and(|line| line.get(field).is_some())
        }
    }
}

/// Refuses a report in `folder` that no run wrote: anything but a JSON object with the fields that each of them has.
pub(super) fn refuse_foreign_report(folder: &Path) -> Result<()> {
    const FIELDS: [&str; 2] = ["task", "figure"];
    let is_own = match files::read_small(&folder.join(REPORT)) {
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        Ok(text) => serde_json::from_slice::<serde_json::Value>(&text)
            .is_ok_and(|json| FIELDS.iter().all(|field| json.get(field).is_some())),
    };
    match is_own {
        true => Ok(()),
        false => {
            let message = format!("{REPORT} is no file that a run writes: move it away");
            Err(Error::config(message).context(folder.display().to_string()))
        }
    }
}
