//! Where the rows of a run come from.

use crate::error::{Error, Remedy, Result};
use crate::source::SourceSpec;
use crate::spec::{Named, one_or_more};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::ops::{Deref, DerefMut};

/// Where the rows of a set come from: files, folders and patterns, or a source by its name.
///
/// In a recipe it is a path, a list of paths, or a source with its parameters: `train = "photos"`, `train = { discs = { rows = 200 } }`.
/// Sources of a program's own are known inside of [`Registry::reading`](crate::registry::Registry::reading). As a slice it is the paths: a
/// source has none.
///
/// ```
/// use millstream::task::DataSource;
///
/// let files: DataSource = serde_json::from_str(r#"["a.parquet", "b.parquet"]"#)?;
/// assert_eq!(files, ["a.parquet", "b.parquet"]);
/// let source: DataSource = serde_json::from_str(r#"{ "parquet": { "path": "a.parquet" } }"#)?;
/// assert_eq!(source.source().map(|source| source.name()), Some("parquet"));
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// In code it is any [`SourceSpec`], one of a program's own, too, which need not be registered for that:
///
/// ```
/// use futures::future::BoxFuture;
/// use millstream::arrow::array::{ArrayRef, BinaryArray, RecordBatch, StringArray};
/// use millstream::image::Pixels;
/// use millstream::source::{Memory, SourceSpec};
/// use millstream::spec::{Named, Spec};
/// use millstream::task::{DataSource, Finetune};
/// use millstream::{Context, Result, Stable};
/// use serde::{Deserialize, Serialize};
/// use std::sync::Arc;
///
/// /// Pictures of two classes.
/// #[derive(Debug, Default, Serialize, Deserialize)]
/// #[serde(default, deny_unknown_fields)]
/// struct Drawn {
///     rows: u32,
/// }
///
/// impl Spec for Drawn {
///     const NAME: &'static str = "drawn";
/// }
///
/// impl SourceSpec for Drawn {
///     fn open<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
///         Box::pin(async move {
///             let png = Pixels::new(8, 8).to_png()?;
///             let image: ArrayRef = Arc::new(BinaryArray::from_iter_values((0..self.rows).map(|_| &png)));
///             let label = (0..self.rows).map(|row| ["cat", "dog"][row as usize % 2]);
///             let label: ArrayRef = Arc::new(StringArray::from_iter_values(label));
///             let rows = RecordBatch::try_from_iter([("image", image), ("label", label)])?;
///             Ok(Arc::new(Memory::new(vec![rows])?) as Arc<dyn Stable>)
///         })
///     }
/// }
///
/// let mut run = Finetune::default().out("runs/mine");
/// run.spec.data.train = DataSource::Source(Named::new(Arc::new(Drawn { rows: 20 })));
/// let datasets = run.datasets(&Context::new()?)?;
/// assert_eq!((datasets.targets.len(), datasets.valid_rows()), (18, 2)); // a tenth of each class is held out
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum DataSource {
    /// Files, folders or patterns, of one [kind](crate::source::Files).
    Files(Vec<String>),
    /// A source. Where it finds its data is its own matter; of a recipe relative paths in its field `path`, where that is a
    /// [location](crate::spec::Spec::LOCATIONS), begin at the recipe's folder, as files do, and others at the working directory.
    Source(Named<dyn SourceSpec>),
}

impl DataSource {
    /// Whether nothing is named: no file, and no source.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Files(files) if files.is_empty())
    }

    /// The source, if it is one.
    pub fn source(&self) -> Option<&Named<dyn SourceSpec>> {
        match self {
            Self::Files(_) => None,
            Self::Source(source) => Some(source),
        }
    }

    /// Lets its paths be what `moved` makes of them.
    pub(in crate::task) fn start_paths_with(&mut self, moved: &dyn Fn(&str) -> Result<String>) -> Result<()> {
        match self {
            Self::Files(paths) => paths.iter_mut().try_for_each(|path| {
                *path = moved(path)?;
                Ok(())
            }),
            Self::Source(source) => {
                *source = source.with_paths(moved)?;
                Ok(())
            }
        }
    }

    /// The paths.
    ///
    /// # Errors
    ///
    /// `Config` for a source; `what` reads files alone.
    pub fn into_files(self, what: &str) -> Result<Vec<String>> {
        match self {
            Self::Files(files) => Ok(files),
            Self::Source(source) => Err(Error::config(format!(
                "{what} reads files alone, and the data is the source {:?}",
                source.name()
            ))),
        }
    }
}

impl Default for DataSource {
    fn default() -> Self {
        Self::Files(Vec::new())
    }
}

impl Deref for DataSource {
    type Target = [String];

    fn deref(&self) -> &[String] {
        match self {
            Self::Files(files) => files,
            Self::Source(_) => &[],
        }
    }
}

impl DerefMut for DataSource {
    fn deref_mut(&mut self) -> &mut [String] {
        match self {
            Self::Files(files) => files,
            Self::Source(_) => &mut [],
        }
    }
}

impl<S: Into<String>> FromIterator<S> for DataSource {
    fn from_iter<I: IntoIterator<Item = S>>(files: I) -> Self {
        Self::Files(files.into_iter().map(Into::into).collect())
    }
}

/// The paths; none of a source.
impl IntoIterator for DataSource {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        match self {
            Self::Files(files) => files.into_iter(),
            Self::Source(_) => Vec::new().into_iter(),
        }
    }
}

/// The paths; none of a source.
impl<'a> IntoIterator for &'a DataSource {
    type Item = &'a String;
    type IntoIter = std::slice::Iter<'a, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Vec<String>> for DataSource {
    fn from(files: Vec<String>) -> Self {
        Self::Files(files)
    }
}

impl From<Named<dyn SourceSpec>> for DataSource {
    fn from(source: Named<dyn SourceSpec>) -> Self {
        Self::Source(source)
    }
}

/// Equal are those that are written alike.
impl PartialEq for DataSource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Files(own), Self::Files(other)) => own == other,
            (Self::Source(own), Self::Source(other)) => own.description().tagged() == other.description().tagged(),
            _ => false,
        }
    }
}

impl<T: AsRef<str>, const N: usize> PartialEq<[T; N]> for DataSource {
    fn eq(&self, other: &[T; N]) -> bool {
        matches!(self, Self::Files(files) if files.len() == N && other.iter().zip(files).all(|(other, own)| other.as_ref() == own))
    }
}

impl Serialize for DataSource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Files(files) => one_or_more::serialize(files, to),
            Self::Source(source) => source.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for DataSource {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            value @ Value::Object(_) => Named::deserialize(value).map(Self::Source).map_err(D::Error::custom),
            value => {
                let files: Vec<String> = one_or_more::deserialize(value).map_err(D::Error::custom)?;
                match files.iter().any(String::is_empty) {
                    // It would stand for the recipe's own folder.
                    true => Err(D::Error::custom("an empty path names no data")),
                    false => Ok(Self::Files(files)),
                }
            }
        }
    }
}

/// `error` of opening the rows of `data.train`.
pub(in crate::task) fn of_train(error: Error) -> Error {
    error.context("data.train")
}

/// `error` of opening the rows of `data.valid`: a user who names other training files than a recipe does may not think of these.
pub(in crate::task) fn of_valid(error: Error) -> Error {
    let error = error.context("data.valid");
    match error.remedy() {
        None => error.with_remedy(Remedy::Validation),
        Some(_) => error,
    }
}
