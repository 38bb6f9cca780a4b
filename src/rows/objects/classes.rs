//! Which class a value of the field of classes is.

use crate::error::{Error, Result};
use crate::quote::quoted;
use crate::rows::labels::numbers_read_as;
use std::collections::{BTreeSet, HashMap};

/// What to do about a row whose objects cannot be meant.
pub(super) const MEND: &str = "correct the row, or leave it out";

/// The classes of objects, and how stored values find theirs.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    pub(super) names: Vec<String>,
    /// What a reader of the report has to know about how integers were read.
    pub(super) remark: Option<String>,
    #[cfg_attr(not(feature = "train"), allow(dead_code))]
    numbered: Numbered,
    coding: Coding,
}

/// Classes that are known before rows are read: those of other rows, or of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownClasses<'a> {
    names: &'a [String],
    numbered: Numbered,
}

/// Whether names of classes have numbers that data may store in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbered {
    /// They have: they were stored in their order beside the data.
    Yes,
    /// They were values of the data, and their order is that of the alphabet.
    No,
    /// Nobody knows: no more than the names were kept.
    Unknown,
}

impl<'a> KnownClasses<'a> {
    /// Classes of which no more than the `names` are known.
    pub(crate) fn named(names: &'a [String]) -> Self {
        Self {
            names,
            numbered: Numbered::Unknown,
        }
    }
}

#[derive(Clone, Debug)]
enum Coding {
    /// Integers are the numbers of these names, of which each has its class.
    Numbered(Vec<(String, Option<i64>)>),
    /// Integers and strings are the names of classes.
    Named(HashMap<String, i64>),
}

/// All distinct values of a field of classes.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    pub(super) integers: BTreeSet<i64>,
    pub(super) strings: BTreeSet<String>,
}

impl Classes {
    /// The classes that the data has: the `stored` names, or all distinct values, ascending.
    pub(super) fn own(stored: Option<&[String]>, distinct: Distinct) -> Self {
        let has_strings = !distinct.strings.is_empty();
        let values = distinct.integers.iter().map(i64::to_string).chain(distinct.strings);
        match stored {
            Some(names) if !has_strings => Self::new(Some(names), names.to_vec(), Numbered::Yes),
            Some(names) => Self::new(None, names.to_vec(), Numbered::Yes),
            None => Self::new(None, values.collect(), Numbered::No),
        }
    }

    /// The classes that are `known` of other data or of a model: integers with `stored` names are matched by name; strings are names; integers
    /// without names are names where all of the known ones are integers, and their numbers else.
    ///
    /// # Errors
    ///
    /// `Data` for integers without names beside names that have no numbers: which one is meant, nothing tells.
    pub(super) fn like(stored: Option<&[String]>, distinct: &Distinct, known: KnownClasses<'_>) -> Result<Self> {
        let KnownClasses { names, numbered } = known;
        let digits = names.iter().all(|name| name.parse::<i64>().is_ok());
        match stored {
            _ if !distinct.strings.is_empty() => Ok(Self::new(None, names.to_vec(), numbered)),
            Some(stored) => Ok(Self::new(Some(stored), names.to_vec(), numbered)),
            None if digits || distinct.integers.is_empty() => Ok(Self::new(None, names.to_vec(), numbered)),
            None if numbered == Numbered::No => Err(Error::data(format!(
                "the classes are whole numbers without names, and in the training rows they are texts ({}), so that nothing tells which number \
                 is which text: store the same texts in both, or numbers with their names (a ClassLabel) in both",
                some(names)
            ))),
            None => Ok(Self {
                remark: (numbered == Numbered::Unknown).then(|| numbers_read_as(names)),
                ..Self::new(Some(names), names.to_vec(), numbered)
            }),
        }
    }

    fn new(numbers: Option<&[String]>, names: Vec<String>, numbered: Numbered) -> Self {
        let classes: HashMap<String, i64> = names.iter().cloned().zip(0..).collect();
        let coding = match numbers {
            Some(stored) => Coding::Numbered(
                stored
                    .iter()
                    .map(|name| (name.clone(), classes.get(name).copied()))
                    .collect(),
            ),
            None => Coding::Named(classes),
        };
        Self {
            names,
            remark: None,
            numbered,
            coding,
        }
    }

    /// These classes, for other rows.
    #[cfg(feature = "train")]
    pub(super) fn known(&self) -> KnownClasses<'_> {
        KnownClasses {
            names: &self.names,
            numbered: self.numbered,
        }
    }

    /// The class of an integer.
    pub(super) fn of_integer(&self, value: i64) -> Result<i64> {
        match &self.coding {
            Coding::Numbered(stored) => {
                let entry = usize::try_from(value).ok().and_then(|value| stored.get(value));
                let (name, class) = entry.ok_or_else(|| {
                    Error::data(format!(
                        "class {value} is none of the {} that have names: {MEND}",
                        stored.len()
                    ))
                })?;
                class.ok_or_else(|| self.unknown(name))
            }
            Coding::Named(_) => self.of_string(&value.to_string()),
        }
    }

    /// The class of a string.
    pub(super) fn of_string(&self, value: &str) -> Result<i64> {
        match &self.coding {
            Coding::Named(classes) => classes.get(value).copied().ok_or_else(|| self.unknown(value)),
            Coding::Numbered(_) => Err(self.unknown(value)),
        }
    }

    fn unknown(&self, name: &str) -> Error {
        Error::data(format!(
            "class {} is none of the {} classes {}: {MEND}, or train on rows that have the class",
            quoted(name),
            self.names.len(),
            some(&self.names)
        ))
    }
}

/// The first of `names`.
fn some(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(10).map(|name| quoted(name)).collect();
    let more = if names.len() > shown.len() { ", .." } else { "" };
    format!("{}{more}", shown.join(", "))
}
