//! Pictures whose objects are annotated in files of their own, as rows in the layout of Hugging Face's detection datasets.

mod coco;
mod coco_errors;
mod coco_keypoints;
mod coco_values;
mod data_yaml;
mod instances;
mod keypoints;
mod mirror_names;
mod polygon;
mod raster;
mod read;
mod run_length;
mod said;
mod table;
mod voc;
mod xml_text;
mod yolo;
mod yolo_paths;
mod yolo_pose;

use crate::error::{Error, Result};
use crate::quote::{counted_with, quoted};
use crate::rows::KeypointNames;
use crate::source::{Listing, Split};
use coco::Coco;
pub(super) use instances::Instances;
use read::Annotated;
use said::{counts, reaching_out, said_of_shared, without_pixels};
use std::path::{Path, PathBuf};
use table::Beside;

/// All splits, and what becomes of the outlines of their objects.
pub(super) struct Annotations {
    pub(super) splits: Vec<AnnotatedSplit>,
    /// Whether they become [masks](Instances).
    pub(super) instances: bool,
}

/// The rows of a split, and where pictures were found.
pub(super) struct AnnotatedSplit {
    pub(super) split: Split,
    pub(super) rows: Listing,
    pub(super) notes: Vec<String>,
    /// Files that are read.
    pub(super) inputs: Vec<PathBuf>,
}

/// The splits of the annotations that `paths` are, or are the folders of: files as COCO has them, or a folder as Pascal VOC or YOLO has it; none where
/// there is no such file. `instances` is whether outlines become masks, where that is said.
///
/// # Errors
///
/// As [`Coco::read`], [`voc::read`] and [`yolo::read`]; `Config` where some of `paths` are such files or folders and others are not, and where two files are
/// of one split, where pictures are not read `upright`, where masks are wanted of objects without outlines, and where corners are counted `voc_from` a
/// number and it is no folder of Pascal VOC; `Data` where the objects of some splits alone have names for their keypoints.
pub(super) fn splits(
    paths: &[String],
    upright: bool,
    instances: Option<bool>,
    voc_from: Option<u8>,
) -> Result<Option<Annotations>> {
    let (read, is_voc) = match read_coco(paths)? {
        Some(read) => (Some(read), false),
        None => read_folder(paths, voc_from)?,
    };
    if voc_from.is_some() && !is_voc {
        return Err(Error::config(
            "voc_from is of the corners in a folder as Pascal VOC has it, and this is none: leave voc_from out",
        ));
    }
    let Some(mut read) = read else { return Ok(None) };
    if !upright {
        return Err(Error::config(
            "pictures are to be left as they are stored, and annotated boxes are those of upright pictures: leave that out",
        ));
    }
    for split in &mut read {
        if let Some(name) = read::twice(&split.names) {
            let message = format!("two classes are called {}: give them names of their own", quoted(name));
            return Err(Error::data(message).context(split.shown.as_str()));
        }
        let Annotated {
            pictures, shown: file, ..
        } = split;
        pictures
            .iter_mut()
            .try_for_each(|picture| read::measure(picture, file))?;
        let misfits: u64 = pictures.iter_mut().map(read::drop_misfits).sum();
        if misfits > 0 {
            split.notes.push(format!(
                "{}: {} left out, and the boxes are kept: run lengths of another size than the picture's",
                split.shown,
                counted_with(misfits, "outline", ["is", "are"])
            ));
        }
        let said = [reaching_out(&split.pictures), without_pixels(&split.pictures)];
        let said = said.into_iter().flatten();
        let said: Vec<String> = said
            .map(|said| format!("{}: {}: {said}", split.shown, split.split))
            .collect();
        split.notes.extend(said);
    }
    let keypoints = keypoints::united(&mut read)?;
    said_of_shared(&mut read);
    // All splits have the same columns.
    let beside = Beside::of(read.iter().flat_map(|split| &split.pictures));
    let (instances, said) = instances::decided(read.iter().flat_map(|split| &split.pictures), instances)?;
    let opened = read.into_iter().map(|split| opened(split, beside, keypoints.as_ref()));
    let mut splits = opened.collect::<Result<Vec<_>>>()?;
    if let Some(last) = splits.last_mut() {
        last.notes.extend(said);
    }
    Ok(Some(Annotations { splits, instances }))
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

/// A folder as Pascal VOC or YOLO has it, and whether it is one of Pascal VOC.
fn read_folder(paths: &[String], voc_from: Option<u8>) -> Result<(Option<Vec<Annotated>>, bool)> {
    for path in paths {
        let folder = Path::new(path);
        let is_voc = voc::is_folder(folder);
        if !is_voc && !yolo::is_data(folder)? {
            continue;
        }
        return match paths {
            [_] if is_voc => voc::read(folder, voc_from).map(|read| (Some(read), true)),
            [_] => yolo::read(folder).map(|read| (Some(read), false)),
            _ => {
                let message = format!("{path} is a set of annotated pictures by itself: import it without the others");
                Err(Error::config(message))
            }
        };
    }
    Ok((None, false))
}

fn opened(split: Annotated, beside: Beside, keypoints: Option<&KeypointNames>) -> Result<AnnotatedSplit> {
    let table = table::table(&split.pictures, &split.names, (beside, keypoints))?;
    let pictures: Vec<PathBuf> = split.pictures.iter().map(|picture| picture.path.clone()).collect();
    let mut inputs: Vec<PathBuf> = split.files.first().cloned().into_iter().collect();
    inputs.extend(pictures.first().and_then(|first| first.parent()).map(Path::to_owned));
    let mut notes = split.notes;
    notes.push(format!(
        "{}: {}: {}",
        split.shown,
        split.split,
        counts(&split.pictures, &split.names)
    ));
    Ok(AnnotatedSplit {
        split: split.split,
        rows: Listing::of_table(table, &pictures, &split.files, (&split.shown, Vec::new()))?,
        notes,
        inputs,
    })
}
