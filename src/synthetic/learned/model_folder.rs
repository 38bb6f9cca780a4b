//! The folder of a model: a file that says what it is, and the parts that this names, each with its hash.

use super::about::About;
use crate::error::{Error, Result};
use crate::exec::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_128;

/// The file that makes a folder that of a model.
pub const MODEL_FILE: &str = "generator.json";

/// The version of that file.
const VERSION: u32 = 1;

/// Files by name.
pub type Parts = BTreeMap<String, Vec<u8>>;

/// The contents of [`MODEL_FILE`].
#[derive(Serialize, Deserialize)]
struct Written {
    millstream: u32,
    #[serde(flatten)]
    model: Model,
    /// Hash of `model`.
    checksum: String,
}

#[derive(Serialize, Deserialize)]
struct Model {
    about: About,
    /// Hash of each part.
    parts: BTreeMap<String, String>,
}

impl Model {
    fn new(about: &About, parts: &Parts) -> Self {
        Self {
            about: about.clone(),
            parts: parts
                .iter()
                .map(|(name, bytes)| (name.clone(), hash_of(bytes)))
                .collect(),
        }
    }

    fn hash(&self) -> Result<String> {
        let text = serde_json::to_vec(self);
        Ok(hash_of(&text.map_err(|error| {
            Error::stage(format!("a model cannot be written down: {error}"))
        })?))
    }
}

fn hash_of(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

/// A hash of all that is saved, but of where the rows are stored that it was fitted on.
pub(super) fn hash(about: &About, parts: &Parts) -> Result<String> {
    Model::new(&about.unplaced(), parts).hash()
}

/// Writes the parts, and then the file that names them.
pub(super) fn write(folder: &Path, about: &About, parts: &Parts) -> Result<()> {
    let model = Model::new(about, parts);
    let written = Written {
        millstream: VERSION,
        checksum: model.hash()?,
        model,
    };
    let path = folder.join(MODEL_FILE);
    let text = serde_json::to_vec_pretty(&written).map_err(|error| Error::io(&path, error))?;
    for (name, bytes) in parts {
        files::write_bytes(&folder.join(name), bytes)?;
    }
    files::write_bytes(&path, &text)
}

/// Reads what [`write`] wrote.
pub(super) fn read(folder: &Path) -> Result<(About, Parts)> {
    let path = folder.join(MODEL_FILE);
    let text = files::read_small(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            Error::config(format!("no generator was saved here: there is no {MODEL_FILE}"))
                .context(folder.display().to_string())
        }
        _ => Error::io(&path, error),
    })?;
    let damaged = |what: &dyn std::fmt::Display| Error::data(what.to_string()).context(path.display().to_string());
    let cut = |error: serde_json::Error| {
        damaged(&format!(
            "it is not what a fit wrote ({error}): it was cut or changed; fit the generator again"
        ))
    };
    let found: serde_json::Value = serde_json::from_slice(&text).map_err(cut)?;
    if found["millstream"] != VERSION {
        return Err(damaged(&"not a generator that this version can read; fit it again"));
    }
    let written: Written = serde_json::from_value(found).map_err(cut)?;
    if written.checksum != written.model.hash()? {
        return Err(damaged(&"it was changed since it was written; fit the generator again"));
    }
    let mut parts = Parts::new();
    for (name, expected) in written.model.parts {
        let part = folder.join(&name);
        if name.contains(['/', '\\']) || name == ".." {
            return Err(damaged(&format!("{name:?} is no name of a file")));
        }
        let bytes = files::read_whole(&part).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::data(format!(
                "{MODEL_FILE} names this part of the generator, and it is not there: put it back, or fit the generator again"
            ))
            .context(part.display().to_string()),
            _ => Error::io(&part, error),
        })?;
        if hash_of(&bytes) != expected {
            let message = format!(
                "it is not the file that {MODEL_FILE} names: it was damaged or replaced; fit the generator again"
            );
            return Err(Error::data(message).context(part.display().to_string()));
        }
        parts.insert(name, bytes);
    }
    Ok((written.model.about, parts))
}
