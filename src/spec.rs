//! The parameters of a node: one description that builds it, is printed, hashed and written into recipes.

use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

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
/// [default](Default). So a field that a release adds changes no fingerprint, as long as its default means "as before". Where
/// the same parameters come to give other rows, [`VERSION`](Self::VERSION) rises.
pub trait Spec: Serialize + DeserializeOwned + Default + fmt::Debug + Send + Sync + 'static {
    /// The name in recipes, plans, errors and streams of random numbers.
    const NAME: &'static str;

    /// Rises when the same parameters give other rows than before.
    const VERSION: u32 = 1;

    /// Fields that say where something lies. They are printed and not hashed; the identity of what lies there is.
    const LOCATIONS: &'static [&'static str] = &[];

    /// Fields that only decide how fast rows come: threads, memory, devices. They are printed and not hashed.
    const MACHINE: &'static [&'static str] = &[];

    /// Refuses parameters that make no sense.
    ///
    /// # Errors
    ///
    /// `Config` that names the field, its value, and what is allowed.
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
    /// Whether the value decides which rows come and is not the default.
    pub hashed: bool,
}

impl Description {
    /// What `spec` tells of itself.
    ///
    /// # Panics
    ///
    /// For a struct that serde cannot write as a map of fields: a mistake in its `Serialize`.
    pub fn of<S: Spec>(spec: &S) -> Self {
        let (fields, defaults) = (fields(spec), fields(&S::default()));
        let silent = |name: &String| S::LOCATIONS.contains(&name.as_str()) || S::MACHINE.contains(&name.as_str());
        let field = |(name, value): (String, Value)| Field {
            hashed: !silent(&name) && defaults.get(&name) != Some(&value),
            name,
            value,
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

/// Written out and read again, so that an f32 is as short as it can be: 0.1, not 0.10000000149.
fn fields<S: Spec>(spec: &S) -> Map<String, Value> {
    let written = serde_json::to_string(spec).and_then(|text| serde_json::from_str(&text));
    match written {
        Ok(Value::Object(fields)) => fields,
        Ok(other) => panic!("{} is written as {other}, not as a map of fields", S::NAME),
        Err(error) => panic!("{} cannot be written: {error}", S::NAME),
    }
}

/// A value in words: `uniform`, `0.1`, `power 0.5`, `1, 2, 3`.
pub(crate) fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| format!("{name} {}", words(value));
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
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
}

/// Writes a range as `[low, high]`, as torchvision has them: `#[serde(with = "millstream::spec::range")]`.
pub mod range {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::ops::RangeInclusive;

    /// Writes `range`.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn serialize<S: Serializer>(range: &RangeInclusive<f32>, to: S) -> Result<S::Ok, S::Error> {
        [range.start(), range.end()].serialize(to)
    }

    /// Reads a range.
    ///
    /// # Errors
    ///
    /// Those of the format.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RangeInclusive<f32>, D::Error> {
        let [low, high] = <[f32; 2]>::deserialize(from)?;
        Ok(low..=high)
    }
}

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

    /// With the kind `S`, which `parse` reads and checks; it takes the place of one of the same name.
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
    /// of another type or out of range.
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
        let near = self
            .names()
            .map(|known| (strsim::damerau_levenshtein(known, name), known));
        let near = near.min().filter(|(distance, known)| *distance <= known.len() / 2);
        let all = || self.names().collect::<Vec<_>>().join(", ");
        match near {
            Some((_, near)) => format!("unknown {} {name:?}: do you mean {near:?}?", self.sort),
            None => format!("unknown {} {name:?}; there are {}", self.sort, all()),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Catalog<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Reads a spec and checks it.
pub(crate) fn checked<S: Spec>(from: &mut dyn erased_serde::Deserializer<'_>) -> Result<S, erased_serde::Error> {
    let spec: S = erased_serde::deserialize(from)?;
    spec.check()
        .map_err(|error| erased_serde::Error::custom(error.to_string()))?;
    Ok(spec)
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
        let read = map.next_value_seed(Erased(*parse, PhantomData))?;
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

struct Erased<T: ?Sized>(Parse<T>, PhantomData<T>);

impl<'de, T: ?Sized> DeserializeSeed<'de> for Erased<T> {
    type Value = Box<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        (self.0)(&mut <dyn erased_serde::Deserializer<'_>>::erase(from)).map_err(D::Error::custom)
    }
}
