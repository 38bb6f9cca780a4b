//! All that lies below a folder, found in one walk.

use super::endings::ending;
use super::io::paths::io_error;
use crate::error::{Error, ErrorKind, Result};
use crate::quote::counted;
use std::collections::BTreeMap;
use std::fs::{DirEntry, FileType};
use std::path::{Path, PathBuf};

/// Endings that are named in a note at most.
const NAMED: usize = 5;

/// What lies below a folder. Links are followed, except in circles.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The folder.
    pub(super) root: PathBuf,
    /// The folders, each with the parts of its path below the root; the root is the first, and has none.
    pub(super) folders: Vec<Vec<String>>,
    /// The files: the index of the folder, and the name.
    pub(super) files: Vec<(usize, String)>,
    /// Names that begin with a dot: none of these is in `folders` or `files`.
    pub(super) hidden: usize,
    /// Links that lead nowhere.
    dangling: Vec<PathBuf>,
    /// Pipes, sockets and devices.
    special: Vec<PathBuf>,
    /// The first name that is not UTF-8; in `files` it stands with what of it is.
    not_utf8: Option<PathBuf>,
    /// The first link to a folder that it is in; it is not followed.
    circle: Option<PathBuf>,
}

impl Tree {
    /// Walks the folder `root`. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// `Io` where there is no such folder, and for one that cannot be listed; `Config` where it is no folder.
    pub(super) fn walk(root: &Path) -> Result<Self> {
        match std::fs::metadata(root) {
            Ok(found) if !found.is_dir() => {
                return Err(Error::config("it is no folder: name one that has a folder of pictures for each class, a list of pictures, or Parquet").context(root.display().to_string()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::new(ErrorKind::Io, "no such folder").context(root.display().to_string()));
            }
            found => found.map_err(|error| failed(root, error))?,
        };
        let mut tree = Self {
            root: root.to_owned(),
            ..Self::default()
        };
        tree.add(root, &mut Vec::new(), &mut vec![canonical(root)?])?;
        Ok(tree)
    }

    /// Adds the folder at `path`, to which `parts` lead from the root on; `above` are the real paths of the folders that it is in.
    fn add(&mut self, path: &Path, parts: &mut Vec<String>, above: &mut Vec<PathBuf>) -> Result<()> {
        let own = self.folders.len();
        self.folders.push(parts.clone());
        let entries = std::fs::read_dir(path).map_err(|error| failed(path, error))?;
        let mut entries: Vec<DirEntry> = entries
            .collect::<std::io::Result<_>>()
            .map_err(|error| failed(path, error))?;
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap_or_else(|name| {
                self.not_utf8.get_or_insert_with(|| path.clone());
                name.to_string_lossy().into_owned()
            });
            if name.starts_with('.') {
                self.hidden += 1;
                continue;
            }
            let Some(kind) = kind(&entry, &path)? else {
                self.dangling.push(path);
                continue;
            };
            if kind.is_file() {
                self.files.push((own, name));
            } else if kind.is_dir() {
                let real = canonical(&path)?;
                if above.contains(&real) {
                    self.circle.get_or_insert(path);
                    continue;
                }
                above.push(real);
                parts.push(name);
                self.add(&path, parts, above)?;
                parts.pop();
                above.pop();
            } else {
                self.special.push(path);
            }
        }
        Ok(())
    }

    /// Refuses what a source that reads files by their names cannot pass over.
    ///
    /// # Errors
    ///
    /// `Io` for a name that is not UTF-8, and links that lead in circles.
    pub(super) fn check(&self) -> Result<()> {
        let refused =
            |what: &str, path: &Path| Err(Error::new(ErrorKind::Io, what).context(path.display().to_string()));
        if let Some(path) = &self.not_utf8 {
            return refused("its name is not UTF-8; rename it", path);
        }
        match &self.circle {
            Some(path) => refused(
                "this link leads to a folder that it is in, so the folder has no end",
                path,
            ),
            None => Ok(()),
        }
    }

    /// The path of a file.
    pub(super) fn path(&self, (folder, name): &(usize, String)) -> PathBuf {
        let mut path = self.root.clone();
        path.extend(&self.folders[*folder]);
        path.push(name);
        path
    }

    /// What there is to say of links and of files that are none, a sentence each.
    pub(super) fn notes(&self, shown: &str) -> Vec<String> {
        let said = |found: &[PathBuf], one: &str, several: &str| {
            let first = found.first()?.display();
            Some(match found.len() {
                1 => format!("{shown}: not read: 1 {one} ({first})"),
                all => format!("{shown}: not read: {all} {several}, the first is {first}"),
            })
        };
        let mut notes = Vec::new();
        notes.extend(said(
            &self.dangling,
            "link that leads nowhere",
            "links that lead nowhere",
        ));
        notes.extend(said(
            &self.special,
            "pipe, socket or device",
            "pipes, sockets or devices",
        ));
        notes
    }

    /// `.txt (2 files), .gif (1 file)`: the endings of the files that are not `wanted`, the most frequent first; none where there are
    /// no such files.
    pub(super) fn others(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let mut counts = BTreeMap::<String, usize>::new();
        for (_, name) in self.files.iter().filter(|(_, name)| !wanted(name)) {
            let ending = ending(name).map_or_else(|| "no ending".to_owned(), |ending| format!(".{ending}"));
            *counts.entry(ending).or_default() += 1;
        }
        let mut all: Vec<(String, usize)> = counts.into_iter().collect();
        all.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let one = |(ending, count): &(String, usize)| format!("{ending} ({})", counted(*count, "file"));
        let mut said: Vec<String> = all.iter().take(NAMED).map(one).collect();
        let rest: usize = all.iter().skip(NAMED).map(|(_, count)| count).sum();
        if rest > 0 {
            said.push(format!("others ({})", counted(rest, "file")));
        }
        (!said.is_empty()).then(|| said.join(", "))
    }
}

/// What the entry is, or what its link leads to; none where that is nothing.
fn kind(entry: &DirEntry, path: &Path) -> Result<Option<FileType>> {
    let own = entry.file_type().map_err(|error| failed(path, error))?;
    if !own.is_symlink() {
        return Ok(Some(own));
    }
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(failed(path, error)),
        // There is nothing, or it is a link to itself.
        Err(_) => Ok(None),
    }
}

fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    io_error(&path.display().to_string(), error)
}
