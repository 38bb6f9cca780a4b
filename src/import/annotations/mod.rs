//! Pictures whose objects are annotated in files of their own, as rows in the layout of Hugging Face's detection datasets.

mod coco;
mod run_length;
mod table;

use crate::error::{Error, Result};
use crate::source::{Listing, Split};
use coco::Coco;
use std::path::{Path, PathBuf};

/// The rows of a split, and where pictures were found.
pub(super) struct AnnotatedSplit {
    pub(super) split: Split,
    pub(super) rows: Listing,
    pub(super) notes: Vec<String>,
    /// Files that are read.
    pub(super) inputs: Vec<PathBuf>,
}

/// The splits of the files of annotations that `paths` are, or are the folders of; none where there is no such file.
///
/// # Errors
///
/// As [`Coco::read`]; `Config` where some of `paths` are such files or folders and others are not, and where two files are of one split.
pub(super) fn splits(paths: &[String]) -> Result<Option<Vec<AnnotatedSplit>>> {
    let mut files: Vec<(Split, PathBuf)> = Vec::new();
    for path in paths {
        let found = files_of(Path::new(path))?;
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
    let read = |(split, path): (Split, PathBuf)| Ok((split, Coco::read(&path)?, path));
    let read = files.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    // All splits have the same columns.
    let outlines = read.iter().any(|(_, coco, _)| table::have_outlines(&coco.pictures));
    let opened = read
        .into_iter()
        .map(|(split, coco, path)| opened(split, coco, path, outlines));
    opened.collect::<Result<_>>().map(Some)
}

fn opened(split: Split, coco: Coco, path: PathBuf, outlines: bool) -> Result<AnnotatedSplit> {
    let table = table::table(&coco.pictures, &coco.names, outlines)?;
    let pictures: Vec<PathBuf> = coco.pictures.iter().map(|picture| picture.path.clone()).collect();
    let shown = path.display().to_string();
    let mut inputs = vec![path.clone()];
    inputs.extend(pictures.first().and_then(|first| first.parent()).map(Path::to_owned));
    Ok(AnnotatedSplit {
        split,
        rows: Listing::of_table(table, &pictures, &[path], (&shown, Vec::new()))?,
        notes: coco.notes,
        inputs,
    })
}

/// The files of annotations at `path`, and their splits: a file itself; of a folder those named `_annotations.coco.json` in it and right below it, or
/// `instances_*.json` in it or in its `annotations`.
fn files_of(path: &Path) -> Result<Vec<(Split, PathBuf)>> {
    if path.is_file() {
        let is_json = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        return Ok(if is_json {
            vec![(split_of(path), path.to_owned())]
        } else {
            Vec::new()
        });
    }
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for folder in [vec![path.to_owned()], entries(path)?]
        .concat()
        .into_iter()
        .filter(|entry| entry.is_dir())
    {
        let is_annotations = folder == *path || folder.ends_with("annotations");
        for file in entries(&folder)? {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_json = file.extension().is_some_and(|ending| ending == "json");
            if name == "_annotations.coco.json" || is_annotations && is_json && name.starts_with("instances_") {
                found.push((split_of(&file), file));
            }
        }
    }
    Ok(found)
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

/// The split that the name of a file tells, or else that of its folder: a word, with a year behind it or not. Else it is for training.
fn split_of(path: &Path) -> Split {
    let names = [path.file_stem(), path.parent().and_then(Path::file_name)];
    let words = names.into_iter().flatten().filter_map(|name| name.to_str());
    let words = words.flat_map(|name| name.split(['_', '-', '.']));
    let known = words.map(|word| Split::named(word.trim_end_matches(|c: char| c.is_ascii_digit())));
    known
        .into_iter()
        .find(|split| !matches!(split, Split::Other(_)))
        .unwrap_or(Split::Train)
}
