//! Which files there are, and their bytes.

use crate::error::{Error, ErrorKind, Result};
use crate::exec::buffers::{BufferPool, LARGE};
use crate::exec::waiting;
use crate::source::parquet::discover::paths::{Key, whole};
use bytes::Bytes;
use object_store::ObjectMeta;
use object_store::path::Path as StorePath;
#[cfg(feature = "testing")]
use object_store::{ObjectStore, ObjectStoreExt};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
#[cfg(unix)]
use std::time::{Duration, SystemTime};

/// Bytes that are read where they are decoded: about what a processor's own cache holds.
const NEAR: u64 = 2 << 20;

/// One file: where it is, and its name in messages (the path as the user gave it).
#[derive(Clone, Debug)]
pub(in crate::source::parquet) struct Location {
    place: Storage,
    pub(in crate::source::parquet) shown: Arc<str>,
    /// What its folders say of its rows.
    pub(in crate::source::parquet) keys: Arc<[Key]>,
    /// What the file was when it was opened.
    state: Arc<OnceLock<ObjectMeta>>,
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
    pub(in crate::source::parquet) fn local(path: &Path, keys: Arc<[Key]>) -> Result<Self> {
        let shown = path.display().to_string();
        let whole = std::path::absolute(path).map_err(|source| io(&shown, source))?;
        Ok(Self {
            place: Storage::Local(whole.into()),
            shown: shown.into(),
            keys,
            state: Arc::default(),
            was_gone: Arc::default(),
        })
    }

    /// A file that is no file.
    #[cfg(feature = "testing")]
    pub(in crate::source::parquet) async fn memory(bytes: Vec<u8>) -> Result<Self> {
        let (store, path) = (object_store::memory::InMemory::new(), StorePath::from("memory"));
        let put = store.put(&path, bytes.into()).await;
        put.map_err(|source| Error::io("memory", source))?;
        Ok(Self {
            place: Storage::Store(Arc::new(store), path),
            shown: "memory".into(),
            keys: Arc::default(),
            state: Arc::default(),
            was_gone: Arc::default(),
        })
    }

    /// How many bytes there are, and the last `most` of them. What the file is now is what it has to stay.
    pub(in crate::source::parquet) async fn tail(&self, most: u64) -> Result<(u64, Bytes)> {
        match &self.place {
            Storage::Local(_) => {
                let own = self.clone();
                waiting(move || own.tail_now(most)).await?
            }
            #[cfg(feature = "testing")]
            Storage::Store(store, path) => {
                let failed = |source| self.failed(source);
                let now = store.head(path).await.map_err(failed)?;
                let range = now.size.saturating_sub(most)..now.size;
                self.open(now, store.get_range(path, range).await.map_err(failed)?)
            }
        }
    }

    /// As [`tail`](Self::tail), of a local file, on this thread.
    pub(in crate::source::parquet) fn tail_now(&self, most: u64) -> Result<(u64, Bytes)> {
        let tail = |mut file: Open| {
            let size = file.size()?;
            let bytes = file.read_one(&(size.saturating_sub(most)..size), None)?;
            Ok((known(&file.0.metadata()?)?, bytes))
        };
        let (now, bytes) = self.opened(tail)?;
        self.open(now, bytes)
    }

    fn open(&self, now: ObjectMeta, bytes: Bytes) -> Result<(u64, Bytes)> {
        let size = now.size;
        match self.state.get() {
            Some(_) => self.unchanged(&now)?,
            None => drop(self.state.set(now)),
        }
        Ok((size, bytes))
    }

