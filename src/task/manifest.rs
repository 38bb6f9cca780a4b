//! `run.json`: which run a folder holds.

use super::finetune::Finetune;
use super::fingerprint::Fingerprint;
use super::strategy::Strategy;
use crate::error::{Error, Result};
use crate::exec::files;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The file's name.
pub(crate) const RUN: &str = "run.json";

/// What a run is: the contents of `run.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunManifest {
    /// Version of this file.
    millstream: u32,
    /// The settings, with paths that do not depend on the working directory, and the columns that were found.
    pub(crate) run: Finetune,
    /// The one strategy of a run, or those that are compared.
    pub(crate) strategies: Vec<Strategy>,
    /// Hashes of the data and the weights.
    pub(crate) fingerprint: Fingerprint,
    /// In which state the files were when that was known to be so.
    pub(crate) state: Option<String>,
}

impl RunManifest {
    const VERSION: u32 = 2;

    pub(crate) fn new(run: Finetune, strategies: &[Strategy], fingerprint: Fingerprint, state: Option<String>) -> Self {
        Self {
            millstream: Self::VERSION,
            run,
            strategies: strategies.to_vec(),
            fingerprint,
            state,
        }
    }

    /// The manifest in `folder`; none where there is no file of that name.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RUN);
        let text = match files::read_small(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| Error::io(&path, error))?,
        };
        let json: Value = serde_json::from_slice(&text).map_err(|error| unknown(&path, &error.to_string()))?;
        match json["millstream"].as_u64() {
            Some(version) if version == u64::from(Self::VERSION) => {}
            Some(version) => {
                let (now, found) = (Self::VERSION, version);
                return Err(Error::config(format!(
                    "this run was begun by another version of the program, which wrote run.json in version {found}; this one goes \
                     on with version {now} alone: start anew in another folder"
                ))
                .context(path.display().to_string()));
            }
            None => return Err(unknown(&path, "it does not say its version")),
        }
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| unknown(&path, &error.to_string()))
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
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
        ["train", "valid", "backbone", "weights"]
            .iter()
            .for_each(|path| drop(all.remove(*path)));
        let several = self.strategies.len() > 1;
        for strategy in &self.strategies {
            for (key, value) in json!(strategy).as_object().into_iter().flatten() {
                let key = if several {
                    format!("{}: {key}", strategy.name)
                } else {
                    key.clone()
                };
                all.insert(key, value.clone());
            }
        }
        all
    }

    /// What differs in the settings of `now`, in words; empty where nothing does.
    pub(crate) fn difference(&self, now: &Self) -> String {
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
