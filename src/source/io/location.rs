//! Where a file is, and its bytes, as long as it stays what it was when it was opened.

use super::local_file::LocalFile;
use super::paths::{io_error, whole};
#[cfg(feature = "testing")]
use super::ranges::{parts, runs};
use super::state::FileState;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::buffers::BufferPool;
use crate::exec::waiting;
use bytes::Bytes;
#[cfg(feature = "testing")]
use object_store::path::Path as StorePath;
#[cfg(feature = "testing")]
use object_store::{ObjectStore, ObjectStoreExt};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// What a file's folders say of its rows: a key, and its value, null for Hive's default partition.
pub(in crate::source) type HiveKey = (Arc<str>, Option<Arc<str>>);

/// Bytes that are read where they are decoded: about what a processor's own cache holds.
const SMALL: u64 = 2 << 20;

/// One file: where it is, and its name in messages (the path as the user gave it).
#[derive(Clone, Debug)]
pub(in crate::source) struct Location {
    storage: Storage,
    pub(in crate::source) shown: Arc<str>,
    /// What its folders say of its rows.
    pub(in crate::source) keys: Arc<[HiveKey]>,
    /// What is said of its columns elsewhere, as Hugging Face's `datasets` would write it into the file.
    pub(in crate::source) features: Option<Arc<str>>,
    /// What the file was when it was opened.
    state: Arc<OnceLock<FileState>>,
    /// Whether it was not there once: what comes back by its old name has another time of change.
    was_gone: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
enum Storage {
    /// On the local file system, where bytes and state are had in one trip to a thread that may wait for them.
    Local(Arc<Path>),
    #[cfg(feature = "testing")]
    Store(Arc<dyn ObjectStore>, StorePath),
}

impl Location {
    /// The file at `path`, whose folders say `keys`.
    pub(in crate::source) fn local(path: &Path, keys: Arc<[HiveKey]>) -> Result<Self> {
        let shown = path.display().to_string();
        let whole = std::path::absolute(path).map_err(|source| io_error(&shown, source))?;
        Ok(Self {
            storage: Storage::Local(whole.into()),
            shown: shown.into(),
            keys,
            features: None,
            state: Arc::default(),
            was_gone: Arc::default(),
        })
    }

    /// The same, of whose columns `features` say what the file itself does not.
    pub(in crate::source) fn with_features(self, features: Option<Arc<str>>) -> Self {
        Self { features, ..self }
    }

    /// A file that is no file.
    #[cfg(feature = "testing")]
    pub(in crate::source) async fn memory(bytes: Vec<u8>) -> Result<Self> {
        let (store, path) = (object_store::memory::InMemory::new(), StorePath::from("memory"));
        let put = store.put(&path, bytes.into()).await;
        put.map_err(|source| Error::io("memory", source))?;
        Ok(Self {
            storage: Storage::Store(Arc::new(store), path),
            shown: "memory".into(),
            keys: Arc::default(),
            features: None,
            state: Arc::default(),
            was_gone: Arc::default(),
        })
    }

    /// How many bytes there are, and the last `most` of them. What the file is now is what it has to stay.
    pub(in crate::source) async fn tail(&self, most: u64) -> Result<(u64, Bytes)> {
        match &self.storage {
            Storage::Local(_) => {
                let own = self.clone();
                waiting(move || own.tail_now(most)).await?
            }
            #[cfg(feature = "testing")]
            Storage::Store(store, path) => {
                let failed = |source| self.failed(source);
                let now = FileState::of_object(store.head(path).await.map_err(failed)?);
                let range = now.size.saturating_sub(most)..now.size;
                self.open(now, store.get_range(path, range).await.map_err(failed)?)
            }
        }
    }

    /// As [`tail`](Self::tail), of a local file, on this thread.
    pub(in crate::source) fn tail_now(&self, most: u64) -> Result<(u64, Bytes)> {
        let tail = |mut file: LocalFile| {
            let size = file.state()?.size;
            let bytes = file.read_one(&(size.saturating_sub(most)..size), None)?;
            Ok((file.state()?, bytes))
        };
        let (now, bytes) = self.opened(tail)?;
        self.open(now, bytes)
    }

