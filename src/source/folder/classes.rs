//! Which pictures of a folder are rows, and of which classes.

use super::spec::FolderSpec;
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::quote::counted;
use crate::source::endings::{TORCHVISION, ending};
use crate::source::place::Place;
use crate::source::split::Wanted;
use crate::source::splits::Splits;
use crate::source::tree::Tree;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Classes that a message names at most.
const NAMED: usize = 10;

/// The rows of a folder.
#[derive(Debug, Default)]
pub(in crate::source) struct Found {
    /// The classes, sorted, those without pictures among them.
    pub(super) classes: BTreeSet<String>,
    /// The pictures in order, each with its class.
    pub(super) pictures: Vec<(PathBuf, Option<String>)>,
    pub(super) notes: Vec<String>,
}

impl Found {
    /// The rows of the wanted split of what lies at `place`.
    ///
    /// # Errors
    ///
    /// `Config` for splits that are not wanted, or are not clear; `Data` where there is no class or a class has no pictures.
    pub(super) fn of(place: &Place, spec: &FolderSpec, wanted: &Wanted) -> Result<Self> {
        let shown = &*place.path;
        let walked;
        let tree = match &place.tree {
            Some(tree) => tree,
            None if !spec.labels => {
                return Ok(Self {
                    pictures: named(shown)?.into_iter().map(|path| (path, None)).collect(),
                    ..Self::default()
                });
            }
            // It is no folder, which is refused.
            None => {
                walked = Tree::walk(Path::new(shown))?;
                &walked
            }
        };
        Pictures::of(tree, spec.extensions.as_deref())?.rows(shown, spec, wanted)
    }
}

/// The pictures in a folder.
pub(super) struct Pictures<'a> {
    pub(super) tree: &'a Tree,
    extensions: Option<&'a [String]>,
    pub(super) files: Vec<&'a (usize, String)>,
}

/// A picture that is a row.
struct Row<'a> {
    path: PathBuf,
    /// Its folders below the root.
    parts: &'a [String],
    /// How many of them lead to those that are classes; none where it is not clear.
    depth: Option<usize>,
}

impl Row<'_> {
    fn class(&self) -> Option<String> {
        self.parts.get(self.depth?).cloned()
    }
}

impl<'a> Pictures<'a> {
    pub(super) fn of(tree: &'a Tree, extensions: Option<&'a [String]>) -> Result<Self> {
        tree.check()?;
        Ok(Self {
            files: tree
                .files
                .iter()
                .filter(|(_, name)| is_wanted(name, extensions))
                .collect(),
            tree,
            extensions,
        })
    }

