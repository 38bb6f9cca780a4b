//! What lies at a path: Parquet files, pictures in folders, or lists of pictures.

use super::coco;
use super::endings::{is_json, is_list, is_metadata, is_parquet, is_picture};
use super::place::Place;
use super::splits::Splits;
use super::tree::Tree;
use super::unfinished;
use crate::error::{Error, ErrorKind, Result};
use crate::quote::counted;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// How data lies at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// Parquet files.
    #[default]
    Parquet,
    /// Pictures in files of their own, in a folder for each class, or in none.
    Pictures,
    /// CSV or JSON lines, which may name pictures in files of their own.
    Listing,
    /// Rows of a source that is none of these.
    Source,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parquet => "Parquet files",
            Self::Pictures => "pictures",
            Self::Listing => "CSV or JSON lines",
            Self::Source => "a source",
        })
    }
}

impl Kind {
    /// What lies at `place`. Names tell, and but for the beginnings of some JSON beside pictures no file is read: a file or a pattern of another ending than those of pictures and lists is
    /// taken for Parquet. With `lists` a folder of pictures with lists beside them is refused, because it is not clear which is meant;
    /// without, the pictures are. Lists whose names tell splits are always meant.
    ///
    /// # Errors
    ///
    /// `Config` for a folder in which it is not clear, with what was seen, for one of an import that was not finished, with `lists` for one whose pictures have
    /// annotations as Pascal VOC, YOLO or COCO has them, and for a file of JSON; `Io` for one without anything to read.
    pub(super) fn of(place: &Place, lists: bool) -> Result<Self> {
        Ok(match (&place.tree, &place.path) {
            (Some(tree), path) => {
                unfinished::check(path, &tree.root)?;
                let kind = Seen::of(tree).kind(path, lists)?;
                return match (lists && kind == Self::Pictures).then(|| annotated(tree)).flatten() {
                    Some(annotated) => Err(Error::config(annotated).context(path.as_str())),
                    None => Ok(kind),
                };
            }
            (None, path) if is_picture(path) => Self::Pictures,
            (None, path) if is_list(path) => Self::Listing,
            (None, path) if is_json(path) => {
                let message = "the ending .json is that of one list or object, which is not read: write an object a line, in a file that ends \
                               in .jsonl; annotations as COCO has them are imported first";
                return Err(Error::config(message).context(path.as_str()));
            }
            _ => Self::Parquet,
        })
    }

    /// The one kind of all `places`.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of); `Config` where two paths are of two kinds.
    pub(super) fn of_all(places: &[Place], lists: bool) -> Result<Self> {
        let mut found = None;
        for place in places {
            let (kind, path) = (Self::of(place, lists)?, &place.path);
            match found {
                None => found = Some((kind, path)),
                Some((first, of)) if first != kind => {
                    let message = format!(
                        "the paths are of two kinds: {of} is of {first}, {path} of {kind}; name either pictures or Parquet files, or a list"
                    );
                    return Err(Error::config(message));
                }
                Some(_) => {}
            }
        }
        found
            .map(|(kind, _)| kind)
            .ok_or_else(|| Error::config("no file was asked for"))
    }
}

/// What lies below a folder.
#[derive(Debug, Default)]
struct Seen {
    parquet: usize,
    /// Pictures directly in it.
    beside: usize,
    /// Pictures in folders below it.
    below: usize,
    /// Lists that Hugging Face's `imagefolder` takes for what belongs to the pictures beside them.
    metadata: usize,
    lists: Vec<String>,
    /// Whether the names of all these lists tell splits, as `train.csv` does: they are what is meant, whatever lies beside them.
    lists_are_splits: bool,
    /// Files of JSON that are no lists.
    json: usize,
}

impl Seen {
    fn of(tree: &Tree) -> Self {
        let (mut seen, mut names) = (Self::default(), Vec::new());
        for file @ (folder, name) in &tree.files {
            match name.as_str() {
                name if is_picture(name) && *folder == 0 => seen.beside += 1,
                name if is_picture(name) => seen.below += 1,
                // As the Parquet source passes them over.
                name if is_parquet(name) && !name.starts_with('_') => seen.parquet += 1,
                name if is_metadata(name) => seen.metadata += 1,
                name if is_json(name) => seen.json += 1,
                name if is_list(name) => {
                    seen.lists.push(tree.path(file).display().to_string());
                    names.push(PathBuf::from(name));
                }
                _ => {}
            }
        }
        let splits = Splits::by_name(Path::new(""), &names);
        seen.lists_are_splits =
            splits.is_ok_and(|splits| splits.iter().next().is_some() && splits.unnamed().is_empty());
        seen.lists.sort();
        seen
    }

