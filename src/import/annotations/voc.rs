//! Annotations as Pascal VOC has them: a folder with an XML file for each picture.

use super::read::{Annotated, entries, stays_inside, text_of, unreadable};
use super::table::{Object, Picture};
use super::xml_text::xml_text;
use crate::error::{Error, Result};
use crate::exec::files;
use crate::quote::{counted, counted_with, quoted};
use crate::source::Split;
use roxmltree::{Document, Node};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How the names of pictures end, the usual one first.
const ENDINGS: [&str; 9] = ["jpg", "jpeg", "png", "JPG", "JPEG", "PNG", "bmp", "webp", "tif"];

/// The pictures of a split, and the file that lists them; none where no file does.
type Listed = (Split, Option<PathBuf>, Vec<Named>);

/// A picture by its name, without an ending, and the line of the list that names it.
struct Named {
    name: String,
    line: usize,
}

/// What a file says.
#[derive(Default)]
struct Annotation {
    file_name: Option<String>,
    /// Width and height; none where they are not said.
    size: Option<[i64; 2]>,
    /// Objects, whose `category` is to be looked up by the name.
    objects: Vec<(String, Object)>,
    degenerate: u64,
    /// Objects with a left or upper corner below 1.
    at_0: u64,
}

/// Whether `folder` is such a folder.
pub(super) fn is_folder(folder: &Path) -> bool {
    ["Annotations", "JPEGImages"]
        .iter()
        .all(|name| folder.join(name).is_dir())
}

/// Reads the `folder` with `Annotations/NAME.xml`, `JPEGImages/NAME.jpg` and `ImageSets/Main/{train,val,test}.txt`, of which `trainval.txt` takes the place
/// where it stands alone. Where no list is there, all annotations are for training.
///
/// Corners are the first and the last pixel of a box, counted from 1, as torchvision and detectron2 read them: a box from 1 to the picture's width covers all of
/// it. With `from` 0 they are its sides instead, in pixels from 0. Classes are the names of all objects in order.
///
/// # Errors
///
/// `Io` where a file cannot be read; `Data` for what is no such file, with its line, and for a name that leads out of the folder.
pub(super) fn read(folder: &Path, from: Option<u8>) -> Result<Vec<Annotated>> {
    let sets = sets(folder)?;
    let mut read = Vec::with_capacity(sets.len());
    for (split, list, names) in sets {
        let mut annotations = Vec::with_capacity(names.len());
        for named in names {
            let path = folder.join("Annotations").join(format!("{}.xml", named.name));
            let failed = |why: String| match &list {
                Some(list) => Error::data(why).context(format!("{}: line {}", list.display(), named.line)),
                None => Error::data(why).context(folder.display().to_string()),
            };
            if !stays_inside(Path::new(&named.name)) {
                let name = quoted(&named.name);
                return Err(failed(format!("the name {name} leads out of the folder")));
            }
            if !path.exists() {
                return Err(failed(format!("{} is not there", path.display())));
            }
            let annotation = annotation(&path, from)?;
            annotations.push((named.name, path, annotation));
        }
        read.push((split, list, annotations));
    }
    let classes: BTreeSet<&str> = (read.iter().flat_map(|(_, _, annotations)| annotations))
        .flat_map(|(_, _, annotation)| &annotation.objects)
        .map(|(name, _)| name.as_str())
        .collect();
    let classes: Vec<String> = classes.into_iter().map(str::to_owned).collect();
    let split = |(split, list, annotations): (Split, Option<PathBuf>, Vec<(String, PathBuf, Annotation)>)| {
        let shown = list.as_deref().unwrap_or(folder).display().to_string();
        let degenerate: u64 = annotations.iter().map(|(_, _, annotation)| annotation.degenerate).sum();
        let mut files: Vec<PathBuf> = list.into_iter().collect();
        files.extend(annotations.iter().map(|(_, path, _)| path.clone()));
        let (mut pictures, mut objects) = (Vec::with_capacity(annotations.len()), 0);
        let (mut others, mut first_other) = (0_u64, None);
        for (id, (name, file, annotation)) in (0..).zip(annotations) {
            let (path, name) = picture(folder, &name, annotation.file_name.as_deref());
            let said = annotation.file_name.as_deref().filter(|said| *said != name);
            if let Some(said) = said.filter(|said| is_picture_in(folder, said)) {
                others += 1;
                first_other.get_or_insert_with(|| format!("{} says {}", file.display(), quoted(said)));
            }
            let own = annotation.objects.into_iter().map(|(class, object)| {
                objects += 1;
                let category = classes.binary_search(&class).map_or(0, |at| at as i64);
                Object {
                    id: objects - 1,
                    category,
                    ..object
                }
            });
            pictures.push(Picture {
                objects: own.collect(),
                path,
                name,
                id,
                said: annotation.size,
                size: [0; 2],
            });
        }
        let left_out = (degenerate > 0).then(|| match degenerate {
            1 => format!("{shown}: 1 object is left out: its box has no area, or reaches beyond all numbers"),
            many => {
                format!("{shown}: {many} objects are left out: their boxes have no area, or reach beyond all numbers")
            }
        });
        let other = first_other.map(|first| {
            let name = counted_with(others, "annotation", ["names", "name"]);
            format!(
                "{shown}: {name} another picture as `filename` that is there, too, and the one is taken that is called as the annotation is; the first: {first}"
            )
        });
        Ok(Annotated {
            split,
            pictures,
            names: classes.clone(),
            keypoints: None,
            notes: left_out.into_iter().chain(other).collect(),
            files,
            shown,
        })
    };
    let all = || read.iter().flat_map(|(_, _, annotations)| annotations);
    let boxes: u64 = all().map(|(_, _, annotation)| annotation.objects.len() as u64).sum();
    let at_0: u64 = all().map(|(_, _, annotation)| annotation.at_0).sum();
    let said = said_of_corners(folder, from, [at_0, boxes]);
    let mut read: Vec<Annotated> = read.into_iter().map(split).collect::<Result<_>>()?;
    if let Some(first) = read.first_mut() {
        first.notes.splice(0..0, said);
    }
    Ok(read)
}

