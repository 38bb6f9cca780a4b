//! `run.json`: which run a folder holds.

use super::fingerprint::Fingerprint;
use super::spec::{AugmentOptions, DataOptions, FinetuneSpec};
use super::strategy::Strategy;
use crate::error::{Error, Result};
use crate::exec::files;
use crate::spec::{Describe, Spec};
use crate::train::loss::Loss;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The file's name.
pub(crate) const RUN: &str = "run.json";

/// What a run is: the contents of `run.json`.
///
/// Task, operations and sources are JSON here, so that a folder is known without those of a user's own.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunManifest {
    /// Version of this file.
    millstream: u32,
    /// What the run is, with paths that do not depend on the working directory, and what was found.
    run: Value,
    /// The same without task, augmentation, sources and generator, which may be of kinds that nothing here knows.
    #[serde(skip)]
    plain: FinetuneSpec,
    /// The strategies that are compared, in place of the run's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    compared: Vec<Strategy>,
    /// Whether its task was found by the data, and not named.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) task_found: bool,
    /// Which network the weights are of, and how pictures become its inputs, as a `config.json` had it.
    network: Value,
    /// Hashes of the data and the weights.
    pub(crate) fingerprint: Fingerprint,
    /// In which state the files were when that was known to be so.
    pub(crate) state: Option<String>,
    /// The results that it has made: from then on it puts them in their places.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) results: Vec<String>,
}

/// What of the file is read whatever the task is.
#[derive(Deserialize)]
struct Stored {
    run: Value,
    #[serde(default)]
    compared: Vec<Strategy>,
    #[serde(default)]
    task_found: bool,
    network: Value,
    fingerprint: Fingerprint,
    state: Option<String>,
    #[serde(default)]
    results: Vec<String>,
}

/// Tables of a run in which there may be kinds of a user's own.
const OPEN: [&str; 2] = ["task", "augment"];

/// Fields of `data` that may be sources of a user's own.
const SETS: [&str; 2] = ["train", "valid"];

impl RunManifest {
    const VERSION: u32 = 4;

    pub(crate) fn new(
        run: FinetuneSpec,
        compared: &[Strategy],
        fingerprint: Fingerprint,
        state: Option<String>,
    ) -> Result<Self> {
        let failed = |error: serde_json::Error| Error::config(error.to_string()).with_source(error);
        let json = as_json(&run).map_err(failed)?;
        let network = json!({
            "architecture": run.model.pretrained()?.architecture,
            "preprocessing": run.model.preprocessing()?,
        });
        let network = as_json(&network).map_err(failed)?;
        Ok(Self {
            millstream: Self::VERSION,
            run: json,
            plain: FinetuneSpec {
                task: None,
                augment: AugmentOptions::default(),
                balance: Strategy {
                    generator: None,
                    ..run.balance
                },
                ..run
            },
            compared: compared.to_vec(),
            task_found: false,
            network,
            fingerprint,
            state,
            results: Vec::new(),
        })
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
        let read = || {
            let stored: Stored = serde_json::from_slice(&text)?;
            let mut known = stored.run.clone();
            let open = known.as_object_mut().map(|known| OPEN.map(|name| known.remove(name)));
            let sources = SETS.map(|set| {
                let data = known["data"].as_object_mut()?;
                data.get(set).is_some_and(Value::is_object).then(|| data.remove(set))?
            });
            let generator = known["balance"]
                .as_object_mut()
                .and_then(|balance| balance.remove("generator"));
            let plain: FinetuneSpec = serde_json::from_value(known)?;
            // Fields that are left out have their defaults here, too.
            let mut run = as_json(&plain)?;
            for (name, value) in OPEN.into_iter().zip(open.into_iter().flatten()) {
                run[name] = value.unwrap_or_default();
            }
            if let Some(generator) = generator {
                run["balance"]["generator"] = generator;
            }
            for (set, source) in SETS.into_iter().zip(sources) {
                if let Some(source) = source {
                    run["data"][set] = source;
                }
            }
            Ok(Self {
                millstream: Self::VERSION,
                run,
                plain,
                compared: stored.compared,
                task_found: stored.task_found,
                network: stored.network,
                fingerprint: stored.fingerprint,
                state: stored.state,
                results: stored.results,
            })
        };
        let read: serde_json::Result<Self> = read();
        read.map(Some).map_err(|error| unknown(&path, &error.to_string()))
    }

