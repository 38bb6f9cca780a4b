//! What the rows of a file are made by.

use super::about::About;
use crate::error::Result;
use crate::exec::Context;
use crate::synthetic::SampleId;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde_json::Value;
use std::fmt;

/// What makes the rows of a [`RowsFile`](super::RowsFile): a [`LearnedModel`](super::LearnedModel), or any other generator as a
/// [`FittedGenerator`](super::FittedGenerator).
///
/// # Law
///
/// A row depends on seed, class and index alone, whichever others are asked for with it.
pub trait RowMaker: fmt::Debug + Send + Sync {
    /// How it was fitted, and on what.
    fn about(&self) -> &About;

    /// What tells it from others, copies of its training rows in other files left aside: 32 hexadecimal digits.
    fn hash(&self) -> &str;

    /// The columns of its rows; the label is `Int64`, a class number.
    fn schema(&self) -> SchemaRef;

    /// Refuses a class that it makes no rows of.
    ///
    /// # Errors
    ///
    /// `Config` for such a class.
    fn check_class(&self, class: u32) -> Result<()>;

    /// The rows for `samples`, in that order, of the seed of `cx`. This blocks, and must not be called inside an async task.
    ///
    /// # Errors
    ///
    /// Those of making a row.
    fn make(&self, cx: &Context, samples: &[SampleId]) -> Result<RecordBatch>;

    /// The most rows that [`make`](Self::make) is asked for at once, which are in memory together. Defaults to all of a round: a thousand, or a few of each class.
    fn at_once(&self) -> usize {
        usize::MAX
    }

    /// What Hugging Face's `datasets` is told of its columns, by name, where their types do not tell it. Defaults to none.
    fn features(&self) -> Value {
        Value::Null
    }

    /// What makes rows of `seed` is called in their provenance: kind, hash and seed.
    fn made_by(&self, seed: u64) -> String {
        let hash = self.hash();
        format!(
            "{} {}, seed {seed}",
            self.about().name(),
            hash.get(..16).unwrap_or(hash)
        )
    }

    /// The number of the class that is called `name`.
    ///
    /// # Errors
    ///
    /// `Config` for a class that there is not, and as [`check_class`](Self::check_class).
    fn class(&self, name: &str) -> Result<u32> {
        let class = self.about().number(name)?;
        self.check_class(class).map(|()| class)
    }
}
