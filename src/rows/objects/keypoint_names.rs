//! What the keypoints of objects are called, which lines join them, and which change places in a mirror.

use crate::columns::list_item;
use crate::error::{Error, Result};
use crate::source::KEYPOINTS;
use arrow::datatypes::{Field, Schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of the field of keypoints.
pub(super) const FIELD: &str = "keypoints";

/// What is said of the keypoints of objects, each by its place from 0 on.
///
/// An [import](crate::import) writes it into the key-value metadata of its Parquet files, since Hugging Face's has no place for it: under the key
/// `millstream.keypoints`, as a JSON object by the column of objects. Files of your own may say it, too:
///
/// ```json
/// {"objects": {"names": ["nose", "left_eye", "right_eye"], "skeleton": [[0, 1], [0, 2]], "mirror_pairs": [[1, 2]]}}
/// ```
///
/// [`objects`](crate::DatasetExt::objects) hands it on in the metadata of the column of keypoints, under the same key. There an image stage finds the pairs
/// that change places where it mirrors a picture, unless [`Keypoints::mirror_pairs`](crate::image::Keypoints::mirror_pairs) names others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeypointNames {
    /// Their names; none where they have none.
    pub names: Vec<String>,
    /// Pairs of points with a line between them.
    pub skeleton: Vec<[usize; 2]>,
    /// Pairs of points of which one is left and the other right.
    pub mirror_pairs: Vec<[usize; 2]>,
}

impl KeypointNames {
    /// Pairs that are told in words, at most.
    const TOLD: usize = 10;

    /// What `schema` says of the `many` keypoints of the objects in `column`; none where it says nothing.
    ///
    /// # Errors
    ///
    /// `Schema` for what is no such JSON, and where it tells of other points.
    pub(super) fn of_schema(schema: &Schema, column: &str, many: usize) -> Result<Option<Self>> {
        let Some(text) = schema.metadata().get(KEYPOINTS) else {
            return Ok(None);
        };
        let mut all: BTreeMap<String, Self> = serde_json::from_str(text).map_err(|error| unread(column, &error))?;
        let Some(own) = all.remove(column) else { return Ok(None) };
        own.check(column, many)?;
        Ok(Some(own))
    }

    /// What the metadata of `field`, a column of keypoints of which an object has `many`, says of them; none where it says nothing.
    ///
    /// # Errors
    ///
    /// As [`of_schema`](Self::of_schema).
    pub(crate) fn of_field(field: &Field, many: usize) -> Result<Option<Self>> {
        let Some(text) = field.metadata().get(KEYPOINTS) else {
            return Ok(None);
        };
        let own: Self = serde_json::from_str(text).map_err(|error| unread(field.name(), &error))?;
        own.check(field.name(), many)?;
        Ok(Some(own))
    }

    /// Whether `field` is known as a column of keypoints: something is said of them, or it is called `keypoints`, as `objects.keypoints` is, and holds lists
    /// of several numbers each.
    pub(crate) fn are_known_in(field: &Field) -> bool {
        let is_called = field.name().rsplit('.').next() == Some(FIELD);
        field.metadata().contains_key(KEYPOINTS) || is_called && holds_lists_of_numbers(field)
    }

    /// What metadata says under the key `millstream.keypoints`.
    pub(crate) fn metadata(&self) -> (String, String) {
        (KEYPOINTS.to_owned(), serde_json::json!(self).to_string())
    }

    /// What the metadata of a file says under that key of the objects in `column`.
    pub(crate) fn file_metadata(&self, column: &str) -> (String, String) {
        (KEYPOINTS.to_owned(), serde_json::json!({ column: self }).to_string())
    }

    /// The pairs that change places, in words; none where there are none. Points without names have their numbers, from 0.
    pub(crate) fn pairs_in_words(&self) -> Option<String> {
        let name = |at: usize| self.names.get(at).cloned().unwrap_or_else(|| at.to_string());
        let all = self.mirror_pairs.iter().take(Self::TOLD);
        let mut all: Vec<String> = all
            .map(|&[left, right]| format!("{} and {}", name(left), name(right)))
            .collect();
        if let Some(more) = self.mirror_pairs.len().checked_sub(Self::TOLD).filter(|more| *more > 0) {
            all.push(format!("{more} more pairs"));
        }
        let all = (!all.is_empty()).then(|| all.join(", "))?;
        Some(match self.names.is_empty() {
            true => format!("points {all} (counted from 0)"),
            false => all,
        })
    }

    fn check(&self, column: &str, many: usize) -> Result<()> {
        let refused = |why: String| {
            Err(Error::schema(format!(
                "column \"{column}\": metadata {KEYPOINTS}: {why}"
            )))
        };
        if !self.names.is_empty() && self.names.len() != many {
            let names = self.names.len();
            return refused(format!("{names} names, and objects have {many} keypoints"));
        }
        let mut pairs = self.skeleton.iter().chain(&self.mirror_pairs).flatten();
        match pairs.find(|point| **point >= many) {
            Some(point) => refused(format!("a pair has point {point}, of {many} from 0 on")),
            None => Ok(()),
        }
    }
}

/// Whether the items of lists in `field` are lists of numbers themselves.
fn holds_lists_of_numbers(field: &Field) -> bool {
    let (mut inner, mut depth) = (field.data_type(), 0);
    while let Some(item) = list_item(inner) {
        inner = item.data_type();
        depth += 1;
    }
    depth > 1 && inner.is_numeric()
}

fn unread(column: &str, error: &serde_json::Error) -> Error {
    Error::schema(format!(
        "column \"{column}\": metadata {KEYPOINTS} is no JSON object of names, skeleton and mirror_pairs: {error}"
    ))
}
