//! A split: what rows are for, and which of them are wanted.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What rows are for.
///
/// It is written as a word, and read as [`named`](Self::named) reads one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
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

impl From<String> for Split {
    fn from(name: String) -> Self {
        Self::named(&name)
    }
}

impl From<Split> for String {
    fn from(split: Split) -> Self {
        split.to_string()
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

/// Which files of a folder that has several splits are wanted.
#[derive(Clone, Debug)]
pub(in crate::source) enum Wanted {
    /// All, of whatever split.
    All,
    /// It must have one split only, or none.
    One,
    /// Those of this split.
    Split(Split),
    /// Those to evaluate on: the test split, or else the validation split; where there is neither, it must have one split only, or none.
    Evaluation,
    /// Those of this split; all where the folder has one split only, whatever that is.
    SplitOrOnly(Split),
}

impl Wanted {
    /// The split that was asked for.
    pub(in crate::source) fn split(&self) -> Option<&Split> {
        match self {
            Self::All | Self::One | Self::Evaluation => None,
            Self::Split(split) | Self::SplitOrOnly(split) => Some(split),
        }
    }
}