    /// What the run is. Kinds of a user's own are those of [`Registry::reading`](crate::registry::Registry::reading).
    ///
    /// # Errors
    ///
    /// `Config` where its task or an operation is not known.
    pub(crate) fn spec(&self) -> Result<FinetuneSpec> {
        let spec = FinetuneSpec::deserialize(&self.run);
        spec.map_err(|error| Error::config(format!("{RUN}: {error}")).with_source(error))
    }

    /// Which data the run is of.
    pub(crate) fn data(&self) -> &DataOptions {
        &self.plain.data
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(RUN);
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::io(&path, error))?;
        files::write_bytes(&path, &text)
    }

    /// The one strategy of a run, or those that are compared.
    pub(crate) fn strategies(&self) -> &[Strategy] {
        match &self.compared[..] {
            [] => std::slice::from_ref(&self.plain.balance),
            compared => compared,
        }
    }

    /// The settings that decide the result, `train.epochs` and so on. Where the files lie does not: their content does.
    fn settings(&self) -> Map<String, Value> {
        let mut all = Map::new();
        let fields = FinetuneSpec::default().description().fields;
        let is_table = |name: &str| fields.iter().any(|field| field.is_table && field.name == name);
        for (name, value) in self.run.as_object().into_iter().flatten() {
            match value {
                _ if FinetuneSpec::MACHINE.contains(&&**name) || (name == "balance" && !self.compared.is_empty()) => {}
                Value::Object(table) if is_table(name) => {
                    all.extend(
                        table
                            .iter()
                            .map(|(key, value)| (format!("{name}.{key}"), value.clone())),
                    );
                }
                value => drop(all.insert(name.clone(), value.clone())),
            }
        }
        for strategy in &self.compared {
            for (key, value) in json!(strategy).as_object().into_iter().flatten() {
                all.insert(format!("{}: {key}", strategy.name), value.clone());
            }
        }
        all.retain(|key, _| !FinetuneSpec::LOCATIONS.contains(&&**key));
        // What is made small where no loss is named.
        let usual = as_json(&Loss::default()).unwrap_or_default();
        let losses = all
            .iter_mut()
            .filter(|(key, value)| key.ends_with("loss") && **value == usual);
        losses.for_each(|(_, value)| *value = Value::Null);
        all.insert(
            "the weights' architecture".to_owned(),
            self.network["architecture"].clone(),
        );
        for (key, value) in self.network["preprocessing"].as_object().into_iter().flatten() {
            all.insert(format!("the weights' {key}"), value.clone());
        }
        all
    }

    /// What differs in the settings of `now`, in words; empty where nothing does.
    pub(crate) fn difference(&self, now: &Self) -> String {
        let (was, is) = (self.settings(), now.settings());
        let keys = is.keys().chain(was.keys().filter(|key| !is.contains_key(*key)));
        let of = |all: &Map<String, Value>, key: &String| all.get(key).cloned().unwrap_or(Value::Null);
        let changed = keys.filter(|key| was.get(*key) != is.get(*key));
        let words = |value: Value| match value {
            Value::Null => "not set".to_owned(),
            value => value.to_string(),
        };
        let said = changed.map(|key| format!("{key} was {}, is {}", words(of(&was, key)), words(of(&is, key))));
        said.collect::<Vec<_>>().join("; ")
    }
}

/// As it is read again from a file, where numbers of 32 bits have as many digits as they need.
fn as_json(run: &impl Serialize) -> serde_json::Result<Value> {
    serde_json::from_slice(&serde_json::to_vec(run)?)
}

fn unknown(path: &Path, why: &str) -> Error {
    let message = format!("not the settings of a run that this version can read ({why}); use another folder");
    Error::config(message).context(path.display().to_string())
}