    fn kind(&self, path: &str, lists: bool) -> Result<Kind> {
        let pictures = self.beside + self.below;
        let unclear = |what: &str| Err(Error::config(format!("{}; {what}", self.said())).context(path));
        match self {
            // A picture beside Parquet files is none of the data: that of a README, say.
            Self {
                parquet: 1..,
                below: 0,
                metadata: 0,
                ..
            } => Ok(Kind::Parquet),
            Self { parquet: 1.., .. } => {
                unclear("name the Parquet files by a pattern, or a folder that has pictures alone")
            }
            Self { metadata: 1.., .. }
            | Self {
                lists_are_splits: true, ..
            } => Ok(Kind::Listing),
            _ if pictures > 0 && lists && !self.lists.is_empty() => {
                unclear("name the list of the pictures, or a folder that has pictures alone")
            }
            _ if pictures > 0 => Ok(Kind::Pictures),
            _ if !self.lists.is_empty() => Ok(Kind::Listing),
            _ => {
                let mut message =
                    "no *.parquet file in this directory, no picture, and no CSV or JSON lines".to_owned();
                if self.json > 0 {
                    message += "; JSON lines have the ending .jsonl, and there are files that end in .json";
                }
                Err(Error::new(ErrorKind::Io, message).context(path))
            }
        }
    }

    /// What was seen, in words.
    fn said(&self) -> String {
        let pictures = self.beside + self.below;
        let lists = self.lists.len() + self.metadata;
        let all = [
            (self.parquet, "Parquet file", String::new()),
            (pictures, "picture", String::new()),
            (
                lists,
                "list",
                self.lists
                    .first()
                    .map_or_else(String::new, |first| format!(" ({first})")),
            ),
        ];
        let some = all.into_iter().filter(|(count, ..)| *count > 0);
        let said: Vec<String> = some
            .map(|(count, what, first)| format!("{}{first}", counted(count, what)))
            .collect();
        format!("the folder has {}, so it is not clear what is meant", said.join(", "))
    }
}

/// Why the folders of pictures in `tree` are not their classes: a file of annotations is there, as Pascal VOC, YOLO or COCO has it.
fn annotated(tree: &Tree) -> Option<String> {
    let last = |folder: usize| tree.folders[folder].last().map_or("", String::as_str);
    let within = |folder: usize, name: &str| tree.folders[folder].iter().any(|part| part == name);
    let pictures = |name: &str| {
        let mut files = tree.files.iter();
        files.any(|(folder, file)| is_picture(file) && within(*folder, name))
    };
    let of = |(folder, name): &(usize, String)| {
        let ends = |ending: &str| name.to_lowercase().ends_with(ending);
        let is_coco = name == "_annotations.coco.json" || ends(".json") && name.starts_with("instances_");
        match () {
            () if is_coco => Some("COCO"),
            () if ends(".xml") && last(*folder) == "Annotations" && pictures("JPEGImages") => Some("Pascal VOC"),
            () if ends(".txt") && within(*folder, "labels") && pictures("images") => Some("YOLO"),
            () => None,
        }
    };
    let named = tree.files.iter().find_map(|file| Some((tree.path(file), of(file)?)));
    let has_pictures = || tree.files.iter().any(|(_, name)| is_picture(name));
    let by_content = || coco::in_tree(tree).next().filter(|_| has_pictures());
    let (file, kind) = named.or_else(|| Some((by_content()?, "COCO")))?;
    Some(format!(
        "{} is of annotations as {kind} has them, so the folders are no classes: import it first, and name the folder that the import writes",
        file.display()
    ))
}

/// The files in the folder `path` that are of annotations as COCO has them, by what is in them; none where it is not one of pictures.
/// Blocks on the file system.
pub(crate) fn coco_files(path: &Path) -> Vec<PathBuf> {
    let Some(place) = path.to_str().and_then(|path| Place::find(path).ok()) else {
        return Vec::new();
    };
    match (&place.tree, Kind::of(&place, false)) {
        (Some(tree), Ok(Kind::Pictures)) => coco::in_tree(tree).collect(),
        _ => Vec::new(),
    }
}

