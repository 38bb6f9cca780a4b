//! Pictures whose objects are annotated in files of their own, as rows in the layout of Hugging Face's detection datasets.

mod coco;
mod run_length;
mod table;
mod voc;
mod yolo;

use crate::error::{Error, Result};
use crate::image::Facts;
use crate::source::{Listing, Split};
use coco::Coco;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use table::{Beside, Picture};

/// The rows of a split, and where pictures were found.
pub(super) struct AnnotatedSplit {
    pub(super) split: Split,
    pub(super) rows: Listing,
    pub(super) notes: Vec<String>,
    /// Files that are read.
    pub(super) inputs: Vec<PathBuf>,
}

/// A split whose annotations are read.
#[derive(Debug)]
struct Annotated {
    split: Split,
    pictures: Vec<Picture>,
    /// The names of the classes, in the order of their numbers.
    names: Vec<String>,
    /// What was left out, and what else there is to say.
    notes: Vec<String>,
    /// The files that say so. The first one is that of which rows are told to come.
    files: Vec<PathBuf>,
    /// What messages call it.
    shown: String,
}

/// The splits of the annotations that `paths` are, or are the folders of: files as COCO has them, or a folder as Pascal VOC or YOLO has it; none where
/// there is no such file.
///
/// # Errors
///
/// As [`Coco::read`], [`voc::read`] and [`yolo::read`]; `Config` where some of `paths` are such files or folders and others are not, and where two files are
/// of one split.
pub(super) fn splits(paths: &[String]) -> Result<Option<Vec<AnnotatedSplit>>> {
    let read = match read_coco(paths)? {
        Some(read) => Some(read),
        None => read_folder(paths)?,
    };
    let Some(read) = read else { return Ok(None) };
    // All splits have the same columns.
    let beside = Beside::of(read.iter().flat_map(|split| &split.pictures));
    let opened = read.into_iter().map(|split| opened(split, beside));
    opened.collect::<Result<_>>().map(Some)
}

fn read_coco(paths: &[String]) -> Result<Option<Vec<Annotated>>> {
    let mut files: Vec<(Split, PathBuf)> = Vec::new();
    for path in paths {
        let found = coco::files_of(Path::new(path))?;
        if found.is_empty() && !files.is_empty() || !found.is_empty() && files.is_empty() && path != &paths[0] {
            return Err(Error::config(format!(
                "{path} and {} are not both annotations of COCO: import them one by one",
                paths[0]
            )));
        }
        files.extend(found);
    }
    for (at, (split, file)) in files.iter().enumerate() {
        if let Some((_, other)) = files[..at].iter().find(|(other, _)| other == split) {
            return Err(Error::config(format!(
                "{} and {} are both of the split {split}: import them into folders of their own",
                other.display(),
                file.display()
            )));
        }
    }
    if files.is_empty() {
        return Ok(None);
    }
    let read = files.into_iter().map(|(split, path)| Coco::read(split, &path));
    read.collect::<Result<_>>().map(Some)
}

/// A folder as Pascal VOC or YOLO has it.
fn read_folder(paths: &[String]) -> Result<Option<Vec<Annotated>>> {
    for path in paths {
        let read = match Path::new(path) {
            folder if voc::is_folder(folder) => voc::read as fn(&Path) -> Result<Vec<Annotated>>,
            folder if yolo::is_data(folder)? => yolo::read,
            _ => continue,
        };
        return match paths {
            [_] => read(Path::new(path)).map(Some),
            _ => {
                let message = format!("{path} is a set of annotated pictures by itself: import it without the others");
                Err(Error::config(message))
            }
        };
    }
    Ok(None)
}

fn opened(split: Annotated, beside: Beside) -> Result<AnnotatedSplit> {
    let table = table::table(&split.pictures, &split.names, beside)?;
    let pictures: Vec<PathBuf> = split.pictures.iter().map(|picture| picture.path.clone()).collect();
    let mut inputs: Vec<PathBuf> = split.files.first().cloned().into_iter().collect();
    inputs.extend(pictures.first().and_then(|first| first.parent()).map(Path::to_owned));
    Ok(AnnotatedSplit {
        split: split.split,
        rows: Listing::of_table(table, &pictures, &split.files, (&split.shown, Vec::new()))?,
        notes: split.notes,
        inputs,
    })
}

/// What is in a folder, in the order of the names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
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
fn stays_inside(path: &Path) -> bool {
    let stays = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.as_os_str().is_empty() && path.components().all(stays)
}

/// Width and height of the upright picture in the file `path`.
///
/// # Errors
///
/// `Io` where it cannot be read, `Data` where it is no picture.
fn size_of(path: &Path) -> Result<[i64; 2]> {
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
