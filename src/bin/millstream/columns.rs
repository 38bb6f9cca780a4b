//! `--image`, `--label`, and which rows are held out.

use crate::recipe::with_default;
use crate::values::part;
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
    /// Whether the label column was given.
    pub(crate) fn has_label(&self) -> bool {
        self.label.is_some()
    }

    /// Sets in `data` what was given.
    pub(crate) fn apply(&self, data: &mut DataOptions) {
        data.image = self.image.clone().or(data.image.take());
        data.label = self.label.clone().or(data.label.take());
    }
}

/// How many rows are held out, and the column by which they are.
#[derive(Args)]
pub(crate) struct HeldOut {
    #[arg(
        long,
        value_name = "SHARE",
        value_parser = part,
        help = with_default(
            "The share of the training rows that is held out, where there is no validation data",
            |run| run.data.held_out
        )
    )]
    held_out: Option<f64>,
    #[command(flatten)]
    split: SplitColumns,
}

impl HeldOut {
    /// Whether the share was given.
    pub(crate) fn has_share(&self) -> bool {
        self.held_out.is_some()
    }

    /// Sets in `data` what was given.
    pub(crate) fn apply(&self, data: &mut DataOptions) {
        data.held_out = self.held_out.unwrap_or(data.held_out);
        self.split.apply(data);
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