    fn open(&self, now: FileState, bytes: Bytes) -> Result<(u64, Bytes)> {
        let size = now.size;
        match self.state.get() {
            Some(_) => self.unchanged(&now)?,
            None => drop(self.state.set(now)),
        }
        Ok((size, bytes))
    }

    /// The bytes of `ranges`; neighbours are read in one go, many bytes into a buffer that is `spare`.
    pub(in crate::source) async fn read(
        &self,
        ranges: &[Range<u64>],
        spare: &Arc<BufferPool<u8>>,
    ) -> Result<Vec<Bytes>> {
        match &self.storage {
            Storage::Local(_) => {
                let (own, ranges, spare) = (self.clone(), ranges.to_vec(), Arc::clone(spare));
                waiting(move || own.read_into(&ranges, Some(&spare))).await?
            }
            #[cfg(feature = "testing")]
            Storage::Store(store, path) => {
                let bytes = store.get_ranges(path, &runs(ranges)).await;
                Ok(parts(ranges, &bytes.map_err(|source| self.failed(source))?))
            }
        }
    }

    /// Whether `ranges` may be read where they are decoded: larger reads are better made beside other work, and begun at once.
    pub(in crate::source) fn is_small(&self, ranges: &[Range<u64>]) -> bool {
        self.is_local() && ranges.iter().map(|range| range.end - range.start).sum::<u64>() <= SMALL
    }

    /// As [`read`](Self::read), on this thread, where nobody has to wait for a disk: the system has a local file's `ranges` in
    /// memory, as far as both ends of each run of them tell.
    pub(in crate::source) fn read_if_in_memory(&self, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        if !self.is_local() {
            return Ok(None);
        }
        self.opened(|mut file| {
            if !file.has_all_in_memory(ranges) {
                return Ok(None);
            }
            let bytes = file.read(ranges, None);
            self.check_unchanged(&file)?;
            bytes.map(Some)
        })
    }

    /// Few bytes of a local file, on this thread.
    pub(in crate::source) fn read_now(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.read_into(ranges, None)
    }

    fn read_into(&self, ranges: &[Range<u64>], spare: Option<&Arc<BufferPool<u8>>>) -> Result<Vec<Bytes>> {
        self.opened(|mut file| {
            let bytes = file.read(ranges, spare);
            self.check_unchanged(&file)?;
            bytes
        })
    }

    /// Refuses a file that has changed: it may be too short, and its bytes others.
    fn check_unchanged(&self, file: &LocalFile) -> std::io::Result<()> {
        self.unchanged(&file.state()?).map_err(std::io::Error::other)
    }

    /// The bytes of one range.
    pub(in crate::source) async fn read_one(&self, range: Range<u64>, spare: &Arc<BufferPool<u8>>) -> Result<Bytes> {
        let mut bytes = self.read(&[range], spare).await?;
        bytes.pop().ok_or_else(|| Error::data("nothing was read"))
    }

    /// As [`read_one`](Self::read_one), of a local file, on this thread.
    pub(in crate::source) fn read_one_now(&self, range: Range<u64>) -> Result<Bytes> {
        let mut bytes = self.read_now(&[range])?;
        bytes.pop().ok_or_else(|| Error::data("nothing was read"))
    }

    /// Looks what a local file is now, which it has to stay, and tells its [state](Self::state).
    pub(in crate::source) fn state_now(&self) -> Result<Option<String>> {
        let now = match &self.storage {
            Storage::Local(path) => std::fs::metadata(path).and_then(|metadata| FileState::of(&metadata)),
            #[cfg(feature = "testing")]
            Storage::Store(..) => Err(std::io::ErrorKind::Unsupported.into()),
        };
        self.open(now.map_err(|source| io_error(&self.shown, source))?, Bytes::new())?;
        Ok(self.state())
    }

