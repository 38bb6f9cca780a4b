//! Which class a value has.

use super::Labels;
use super::column::{Column, Value};
use super::survey::Tally;
use super::table::Table;
use crate::error::{Error, Result};
use crate::quote;
use std::collections::{BTreeMap, HashMap};

/// What the values of a label column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Integers, each the number of a class name.
    Stored,
    /// Integers that are classes themselves.
    Integers,
    /// 0 and 1.
    Booleans,
    /// Strings, which are class names.
    Strings,
}

/// What an integer of a label column stands for.
#[derive(Clone, Debug)]
enum Reading {
    /// The class of this number.
    Class,
    /// One of these names, by its number.
    NameOf(Vec<String>),
    /// A name in digits.
    Digits,
}

/// The classes, and how values find theirs.
#[derive(Debug)]
pub(super) struct Classes {
    pub(super) names: Vec<String>,
    /// What a reader of the report has to know about how it was read.
    pub(super) remark: Option<String>,
    reading: Reading,
}

/// Why a row has no class.
#[derive(Debug)]
pub(super) enum Fault {
    Null,
    Outside(String),
}

impl Classes {
    /// The classes that `column` itself has: the stored names, or all distinct values, ascending.
    pub(super) fn own(column: &Column) -> Result<Self> {
        let (names, reading) = match &column.names {
            Some(names) => (names.clone(), Reading::Class),
            None => {
                let (integers, strings) = column.distinct()?;
                let names = integers.iter().map(i128::to_string).chain(strings);
                (names.collect(), Reading::Digits)
            }
        };
        Ok(Self {
            names,
            remark: None,
            reading,
        })
    }

    /// The classes of `other`, for the values of `column`.
    pub(super) fn like(column: &Column, other: &Labels) -> Result<Self> {
        let own = column.names.clone().unwrap_or_default();
        let read = |reading| Self {
            names: other.names.clone(),
            remark: None,
            reading,
        };
        match (other.kind, column.kind()) {
            (Kind::Stored, Kind::Integers) => read(Reading::Class).or(read(Reading::Digits), column, &other.names),
            (Kind::Integers, Kind::Stored) => {
                read(Reading::Digits).or(read(Reading::NameOf(own.clone())), column, &own)
            }
            (Kind::Stored, Kind::Booleans) | (Kind::Booleans, Kind::Stored) => Err(Error::schema(format!(
                "column \"{}\": booleans here and integers with class names there (or the other way round) may mean either: \
                 store the labels of both sets in the same way",
                column.name
            ))),
            (_, Kind::Stored) => Ok(read(Reading::NameOf(own))),
            _ => Ok(read(Reading::Digits)),
        }
    }

    /// Reads integers as stored values (`self`), or as the numbers that the class names `names` are (`by_name`): as the one
    /// that gives every value of `column` a class.
    fn or(self, by_name: Self, column: &Column, names: &[String]) -> Result<Self> {
        let (values, _) = column.distinct()?;
        let (own, other) = (self.ids(), by_name.ids());
        let classes = |classes: &Self, ids: &HashMap<&str, u32>| -> Vec<Option<u32>> {
            values.iter().map(|&value| classes.number(ids, value)).collect()
        };
        let (stored, named) = (classes(&self, &own), classes(&by_name, &other));
        let [fits, fits_by_name] = [&stored, &named].map(|found| found.iter().all(Option::is_some));
        let differ = values.iter().zip(stored.iter().zip(&named)).find(|(_, (a, b))| a != b);
        let numbers = names.iter().any(|name| name.parse::<i128>().is_ok());
        match (fits, fits_by_name, differ) {
            (true, true, Some((value, (stored, named)))) => {
                let name = |class: &Option<u32>| class.and_then(|class| self.names.get(class as usize));
                Err(Error::schema(format!(
                    "column \"{}\": one set has class names that are numbers, the other one plain integers, and {value} may be \
                     the stored value of class {:?} or mean class {:?}: store the same class names in both, or the names as \
                     strings",
                    column.name,
                    name(stored).map_or("", String::as_str),
                    name(named).map_or("", String::as_str),
                )))
            }
            (false, true, _) => Ok(Self {
                remark: Some(format!(
                    "labels in column \"{}\": integers beside class names that are numbers were matched by name, because as \
                     stored values they do not fit",
                    column.name
                )),
                ..by_name
            }),
            (true, false, _) if numbers => Ok(Self {
                remark: Some(format!(
                    "labels in column \"{}\": integers beside class names that are numbers were taken for stored values (0 is \
                     the first name), because as names they do not fit",
                    column.name
                )),
                ..self
            }),
            _ => Ok(self),
        }
    }

    fn ids(&self) -> HashMap<&str, u32> {
        self.names.iter().map(String::as_str).zip(0..).collect()
    }

    /// The class of the integer `value`.
    fn number(&self, ids: &HashMap<&str, u32>, value: i128) -> Option<u32> {
        let index = || usize::try_from(value).ok();
        match &self.reading {
            Reading::Class => index()
                .filter(|&class| class < self.names.len())
                .map(|class| class as u32),
            Reading::NameOf(names) => ids.get(names.get(index()?)?.as_str()).copied(),
            Reading::Digits => ids.get(value.to_string().as_str()).copied(),
        }
    }

    /// What an error calls the integer `value`: its name, where it has one.
    fn called(&self, value: i128) -> String {
        match (&self.reading, usize::try_from(value)) {
            (Reading::NameOf(names), Ok(at)) => names.get(at).map_or_else(|| value.to_string(), |name| shown(name)),
            _ => value.to_string(),
        }
    }

    /// The class of each row, and how many there are of each; a row without one stands as class 0 in the table.
    pub(super) fn encode(&self, column: &Column) -> Result<(Table, Tally)> {
        let ids = self.ids();
        let mut of = Table::new(self.names.len(), column.len());
        let mut tally = Tally::new(self.names.len());
        // A number is looked up once.
        let mut known: BTreeMap<i128, Option<u32>> = BTreeMap::new();
        for part in column.parts() {
            for value in part?.iter() {
                let class = match value {
                    Value::Null => Err(Fault::Null),
                    Value::Text(name) => ids.get(name).copied().ok_or_else(|| Fault::Outside(shown(name))),
                    Value::Number(value) => known
                        .entry(value)
                        .or_insert_with(|| self.number(&ids, value))
                        .ok_or_else(|| Fault::Outside(self.called(value))),
                };
                tally.count(of.len() as u64, &class);
                of.push(class.unwrap_or(0));
            }
        }
        Ok((of, tally))
    }
}

/// A name as a message has it.
fn shown(name: &str) -> String {
    quote::shown(name, 60)
}
