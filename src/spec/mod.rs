//! The parameters of a node: one description that builds it, is printed, hashed and written into recipes.

mod by_name;
mod catalog;
mod checked;
mod elsewhere;
mod forms;
mod named;
mod nearest;
mod reading;
mod toml;
mod write_toml;

pub use catalog::Catalog;
pub(crate) use checked::checked;
pub use forms::{one_or_more, range};
pub(crate) use named::reading_with;
pub use named::{Kind, Named};
pub(crate) use nearest::{nearest, nearest_in_words};
pub use reading::{read, read_json};
pub use toml::{from_toml, read_toml};
pub use write_toml::to_toml;

use crate::error::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::any::TypeId;
use std::fmt;

/// The plain parameters of a source, adapter, stage, operation, generator or run.
///
/// There is no second list of them: the builder fills this struct, `explain()` prints it, the fingerprint hashes it, a recipe
/// holds it, and errors name its fields. Derive serde's traits with `#[serde(default, deny_unknown_fields)]`:
///
/// ```
/// use millstream::plan::Plan;
/// use millstream::spec::Spec;
/// use serde::{Deserialize, Serialize};
///
/// /// Inverts all colours with probability `p`.
/// #[derive(Clone, Debug, Serialize, Deserialize)]
/// #[serde(default, deny_unknown_fields)]
/// struct Invert {
///     p: f32,
///     channel: Option<u8>,
/// }
///
/// impl Default for Invert {
///     fn default() -> Self {
///         Self { p: 0.5, channel: None }
///     }
/// }
///
/// impl Spec for Invert {
///     const NAME: &'static str = "invert";
/// }
///
/// let plan = Plan::of(&Invert { p: 0.1, channel: None });
/// assert_eq!(plan.to_string(), "invert     p 0.1");
/// ```
///
/// # What is hashed
///
/// The struct as it is written again: keys in order, floats as short as they can be, and without fields that have their
/// [default](Default), in structs inside of it too. So a field that a release adds changes no fingerprint, as long as its default means "as before". A
/// struct in a list has no default to compare with: it is hashed as it is written, so a field that is added to one must not be
/// written (`skip_serializing_if`) where it has its default. Where the same parameters come to give other rows,
/// [`VERSION`](Self::VERSION) rises.
pub trait Spec: Serialize + DeserializeOwned + Default + fmt::Debug + Send + Sync + 'static {
    /// The name in recipes, plans, errors and streams of random numbers.
    const NAME: &'static str;

    /// Rises when the same parameters give other rows than before.
    const VERSION: u32 = 1;

    /// Fields that say where something lies, `table.field` for one inside of a table. They are printed and not hashed; the identity of
    /// what lies there is.
    const LOCATIONS: &'static [&'static str] = &[];

    /// Fields, or tables of them, that only decide how fast rows come: threads, memory, devices. They are printed and not hashed.
    const MACHINE: &'static [&'static str] = &[];

    /// Refuses parameters that make no sense.
    ///
    /// # Errors
    ///
    /// `Config` that begins with the name of the field (`table.field` of one inside of a table), its value, and what is allowed. By that
    /// name the place in a recipe is found.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// A [`Spec`] as plain data: what a trait object can tell of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// [`Spec::NAME`].
    pub name: &'static str,
    /// [`Spec::VERSION`].
    pub version: u32,
    /// The fields, by name, in the order of the alphabet.
    pub fields: Vec<Field>,
}

/// One field of a [`Description`].
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value; `null` for an option that is not set.
    pub value: Value,
    /// Whether it is a table of fields, not one value.
    pub is_table: bool,
    /// Whether it decides which rows come: it is neither a location nor a matter of the machine.
    pub decides_rows: bool,
    /// What of it is hashed: the value without the parts of it that have their default; none where nothing is left.
    pub hashed: Option<Value>,
}

impl Description {
    /// What `spec` tells of itself.
    ///
    /// # Panics
    ///
    /// For a struct that serde cannot write as a map of fields: a mistake in its `Serialize`.
    pub fn of<S: Spec>(spec: &S) -> Self {
        let (fields, defaults) = (fields(spec), fields(&S::default()));
        let silent: Vec<&str> = S::LOCATIONS.iter().chain(S::MACHINE).copied().collect();
        let field = |(name, value): (String, Value)| {
            let default = defaults.get(&name).unwrap_or(&Value::Null);
            let decides_rows = !silent.contains(&name.as_str());
            let hashed = decides_rows.then(|| {
                let inside = silent
                    .iter()
                    .filter_map(|path| path.strip_prefix(&*name)?.strip_prefix('.'));
                let inside: Vec<&str> = inside.collect();
                without_defaults(&without(&value, &inside), &without(default, &inside))
            });
            Field {
                is_table: default.is_object(),
                decides_rows,
                hashed: hashed.flatten(),
                name,
                value,
            }
        };
        let mut fields: Vec<Field> = fields.into_iter().map(field).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            name: S::NAME,
            version: S::VERSION,
            fields,
        }
    }

    /// `{ name = { fields } }`, as a recipe has it.
    pub fn tagged(&self) -> Value {
        let fields = self.fields.iter().filter(|field| !field.value.is_null());
        let fields: Map<String, Value> = fields.map(|field| (field.name.clone(), field.value.clone())).collect();
        Value::Object([(self.name.to_owned(), Value::Object(fields))].into_iter().collect())
    }
}

