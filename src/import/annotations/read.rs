//! What all kinds of annotations are read into and with.

use super::run_length::covered;
use super::table::{Object, Picture};
use crate::error::{Error, Result};
use crate::exec::files;
use crate::image::Facts;
use crate::quote::quoted;
use crate::rows::KeypointNames;
use crate::source::Split;
use std::collections::HashSet;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// A split whose annotations are read.
#[derive(Debug)]
pub(super) struct Annotated {
    pub(super) split: Split,
    pub(super) pictures: Vec<Picture>,
    /// The names of the classes, in the order of their numbers.
    pub(super) names: Vec<String>,
    /// What is known of the keypoints of objects; where it names them, all objects that have any have all of them.
    pub(super) keypoints: Option<KeypointNames>,
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

/// What a file of text says, behind its byte order mark if it has one.
///
/// # Errors
///
/// Those of the system; `InvalidInput` for a device or a pipe, `InvalidData` for what is no UTF-8.
pub(super) fn text_of(path: &Path) -> std::io::Result<String> {
    let text = String::from_utf8(files::read_whole(path)?)
        .map_err(|error| std::io::Error::new(ErrorKind::InvalidData, error))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}

/// The error of a file of text that cannot be read.
pub(super) fn unreadable(path: &Path, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidData => Error::data("this is no text in UTF-8: write it as UTF-8, or take the file away")
            .context(path.display().to_string()),
        _ => Error::io(path, error),
    }
}

/// The first of `names` that stands twice.
pub(super) fn twice<'a>(names: impl IntoIterator<Item = &'a String>) -> Option<&'a str> {
    let mut met = HashSet::new();
    names.into_iter().find(|name| !met.insert(*name)).map(String::as_str)
}

/// Measures the picture, of which `shown` tells.
///
/// # Errors
///
/// `Data` where it has another size than is said, since boxes in pixels would not fit; `Io` and `Data` where it cannot be read and no size is said. One
/// that cannot be read and whose size is said is a bad row of whatever reads it.
pub(super) fn measure(picture: &mut Picture, shown: &str) -> Result<()> {
    if picture.size != [0; 2] {
        return Ok(());
    }
    let stored = match (stored_size(&picture.path), picture.said) {
        (Ok(stored), _) => stored,
        (Err(_), Some(said)) => {
            picture.size = said;
            return Ok(());
        }
        (Err(error), None) => return Err(error.context(shown)),
    };
    picture.size = stored.upright();
    let [width, height] = picture.size;
    let Some([w, h]) = picture.said.filter(|said| *said != picture.size) else {
        return Ok(());
    };
    let name = quoted(&picture.name);
    let why = match picture.said == Some(stored.size) {
        true => format!(
            "its EXIF orientation turns picture {name} from {w} x {h} to {width} x {height}, and the boxes are those of {w} x {h}: turn the \
             stored picture and remove the orientation, or annotate the upright one"
        ),
        false => format!(
            "picture {name} is said to have {w} x {h} pixels, and has {width} x {height}: boxes in pixels would not fit"
        ),
    };
    Err(Error::data(why).context(shown))
}

/// Leaves out the run lengths of `picture`, which is measured, that cover another size; how many there are.
pub(super) fn drop_misfits(picture: &mut Picture) -> u64 {
    let size = picture.size;
    let pixels = size[0]
        .checked_mul(size[1])
        .and_then(|pixels| u64::try_from(pixels).ok());
    let is_misfit = |object: &&mut Object| {
        let fits = object.covers.is_none_or(|covers| covers == size) && covered(&object.run_lengths).ok() == pixels;
        !object.run_lengths.is_empty() && !fits
    };
    let misfits = picture.objects.iter_mut().filter(is_misfit);
    misfits.map(|object| object.run_lengths.clear()).count() as u64
}

/// A picture's size in its file, and whether it lies on its side there.
struct Stored {
    size: [i64; 2],
    turned: bool,
}

impl Stored {
    fn upright(&self) -> [i64; 2] {
        let [width, height] = self.size;
        if self.turned { [height, width] } else { self.size }
    }
}

fn stored_size(path: &Path) -> Result<Stored> {
    /// Where nearly all headers end.
    const HEAD: u64 = 1 << 17;
    let failed = |error| Error::io(path, error);
    let (mut file, mut bytes) = (files::open(path).map_err(failed)?, Vec::new());
    (&mut file).take(HEAD).read_to_end(&mut bytes).map_err(failed)?;
    let facts = match Facts::of(&bytes) {
        Ok(facts) => Ok(facts),
        Err(_) => {
            file.read_to_end(&mut bytes).map_err(failed)?;
            Facts::of(&bytes)
        }
    };
    let facts = facts.map_err(|error| Error::from(error).context(path.display().to_string()))?;
    Ok(Stored {
        size: [facts.width, facts.height].map(i64::from),
        turned: facts.orientation >= 5,
    })
}
