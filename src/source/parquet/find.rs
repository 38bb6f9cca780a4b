//! Which column of Parquet files holds the images, and which the labels.

use super::open::Parquet;
use super::schema::projection::Projection;
use crate::error::Result;
use crate::source::fields::{classes, problems};
use crate::source::find::{Columns, Finder, only};
use arrow::datatypes::{Field, Schema};
use std::collections::BTreeSet;

impl Columns for Parquet {
    fn all(&self) -> &Schema {
        &self.projection.schema
    }

    fn is_media(&self, column: &str) -> bool {
        self.projection.is_media(column)
    }

    fn field(&self, name: &str) -> Result<Field> {
        let own: Projection = self.projection.project(&self.files, &[name], &self.name)?;
        Ok(own.schema.field(0).clone())
    }

    fn shown(&self) -> &str {
        &self.name
    }
}

impl Parquet {
    /// The column of encoded images: `named` if it holds bytes, else the only one of the [candidates](Self::image_candidates)
    /// that is not called as masks are (`mask`, `annotation`, `segmentation`); of all of them where no other is left, and where a
    /// column holds labels: then two pictures of a row may both be meant. Beside boxes masks are none, nor are those of objects (`instances`).
    ///
    /// # Errors
    ///
    /// `Schema` where `named` is missing or holds no bytes, where no column holds images, saying which columns there are, and
    /// where several may, naming them.
    pub fn find_image(&self, named: Option<&str>) -> Result<String> {
        Finder(self).image(named)
    }

    /// The column of labels: `named` if it holds labels, else the only one of the [candidates](Self::label_candidates). Labels are
    /// whole numbers, booleans or strings (a class), lists of whole numbers or strings (several classes), or other numbers.
    ///
    /// # Errors
    ///
    /// `Schema` where `named` is missing or holds no labels, where no column holds labels, saying which columns there are,
    /// and where several may, naming them.
    pub fn find_label(&self, named: Option<&str>) -> Result<String> {
        Finder(self).label(named)
    }

    /// The column of targets for the task called `task`: `named` if it `fits`, else the only one of the
    /// [candidates](Self::label_candidates) of a label, or of all columns if none of these does, that fits.
    ///
    /// # Errors
    ///
    /// `Schema` as for [`find_label`](Self::find_label), with what `fits` says of the column that is named.
    pub fn find_target(&self, named: Option<&str>, task: &str, fits: &dyn Fn(&Field) -> Result<()>) -> Result<String> {
        Finder(self).target(named, task, fits)
    }

    /// The column that [`find_image`](Self::find_image) finds without a name; `None` where there is none or more than one.
    pub fn image_column(&self) -> Option<String> {
        Finder(self).image_column()
    }

    /// The columns that may hold encoded images: those that Hugging Face's metadata calls an `Image`; else the structs with
    /// `bytes`; else the binary columns; else those of binary values of one size. A column that the metadata calls by
    /// another kind (`Audio`, `Video`, `Pdf` and so on) is none of them; one that is called `mask` is, but for that beside boxes and other candidates. Where no column is one, fields of structs are looked at.
    pub fn image_candidates(&self) -> Vec<String> {
        Finder(self).image_candidates()
    }

    /// The column that [`find_label`](Self::find_label) finds without a name; `None` where there is none or more than one.
    pub fn label_column(&self) -> Option<String> {
        only(self.label_candidates())
    }

    /// The columns that may hold labels: those that Hugging Face's metadata calls a `ClassLabel`, or a list of them; else those that
    /// are named label, class, target or tag (or labels, and so on); else those of whole numbers, booleans or strings; else lists of
    /// these; else other numbers. A column that is named as a row's key (id, index, `file_name` and so on) is one only where there is no
    /// other. Where no column is one, fields of structs are looked at.
    pub fn label_candidates(&self) -> Vec<String> {
        Finder(self).label_candidates()
    }

    /// What is wrong with what Hugging Face's `datasets` left in the files of their columns, a sentence each, without a full stop.
    pub(crate) fn metadata_problems(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.files.iter().flat_map(|file| problems(&file.schema)).collect();
        all.into_iter().collect()
    }

    /// The names of the classes 0, 1, ... of `column`, where Hugging Face's metadata has them.
    pub fn class_names(&self, column: &str) -> Option<Vec<String>> {
        classes(self.projection.schema.field_with_name(column).ok()?)
    }
}
