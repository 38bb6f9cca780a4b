//! Splits: which files of a folder are for training, for validation and for testing.
//!
//! Names say it, as in Hugging Face's `datasets`: `data/NAME-00000-of-00002.parquet` has the split `NAME`; else folders,
//! else files are looked at for a word that stands alone between `-`, `.`, `_`, blanks and digits: `train` or `training`;
//! `validation`, `valid`, `val` or `dev`; `test`, `testing`, `eval` or `evaluation`. So does a Hive folder `split=WORD`, which
//! `datasets` does not know. A `README.md` whose `configs` list `data_files` decides before all names.

use super::split::{Split, Wanted};
use crate::error::{Error, Remedy, Result};
use crate::quote::counted;
use std::fmt;
use std::path::PathBuf;

/// The files of a folder by their splits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Splits {
    /// Each split that has files, in the order train, validation, test, others by name; each with its files.
    parts: Vec<(Split, Vec<String>)>,
    unnamed: Vec<String>,
}

impl Splits {
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

    /// `files`, each with its split in `of`.
    pub(in crate::source) fn of_each(files: &[PathBuf], of: Vec<Option<Split>>) -> Self {
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
    pub(in crate::source) fn choose(self, shown: &str, wanted: &Wanted) -> Result<(Vec<String>, Option<String>)> {
        let wanted = match wanted {
            Wanted::Evaluation => &self.evaluation(),
            wanted => wanted,
        };
        let split = match (wanted, self.parts.as_slice(), self.unnamed.is_empty()) {
            (_, [], _) => return Ok((self.unnamed, None)),
            (Wanted::All | Wanted::One, [_], true) => return Ok((self.into_all(), None)),
            (Wanted::All, ..) => {
                let note = format!("{shown}: all its splits are read together: {self}");
                return Ok((self.into_all(), Some(note)));
            }
            (Wanted::One | Wanted::Evaluation, ..) => {
                let message = format!(
                    "the folder has the splits {self}; name one of them, or its files by a folder or a pattern of their own"
                );
                return Err(Error::config(message).with_remedy(Remedy::Split).context(shown));
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
            return Err(Error::config(message).with_remedy(Remedy::Split).context(shown));
        }
        let others = Self {
            parts: self.parts.into_iter().filter(|(own, _)| own != split).collect(),
            unnamed: self.unnamed,
        };
        let note = match others == Self::default() {
            true => None,
            false => Some(format!(
                "{shown}: the {split} split is read ({}); not read here: {others}",
                counted(files.len(), "file")
            )),
        };
        Ok((files, note))
    }

    /// Which of them is evaluated on.
    fn evaluation(&self) -> Wanted {
        let all = [Split::Test, Split::Validation];
        let split = all.into_iter().find(|split| !self.files(split).is_empty());
        split.map_or(Wanted::One, Wanted::Split)
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
        let part = |(split, files): &(Split, Vec<String>)| format!("{split} ({})", counted(files.len(), "file"));
        let mut parts: Vec<String> = self.parts.iter().map(part).collect();
        if !self.unnamed.is_empty() {
            parts.push(format!(
                "{} without the name of a split",
                counted(self.unnamed.len(), "file")
            ));
        }
        f.write_str(&parts.join(", "))
    }
}
