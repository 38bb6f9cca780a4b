//! The folder that an import writes: whose it is, which import it is, and which files are there.
//!
//! `.import.json` makes a folder that of an import. It is the first file; a folder without it has to be empty.

use super::file::{self, Label};
use super::spec::ImportSpec;
use crate::error::{Error, Result};
use crate::exec::files;
use crate::exec::lock::Lock;
use crate::exec::outputs;
use crate::source::{IMPORT, IMPORTED};
use crate::spec::words;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_128;

/// Where the files are before all of them are there. Neither we nor `datasets` look into folders whose names begin with a dot.
const INCOMPLETE: &str = ".incomplete";

/// Which import a folder holds: the contents of `.import.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Version of this file, and of how files are written.
    millstream: u32,
    pub(super) spec: ImportSpec,
    pub(super) splits: Vec<ManifestSplit>,
}

/// A split of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ManifestSplit {
    pub(super) split: String,
    pub(super) rows: u64,
    pub(super) files: u64,
    /// What the source is, a line each.
    pub(super) source: Vec<String>,
    /// Hash of that, and of what no line says.
    pub(super) fingerprint: String,
    /// In which state its files are: sizes, times of change.
    pub(super) state: Option<String>,
}

impl Manifest {
    const VERSION: u32 = 1;

    pub(super) fn new(spec: ImportSpec, splits: Vec<ManifestSplit>) -> Self {
        Self {
            millstream: Self::VERSION,
            spec,
            splits,
        }
    }

    /// The names of the files of the split `at`, in their order.
    pub(super) fn names(&self, at: usize) -> impl Iterator<Item = String> + '_ {
        let ManifestSplit { split, files, .. } = &self.splits[at];
        (0..*files).map(move |file| format!("{split}-{file:05}-of-{files:05}.parquet"))
    }

    fn all_names(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.splits.len()).flat_map(|at| self.names(at))
    }

    /// By which files know that they are of this import.
    pub(super) fn hash(&self) -> String {
        format!("{:032x}", xxh3_128(json!(self).to_string().as_bytes()))
    }

    fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(IMPORT);
        let text = match files::read_small(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| Error::io(&path, error))?,
        };
        let unknown = |why: String| {
            let message = format!("not what an import of this version wrote ({why}); use another folder");
            Error::config(message).context(path.display().to_string())
        };
        let json: Value = serde_json::from_slice(&text).map_err(|error| unknown(error.to_string()))?;
        match json["millstream"].as_u64() {
            Some(version) if version == u64::from(Self::VERSION) => {}
            version => return Err(unknown(format!("its version is {version:?}, not {}", Self::VERSION))),
        }
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| unknown(error.to_string()))
    }

    /// What differs in `now`, in words.
    fn difference(&self, now: &Self) -> String {
        let mut out = Vec::new();
        let fields = |spec: &ImportSpec| match json!(spec) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let (was, is) = (fields(&self.spec), fields(&now.spec));
        let both = is
            .iter()
            .filter_map(|(name, value)| Some((name, was.get(name)?, value)));
        out.extend(
            both.filter(|(_, was, is)| was != is)
                .map(|(name, was, is)| format!("{name} was {}, is {}", in_words(was), in_words(is))),
        );
        let names = |of: &Self| {
            of.splits
                .iter()
                .map(|own| own.split.clone())
                .collect::<Vec<_>>()
                .join(", ")
        };
        if names(self) != names(now) {
            out.push(format!("the splits were {}, are {}", names(self), names(now)));
        }
        for own in &now.splits {
            let Some(old) = self.splits.iter().find(|old| old.split == own.split) else {
                continue;
            };
            let before = out.len();
            // What only one of them has belongs to a source of another kind, whose settings tell nothing.
            for (key, is) in own.source.iter().filter_map(|line| line.split_once('=')) {
                let mut olds = old.source.iter().filter_map(|line| line.split_once('='));
                let Some((_, was)) = olds.find(|(old, was)| *old == key && *was != is) else {
                    continue;
                };
                let [was, is] = [was, is].map(|value| if value.is_empty() { "not set" } else { value });
                let name = key.rsplit('.').next().unwrap_or_default();
                out.push(format!("{name} of the split {} was {was}, is {is}", own.split));
            }
            if out.len() == before && old.fingerprint != own.fingerprint {
                out.push(format!("the split {} is of another source", own.split));
            } else if out.len() == before && old.state != own.state {
                out.push(format!(
                    "files of the split {} were written, moved or copied since, and may have other rows",
                    own.split
                ));
            }
        }
        match out.is_empty() {
            true => "it was cut into other files".to_owned(),
            false => out.join("; "),
        }
    }
}

/// A value of a setting, in words.
fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "not set".to_owned(),
        Value::Array(all) if all.is_empty() => "not set".to_owned(),
        value => words(value),
    }
}

/// The folder of an import, which is this process's alone until this is dropped.
#[derive(Debug)]
pub(super) struct ImportFolder {
    path: PathBuf,
    manifest: Manifest,
    hash: String,
    _lock: Lock,
}

