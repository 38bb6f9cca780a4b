//! TOML as a person would write it.

use super::Spec;
use crate::error::{Error, Result};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// Writes a spec in TOML, complete: what has its default is a comment, and tables come last, each with a line for each of its fields.
///
/// ```
/// use millstream::order::ShuffleSpec;
/// use millstream::spec::{read_toml, to_toml};
///
/// assert_eq!(to_toml(&ShuffleSpec { window: 8 })?, "window = 8\n");
/// assert!(to_toml(&ShuffleSpec::default())?.starts_with("# window = "));
/// assert_eq!(read_toml::<ShuffleSpec>(&to_toml(&ShuffleSpec { window: 8 })?)?.window, 8);
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Config` for a whole number above 2^63 - 1, which TOML does not have, and for a field that is not set where its default is.
pub fn to_toml<S: Spec>(spec: &S) -> Result<String> {
    let (fields, defaults) = (in_order(spec)?, in_order(&S::default())?);
    let default = |name: &str| defaults.get(name).unwrap_or(&Entry::Value(Value::Null));
    let (mut plain, mut tables) = (String::new(), String::new());
    for (name, entry) in &fields.0 {
        match (entry, default(name)) {
            (Entry::Table(table), Entry::Table(defaults)) => {
                tables += &format!("\n[{name}]\n");
                for (field, entry) in &table.0 {
                    let default = defaults.get(field).map_or(Value::Null, Entry::value);
                    let line = line(field, &entry.value(), &default);
                    tables += &line.map_err(|error| error.context(name.clone()))?;
                }
            }
            (entry, default) => plain += &line(name, &entry.value(), &default.value())?,
        }
    }
    Ok((plain + &tables).trim_start().to_owned())
}

/// `name = value`, a comment where it is the `default`.
fn line(name: &str, value: &Value, default: &Value) -> Result<String> {
    match (value, default) {
        (Value::Null, Value::Null) => Ok(format!("# {name} is not set\n")),
        (Value::Null, _) => Err(Error::config(format!("{name} is not set, for which TOML has no word"))),
        _ => {
            let written = toml::Value::try_from(without_null(value));
            let written =
                written.map_err(|error| Error::config(format!("{name} cannot be written in TOML: {error}")))?;
            let mark = if value == default { "# " } else { "" };
            Ok(format!("{mark}{name} = {written}\n"))
        }
    }
}

/// `value` without the fields that are not set.
fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(set.map(|(name, value)| (name.clone(), without_null(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_null).collect()),
        other => other.clone(),
    }
}

fn in_order<S: Spec>(spec: &S) -> Result<Ordered> {
    let written = serde_json::to_string(spec).and_then(|text| serde_json::from_str(&text));
    written.map_err(|error| Error::config(format!("{} cannot be written: {error}", S::NAME)))
}

/// Fields in the order of their struct.
struct Ordered(Vec<(String, Entry)>);

/// A field: a table of fields, or anything else.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Entry {
    Table(Ordered),
    Value(Value),
}

impl Ordered {
    fn get(&self, name: &str) -> Option<&Entry> {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map(|(_, entry)| entry)
    }
}

impl Entry {
    fn value(&self) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Table(table) => {
                let fields = table.0.iter().map(|(name, entry)| (name.clone(), entry.value()));
                Value::Object(fields.collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Ordered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Ordered(fields))
    }
}
