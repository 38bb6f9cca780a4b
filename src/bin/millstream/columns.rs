//! `--image` and `--label`.

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
