//! Splits: which files of a folder are for training, for validation and for testing.
//!
//! Names say it, as in Hugging Face's `datasets`: `data/NAME-00000-of-00002.parquet` has the split `NAME`; else folders,
//! else files are looked at for a word that stands alone between `-`, `.`, `_`, blanks and digits: `train` or `training`;
//! `validation`, `valid`, `val` or `dev`; `test`, `testing`, `eval` or `evaluation`. So does a Hive folder `split=WORD`, which
//! `datasets` does not know. A `README.md` whose `configs` list `data_files` decides before all names.

use super::paths::{Named, Wanted};
use super::readme;
use crate::error::{Error, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// What rows are for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Split {
    /// To train on.
    Train,
    /// To evaluate on while choices are made.
    Validation,
    /// To evaluate on once all choices are made.
    Test,
    /// Anything else, by its name.
    Other(String),
}

impl Split {
    /// The words that stand for the split.
    const WORDS: [(&str, Self); 10] = [
        ("train", Self::Train),
        ("training", Self::Train),
        ("validation", Self::Validation),
        ("valid", Self::Validation),
        ("val", Self::Validation),
        ("dev", Self::Validation),
        ("test", Self::Test),
        ("testing", Self::Test),
        ("eval", Self::Test),
        ("evaluation", Self::Test),
    ];

    /// The split named `name`; one of Hugging Face's words for it will do.
    pub fn named(name: &str) -> Self {
        let known = Self::WORDS.into_iter().find(|(word, _)| *word == name);
        known.map_or_else(|| Self::Other(name.to_owned()), |(_, split)| split)
    }
}

/// `train`, `validation`, `test` or its own name.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Other(name) => name,
        })
    }
}

/// The files of a folder by their splits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Splits {
    /// Each split that has files, in the order train, validation, test, others by name; each with its files.
    parts: Vec<(Split, Vec<String>)>,
    unnamed: Vec<String>,
}

impl Splits {
    /// The Parquet files below `folder` by their splits. None has one where no name tells.
    ///
    /// # Errors
    ///
    /// `Io` where there is no such folder or no Parquet file; `Config` where a file has the names of two splits, or where a
    /// `README.md` describes several sets of data and none of them is the default.
    pub fn of(folder: &str) -> Result<Self> {
        let splits = Self::of_any(folder)?;
        splits.ok_or_else(|| Error::config("it is no folder").context(folder))
    }

    /// As [`of`](Self::of); none where `path` is a file or a pattern.
    pub(in crate::source::parquet) fn of_any(path: &str) -> Result<Option<Self>> {
        let found = Named::find(path)?;
        match found.is_folder {
            true => Self::among(path, &found.root, &found.files).map(Some),
            false => Ok(None),
        }
    }

    /// Each split that has files, in the order train, validation, test, others by name; each with its files.
    pub fn iter(&self) -> impl Iterator<Item = (&Split, &[String])> {
        self.parts.iter().map(|(split, files)| (split, files.as_slice()))
    }

    /// The files of `split`.
    pub fn files(&self, split: &Split) -> &[String] {
        let found = self.parts.iter().find(|(own, _)| own == split);
        found.map_or(&[], |(_, files)| files)
    }

    /// The files that no name gives a split.
    pub fn unnamed(&self) -> &[String] {
        &self.unnamed
    }

    /// `files`, which are below `root`, by their splits; `shown` is the folder as the user named it.
    pub(in crate::source::parquet) fn among(shown: &str, root: &Path, files: &[PathBuf]) -> Result<Self> {
        let names = names(root, files);
        let of = match readme::splits(shown, root, &names)? {
            Some(said) => said,
            None => by_names(shown, &names)?,
        };
        Ok(Self::of_each(files, of))
    }

    /// As [`among`](Self::among), by the names of the files and their folders alone.
    pub(in crate::source::parquet) fn by_name(root: &Path, files: &[PathBuf]) -> Result<Self> {
        Ok(Self::of_each(files, by_names("", &names(root, files))?))
    }

    fn of_each(files: &[PathBuf], of: Vec<Option<Split>>) -> Self {
        let mut splits = Self::default();
        for (file, split) in files.iter().zip(of) {
            let file = file.display().to_string();
            let Some(split) = split else {
                splits.unnamed.push(file);
                continue;
            };
            match splits.parts.iter_mut().find(|(own, _)| *own == split) {
                Some((_, files)) => files.push(file),
                None => splits.parts.push((split, vec![file])),
            }
        }
        splits.parts.sort();
        splits
    }