/// How corners were read, and what is against that: boxes with a corner at 0, of all.
fn said_of_corners(folder: &Path, from: Option<u8>, [at_0, boxes]: [u64; 2]) -> Vec<String> {
    let folder = folder.display();
    let rule = match from {
        Some(0) => "corners are read as the sides of boxes, in pixels from 0",
        _ => {
            "corners are read as Pascal VOC has them, from the first pixel, which is 1, to the last: left and upper sides are moved by 1"
        }
    };
    let mut said = vec![format!("{folder}: {rule}")];
    if at_0 > 0 && from.is_none() {
        let have = if at_0 == 1 { "has" } else { "have" };
        said.push(format!(
            "{folder}: {at_0} of {} {have} a corner below 1, which Pascal VOC does not: where this set counts pixels from 0, all its boxes are moved by a pixel \
             that they should not be; set voc_from to 0 then, and to 1 where these boxes alone are wrong",
            counted(boxes, "box")
        ));
    }
    said
}

/// Whether `name` is a picture beside the others.
fn is_picture_in(folder: &Path, name: &str) -> bool {
    stays_inside(Path::new(name)) && folder.join("JPEGImages").join(name).is_file()
}

/// The pictures of each split.
fn sets(folder: &Path) -> Result<Vec<Listed>> {
    let lists = folder.join("ImageSets").join("Main");
    let list = |word: &str| Some(lists.join(format!("{word}.txt"))).filter(|path| path.is_file());
    let mut found: Vec<(Split, PathBuf)> = ["train", "val", "test"]
        .iter()
        .filter_map(|word| Some((Split::named(word), list(word)?)))
        .collect();
    if !found.iter().any(|(split, _)| *split != Split::Test) {
        found.splice(0..0, list("trainval").map(|path| (Split::Train, path)));
    }
    if found.is_empty() {
        let files = entries(&folder.join("Annotations"))?;
        let files = files
            .iter()
            .filter(|path| path.extension().is_some_and(|ending| ending == "xml"));
        let named = files.filter_map(|path| path.file_stem()?.to_str()).map(|name| Named {
            name: name.to_owned(),
            line: 0,
        });
        return Ok(vec![(Split::Train, None, named.collect())]);
    }
    let read = |(split, path): (Split, PathBuf)| {
        let text = text_of(&path).map_err(|error| unreadable(&path, error))?;
        let lines = (1..).zip(text.lines().map(str::trim));
        let names = lines.filter(|(_, name)| !name.is_empty()).map(|(line, name)| Named {
            name: name.to_owned(),
            line,
        });
        Ok((split, Some(path), names.collect()))
    };
    found.into_iter().map(read).collect()
}

/// Where the picture `name` lies, and its path in the folder: beside the others under its own name, or else under that which its annotation says.
fn picture(folder: &Path, name: &str, said: Option<&str>) -> (PathBuf, String) {
    let pictures = folder.join("JPEGImages");
    let own = ENDINGS.iter().map(|ending| format!("{name}.{ending}"));
    let said = said.filter(|said| stays_inside(Path::new(said))).map(str::to_owned);
    let found = own.chain(said).find(|name| pictures.join(name).is_file());
    let name = found.unwrap_or_else(|| format!("{name}.jpg"));
    (pictures.join(&name), name)
}

