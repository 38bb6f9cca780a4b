//! Which class a value has.

use super::column::{Column, Value, ValueKind};
use super::lists::Lists;
use super::table::Table;
use super::tally::{Fault, Tally};
use crate::error::{Error, Result};
use crate::quote;
use std::collections::{BTreeMap, HashMap};

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
    /// Why values of another kind than the names have no class, and what to do.
    pub(super) hint: Option<&'static str>,
    reading: Reading,
}

/// Why whole numbers have no class of those that were texts.
const NAMED_BY_TEXTS: &str = "the class names are texts in the training rows, and here are whole numbers without names: store the labels as the same texts in both, \
                              or as numbers with names (a ClassLabel) in both";
/// Why texts have no class of those that were whole numbers.
const NAMED_BY_NUMBERS: &str = "the classes are whole numbers without names in the training rows, and here are texts: store the labels alike in both";

/// How whole numbers without names are read as classes of which only the `names` are known.
pub(in crate::rows) fn numbers_read_as(names: &[String]) -> String {
    let first: Vec<String> = (0..)
        .zip(names)
        .take(3)
        .map(|(at, name): (u32, _)| format!("{at} is {}", quote::quoted(name)))
        .collect();
    let more = if names.len() > first.len() { ", and so on" } else { "" };
    format!(
        "whole numbers without names are read as the numbers of the known classes: {}{more}",
        first.join(", ")
    )
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
            hint: None,
            reading,
        })
    }

    /// The classes `names` of a model, for the values of `column`. Integers without class names are names where all `names` are
    /// integers, and stored values else.
    #[cfg(feature = "train")]
    pub(super) fn of_model(column: &Column, names: &[String]) -> Result<Self> {
        let (kind, own) = (column.kind_beside(names), column.kind());
        let classes = Self::like(column, names, kind)?;
        let is_guessed = (kind, own) == (ValueKind::Numbered, ValueKind::Integers) && classes.remark.is_none();
        Ok(Self {
            remark: match is_guessed {
                true => Some(format!(
                    "labels in column \"{}\": {}",
                    column.name,
                    numbers_read_as(names)
                )),
                false => classes.remark,
            },
            ..classes
        })
    }

    /// The classes `names` of another column, whose values are of `kind`, for the values of `column`.
    pub(super) fn like(column: &Column, names: &[String], kind: ValueKind) -> Result<Self> {
        let own = column.names.clone().unwrap_or_default();
        let hint = match (kind, column.kind()) {
            (ValueKind::Strings, ValueKind::Integers | ValueKind::Booleans) => Some(NAMED_BY_TEXTS),
            (ValueKind::Integers | ValueKind::Booleans, ValueKind::Strings) => Some(NAMED_BY_NUMBERS),
            _ => None,
        };
        let read = |reading| Self {
            names: names.to_vec(),
            remark: None,
            hint,
            reading,
        };
        match (kind, column.kind()) {
            (ValueKind::Numbered, ValueKind::Integers) => read(Reading::Class).or(read(Reading::Digits), column, names),
            (ValueKind::Integers, ValueKind::Numbered) => {
                read(Reading::Digits).or(read(Reading::NameOf(own.clone())), column, &own)
            }
            (ValueKind::Numbered, ValueKind::Booleans) | (ValueKind::Booleans, ValueKind::Numbered) => {
                Err(Error::schema(format!(
                    "column \"{}\": booleans here and integers with class names there (or the other way round) may mean either: \
                 store the labels of both sets in the same way",
                    column.name
                )))
            }
            (_, ValueKind::Numbered) => Ok(read(Reading::NameOf(own))),
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
        let mut finder = Finder::new(self);
        let mut of = Table::new(self.names.len(), column.len());
        let mut tally = Tally::new(self.names.len());
        for part in column.parts() {
            for value in part?.values.iter() {
                let class = finder.find(value);
                tally.count(class.as_ref().map(std::slice::from_ref));
                of.push(class.unwrap_or(0));
            }
        }
        Ok((of, tally))
    }

    /// The classes of each row, ascending and each once, and how many rows there are of each; a row that has no list, or a value
    /// without a class, stands as an empty list.
    pub(super) fn encode_lists(&self, column: &Column) -> Result<(Lists, Tally)> {
        let mut finder = Finder::new(self);
        let mut of = Lists::new(self.names.len(), column.len());
        let (mut tally, mut row) = (Tally::new(self.names.len()), Vec::new());
        for part in column.parts() {
            let part = part?;
            for list in part.lists() {
                row.clear();
                let found = list.ok_or(Fault::Null).and_then(|mut list| {
                    list.try_for_each(|at| match part.values.get(at) {
                        Value::Null => Err(Fault::NullInside),
                        value => finder.find(value).map(|class| row.push(class)),
                    })
                });
                if found.is_err() {
                    row.clear();
                }
                row.sort_unstable();
                row.dedup();
                tally.count(found.as_ref().map(|()| &row[..]));
                of.push(&row);
            }
        }
        of.shrink();
        Ok((of, tally))
    }
}

/// Finds the class of a value. A number is looked up once.
struct Finder<'a> {
    classes: &'a Classes,
    ids: HashMap<&'a str, u32>,
    known: BTreeMap<i128, Option<u32>>,
}

impl<'a> Finder<'a> {
    fn new(classes: &'a Classes) -> Self {
        Self {
            classes,
            ids: classes.ids(),
            known: BTreeMap::new(),
        }
    }

    fn find(&mut self, value: Value<'_>) -> Result<u32, Fault> {
        match value {
            Value::Null => Err(Fault::Null),
            Value::Text(name) => {
                let class = self.ids.get(name).copied();
                class.ok_or_else(|| Fault::Outside(shown(name)))
            }
            Value::Number(value) => {
                let class = self.known.entry(value);
                let class = *class.or_insert_with(|| self.classes.number(&self.ids, value));
                class.ok_or_else(|| Fault::Outside(self.classes.called(value)))
            }
        }
    }
}

/// A name as a message has it.
fn shown(name: &str) -> String {
    quote::shown(name, 60)
}
