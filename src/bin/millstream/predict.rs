use crate::reading::Limit;
use crate::screen::{bar, context, say};
use clap::Args;
use millstream::Result;
use millstream::transfer;
use std::path::PathBuf;

/// Predict the rows of Parquet files with a model that `finetune` or `demo` wrote.
#[derive(Args)]
pub(crate) struct Predict {
    /// The folder with the model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    #[command(flatten)]
    limit: Limit,
    /// Where to write the predictions
    #[arg(long, value_name = "PARQUET", default_value = "predictions.parquet")]
    out: PathBuf,
    /// Parquet files, folders or patterns
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

impl Predict {
    pub(crate) fn run(self) -> Result<()> {
        let cx = context(None, 1024)?;
        let bar = bar("predictions", 0);
        let rows = transfer::predict(
            &cx,
            &self.model,
            &self.files,
            self.image.as_deref(),
            self.limit.max_pixels,
            &mut |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            },
        )?;
        bar.finish();
        transfer::write_parquet(&self.out, &rows)?;
        say(&format!(
            "{} predictions are in {}",
            rows.num_rows(),
            self.out.display()
        ));
        Ok(())
    }
}
