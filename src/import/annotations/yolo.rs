//! Annotations as YOLO has them: a `data.yaml`, and a text file for each picture with a line for each object.

use super::data_yaml::{Data, Folders};
use super::polygon::{area, around};
use super::read::{Annotated, entries, measure, stays_inside, text_of, unreadable};
use super::table::{Object, Picture};
use super::yolo_paths::{below, labels_of, walk, without_labels};
use super::yolo_pose::Pose;
use crate::error::{Error, Result};
use crate::quote::quoted;
use crate::source::{Split, is_picture};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The files that name the classes, in the order in which they are looked for.
const FILES: [&str; 2] = ["data.yaml", "data.yml"];
/// How far a share may lie outside of 0 to 1, as Ultralytics has it: a box that was rounded.
const SLACK: f64 = 0.01;

/// Whether `path` is such a file, or a folder with one.
///
/// # Errors
///
/// `Data` for a folder of pictures and labels without the file that names the classes.
pub(super) fn is_data(path: &Path) -> Result<bool> {
    if path.is_file() {
        return Ok(path
            .extension()
            .is_some_and(|ending| ["yaml", "yml"].iter().any(|known| ending == *known)));
    }
    if file_in(path).is_some() {
        return Ok(true);
    }
    let (pictures, labels) = (path.join("images"), path.join("labels"));
    if pictures.is_dir() && labels.is_dir() && has_labels(&labels)? {
        let message = "there are images and labels as YOLO has them, and no data.yaml that names their classes: write one, \
                       `names: [cat, dog]` will do";
        return Err(Error::data(message).context(path.display().to_string()));
    }
    Ok(false)
}

