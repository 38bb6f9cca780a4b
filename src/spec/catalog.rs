//! Kinds by name, and how one is read under its name.

use super::Spec;
use crate::error::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_path_to_error::Track;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Kinds of one sort (operations, sources, ..) by name, for recipes that name them.
pub struct Catalog<T: ?Sized> {
    /// "operation", for errors.
    sort: &'static str,
    kinds: BTreeMap<&'static str, Parse<T>>,
}

type Parse<T> = fn(&mut dyn erased_serde::Deserializer<'_>) -> Result<Box<T>, erased_serde::Error>;

impl<T: ?Sized> Clone for Catalog<T> {
    fn clone(&self) -> Self {
        Self {
            sort: self.sort,
            kinds: self.kinds.clone(),
        }
    }
}

impl<T: ?Sized> Catalog<T> {
    /// No kinds of what is called `sort`, as "operation".
    pub fn new(sort: &'static str) -> Self {
        Self {
            sort,
            kinds: BTreeMap::new(),
        }
    }

    /// With the kind `name`, which `parse` reads and checks; it takes the place of one of the same name.
    pub(crate) fn with(mut self, name: &'static str, parse: Parse<T>) -> Self {
        self.kinds.insert(name, parse);
        self
    }

    /// The names, in the order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }

    /// Reads `{ name = { fields } }`.
    ///
    /// # Errors
    ///
    /// Those of the format, with its line and column: an unknown name (with the nearest known one), an unknown field, a value
    /// of another type or out of range. All but the first begin with the name: `rotate: degrees: invalid type: ..`.
    pub fn read<'de, D: Deserializer<'de>>(&self, from: D) -> Result<Box<T>, D::Error> {
        from.deserialize_map(Tagged(self))
    }

    /// Reads `{ name = { fields } }` from JSON.
    ///
    /// # Errors
    ///
    /// `Config`, as [`read`](Self::read).
    pub fn read_json(&self, text: &str) -> Result<Box<T>> {
        let mut json = serde_json::Deserializer::from_str(text);
        let read = self.read(&mut json).and_then(|read| json.end().map(|()| read));
        read.map_err(|error| Error::config(error.to_string()))
    }

    fn unknown(&self, name: &str) -> String {
        match nearest(name, self.names()) {
            Some(near) => format!("unknown {} {name:?}: do you mean {near:?}?", self.sort),
            None => {
                let all = self.names().collect::<Vec<_>>().join(", ");
                format!("unknown {} {name:?}; there are {all}", self.sort)
            }
        }
    }
}

/// That of the names that `name` is most likely to be meant for, if it is like one of them.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (strsim::damerau_levenshtein(known, name), known));
    let near = near.min().filter(|(distance, known)| *distance <= known.len() / 2);
    near.map(|(_, near)| near)
}

impl<T: ?Sized> fmt::Debug for Catalog<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

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
/// Those of the format: an unknown field (with the nearest known one), a value of another type, or one that [`Spec::check`]
/// refuses.
pub fn read<'de, S: Spec, D: Deserializer<'de>>(from: D) -> Result<S, D::Error> {
    let spec = S::deserialize(from).map_err(|error| match with_nearest(&error.to_string()) {
        Some(message) => D::Error::custom(message),
        None => error,
    })?;
    spec.check().map_err(|error| D::Error::custom(error.to_string()))?;
    Ok(spec)
}

/// `message` with the nearest known name beside the one that it refuses. In serde's words: "unknown field `a`, expected one of
/// `b`, `c`".
fn with_nearest(message: &str) -> Option<String> {
    let start = ["unknown field `", "unknown variant `"];
    let start = start
        .iter()
        .find_map(|start| Some(message.find(start)? + start.len()))?;
    let (name, rest) = message[start..].split_once('`')?;
    let near = nearest(name, rest.split('`').skip(1).step_by(2))?;
    Some(format!("{}{name}` (do you mean `{near}`?){rest}", &message[..start]))
}

/// One of the kinds, under its name.
struct Tagged<'a, T: ?Sized>(&'a Catalog<T>);

impl<'de, T: ?Sized> Visitor<'de> for Tagged<'_, T> {
    type Value = Box<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one {} and its parameters", self.0.sort)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let name: String = map.next_key()?.ok_or_else(|| A::Error::custom(self.missing()))?;
        let parse = self.0.kinds.get(name.as_str());
        let parse = parse.ok_or_else(|| A::Error::custom(self.0.unknown(&name)))?;
        let read = map.next_value_seed(Erased(&name, *parse, PhantomData))?;
        match map.next_key::<String>()? {
            None => Ok(read),
            Some(second) => Err(A::Error::custom(format!(
                "{name:?} and {second:?} in one place: each {} has a place of its own",
                self.0.sort
            ))),
        }
    }
}

impl<T: ?Sized> Tagged<'_, T> {
    fn missing(&self) -> String {
        format!("no {} is named", self.0.sort)
    }
}

/// Reads what stands behind a name. Errors say the name, and the field that they are about.
struct Erased<'a, T: ?Sized>(&'a str, Parse<T>, PhantomData<T>);

impl<'de, T: ?Sized> DeserializeSeed<'de> for Erased<'_, T> {
    type Value = Box<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let mut track = Track::new();
        let from = serde_path_to_error::Deserializer::new(from, &mut track);
        let read = (self.1)(&mut <dyn erased_serde::Deserializer<'_>>::erase(from));
        read.map_err(|error| {
            let message = error.to_string();
            let path = match track.path().to_string() {
                // The message names the field by itself.
                _ if message.starts_with("unknown field") => String::new(),
                path if path == "." => String::new(),
                path => format!("{path}: "),
            };
            // A check that is made elsewhere, too, names its kind by itself.
            match message.starts_with(&format!("{}: ", self.0)) {
                true => D::Error::custom(message),
                false => D::Error::custom(format!("{}: {path}{message}", self.0)),
            }
        })
    }
}
