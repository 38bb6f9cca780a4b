//! The folder of a training: its manifest, its lock, and what an earlier launch left there.

use super::Resumable;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::files;
use crate::exec::lock::Lock;
use crate::sink::burn::LoaderHandle;
use crate::train::checkpoint::{self, Checkpoint};
use crate::train::existing::Existing;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The file that makes a folder that of a training.
const MANIFEST: &str = "training.json";
/// Its version.
const VERSION: u64 = 1;
/// The rows that each step was given.
pub(super) const SAMPLES: &str = "samples.log";

/// What a checkpoint says beyond its records and its step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) cursor: String,
    /// The epoch under way, from 1.
    pub(super) epoch: usize,
    /// Its batches that are done.
    pub(super) batches: usize,
    /// Whether it has no other batches.
    pub(super) trained: bool,
    /// Bytes of `samples.log`.
    pub(super) samples: u64,
}

impl State {
    /// Before the first batch of `epoch`.
    pub(super) fn start(epoch: usize, handle: &LoaderHandle) -> Self {
        Self {
            cursor: handle.cursor().to_string(),
            epoch,
            batches: 0,
            trained: false,
            samples: 0,
        }
    }
}

impl Resumable {
    /// The folder for this process alone, and what a former run left there; a file that it had half written is removed.
    pub(super) fn open(&self) -> Result<(Lock, Option<Checkpoint<State>>)> {
        let (folder, manifest) = (&self.folder, self.folder.join(MANIFEST));
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let lock = Lock::take(folder)?;
        if !self.has_manifest()? {
            let there = ["steps", SAMPLES].into_iter().find(|name| folder.join(name).exists());
            if let Some(name) = there {
                let message = format!(
                    "{name} exists, but no {MANIFEST}: no training wrote it; move it away, or use another folder"
                );
                return Err(Error::config(message).context(folder.display().to_string()));
            }
            files::write_bytes(&manifest, json!({"millstream": VERSION}).to_string().as_bytes())?;
            return Ok((lock, None));
        }
        let saved = match self.existing {
            Existing::Refuse => {
                let message = "this folder holds a training; resume it, or overwrite it";
                return Err(Error::new(ErrorKind::Exists, message).context(folder.display().to_string()));
            }
            Existing::Resume => Checkpoint::newest(&self.steps())?,
            Existing::Overwrite => {
                checkpoint::remove_all(&self.steps())?;
                None
            }
        };
        files::remove_temporary(folder)?;
        Ok((lock, saved))
    }

    /// Whether the folder is that of a training.
    fn has_manifest(&self) -> Result<bool> {
        let path = self.folder.join(MANIFEST);
        let text = match files::read_small(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            text => text.map_err(|error| Error::io(&path, error))?,
        };
        let manifest: Value = serde_json::from_slice(&text).unwrap_or_default();
        match manifest["millstream"] == VERSION {
            true => Ok(true),
            false => {
                let message = "not the manifest of a training that this version can read; use another folder";
                Err(Error::config(message).context(path.display().to_string()))
            }
        }
    }
}
