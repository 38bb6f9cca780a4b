//! Annotations as Pascal VOC has them: a folder with an XML file for each picture.

use super::read::{Annotated, entries, stays_inside, text_of};
use super::table::{Object, Picture};
use super::xml_text::xml_text;
use crate::error::{Error, Result};
use crate::quote::quoted;
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
/// it. Classes are the names of all objects in order.
///
/// # Errors
///
/// `Io` where a file cannot be read; `Data` for what is no such file, with its line, and for a name that leads out of the folder.
pub(super) fn read(folder: &Path) -> Result<Vec<Annotated>> {
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
            if !path.is_file() {
                return Err(failed(format!("{} is not there", path.display())));
            }
            let annotation = annotation(&path)?;
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
        for (id, (name, _, annotation)) in (0..).zip(annotations) {
            let (path, name) = picture(folder, &name, annotation.file_name.as_deref());
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
        Ok(Annotated {
            split,
            pictures,
            names: classes.clone(),
            notes: left_out.into_iter().collect(),
            files,
            shown,
        })
    };
    let mut read: Vec<Annotated> = read.into_iter().map(split).collect::<Result<_>>()?;
    let corners = format!(
        "{}: corners are read as Pascal VOC has them, from the first pixel, which is 1, to the last: left and upper sides are moved by 1",
        folder.display()
    );
    read.iter_mut()
        .take(1)
        .for_each(|first| first.notes.insert(0, corners.clone()));
    Ok(read)
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
        let text = text_of(&path).map_err(|error| Error::io(&path, error))?;
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
fn annotation(path: &Path) -> Result<Annotation> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, error))?;
    let text = xml_text(&bytes).map_err(|why| Error::data(why).context(shown.as_str()))?;
    let document = Document::parse(&text).map_err(|error| {
        let line = error.pos().row;
        Error::data(format!("line {line}: no XML: {error}")).context(shown.as_str())
    })?;
    let reader = Reader {
        document: &document,
        shown: &shown,
    };
    reader.annotation()
}

/// Reads a document.
struct Reader<'a> {
    document: &'a Document<'a>,
    shown: &'a str,
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
            file_name: child(root, "filename")
                .and_then(|name| name.text())
                .map(|name| name.trim().to_owned()),
            size,
            ..Annotation::default()
        };
        for node in root.children().filter(|node| node.has_tag_name("object")) {
            let name = self.text(self.needed(node, "name")?)?.to_owned();
            let corners = self.needed(node, "bndbox")?;
            let corner = |name| self.number(self.needed(corners, name)?);
            let [left, top, right, bottom] = [corner("xmin")?, corner("ymin")?, corner("xmax")?, corner("ymax")?];
            let bbox = [left - 1.0, top - 1.0, right - left + 1.0, bottom - top + 1.0].map(|side| side as f32);
            if !(bbox.iter().all(|side| side.is_finite()) && bbox[2] > 0.0 && bbox[3] > 0.0) {
                annotation.degenerate += 1;
                continue;
            }
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

    fn text(&self, node: Node<'a, 'a>) -> Result<&'a str> {
        match node.text().map(str::trim) {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err(self.refused(node, &format!("{} is empty", node.tag_name().name()))),
        }
    }

    fn number(&self, node: Node<'a, 'a>) -> Result<f64> {
        let text = self.text(node)?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.refused(
                node,
                &format!("{} is {}, no number", node.tag_name().name(), quoted(text)),
            )),
        }
    }

    /// What a flag says; none where it leaves it open. A share, as of how much is cut off, is true above 0.
    fn flag(&self, node: Node<'a, 'a>) -> Result<Option<bool>> {
        let text = node.text().unwrap_or_default().trim();
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
                &format!("{} is {}, neither 0 nor 1", node.tag_name().name(), quoted(text)),
            )),
        }
    }

    fn refused(&self, node: Node<'a, 'a>, why: &str) -> Error {
        let line = self.document.text_pos_at(node.range().start).row;
        Error::data(format!("line {line}: {why}")).context(self.shown)
    }
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name(name))
}
