//! TOML, with the line and the column of what is wrong.

use super::Spec;
use super::reading::{read_unchecked, without_path};
use crate::error::{Error, Result};
use serde::de::{Deserialize, DeserializeOwned};
use serde_path_to_error::{Path, Segment};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads a spec in TOML and checks it.
///
/// ```
/// use millstream::order::ShuffleSpec;
/// use millstream::spec::read_toml;
///
/// assert_eq!(read_toml::<ShuffleSpec>("window = 8")?.window, 8);
/// let error = read_toml::<ShuffleSpec>("# a recipe\nwindow = 0.5").unwrap_err().to_string();
/// assert_eq!(error, "window: invalid type: floating point `0.5`, expected usize at line 2 column 10");
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Config`, as [`read`](super::read), with line and column, from 1, of the key that is not known or the value that is wrong.
pub fn read_toml<S: Spec>(text: &str) -> Result<S> {
    let document = Document::parse(text)?;
    let spec: S = document.read()?;
    spec.check().map_err(|error| {
        let message = error.to_string();
        let at = document
            .mentioned(Inner::Table(document.root()), &message)
            .unwrap_or(0..0);
        document.error(&message, &at)
    })?;
    Ok(spec)
}

/// Reads anything in TOML that holds specs, such as those of a whole pipeline.
///
/// # Errors
///
/// As [`read_toml`].
pub fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T> {
    Document::parse(text)?.read()
}

/// A document, and where everything in it stands.
struct Document<'a> {
    text: &'a str,
    table: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    fn parse(text: &'a str) -> Result<Self> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Self { text, table }),
            Err(error) => {
                let message = format!(
                    "{} at {}",
                    error.message(),
                    position(text, error.span().unwrap_or(0..0).start)
                );
                Err(Error::config(message))
            }
        }
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T> {
        let failed = |(path, error): (Path, toml::de::Error)| {
            let message = error.message();
            self.error(message, &self.place(&path, without_path(&path, message)))
        };
        let read = read_unchecked(toml::Deserializer::from(self.table.clone())).map_err(failed)?;
        // A document leaves out what a list has more than its field takes; a plain value refuses it.
        if let Ok(table) = toml::Table::deserialize(toml::Deserializer::from(self.table.clone())) {
            read_unchecked::<T, _>(toml::Value::Table(table)).map_err(failed)?;
        }
        Ok(read)
    }

    fn root(&self) -> &DeTable<'a> {
        self.table.get_ref()
    }

    fn error(&self, message: &str, at: &Range<usize>) -> Error {
        Error::config(format!("{message} at {}", position(self.text, at.start)))
    }

    /// Where that stands which an error of `message` at `path` is about.
    fn place(&self, path: &Path, message: &str) -> Range<usize> {
        let (mut at, mut inner, mut message) = (0..0, Inner::Table(self.root()), message);
        let mut segments = path.iter().peekable();
        while let Some(segment) = segments.next() {
            let next = match (segment, inner) {
                (Segment::Map { key: name } | Segment::Enum { variant: name }, Inner::Table(table)) => {
                    let Some((key, value)) = table.get_key_value(name.as_str()) else {
                        break;
                    };
                    // What is not known is the key, whatever stands behind it.
                    let is_unknown = ["unknown field".to_owned(), format!("unknown variant `{name}`")];
                    if segments.peek().is_none() && is_unknown.iter().any(|said| message.contains(said)) {
                        return key.span();
                    }
                    message = after(name, message);
                    value
                }
                (Segment::Seq { index }, Inner::Array(items)) => match items.get(*index) {
                    Some(item) => item,
                    None => break,
                },
                _ => break,
            };
            (at, inner) = (next.span(), Inner::of(next.get_ref()));
        }
        self.mentioned(inner, message).unwrap_or(at)
    }

    /// Where the field stands that `message` names, inside of `inner`: an error of a check begins with its names, as in
    /// `one_of: operations[1]: rotate: degrees is 200`.
    fn mentioned(&self, inner: Inner<'_, 'a>, message: &str) -> Option<Range<usize>> {
        let words = message.split(|c: char| !c.is_alphanumeric() && !"_-[]".contains(c));
        let (mut at, mut inner) = (None, inner);
        for word in words {
            let (name, index) = match word.split_once('[') {
                Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
                None => (word, None),
            };
            let Inner::Table(table) = inner else { break };
            let Some((key, value)) = table.get_key_value(name) else {
                continue;
            };
            let quoted = [format!("\"{name}\""), format!("`{name}`")];
            let is_unknown = message.contains("unknown ") && quoted.iter().any(|word| message.contains(word));
            at = Some(if is_unknown { key.span() } else { value.span() });
            inner = Inner::of(value.get_ref());
            if let (Inner::Array(items), Some(item)) = (inner, index)
                && let Some(item) = items.get(item)
            {
                (at, inner) = (Some(item.span()), Inner::of(item.get_ref()));
            }
        }
        at
    }
}

/// What of `message` stands behind `name: `, where it has that: names before it lead to where `name` stands.
fn after<'m>(name: &str, message: &'m str) -> &'m str {
    let named = format!("{name}: ");
    let is_word = |at: &usize| !message[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let found = message.match_indices(&named).map(|(at, _)| at).find(is_word);
    found.map_or(message, |at| &message[at + named.len()..])
}

/// What stands inside of a value.
#[derive(Clone, Copy)]
enum Inner<'a, 'i> {
    Table(&'a DeTable<'i>),
    Array(&'a [Spanned<DeValue<'i>>]),
    Nothing,
}

impl<'a, 'i> Inner<'a, 'i> {
    fn of(value: &'a DeValue<'i>) -> Self {
        match value {
            DeValue::Table(table) => Self::Table(table),
            DeValue::Array(items) => Self::Array(items),
            _ => Self::Nothing,
        }
    }
}

/// `line 3 column 7`, both from 1, of a byte; a column is a character.
fn position(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    format!(
        "line {} column {}",
        before.matches('\n').count() + 1,
        line.chars().count() + 1
    )
}