    /// The wanted files of the folder `shown`, and what there is to say of the others.
    pub(in crate::source::parquet) fn choose(
        self,
        shown: &str,
        wanted: &Wanted,
    ) -> Result<(Vec<String>, Option<String>)> {
        let split = match (wanted, self.parts.as_slice(), self.unnamed.is_empty()) {
            (_, [], _) => return Ok((self.unnamed, None)),
            (Wanted::All | Wanted::One, [_], true) => return Ok((self.into_all(), None)),
            (Wanted::All, ..) => {
                let note = format!("{shown}: all its splits are read together: {self}");
                return Ok((self.into_all(), Some(note)));
            }
            (Wanted::One, ..) => {
                let message = format!(
                    "the folder has the splits {self}; name the files of one, by a folder or a pattern of their own"
                );
                return Err(Error::config(message).context(shown));
            }
            (Wanted::SplitOrOnly(split), [(only, _)], true) if only != split => {
                let note = format!("{shown}: read as {split} rows, although its only split is {self}");
                return Ok((self.into_all(), Some(note)));
            }
            (Wanted::Split(split) | Wanted::SplitOrOnly(split), ..) => split,
        };
        let files = self.files(split).to_vec();
        if files.is_empty() {
            let message = format!(
                "the folder has no {split} split, but {self}; name the files to read, by a folder or a pattern of their own"
            );
            return Err(Error::config(message).context(shown));
        }
        let others = Self {
            parts: self.parts.into_iter().filter(|(own, _)| own != split).collect(),
            unnamed: self.unnamed,
        };
        let note = match others == Self::default() {
            true => None,
            false => Some(format!(
                "{shown}: the {split} split is read ({}); not read here: {others}",
                counted(files.len())
            )),
        };
        Ok((files, note))
    }

    /// All files, sorted by name.
    fn into_all(self) -> Vec<String> {
        let named = self.parts.into_iter().flat_map(|(_, files)| files);
        let mut files: Vec<PathBuf> = named.chain(self.unnamed).map(PathBuf::from).collect();
        files.sort();
        files.into_iter().map(|file| file.display().to_string()).collect()
    }
}

/// `train (2 files), test (1 file) and 1 file without a split`.
impl fmt::Display for Splits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |(split, files): &(Split, Vec<String>)| format!("{split} ({})", counted(files.len()));
        let mut parts: Vec<String> = self.parts.iter().map(part).collect();
        if !self.unnamed.is_empty() {
            parts.push(format!("{} without the name of a split", counted(self.unnamed.len())));
        }
        f.write_str(&parts.join(", "))
    }
}

/// The parts of each file's path below `root`.
fn names(root: &Path, files: &[PathBuf]) -> Vec<Vec<String>> {
    let below = |file: &PathBuf| {
        let below = file.strip_prefix(root).unwrap_or(file).components();
        below
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect()
    };
    files.iter().map(below).collect()
}

fn counted(files: usize) -> String {
    match files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    }
}

/// The split of each file, which is given by its folders and its name below a folder named `shown`.
fn by_names(shown: &str, names: &[Vec<String>]) -> Result<Vec<Option<Split>>> {
    let sharded: Vec<_> = names.iter().map(|parts| sharded(parts)).collect();
    if sharded.iter().any(Option::is_some) {
        return Ok(sharded);
    }
    let folders: Vec<_> = names.iter().map(|parts| in_folders(parts)).collect();
    let found = match folders.iter().any(|found| !found.is_empty()) {
        true => folders,
        false => names.iter().map(|parts| in_name(parts)).collect(),
    };
    let one = |(mut found, parts): (Vec<Split>, &Vec<String>)| {
        found.sort();
        found.dedup();
        match found.as_slice() {
            [] | [_] => Ok(found.pop()),
            [one, other, ..] => {
                let message = format!(
                    "{} names the splits {one} and {other}; name the files to read",
                    parts.join("/")
                );
                Err(Error::config(message).context(shown))
            }
        }
    };
    found.into_iter().zip(names).map(one).collect()
}

/// The split of `data/NAME-00000-of-00002.parquet`.
fn sharded(parts: &[String]) -> Option<Split> {
    let [folder, name] = parts else { return None };
    let (name, rest) = name.rsplit_once("-of-").filter(|_| folder == "data")?;
    let (name, number) = name.rsplit_once('-')?;
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let all = rest.get(..5)?;
    (is_number(number) && is_number(all) && rest[5..].contains('.') && !name.is_empty()).then(|| Split::named(name))
}

/// The splits that the folders of a file name.
fn in_folders(parts: &[String]) -> Vec<Split> {
    let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
    // Of `key=value` only the key `split` tells: a class may be called `bullet-train`.
    let told = |folder: &'_ String| match folder.split_once('=') {
        Some(("split", value)) => value.to_owned(),
        Some(_) => String::new(),
        None => folder.clone(),
    };
    let words = folders.iter().map(told);
    words
        .flat_map(|folder| folder.split(is_separator).filter_map(word).collect::<Vec<_>>())
        .collect()
}

/// The splits that a file's own name names. A word at its end is none: the extension follows.
fn in_name(parts: &[String]) -> Vec<Split> {
    let name = parts.last().map_or("", String::as_str);
    let words = name.rsplit_once(is_separator).map_or("", |(before, _)| before);
    words.split(is_separator).filter_map(word).collect()
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '_' | ' ' | '0'..='9')
}

fn word(word: &str) -> Option<Split> {
    match Split::named(word) {
        Split::Other(_) => None,
        known => Some(known),
    }
}
