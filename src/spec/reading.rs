//! Specs as they are read: from any format, with errors that name the field.

use super::Spec;
use super::by_name::ByName;
use super::nearest::{one_line, with_nearest};
use crate::error::{Error, Result};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_path_to_error::{Path, Segment, Track};

/// Reads a spec and checks it.
///
/// ```
/// use millstream::order::ShuffleSpec;
/// use millstream::spec::read;
///
/// let from = |text: &'static str| read::<ShuffleSpec, _>(&mut serde_json::Deserializer::from_str(text));
/// assert_eq!(from(r#"{ "window": 8 }"#)?.window, 8);
/// let error = from(r#"{ "windw": 8 }"#).unwrap_err().to_string();
/// assert!(error.starts_with("unknown field `windw` (do you mean `window`?), expected `window`"), "{error}");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// # Errors
///
/// Those of the format, with the field that they are about: an unknown field (with the nearest known one), a value of another type, or
/// one that [`Spec::check`] refuses.
pub fn read<'de, S: Spec, D: Deserializer<'de>>(from: D) -> Result<S, D::Error> {
    let spec: S = read_unchecked(from).map_err(|(_, error)| error)?;
    spec.check().map_err(|error| D::Error::custom(error.to_string()))?;
    Ok(spec)
}

/// Reads a spec in JSON and checks it.
///
/// # Errors
///
/// `Config`, as [`read`], with line and column.
pub fn read_json<S: Spec>(text: &str) -> Result<S> {
    let mut json = serde_json::Deserializer::from_str(text);
    let spec = read(&mut json).and_then(|spec| json.end().map(|()| spec));
    spec.map_err(|error| Error::config(error.to_string()))
}

/// Reads what is no spec, or checks nothing. An error comes with the path of what it is about.
pub(super) fn read_unchecked<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, (Path, D::Error)> {
    let mut track = Track::new();
    let read = T::deserialize(serde_path_to_error::Deserializer::new(ByName(from), &mut track));
    read.map_err(|error| {
        let path = track.path();
        let message = one_line(&error.to_string());
        let message = named(&path, with_nearest(&message).unwrap_or(message));
        (path, D::Error::custom(message))
    })
}

/// `message` behind the field that it is about, unless it names that by itself.
fn named(path: &Path, message: String) -> String {
    let mut segments: Vec<&Segment> = path.iter().collect();
    let is_unknown = |segment: &&Segment| match segment {
        Segment::Map { key } => message.starts_with(&format!("unknown variant `{key}`")),
        _ => false,
    };
    if message.starts_with("unknown field") || segments.last().is_some_and(is_unknown) {
        segments.pop();
    }
    let begins = |segment: &&Segment| match segment {
        Segment::Map { key } => message.starts_with(&format!("{key}: ")),
        _ => false,
    };
    if let Some(own) = segments.iter().position(begins) {
        segments.truncate(own);
    }
    match segments.is_empty() {
        true => message,
        false => format!("{}: {message}", dotted(&segments)),
    }
}

/// `message` without the fields of `path` that it begins with.
pub(super) fn without_path<'a>(path: &Path, message: &'a str) -> &'a str {
    let segments: Vec<&Segment> = path.iter().collect();
    let mut begins = (1..=segments.len()).rev().map(|count| dotted(&segments[..count]));
    begins
        .find_map(|begin| message.strip_prefix(&begin)?.strip_prefix(": "))
        .unwrap_or(message)
}

/// `augment.operations[0]`.
fn dotted(segments: &[&Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Seq { index } => text += &format!("[{index}]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                text += if text.is_empty() { "" } else { "." };
                text += name;
            }
            Segment::Unknown => {}
        }
    }
    text
}