    pub(super) fn parts(&self, file: &(usize, String)) -> &'a [String] {
        &self.tree.folders[file.0]
    }

    /// The paths of all of them.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().map(|file| self.tree.path(file)).collect()
    }

    fn rows(&self, shown: &str, spec: &FolderSpec, wanted: &Wanted) -> Result<Found> {
        let mut found = Found {
            notes: self.passed_over(shown),
            ..Found::default()
        };
        let splits = self.splits(shown)?;
        found.notes.extend(splits.note);
        let mut rows: Vec<Row<'_>> = (self.files.iter().zip(splits.depths))
            .map(|(file, depth)| Row {
                path: self.tree.path(file),
                parts: self.parts(file),
                depth,
            })
            .collect();
        // The folders in which those of classes lie.
        let mut roots = BTreeSet::from([[].as_slice()]);
        if let Some(of) = splits.of {
            let (chosen, note) = Splits::of_each(&self.paths(), of).choose(shown, wanted)?;
            let chosen: HashSet<PathBuf> = chosen.into_iter().map(PathBuf::from).collect();
            rows.retain(|row| chosen.contains(&row.path));
            roots = rows.iter().filter_map(|row| row.parts.get(..row.depth?)).collect();
            found.notes.extend(note);
        }
        // torchvision's order: by class, then by the path of the folder as a text, then by name.
        rows.sort_by_cached_key(|row| {
            let name = row.path.file_name().map(|name| name.to_os_string());
            let folders = row.parts.get(..row.depth.unwrap_or(0) + 1).map(<[String]>::to_vec);
            (folders, row.parts.join("/"), name)
        });
        if !spec.labels {
            found.pictures = rows.into_iter().map(|row| (row.path, None)).collect();
            return match found.pictures.is_empty() {
                true => Err(self.none(shown)),
                false => Ok(found),
            };
        }
        if let Some(pattern) = splits.unclear.filter(|_| rows.iter().any(|row| row.depth.is_none())) {
            let message = format!(
                "the pattern {pattern} of its README.md does not tell which folders are classes (SPLIT/** does): name the folder whose \
                 folders are the classes"
            );
            return Err(Error::config(message).context(shown));
        }
        let class = |parts: &[String]| {
            let root = roots.iter().rev().find(|root| parts.starts_with(root))?;
            parts.get(root.len()).cloned()
        };
        found.classes = self.tree.folders.iter().filter_map(|parts| class(parts)).collect();
        if found.classes.is_empty() {
            let message = "there are no folders of classes in it: the folder of each class lies directly below";
            return Err(Error::data(message).context(shown));
        }
        let all = rows.len();
        let with = |row: Row<'_>| {
            let class = row.class()?;
            Some((row.path, Some(class)))
        };
        found.pictures = rows.into_iter().filter_map(with).collect();
        let outside = all - found.pictures.len();
        if outside > 0 {
            found.notes.push(format!(
                "{shown}: not read, since they lie in no class's folder: {} of pictures",
                counted(outside, "file")
            ));
        }
        let filled: HashSet<&String> = found.pictures.iter().filter_map(|(_, class)| class.as_ref()).collect();
        let empty: Vec<&String> = found.classes.iter().filter(|class| !filled.contains(class)).collect();
        match (empty.as_slice(), spec.allow_empty) {
            ([], _) => {}
            (empty, false) => return Err(self.none_of_classes(shown, empty)),
            ([one], true) => found.notes.push(format!(
                "{shown}: a class without rows, since there are no pictures in its folder: {one}"
            )),
            (several, true) => found.notes.push(format!(
                "{shown}: classes without rows, since there are no pictures in their folders: {}",
                listed(several)
            )),
        }
        match found.pictures.is_empty() {
            true if outside > 0 => {
                let message = format!(
                    "{} beside the folders of classes, and none in them",
                    counted(outside, "picture")
                );
                Err(Error::data(message).context(shown))
            }
            true => Err(self.none(shown)),
            false => Ok(found),
        }
    }

    /// What there is to say of what is no picture, a sentence each.
    fn passed_over(&self, shown: &str) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(others) = self.others() {
            notes.push(format!(
                "{shown}: not read, since their names do not end as those of pictures do: {others}"
            ));
        }
        if self.tree.hidden > 0 {
            notes.push(format!(
                "{shown}: not read, since names begin with a dot: {}",
                match self.tree.hidden {
                    1 => "1 file or folder".to_owned(),
                    many => format!("{many} files or folders"),
                }
            ));
        }
        notes.extend(self.tree.notes(shown));
        notes
    }

    fn others(&self) -> Option<String> {
        self.tree.others(|name| is_wanted(name, self.extensions))
    }

    /// The error of a folder without pictures.
    fn none(&self, shown: &str) -> Error {
        let message = format!(
            "there are no pictures in it (names that end in {}){}",
            self.endings(),
            self.but_others()
        );
        Error::data(message).context(shown)
    }

    /// The error of classes without pictures.
    fn none_of_classes(&self, shown: &str, empty: &[&String]) -> Error {
        let what = match empty {
            [one] => format!("the folder {one} has no pictures"),
            several => format!("the folders {} have no pictures", listed(several)),
        };
        let message = format!(
            "{what} (names that end in {}){}; remove the folder, or allow classes without rows",
            self.endings(),
            self.but_others()
        );
        Error::data(message).with_remedy(Remedy::EmptyClasses).context(shown)
    }

    fn but_others(&self) -> String {
        let others = self.others();
        others.map_or_else(String::new, |others| format!("; there are {others}"))
    }

    /// How the names of pictures end, in words.
    fn endings(&self) -> String {
        match self.extensions {
            None => TORCHVISION.join(", "),
            Some(own) => own.join(", "),
        }
    }
}

/// Whether a file of this name is a picture; `extensions` take the place of torchvision's.
fn is_wanted(name: &str, extensions: Option<&[String]>) -> bool {
    ending(name).is_some_and(|ending| match extensions {
        None => TORCHVISION.contains(&&*ending),
        Some(own) => own.iter().any(|own| own.eq_ignore_ascii_case(&ending)),
    })
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

pub(super) fn listed(names: &[&String]) -> String {
    let some: Vec<&str> = names.iter().take(NAMED).map(|name| name.as_str()).collect();
    match names.len() - some.len() {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}
