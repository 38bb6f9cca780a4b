//! The folder of a fine-tuning run: whose it is, which run it is, its checkpoints, its report.
//!
//! `run.json`, the manifest, makes a folder that of a run. Nothing is written before it, a folder without it that has files of
//! our names is not ours, and of a folder with it only what a run writes is ever removed, file by file.

use super::bad_rows::BadRow;
use super::finetune::Finetune;
use super::manifest::{RUN, RunManifest};
use super::on_bad_row::OnBadRow;
use super::outcome;
use super::run_features;
use super::run_results::{self, REPORT, RunResults};
use super::saved_model::{self, FILES};
use super::strategy::DEEP;
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::exec::files;
use crate::exec::lock::Lock;
use crate::exec::outputs;
use crate::report::Report;
use crate::train::{Existing, checkpoint};
use std::path::{Path, PathBuf};

const ERRORS: &str = "errors.jsonl";
/// The epochs of its training, a JSON object a line.
const HISTORY: &str = "history.jsonl";
/// What the shares of the training followed from: of the head, and of the deep phase.
const FEEDBACK: [&str; 2] = ["feedback.jsonl", "feedback-deep.jsonl"];
const CHECKPOINTS: &str = "checkpoints";
const FEATURES: &str = "features";
const INDEX: &str = "index";

/// Where a run keeps what it needs to go on.
#[derive(Debug)]
pub(crate) struct RunFolder(PathBuf);

/// What lies in a folder that a run may go into, once all else is known to be right.
#[derive(Debug)]
pub(crate) struct FoundRun {
    /// The run that is there already; locked then.
    pub(crate) manifest: Option<RunManifest>,
    lock: Option<Lock>,
}

/// A run that may write.
#[derive(Debug)]
pub(crate) struct StartedRun {
    /// The folder is this run's alone until this is dropped.
    pub(crate) lock: Lock,
    /// What came of it, where it has ended.
    pub(crate) report: Option<Report>,
}

impl Finetune {
    pub(crate) fn folder(&self) -> RunFolder {
        RunFolder::new(&self.out)
    }
}

impl RunFolder {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Refuses the folder of a run, ended or not, for the files of anything else.
    ///
    /// # Errors
    ///
    /// `Config` where `folder` has a `run.json`.
    pub(crate) fn refuse(folder: &Path) -> Result<()> {
        match std::fs::symlink_metadata(folder.join(RUN)) {
            Err(_) => Ok(()),
            Ok(_) => {
                let message = "this is the folder of a run, in which nothing else is written: use another folder";
                Err(Error::config(message).context(folder.display().to_string()))
            }
        }
    }

