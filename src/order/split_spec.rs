use crate::error::{Error, Result};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Rows for training, or those that are held out: what [`split`](crate::DatasetExt::split) takes.
///
/// | given | what is held out |
/// |---|---|
/// | nothing | rows, drawn at random ([`random_split`](crate::order::random_split)) |
/// | `label` | its share of each class ([`stratified`](crate::order::stratified), or [`stratified_multi_label`](crate::order::stratified_multi_label) for lists of classes) |
/// | `group` | whole groups, such as all pictures of a patient ([`group_split`](crate::order::group_split)); with `label` near to the share of each class ([`stratified_group_split`](crate::order::stratified_group_split)) |
/// | `time` | the latest rows ([`time_split`](crate::order::time_split)) |
///
/// Both parts of a split have the same fields but `part`:
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
    /// The column of groups, of which none has rows in both parts: integers, booleans, strings, dates or timestamps, without nulls.
    /// Defaults to none.
    pub group: Option<String>,
    /// The column of times, of which the latest are held out, without nulls: timestamps, dates, numbers, or strings that are all dates or
    /// times as ISO 8601 has them (one without an offset is UTC). Rows with the same time stay in one part. Not beside `group` or
    /// `label`. Defaults to none.
    pub time: Option<String>,
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
            group: None,
            time: None,
        }
    }
}

impl Spec for SplitSpec {
    const NAME: &'static str = "split";

    fn check(&self) -> Result<()> {
        if !(self.share > 0.0 && self.share < 1.0) {
            return Err(Error::config(format!(
                "share is {}, but has to lie above 0 and below 1",
                self.share
            )));
        }
        let beside = match (&self.time, &self.group, &self.label) {
            (Some(_), Some(_), _) => "group",
            (Some(_), None, Some(_)) => "label",
            _ => return Ok(()),
        };
        Err(Error::config(format!(
            "time and {beside}: the latest rows are held out, whatever their {beside} is: leave one of the two out"
        )))
    }
}
