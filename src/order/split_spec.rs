use crate::error::{Error, Result};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Rows for training, or those that are held out: what [`split`](crate::DatasetExt::split) takes.
///
/// With a column of labels each class is held out by its share ([`stratified`](crate::order::stratified), or
/// [`stratified_multi_label`](crate::order::stratified_multi_label) for lists of them), without one rows are drawn at random
/// ([`random_split`](crate::order::random_split)). Both parts of a split have the same share, seed and label:
///
/// ```
/// use millstream::order::{Part, SplitSpec};
///
/// let train = SplitSpec { seed: 7, ..SplitSpec::default() };
/// let held_out = SplitSpec { part: Part::HeldOut, ..train.clone() };
/// # drop((train, held_out));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SplitSpec {
    /// Which of both parts. Defaults to the training rows.
    pub part: Part,
    /// What share of the rows is held out, above 0 and below 1. Defaults to 0.1.
    pub share: f64,
    /// The seed of the split, which has its own: it is made before anything is fitted. Defaults to 0.
    pub seed: u64,
    /// The column of labels by which it is stratified. Defaults to none: at random.
    pub label: Option<String>,
}

/// One of the parts of a split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Rows to train on.
    #[default]
    Train,
    /// Rows that are held out.
    HeldOut,
}

impl Default for SplitSpec {
    fn default() -> Self {
        Self {
            part: Part::Train,
            share: 0.1,
            seed: 0,
            label: None,
        }
    }
}

impl Spec for SplitSpec {
    const NAME: &'static str = "split";

    fn check(&self) -> Result<()> {
        match self.share > 0.0 && self.share < 1.0 {
            true => Ok(()),
            false => Err(Error::config(format!(
                "share is {}, but has to lie above 0 and below 1",
                self.share
            ))),
        }
    }
}
