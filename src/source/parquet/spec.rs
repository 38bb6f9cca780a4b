//! The parameters of a Parquet dataset.

use crate::error::{Error, Result};
use crate::source::split::Split;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// The parameters of [`Parquet`](super::Parquet): which files, which rows of them, and which columns.
///
/// Path and split are [locations](Spec::LOCATIONS): the same rows elsewhere have the same fingerprint, since the identity of the
/// files is hashed in their place (names, sizes, rows, footers).
///
/// ```
/// use millstream::source::{ParquetSpec, Split};
///
/// let spec: ParquetSpec = serde_json::from_str(r#"{ "path": "data", "split": "train", "columns": ["image", "label"] }"#)?;
/// assert_eq!((spec.path, spec.split), (vec!["data".to_owned()], Some(Split::Train)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ParquetSpec {
    /// Files, folders and patterns, one after the other: a text, or a list of them.
    #[serde(with = "crate::spec::one_or_more")]
    pub path: Vec<String>,
    /// Of folders with several splits the files of this one. Defaults to none: a folder must have one split only.
    pub split: Option<Split>,
    /// The columns that come out, in that order; tensors by their names. Defaults to all, in the order of the files.
    pub columns: Option<Vec<String>>,
    /// Tensors that are put together of columns of numbers. Defaults to none.
    pub tensors: Vec<TensorSpec>,
}

/// Columns of numbers that come out as one tensor column: see [`Parquet::tensor`](super::Parquet::tensor).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorSpec {
    /// The name of the tensor column.
    pub name: String,
    /// The columns, in the order of the tensor.
    pub columns: Vec<String>,
}

impl Spec for ParquetSpec {
    const NAME: &'static str = "parquet";
    const LOCATIONS: &'static [&'static str] = &["path", "split"];

    fn check(&self) -> Result<()> {
        if self.path.is_empty() {
            return Err(Error::config("path: name a file, a folder or a pattern"));
        }
        match &self.columns {
            Some(columns) if columns.is_empty() => {
                Err(Error::config("columns: name at least one, or leave it out for all"))
            }
            _ => Ok(()),
        }
    }
}

impl ParquetSpec {
    /// The same with these columns alone, of which others than those that are asked for may be tensors.
    pub(super) fn project(&self, names: &[&str]) -> Self {
        let mut projected = self.clone();
        projected.tensors.retain(|tensor| names.contains(&&*tensor.name));
        projected.columns = Some(names.iter().map(|&name| name.to_owned()).collect());
        projected
    }

    /// The same with one tensor more, which takes the place of the first of its columns.
    pub(super) fn with_tensor(&self, name: &str, columns: &[&str]) -> Self {
        let mut with = self.clone();
        with.tensors.push(TensorSpec {
            name: name.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
        });
        if let Some(all) = &mut with.columns {
            let mut tensor = Some(name.to_owned());
            let place = |column: String| match columns.contains(&&*column) {
                true => tensor.take(),
                false => Some(column),
            };
            *all = std::mem::take(all).into_iter().filter_map(place).collect();
        }
        with
    }

    /// The columns that are read so that `columns` can be made: those of tensors in their places.
    pub(super) fn stored_columns<'a>(&'a self, columns: &'a [String]) -> Vec<&'a str> {
        let mut stored = Vec::new();
        for column in columns {
            match self.tensors.iter().find(|tensor| tensor.name == *column) {
                Some(tensor) => stored.extend(tensor.columns.iter().map(String::as_str)),
                None => stored.push(column),
            }
        }
        stored
    }
}