    /// The files that a run writes over.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = PathBuf> {
        names().map(|name| self.0.join(name)).collect::<Vec<_>>().into_iter()
    }

    /// Looks whether a run may go into the folder, and writes nothing but the lock of a run that lies there.
    ///
    /// # Errors
    ///
    /// `Config` where the folder is none, or has files of our names that no run wrote; `Exists` where a run is there that
    /// may not be touched; `Busy` where another process works on it; `Io` where nothing can be written.
    pub(crate) fn enter(&self, existing: Existing) -> Result<FoundRun> {
        outputs::check_folder(&self.0)?;
        if RunManifest::read(&self.0)?.is_none() {
            self.refuse_foreign()?;
            return Ok(FoundRun {
                manifest: None,
                lock: None,
            });
        }
        let lock = Lock::take(&self.0)?;
        let Some(old) = RunManifest::read(&self.0)? else {
            return Err(self.vanished());
        };
        // Said before the data is read, which takes a while.
        match existing {
            Existing::Refuse => {}
            Existing::Resume => self.refuse_folders()?,
            Existing::Overwrite => self.refuse_replaced(&old)?,
        }
        match existing {
            Existing::Refuse if self.holds_anything(&old) => Err(self.exists()),
            _ => Ok(FoundRun {
                manifest: Some(old),
                lock: Some(lock),
            }),
        }
    }

    /// Whether the run `old` has left anything that beginning it anew would lose.
    fn holds_anything(&self, old: &RunManifest) -> bool {
        let phases = self.phases(old);
        let results = [REPORT].into_iter().chain(FILES);
        results.into_iter().any(|name| self.0.join(name).exists())
            || phases.iter().any(|phase| checkpoint::is_any(phase))
            || run_features::is_any(&self.features())
    }

    /// Where the phases of the run `manifest` keep their checkpoints.
    fn phases(&self, manifest: &RunManifest) -> Vec<PathBuf> {
        let names = manifest
            .strategies()
            .iter()
            .map(|strategy| strategy.name.as_str())
            .chain([DEEP]);
        names.map(|name| self.checkpoints(name)).collect()
    }

    /// Begins the run `manifest`, or goes on with it.
    ///
    /// # Errors
    ///
    /// As [`enter`](Self::enter); `Resume` where the run that is there has other settings; `Exists` where it has ended and its model
    /// cannot be read. Of a run that is refused nothing is changed.
    pub(crate) fn begin(&self, found: FoundRun, existing: Existing, manifest: &RunManifest) -> Result<StartedRun> {
        let lock = match found.lock {
            Some(lock) => lock,
            None => {
                std::fs::create_dir_all(&self.0).map_err(|error| Error::io(&self.0, error))?;
                let lock = Lock::take(&self.0)?;
                if RunManifest::read(&self.0)?.is_some() {
                    // Another process has begun and ended one in the meantime.
                    return Err(self.exists());
                }
                self.refuse_foreign()?;
                lock
            }
        };
        let (mut report, mut manifest) = (None, manifest.clone());
        match &found.manifest {
            Some(old) if existing == Existing::Resume => {
                // All that can be refused is refused before anything is written or removed.
                self.check(old, &manifest)?;
                self.results().finish(old)?;
                report = self.report(old)?;
                if report.is_some() {
                    self.remove_checkpoints(old)?;
                    manifest.results.clone_from(&old.results);
                } else {
                    self.refuse_unwritten(old)?;
                    self.results().remove(old)?;
                }
                self.remove_temporary()?;
            }
            Some(old) => {
                self.refuse_replaced(old)?;
                self.results().clear()?;
                self.remove_checkpoints(old)?;
                self.remove_temporary()?;
                // Those of the same pictures and network are used again.
                if !old.fingerprint.has_same_pictures(&manifest.fingerprint) {
                    run_features::remove(&self.features())?;
                }
                // The manifest goes last: until then it is the old run, with less and less to go on with.
                names()
                    .filter(|name| *name != RUN)
                    .try_for_each(|name| files::remove(&self.0.join(name)))?;
            }
            None => {}
        }
        manifest.write(&self.0)?;
        Ok(StartedRun { lock, report })
    }

    fn results(&self) -> RunResults<'_> {
        RunResults::new(&self.0)
    }

    /// Where the results of the run are to be made, before [`end_with`](Self::end_with) puts them in their places.
    pub(crate) fn begin_results(&self) -> Result<PathBuf> {
        self.results().begin()
    }

    /// Refuses to go on with the run `old`, or to replace it, where files lie in the places of its own that it did not write.
    fn refuse_unwritten(&self, old: &RunManifest) -> Result<()> {
        self.results().refuse_foreign(old)?;
        let logs = [(HISTORY, "phase"), (ERRORS, "reason")].into_iter();
        let mut logs = logs.chain(FEEDBACK.map(|name| (name, "values")));
        let foreign = logs.find(|(name, field)| !run_results::is_own_log(&self.0.join(name), field));
        foreign.map_or(Ok(()), |(name, _)| {
            let message = format!("{name} is no file that a run writes: move it away");
            Err(Error::config(message).context(self.0.display().to_string()))
        })
    }

    /// Refuses to replace the run `old` where that would remove what no run wrote.
    fn refuse_replaced(&self, old: &RunManifest) -> Result<()> {
        self.refuse_folders()?;
        if !old.results.is_empty() || !self.has_ended() {
            self.refuse_unwritten(old)?;
        }
        run_results::refuse_foreign_report(&self.0)
    }

    /// Refuses folders in the places of the files that a run writes.
    fn refuse_folders(&self) -> Result<()> {
        let is_folder = |name: &&str| std::fs::symlink_metadata(self.0.join(name)).is_ok_and(|found| found.is_dir());
        names().find(is_folder).map_or(Ok(()), |name| {
            let message = format!("{name} is a folder, and a run writes a file of that name: move it away");
            Err(Error::config(message).context(self.0.display().to_string()))
        })
    }

    /// Whether the run has ended: it writes the history of its training and then its report, which alone may be another program's.
    fn has_ended(&self) -> bool {
        [HISTORY, REPORT].iter().all(|name| self.0.join(name).exists())
    }

    /// The report of the run `manifest` that has ended, whose model is there as well; none of one that has not.
    fn report(&self, manifest: &RunManifest) -> Result<Option<Report>> {
        if !self.has_ended() {
            return Ok(None);
        }
        let model = saved_model::check(&self.0);
        // With checkpoints it goes on to its end again, whatever has become of what it wrote there.
        let goes_on = self.phases(manifest).iter().any(|phase| checkpoint::is_any(phase));
        match (model, Report::read_json(self.0.join(REPORT))) {
            (Ok(_), Ok(report)) => Ok(Some(report)),
            _ if goes_on => Ok(None),
            (Ok(_), Err(error)) => Err(error),
            (Err(error), _) => {
                let message = format!("the run has ended, but its model cannot be read: {error}");
                Err(Error::new(ErrorKind::Exists, message))
            }
        }
    }

    /// Refuses to go on with the run `old` under other settings.
    pub(crate) fn check(&self, old: &RunManifest, now: &RunManifest) -> Result<()> {
        match old.difference(now).as_str() {
            "" => Ok(()),
            differs => Err(self.another(differs).with_remedy(Remedy::RunSettings)),
        }
    }

    /// The error of a run that is not the one which lies here.
    pub(crate) fn another(&self, differs: &str) -> Error {
        Error::resume(format!("{}: another run lies here: {differs}", self.0.display()))
    }

    fn exists(&self) -> Error {
        let what = match self.has_ended() {
            true => "this folder holds a finished run; resume it for its report, or overwrite it",
            false => "this folder holds an interrupted run; resume it, or overwrite it",
        };
        Error::new(ErrorKind::Exists, what).context(self.0.display().to_string())
    }

    fn vanished(&self) -> Error {
        let message = "the run in this folder was removed just now; start again";
        Error::new(ErrorKind::Busy, message).context(self.0.display().to_string())
    }

    /// Refuses a folder without a manifest that has files or folders under the names which a run uses.
    fn refuse_foreign(&self) -> Result<()> {
        let names = names().chain([CHECKPOINTS, FEATURES, INDEX, run_results::ASIDE]);
        let there = |name: &&str| std::fs::symlink_metadata(self.0.join(name)).is_ok();
        let found: Vec<_> = names.filter(there).collect();
        if found.is_empty() {
            return Ok(());
        }
        let message = match found.as_slice() {
            [one] => format!("{one} exists, but no {RUN}: no run wrote it; move it away, or use another folder"),
            all => format!(
                "{} exist, but no {RUN}: no run wrote them; move them away, or use another folder",
                all.join(", ")
            ),
        };
        Err(Error::config(message).context(self.0.display().to_string()))
    }

    /// The folder of the run to which the file `path` belongs: the nearest one above that has its settings.
    pub(crate) fn above(path: &Path) -> Option<PathBuf> {
        let path = path.canonicalize().ok()?;
        path.ancestors()
            .find(|folder| folder.join(RUN).is_file())
            .map(Path::to_owned)
    }

    /// Where the phase `name` keeps its checkpoints.
    pub(crate) fn checkpoints(&self, name: &str) -> PathBuf {
        self.0.join(CHECKPOINTS).join(name)
    }

    /// Where the epochs of the training are noted.
    pub(crate) fn history(&self) -> PathBuf {
        self.0.join(HISTORY)
    }

    /// Where what shares follow from is noted: those of the deep phase, or those of the head.
    pub(crate) fn feedback(&self, is_deep: bool) -> PathBuf {
        self.0.join(FEEDBACK[usize::from(is_deep)])
    }

    /// Where features are kept.
    pub(crate) fn features(&self) -> PathBuf {
        self.0.join(FEATURES)
    }

    /// Where scans are kept.
    pub(crate) fn index(&self) -> PathBuf {
        self.0.join(INDEX)
    }

    /// Whether this is the folder of a run, so that files may be kept here.
    pub(crate) fn has_manifest(&self) -> bool {
        matches!(RunManifest::read(&self.0), Ok(Some(_)))
    }

    /// Writes the list of the rows that the run goes on without, one JSON object a line; none where such a row ends it.
    pub(crate) fn write_errors(&self, on: OnBadRow, bad: &[BadRow]) -> Result<()> {
        if on.is_fail() {
            return Ok(());
        }
        let path = self.0.join(ERRORS);
        let mut lines = Vec::new();
        for row in bad {
            serde_json::to_writer(&mut lines, row).map_err(|error| Error::io(&path, error))?;
            lines.push(b'\n');
        }
        files::write_bytes(&path, &lines)
    }

    /// Writes the report of the run `manifest` that has ended to `made`, where its other [results](Self::begin_results) are, puts all of them in their
    /// places, and removes what it needed to go on.
    pub(crate) fn end_with(&self, manifest: &RunManifest, made: &Path, report: &Report) -> Result<()> {
        report.write_json(made.join(REPORT))?;
        self.results().place(manifest)?;
        self.remove_checkpoints(manifest)?;
        self.remove_temporary()
    }

    /// Removes the checkpoints of the phases of `manifest`, and their folders where nothing else is in them.
    fn remove_checkpoints(&self, manifest: &RunManifest) -> Result<()> {
        let folders = [vec![self.0.join(CHECKPOINTS)], self.phases(manifest)].concat();
        if let Some(link) = folders.iter().find(|folder| folder.is_symlink()) {
            let message = "a link, which no run made: move it away, or use another folder";
            return Err(Error::config(message).context(link.display().to_string()));
        }
        self.phases(manifest)
            .iter()
            .try_for_each(|folder| checkpoint::remove_all(folder))?;
        // It stays where it has anything else in it.
        let _ = std::fs::remove_dir(self.0.join(CHECKPOINTS));
        Ok(())
    }

    /// Removes what killed runs have left half written, in the places where runs write.
    fn remove_temporary(&self) -> Result<()> {
        let places = [self.0.clone(), self.index()]
            .into_iter()
            .chain(run_features::folders(&self.features()));
        places
            .filter(|place| std::fs::symlink_metadata(place).is_ok_and(|config| config.is_dir()))
            .try_for_each(|place| files::remove_temporary(&place))
    }
}

/// The names of the files that a run writes over.
fn names() -> impl Iterator<Item = &'static str> {
    [RUN, REPORT, ERRORS, HISTORY]
        .into_iter()
        .chain(FEEDBACK)
        .chain(saved_model::FILES)
        .chain(outcome::FILES)
}
