//! The folder of a fine-tuning run: whose it is, which run it is, its checkpoints, its report.
//!
//! `run.json` is the mark of a run. Nothing is written before it, a folder without it that has files of our names is somebody
//! else's, and of a folder with it only what a run writes is ever removed, file by file.

use super::bad_rows::{BadRow, OnBadRow};
use super::content::Content;
use super::finetune::{Finetune, Strategy};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use crate::exec::lock::Lock;
use crate::report::Report;
use crate::train::checkpoint;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

const RUN: &str = "run.json";
const REPORT: &str = "report.json";
const ERRORS: &str = "errors.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const FEATURES: &str = "features";
const INDEX: &str = "index";
const MODEL: [&str; 2] = ["model.safetensors", "model.json"];

/// What to do where a folder holds a run already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Refuse it, and leave it as it is, unless it had come to nothing yet: no checkpoint, no model, no report.
    #[default]
    Refuse,
    /// Go on with it, if it is the same run on the same data; one that has ended gives its results again.
    Resume,
    /// Replace it. Files that no run wrote stay; where they have names that a run needs, they are refused.
    Overwrite,
}

/// What a run is, as `run.json` says it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Version of this file.
    millstream: u32,
    /// The settings, with paths that do not depend on the working directory, and the columns that were found.
    pub(crate) run: Finetune,
    /// The one way of a run, or those that are compared.
    pub(crate) ways: Vec<Strategy>,
    /// What the run is made of.
    pub(crate) content: Content,
    /// In which state the files were when that was known to be so.
    pub(crate) state: Option<String>,
}

impl Mark {
    const VERSION: u32 = 1;

    pub(crate) fn new(run: Finetune, ways: &[Strategy], content: Content, state: Option<String>) -> Self {
        Self {
            millstream: Self::VERSION,
            run,
            ways: ways.to_vec(),
            content,
            state,
        }
    }

    /// The mark in `folder`; none where there is no file of that name.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RUN);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| Error::io(&path, error))?,
        };
        let mark: Result<Self, _> = serde_json::from_slice(&text);
        match mark {
            Ok(mark) if mark.millstream == Self::VERSION => Ok(Some(mark)),
            Ok(mark) => Err(unknown(&path, &format!("its version is {}", mark.millstream))),
            Err(error) => Err(unknown(&path, &error.to_string())),
        }
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(RUN);
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::io(&path, error))?;
        files::write_bytes(&path, &text)
    }

    /// The settings that decide the result. Where the files lie does not: their content does.
    fn settings(&self) -> Map<String, Value> {
        let mut all = match json!(self.run) {
            Value::Object(all) => all,
            _ => Map::new(),
        };
        ["train", "valid", "weights"]
            .iter()
            .for_each(|path| drop(all.remove(*path)));
        let several = self.ways.len() > 1;
        for way in &self.ways {
            for (key, value) in json!(way).as_object().into_iter().flatten() {
                let key = if several {
                    format!("{}: {key}", way.name)
                } else {
                    key.clone()
                };
                all.insert(key, value.clone());
            }
        }
        all
    }

    /// What differs in the settings of `now`, in words; empty where nothing does.
    fn difference(&self, now: &Self) -> String {
        let (was, is) = (self.settings(), now.settings());
        let keys = is.keys().chain(was.keys().filter(|key| !is.contains_key(*key)));
        let of = |all: &Map<String, Value>, key: &String| all.get(key).cloned().unwrap_or(Value::Null);
        let changed = keys.filter(|key| was.get(*key) != is.get(*key));
        let said = changed.map(|key| format!("{key} was {}, is {}", of(&was, key), of(&is, key)));
        said.collect::<Vec<_>>().join("; ")
    }
}

fn unknown(path: &Path, why: &str) -> Error {
    let message = format!("not the settings of a run that this version can read ({why}); use another folder");
    Error::config(message).context(path.display().to_string())
}

/// Where a run keeps what it needs to go on.
#[derive(Debug)]
pub(crate) struct RunFolder(PathBuf);

/// A folder that a run may go into, once all else is known to be right.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What is there already; locked then.
    pub(crate) old: Option<Mark>,
    lock: Option<Lock>,
}

/// A run that may write.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The folder is this run's alone until this is dropped.
    pub(crate) lock: Lock,
    /// What came of it, where it has ended.
    pub(crate) report: Option<Report>,
}

impl RunFolder {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The files that a run writes over.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = PathBuf> {
        let names = [RUN, REPORT, ERRORS].into_iter().chain(MODEL);
        names.map(|name| self.0.join(name)).collect::<Vec<_>>().into_iter()
    }

    /// Looks whether a run may go into the folder, and writes nothing but the lock of a run that lies there.
    ///
    /// # Errors
    ///
    /// `Config` where the folder is none, or has files of our names that no run wrote; `Exists` where a run is there that
    /// may not be touched; `Busy` where another process works on it; `Io` where nothing can be written.
    pub(crate) fn enter(&self, existing: Existing) -> Result<Entry> {
        files::check_folder(&self.0)?;
        if Mark::read(&self.0)?.is_none() {
            self.refuse_foreign()?;
            return Ok(Entry { old: None, lock: None });
        }
        let lock = Lock::take(&self.0)?;
        let Some(old) = Mark::read(&self.0)? else {
            return Err(self.vanished());
        };
        match existing {
            Existing::Refuse if self.holds_anything(&old) => Err(self.exists()),
            _ => Ok(Entry {
                old: Some(old),
                lock: Some(lock),
            }),
        }
    }

    /// Whether the run `old` has left anything that beginning it anew would lose.
    fn holds_anything(&self, old: &Mark) -> bool {
        let phases = self.phases(old);
        let results = [REPORT].into_iter().chain(MODEL);
        results.into_iter().any(|name| self.0.join(name).exists())
            || phases.iter().any(|phase| checkpoint::is_any(phase))
    }

