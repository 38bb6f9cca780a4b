//! Which pictures of a folder are rows, and of which classes.

use super::spec::FolderSpec;
use super::tree::{Tree, counted};
use crate::error::{Error, ErrorKind, Result};
use crate::source::endings;
use crate::source::split::{Split, Wanted};
use crate::source::splits::Splits;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Classes that a message names at most.
const NAMED: usize = 10;

/// The rows of a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The classes, sorted, those without pictures among them.
    pub(super) classes: BTreeSet<String>,
    /// The pictures in order, each with its class.
    pub(super) pictures: Vec<(PathBuf, Option<String>)>,
    pub(super) notes: Vec<String>,
}

impl Found {
    /// The rows of the folder `shown`, of the wanted split.
    ///
    /// # Errors
    ///
    /// `Config` for splits that are not wanted, or are not clear; `Data` where there is no class or a class has no pictures.
    pub(super) fn of(shown: &str, spec: &FolderSpec, wanted: &Wanted) -> Result<Self> {
        let (root, extensions) = (Path::new(shown), spec.extensions.as_deref());
        if !spec.labels && !root.is_dir() {
            return Ok(Self {
                pictures: named(shown)?.into_iter().map(|path| (path, None)).collect(),
                ..Self::default()
            });
        }
        let tree = Tree::walk(root, extensions)?;
        let mut found = Self {
            notes: tree.notes(shown),
            ..Self::default()
        };
        let split = splits(shown, &tree)?;
        found.notes.extend(split.note);
        let depth = usize::from(split.of.is_some());
        let mut pictures: Vec<(PathBuf, &[String])> = tree
            .pictures
            .iter()
            .map(|picture| (tree.path(root, picture), &*tree.folders[picture.0]))
            .collect();
        let mut folders: BTreeSet<&str> = BTreeSet::new();
        if let Some(of) = split.of {
            let files: Vec<PathBuf> = pictures.iter().map(|(path, _)| path.clone()).collect();
            let (chosen, note) = Splits::of_each(&files, of).choose(shown, wanted)?;
            let chosen: HashSet<PathBuf> = chosen.into_iter().map(PathBuf::from).collect();
            pictures.retain(|(path, _)| chosen.contains(path));
            folders = pictures
                .iter()
                .filter_map(|(_, parts)| Some(parts.first()?.as_str()))
                .collect();
            found.notes.extend(note);
        }
        // torchvision's order: by class, then by the path of the folder as a text, then by name.
        pictures.sort_by_cached_key(|(path, parts)| {
            let name = path.file_name().map(|name| name.to_os_string());
            (parts.get(..depth + 1).map(<[String]>::to_vec), parts.join("/"), name)
        });
        if !spec.labels {
            found.pictures = pictures.into_iter().map(|(path, _)| (path, None)).collect();
            return match found.pictures.is_empty() {
                true => Err(without_pictures(shown, &tree, extensions)),
                false => Ok(found),
            };
        }
        let class = |parts: &[String]| match depth {
            0 => parts.first().cloned(),
            _ => parts.get(1).filter(|_| folders.contains(&*parts[0])).cloned(),
        };
        found.classes = tree.folders.iter().filter_map(|parts| class(parts)).collect();
        if found.classes.is_empty() {
            let message = "there are no folders of classes in it: the folder of each class lies directly below";
            return Err(Error::data(message).context(shown));
        }
        let all = pictures.len();
        let with = |(path, parts): (PathBuf, &[String])| Some((path, Some(class(parts)?)));
        found.pictures = pictures.into_iter().filter_map(with).collect();
        let outside = all - found.pictures.len();
        if outside > 0 {
            found.notes.push(format!(
                "{shown}: not read, since they lie in no class's folder: {} of pictures",
                counted(outside)
            ));
        }
        let filled: HashSet<&String> = found.pictures.iter().filter_map(|(_, class)| class.as_ref()).collect();
        let empty: Vec<&String> = found.classes.iter().filter(|class| !filled.contains(class)).collect();
        if !empty.is_empty() && !spec.allow_empty {
            return Err(empty_classes(shown, &empty, &tree, extensions));
        }
        match found.pictures.is_empty() {
            true => Err(without_pictures(shown, &tree, extensions)),
            false => Ok(found),
        }
    }
}