impl ImportFolder {
    /// Begins the import `manifest` in the folder `path`, or goes on with it.
    ///
    /// # Errors
    ///
    /// `Config` where the folder is none, holds files that no import wrote, or is above or below one of the `inputs`; `Resume` where
    /// another import lies there; `Busy` where another process writes to it; `Io` where nothing can be written.
    pub(super) fn enter(path: &Path, manifest: Manifest, inputs: &[PathBuf]) -> Result<Self> {
        let shown = || path.display().to_string();
        outputs::check_folder(path)?;
        refuse_inputs(path, inputs)?;
        if Manifest::read(path)?.is_none() {
            refuse_foreign(path)?;
        }
        std::fs::create_dir_all(path).map_err(|error| Error::io(path, error))?;
        let lock = Lock::take(path)?;
        match Manifest::read(path)? {
            None => {
                refuse_foreign(path)?;
                let text = serde_json::to_vec_pretty(&manifest).map_err(|error| Error::io(path, error))?;
                files::write_bytes(&path.join(IMPORT), &text)?;
            }
            Some(old) if old == manifest => {}
            Some(old) => {
                let differs = old.difference(&manifest);
                let message = format!("another import lies here: {differs}; use another folder");
                return Err(Error::resume(message).context(shown()));
            }
        }
        let folder = Self {
            path: path.to_owned(),
            hash: manifest.hash(),
            manifest,
            _lock: lock,
        };
        files::remove_temporary(path)?;
        folder.refuse_others()?;
        if !folder.is_complete() {
            let incomplete = path.join(INCOMPLETE);
            std::fs::create_dir_all(&incomplete).map_err(|error| Error::io(&incomplete, error))?;
            files::remove_begun_in(&incomplete)?;
        }
        Ok(folder)
    }

    /// Whether the last file is there.
    pub(super) fn is_complete(&self) -> bool {
        self.path.join(IMPORTED).exists()
    }

    fn data(&self) -> PathBuf {
        self.path.join(if self.is_complete() { IMPORTED } else { INCOMPLETE })
    }

    /// Where the file `name` is, or has to be.
    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    /// The hash by which files know that they are of this import.
    pub(super) fn hash(&self) -> &str {
        &self.hash
    }

    /// What the file `name` says of itself, where it is there.
    ///
    /// # Errors
    ///
    /// `Config` where it is not a file of this import, and where it is missing although the import is complete.
    pub(super) fn label(&self, name: &str) -> Result<Option<Label>> {
        let path = self.at(name);
        match file::label(&path)? {
            Some(label) if label.import == self.hash && label.name == name => Ok(Some(label)),
            None if !self.is_complete() => Ok(None),
            found => {
                let what = found.map_or("it is missing", |_| "it is of another import");
                let message =
                    format!("{what}: the files here are no longer those that an import wrote; use another folder");
                Err(Error::config(message).context(path.display().to_string()))
            }
        }
    }

    /// Gives the folder of files its name, now that all of them are there.
    pub(super) fn complete(&self) -> Result<()> {
        if self.is_complete() {
            return Ok(());
        }
        let data = self.path.join(IMPORTED);
        std::fs::rename(self.path.join(INCOMPLETE), &data).map_err(|error| Error::io(&data, error))?;
        files::sync_folder(&self.path)
    }

    /// Refuses what lies among the files and is none of them: it would be read as rows.
    fn refuse_others(&self) -> Result<()> {
        let own: BTreeSet<String> = self.manifest.all_names().collect();
        for folder in [IMPORTED, INCOMPLETE].map(|name| self.path.join(name)) {
            if folder.is_symlink() || folder.exists() && !folder.is_dir() {
                let message = "no folder that an import wrote: move it away, or use another folder";
                return Err(Error::config(message).context(folder.display().to_string()));
            }
            for name in names_in(&folder)? {
                if !own.contains(&name) && !files::is_left(&name) {
                    let message = "no import wrote this: move it away, or use another folder";
                    return Err(Error::config(message).context(folder.join(name).display().to_string()));
                }
            }
        }
        if self.path.join(IMPORTED).exists() && self.path.join(INCOMPLETE).exists() {
            let message = format!("there are both {IMPORTED} and {INCOMPLETE}: use another folder");
            return Err(Error::config(message).context(self.path.display().to_string()));
        }
        Ok(())
    }
}

/// Refuses a folder without `.import.json` that has anything in it.
fn refuse_foreign(path: &Path) -> Result<()> {
    let is_foreign = |name: &String| *name != Lock::NAME && !files::is_left(name);
    match names_in(path)?.into_iter().find(is_foreign) {
        None => Ok(()),
        Some(name) => {
            let message = format!(
                "this folder has files ({name}), but no {IMPORT}: no import wrote them; use an empty or a new folder"
            );
            Err(Error::config(message).context(path.display().to_string()))
        }
    }
}

/// The names of what is in `folder`, sorted; nothing where there is no such folder.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let failed = |error| Error::io(folder, error);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let names = entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Refuses to write to a folder that is read, that is below one, or that one of the files is below of.
fn refuse_inputs(out: &Path, inputs: &[PathBuf]) -> Result<()> {
    let out_whole = outputs::resolved(out)?;
    for input in inputs {
        let input_whole = outputs::resolved(input)?;
        let what = match (input.is_dir(), out_whole.starts_with(&input_whole)) {
            (true, true) => "what is written there would be read as rows of it",
            _ if input_whole.starts_with(&out_whole) => "it would be mixed with what is written there",
            _ => continue,
        };
        let message = format!("{} is read, and {what}: use a folder elsewhere", input.display());
        return Err(Error::config(message).context(out.display().to_string()));
    }
    Ok(())
}