    /// The [identity](FileState::identity) of the file as it was opened.
    pub(in crate::source) fn state(&self) -> Option<String> {
        self.state.get()?.identity()
    }

    /// Bytes in the file, once it was opened.
    pub(in crate::source) fn size(&self) -> Option<u64> {
        self.state.get().map(|state| state.size)
    }

    /// Its path in its one whole spelling, to name it among others.
    pub(in crate::source) fn path(&self) -> Result<PathBuf> {
        match &self.storage {
            Storage::Local(path) => whole(path),
            #[cfg(feature = "testing")]
            Storage::Store(..) => Ok(PathBuf::from(&*self.shown)),
        }
    }

    /// Where it is: the absolute path of a local file.
    pub(in crate::source) fn address(&self) -> &str {
        match &self.storage {
            Storage::Local(path) => path.to_str().unwrap_or(&self.shown),
            #[cfg(feature = "testing")]
            Storage::Store(_, path) => path.as_ref(),
        }
    }

    /// Whether it can be read on any thread.
    pub(in crate::source) fn is_local(&self) -> bool {
        matches!(self.storage, Storage::Local(_))
    }

    /// What `work` finds in the opened local file.
    fn opened<T>(&self, work: impl FnOnce(LocalFile) -> std::io::Result<T>) -> Result<T> {
        let failed = |source: std::io::Error| match source.downcast::<Error>() {
            Ok(error) => error,
            Err(source) => io_error(&self.shown, source),
        };
        let found = match &self.storage {
            Storage::Local(path) => LocalFile::open(path)
                .inspect_err(|error| {
                    if error.kind() == std::io::ErrorKind::NotFound {
                        self.was_gone.store(true, Ordering::Relaxed);
                    }
                })
                .and_then(work),
            #[cfg(feature = "testing")]
            Storage::Store(..) => Err(std::io::ErrorKind::Unsupported.into()),
        };
        found.map_err(failed)
    }

    /// Refuses bytes of a file that is another one than when it was opened: its footer would not fit them.
    fn unchanged(&self, now: &FileState) -> Result<()> {
        let Some(then) = self.state.get() else { return Ok(()) };
        if then.is_same(now, self.was_gone.load(Ordering::Relaxed)) {
            return Ok(());
        }
        let message =
            format!("the file changed while it was in use: it had {then}, it has {now}; open the dataset again");
        Err(Error::new(ErrorKind::Io, message).context(self.shown.as_ref()))
    }

    #[cfg(feature = "testing")]
    fn failed(&self, source: object_store::Error) -> Error {
        let message = match &source {
            object_store::Error::NotFound { .. } => "no such file".to_owned(),
            other => root_cause(other),
        };
        Error::new(ErrorKind::Io, message)
            .with_source(source)
            .context(self.shown.as_ref())
    }
}

/// The innermost message: the outer ones repeat the path.
#[cfg(feature = "testing")]
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Context;
    use crate::exec::buffers::LARGE;

    #[test]
    fn many_bytes_are_read_into_a_buffer_that_waits() {
        let (cx, file) = (
            Context::with(1, 256 << 20).unwrap(),
            tempfile::NamedTempFile::new().unwrap(),
        );
        let bytes: Vec<u8> = (0..3 * LARGE).map(|at| (at / 1000) as u8).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        let location = Location::local(file.path(), Arc::default()).unwrap();
        // Neighbours, then a gap.
        let ranges = [7..LARGE, LARGE..2 * LARGE + 9, 2 * LARGE + 20..2 * LARGE + 30];
        let stored = ranges.clone().map(|range| range.start as u64..range.end as u64);
        let read = || cx.block_on(location.read(&stored, cx.buffers())).unwrap();
        let (mut first, mut again) = (None, 0);
        for _ in 0..3 {
            let parts = read();
            assert!(
                ranges
                    .iter()
                    .zip(&parts)
                    .all(|(range, part)| part == &bytes[range.clone()])
            );
            again += usize::from(first.replace(parts[0].as_ptr()) == Some(parts[0].as_ptr()));
        }
        assert_eq!(again, 2);
    }
}
