//! What names the classes and the folders of YOLO's annotations.

use serde::de::{MapAccess, SeqAccess, Visitor};
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
    /// How many keypoints an object has, and how many numbers each of them.
    pub(super) kpt_shape: Option<Vec<usize>>,
    /// For each keypoint the one whose place it takes in a mirror.
    pub(super) flip_idx: Option<Vec<usize>>,
    pub(super) kpt_names: Option<PointNames>,
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

/// The names of the keypoints, those of each class; or of all, where they are a list.
pub(super) struct PointNames(pub(super) Vec<Vec<String>>);

impl<'de> Deserialize<'de> for PointNames {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfPoints;
        impl<'de> Visitor<'de> for OfPoints {
            type Value = PointNames;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of names, or one for each class by number")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<PointNames, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = items.next_element()? {
                    names.push(name);
                }
                Ok(PointNames(vec![names]))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<PointNames, A::Error> {
                let mut names = Vec::new();
                while let Some((_, own)) = entries.next_entry::<u64, Vec<String>>()? {
                    names.push(own);
                }
                Ok(PointNames(names))
            }
        }
        from.deserialize_any(OfPoints)
    }
}
