//! The columns of files: which are read, what they are, and what is known of them.

use super::open::{Files, Rows};
#[cfg(feature = "train")]
use super::own::OwnRows;
use crate::dataset::Dataset;
#[cfg(feature = "train")]
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::source::fields::classes;
use crate::source::find::{Finder, only};
use crate::source::parquet::Parquet;
use crate::source::read_times::ReadTimes;
use crate::stored_rows::StoredRows;
use arrow::datatypes::Field;
use std::collections::HashSet;
#[cfg(feature = "train")]
use std::sync::Arc;

impl Files {
    /// The files that are read, where the rows are made of theirs.
    pub(super) fn stored(&self) -> &Self {
        self.below.as_deref().unwrap_or(self)
    }

    /// The same files, whose rows are `rows`: made of theirs, in the same order, with columns more.
    #[cfg(feature = "train")]
    pub(crate) fn made_into(self, rows: Arc<dyn Stable>) -> Self {
        let (name, notes) = (Arc::clone(&self.name), Arc::clone(&self.notes));
        Self {
            rows: Rows::Own(OwnRows::new(rows, &name)),
            name,
            notes,
            below: Some(Arc::new(self.stored().clone())),
        }
    }

    fn finder(&self) -> Finder<'_> {
        match &self.rows {
            Rows::Parquet(rows) => Finder(rows),
            Rows::Folder(rows) => Finder(rows.table()),
            Rows::Listing(rows) => Finder(rows.table()),
            Rows::Own(rows) => Finder(rows),
        }
    }

    /// Reads only the columns `names`, and puts them in that order.
    ///
    /// # Errors
    ///
    /// As [`Parquet::columns`].
    pub fn columns(self, names: &[&str]) -> Result<Self> {
        let rows = match self.rows {
            Rows::Parquet(rows) => Rows::Parquet(rows.columns(names)?),
            Rows::Folder(rows) => Rows::Folder(rows.columns(names)?),
            Rows::Listing(rows) => Rows::Listing(rows.columns(names)?),
            Rows::Own(rows) => Rows::Own(rows.columns(names)?),
        };
        Ok(Self { rows, ..self })
    }

    /// The column of encoded images, as [`Parquet::find_image`] finds it.
    ///
    /// # Errors
    ///
    /// As [`Parquet::find_image`].
    pub fn find_image(&self, named: Option<&str>) -> Result<String> {
        self.finder().image(named)
    }

    /// The column of encoded images beside the masks in `mask`: `named` if it holds bytes, else the only other one.
    ///
    /// # Errors
    ///
    /// As [`find_image`](Self::find_image).
    #[cfg(feature = "train")]
    pub(crate) fn find_image_beside_masks(&self, named: Option<&str>, mask: &str) -> Result<String> {
        self.finder().image_beside_masks(named, mask)
    }

    /// The column of labels, as [`Parquet::find_label`] finds it.
    ///
    /// # Errors
    ///
    /// As [`Parquet::find_label`].
    pub fn find_label(&self, named: Option<&str>) -> Result<String> {
        self.finder().label(named)
    }

    /// The column of targets for the task called `task`, as [`Parquet::find_target`] finds it.
    ///
    /// # Errors
    ///
    /// As [`Parquet::find_target`].
    pub fn find_target(&self, named: Option<&str>, task: &str, fits: &dyn Fn(&Field) -> Result<()>) -> Result<String> {
        self.finder().target(named, task, fits)
    }

    /// The column of encoded masks: `named` if it holds bytes, else the only one beside the picture's that is called as masks are, or the
    /// only one beside it.
    ///
    /// # Errors
    ///
    /// `Schema` where `named` is missing or holds no bytes, and where no column or more than one may hold masks.
    pub fn find_mask(&self, named: Option<&str>) -> Result<String> {
        self.finder().mask(named)
    }

    /// The column of masks that is there without a name: the only one that is called so.
    pub(crate) fn mask_column(&self) -> Option<String> {
        only(self.finder().called_masks())
    }

    /// The columns that may hold encoded images, as [`Parquet::image_candidates`] has them.
    pub fn image_candidates(&self) -> Vec<String> {
        self.finder().image_candidates()
    }

    /// The column that [`find_image`](Self::find_image) finds without a name; `None` where there is none or more than one.
    pub fn image_column(&self) -> Option<String> {
        self.finder().image_column()
    }

    /// The columns that may hold labels, as [`Parquet::label_candidates`] has them.
    pub fn label_candidates(&self) -> Vec<String> {
        self.finder().label_candidates()
    }

    /// The names of the classes 0, 1, ... of `column`, where they are known.
    pub fn class_names(&self, column: &str) -> Option<Vec<String>> {
        classes(self.schema().field_with_name(column).ok()?)
    }

    /// What the steps of reading take, measured on some rows; batches of `batch` rows are gathered.
    pub(crate) async fn read_times(&self, cx: &Context, batch: u64) -> Result<ReadTimes> {
        match &self.stored().rows {
            Rows::Parquet(rows) => rows.read_times(cx, batch).await,
            Rows::Folder(rows) => rows.table().read_times(cx, batch).await,
            Rows::Listing(rows) => rows.table().read_times(cx, batch).await,
            Rows::Own(_) => Err(Error::config("the steps of reading are those of files").context(self.name())),
        }
    }

    /// With columns of numbers together as one tensor, which Parquet files alone have.
    ///
    /// # Errors
    ///
    /// As [`Parquet::tensor`].
    pub(crate) fn tensor(self, name: &str, columns: &[&str]) -> Result<Self> {
        let rows = match self.rows {
            Rows::Parquet(rows) => Rows::Parquet(rows.tensor(name, columns)?),
            other => other,
        };
        Ok(Self { rows, ..self })
    }

    /// Those of the rows at `positions` in which the struct `column` has a `path`.
    pub(crate) async fn with_path(&self, column: &str, positions: &[u64]) -> Result<HashSet<u64>> {
        match &self.rows {
            Rows::Parquet(rows) => rows.with_path(column, positions).await,
            _ => Ok(HashSet::new()),
        }
    }

    /// What is wrong with what Hugging Face's `datasets` left in the files of their columns.
    pub(crate) fn metadata_problems(&self) -> Vec<String> {
        self.parquet().map(Parquet::metadata_problems).unwrap_or_default()
    }

    /// The rows that generators were fitted on which made rows of these files; none of files that do not say it.
    pub(crate) fn fitted_on(&self) -> StoredRows {
        self.parquet().map(Parquet::fitted_on).unwrap_or_default()
    }

    /// Whether all of these files say what the generators were fitted on which made their rows.
    pub(crate) fn all_say_fitted_on(&self) -> bool {
        self.parquet().is_some_and(Parquet::all_say_fitted_on)
    }

    /// The column of classes that the generators were fitted with which made rows of these files; none of files that do not say the same.
    pub(crate) fn made_label(&self) -> Option<&str> {
        self.parquet().and_then(Parquet::made_label)
    }

    /// Nulls in `column`; none where that is not known without reading it.
    pub(crate) fn nulls(&self, column: &str) -> Option<u64> {
        match &self.rows {
            Rows::Parquet(rows) => rows.nulls(column),
            _ => self.table()?.nulls(column),
        }
    }
}
