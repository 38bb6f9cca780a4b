//! The Parquet files that one path stands for: a file, a folder, or a glob pattern.

use crate::error::{Error, ErrorKind, Result};
use crate::source::io::paths::io_error;
use crate::source::unfinished;
use std::path::{Component, Path, PathBuf};

/// Paths below linked folders that a pattern with `**` passes over before it is taken to lead in circles.
const MOST_LINKED: usize = 10_000;

const WILD: [char; 3] = ['*', '?', '['];

/// The files that one path stands for.
#[derive(Debug)]
pub(super) struct PathFiles {
    /// The folder below which folders count: the folder that was named, a pattern's up to its first wildcard, a file's own.
    pub(super) root: PathBuf,
    pub(super) files: Vec<PathBuf>,
    pub(super) is_folder: bool,
    /// Parquet files in the folder that are passed over, for their names or those of their folders.
    pub(super) passed_over: Vec<PathBuf>,
}

impl PathFiles {
    /// The files of `path`: a file, a directory (all `*.parquet` below it), or a glob pattern; sorted by name.
    ///
    /// In directories, and by wildcards, names that begin with `_` or `.` are passed over.
    pub(super) fn find(path: &str) -> Result<Self> {
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => in_directory(path),
            Ok(meta) if !meta.is_file() => {
                let message = "neither a file nor a folder, but a pipe or a device";
                Err(Error::new(ErrorKind::Io, message).context(path))
            }
            Ok(_) => Ok(Self {
                root: Path::new(path).parent().unwrap_or(Path::new("")).into(),
                files: vec![path.into()],
                is_folder: false,
                passed_over: Vec::new(),
            }),
            Err(_) if path.contains(WILD) => matching(path),
            Err(source) => Err(io_error(path, source)),
        }
    }
}

fn in_directory(path: &str) -> Result<PathFiles> {
    let (mut files, mut passed_over) = (Vec::new(), Vec::new());
    add_files_below(Path::new(path), &mut files, &mut passed_over)?;
    files.sort();
    passed_over.sort();
    if files.is_empty() {
        unfinished::check(path, Path::new(path))?;
        let message = "no *.parquet file in this directory";
        return Err(Error::new(ErrorKind::Io, message).context(path));
    }
    Ok(PathFiles {
        root: path.into(),
        files,
        is_folder: true,
        passed_over,
    })
}

/// Collects files below `directory`. Linked files count, linked directories do not: they may lead in circles.
fn add_files_below(directory: &Path, files: &mut Vec<PathBuf>, passed_over: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| io_error(&directory.display().to_string(), source);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if is_passed_over(entry.file_name().as_encoded_bytes()) {
            match entry.file_type().map_err(failed)?.is_dir() {
                // To count them is no reason to fail.
                true => drop(add_files_below(&path, passed_over, &mut Vec::new())),
                false => passed_over.extend(Some(path).filter(|path| is_named(path))),
            }
            continue;
        }
        if path.to_str().is_none() {
            let message = "its name is not UTF-8; rename it";
            return Err(Error::new(ErrorKind::Io, message).context(path.display().to_string()));
        }
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            add_files_below(&path, files, passed_over)?;
        } else if is_named(&path) && (kind.is_file() || path.is_file()) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_named(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "parquet")
}

/// Whether this is the name of what writers leave beside the data: `_SUCCESS`, `_temporary`, `_delta_log`, hidden files.
fn is_passed_over(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'_' | b'.'))
}

fn matching(pattern: &str) -> Result<PathFiles> {
    let entries =
        glob::glob(pattern).map_err(|source| Error::config(format!("{pattern}: {source}")).with_source(source))?;
    let parts: Vec<_> = Path::new(pattern).components().collect();
    let is_plain = |part: &&Component<'_>| !part.as_os_str().to_string_lossy().contains(WILD);
    let root: PathBuf = parts.iter().take_while(is_plain).collect();
    // What a pattern spells out is meant.
    let first = |part: &Component<'_>| part.as_os_str().as_encoded_bytes().first().copied();
    let spelt: Vec<_> = parts.iter().skip(root.components().count()).map(first).collect();
    let is_meant = |file: &Path| {
        let below = file.strip_prefix(&root).unwrap_or(file);
        let mut names = below.components().map(|part| part.as_os_str().as_encoded_bytes());
        names.all(|name| !is_passed_over(name) || spelt.contains(&name.first().copied()))
    };
    // `**` would follow links to folders, which may lead in circles.
    let below_links = |file: &Path| {
        let folders = file
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(&root) && *folder != root);
        folders.into_iter().any(Path::is_symlink)
    };
    let deep = pattern.contains("**");
    let (mut files, mut linked) = (Vec::new(), 0);
    for entry in entries {
        let file = entry.map_err(|source| Error::io(pattern, source))?;
        if deep && below_links(&file) {
            linked += 1;
            if linked > MOST_LINKED {
                let message = "links to folders lead in circles, so this pattern has no end; name the folder";
                return Err(Error::new(ErrorKind::Io, message).context(pattern));
            }
        } else if file.is_file() && is_meant(&file) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::new(ErrorKind::Io, "no file matches this pattern").context(pattern));
    }
    Ok(PathFiles {
        root,
        files,
        is_folder: false,
        passed_over: Vec::new(),
    })
}