/// What the file at `path` says.
fn annotation(path: &Path, from: Option<u8>) -> Result<Annotation> {
    let shown = path.display().to_string();
    let bytes = files::read_whole(path).map_err(|error| Error::io(path, error))?;
    let text = xml_text(&bytes).map_err(|why| Error::data(why).context(shown.as_str()))?;
    let document = Document::parse(&text).map_err(|error| {
        let why = match error {
            roxmltree::Error::DtdDetected => {
                let before = text.split("<!DOCTYPE").next().unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                format!("line {line}: files with a DOCTYPE are not read: remove that line")
            }
            _ => format!("line {}: no XML: {error}", error.pos().row),
        };
        Error::data(why).context(shown.as_str())
    })?;
    let reader = Reader {
        document: &document,
        shown: &shown,
        first: f64::from(from.unwrap_or(1)),
    };
    reader.annotation()
}

/// Reads a document.
struct Reader<'a> {
    document: &'a Document<'a>,
    shown: &'a str,
    /// The number of the first pixel.
    first: f64,
}

impl<'a> Reader<'a> {
    fn annotation(&self) -> Result<Annotation> {
        let root = self.document.root_element();
        if !root.has_tag_name("annotation") {
            let message = format!("the element {} is no annotation", quoted(root.tag_name().name()));
            return Err(self.refused(root, &message));
        }
        let size = match child(root, "size") {
            None => None,
            Some(size) => {
                let side = |name| self.number(self.needed(size, name)?).map(|side| side as i64);
                // Some programs write 0 for what they do not know.
                Some([side("width")?, side("height")?]).filter(|[width, height]| *width > 0 && *height > 0)
            }
        };
        let mut annotation = Annotation {
            file_name: child(root, "filename").map(text_in),
            size,
            ..Annotation::default()
        };
        for node in root.children().filter(|node| node.has_tag_name("object")) {
            let name = self.text(self.needed(node, "name")?)?;
            let corners = self.needed(node, "bndbox")?;
            let corner = |name| self.number(self.needed(corners, name)?);
            let [left, top, right, bottom] = [corner("xmin")?, corner("ymin")?, corner("xmax")?, corner("ymax")?];
            let first = self.first;
            let bbox = [left - first, top - first, right - left + first, bottom - top + first].map(|side| side as f32);
            if !(bbox.iter().all(|side| side.is_finite()) && bbox[2] > 0.0 && bbox[3] > 0.0) {
                annotation.degenerate += 1;
                continue;
            }
            annotation.at_0 += u64::from(left < 1.0 || top < 1.0);
            let flag = |name| child(node, name).map_or(Ok(None), |flag| self.flag(flag));
            let object = Object {
                bbox,
                area: bbox[2] * bbox[3],
                difficult: flag("difficult")?,
                truncated: flag("truncated")?,
                ..Object::default()
            };
            annotation.objects.push((name, object));
        }
        Ok(annotation)
    }

    fn needed(&self, node: Node<'a, 'a>, name: &str) -> Result<Node<'a, 'a>> {
        child(node, name).ok_or_else(|| self.refused(node, &format!("{} has no {name}", node.tag_name().name())))
    }

    fn text(&self, node: Node<'a, 'a>) -> Result<String> {
        let text = text_in(node);
        match text.is_empty() {
            false => Ok(text),
            true => Err(self.refused(node, &format!("{} is empty", node.tag_name().name()))),
        }
    }

    fn number(&self, node: Node<'a, 'a>) -> Result<f64> {
        let text = self.text(node)?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.refused(
                node,
                &format!("{} is {}, no number", node.tag_name().name(), quoted(&text)),
            )),
        }
    }

    /// What a flag says; none where it leaves it open. A share, as of how much is cut off, is true above 0.
    fn flag(&self, node: Node<'a, 'a>) -> Result<Option<bool>> {
        let text = text_in(node);
        match text.to_ascii_lowercase().as_str() {
            "" | "unspecified" | "unknown" => return Ok(None),
            "true" | "yes" => return Ok(Some(true)),
            "false" | "no" => return Ok(Some(false)),
            _ => {}
        }
        match text.parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Some(share > 0.0)),
            _ => Err(self.refused(
                node,
                &format!("{} is {}, neither 0 nor 1", node.tag_name().name(), quoted(&text)),
            )),
        }
    }

    fn refused(&self, node: Node<'a, 'a>, why: &str) -> Error {
        let line = self.document.text_pos_at(node.range().start).row;
        Error::data(format!("line {line}: {why}")).context(self.shown)
    }
}

/// The text in `node`, without what is blank around it. Comments in it are passed over.
fn text_in(node: Node<'_, '_>) -> String {
    let pieces = node.children().filter(Node::is_text).filter_map(|piece| piece.text());
    pieces.collect::<String>().trim().to_owned()
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name(name))
}