    /// The bytes of `ranges`; neighbours are read in one go, many bytes into a buffer that is `spare`.
    pub(in crate::source::parquet) async fn read(
        &self,
        ranges: &[Range<u64>],
        spare: &Arc<BufferPool<u8>>,
    ) -> Result<Vec<Bytes>> {
        match &self.place {
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
    pub(in crate::source::parquet) fn is_near(&self, ranges: &[Range<u64>]) -> bool {
        self.is_local() && ranges.iter().map(|range| range.end - range.start).sum::<u64>() <= NEAR
    }

    /// As [`read`](Self::read), on this thread, where nobody has to wait for a disk: the system has a local file's `ranges` in
    /// memory, as far as both ends of each run of them tell.
    pub(in crate::source::parquet) fn at_hand(&self, ranges: &[Range<u64>]) -> Result<Option<Vec<Bytes>>> {
        if !self.is_local() {
            return Ok(None);
        }
        self.opened(|mut file| {
            if !runs(ranges).iter().all(|run| file.has_in_memory(run)) {
                return Ok(None);
            }
            let bytes = file.read(ranges, None);
            self.still(&file)?;
            bytes.map(Some)
        })
    }

    /// Few bytes of a local file, on this thread.
    pub(in crate::source::parquet) fn read_now(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.read_into(ranges, None)
    }

    fn read_into(&self, ranges: &[Range<u64>], spare: Option<&Arc<BufferPool<u8>>>) -> Result<Vec<Bytes>> {
        self.opened(|mut file| {
            let bytes = file.read(ranges, spare);
            self.still(&file)?;
            bytes
        })
    }

    /// Refuses a file that has changed: it may be too short, and its bytes others.
    fn still(&self, file: &Open) -> std::io::Result<()> {
        self.unchanged(&file.meta()?).map_err(std::io::Error::other)
    }

    /// The bytes of one range.
    pub(in crate::source::parquet) async fn read_one(
        &self,
        range: Range<u64>,
        spare: &Arc<BufferPool<u8>>,
    ) -> Result<Bytes> {
        let mut bytes = self.read(&[range], spare).await?;
        bytes.pop().ok_or_else(|| Error::data("nothing was read"))
    }

    /// As [`read_one`](Self::read_one), of a local file, on this thread.
    pub(in crate::source::parquet) fn read_one_now(&self, range: Range<u64>) -> Result<Bytes> {
        let mut bytes = self.read_now(&[range])?;
        bytes.pop().ok_or_else(|| Error::data("nothing was read"))
    }

    /// Looks what a local file is now, which it has to stay, and tells its [state](Self::state).
    pub(in crate::source::parquet) fn state_now(&self) -> Result<Option<String>> {
        let now = match &self.place {
            Storage::Local(path) => std::fs::metadata(path).and_then(|meta| known(&meta)),
            #[cfg(feature = "testing")]
            Storage::Store(..) => Err(std::io::ErrorKind::Unsupported.into()),
        };
        self.open(now.map_err(|source| io(&self.shown, source))?, Bytes::new())?;
        Ok(self.state())
    }

    /// Size, times of modification and of change, device and inode of the file as it was opened, in words: no file can be
    /// another one by its bytes and have the same. None where the system does not tell, or where the last change was so
    /// shortly before that the next one may bear the same time.
    pub(in crate::source::parquet) fn state(&self) -> Option<String> {
        self.state.get()?.version.clone()
    }

    /// Bytes in the file, once it was opened.
    pub(in crate::source::parquet) fn size(&self) -> Option<u64> {
        self.state.get().map(|state| state.size)
    }

    /// Its path in its one whole spelling, to name it among others.
    pub(in crate::source::parquet) fn path(&self) -> Result<PathBuf> {
        match &self.place {
            Storage::Local(path) => whole(path),
            #[cfg(feature = "testing")]
            Storage::Store(..) => Ok(PathBuf::from(&*self.shown)),
        }
    }

    /// Where it is.
    pub(in crate::source::parquet) fn place(&self) -> &str {
        match &self.place {
            Storage::Local(path) => path.to_str().unwrap_or(&self.shown),
            #[cfg(feature = "testing")]
            Storage::Store(_, path) => path.as_ref(),
        }
    }

    /// Whether it can be read on any thread.
    pub(in crate::source::parquet) fn is_local(&self) -> bool {
        matches!(self.place, Storage::Local(_))
    }

    /// What `work` finds in the opened local file.
    fn opened<T>(&self, work: impl FnOnce(Open) -> std::io::Result<T>) -> Result<T> {
        let failed = |source: std::io::Error| match source.downcast::<Error>() {
            Ok(error) => error,
            Err(source) => io(&self.shown, source),
        };
        let found = match &self.place {
            Storage::Local(path) => std::fs::File::open(path)
                .inspect_err(|error| {
                    if error.kind() == std::io::ErrorKind::NotFound {
                        self.was_gone.store(true, Ordering::Relaxed);
                    }
                })
                .and_then(|file| work(Open(file))),
            #[cfg(feature = "testing")]
            Storage::Store(..) => Err(std::io::ErrorKind::Unsupported.into()),
        };
        found.map_err(failed)
    }

    /// Refuses bytes of a file that is another one than when it was opened: its footer would not fit them.
    fn unchanged(&self, now: &ObjectMeta) -> Result<()> {
        let Some(then) = self.state.get() else { return Ok(()) };
        let same = (now.size, now.last_modified) == (then.size, then.last_modified);
        let moved = self.was_gone.load(Ordering::Relaxed);
        if same && is_same(then.e_tag.as_deref(), now.e_tag.as_deref(), moved) {
            return Ok(());
        }
        let message = format!(
            "the file changed while it was in use: it had {} bytes of {}, it has {} of {}; open the dataset again",
            then.size, then.last_modified, now.size, now.last_modified
        );
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

/// A local file that is being read.
struct Open(std::fs::File);

impl Open {
    fn size(&self) -> std::io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// What the file is now.
    fn meta(&self) -> std::io::Result<ObjectMeta> {
        state(&self.0.metadata()?)
    }

    /// Whether the system has both ends of `range` in memory, so that reading it will most likely not wait for a disk. False
    /// where it does not tell.
    #[cfg(target_os = "linux")]
    fn has_in_memory(&self, range: &Range<u64>) -> bool {
        use rustix::io::{ReadWriteFlags, preadv2};
        let is_there = |at: u64| {
            let mut byte = [0];
            let read = preadv2(
                &self.0,
                &mut [std::io::IoSliceMut::new(&mut byte)],
                at,
                ReadWriteFlags::NOWAIT,
            );
            read == Ok(1)
        };
        range.is_empty() || is_there(range.start) && is_there(range.end - 1)
    }

    #[cfg(not(target_os = "linux"))]
    fn has_in_memory(&self, _: &Range<u64>) -> bool {
        false
    }

    /// The bytes of `ranges`; neighbours are read in one go.
    fn read(&mut self, ranges: &[Range<u64>], spare: Option<&Arc<BufferPool<u8>>>) -> std::io::Result<Vec<Bytes>> {
        let bytes: Result<Vec<_>, _> = runs(ranges).iter().map(|run| self.read_one(run, spare)).collect();
        Ok(parts(ranges, &bytes?))
    }

    fn read_one(&mut self, range: &Range<u64>, spare: Option<&Arc<BufferPool<u8>>>) -> std::io::Result<Bytes> {
        let length = range.end - range.start;
        let room = usize::try_from(length).map_err(std::io::Error::other)?;
        let spare = spare.filter(|_| room >= LARGE);
        let mut bytes = match spare {
            Some(spare) => spare.room(room),
            None => Vec::with_capacity(room),
        };
        self.0.seek(SeekFrom::Start(range.start))?;
        let read = (&self.0).take(length).read_to_end(&mut bytes)? as u64;
        match read == length {
            true => Ok(match spare {
                Some(spare) => spare.lend(bytes),
                None => bytes.into(),
            }),
            false => {
                let message = format!("{read} bytes at {}, where {length} were asked for", range.start);
                Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, message))
            }
        }
    }
}

/// `ranges` cut where they are no neighbours.
fn neighbours(ranges: &[Range<u64>]) -> impl Iterator<Item = &[Range<u64>]> {
    ranges.chunk_by(|a, b| a.end == b.start)
}

/// `ranges`, neighbours in one.
fn runs(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    neighbours(ranges)
        .map(|run| run[0].start..run[run.len() - 1].end)
        .collect()
}

/// The bytes of each of `ranges`, out of those of their [`runs`].
fn parts(ranges: &[Range<u64>], runs: &[Bytes]) -> Vec<Bytes> {
    let of_run = |(run, bytes): (&'_ [Range<u64>], &Bytes)| -> Vec<Bytes> {
        let offset = |at: u64| (at - run[0].start) as usize;
        run.iter()
            .map(|range| bytes.slice(offset(range.start)..offset(range.end)))
            .collect()
    };
    neighbours(ranges).zip(runs).flat_map(of_run).collect()
}

/// Whether two tags of [`state`] are of one file with the same contents: the same inode, and either the same time of change or
/// what explains another one: other rights, owners or links, or that it was `moved`.
fn is_same(then: Option<&str>, now: Option<&str>, moved: bool) -> bool {
    let (Some(then), Some(now)) = (then, now) else {
        return then == now;
    };
    let inode = |tag: &str| tag.split(' ').next().map(str::to_owned);
    let rights = |tag: &str| tag.rsplit_once(' ').map(|(rights, _)| rights.to_owned());
    then == now || inode(then) == inode(now) && (moved || rights(then) != rights(now))
}

fn state(meta: &std::fs::Metadata) -> std::io::Result<ObjectMeta> {
    // The time of change cannot be set back, but owners, rights and links change it as well as contents do.
    #[cfg(unix)]
    let tag = {
        use std::os::unix::fs::MetadataExt;
        let rights = format!(
            "{} {} {} {} {}",
            meta.ino(),
            meta.nlink(),
            meta.mode(),
            meta.uid(),
            meta.gid()
        );
        Some(format!("{rights} {}.{:09}", meta.ctime(), meta.ctime_nsec()))
    };
    #[cfg(not(unix))]
    let tag = None;
    Ok(ObjectMeta {
        location: StorePath::default(),
        last_modified: meta.modified()?.into(),
        size: meta.len(),
        e_tag: tag,
        version: None,
    })
}

/// As [`state`], with what [`Location::state`] tells.
fn known(meta: &std::fs::Metadata) -> std::io::Result<ObjectMeta> {
    Ok(ObjectMeta {
        version: settled(meta),
        ..state(meta)?
    })
}

/// All that there is to know, if it is settled. The time of change is the system's own, and no program can set it back.
#[cfg(unix)]
fn settled(meta: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    /// Longer than a tick of any file system's clock (FAT's are two seconds).
    const TICK: Duration = Duration::from_millis(2500);
    let changed = Duration::new(meta.ctime().try_into().ok()?, meta.ctime_nsec().try_into().ok()?);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    (changed.checked_add(TICK)? < now).then(|| {
        format!(
            "{} {}.{:09} {}.{:09} {} {}",
            meta.len(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
            meta.dev(),
            meta.ino()
        )
    })
}

#[cfg(not(unix))]
fn settled(_: &std::fs::Metadata) -> Option<String> {
    None
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

pub(in crate::source::parquet) fn io(path: &str, source: std::io::Error) -> Error {
    let message = match source.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => source.to_string(),
    };
    Error::new(ErrorKind::Io, message).with_source(source).context(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Context;

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
