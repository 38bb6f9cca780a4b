//! The parameters of a folder of pictures.

use crate::error::{Error, Result};
use crate::source::split::Split;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of [`Folder`](super::Folder): which folders, and which of the files in them.
///
/// Path and split are [locations](Spec::LOCATIONS): the same rows elsewhere have the same fingerprint, since names and sizes of the
/// files are hashed in their place.
///
/// ```
/// use millstream::source::{FolderSpec, Split};
///
/// let spec: FolderSpec = serde_json::from_str(r#"{ "path": "photos", "split": "val" }"#)?;
/// assert_eq!((spec.split, spec.labels, spec.allow_empty), (Some(Split::Validation), true, false));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FolderSpec {
    /// Folders, one after the other: a text, or a list of them. Classes of one name are one class.
    #[serde(with = "crate::spec::one_or_more")]
    pub path: Vec<String>,
    /// Of folders with several splits this one. Defaults to none: a folder must have one split only.
    pub split: Option<Split>,
    /// The columns that come out, in that order. Defaults to image, label and path.
    pub columns: Option<Vec<String>>,
    /// Whether the folders directly below are classes. Defaults to yes; if not, all pictures below are rows, and there is no column
    /// `label`.
    pub labels: bool,
    /// Whether a class may have no pictures. Defaults to no.
    pub allow_empty: bool,
    /// How the names of pictures end, without the dot. Defaults to jpg, jpeg, png, bmp, tif, tiff and webp.
    pub extensions: Option<Vec<String>>,
}

impl Default for FolderSpec {
    fn default() -> Self {
        Self {
            path: Vec::new(),
            split: None,
            columns: None,
            labels: true,
            allow_empty: false,
            extensions: None,
        }
    }
}

impl Spec for FolderSpec {
    const NAME: &'static str = "folder";
    const LOCATIONS: &'static [&'static str] = &["path", "split"];

    fn check(&self) -> Result<()> {
        if self.path.is_empty() {
            return Err(Error::config("path: name a folder"));
        }
        let empty = |list: &Option<Vec<String>>| list.as_ref().is_some_and(Vec::is_empty);
        if empty(&self.columns) {
            return Err(Error::config("columns: name at least one, or leave it out for all"));
        }
        if empty(&self.extensions) {
            return Err(Error::config(
                "extensions: name at least one, or leave it out for the usual ones",
            ));
        }
        let dotted = self
            .extensions
            .iter()
            .flatten()
            .find(|name| name.starts_with('.') || name.is_empty());
        match dotted {
            Some(name) => Err(Error::config(format!(
                "extensions: {name:?} has to be written without the dot"
            ))),
            None => Ok(()),
        }
    }
}
