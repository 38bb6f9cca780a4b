//! Numbers, flags and ids as programs write them into COCO's files, which pycocotools reads alike.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::fmt;

/// The id of a picture, a category or an annotation: a whole number, or any text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Id {
    Number(i64),
    Text(String),
}

impl Id {
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Pixels along a side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side(pub(super) i64);

/// Whether something is so: `true` and `false`, or 1 and 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag(pub(super) bool);

/// Keypoints: x, y and visibility of each, or whatever else a program writes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Points {
    Numbers(Vec<Option<f32>>),
    Other(IgnoredAny),
}

impl Points {
    /// x, y and visibility of each; none of what is something else.
    pub(super) fn triples(self) -> Option<Vec<f32>> {
        let Self::Numbers(numbers) = self else { return None };
        let numbers: Vec<f32> = numbers.into_iter().collect::<Option<_>>()?;
        (numbers.len().is_multiple_of(3) && numbers.iter().all(|number| number.is_finite())).then_some(numbers)
    }

    /// Whether there are any. COCO writes zeros for points that are not labelled.
    pub(super) fn is_labelled(&self) -> bool {
        match self {
            Self::Numbers(numbers) => numbers.iter().flatten().any(|number| *number != 0.0),
            Self::Other(_) => true,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Flag(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

impl Value {
    /// A whole number; Python programs write `3.0`, too.
    fn whole(&self) -> Option<i64> {
        match *self {
            Self::Integer(number) => Some(number),
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(number as i64),
            _ => None,
        }
    }
}

/// Reads a [`Value`] of which `of` makes one; `wanted` is what it has to be.
fn read<'de, D: Deserializer<'de>, T>(
    from: D,
    wanted: &str,
    of: impl FnOnce(Value) -> Option<T>,
) -> Result<T, D::Error> {
    let refused = || serde::de::Error::custom(format!("expected {wanted}"));
    let value = Value::deserialize(from).map_err(|error: D::Error| {
        // A field that is missing is none of another type, and only this error knows its name.
        match error.to_string().starts_with("missing field") {
            true => error,
            false => refused(),
        }
    })?;
    of(value).ok_or_else(refused)
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(
            from,
            "an id, a whole number of at least -2^63 and below 2^63 or a text",
            |value| match value {
                Value::Text(text) => Some(Self::Text(text)),
                number => number.whole().map(Self::Number),
            },
        )
    }
}

impl<'de> Deserialize<'de> for Side {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, "a whole number of pixels", |value| value.whole().map(Self))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        read(from, "0 or 1", |value| match value {
            Value::Flag(flag) => Some(Self(flag)),
            number => match number.whole() {
                Some(0) => Some(Self(false)),
                Some(1) => Some(Self(true)),
                _ => None,
            },
        })
    }
}