fn file_in(folder: &Path) -> Option<PathBuf> {
    FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Whether text files lie in `folder` or right below it.
fn has_labels(folder: &Path) -> Result<bool> {
    let is_text = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "txt");
    for entry in entries(folder)? {
        if is_text(&entry) || entry.is_dir() && entries(&entry)?.iter().any(is_text) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads the `data.yaml` at `path`, or in the folder `path`: the folders of pictures, or lists of them, that it names as `train`, `val` and `test`, or where it names none, `images/train` and
/// `train/images`, and so on. The labels of a picture lie where `labels` stands in place of the last `images` of its path.
///
/// Lines are `class cx cy w h` in shares of the upright picture, or `class x1 y1 x2 y2 ..`, a polygon, which becomes the box around it and stays as
/// an outline. Where `data.yaml` has a `kpt_shape` of `[points, 3]` they are `class cx cy w h` and x, y and visibility of each keypoint, or with `[points, 2]` x and
/// y: such a point at 0, 0 is not labelled. A line that comes twice counts once, as in Ultralytics.
///
/// # Errors
///
/// `Io` where a file cannot be read; `Data` for what is no such file, with its line, for folders that lie outside of that of `data.yaml`, and where no
/// picture of any split has a file of labels.
pub(super) fn read(path: &Path) -> Result<Vec<Annotated>> {
    let file = match path.is_file() {
        true => path.to_owned(),
        false => file_in(path).unwrap_or_else(|| path.join(FILES[0])),
    };
    let shown = file.display().to_string();
    let refused = |why: String| Error::data(why).context(shown.as_str());
    let text = text_of(&file).map_err(|error| unreadable(&file, error))?;
    let data: Data = serde_saphyr::from_str(&text).map_err(|error| {
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default();
        refused(format!("no data.yaml as YOLO has it (names, train, val): {said}"))
    })?;
    if let Some(classes) = data.nc.filter(|classes| *classes != data.names.0.len() as u64) {
        let names = data.names.0.len();
        return Err(refused(format!(
            "nc is {classes}, and names has {names} classes: correct one of them"
        )));
    }
    let pose = Pose::of(&data).map_err(refused)?;
    let (mut root, mut notes) = (file.parent().unwrap_or(Path::new("")).to_owned(), Vec::new());
    let said = pose.iter().flat_map(|pose| &pose.notes);
    notes.extend(said.map(|said| format!("{shown}: {said}")));
    if let Some(path) = &data.path {
        match Path::new(path) {
            inside if below(inside).as_os_str().is_empty() => {}
            inside if stays_inside(inside) && root.join(inside).is_dir() => root.push(below(inside)),
            _ => notes.push(format!(
                "{shown}: path {} is not below its folder, where pictures are looked for",
                quoted(path)
            )),
        }
    }
    let named = [("train", &data.train), ("val", &data.val), ("test", &data.test)];
    let named = named.map(|(word, folders)| (word, folders.as_ref().map_or(&[][..], Folders::all)));
    let is_silent = named.iter().all(|(_, folders)| folders.is_empty());
    let (mut read, mut is_labelled, mut lacking) = (Vec::new(), false, None);
    for (word, folders) in named {
        let mut found = Vec::new();
        for folder in folders {
            let inside = of_file(folder);
            let path = match below(inside) {
                own if own.as_os_str().is_empty() => root.join(inside),
                own => root.join(own),
            };
            if !stays_inside(inside) {
                return Err(refused(format!("{word}: {} leads out of the folder", quoted(folder))));
            }
            let is_list = path.is_file() && path.extension().is_some_and(|ending| ending == "txt");
            if !path.is_dir() && !is_list {
                let (folder, root) = (quoted(folder), root.display());
                return Err(refused(format!(
                    "{word}: there is no folder or list {folder} below {root}"
                )));
            }
            found.push(path);
        }
        if is_silent {
            let words: &[&str] = if word == "val" { &["val", "valid"] } else { &[word] };
            let usual = words
                .iter()
                .flat_map(|word| [format!("images/{word}"), format!("{word}/images")]);
            found.extend(usual.map(|folder| root.join(folder)).find(|folder| folder.is_dir()));
        }
        if found.is_empty() {
            continue;
        }
        let mut split = Reading {
            names: &data.names.0,
            root: &root,
            read: Annotated {
                split: Split::named(word),
                pictures: Vec::new(),
                names: data.names.0.clone(),
                keypoints: pose.as_ref().map(|pose| pose.known.clone()),
                notes: std::mem::take(&mut notes),
                files: vec![file.clone()],
                shown: shown.clone(),
            },
            counts: Counts::default(),
            pose: pose.clone(),
        };
        found.iter().try_for_each(|folder| split.folder(folder))?;
        is_labelled |= !split.counts.labels.is_empty();
        lacking = lacking.or(split.counts.lacking.take());
        read.push(split.end(word));
    }
    if let Some(picture) = lacking.filter(|_| !is_labelled) {
        return Err(refused(without_labels(&root, &picture)));
    }
    match read.is_empty() {
        true => Err(refused(
            "it names no folder of pictures, and images/train is not there".to_owned(),
        )),
        false => Ok(read),
    }
}

/// The share of the picture that a word is.
fn share(word: &str) -> Result<f64, String> {
    let share = word.parse::<f64>().ok().filter(|share| share.is_finite());
    let share = share.ok_or_else(|| format!("{} is no number", quoted(word)))?;
    match (-SLACK..=1.0 + SLACK).contains(&share) {
        true => Ok(share),
        false => Err(format!("{share} is no share of the picture, 0 to 1")),
    }
}

/// A path without the `../` at its beginning, which exports have who mean the folder of the file itself: Ultralytics reads them so, too.
fn of_file(path: &str) -> &Path {
    Path::new(path.strip_prefix("../").unwrap_or(path))
}

/// A split that is read.
struct Reading<'a> {
    names: &'a [String],
    root: &'a Path,
    read: Annotated,
    counts: Counts,
    /// What labels have beside boxes.
    pose: Option<Pose>,
}

/// What is to be said of a split.
#[derive(Default)]
struct Counts {
    objects: i64,
    degenerate: u64,
    polygons: u64,
    twice: u64,
    without: u64,
    /// The first picture without a file of labels.
    lacking: Option<PathBuf>,
    /// Files of labels that were met.
    labels: HashSet<PathBuf>,
    /// Those that are there.
    all: HashSet<PathBuf>,
}

impl Reading<'_> {
    /// Adds the pictures that the file `list` names, a path a line: below the folder of `data.yaml`, or with `./` below that of the list, as
    /// Ultralytics reads it.
    fn list(&mut self, list: &Path) -> Result<()> {
        let text = text_of(list).map_err(|error| unreadable(list, error))?;
        let beside = list.parent().unwrap_or(Path::new(""));
        self.read.files.push(list.to_owned());
        for (line, path) in (1..)
            .zip(text.lines().map(str::trim))
            .filter(|(_, path)| !path.is_empty())
        {
            if !stays_inside(Path::new(path)) {
                let message = format!("line {line}: {} leads out of the folder", quoted(path));
                return Err(Error::data(message).context(list.display().to_string()));
            }
            let folder = if path.starts_with("./") { beside } else { self.root };
            self.picture(folder.join(below(Path::new(path))))?;
        }
        Ok(())
    }

    /// Adds the pictures in `folder` and below it, or in the list that it is.
    fn folder(&mut self, folder: &Path) -> Result<()> {
        if folder.is_file() {
            return self.list(folder);
        }
        let beside = labels_of(self.root, folder);
        if beside != folder {
            walk(&beside, &mut |path| {
                if path.extension().is_some_and(|ending| ending == "txt") {
                    self.counts.all.insert(path);
                }
            })?;
        }
        let mut pictures = Vec::new();
        walk(folder, &mut |path| {
            if path.file_name().and_then(|name| name.to_str()).is_some_and(is_picture) {
                pictures.push(path);
            }
        })?;
        pictures.into_iter().try_for_each(|path| self.picture(path))
    }

    fn picture(&mut self, path: PathBuf) -> Result<()> {
        let labels = labels_of(self.root, &path).with_extension("txt");
        let name = path.strip_prefix(self.root).unwrap_or(&path).display().to_string();
        let mut picture = Picture {
            path,
            name,
            id: self.read.pictures.len() as i64,
            ..Picture::default()
        };
        // Shares are of the picture as it is.
        measure(&mut picture, &self.read.shown)?;
        match text_of(&labels) {
            Ok(text) => {
                self.lines(&labels, &text, &mut picture)?;
                self.read.files.push(labels.clone());
                self.counts.labels.insert(labels);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.counts.without += 1;
                self.counts.lacking.get_or_insert_with(|| picture.path.clone());
            }
            Err(error) => return Err(unreadable(&labels, error)),
        }
        self.read.pictures.push(picture);
        Ok(())
    }

    fn lines(&mut self, file: &Path, text: &str, picture: &mut Picture) -> Result<()> {
        let mut met = HashSet::new();
        for (line, text) in (1..).zip(text.lines()) {
            let refused = |why: String| Error::data(why).context(format!("{}: line {line}", file.display()));
            let words: Vec<&str> = text.split_whitespace().collect();
            let Some((class, numbers)) = words.split_first() else {
                continue;
            };
            if !met.insert(words.clone()) {
                self.counts.twice += 1;
                continue;
            }
            // Some programs write 0.0 for class 0.
            let number = class
                .parse::<f64>()
                .ok()
                .filter(|class| class.fract() == 0.0 && *class >= 0.0);
            let class = number.ok_or_else(|| refused(format!("the class is {}, no number of one", quoted(class))))?;
            if class >= self.names.len() as f64 {
                let names = self.names.len();
                return Err(refused(format!(
                    "class {class} is none of the {names} that data.yaml names"
                )));
            }
            let size = picture.size.map(|side| side as f64);
            let (numbers, keypoints) = match &mut self.pose {
                Some(pose) => pose.read(numbers, size, share).map_err(refused)?,
                None => (numbers, Vec::new()),
            };
            let numbers = numbers.iter().map(|word| share(word).map_err(refused));
            let numbers = numbers.collect::<Result<Vec<f64>>>()?;
            let (bbox, area, polygons) = match numbers[..] {
                [x, y, width, height] => {
                    let bbox = [x - width / 2.0, y - height / 2.0, width, height];
                    let bbox: [f64; 4] = std::array::from_fn(|at| bbox[at] * size[at % 2]);
                    (bbox, bbox[2] * bbox[3], Vec::new())
                }
                _ if numbers.len() >= 6 && numbers.len().is_multiple_of(2) => {
                    self.counts.polygons += 1;
                    let points = numbers.as_chunks::<2>().0.iter();
                    let points: Vec<[f64; 2]> = points.map(|[x, y]| [x * size[0], y * size[1]]).collect();
                    let flat = points.as_flattened().iter().map(|side| *side as f32).collect();
                    (around(&points), area(&points), vec![flat])
                }
                _ => {
                    let many = numbers.len();
                    return Err(refused(format!(
                        "{many} numbers behind the class: a box has 4, and an outline pairs of x and y, 3 and more"
                    )));
                }
            };
            if !(bbox[2] > 0.0 && bbox[3] > 0.0) {
                self.counts.degenerate += 1;
                continue;
            }
            picture.objects.push(Object {
                id: self.counts.objects,
                bbox: bbox.map(|side| side as f32),
                category: class as i64,
                area: area as f32,
                polygons,
                keypoints,
                ..Object::default()
            });
            self.counts.objects += 1;
        }
        Ok(())
    }

    /// What was read, with what there is to say of it.
    fn end(mut self, word: &str) -> Annotated {
        let (counts, shown) = (&self.counts, &self.read.shown);
        let unmet = counts.all.difference(&counts.labels).count() as u64;
        let said = [
            (
                counts.degenerate,
                "object is left out: its box has no area",
                "objects are left out: their boxes have no area",
            ),
            (
                counts.twice,
                "line is left out: it stands twice in its file",
                "lines are left out: they stand twice in their file",
            ),
            (
                counts.polygons,
                "outline is read as the box around it, and kept as `segmentation`",
                "outlines are read as the boxes around them, and kept as `segmentation`",
            ),
            (
                self.pose.as_ref().map_or(0, |pose| pose.at_0),
                "keypoint at 0, 0 counts as not labelled",
                "keypoints at 0, 0 count as not labelled",
            ),
            (
                counts.without,
                "picture has no file of labels: it is without objects",
                "pictures have no file of labels: they are without objects",
            ),
            (
                unmet,
                "file of labels is not read: it has no picture",
                "files of labels are not read: they have no picture",
            ),
        ];
        let said = said.into_iter().filter(|(count, ..)| *count > 0);
        let said: Vec<String> = said
            .map(|(count, one, several)| {
                let what = if count == 1 { one } else { several };
                format!("{shown}: {word}: {count} {what}")
            })
            .collect();
        self.read.notes.extend(said);
        self.read
    }
}
