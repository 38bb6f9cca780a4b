//! Names of classes as they are written: texts, or whole numbers for those of a column of such.

use serde::de::{Deserialize, Error, Visitor};
use serde::{Deserializer, Serialize, Serializer};
use std::fmt;

pub(super) fn serialize<S: Serializer>(names: &[String], to: S) -> Result<S::Ok, S::Error> {
    names.serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<Name>::deserialize(from)?;
    Ok(names.into_iter().map(|name| name.0).collect())
}

struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OfClass)
    }
}

struct OfClass;

impl Visitor<'_> for OfClass {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a class")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(Name(name.to_owned()))
    }

    fn visit_u64<E: Error>(self, name: u64) -> Result<Name, E> {
        Ok(Name(name.to_string()))
    }

    fn visit_i64<E: Error>(self, name: i64) -> Result<Name, E> {
        Ok(Name(name.to_string()))
    }
}
