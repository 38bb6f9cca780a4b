//! Kinds by name, and how one is read under its name.

use super::elsewhere::{Meant, meant};
use super::nearest::{nearest, one_line};
use super::{Description, Spec};
use crate::error::{Error, Result};
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Kinds of one sort (operations, sources, ..) by name, for recipes that name them.
pub struct Catalog<T: ?Sized> {
    /// "operation", for errors.
    sort: &'static str,
    kinds: BTreeMap<&'static str, Known<T>>,
}

/// How one kind is read.
struct Known<T: ?Sized> {
    parse: Parse<T>,
    /// Its fields as they are where none is said.
    defaults: fn() -> Description,
    /// The type that is read.
    of: TypeId,
    /// Whether another type is known under the same name, so that neither can be read.
    is_ambiguous: bool,
}

impl<T: ?Sized> Clone for Known<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Known<T> {}

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

    /// With the kind `K`, which `parse` reads and checks. Where another type has its name, both are refused when they are read:
    /// fingerprints know kinds by their names, and could not tell the two apart.
    pub(crate) fn with<K: Spec>(mut self, parse: Parse<T>) -> Self {
        let of = TypeId::of::<K>();
        let is_ambiguous = |known: &Known<T>| known.is_ambiguous || known.of != of;
        let known = Known {
            parse,
            defaults: || Description::of(&K::default()),
            of,
            is_ambiguous: self.kinds.get(K::NAME).is_some_and(is_ambiguous),
        };
        self.kinds.insert(K::NAME, known);
        self
    }

    /// The parameters of each kind as they are where none is said, in the order of the names.
    pub fn defaults(&self) -> impl Iterator<Item = Description> {
        self.kinds.values().map(|known| (known.defaults)())
    }

    /// Whether another type than `spec` is known as `name`.
    pub(crate) fn has_other(&self, name: &str, spec: TypeId) -> bool {
        let known = self.kinds.get(name);
        known.is_some_and(|known| known.of != spec)
    }

    /// How the kind `name` is read.
    fn parse(&self, name: &str) -> Result<Parse<T>, String> {
        match self.kinds.get(name) {
            Some(known) if known.is_ambiguous => Err(format!(
                "two {}s are called {name:?}, and fingerprints could not tell them apart: give the one that was registered \
                 another Spec::NAME",
                self.sort
            )),
            Some(known) => Ok(known.parse),
            None => Err(self.unknown(name)),
        }
    }

    /// The names, in the order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }

    /// Reads `{ name = { fields } }`, or the name alone where all fields have their default.
    ///
    /// # Errors
    ///
    /// Those of the format, with its line and column: an unknown name (with the nearest known one), an unknown field, a value
    /// of another type or out of range. All but the first begin with the name: `rotate: degrees: invalid type: ..`.
    pub fn read<'de, D: Deserializer<'de>>(&self, from: D) -> Result<Box<T>, D::Error> {
        from.deserialize_any(Tagged(self))
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
        let near = match meant(name, self.names()) {
            Some(Meant::Name(ours)) => Some(ours),
            Some(Meant::NoOperation(why)) if self.sort == "operation" => {
                return format!("unknown operation {name:?}: {why}");
            }
            _ => nearest(name, self.names()),
        };
        match near {
            Some(near) => format!("unknown {} {name:?}: do you mean {near:?}?", self.sort),
            None => {
                let all = self.names().collect::<Vec<_>>().join(", ");
                format!(
                    "unknown {} {name:?}; there are {all}, and those that a program adds of its own",
                    self.sort
                )
            }
        }
    }
}

impl<T: ?Sized> fmt::Debug for Catalog<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// One of the kinds, under its name.
struct Tagged<'a, T: ?Sized>(&'a Catalog<T>);

impl<'de, T: ?Sized> Visitor<'de> for Tagged<'_, T> {
    type Value = Box<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one {} and its parameters", self.0.sort)
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        let parse = self.0.parse(name).map_err(E::custom)?;
        let no_fields = std::iter::empty::<(&str, &str)>();
        Erased(name, parse, PhantomData).deserialize(MapDeserializer::new(no_fields))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let name: String = map.next_key()?.ok_or_else(|| A::Error::custom(self.missing()))?;
        let parse = self.0.parse(&name).map_err(A::Error::custom)?;
        let read = map.next_value_seed(Erased(&name, parse, PhantomData))?;
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

/// Reads what stands behind a name. Errors say the name.
struct Erased<'a, T: ?Sized>(&'a str, Parse<T>, PhantomData<T>);

impl<'de, T: ?Sized> DeserializeSeed<'de> for Erased<'_, T> {
    type Value = Box<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        let read = (self.1)(&mut <dyn erased_serde::Deserializer<'_>>::erase(from));
        read.map_err(|error| {
            let message = one_line(&error.to_string());
            // A check that is made elsewhere, too, names its kind by itself.
            match message.starts_with(&format!("{}: ", self.0)) {
                true => D::Error::custom(message),
                false => D::Error::custom(format!("{}: {message}", self.0)),
            }
        })
    }
}
