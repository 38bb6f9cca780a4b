//! What names the classes and the folders of YOLO's annotations.

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// What `data.yaml` says.
#[derive(Deserialize)]
pub(super) struct Data {
    pub(super) path: Option<String>,
    pub(super) train: Option<Folders>,
    pub(super) val: Option<Folders>,
    pub(super) test: Option<Folders>,
    pub(super) names: Names,
    /// How many classes there are.
    pub(super) nc: Option<u64>,
    pub(super) kpt_shape: Option<IgnoredAny>,
}

/// One folder, or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Folders {
    One(String),
    Many(Vec<String>),
}

impl Folders {
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::One(folder) => std::slice::from_ref(folder),
            Self::Many(folders) => folders,
        }
    }
}

/// The names of the classes, as a list or by number.
pub(super) struct Names(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfNames;
        impl<'de> Visitor<'de> for OfNames {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of names, or names by number")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = items.next_element()? {
                    names.push(name);
                }
                Ok(Names(names))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Names, A::Error> {
                let mut names = Vec::<(u64, String)>::new();
                while let Some(entry) = entries.next_entry()? {
                    names.push(entry);
                }
                names.sort_unstable_by_key(|entry| entry.0);
                match names.iter().zip(0..).find(|((number, _), wanted)| number != wanted) {
                    Some((_, missing)) => Err(serde::de::Error::custom(format!("class {missing} has no name"))),
                    None => Ok(Names(names.into_iter().map(|(_, name)| name).collect())),
                }
            }
        }
        from.deserialize_any(OfNames)
    }
}
