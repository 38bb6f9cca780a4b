//! All folders and pictures below a folder.

use crate::error::{Error, ErrorKind, Result};
use crate::source::endings::{TORCHVISION, ending};
use crate::source::io::paths::io_error;
use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

/// Endings that are named in a note at most.
const NAMED: usize = 5;

/// What lies below a folder.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The folders, each with the parts of its path below the root; the root is the first, and has none.
    pub(super) folders: Vec<Vec<String>>,
    /// The pictures: the index of the folder, and the name.
    pub(super) pictures: Vec<(usize, String)>,
    /// How many other files there are, by their endings.
    others: BTreeMap<String, usize>,
    /// Names that begin with a dot.
    hidden: usize,
}

impl Tree {
    /// Walks the folder `root`. Blocks on the file system.
    ///
    /// # Errors
    ///
    /// `Io` for a folder that cannot be listed, a name that is not UTF-8, and links that lead in circles.
    pub(super) fn walk(root: &Path, extensions: Option<&[String]>) -> Result<Self> {
        let mut tree = Self::default();
        let wanted = |ending: &str| match extensions {
            None => TORCHVISION.contains(&ending),
            Some(own) => own.iter().any(|own| own.eq_ignore_ascii_case(ending)),
        };
        match std::fs::metadata(root) {
            Ok(found) if !found.is_dir() => {
                return Err(Error::config("it is no folder: name one that has a folder of pictures for each class, a list of pictures, or Parquet").context(root.display().to_string()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::new(ErrorKind::Io, "no such folder").context(root.display().to_string()));
            }
            found => found.map_err(|error| failed(root, error))?,
        };
        tree.add(root, &mut Vec::new(), &mut vec![canonical(root)?], &wanted)?;
        Ok(tree)
    }

    /// Adds the folder at `path`, to which `parts` lead from the root on; `above` are the real paths of the folders that it is in.
    fn add(
        &mut self,
        path: &Path,
        parts: &mut Vec<String>,
        above: &mut Vec<PathBuf>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        let own = self.folders.len();
        self.folders.push(parts.clone());
        let entries = std::fs::read_dir(path).map_err(|error| failed(path, error))?;
        let mut entries: Vec<DirEntry> = entries
            .collect::<std::io::Result<_>>()
            .map_err(|error| failed(path, error))?;
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                let message = "its name is not UTF-8; rename it";
                return Err(Error::new(ErrorKind::Io, message).context(path.display().to_string()));
            };
            if name.starts_with('.') {
                self.hidden += 1;
                continue;
            }
            let kind = entry.file_type().map_err(|error| failed(&path, error))?;
            let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
            if is_folder {
                let real = canonical(&path)?;
                if above.contains(&real) {
                    let message = "this link leads to a folder that it is in, so the folder has no end";
                    return Err(Error::new(ErrorKind::Io, message).context(path.display().to_string()));
                }
                above.push(real);
                parts.push(name);
                self.add(&path, parts, above, wanted)?;
                parts.pop();
                above.pop();
                continue;
            }
            match ending(&name) {
                Some(ending) if wanted(&ending) => self.pictures.push((own, name)),
                ending => {
                    let ending = ending.map_or_else(|| "no ending".to_owned(), |ending| format!(".{ending}"));
                    *self.others.entry(ending).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// The path of a picture of the tree below `root`.
    pub(super) fn path(&self, root: &Path, (folder, name): &(usize, String)) -> PathBuf {
        let mut path = root.to_owned();
        path.extend(&self.folders[*folder]);
        path.push(name);
        path
    }

    /// What there is to say of files that are passed over, a sentence each.
    pub(super) fn notes(&self, shown: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(others) = self.others() {
            notes.push(format!(
                "{shown}: not read, since their names do not end as those of pictures do: {others}"
            ));
        }
        if self.hidden > 0 {
            notes.push(format!(
                "{shown}: not read, since their names begin with a dot: {} files or folders",
                self.hidden
            ));
        }
        notes
    }

    /// `.txt (2 files), .gif (1 file)`: the most frequent endings first; none where there are no other files.
    pub(super) fn others(&self) -> Option<String> {
        let mut all: Vec<(&String, usize)> = self.others.iter().map(|(ending, &count)| (ending, count)).collect();
        all.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let one = |(ending, count): &(&String, usize)| format!("{ending} ({})", counted(*count));
        let mut said: Vec<String> = all.iter().take(NAMED).map(one).collect();
        let rest: usize = all.iter().skip(NAMED).map(|(_, count)| count).sum();
        if rest > 0 {
            said.push(format!("others ({})", counted(rest)));
        }
        (!said.is_empty()).then(|| said.join(", "))
    }

    /// How the names of pictures end, in words.
    pub(super) fn endings(extensions: Option<&[String]>) -> String {
        match extensions {
            None => TORCHVISION.join(", "),
            Some(own) => own.join(", "),
        }
    }
}

pub(super) fn counted(files: usize) -> String {
    match files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    }
}

fn canonical(path: &Path) -> Result<PathBuf> {
    path.canonicalize().map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    io_error(&path.display().to_string(), error)
}