impl Field {
    /// The fields inside of one that is a table, each with what is hashed of it; none of another one.
    #[cfg(feature = "train")]
    pub(crate) fn table(&self) -> Option<Vec<Self>> {
        let fields = self.value.as_object()?.iter().map(|(name, value)| {
            let hashed = self.hashed.as_ref().and_then(|hashed| hashed.get(name)).cloned();
            Self {
                name: name.clone(),
                value: value.clone(),
                is_table: false,
                decides_rows: self.decides_rows,
                hashed,
            }
        });
        Some(fields.collect())
    }
}

/// Written out and read again, so that an f32 is as short as it can be: 0.1, not 0.10000000149.
fn fields<S: Spec>(spec: &S) -> Map<String, Value> {
    let written = serde_json::to_string(spec).and_then(|text| serde_json::from_str(&text));
    match written {
        Ok(Value::Object(fields)) => fields,
        Ok(other) => panic!("{} is written as {other}, not as a map of fields", S::NAME),
        Err(error) => panic!("{} cannot be written: {error}", S::NAME),
    }
}

/// `value` without the fields that `names` names.
fn without(value: &Value, names: &[&str]) -> Value {
    match value {
        Value::Object(fields) => {
            let left = fields.iter().filter(|(name, _)| !names.contains(&name.as_str()));
            Value::Object(left.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// `value` without the parts that are those of `default`; none where that is all of it.
fn without_defaults(value: &Value, default: &Value) -> Option<Value> {
    match (value, default) {
        _ if value == default => None,
        (Value::Object(fields), Value::Object(defaults)) => {
            // A field that is not written, and has a default, is one that was taken away.
            let gone = defaults.keys().filter(|name| !fields.contains_key(*name));
            let gone = gone.map(|name| (name.clone(), Value::Null));
            let changed = |(name, value): (&String, &Value)| {
                let default = defaults.get(name).unwrap_or(&Value::Null);
                without_defaults(value, default).map(|value| (name.clone(), value))
            };
            Some(Value::Object(fields.iter().filter_map(changed).chain(gone).collect()))
        }
        _ => Some(value.clone()),
    }
}

/// A value as it is hashed: JSON with its keys in order, and whole numbers without a fraction.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            let field = |(name, value): &(&String, &Value)| format!("{name:?}:{}", canonical(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
        }
        Value::Number(_) => words(value),
        other => other.to_string(),
    }
}

/// A value in words: `uniform`, `0.1`, `power 0.5`, `[0.1, 2]`, `image, mask`. What is not set inside of it is left out.
pub(crate) fn words(value: &Value) -> String {
    worded(value, true)
}

/// As [`words`], for a reader: empty lists inside of it are left out as well, and a name without parameters stands alone. Cursors and the manifests of imports
/// compare [`words`], which stay as they are.
pub(crate) fn shown_words(value: &Value) -> String {
    worded(value, false)
}

fn worded(value: &Value, with_empty: bool) -> String {
    let all = |items: &[Value]| {
        let items = items.iter().map(|item| worded(item, with_empty));
        items.collect::<Vec<_>>().join(", ")
    };
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().any(Value::is_number) => format!("[{}]", all(items)),
        Value::Array(items) => all(items),
        Value::Object(fields) => {
            let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
            let is_set = |value: &Value| !value.is_null() && (with_empty || !is_empty(value));
            let field = |(name, value): (&String, &Value)| match worded(value, with_empty) {
                words if words.is_empty() && !with_empty => name.clone(),
                words => format!("{name} {words}"),
            };
            let set = fields.iter().filter(|(_, value)| is_set(value));
            set.map(field).collect::<Vec<_>>().join(", ")
        }
        // 1, not 1.0.
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or(f64::NAN).to_string(),
        other => other.to_string(),
    }
}

/// What can be told of any [`Spec`] without its type.
pub trait Describe {
    /// [`Spec::NAME`].
    fn name(&self) -> &'static str;

    /// Name, version and fields.
    fn description(&self) -> Description;

    /// [`Spec::check`].
    ///
    /// # Errors
    ///
    /// As that.
    fn check(&self) -> Result<()>;

    /// The type of the spec.
    fn spec_type(&self) -> TypeId;
}

impl<S: Spec> Describe for S {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn description(&self) -> Description {
        Description::of(self)
    }

    fn check(&self) -> Result<()> {
        Spec::check(self)
    }

    fn spec_type(&self) -> TypeId {
        TypeId::of::<S>()
    }
}
