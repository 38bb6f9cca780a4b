//! What all kinds of annotations are read into and with.

use super::table::Picture;
use crate::error::{Error, Result};
use crate::image::Facts;
use crate::source::Split;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// A split whose annotations are read.
#[derive(Debug)]
pub(super) struct Annotated {
    pub(super) split: Split,
    pub(super) pictures: Vec<Picture>,
    /// The names of the classes, in the order of their numbers.
    pub(super) names: Vec<String>,
    /// What was left out, and what else there is to say.
    pub(super) notes: Vec<String>,
    /// The files that say so. The first one is that of which rows are told to come.
    pub(super) files: Vec<PathBuf>,
    /// What messages call it.
    pub(super) shown: String,
}

/// What is in a folder, in the order of the names.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Error::io(folder, error);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut entries: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    entries.sort();
    Ok(entries)
}

/// Whether a path that annotations name stays in the folder where it begins.
pub(super) fn stays_inside(path: &Path) -> bool {
    let stays = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.as_os_str().is_empty() && path.components().all(stays)
}

/// Width and height of the upright picture in the file `path`.
///
/// # Errors
///
/// `Io` where it cannot be read, `Data` where it is no picture.
pub(super) fn size_of(path: &Path) -> Result<[i64; 2]> {
    /// Where nearly all headers end.
    const HEAD: u64 = 1 << 17;
    let failed = |error| Error::io(path, error);
    let (mut file, mut bytes) = (File::open(path).map_err(failed)?, Vec::new());
    (&mut file).take(HEAD).read_to_end(&mut bytes).map_err(failed)?;
    let facts = match Facts::of(&bytes) {
        Ok(facts) => Ok(facts),
        Err(_) => {
            file.read_to_end(&mut bytes).map_err(failed)?;
            Facts::of(&bytes)
        }
    };
    let facts = facts.map_err(|error| Error::from(error).context(path.display().to_string()))?;
    let size = [facts.width, facts.height].map(i64::from);
    Ok(match facts.orientation {
        5.. => [size[1], size[0]],
        _ => size,
    })
}