/// Why what lies in one of the folders `paths` has to be imported: its pictures have annotations as Pascal VOC, YOLO or COCO has them.
#[cfg(feature = "train")]
pub(crate) fn annotations_in(paths: &[String]) -> Option<String> {
    let of = |path: &String| annotated(Place::find(path).ok()?.tree.as_ref()?);
    paths.iter().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(files: &[&str], lists: bool) -> Result<Kind> {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        Kind::of(&Place::find(root.path().to_str().unwrap())?, lists)
    }

    #[test]
    fn names_tell_what_a_folder_is() {
        for (files, expected) in [
            (&["data/train-0.parquet", "README.md", "logo.png"][..], Kind::Parquet),
            (&["a/1.JPG", "b/2.png", "notes.txt", "a/_x.parquet"], Kind::Pictures),
            (&["1.png"], Kind::Pictures),
            (&["1.png", "metadata.jsonl"], Kind::Listing),
            (&["train/1.png", "train/metadata.csv", "labels.csv"], Kind::Listing),
            (&["train.csv", "test.csv"], Kind::Listing),
            (&["train.csv", "test.csv", "pics/1.png", "pics/2.png"], Kind::Listing),
        ] {
            assert_eq!(kind(files, true).unwrap(), expected, "{files:?}");
        }
        assert_eq!(kind(&["a/1.jpg", "labels.csv"], false).unwrap(), Kind::Pictures);
    }

    #[test]
    fn what_is_not_clear_is_refused_with_what_was_seen() {
        for (files, said) in [
            (
                &["a/1.jpg", "a/2.jpg", "x.parquet"][..],
                "the folder has 1 Parquet file, 2 pictures, so it is not clear what is meant; name the Parquet files by a pattern",
            ),
            (
                &["a/1.jpg", "b.parquet", "metadata.csv"],
                "1 Parquet file, 1 picture, 1 list, so",
            ),
            (&["a/1.jpg", "labels.csv"], "the folder has 1 picture, 1 list ("),
            (
                &["notes.txt"],
                "no *.parquet file in this directory, no picture, and no CSV or JSON lines",
            ),
            (
                &["labels.json"],
                "no CSV or JSON lines; JSON lines have the ending .jsonl, and there are files that end in .json",
            ),
        ] {
            let error = kind(files, true).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn annotations_are_no_classes() {
        for (files, kind_of, first) in [
            (
                &["Annotations/1.xml", "JPEGImages/1.jpg", "ImageSets/Main/train.txt"][..],
                "Pascal VOC",
                "Annotations/1.xml",
            ),
            (
                &["data.yaml", "images/train/1.jpg", "labels/train/1.txt"],
                "YOLO",
                "labels/train/1.txt",
            ),
            (
                &["train/images/1.jpg", "train/labels/1.txt", "valid/images/2.jpg"],
                "YOLO",
                "train/labels/1.txt",
            ),
            (
                &["annotations/instances_train2017.json", "train2017/1.jpg"],
                "COCO",
                "annotations/instances_train2017.json",
            ),
            (
                &["train/1.jpg", "train/_annotations.coco.json"],
                "COCO",
                "train/_annotations.coco.json",
            ),
        ] {
            let error = kind(files, true).unwrap_err().to_string();
            let said = format!(
                "{first} is of annotations as {kind_of} has them, so the folders are no classes: import it first"
            );
            assert!(error.contains(&said), "{error}");
            // What is predicted needs no classes.
            assert_eq!(kind(files, false).unwrap(), Kind::Pictures);
        }
        // COCO under another name is told by what is in it.
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("labels.json"), r#"{"images": [], "annotations": []}"#).unwrap();
        std::fs::create_dir(root.path().join("images")).unwrap();
        std::fs::write(root.path().join("images/1.jpg"), "").unwrap();
        let place = Place::find(root.path().to_str().unwrap()).unwrap();
        let error = Kind::of(&place, true).unwrap_err().to_string();
        assert!(
            error.contains("labels.json is of annotations as COCO has them"),
            "{error}"
        );
        for files in [
            &["labels/a/1.jpg", "labels/b/2.jpg", "labels/notes.txt"][..],
            &["a/1.jpg", "b/2.jpg", "b/about.xml"],
        ] {
            assert_eq!(kind(files, true).unwrap(), Kind::Pictures, "{files:?}");
        }
    }

    #[test]
    fn names_tell_what_a_file_is() {
        for (path, expected) in [
            ("x/a.parquet", Kind::Parquet),
            ("x/*.parquet", Kind::Parquet),
            ("x/data", Kind::Parquet),
            ("x/*.JPEG", Kind::Pictures),
            ("x/a.gif", Kind::Pictures),
            ("x/a.csv", Kind::Listing),
            ("x/*.jsonl", Kind::Listing),
        ] {
            assert_eq!(Kind::of(&Place::find(path).unwrap(), true).unwrap(), expected);
        }
        let json = Kind::of(&Place::find("x/labels.json").unwrap(), true)
            .unwrap_err()
            .to_string();
        assert!(
            json.starts_with("x/labels.json: the ending .json is that of one list"),
            "{json}"
        );
        let two = Place::find_all(&["a.png", "b.parquet"]).unwrap();
        let error = Kind::of_all(&two, true).unwrap_err().to_string();
        assert!(
            error.starts_with("the paths are of two kinds: a.png is of pictures, b.parquet of Parquet files"),
            "{error}"
        );
    }
}
