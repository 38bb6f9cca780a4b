//! The parameters of a list.

use crate::error::{Error, Result};
use crate::source::split::Split;
use crate::spec::Spec;
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parameters of [`Listing`](super::Listing): which lists, and what their columns are.
///
/// Path and split are [locations](Spec::LOCATIONS): the same rows elsewhere have the same fingerprint, since the lists' bytes, and the
/// names and sizes of the files that they name, are hashed in their place.
///
/// ```
/// use millstream::source::ListingSpec;
///
/// let text = r#"{ "path": "train.csv", "file_name": "photo", "types": { "label": "Int32" } }"#;
/// let spec: ListingSpec = serde_json::from_str(text)?;
/// assert_eq!(spec.file_name.as_deref(), Some("photo"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListingSpec {
    /// Files, folders and patterns, one after the other: a text, or a list of them.
    #[serde(with = "crate::spec::one_or_more")]
    pub path: Vec<String>,
    /// Of folders with several splits the lists of this one. Defaults to none: a folder must have one split only.
    pub split: Option<Split>,
    /// The columns that come out, in that order. Defaults to all: image, if there are pictures, then those of the list.
    pub columns: Option<Vec<String>>,
    /// The column of paths of pictures. Defaults to `file_name`, or else to the only one that can be it.
    pub file_name: Option<String>,
    /// Whether paths may leave the list's folder. Defaults to no.
    pub outside: bool,
    /// Types of columns by their Arrow names, such as `Int32` or `Utf8`. Defaults to none: types are inferred.
    pub types: BTreeMap<String, String>,
}

impl Spec for ListingSpec {
    const NAME: &'static str = "listing";
    const LOCATIONS: &'static [&'static str] = &["path", "split"];

    fn check(&self) -> Result<()> {
        if self.path.is_empty() {
            return Err(Error::config("path: name a file, a folder or a pattern"));
        }
        if self.columns.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::config("columns: name at least one, or leave it out for all"));
        }
        self.types
            .keys()
            .try_for_each(|column| self.data_type(column).map(drop))
    }
}

impl ListingSpec {
    /// The type that was given for `column`.
    pub(super) fn data_type(&self, column: &str) -> Result<Option<DataType>> {
        let Some(text) = self.types.get(column) else {
            return Ok(None);
        };
        match text.parse::<DataType>() {
            Ok(data_type) => Ok(Some(data_type)),
            Err(source) => {
                let message = format!(
                    "types: {column:?} is {text:?}, which is no type of Arrow's: Int64, Float32 and Utf8 are some"
                );
                Err(Error::config(message).with_source(source))
            }
        }
    }
}
