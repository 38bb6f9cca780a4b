//! The data of a run.

use super::source::DataSource;
use crate::image::Reading;
use crate::rows::Key;
use crate::task::on_bad_row::OnBadRow;
use serde::{Deserialize, Serialize};

/// Which rows a run trains on and which it is measured on: `[data]` of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataOptions {
    /// Training files, folders or patterns, of one [kind](crate::source::Files), or a source.
    pub train: DataSource,
    /// Validation files, folders or patterns, or a source. Where there are none, the validation split of a folder in [`train`](Self::train); where
    /// that has none either, rows are [held out](Self::held_out).
    pub valid: DataSource,
    /// The share of the training rows that is held out for validation where nothing else is validated on, above 0 and below 1: of
    /// each class, where there are classes. Defaults to 0.1.
    pub held_out: f64,
    /// The column of groups, such as patients: no group has rows on both sides of a split, neither of that for validation nor of that for
    /// the choice of the best epoch. Held out are whole groups, near to the share of each class
    /// ([`stratified_group_split`](crate::order::stratified_group_split)). Validation data of its own has none of the training rows'
    /// groups, or is refused. Defaults to none.
    pub group: Option<String>,
    /// The column of times: the latest rows are held out for validation, and the latest of those that are left for the choice of the best
    /// epoch ([`time_split`](crate::order::time_split)), whatever their classes are. Not beside [`group`](Self::group). Defaults to none.
    pub time: Option<String>,
    /// The image column. Defaults to the one that is found by its type.
    pub image: Option<String>,
    /// The target column. Defaults to the one that is found by its type.
    pub label: Option<String>,
    /// What the classes are worked out of, where no column has them: `{ bins = { column = "width", edges = [100, 500] } }`, `{ product = ["kind", "colour"] }` or
    /// `{ equals = { column = "colour", value = "red" } }`. They are the target column then, called as [`label`](Self::label) says, else "label", and named as
    /// [`Key`] names them; the training files and the validation files have the columns that they are worked out of. Defaults to none.
    pub label_by: Option<Key>,
    /// What to do with a row whose picture cannot be made. Which rows these are is found while features are computed. Defaults to
    /// `fail`.
    pub on_bad_row: OnBadRow,
    /// How pictures are read.
    pub reading: Reading,
}

impl Default for DataOptions {
    fn default() -> Self {
        Self {
            train: DataSource::default(),
            valid: DataSource::default(),
            held_out: 0.1,
            group: None,
            time: None,
            image: None,
            label: None,
            label_by: None,
            on_bad_row: OnBadRow::Fail,
            reading: Reading::default(),
        }
    }
}