/// The files that `path` names, a file or a pattern, whatever their endings are.
fn named(path: &str) -> Result<Vec<PathBuf>> {
    let missing = || Error::new(ErrorKind::Io, "no such file").context(path);
    if Path::new(path).is_file() {
        return Ok(vec![path.into()]);
    }
    if !path.contains(['*', '?', '[']) {
        return Err(missing());
    }
    let failed = |why: String| Error::new(ErrorKind::Io, why).context(path);
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let found = glob::glob_with(path, options).map_err(|error| failed(error.to_string()))?;
    let found = found.map(|path| path.map_err(|error| failed(error.to_string())));
    let found: Vec<PathBuf> = found.collect::<Result<_>>()?;
    let files: Vec<PathBuf> = found.into_iter().filter(|path| path.is_file()).collect();
    match files.is_empty() {
        true => Err(missing()),
        false => Ok(files),
    }
}

/// The splits of the folder at `path`; none where it is no folder.
pub(super) fn splits_of(path: &str) -> Result<Splits> {
    let root = Path::new(path);
    if !root.is_dir() {
        return Ok(Splits::default());
    }
    let tree = Tree::walk(root, None)?;
    let Some(of) = splits(path, &tree)?.of else {
        return Ok(Splits::default());
    };
    let files: Vec<PathBuf> = tree.pictures.iter().map(|picture| tree.path(root, picture)).collect();
    Ok(Splits::of_each(&files, of))
}

/// Whether all pictures of the folder at `path` lie in folders below it.
pub(super) fn has_classes_alone(path: &str) -> bool {
    let tree = Tree::walk(Path::new(path), Some(&endings::pictures()));
    tree.is_ok_and(|tree| {
        let depth = match splits(path, &tree) {
            Ok(FoundSplits { of: Some(_), .. }) => 1,
            _ => 0,
        };
        tree.pictures
            .iter()
            .all(|&(folder, _)| tree.folders[folder].len() > depth)
    })
}

/// What the folders directly below say of splits.
struct FoundSplits {
    /// The split of each picture; none where there are no splits.
    of: Option<Vec<Option<Split>>>,
    note: Option<String>,
}

fn splits(shown: &str, tree: &Tree) -> Result<FoundSplits> {
    let first = |folder: usize| tree.folders[folder].first();
    let with: BTreeSet<&String> = tree.pictures.iter().filter_map(|&(folder, _)| first(folder)).collect();
    let split = |name: &String| match Split::named(name) {
        Split::Other(_) => None,
        known => Some(known),
    };
    let (named, others): (Vec<&String>, Vec<&String>) = with.into_iter().partition(|name| split(name).is_some());
    if named.is_empty() {
        return Ok(FoundSplits { of: None, note: None });
    }
    if !others.is_empty() {
        let deep = |&(folder, _): &(usize, String)| {
            let parts = &tree.folders[folder];
            parts.len() > 1 && named.contains(&&parts[0])
        };
        if tree.pictures.iter().any(deep) {
            let message = format!(
                "it cannot be told whether its folders are splits or classes: {} would be splits, {} would not; name the folder \
                 that is meant, or move the others",
                listed(&named),
                listed(&others)
            );
            return Err(Error::config(message).context(shown));
        }
        let note = format!(
            "{shown}: {} taken for classes, not for splits, since there are other folders beside them",
            match named.as_slice() {
                [one] => format!("the folder {one} is"),
                several => format!("the folders {} are", listed(several)),
            }
        );
        return Ok(FoundSplits {
            of: None,
            note: Some(note),
        });
    }
    let of = tree.pictures.iter().map(|&(folder, _)| split(first(folder)?)).collect();
    Ok(FoundSplits {
        of: Some(of),
        note: None,
    })
}

fn without_pictures(shown: &str, tree: &Tree, extensions: Option<&[String]>) -> Error {
    let others = tree
        .others()
        .map_or_else(String::new, |others| format!("; there are {others}"));
    let message = format!(
        "there are no pictures in it (names that end in {}){others}",
        Tree::endings(extensions)
    );
    Error::data(message).context(shown)
}

fn empty_classes(shown: &str, empty: &[&String], tree: &Tree, extensions: Option<&[String]>) -> Error {
    let what = match empty {
        [one] => format!("the folder {one} has no pictures"),
        several => format!("the folders {} have no pictures", listed(several)),
    };
    let others = tree
        .others()
        .map_or_else(String::new, |others| format!("; there are {others}"));
    let message = format!(
        "{what} (names that end in {}){others}; remove the folder, or allow classes without rows (allow_empty)",
        Tree::endings(extensions)
    );
    Error::data(message).context(shown)
}

fn listed(names: &[&String]) -> String {
    let some: Vec<&str> = names.iter().take(NAMED).map(|name| name.as_str()).collect();
    match names.len() - some.len() {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}
