//! `--image`, `--label`, and the columns by which rows are held out.

use clap::Args;
use millstream::task::DataOptions;

/// The columns of pictures and of labels.
#[derive(Args)]
pub(crate) struct Columns {
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// The label column, if not found by its type
    #[arg(long, value_name = "COL")]
    label: Option<String>,
}

impl Columns {
    /// Sets in `data` what was given.
    pub(crate) fn apply(&self, data: &mut DataOptions) {
        data.image = self.image.clone().or(data.image.take());
        data.label = self.label.clone().or(data.label.take());
    }
}

/// The column by which rows are held out.
#[derive(Args)]
pub(crate) struct SplitColumns {
    /// The column of groups, such as patients: whole groups are held out, so that none has rows on both sides
    #[arg(long, value_name = "COL", conflicts_with = "time")]
    group: Option<String>,
    /// The column of times: the latest rows are held out
    #[arg(long, value_name = "COL")]
    time: Option<String>,
}

impl SplitColumns {
    /// Sets in `data` what was given; one takes the place of the other.
    pub(crate) fn apply(&self, data: &mut DataOptions) {
        if self.group.is_some() || self.time.is_some() {
            (data.group, data.time) = (self.group.clone(), self.time.clone());
        }
    }
}
