//! Annotations as COCO has them: a JSON file of images, annotations and categories.

use super::coco_errors::{LeftOut, all_left_out, why_not};
use super::coco_keypoints::{Category, CocoPoints};
use super::coco_values::{Flag, Id, Points, Side};
use super::read::{Annotated, entries, stays_inside, text_of, unreadable};
use super::run_length::{compressed, covered};
use super::table::{Object, Picture};
use crate::error::{Error, Result};
use crate::import::missing::hint;
use crate::quote::{counted, counted_with, quoted};
use crate::source::{Split, coco_files};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Reads files of annotations.
#[derive(Debug)]
pub(super) struct Coco;

#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: Id,
    file_name: String,
    #[serde(default)]
    width: Option<Side>,
    #[serde(default)]
    height: Option<Side>,
}

#[derive(Deserialize)]
struct Annotation {
    #[serde(default)]
    id: Option<Id>,
    image_id: Id,
    category_id: Id,
    bbox: Option<Vec<f32>>,
    area: Option<f32>,
    #[serde(default)]
    iscrowd: Option<Flag>,
    #[serde(default)]
    segmentation: Option<Segmentation>,
    #[serde(default)]
    keypoints: Option<Points>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Segmentation {
    Polygons(Vec<Vec<f32>>),
    RunLengths {
        counts: Counts,
        #[serde(default)]
        size: Option<[i64; 2]>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Counts {
    Text(String),
    Numbers(Vec<u32>),
}

/// What to do about run lengths that are none.
const OUTLINE: &str = "correct them, or leave the `segmentation` out";

impl Coco {
    /// Reads the file of `split` at `path`. Pictures lie where it says, below its folder, the one above it, or `images` in either, or a folder that is named as
    /// its last word (`train2017` for `instances_train2017.json`).
    ///
    /// # Errors
    ///
    /// `Io` where it cannot be read; `Data` for what is no such file, with the place in it, for one without pictures, for a picture whose path leaves
    /// its folder, for two images or categories of one id, where no annotation is kept and some name an image or a category that is not listed, for run
    /// lengths that do not cover their size, for an area below 0, and for keypoints that are not those which the category names, with the annotation.
    pub(super) fn read(split: Split, path: &Path) -> Result<Annotated> {
        let shown = path.display().to_string();
        let text = text_of(path).map_err(|error| unreadable(path, error))?;
        let file: File = serde_json::from_str(&text).map_err(|error| {
            let why = why_not::<File>(&text, &error);
            Error::data(why).context(shown.as_str())
        })?;
        drop(text);
        let failed = |why: String| Error::data(why).context(shown.as_str());
        if file.images.is_empty() {
            return Err(failed(
                "there are no images in it, so there is nothing to import".to_owned(),
            ));
        }
        let folder = folder(path, &file).ok_or_else(|| {
            let first = file.images.first().map_or("", |image| &image.file_name);
            failed(format!(
                "picture {} is in none of the folders {}",
                quoted(first),
                in_words(first, &folders(path))
            ))
        })?;
        let mut categories = file.categories;
        categories.sort_by(|a, b| a.id.cmp(&b.id));
        let classes: HashMap<Id, i64> = categories.iter().map(|category| category.id.clone()).zip(0..).collect();
        if let Some([one, other]) = categories.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(failed(format!(
                "two categories have the id {}: {} and {}: give one of them an id of its own, which its annotations name, too",
                one.id,
                quoted(&one.name),
                quoted(&other.name)
            )));
        }
        let (mut pictures, mut of_id) = (Vec::with_capacity(file.images.len()), HashMap::new());
        let mut notes = Vec::new();
        let is_counted = file.images.iter().any(|image| image.id.number().is_none());
        if is_counted {
            notes.push(format!(
                "{shown}: ids of pictures are texts: image_id counts the pictures instead"
            ));
        }
        for (at, image) in (0..).zip(file.images) {
            let inside = Path::new(&image.file_name);
            if !stays_inside(inside) {
                return Err(failed(format!(
                    "the path {} leads out of the folder of pictures",
                    quoted(&image.file_name)
                )));
            }
            let id = image.id.number().filter(|_| !is_counted).unwrap_or(at);
            if let Some(of) = of_id.insert(image.id.clone(), pictures.len()) {
                let other: &Picture = &pictures[of];
                return Err(failed(format!(
                    "two images have the id {}: {} and {}: give one of them an id of its own, which its annotations name, too",
                    image.id,
                    quoted(&other.name),
                    quoted(&image.file_name)
                )));
            }
            pictures.push(Picture {
                path: folder.join(inside),
                name: image.file_name,
                id,
                // Some programs write 0 for what they do not know.
                said: image
                    .width
                    .zip(image.height)
                    .map(|(width, height)| [width.0, height.0])
                    .filter(|[width, height]| *width > 0 && *height > 0),
                ..Picture::default()
            });
        }
        if classes.is_empty() && !file.annotations.is_empty() {
            return Err(failed(
                "it has annotations and no categories, so that no class of them is known: add `categories`".to_owned(),
            ));
        }
        let mut ids = HashSet::with_capacity(file.annotations.len());
        let own = file.annotations.iter().filter_map(|annotation| annotation.id.as_ref());
        let twice = own.filter(|id| !ids.insert(*id)).count() as u64;
        if twice > 0 {
            let have = counted_with(twice, "annotation", ["has", "have"]);
            notes.push(format!(
                "{shown}: {have} the id of another one; all are kept, as pycocotools does"
            ));
        }
        drop(ids);
        let mut named = HashSet::with_capacity(pictures.len());
        let again: Vec<&str> = (pictures.iter().map(|picture| picture.name.as_str()))
            .filter(|name| !named.insert(*name))
            .collect();
        if let Some(first) = again.first() {
            let have = counted_with(again.len() as u64, "image", ["has", "have"]);
            notes.push(format!(
                "{shown}: {have} the file name of another one; all are kept, each with its own annotations; the first is {}: leave one out, or \
                 give the annotations of both one image_id",
                quoted(first)
            ));
        }
        let (mut left_out, mut outlines) = (<[LeftOut; 4]>::default(), 0_u64);
        let mut points = CocoPoints::of(&categories).map_err(failed)?;
        let all = file.annotations.len() as u64;
        for annotation in file.annotations {
            let picture = of_id.get(&annotation.image_id).map(|&at| &mut pictures[at]);
            let category = classes.get(&annotation.category_id).copied();
            let bbox = annotation.bbox.and_then(|bbox| <[f32; 4]>::try_from(bbox).ok());
            let (Some(picture), Some(category), Some(bbox)) = (picture, category, bbox) else {
                let why = match (of_id.contains_key(&annotation.image_id), category) {
                    (false, _) => 0,
                    (true, None) => 1,
                    (true, Some(_)) => 2,
                };
                left_out[why].add(annotation.id.as_ref(), &annotation.image_id, &annotation.category_id);
                continue;
            };
            if !(bbox.iter().all(|value| value.is_finite()) && bbox[2] > 0.0 && bbox[3] > 0.0) {
                left_out[3].add(annotation.id.as_ref(), &annotation.image_id, &annotation.category_id);
                continue;
            }
            let id = annotation.id.as_ref().map_or_else(String::new, |id| format!(" {id}"));
            let refused = |why: String| failed(format!("annotation{id} of picture {}: {why}", quoted(&picture.name)));
            if let Some(area) = annotation.area.filter(|area| !(area.is_finite() && *area >= 0.0)) {
                return Err(refused(format!(
                    "its area is {area}, and has to be 0 or more: correct it, or leave it out"
                )));
            }
            let (mut polygons, mut run_lengths, mut covers) = (Vec::new(), String::new(), None);
            match annotation.segmentation {
                None => {}
                Some(Segmentation::Polygons(all)) => {
                    let count = all.len();
                    polygons = all;
                    // Points of x and y, three and more; pycocotools refuses others.
                    polygons.retain(|points| points.len() >= 6 && points.len().is_multiple_of(2));
                    outlines += (count - polygons.len()) as u64;
                }
                Some(Segmentation::RunLengths { size, .. })
                    if size.is_some_and(|[height, width]| picture.said.is_some_and(|said| said != [width, height])) =>
                {
                    outlines += 1;
                }
                Some(Segmentation::RunLengths { counts, size }) => {
                    covers = size.map(|[height, width]| [width, height]);
                    run_lengths = match counts {
                        Counts::Text(text) => text,
                        Counts::Numbers(counts) => compressed(&counts),
                    };
                    let pixels = covered(&run_lengths)
                        .map_err(|why| refused(format!("its run lengths cannot be read: {why}: {OUTLINE}")))?;
                    let size = size.or(picture.said.map(|[width, height]| [height, width]));
                    let wanted = size.map(|size| size.map(|side| u64::try_from(side).unwrap_or(0)));
                    let is_whole = |[height, width]: [u64; 2]| height.checked_mul(width) == Some(pixels);
                    if let Some([height, width]) = wanted.filter(|size| !is_whole(*size)) {
                        return Err(refused(format!(
                            "its run lengths cover {}, and {width} x {height} are to be covered: {OUTLINE}",
                            counted(pixels, "pixel")
                        )));
                    }
                }
            }
            let keypoints = points.read(annotation.keypoints, category).map_err(refused)?;
            picture.objects.push(Object {
                id: annotation.id.and_then(|id| id.number()).unwrap_or_default(),
                bbox,
                category,
                area: annotation.area.unwrap_or(bbox[2] * bbox[3]),
                crowd: annotation.iscrowd.is_some_and(|crowd| crowd.0),
                polygons,
                run_lengths,
                covers,
                keypoints,
                ..Object::default()
            });
        }
        if let Some(why) = all_left_out(&left_out, all, &of_id, &classes) {
            return Err(failed(why));
        }
        let whys = [
            "of an image that is not listed",
            "of a category that is not listed",
            "without a box of four numbers",
            "with a box that has no area, or a number that is not finite",
        ];
        let left_out = left_out
            .into_iter()
            .zip(whys)
            .filter(|(left_out, _)| left_out.count > 0);
        notes.extend(left_out.map(|(LeftOut { count, first, .. }, why)| {
            let left_out = counted_with(count, "annotation", ["is", "are"]);
            format!("{shown}: {left_out} left out: {why}; the first is {first}")
        }));
        if outlines > 0 {
            let left_out = counted_with(outlines, "outline", ["is", "are"]);
            notes.push(format!(
                "{shown}: {left_out} left out, and the boxes are kept: fewer than three points, an odd number of coordinates, or run \
                 lengths of another size than the picture's"
            ));
        }
        let (said, keypoints) = points.end();
        notes.extend(said.into_iter().map(|said| format!("{shown}: {said}")));
        Ok(Annotated {
            keypoints,
            split,
            notes,
            pictures,
            names: categories.into_iter().map(|category| category.name).collect(),
            files: vec![path.to_owned()],
            shown,
        })
    }
}

/// The files of annotations at `path`, and their splits: a file itself; of a folder those named `_annotations.coco.json` in it and right below it, or
/// `instances_*.json` in it or in its `annotations`. Where there are none, those JSON files beside or above pictures that have lists `images` and
/// `annotations`, whatever they are called.
pub(super) fn files_of(path: &Path) -> Result<Vec<(Split, PathBuf)>> {
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
    if found.is_empty() {
        found.extend(coco_files(path).into_iter().map(|file| (split_of(&file), file)));
    }
    Ok(found)
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

/// The folders in which the pictures of the file at `path` may be.
fn folders(path: &Path) -> Vec<PathBuf> {
    let own = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut all = vec![own.clone(), own.join("images")];
    let word = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .and_then(|stem| stem.rsplit('_').next());
    for above in [own.parent().map(Path::to_owned), Some(own)].into_iter().flatten() {
        all.push(above.clone());
        all.push(above.join("images"));
        if let Some(word) = word {
            all.push(above.join(word));
            all.push(above.join("images").join(word));
        }
    }
    let mut met = std::collections::HashSet::new();
    all.retain(|folder| met.insert(folder.clone()));
    all
}

/// `folders`, and why the picture `name` may be in none of them.
fn in_words(name: &str, folders: &[PathBuf]) -> String {
    let shown: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let mut hints = folders.iter().filter_map(|folder| hint(&folder.join(name)));
    match hints.next() {
        Some(hint) => format!("{}: {hint}", shown.join(", ")),
        None => shown.join(", "),
    }
}

/// The folder that has the first of the pictures that is in one of them.
fn folder(path: &Path, file: &File) -> Option<PathBuf> {
    let folders = folders(path);
    let first = file.images.iter().take(16);
    first
        .flat_map(|image| {
            folders
                .iter()
                .map(move |folder| (folder, folder.join(&image.file_name)))
        })
        .find(|(_, path)| path.is_file())
        .map(|(folder, _)| folder.clone())
}
