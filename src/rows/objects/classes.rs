//! Which class a value of the field of classes is.

use crate::error::{Error, Result};
use crate::quote::quoted;
use std::collections::{BTreeSet, HashMap};

/// The classes of objects, and how stored values find theirs.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    pub(super) names: Vec<String>,
    coding: Coding,
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
            Some(names) if !has_strings => Self::new(Some(names), names.to_vec()),
            Some(names) => Self::new(None, names.to_vec()),
            None => Self::new(None, values.collect()),
        }
    }

    /// The classes `names` of other data or of a model: integers with `stored` names are matched by name; strings are names; integers
    /// without names are names where all of `names` are integers, and their numbers else.
    pub(super) fn like(stored: Option<&[String]>, distinct: &Distinct, names: &[String]) -> Self {
        let digits = names.iter().all(|name| name.parse::<i64>().is_ok());
        match stored {
            _ if !distinct.strings.is_empty() => Self::new(None, names.to_vec()),
            Some(stored) => Self::new(Some(stored), names.to_vec()),
            None if digits => Self::new(None, names.to_vec()),
            None => Self::new(Some(names), names.to_vec()),
        }
    }

    fn new(numbered: Option<&[String]>, names: Vec<String>) -> Self {
        let classes: HashMap<String, i64> = names.iter().cloned().zip(0..).collect();
        let coding = match numbered {
            Some(stored) => Coding::Numbered(
                stored
                    .iter()
                    .map(|name| (name.clone(), classes.get(name).copied()))
                    .collect(),
            ),
            None => Coding::Named(classes),
        };
        Self { names, coding }
    }

    /// The class of an integer.
    pub(super) fn of_integer(&self, value: i64) -> Result<i64> {
        match &self.coding {
            Coding::Numbered(stored) => {
                let entry = usize::try_from(value).ok().and_then(|value| stored.get(value));
                let (name, class) = entry.ok_or_else(|| {
                    Error::data(format!("class {value} is none of the {} that have names", stored.len()))
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
        let shown: Vec<String> = self.names.iter().take(10).map(|name| quoted(name)).collect();
        let more = if self.names.len() > shown.len() { ", .." } else { "" };
        Error::data(format!(
            "class {} is none of the {} classes {}{more}",
            quoted(name),
            self.names.len(),
            shown.join(", ")
        ))
    }
}
