use crate::screen::{context, print};
use clap::Args;
use millstream::Result;

/// Show schema, rows, row groups and class counts of Parquet files, and what balancing would cost.
#[derive(Args)]
pub(crate) struct Inspect {
    /// The label column, if not found by its type
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// Parquet files, folders or patterns
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<()> {
        let cx = context(None, 256)?;
        print(&cx.block_on(millstream::inspect(&cx, &self.files, self.label.as_deref()))?)
    }
}
