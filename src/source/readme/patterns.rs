//! Which files the patterns of a `README.md` mean, and of which splits they are, as Hugging Face's `datasets` reads them: `*`, `?` and `[a-c]` inside of
//! a name, `**` for any folders. Braces stand for themselves.

use super::{Readme, chosen};
use crate::error::{Error, Result};
use crate::source::split::Split;
use glob::{MatchOptions, Pattern};
use std::path::Path;

/// What a pattern of a `README.md` says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::source) struct Said {
    /// The split.
    pub(in crate::source) split: Split,
    /// How many folders below the root lead to those that are classes; none where the pattern does not tell.
    pub(in crate::source) depth: Option<usize>,
    /// The pattern.
    pub(in crate::source) pattern: String,
}

/// One of the patterns.
struct Files {
    said: Said,
    pattern: Pattern,
}

impl Files {
    fn new(split: &str, path: &str) -> Result<Self> {
        let path = path.trim_start_matches("./");
        let pattern = Pattern::new(path).map_err(|why| Error::config(format!("README.md: {path}: {why}")))?;
        let parts: Vec<&str> = path.split('/').collect();
        let depth = parts.iter().take_while(|part| !part.contains(['*', '?', '['])).count();
        // `train/**` and `train/*/*.jpg`: any folder stands after those that are spelt out.
        let is_class = matches!(parts[depth..], ["**"] | ["*" | "**", _, ..]);
        Ok(Self {
            said: Said {
                split: Split::named(split),
                depth: is_class.then_some(depth),
                pattern: path.to_owned(),
            },
            pattern,
        })
    }

    /// Whether it means a file in the folder `root`, of any ending.
    fn is_there(&self, root: &Path) -> bool {
        let path = &self.said.pattern;
        // Of the whole file system, not of the folder.
        if path.starts_with('/') {
            return false;
        }
        let whole = format!("{}/{path}", Pattern::escape(&root.display().to_string()));
        let found = glob::glob(&whole).into_iter().flatten().flatten();
        found.into_iter().any(|file| file.is_file())
    }
}

impl Readme {
    /// What it says of each of the files `names`, the parts of whose paths lie below the folder that is `shown` to the user; none where
    /// there is no `README.md`, or it says nothing of files. Files of which it says nothing are none of the data.
    ///
    /// # Errors
    ///
    /// `Config` for several sets of data of which none is the default, for a pattern that means no file, as in `datasets`, and for a file in two
    /// splits.
    pub(in crate::source) fn said(&self, shown: &str, names: &[Vec<String>]) -> Result<Option<Vec<Option<Said>>>> {
        let refused = |message: String| Err(Error::config(message).context(shown));
        let Some(config) = chosen(&self.configs) else {
            if self.configs.is_empty() {
                return Ok(None);
            }
            let all: Vec<&str> = self.configs.iter().map(|config| config.name.as_str()).collect();
            return refused(format!(
                "its README.md describes several sets of data ({}); name the files of one, by a folder or a pattern of their own",
                all.join(", ")
            ));
        };
        if let (true, Some(folder)) = (config.files.is_empty(), &config.folder) {
            return refused(format!(
                "its README.md says that the data lies in the folder {folder} (data_dir): name that folder"
            ));
        }
        let patterns = config.files.iter().map(|(split, path)| Files::new(split, path));
        let patterns: Vec<Files> = patterns.collect::<Result<_>>().map_err(|error| error.context(shown))?;
        let options = MatchOptions {
            require_literal_separator: true,
            ..MatchOptions::new()
        };
        let mut met = vec![false; patterns.len()];
        let mut of = Vec::with_capacity(names.len());
        for parts in names {
            let name = parts.join("/");
            let mut said: Option<&Said> = None;
            for (files, met) in patterns.iter().zip(&mut met) {
                if !files.pattern.matches_with(&name, options) {
                    continue;
                }
                *met = true;
                let first = *said.get_or_insert(&files.said);
                if first.split != files.said.split {
                    return refused(format!(
                        "its README.md has {name} in the splits {} and {}, so that their rows are the same: name the files to read, by a \
                         folder or a pattern of their own",
                        first.split, files.said.split
                    ));
                }
            }
            of.push(said.cloned());
        }
        let missing = |(files, met): &(&Files, bool)| !met && !files.is_there(&self.root);
        let Some((files, _)) = patterns.iter().zip(met).find(missing) else {
            return match of.iter().all(Option::is_none) {
                true => refused(
                    "the files that its README.md describes are not there; name the files to read by a pattern"
                        .to_owned(),
                ),
                false => Ok(Some(of)),
            };
        };
        let Said { pattern, split, .. } = &files.said;
        let braces = match pattern.contains('{') {
            true => " (braces in such a pattern stand for themselves: write a line for each of them)",
            false => "",
        };
        refused(format!(
            "the files that its README.md describes are not there: {pattern} for the split {split}{braces}; name the files to read by a \
             pattern"
        ))
    }
}