    /// Where the phases of the run `mark` keep their checkpoints.
    fn phases(&self, mark: &Mark) -> Vec<PathBuf> {
        let names = mark.ways.iter().map(|way| way.name.as_str()).chain([Finetune::DEEP]);
        names.map(|name| self.checkpoints(name)).collect()
    }

    /// Begins the run `mark`, or goes on with it.
    ///
    /// # Errors
    ///
    /// As [`enter`](Self::enter); `Resume` where the run that is there has other settings.
    pub(crate) fn begin(&self, entry: Entry, existing: Existing, mark: &Mark) -> Result<Begun> {
        let lock = match entry.lock {
            Some(lock) => lock,
            None => {
                std::fs::create_dir_all(&self.0).map_err(|error| Error::io(&self.0, error))?;
                let lock = Lock::take(&self.0)?;
                if Mark::read(&self.0)?.is_some() {
                    // Another process has begun and ended one in the meantime.
                    return Err(self.exists());
                }
                self.refuse_foreign()?;
                lock
            }
        };
        let mut report = None;
        match &entry.old {
            Some(old) if existing == Existing::Resume => {
                self.check(old, mark)?;
                self.remove_temporary()?;
                let path = self.0.join(REPORT);
                if path.exists() {
                    self.remove_checkpoints(old)?;
                    report = Some(Report::read_json(path)?);
                }
            }
            Some(old) => {
                self.remove_checkpoints(old)?;
                self.remove_temporary()?;
                // The mark goes last: until then it is the old run, with less and less to go on with.
                [REPORT, ERRORS]
                    .iter()
                    .chain(&MODEL)
                    .try_for_each(|name| remove(&self.0.join(name)))?;
            }
            None => {}
        }
        mark.write(&self.0)?;
        Ok(Begun { lock, report })
    }

    /// Refuses to go on with the run `old` under other settings.
    pub(crate) fn check(&self, old: &Mark, now: &Mark) -> Result<()> {
        match old.difference(now).as_str() {
            "" => Ok(()),
            differs => Err(self.another(differs)),
        }
    }

    /// The error of a run that is not the one which lies here.
    pub(crate) fn another(&self, differs: &str) -> Error {
        Error::resume(format!("{}: another run lies here: {differs}", self.0.display()))
    }

    fn exists(&self) -> Error {
        let what = match self.0.join(REPORT).exists() {
            true => "this folder holds a finished run; resume it for its report, or overwrite it",
            false => "this folder holds an interrupted run; resume it, or overwrite it",
        };
        Error::new(ErrorKind::Exists, what).context(self.0.display().to_string())
    }

    fn vanished(&self) -> Error {
        let message = "the run in this folder was removed just now; start again";
        Error::new(ErrorKind::Busy, message).context(self.0.display().to_string())
    }

    /// Refuses a folder without a mark that has files or folders under the names which a run uses.
    fn refuse_foreign(&self) -> Result<()> {
        let names = [RUN, REPORT, ERRORS]
            .into_iter()
            .chain(MODEL)
            .chain([CHECKPOINTS, FEATURES, INDEX]);
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

    /// Where features are kept.
    pub(crate) fn features(&self) -> PathBuf {
        self.0.join(FEATURES)
    }

    /// Where scans are kept.
    pub(crate) fn index(&self) -> PathBuf {
        self.0.join(INDEX)
    }

    /// Whether this is the folder of a run, so that files may be kept here.
    pub(crate) fn is_marked(&self) -> bool {
        matches!(Mark::read(&self.0), Ok(Some(_)))
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

    /// Writes the report of the run `mark` that has ended, and removes what it needed to go on.
    pub(crate) fn end_with(&self, mark: &Mark, report: &Report) -> Result<()> {
        report.write_json(self.0.join(REPORT))?;
        self.remove_checkpoints(mark)?;
        self.remove_temporary()
    }

    /// Removes the checkpoints of the phases of `mark`, and their folders where nothing else is in them.
    fn remove_checkpoints(&self, mark: &Mark) -> Result<()> {
        let folders = [vec![self.0.join(CHECKPOINTS)], self.phases(mark)].concat();
        if let Some(link) = folders.iter().find(|folder| folder.is_symlink()) {
            let message = "a link, which no run made: move it away, or use another folder";
            return Err(Error::config(message).context(link.display().to_string()));
        }
        self.phases(mark)
            .iter()
            .try_for_each(|folder| checkpoint::remove_all(folder))?;
        // It stays where it has anything else in it.
        let _ = std::fs::remove_dir(self.0.join(CHECKPOINTS));
        Ok(())
    }

    /// Removes what killed runs have left half written, in the places where runs write.
    fn remove_temporary(&self) -> Result<()> {
        let features = std::fs::read_dir(self.features()).into_iter().flatten().flatten();
        let features = features.map(|entry| entry.path()).filter(|path| is_key(path));
        let places = [self.0.clone(), self.index()].into_iter().chain(features);
        places
            .filter(|place| std::fs::symlink_metadata(place).is_ok_and(|meta| meta.is_dir()))
            .try_for_each(|place| files::remove_temporary(&place))
    }
}

/// Whether a folder is named as those of features are: by a hash.
fn is_key(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}

/// Why there is no model in `folder`.
pub(crate) fn no_model(folder: &Path) -> Error {
    let message = match folder.join(RUN).exists() {
        true => "the run in this folder has not ended, so there is no model yet; resume it",
        false => "no model lies in this folder: it has no model.json",
    };
    Error::new(ErrorKind::Io, message).context(folder.display().to_string())
}
