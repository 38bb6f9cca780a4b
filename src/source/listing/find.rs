//! Which lists a path stands for, and of which splits they are.

use crate::error::{Error, ErrorKind, Result};
use crate::source::endings::{is_list, is_metadata};
use crate::source::place::Place;
use crate::source::readme::Readme;
use crate::source::splits::Splits;
use std::path::{Path, PathBuf};

/// The lists that `place` stands for: a file, those that a pattern matches, or those in a folder.
///
/// # Errors
///
/// `Io` where there is none; `Config` for what is no pattern.
pub(super) fn find(place: &Place) -> Result<Vec<PathBuf>> {
    let path = &*place.path;
    let missing = |what: &str| Err(Error::new(ErrorKind::Io, what).context(path));
    let Some(tree) = &place.tree else {
        if Path::new(path).is_file() {
            return Ok(vec![path.into()]);
        }
        if !path.contains(['*', '?', '[']) {
            return missing("no such file");
        }
        let found = glob::glob(path).map_err(|source| Error::config(source.to_string()).context(path))?;
        let found: Vec<PathBuf> = found
            .map(|entry| entry.map_err(|source| Error::io(path, source)))
            .collect::<Result<_>>()?;
        let files: Vec<PathBuf> = found.into_iter().filter(|path| path.is_file()).collect();
        return match files.is_empty() {
            true => missing("no file matches this pattern"),
            false => Ok(files),
        };
    };
    let that = |is_one: fn(&str) -> bool| -> Vec<PathBuf> {
        let files = tree.files.iter().filter(|(_, name)| is_one(name));
        files.map(|file| tree.path(file)).collect()
    };
    let metadata = that(is_metadata);
    let mut files = if metadata.is_empty() { that(is_list) } else { metadata };
    files.sort();
    match files.is_empty() {
        true => missing("no CSV or JSON lines in this directory"),
        false => Ok(files),
    }
}

/// The `lists` in `place` by their splits; none where it is no folder.
///
/// # Errors
///
/// `Config` where they are not clear.
pub(super) fn splits_of(place: &Place, lists: &[PathBuf]) -> Result<Splits> {
    let Some(tree) = &place.tree else {
        return Ok(Splits::default());
    };
    let readme = Readme::of(&place.path, &tree.root)?;
    Splits::among(&place.path, &tree.root, lists, &readme)
}

/// The splits of the lists in `place`.
///
/// # Errors
///
/// As for [`find`] and [`splits_of`].
pub(in crate::source) fn list_splits(place: &Place) -> Result<Splits> {
    match place.tree {
        Some(_) => splits_of(place, &find(place)?),
        None => Ok(Splits::default()),
    }
}
