//! One file of a column of files: where it is, and its bytes as long as it stays what it was when it was found.

use crate::error::{Error, ErrorKind, Result};
use crate::exec::buffers::BufferPool;
use crate::source::io::local_file::LocalFile;
use crate::source::io::paths::io_error;
use crate::source::io::state::FileState;
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that was found.
#[derive(Clone, Debug)]
pub(in crate::source) struct StoredFile {
    /// The path as messages have it.
    pub(in crate::source) path: PathBuf,
    /// What it was when it was found; none where it was not there.
    pub(in crate::source) state: Option<FileState>,
}

impl StoredFile {
    /// Bytes that a file may have: more is no picture, and no value of a column.
    const MOST: u64 = 1 << 30;

    /// The file at `path`, which is looked at but not read.
    ///
    /// # Errors
    ///
    /// `Io` where the system does not tell what it is; a file that is not there is none.
    pub(in crate::source) fn find(path: PathBuf) -> Result<Self> {
        let state = match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => Some(FileState::of(&found).map_err(|error| failed(&path, error))?),
            Ok(_) => {
                let message = "this is a folder, a device or a pipe, and has to be a file";
                return Err(Error::new(ErrorKind::Io, message).context(path.display().to_string()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(&path, error)),
        };
        Ok(Self { path, state })
    }

    /// Bytes in it; none in one that was not there.
    pub(in crate::source) fn size(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.size)
    }

    /// Its bytes, many of them in a buffer that is `spare`. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// `Data` for a file that was not there when the dataset was opened and for one of more than a gibibyte; `Io` for one that is
    /// gone, has changed or cannot be read. All name the file.
    pub(super) fn read(&self, spare: &Arc<BufferPool<u8>>) -> Result<Bytes> {
        let Some(then) = &self.state else {
            return Err(Error::data("no such file").context(self.shown()));
        };
        if then.size > Self::MOST {
            let message = format!(
                "a file of {} bytes is no picture: {} are the most",
                then.size,
                Self::MOST
            );
            return Err(Error::data(message).context(self.shown()));
        }
        let mut file = LocalFile::open(&self.path).map_err(|error| failed(&self.path, error))?;
        self.unchanged(then, &file)?;
        let bytes = file.read_one(&(0..then.size), Some(spare));
        // It may have been cut or written meanwhile.
        self.unchanged(then, &file)?;
        bytes.map_err(|error| failed(&self.path, error))
    }

    fn unchanged(&self, then: &FileState, file: &LocalFile) -> Result<()> {
        let now = file.state().map_err(|error| failed(&self.path, error))?;
        if then.is_same(&now, false) {
            return Ok(());
        }
        let message =
            format!("the file changed while it was in use: it had {then}, it has {now}; open the dataset again");
        Err(Error::new(ErrorKind::Io, message).context(self.shown()))
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    io_error(&path.display().to_string(), error)
}
