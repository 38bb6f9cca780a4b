//! `run.json`: which run a folder holds.

use super::fingerprint::Fingerprint;
use super::spec::FinetuneSpec;
use super::strategy::Strategy;
use crate::error::{Error, Result};
use crate::exec::files;
use crate::spec::{Describe, Spec};
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
    /// What the run is, with paths that do not depend on the working directory, and what was found.
    pub(crate) run: FinetuneSpec,
    /// The strategies that are compared, in place of the run's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    compared: Vec<Strategy>,
    /// Hashes of the data and the weights.
    pub(crate) fingerprint: Fingerprint,
    /// In which state the files were when that was known to be so.
    pub(crate) state: Option<String>,
}

impl RunManifest {
    const VERSION: u32 = 3;

    pub(crate) fn new(
        run: FinetuneSpec,
        compared: &[Strategy],
        fingerprint: Fingerprint,
        state: Option<String>,
    ) -> Self {
        Self {
            millstream: Self::VERSION,
            run,
            compared: compared.to_vec(),
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

    /// The one strategy of a run, or those that are compared.
    pub(crate) fn strategies(&self) -> &[Strategy] {
        match &self.compared[..] {
            [] => std::slice::from_ref(&self.run.balance),
            compared => compared,
        }
    }

    /// The settings that decide the result, `train.epochs` and so on. Where the files lie does not: their content does.
    fn settings(&self) -> Map<String, Value> {
        let mut all = Map::new();
        for field in self.run.description().fields {
            let name = field.name;
            match field.value {
                _ if FinetuneSpec::MACHINE.contains(&&*name) || (name == "balance" && !self.compared.is_empty()) => {}
                Value::Object(table) if field.is_table => {
                    all.extend(table.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
                }
                value => drop(all.insert(name, value)),
            }
        }
        for strategy in &self.compared {
            for (key, value) in json!(strategy).as_object().into_iter().flatten() {
                all.insert(format!("{}: {key}", strategy.name), value.clone());
            }
        }
        all.retain(|key, _| !FinetuneSpec::LOCATIONS.contains(&&**key));
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
