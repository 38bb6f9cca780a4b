use crate::on_error::OnPredictionError;
use crate::reading::Limit;
use crate::screen::{advise, bar, context, say};
use clap::Args;
use millstream::Result;
use millstream::transfer::{self, Output};
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
    /// Replace the file of that name
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    on_error: OnPredictionError,
    /// Parquet files, folders or patterns
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

impl Predict {
    pub(crate) fn run(self) -> Result<()> {
        let cx = context(None, 1024)?;
        let output = Output::new(&self.out, self.overwrite);
        advise(
            output.check(&cx, &self.model, &self.files),
            "--overwrite, or another --out",
        )?;
        let bar = bar("predictions", 0);
        let rows = transfer::predict(
            &cx,
            &self.model,
            &self.files,
            self.image.as_deref(),
            self.limit.max_pixels,
            self.on_error.rule(),
            &mut |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            },
        )?;
        bar.finish();
        advise(output.write(&rows), "--overwrite, or another --out")?;
        let errors = rows.column_by_name("error");
        let without = errors.map_or(0, |errors| errors.len() - errors.null_count());
        if without > 0 {
            say(&format!(
                "{without} rows have no prediction, because their pictures cannot be read; their column \"error\" says why"
            ));
        }
        say(&format!(
            "{} predictions are in {}",
            rows.num_rows() - without,
            self.out.display()
        ));
        Ok(())
    }
}
