//! The folder of a fine-tuning run: which run it is, its checkpoints, its report.

use crate::error::{Error, Result};
use crate::files;
use crate::report::Report;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::{Path, PathBuf};

const RUN: &str = "run.json";
const REPORT: &str = "report.json";
const CHECKPOINTS: &str = "checkpoints";

/// Where a run keeps what it needs to go on.
#[derive(Debug)]
pub(crate) struct RunFolder(PathBuf);

impl RunFolder {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Starts afresh, or checks that what is here is the run of `settings`; a run that has ended gives its report.
    ///
    /// # Errors
    ///
    /// `Resume` where another run lies here, naming what differs; `Io` where files cannot be read or written.
    pub(crate) fn begin(&self, settings: &Value, resume: bool) -> Result<Option<Report>> {
        let (path, report) = (self.0.join(RUN), self.0.join(REPORT));
        let old = std::fs::read(&path).ok().filter(|_| resume);
        let old: Option<Value> = old.and_then(|text| serde_json::from_slice(&text).ok());
        match old {
            Some(old) if old != *settings => {
                let differs = difference(&old, settings);
                Err(Error::resume(format!(
                    "{}: another run lies here: {differs}",
                    self.0.display()
                )))
            }
            Some(_) if report.exists() => {
                self.clear()?;
                Report::read_json(report).map(Some)
            }
            Some(_) => files::remove_temporary(&self.0).map(|()| None),
            None => {
                self.clear()?;
                remove(&report)?;
                files::write_bytes(&path, settings.to_string().as_bytes())?;
                Ok(None)
            }
        }
    }

    /// The run that left its files in `folder`.
    ///
    /// # Errors
    ///
    /// `Io` where there is none; `Data` where its settings cannot be read.
    pub(crate) fn settings<T: DeserializeOwned>(folder: &Path) -> Result<T> {
        let path = folder.join(RUN);
        let text = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
        serde_json::from_slice(&text)
            .map_err(|error| Error::data(format!("no settings of a run: {error}")).context(path.display().to_string()))
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

    /// Writes the report of a run that has ended, and removes what it needed to go on.
    pub(crate) fn end_with(&self, report: &Report) -> Result<()> {
        report.write_json(self.0.join(REPORT))?;
        self.clear()
    }

    /// Removes the checkpoints, and what a killed run has left half written.
    pub(crate) fn clear(&self) -> Result<()> {
        remove(&self.0.join(CHECKPOINTS))?;
        files::remove_temporary(&self.0)
    }
}

fn remove(path: &Path) -> Result<()> {
    let gone = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match gone {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path, error)),
        _ => Ok(()),
    }
}

fn difference(was: &Value, is: &Value) -> String {
    let fields = is.as_object().into_iter().flatten();
    let changed = fields.filter(|(key, value)| was.get(key.as_str()) != Some(value));
    let said = changed.map(|(key, value)| format!("{key} was {}, is {value}", was.get(key).unwrap_or(&Value::Null)));
    said.collect::<Vec<_>>().join("; ")
}
