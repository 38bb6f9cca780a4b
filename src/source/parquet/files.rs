//! Which files there are, and their bytes.

use crate::error::{Error, ErrorKind, Result};
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The byte buffer of `object_store` and `parquet`, whose crate is not among our own dependencies.
pub(super) type Bytes = <PutPayload as IntoIterator>::Item;

/// One file: the store that has it, its place there, and its name in messages (the path as the user gave it).
#[derive(Clone, Debug)]
pub(super) struct Location {
    store: Arc<dyn ObjectStore>,
    path: StorePath,
    pub(super) shown: Arc<str>,
    /// What the store said of the file when it was opened.
    opened: Arc<OnceLock<ObjectMeta>>,
}

impl Location {
    fn local(store: &Arc<dyn ObjectStore>, path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let whole = path.canonicalize().map_err(|source| io(&shown, source))?;
        let place = StorePath::from_absolute_path(whole).map_err(|source| Error::io(path, source))?;
        Ok(Self {
            store: Arc::clone(store),
            path: place,
            shown: shown.into(),
            opened: Arc::default(),
        })
    }

    /// A file that is no file.
    #[cfg(feature = "testing")]
    pub(super) async fn memory(bytes: Vec<u8>) -> Result<Self> {
        let (store, path) = (object_store::memory::InMemory::new(), StorePath::from("memory"));
        let put = store.put(&path, bytes.into()).await;
        put.map_err(|source| Error::io("memory", source))?;
        Ok(Self {
            store: Arc::new(store),
            path,
            shown: "memory".into(),
            opened: Arc::default(),
        })
    }

    /// Bytes in the file.
    pub(super) async fn size(&self) -> Result<u64> {
        let meta = self.meta().await?;
        Ok(self.opened.get_or_init(|| meta).size)
    }

    /// The bytes of `ranges`; neighbours are read in one go, and others where the store gains by it.
    pub(super) async fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let runs: Vec<&[Range<u64>]> = ranges.chunk_by(|a, b| a.end == b.start).collect();
        let whole: Vec<_> = runs.iter().map(|run| run[0].start..run[run.len() - 1].end).collect();
        let bytes = self.store.get_ranges(&self.path, &whole).await;
        self.unchanged().await?;
        let bytes = bytes.map_err(|source| self.failed(source))?;
        let parts = runs.iter().zip(&bytes).flat_map(|(run, bytes)| {
            let offset = |at: u64| (at - run[0].start) as usize;
            run.iter()
                .map(move |range| bytes.slice(offset(range.start)..offset(range.end)))
        });
        Ok(parts.collect())
    }

    /// The bytes of one range.
    pub(super) async fn read_one(&self, range: Range<u64>) -> Result<Bytes> {
        let bytes = self.store.get_range(&self.path, range).await;
        self.unchanged().await?;
        bytes.map_err(|source| self.failed(source))
    }

    async fn meta(&self) -> Result<ObjectMeta> {
        self.store.head(&self.path).await.map_err(|source| self.failed(source))
    }

    /// Refuses bytes of a file that is another one than when it was opened: its footer would not fit them.
    async fn unchanged(&self) -> Result<()> {
        let Some(then) = self.opened.get() else { return Ok(()) };
        let now = self.meta().await?;
        let same = (now.size, now.last_modified, &now.e_tag) == (then.size, then.last_modified, &then.e_tag);
        if same {
            return Ok(());
        }
        let message = format!(
            "the file changed while it was in use: it had {} bytes of {}, it has {} of {}; open the dataset again",
            then.size, then.last_modified, now.size, now.last_modified
        );
        Err(Error::new(ErrorKind::Io, message).context(self.shown.as_ref()))
    }

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
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The files that `path` stands for: a file, a directory (all `*.parquet` below it), or a glob pattern; sorted by name.
///
/// Blocks on the file system.
pub(super) fn discover(path: &str) -> Result<Vec<Location>> {
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new());
    let files = paths(path)?;
    files.iter().map(|file| Location::local(&store, file)).collect()
}

fn paths(path: &str) -> Result<Vec<PathBuf>> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => in_directory(path),
        Ok(_) => Ok(vec![PathBuf::from(path)]),
        Err(_) if path.contains(['*', '?', '[']) => matching(path),
        Err(source) => Err(io(path, source)),
    }
}

fn in_directory(path: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(Path::new(path), &mut files)?;
    files.sort();
    if files.is_empty() {
        let message = "no *.parquet file in this directory";
        return Err(Error::new(ErrorKind::Io, message).context(path));
    }
    Ok(files)
}

/// Collects files below `directory`. Linked files count, linked directories do not: they may lead in circles.
fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| io(&directory.display().to_string(), source);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "parquet") && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let entries =
        glob::glob(pattern).map_err(|source| Error::config(format!("{pattern}: {source}")).with_source(source))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(|source| Error::io(pattern, source))?;
        if file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::new(ErrorKind::Io, "no file matches this pattern").context(pattern));
    }
    Ok(files)
}

fn io(path: &str, source: std::io::Error) -> Error {
    let message = match source.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => source.to_string(),
    };
    Error::new(ErrorKind::Io, message).with_source(source).context(path)
}

/// `files` without the directories that all of them share, so that a plan does not depend on where the data lies.
pub(super) fn relative<'a>(files: impl Iterator<Item = &'a str>) -> Vec<String> {
    let parts: Vec<Vec<_>> = files.map(|file| Path::new(file).components().collect()).collect();
    let shortest = parts.iter().map(Vec::len).min().unwrap_or(0);
    let shared = (0..shortest.saturating_sub(1))
        .take_while(|&i| parts.iter().all(|part| part[i] == parts[0][i]))
        .count();
    let name = |part: &Vec<_>| part[shared..].iter().collect::<PathBuf>().display().to_string();
    parts.iter().map(name).collect()
}
